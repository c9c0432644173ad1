/**
 * Synchronisation: takes blocks in from gossip, hello and the own miner, fetches what is missing below
 * them, validates, builds the widest tipset known of each height and parents, and moves the head to the
 * heaviest chain. Blocks are validated one at a time in one lane and ancestors are fetched in another, so a
 * peer that names ancestors that nobody has keeps no honest block waiting; what waits is bounded.
 * Invariants: a block counts as bad only by what its own header and the body under its root show; the chain
 * is never reorganised below finality.
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
import { FaultWatch } from "./faults.ts";
import { openHello } from "./hello.ts";
import { Lane } from "./lane.ts";
import type { SyncNeeds } from "./needs.ts";
import { createValidator, hasOwnBody, type Validator } from "./validate.ts";

export { syncErrors } from "./errors.ts";
export { exchangeProtocol } from "./exchange.ts";
export { FaultWatch, type FoundFault } from "./faults.ts";
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
  readonly #siblings = new Map<string, Map<string, CID>>();
  /** Validation and moves of the head. Never waits for a peer. */
  readonly #blocks = new Lane();
  /** Questions to peers; what they answer goes through the lane of the blocks. */
  readonly #fetches = new Lane();
  readonly #fetchesOf = new Map<PeerId, number>();
  readonly #faults: FaultWatch;
  #catchingUp = false;

  constructor(needs: SyncNeeds) {
    this.#needs = needs;
    this.#faults = new FaultWatch(needs.chain.params.finalityEpochs);
    this.#validator = createValidator(needs);
    const { chain, wire, clock } = needs;
    this.#endings = [
      serveExchange(chain, wire, clock),
      wire.subscribe(blockTopic(chain.params.name), (bytes, from) => this.#fromGossip(bytes, from)),
      openHello(needs, (peer, hello) => {
        this.#heights.set(peer, hello.heaviestTipSetHeight);
        const known = chain.tipset(tipsetKey(hello.heaviestTipSetCids)) !== undefined;
        if (!known && hello.heaviestTipSetHeight > 0) {
          this.#fetchFor(peer, () => this.#catchUp(hello.heaviestTipSetCids, peer));
        }
      }),
      wire.onPeer((event, peer) => void (event === "disconnect" && this.#heights.delete(peer))),
    ];
  }

  async submitOwnBlock(block: FullBlock): Promise<void> {
    await this.#inLane(() => this.#takeIn(block));
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
    while (this.#fetches.waiting + this.#blocks.waiting > 0) {
      await this.#fetches.idle();
      await this.#blocks.idle();
    }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(syncErrors.stopped({}));
    for (const end of this.#endings.splice(0)) end();
    await this.settled();
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
    if (!nearHead || this.#blocks.waiting >= limits.queuedBlocks) return "ignore";
    // Who has won once can sign blocks without number; one that others build on is fetched with what stands on it.
    if (this.#faults.isProven(block.header)) return "ignore";
    // Whoever forwards a block has compared its body with its header; no verdict on the block follows.
    if (!hasOwnBody(block)) return "reject";
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
    if (!parentKnown) {
      this.#fetchFor(from, () => this.#fetchBelow(block, from));
      return "ignore";
    }
    this.#logged(this.#inLane(() => this.#takeIn(block)));
    return "accept";
  }

  /** A clock that differs is nobody's lie; everything else that a header claims can be checked by its sender. */
  #isLie(error: unknown): boolean {
    return (
      error instanceof HoldfastError &&
      error.code.startsWith("block/") &&
      error.code !== "block/from-the-future"
    );
  }

  async #fetchBelow(block: FullBlock, from: PeerId): Promise<void> {
    const { chain } = this.#needs;
    if (chain.tipset(tipsetKey(block.header.parents)) === undefined)
      await this.#catchUp(block.header.parents, from);
    await this.#inLane(() => this.#takeIn(block));
  }

  /** Validates one block alone, then with its siblings, and moves the head if that is better. */
  async #takeIn(block: FullBlock): Promise<void> {
    const cid = blockCid(block.header);
    if (this.#bad.has(cid.toString())) throw syncErrors.knownBad({ block: cid.toString() });
    // One that is here already, from before a restart, may still be missing in the tipset of its height.
    if (this.#needs.chain.fullBlock(cid) === undefined)
      await this.#offerHead(await this.#validateAlone(block));
    this.#watch(block);
    const family = this.#remember(block);
    if (family.length > 1) await this.#offerHead(await this.#validator.validate(family));
  }

  #watch({ header }: FullBlock): void {
    const { chain, logger, onFault } = this.#needs;
    const parents = chain.tipset(tipsetKey(header.parents))?.blocks ?? [];
    const fault = this.#faults.see(header, parents);
    if (fault === undefined) return;
    logger.warn("a miner has signed what it must not", { miner: fault.miner, kind: fault.kind });
    onFault?.(fault);
  }

  /** The only way in which a block becomes a bad one. */
  async #validateAlone(block: FullBlock): Promise<Tipset> {
    try {
      return await this.#validator.validate([block]);
    } catch (error) {
      if (this.#isLie(error)) this.#markBad(blockCid(block.header).toString());
      throw error;
    }
  }

  #remember(block: FullBlock): FullBlock[] {
    const { header } = block;
    const place = `${header.height}/${tipsetKey(header.parents)}`;
    const family = this.#siblings.get(place) ?? this.#knownFamily(block);
    // Two blocks of one miner are a consensus fault; the first that was seen stays.
    if (!family.has(header.miner)) family.set(header.miner, blockCid(header));
    this.#siblings.set(place, family);
    if (this.#siblings.size > limits.orphanBlocks) {
      const oldest = this.#siblings.keys().next().value;
      if (oldest !== undefined) this.#siblings.delete(oldest);
    }
    return [...family.values()].flatMap((cid) => this.#needs.chain.fullBlock(cid) ?? []);
  }

  /** After a start only the chain knows which blocks of a height and parents came before. */
  #knownFamily({ header: { height, parents } }: FullBlock): Map<string, CID> {
    const at = this.#needs.chain.tipsetAt(height);
    const isSamePlace = at.height === height && tipsetKey(at.parents) === tipsetKey(parents);
    return new Map(isSamePlace ? at.blocks.map((header) => [header.miner, blockCid(header)]) : []);
  }

  async #offerHead(tipset: Tipset): Promise<void> {
    const { chain } = this.#needs;
    const head = chain.head();
    const candidate = { tipset, weight: chain.weightOf(tipset.key) ?? 0n };
    if (compareTipsets(candidate, { tipset: head, weight: chain.weightOf(head.key) ?? 0n }) > 0) {
      this.#checkFinality(tipset);
      await chain.setHead(tipset.key);
    }
  }

  /** A head must stand on what is final here, however heavy it is. */
  #checkFinality(tipset: Tipset): void {
    const { chain } = this.#needs;
    const { height } = this.#finalTipset();
    let at: Tipset | undefined = tipset;
    for (; at !== undefined && at.height >= height; at = chain.parentOf(at)) {
      if (chain.tipsetAt(at.height).key === at.key) return;
    }
    throw syncErrors.beyondFinality({ finality: chain.params.finalityEpochs });
  }
  #finalTipset(): Tipset {
    const { chain } = this.#needs;
    return chain.tipsetAt(Math.max(0, chain.head().height - chain.params.finalityEpochs));
  }

  /** Brings in everything up to `to`, from these peers or any other. */
  async #catchUp(to: readonly CID[], first: PeerId): Promise<void> {
    const { chain, wire, logger } = this.#needs;
    if (chain.tipset(tipsetKey(to)) !== undefined || (await this.#inLane(() => this.#assemble(to)))) return;
    const others = wire
      .peers()
      .map(({ id }) => id)
      .filter((id) => id !== first);
    const peers = [first, ...others];
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
        after = chain.tipset(tipset.key) ?? (await this.#inLane(() => this.#validateFetched(blocks)));
      }
      const reached: Tipset = after;
      await this.#inLane(() => this.#offerHead(reached));
    }
    return after !== undefined;
  }

  /** One block of a fetched tipset that lies says nothing about the others: each is judged alone. */
  async #validateFetched(blocks: readonly FullBlock[]): Promise<Tipset> {
    try {
      const tipset = await this.#validator.validate(blocks);
      // Who forks the chain behind a partition is seen when its other side is fetched.
      for (const block of blocks) this.#watch(block);
      return tipset;
    } catch (error) {
      if (this.#isLie(error))
        for (const block of blocks) await this.#validateAlone(block).catch(() => undefined);
      throw error;
    }
  }

  /** The newest of our tipsets on which the peer's chain to `to` stands; none of them lies below finality. */
  async #commonTipset(peer: PeerId, to: readonly CID[]): Promise<Tipset | undefined> {
    const { chain, wire, clock } = this.#needs;
    const head = chain.head();
    const has = async (after: Tipset): Promise<boolean> => {
      const request = { after: after.cids, to, count: 1 };
      return (await requestChain(wire, clock, peer, request, this.#stop.signal)).length > 0;
    };
    const final = this.#finalTipset();
    for (let depth = 0; ; depth = depth * 2 + 1) {
      const height = Math.max(final.height, head.height - depth);
      const after = chain.tipsetAt(height);
      if (await has(after)) return after;
      if (height === final.height) break;
    }
    if (final.height > 0 && (await has(chain.genesis)))
      throw syncErrors.beyondFinality({ finality: chain.params.finalityEpochs });
    return undefined;
  }

  #markBad(cid: string): void {
    this.#bad.add(cid);
    if (this.#bad.size <= limits.badBlocks) return;
    const oldest = this.#bad.values().next().value;
    if (oldest !== undefined) this.#bad.delete(oldest);
  }

  /** Errors: those of the work, `sync/stopped`. */
  #inLane<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#blocks.run(async () => {
      this.#stop.signal.throwIfAborted();
      return work();
    });
  }

  /** A peer has a few turns at a time, so that one alone cannot keep the others from theirs. */
  #fetchFor(peer: PeerId, work: () => Promise<void>): void {
    const running = this.#fetchesOf.get(peer) ?? 0;
    if (running >= limits.fetchesPerPeer || this.#fetches.waiting >= limits.orphanBlocks) return;
    this.#fetchesOf.set(peer, running + 1);
    const done = this.#fetches.run(async () => {
      this.#stop.signal.throwIfAborted();
      await work();
    });
    this.#logged(
      done.finally(() => {
        const left = (this.#fetchesOf.get(peer) ?? 1) - 1;
        if (left > 0) this.#fetchesOf.set(peer, left);
        else this.#fetchesOf.delete(peer);
      }),
    );
  }

  #logged(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#needs.logger.debug("block not taken in", { detail: String(error) });
    });
  }
}
