/**
 * Synchronisation: takes blocks in from gossip, hello and the own miner, fetches what is missing below
 * them, validates, builds the widest tipset known of each height and parents, and moves the head to the
 * heaviest chain. One block at a time; what waits is bounded.
 */
import { type CID, decode, encode, HoldfastError, type PeerId } from "@holdfast/base";
import {
  blockCid,
  compareTipsets,
  createTipset,
  type FullBlock,
  fullBlockCodec,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { syncErrors } from "./errors.ts";
import { requestChain, serveExchange } from "./exchange.ts";
import { openHello } from "./hello.ts";
import type { SyncNeeds } from "./needs.ts";
import { createValidator, type Validator } from "./validate.ts";

export { syncErrors } from "./errors.ts";
export { exchangeProtocol } from "./exchange.ts";
export { helloProtocol } from "./hello.ts";
export type { SyncChain, SyncNeeds } from "./needs.ts";

export interface SyncState {
  readonly state: "synced" | "syncing" | "stalled";
  readonly reason: string;
}

export interface Sync extends AsyncDisposable {
  /** Validates, takes in and gossips a block of this node's miner; errors as validation. */
  submitOwnBlock(block: FullBlock): Promise<void>;
  state(): SyncState;
  /** Heights that peers told in their hello or showed by a block. */
  peerHeights(): ReadonlyMap<PeerId, number>;
  /** Resolves when everything received so far is dealt with. */
  settled(): Promise<void>;
}

/** Rounds without a new tipset after which the chain counts as stalled. */
const stallRounds = 20;

export function blockTopic(network: string): string {
  return `/fil/blocks/${network}`;
}

export function openSync(needs: SyncNeeds): Sync {
  return new Syncer(needs);
}

class Syncer implements Sync {
  readonly #needs: SyncNeeds;
  readonly #validator: Validator;
  readonly #endings: (() => void)[];
  readonly #stop = new AbortController();
  readonly #bad = new Set<string>();
  readonly #heights = new Map<PeerId, number>();
  /** Blocks of recent heights that are valid alone, by height and parents: material for wider tipsets. */
  readonly #siblings = new Map<string, Map<string, FullBlock>>();
  #waiting = 0;
  #catchingUp = false;
  #last: Promise<void> = Promise.resolve();

  constructor(needs: SyncNeeds) {
    this.#needs = needs;
    this.#validator = createValidator(needs);
    const { chain, wire, clock } = needs;
    this.#endings = [
      serveExchange(chain, wire, clock),
      wire.subscribe(blockTopic(chain.params.name), (bytes, from) => this.#fromGossip(bytes, from)),
      openHello(needs, (peer, hello) => {
        this.#heights.set(peer, hello.heaviestTipSetHeight);
        const known = chain.tipset(tipsetKey(hello.heaviestTipSetCids)) !== undefined;
        if (!known && hello.heaviestTipSetHeight > 0) {
          this.#enqueue(() => this.#catchUp(hello.heaviestTipSetCids, [peer]));
        }
      }),
      wire.onPeer((event, peer) => void (event === "disconnect" && this.#heights.delete(peer))),
    ];
  }

  async submitOwnBlock(block: FullBlock): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#enqueue(() => this.#takeIn(block).then(done.resolve, done.reject));
    await this.#last;
    // Without effect unless the queue was stopped before the block's turn.
    done.reject(syncErrors.stopped({}));
    await done.promise;
    await this.#needs.wire.publish(blockTopic(this.#needs.chain.params.name), encode(fullBlockCodec, block));
  }

  state(): SyncState {
    const { chain, clock } = this.#needs;
    const ageRounds = (clock.nowMs() - (chain.head().blocks[0]?.timestampMs ?? 0)) / chain.params.roundMs;
    if (this.#catchingUp) return { state: "syncing", reason: "fetching the chain from peers" };
    if (ageRounds < stallRounds) return { state: "synced", reason: "new blocks come in" };
    const peers = this.#needs.wire.peers().length;
    const reason = peers === 0 ? "there is no peer" : `no block for ${Math.floor(ageRounds)} rounds`;
    return { state: "stalled", reason };
  }
  peerHeights(): ReadonlyMap<PeerId, number> {
    return this.#heights;
  }
  async settled(): Promise<void> {
    await this.#last;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(syncErrors.stopped({}));
    for (const end of this.#endings.splice(0)) end();
    await this.#last;
  }

  async #fromGossip(bytes: Uint8Array, from: PeerId): Promise<"accept" | "ignore" | "reject"> {
    const { chain, logger } = this.#needs;
    let block: FullBlock;
    try {
      block = decode(fullBlockCodec, bytes, { maxBytes: limits.gossipMessageBytes });
    } catch {
      return "reject";
    }
    const cid = blockCid(block.header);
    if (this.#bad.has(cid.toString())) return "reject";
    if (chain.fullBlock(cid) !== undefined) return "ignore";
    const nearHead = block.header.height > chain.head().height - chain.params.finalityEpochs;
    if (!nearHead || this.#waiting >= limits.orphanBlocks) return "ignore";
    const parentKnown = chain.tipset(tipsetKey(block.header.parents)) !== undefined;
    if (parentKnown) {
      try {
        await this.#validator.checkHeader(block);
      } catch (error) {
        logger.warn("block refused", { block: cid.toString(), from, detail: String(error) });
        return this.#isLie(error) ? "reject" : "ignore";
      }
    }
    this.#heights.set(from, Math.max(this.#heights.get(from) ?? 0, block.header.height));
    this.#enqueue(() => this.#fromPeer(block, from));
    return parentKnown ? "accept" : "ignore";
  }

  /** A clock that differs is nobody's lie; everything else that a header claims can be checked by its sender. */
  #isLie(error: unknown): boolean {
    return (
      error instanceof HoldfastError &&
      error.code.startsWith("block/") &&
      error.code !== "block/from-the-future"
    );
  }

  async #fromPeer(block: FullBlock, from: PeerId): Promise<void> {
    const { chain } = this.#needs;
    if (chain.fullBlock(blockCid(block.header)) !== undefined) return;
    if (chain.tipset(tipsetKey(block.header.parents)) === undefined)
      await this.#catchUp(block.header.parents, [from]);
    await this.#takeIn(block);
  }

  /** Validates one block alone, then with its siblings, and moves the head if that is better. */
  async #takeIn(block: FullBlock): Promise<void> {
    const cid = blockCid(block.header).toString();
    if (this.#bad.has(cid)) throw syncErrors.knownBad({ block: cid });
    try {
      const alone = await this.#validator.validate([block]);
      await this.#offerHead(alone);
      const family = this.#remember(block);
      if (family.length > 1) await this.#offerHead(await this.#validator.validate(family));
    } catch (error) {
      if (this.#isLie(error)) this.#markBad(cid);
      throw error;
    }
  }

  #remember(block: FullBlock): FullBlock[] {
    const { header } = block;
    const place = `${header.height}/${tipsetKey(header.parents)}`;
    const family = this.#siblings.get(place) ?? new Map<string, FullBlock>();
    const rival = family.get(header.miner);
    // Two blocks of one miner are a consensus fault; the first that was seen stays.
    if (rival === undefined) family.set(header.miner, block);
    this.#siblings.set(place, family);
    if (this.#siblings.size > limits.orphanBlocks) {
      const oldest = this.#siblings.keys().next().value;
      if (oldest !== undefined) this.#siblings.delete(oldest);
    }
    return [...family.values()];
  }

  async #offerHead(tipset: Tipset): Promise<void> {
    const { chain } = this.#needs;
    const head = chain.head();
    const candidate = { tipset, weight: chain.weightOf(tipset.key) ?? 0n };
    if (compareTipsets(candidate, { tipset: head, weight: chain.weightOf(head.key) ?? 0n }) > 0) {
      await chain.setHead(tipset.key);
    }
  }

  /** Brings in everything up to `to`, from these peers or any other. */
  async #catchUp(to: readonly CID[], asked: readonly PeerId[]): Promise<void> {
    const { chain, wire, logger } = this.#needs;
    if (chain.tipset(tipsetKey(to)) !== undefined || (await this.#assemble(to))) return;
    const others = wire
      .peers()
      .map(({ id }) => id)
      .filter((id) => !asked.includes(id));
    const peers = [...asked, ...others];
    this.#catchingUp = true;
    try {
      for (const peer of peers) {
        try {
          if (await this.#catchUpFrom(peer, to)) return;
        } catch (error) {
          if (this.#stop.signal.aborted) throw error;
          logger.debug("catching up failed", { peer, detail: String(error) });
        }
      }
    } finally {
      this.#catchingUp = false;
    }
    throw syncErrors.ancestorsMissing({ key: tipsetKey(to), tried: peers.length });
  }

  /** The blocks may all be here, only not yet seen as one tipset. */
  async #assemble(to: readonly CID[]): Promise<boolean> {
    const blocks = to.map((cid) => this.#needs.chain.fullBlock(cid));
    if (!blocks.every((block) => block !== undefined)) return false;
    await this.#offerHead(await this.#validator.validate(blocks));
    return true;
  }

  async #catchUpFrom(peer: PeerId, to: readonly CID[]): Promise<boolean> {
    const { chain, wire, clock } = this.#needs;
    let after = await this.#commonTipset(peer, to);
    while (after !== undefined && after.key !== tipsetKey(to)) {
      const request = { after: after.cids, to, count: limits.exchangeTipsets };
      const tipsets = await requestChain(wire, clock, peer, request, this.#stop.signal);
      if (tipsets.length === 0) return false;
      for (const blocks of tipsets) {
        const tipset = createTipset(blocks.map(({ header }) => header));
        after = chain.tipset(tipset.key) ?? (await this.#validateFetched(blocks));
      }
      await this.#offerHead(after);
    }
    return after !== undefined;
  }

  async #validateFetched(blocks: readonly FullBlock[]): Promise<Tipset> {
    try {
      return await this.#validator.validate(blocks);
    } catch (error) {
      if (this.#isLie(error)) for (const { header } of blocks) this.#markBad(blockCid(header).toString());
      throw error;
    }
  }

  /** The newest of our tipsets on which the peer's chain to `to` stands. */
  async #commonTipset(peer: PeerId, to: readonly CID[]): Promise<Tipset | undefined> {
    const { chain, wire, clock } = this.#needs;
    const head = chain.head();
    for (let depth = 0; depth <= chain.params.finalityEpochs * 2; depth = depth * 2 + 1) {
      const after = chain.tipsetAt(Math.max(0, head.height - depth));
      const request = { after: after.cids, to, count: 1 };
      const answer = await requestChain(wire, clock, peer, request, this.#stop.signal);
      if (answer.length > 0) return this.#withinFinality(after);
      if (after.height === 0) return undefined;
    }
    return undefined;
  }

  #withinFinality(after: Tipset): Tipset {
    const { chain } = this.#needs;
    const depth = chain.head().height - after.height;
    const finality = chain.params.finalityEpochs;
    if (depth > finality) throw syncErrors.beyondFinality({ depth, finality });
    return after;
  }

  #markBad(cid: string): void {
    this.#bad.add(cid);
    if (this.#bad.size <= limits.badBlocks) return;
    const oldest = this.#bad.values().next().value;
    if (oldest !== undefined) this.#bad.delete(oldest);
  }

  #enqueue(work: () => Promise<void>): void {
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      try {
        if (!this.#stop.signal.aborted) await work();
      } catch (error) {
        this.#needs.logger.debug("block not taken in", { detail: String(error) });
      } finally {
        this.#waiting -= 1;
      }
    });
  }
}
