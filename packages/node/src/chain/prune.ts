/**
 * Pruning: what no kept tipset reaches leaves the disk. Kept are the states of all tipsets from the horizon on, of
 * forks too, with the receipts of their blocks; the states of the genesis and of the checkpoint; all headers of the
 * current chain, for ever. The horizon is never above what is final, so nothing that can become the head stands
 * below it.
 *
 * It is a mark and sweep beside the running node, in small slices. Invariant: nothing alive is removed. First every
 * object that is put from now on counts as alive; then all that was put before is made durable with the tipsets that
 * name it; only then are the tipsets looked up from which is marked. A state that is executed meanwhile shares
 * objects only with its parent's, which is marked or was put meanwhile itself. Who writes without a tipset holds the
 * store, and a sweep ends at once. The horizon is on disk before the first thing below it goes: a kill at any point
 * leaves garbage, which the next run finds.
 */
import { type CID, type Clock, decode, utf8Bytes, utf8Text } from "@holdfast/base";
import { type BlockHeader, blockHeaderCodec } from "@holdfast/consensus";
import { finalTipset } from "../final.ts";
import { limits } from "../limits.ts";
import { DigestSet } from "./digest-set.ts";
import {
  decodeKeys,
  type Horizon,
  metaKeys,
  recordLimits,
  resultsCodec,
  type TipsetRecord,
  tipsetRecordCodec,
} from "./record.ts";
import type { StoredChain } from "./stored-chain.ts";
import { linksOf } from "./walk.ts";

export interface PruneResult {
  readonly horizon: Horizon;
  readonly removedObjects: number;
  readonly keptObjects: number;
  /** Tipsets whose messages and receipts went, those of forks included. */
  readonly prunedTipsets: number;
  /** False if somebody held the store, so that the sweep is left to the next run. */
  readonly isComplete: boolean;
}

export interface PruneOptions {
  /** Epochs below the head whose states stay; raised to what `leastEpochs` says. */
  readonly keepEpochs: number;
  readonly signal: AbortSignal;
  /** Objects between two pauses. */
  readonly sliceObjects?: number;
}

/** What is asked of a chain that is pruned. */
export type PrunableChain = Pick<
  StoredChain,
  | "store"
  | "head"
  | "genesis"
  | "checkpoint"
  | "parentOf"
  | "tipsetAt"
  | "horizon"
  | "raiseHorizon"
  | "keptBelow"
> & { readonly isHeld: boolean; readonly params: Pick<StoredChain["params"], "finalityEpochs"> };

/** Epochs beyond finality that stay in any case: a snapshot of the final tipset needs the state of its parent. */
const marginEpochs = 16;

export const leastEpochs = (finalityEpochs: number): number => finalityEpochs + marginEpochs;

/** One run; there must be no other at the same time. Errors: `chain/full`, `chain/too-many-objects`. */
export async function prune(
  chain: PrunableChain,
  clock: Pick<Clock, "sleep">,
  options: PruneOptions,
): Promise<PruneResult> {
  const { keepEpochs } = options;
  return new Run(chain, clock, options).run(Math.max(keepEpochs, leastEpochs(chain.params.finalityEpochs)));
}

class Run {
  readonly #chain: PrunableChain;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #signal: AbortSignal;
  readonly #sliceObjects: number;
  /** Put since the run began. */
  readonly #born = new DigestSet();
  /** Reached and walked through; an object can be both, and what it links to is then reached as well. */
  readonly #marked = new DigestSet();
  #steps = 0;

  constructor(chain: PrunableChain, clock: Pick<Clock, "sleep">, { signal, sliceObjects }: PruneOptions) {
    this.#chain = chain;
    this.#clock = clock;
    this.#signal = signal;
    this.#sliceObjects = sliceObjects ?? limits.pruneSliceObjects;
  }

