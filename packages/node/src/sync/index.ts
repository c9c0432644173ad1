/**
 * Synchronisation: takes blocks in from gossip, hello and the own miner, fetches what is missing below
 * them, validates, builds the widest tipset known of each height and parents, and moves the head to the
 * heaviest chain. Blocks are validated one at a time in one lane; whatever waits for a peer waits outside of it
 * (catch-up.ts), so a peer that names ancestors that nobody has keeps no honest block waiting; what waits is bounded.
 * Invariants: a block counts as bad only by what its own header and the body under its root show; the chain
 * is never reorganised below finality.
 */
import { type Cancel, type CID, decode, encode, HoldfastError, type PeerId } from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  compareTipsets,
  createTipset,
  type FullBlock,
  fullBlockCodec,
  type Tipset,
  timestampOf,
  tipsetKey,
} from "@holdfast/consensus";
import { standsOnFinal } from "../final.ts";
import type { Held } from "../held.ts";
import { limits } from "../limits.ts";
import { ServingGate } from "../serving-gate.ts";
import { AheadWatch } from "./ahead.ts";
import { Asker } from "./ask.ts";
import { type BadEntry, BadTipsets, isProofOfBad } from "./bad.ts";
import { type BeginProgress, type FetchFrom, openStateSync, type StateSync } from "./begin.ts";
import { ChainBlocks } from "./blocks.ts";
import { CatchUp } from "./catch-up.ts";
import { syncErrors } from "./errors.ts";
import { exchangeShares, isBodyOf, serveExchange } from "./exchange.ts";
import { FaultWatch } from "./faults.ts";
import { heldBySync, type SyncMemory } from "./held.ts";
import { type Greeter, type Hello, openHello } from "./hello.ts";
import { Lane } from "./lane.ts";
import type { SyncNeeds } from "./needs.ts";
import { type PeerScore, PeerScores } from "./scores.ts";
import { Siblings } from "./siblings.ts";
import { diagnose, type SyncState, type Trouble, unknownUpgradeNow } from "./stall.ts";
import type { Sync } from "./types.ts";
import { createValidator, type Validator } from "./validate.ts";

export type { BadEntry } from "./bad.ts";
export type { BeginProgress } from "./begin.ts";
export { syncErrors } from "./errors.ts";
export { exchangeProtocol, rangeBlockCodec, rangeRequestCodec, rangeStartCodec } from "./exchange.ts";
export { FaultWatch, type FoundFault } from "./faults.ts";
export { helloCodec, helloProtocol } from "./hello.ts";
export type { SwapDoor, SyncChain, SyncNeeds } from "./needs.ts";
export type { PeerScore, PeerVerdict } from "./scores.ts";
export { type StallCode, type SyncState, stallCodes } from "./stall.ts";
export type { Sync } from "./types.ts";
export { createValidator } from "./validate.ts";

export function blockTopic(network: string): string {
  return `/fil/blocks/${network}`;
}

export function openSync(needs: SyncNeeds): Sync {
  return new Syncer(needs);
}

/** Shortest pause between two looks at how the node does. */
const leastTickMs = 1_000;
/** Rounds without a block after which peers are asked where they are. */
const greetRounds = 5;

class Syncer implements Sync {
  readonly #needs: SyncNeeds;
  readonly #validator: Validator;
  readonly #endings: (() => void)[];
  readonly #stop = new AbortController();
  readonly #bad: BadTipsets;
  readonly #scores: PeerScores;
  readonly #catchUp: CatchUp;
  readonly #greeter: Greeter;
  readonly #heights = new Map<PeerId, number>();
  readonly #siblings: Siblings;
  /** Validation and moves of the head. Never waits for a peer. */
  readonly #blocks = new Lane();
  readonly #faults: FaultWatch;
  readonly #ticking: Promise<void>;
  /** Since the start. */
  #movedAtMs = 0;
  readonly #ahead: AheadWatch;
  readonly #singles: ChainBlocks;
  readonly #memory: SyncMemory;
  readonly #begin: StateSync | undefined;
  readonly #begun: Promise<void>;
  #disk: Trouble | undefined;

