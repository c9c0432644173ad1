/**
 * A chain that begins at a checkpoint: headers, then the state, from several peers at a time, then the checkpoint's own
 * blocks, which are executed. Where each of it belongs and whether it fits is the chain's business (`needs.beginning`);
 * here peers are asked, judged and asked again. What nobody gives is tried again with growing pauses; when nobody has
 * given anything for many of them, the chain is executed from its genesis instead, and the log says so.
 */
import { type Cancel, type CID, HoldfastError } from "@holdfast/base";
import type { FullBlock, Tipset } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { Asker } from "./ask.ts";
import { fetchBodies } from "./bodies.ts";
import { syncErrors } from "./errors.ts";
import { rangeParts } from "./exchange.ts";
import type { BeginningDoor, SyncNeeds } from "./needs.ts";
import type { FetchBlocks } from "./singles.ts";

/** From the n-th best peer on. */
export type FetchFrom = (cids: readonly CID[], signal: Cancel, first?: number) => ReturnType<FetchBlocks>;

export interface BeginNeeds extends Pick<SyncNeeds, "clock" | "logger" | "wire" | "beginning"> {
  readonly asker: Asker;
  readonly signal: AbortSignal;
  readonly fetchBlocks: FetchFrom;
  /** Validates a fetched tipset, in the lane of the blocks. */
  takeInTipset(blocks: readonly FullBlock[]): Promise<Tipset>;
  offerHead(tipset: Tipset): Promise<void>;
}

export interface BeginProgress {
  readonly checkpoint: number;
  readonly stage: "headers" | "state" | "blocks";
  readonly headers: number;
  readonly objects: number;
  readonly bytes: number;
  readonly sinceMs: number;
  /** What keeps it from going on, if something does. */
  readonly trouble: string | null;
}

/** Undefined if the chain has begun. */
export function openStateSync(needs: BeginNeeds): StateSync | undefined {
  return needs.beginning === undefined ? undefined : new StateSync(needs, needs.beginning);
}

export class StateSync {
  readonly #needs: BeginNeeds;
  readonly #beginning: BeginningDoor;
  readonly #sinceMs: number;
  #stage: BeginProgress["stage"] = "headers";
  #idleTries = 0;
  #trouble: string | null = null;
  #isOver = false;

  constructor(needs: BeginNeeds, beginning: BeginningDoor) {
    this.#needs = needs;
    this.#beginning = beginning;
    this.#sinceMs = needs.clock.nowMs();
  }

  /** Undefined when it is over, one way or the other. */
  progress(): BeginProgress | undefined {
    if (this.#isOver) return undefined;
    const { checkpoint, headers, objects, bytes } = this.#beginning;
    const [stage, trouble] = [this.#stage, this.#trouble];
    return { checkpoint: checkpoint.height, stage, headers, objects, bytes, sinceMs: this.#sinceMs, trouble };
  }

  /** Ends when the chain has begun, when nobody gives anything, or by the signal. */
  async run(): Promise<void> {
    const { logger, signal } = this.#needs;
    const { height } = this.#beginning.checkpoint;
    logger.info("the chain begins at a checkpoint: its state is fetched from peers", { height });
    try {
      using _hold = await this.#beginning.hold();
      await this.#headers();
      this.#stage = "state";
      await this.#state();
      this.#stage = "blocks";
      const blocks = await this.#blocks();
      await this.#beginning.finish(() => this.#pause(1));
      await this.#needs.offerHead(await this.#needs.takeInTipset(blocks));
      const { headers, objects, bytes } = this.#beginning;
      logger.info("the chain has begun at its checkpoint", { height, headers, objects, bytes });
    } catch (error) {
      if (signal.aborted) return;
      const detail = error instanceof Error ? error.message : String(error);
      if (this.#beginning.isCut) {
        // Tipsets may be known without their states: only another start can go on from here.
        this.#trouble = `${detail}; start the node again`;
        return logger.error("the chain has not begun at its checkpoint", { height, detail });
      }
      logger.warn("no state was taken from peers; the node catches up from where it is", { height, detail });
    }
    this.#isOver = true;
  }

  async #headers(): Promise<void> {
    const { asker, signal } = this.#needs;
    for (
      let from = this.#beginning.missingHeaders;
      from !== undefined;
      from = this.#beginning.missingHeaders
    ) {
      const request = { from, count: limits.exchangeTipsets, parts: rangeParts.headers };
      const answer = await this.#tried(() => asker.ask(request, { signal }));
      if (answer === undefined) continue;
      await this.#beginning.addHeaders(answer.tipsets.map(({ headers }) => headers));
    }
  }

  async #state(): Promise<void> {
    const { fetchBlocks, signal } = this.#needs;
    for (;;) {
      const { cids, isSlice } = this.#beginning.missingObjects(limits.swapEntries * limits.stateRequests);
      if (isSlice && cids.length === 0) await this.#pause(1);
      else if (cids.length === 0) return;
      const parts: CID[][] = [];
      for (let at = 0; at < cids.length; at += limits.swapEntries)
        parts.push(cids.slice(at, at + limits.swapEntries));
      const found = await Promise.all(parts.map((part, first) => fetchBlocks(part, signal, first)));
      const count = found.reduce((sum, { size }) => sum + size, 0);
      for (const objects of found) await this.#beginning.addObjects(objects);
      if (cids.length > 0) await this.#counted(count > 0, `nobody gives ${cids.length} objects of the state`);
    }
  }

  /** The checkpoint's own messages. */
  async #blocks(): Promise<readonly FullBlock[]> {
    const { cids, key, height } = this.#beginning.checkpoint;
    const headers = this.#beginning.rootHeaders();
    for (;;) {
      const found = await this.#tried(async () => {
        const { tipsets } = await fetchBodies(this.#needs, [{ key, height, headers }]);
        return tipsets[0];
      });
      if (found !== undefined && found.length === cids.length) return found;
    }
  }

  /** Undefined if nobody has it; then some time has passed. */
  async #tried<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      const result = await work();
      await this.#counted(true, "");
      return result;
    } catch (error) {
      this.#needs.signal.throwIfAborted();
      const isMissing =
        error instanceof HoldfastError && /^sync\/(ancestors|bodies)-missing$/.test(error.code);
      if (!isMissing) throw error;
      await this.#counted(false, error.message);
      return undefined;
    }
  }

  async #counted(isUseful: boolean, detail: string): Promise<void> {
    this.#trouble = isUseful ? null : detail;
    // Who has no peers yet has asked nobody.
    if (!isUseful && this.#needs.wire.peers().length === 0) return this.#pause(limits.syncRetryMs);
    this.#idleTries = isUseful ? 0 : this.#idleTries + 1;
    if (isUseful) return;
    if (this.#idleTries > limits.stateTries) throw syncErrors.stateMissing({ detail });
    await this.#pause(Math.min(limits.syncRetryMaxMs, limits.syncRetryMs * 2 ** (this.#idleTries - 1)));
  }
  async #pause(ms: number): Promise<void> {
    await this.#needs.clock.sleep(ms, this.#needs.signal);
  }
}