  async run(keepEpochs: number): Promise<PruneResult> {
    const { store } = this.#chain;
    const endWatch = store.onPut((cid) => void this.#born.add(cid.bytes));
    try {
      await store.commit(new Map());
      const prunedTipsets = await this.#raise(keepEpochs);
      for (const root of this.#roots()) await this.#mark(root);
      const removedObjects = await this.#sweep();
      if (removedObjects !== undefined && removedObjects > 0) await store.compact();
      return {
        horizon: this.#chain.horizon(),
        removedObjects: removedObjects ?? 0,
        keptObjects: this.#marked.size,
        prunedTipsets,
        isComplete: removedObjects !== undefined,
      };
    } finally {
      endWatch();
    }
  }

  /** Lets the node do its work after every slice of ours. */
  async #step(): Promise<void> {
    this.#steps += 1;
    if (this.#steps % this.#sliceObjects !== 0) return;
    await this.#clock.sleep(limits.prunePauseMs, this.#signal);
    this.#signal.throwIfAborted();
  }

  /** Says what goes, then lets the facts below the horizon go, oldest first. */
  async #raise(keepEpochs: number): Promise<number> {
    const chain = this.#chain;
    const old = chain.horizon();
    const to = horizonOf(chain, keepEpochs);
    const next = {
      statesFrom: Math.max(old.statesFrom, to),
      bodiesFrom: Math.max(old.bodiesFrom, to),
    };
    if (next.statesFrom > old.statesFrom || next.bodiesFrom > old.bodiesFrom) await chain.raiseHorizon(next);
    let count = 0;
    const done = chain.store.getMeta(metaKeys.factsFrom);
    for (let height = done === undefined ? 1 : Number(utf8Text(done)); height < to; height += 1) {
      const facts = this.#factsAt(height);
      count += facts.tipsets;
      // Empty heights are remembered with the next one that is not.
      if (facts.tipsets > 0 || height === to - 1) {
        facts.changes.set(metaKeys.factsFrom, utf8Bytes(String(height + 1)));
        await chain.store.commit(facts.changes);
      }
      await this.#step();
    }
    return count;
  }

  /** What goes of the tipsets of one height: all of a fork, messages and results of the current chain. */
  #factsAt(height: number): { readonly changes: Map<string, Uint8Array | null>; readonly tipsets: number } {
    const chain = this.#chain;
    const changes = new Map<string, Uint8Array | null>();
    const keys = decodeKeys(chain.store.getMeta(metaKeys.at(height)));
    if (keys.length === 0) return { changes, tipsets: 0 };
    const current = this.#record(utf8Text(chain.store.getMeta(metaKeys.height(height)) ?? new Uint8Array(0)));
    for (const key of keys) {
      const record = this.#record(key);
      if (record === undefined || key === chain.checkpoint?.key) continue;
      const isCurrent = current !== undefined && record.cids.join() === current.cids.join();
      const results = chain.store.getMeta(metaKeys.results(key));
      changes.set(metaKeys.results(key), null);
      if (!isCurrent) changes.set(metaKeys.tipset(key), null);
      if (isCurrent && results !== undefined)
        for (const { message } of decode(resultsCodec, results, recordLimits))
          changes.set(metaKeys.message(message.toString()), null);
      for (const cid of record.cids) {
        changes.set(metaKeys.body(cid), null);
        // A wider tipset and its parts share blocks.
        if (current?.cids.some((other) => other.equals(cid)) !== true)
          changes.set(metaKeys.header(cid), null);
      }
    }
    changes.set(metaKeys.at(height), null);
    return { changes, tipsets: keys.length };
  }

  /** States to keep, oldest first, and the trees of receipts that belong to them. */
  *#roots(): Generator<CID> {
    const chain = this.#chain;
    for (const key of [chain.genesis.key, ...chain.keptBelow()]) {
      const record = this.#record(key);
      if (record !== undefined) yield record.stateRoot;
    }
    for (let height = chain.horizon().statesFrom; height <= this.#top(); height += 1) {
      for (const key of decodeKeys(chain.store.getMeta(metaKeys.at(height)))) {
        const record = this.#record(key);
        if (record === undefined) continue;
        yield record.stateRoot;
        for (const cid of record.cids) {
          const header = this.#header(cid);
          if (header !== undefined) yield header.receipts;
        }
      }
    }
  }
  /** Asked anew at every height: tipsets that come meanwhile are of objects that were put meanwhile. */
  #top(): number {
    const top = this.#chain.store.getMeta(metaKeys.top);
    return Math.max(this.#chain.head().height, top === undefined ? 0 : Number(utf8Text(top)));
  }
  #record(key: string): TipsetRecord | undefined {
    const bytes = this.#chain.store.getMeta(metaKeys.tipset(key));
    return bytes === undefined ? undefined : decode(tipsetRecordCodec, bytes, recordLimits);
  }
  #header(cid: CID): BlockHeader | undefined {
    const bytes = this.#chain.store.getMeta(metaKeys.header(cid));
    return bytes === undefined ? undefined : decode(blockHeaderCodec, bytes);
  }

  async #mark(root: CID): Promise<void> {
    const stack = [root];
    for (let cid = stack.pop(); cid !== undefined; cid = stack.pop()) {
      if (!this.#marked.add(cid.bytes)) continue;
      const bytes = this.#chain.store.get(cid);
      // A link that leads nowhere keeps nothing: receipts of blocks below a snapshot are not here.
      if (bytes !== undefined) stack.push(...linksOf(bytes));
      await this.#step();
    }
  }

  /** How many went; undefined if it ended early. */
  async #sweep(): Promise<number | undefined> {
    const { store } = this.#chain;
    const isAlive = (key: Uint8Array): boolean =>
      this.#chain.isHeld || this.#marked.has(key) || this.#born.has(key);
    let removed = 0;
    for (let after: Uint8Array | undefined; ; ) {
      if (this.#chain.isHeld) return undefined;
      const count = this.#sliceObjects;
      const page = await store.scan("objects", { count, ...(after === undefined ? {} : { after }) });
      removed += await store.discard(
        page.map(({ key }) => key),
        isAlive,
      );
      after = page.at(-1)?.key;
      if (page.length < count) return removed;
      await this.#clock.sleep(limits.prunePauseMs, this.#signal);
      this.#signal.throwIfAborted();
    }
  }
}

/** The last tipset at or below the wanted height, and never above the parent of what is final. */
function horizonOf(chain: PrunableChain, keepEpochs: number): number {
  const head = chain.head();
  const wanted = chain.tipsetAt(Math.max(0, head.height - keepEpochs));
  return Math.min(wanted.height, chain.parentOf(finalTipset(chain))?.height ?? 0);
}