  constructor(needs: SyncNeeds) {
    const { chain, wire, clock } = needs;
    this.#needs = needs;
    this.#faults = new FaultWatch(chain.params.finalityEpochs);
    this.#validator = createValidator(needs);
    this.#siblings = new Siblings(chain);
    this.#bad = new BadTipsets(clock);
    this.#scores = new PeerScores(clock);
    this.#ahead = new AheadWatch(chain, clock);
    const gate = new ServingGate(clock, exchangeShares);
    const signal = this.#stop.signal;
    const asker = new Asker({ ...needs, scores: this.#scores });
    this.#singles = new ChainBlocks({ ...needs, gate, scores: this.#scores, asker });
    const lane = {
      takeInTipset: (blocks: readonly FullBlock[]) => this.#inLane(() => this.#validateFetched(blocks)),
      offerHead: (tipset: Tipset) => this.#inLane(() => this.#offerHead(tipset)),
      takeInBlock: (block: FullBlock) => this.#inLane(() => this.#takeIn(block)),
    };
    const fetchBlocks: FetchFrom = (cids, cancel, first) => this.#singles.fetch(cids, cancel, first);
    this.#begin = openStateSync({ ...needs, ...lane, asker, signal, fetchBlocks });
    this.#catchUp = new CatchUp({
      ...needs,
      asker,
      fetchBlocks,
      bad: this.#bad,
      scores: this.#scores,
      signal,
      ...lane,
      isWaiting: () => this.beginning() !== undefined,
    });
    this.#memory = {
      heights: this.#heights,
      siblings: this.#siblings,
      faults: this.#faults,
      bad: this.#bad,
      scores: this.#scores,
      gate,
      catchUp: this.#catchUp,
      ahead: this.#ahead,
    };
    this.#greeter = openHello(needs, (peer, hello) => this.#heard(peer, hello));
    this.#endings = [
      serveExchange({ chain, wire, clock, gate }),
      wire.subscribe(blockTopic(chain.params.name), (bytes, from) => this.#fromGossip(bytes, from)),
      wire.onPeer((event, peer) => {
        if (event !== "disconnect") return;
        this.#heights.delete(peer);
        this.#ahead.gone(peer);
        this.#catchUp.gone(peer);
      }),
      () => this.#greeter.end(),
      () => this.#singles.end(),
    ];
    this.#begun = this.#begin?.run().then(() => this.#greeter.again()) ?? Promise.resolve();
    this.#ticking = this.#tick();
  }

  beginning(): BeginProgress | undefined {
    return this.#begin?.progress();
  }

  async submitOwnBlock(block: FullBlock): Promise<void> {
    if (this.beginning() !== undefined) throw syncErrors.notBegun({ height: block.header.height });
    await this.#inLane(() => this.#takeIn(block));
    await this.#needs.wire.publish(blockTopic(this.#needs.chain.params.name), encode(fullBlockCodec, block));
  }

  state(): SyncState {
    const { chain, clock, wire } = this.#needs;
    const head = chain.head();
    const { roundMs, futureToleranceMs } = chain.params;
    return diagnose({
      nowMs: clock.nowMs(),
      roundMs,
      futureToleranceMs,
      head: { height: head.height, timestampMs: head.blocks[0]?.timestampMs ?? 0 },
      movedAtMs: this.#movedAtMs,
      peers: wire.peers().length,
      told: this.#catchUp.believed(this.#heights),
      progress: this.#catchUp.progress(),
      failure: this.#catchUp.failure,
      beginning: this.beginning(),
      ahead: this.#ahead.ofUs(wire.peers().length),
      disk: this.#disk,
      upgrade: unknownUpgradeNow(chain, clock.nowMs()),
    });
  }
  /** Nothing is to be had above an upgrade that was tried in vain: fetching it anew for every block helps nobody. */
  #isBeyondUpgrade(height: number): boolean {
    const isTried = this.#catchUp.failure?.code === "upgrade/unknown-version";
    return isTried && this.#needs.chain.unknownUpgrade(height) !== undefined;
  }
  held(): readonly Held[] {
    return heldBySync(this.#memory);
  }
  onBlock(listener: (header: BlockHeader) => void): () => void {
    return this.#faults.onBlock(listener);
  }
  peerHeights(): ReadonlyMap<PeerId, number> {
    return this.#heights;
  }
  peerScores(): readonly PeerScore[] {
    return this.#scores.list();
  }
  badTipsets(): readonly BadEntry[] {
    return this.#bad.list();
  }
  clearBad(key?: string): number {
    const count = this.#bad.clear(key);
    this.#catchUp.forgetFailure();
    this.#greeter.again();
    return count;
  }
  fetchBlocks(cids: readonly CID[], signal: Cancel): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#singles.fetch(cids, signal);
  }
  async settled(): Promise<void> {
    while (!this.#catchUp.isIdle || this.#blocks.waiting > 0) {
      await this.#catchUp.settled();
      await this.#blocks.idle();
    }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(syncErrors.stopped({}));
    for (const end of this.#endings.splice(0)) end();
    await this.#ticking;
    await this.#begun;
    await this.settled();
  }

  /** Tries again what could not be fetched, asks around when nothing comes, and says when something is wrong. */
  async #tick(): Promise<void> {
    const { chain, clock, logger } = this.#needs;
    const { roundMs } = chain.params;
    let said = "none";
    for (let ticks = 1; ; ticks += 1) {
      try {
        await clock.sleep(Math.max(leastTickMs, roundMs), this.#stop.signal);
      } catch {
        return;
      }
      this.#catchUp.poke();
      const isQuiet = clock.nowMs() - this.#movedAtMs > greetRounds * roundMs;
      if (isQuiet && ticks % greetRounds === 0 && this.#catchUp.isIdle) this.#greeter.again();
      const { code, reason, fix } = this.state();
      if (code === said) continue;
      said = code;
      if (code === "none") logger.info("the node follows the chain again");
      else logger.warn("the node does not follow the chain", { code, reason, fix });
    }
  }

  #heard(peer: PeerId, { heaviestTipSetCids, heaviestTipSetHeight: height }: Hello): void {
    const { chain, wire } = this.#needs;
    if (this.#scores.isBanned(peer)) return void wire.disconnect(peer).catch(() => undefined);
    if (this.#ahead.isAhead(peer, height) || this.#isBeyondUpgrade(height)) return;
    this.#heights.set(peer, height);
    const known = chain.tipset(tipsetKey(heaviestTipSetCids));
    if (known === undefined && height > 0) this.#catchUp.tell(peer, { cids: heaviestTipSetCids, height });
    if (known !== undefined && this.#isBetter(known))
      this.#logged(this.#inLane(() => this.#offerKnown(heaviestTipSetCids)));
    // A peer that greets again without having heard from us is behind, or has been.
    if (known !== undefined && height < chain.head().height) this.#greeter.to(peer);
  }

  async #fromGossip(bytes: Uint8Array, from: PeerId): Promise<"accept" | "ignore" | "reject"> {
    const { chain, logger } = this.#needs;
    let block: FullBlock;
    try {
      block = decode(fullBlockCodec, bytes, { maxBytes: limits.gossipMessageBytes });
    } catch {
      return "reject";
    }
    const { header } = block;
    const cid = blockCid(header);
    if (this.#scores.isBanned(from) || this.beginning() !== undefined) return "ignore";
    if (this.#bad.of(header) !== undefined) return "reject";
    if (chain.fullBlock(cid) !== undefined) return "ignore";
    const nearHead = header.height > chain.head().height - chain.params.finalityEpochs;
    if (!nearHead || this.#blocks.waiting >= limits.queuedBlocks) return "ignore";
    // Who has won once can sign blocks without number; one that others build on is fetched with what stands on it.
    if (this.#faults.isProven(header)) return "ignore";
    if (header.timestampMs !== timestampOf(chain.params, chain.genesisTimestampMs, header.height))
      return "reject";
    if (this.#ahead.isAhead(from, header.height) || this.#isBeyondUpgrade(header.height)) return "ignore";
    // Whoever forwards a block has compared its body with its header; no verdict on the block follows.
    if (!isBodyOf(header, block.messages)) return "reject";
    const parentKnown = chain.tipset(tipsetKey(header.parents)) !== undefined;
    if (parentKnown) {
      try {
        await this.#validator.checkHeader(block);
      } catch (error) {
        logger.warn("block refused", { block: cid.toString(), from, detail: String(error) });
        return isProofOfBad(error) ? "reject" : "ignore";
      }
    }
    this.#heights.set(from, Math.max(this.#heights.get(from) ?? 0, header.height));
    if (!parentKnown) {
      const height = header.height - 1;
      this.#catchUp.tell(from, { cids: header.parents, height }, { block, bytes: bytes.length });
      return "ignore";
    }
    this.#logged(this.#inLane(() => this.#takeIn(block)));
    return "accept";
  }

  /** Validates one block alone, then with its siblings, and moves the head if that is better. */
  async #takeIn(block: FullBlock): Promise<void> {
    const cid = blockCid(block.header);
    const bad = this.#bad.of(block.header);
    if (bad !== undefined) {
      throw syncErrors.knownBad({ block: cid.toString(), root: bad.root, reason: bad.reason });
    }
    // One that is here already, from before a restart, may still be missing in the tipset of its height.
    if (this.#needs.chain.fullBlock(cid) === undefined)
      await this.#offerHead(await this.#validateAlone(block));
    else await this.#offerKnown([cid]);
    this.#watch(block);
    const family = this.#siblings.remember(block);
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
      this.#bad.prove({ key: blockCid(block.header).toString(), height: block.header.height }, error);
      throw error;
    }
  }

  /** What was taken in, and is not the head because the process ended in between, nobody tells of a second time. */
  async #offerKnown(cids: readonly CID[]): Promise<void> {
    const { chain } = this.#needs;
    const tipset = chain.tipset(tipsetKey(cids));
    if (tipset === undefined || this.beginning() !== undefined) return;
    if (chain.stateAfter(tipset.key) !== undefined) await this.#offerHead(tipset);
  }

  #isBetter(tipset: Tipset): boolean {
    const { chain } = this.#needs;
    const head = chain.head();
    const candidate = { tipset, weight: chain.weightOf(tipset.key) ?? 0n };
    return compareTipsets(candidate, { tipset: head, weight: chain.weightOf(head.key) ?? 0n }) > 0;
  }

  async #offerHead(tipset: Tipset): Promise<void> {
    const { chain } = this.#needs;
    if (this.#isBetter(tipset)) {
      if (!standsOnFinal(chain, tipset))
        throw syncErrors.beyondFinality({ finality: chain.params.finalityEpochs });
      await chain.setHead(tipset.key);
      this.#movedAtMs = this.#needs.clock.nowMs();
    }
  }

  /** One block of a fetched tipset that lies says nothing about the others: each is judged alone. */
  async #validateFetched(blocks: readonly FullBlock[]): Promise<Tipset> {
    const known = this.#needs.chain.tipset(createTipset(blocks.map(({ header }) => header)).key);
    if (known !== undefined) return known;
    try {
      const tipset = await this.#validator.validate(blocks);
      // Who forks the chain behind a partition is seen when its other side is fetched.
      for (const block of blocks) this.#watch(block);
      return tipset;
    } catch (error) {
      if (isProofOfBad(error))
        for (const block of blocks) await this.#validateAlone(block).catch(() => undefined);
      throw error;
    }
  }

  /** Errors: those of the work, `sync/stopped`. */
  #inLane<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#blocks.run(async () => {
      this.#stop.signal.throwIfAborted();
      try {
        const result = await work();
        this.#disk = undefined;
        return result;
      } catch (error) {
        this.#noteDisk(error);
        throw error;
      }
    });
  }

  #noteDisk(error: unknown): void {
    if (!(error instanceof HoldfastError) || error.code !== "chain/full") return;
    this.#disk = { detail: error.message, atMs: this.#needs.clock.nowMs() };
  }

  #logged(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#needs.logger.debug("block not taken in", { detail: String(error) });
    });
  }
}
