/**
 * When to prune: in the background, when so much more than configured has come together that a run is worth its
 * walk, or when the files are larger than their quota. One run at a time. Nothing that is needed goes for a quota:
 * what stays above it is said.
 */
import type { Clock, Logger } from "@holdfast/base";
import { chainErrors } from "./errors.ts";
import { leastEpochs, type PruneResult, prune } from "./prune.ts";
import type { StoredChain } from "./stored-chain.ts";

export interface PrunePolicy {
  /** Epochs whose states, messages and receipts stay; 0: all. */
  readonly pruneEpochs: number;
  /** What the database's files may take; 0: anything. */
  readonly quotaBytes: number;
}

export interface Pruner extends AsyncDisposable {
  readonly policy: PrunePolicy;
  /** By hand, after a run that is under way. Errors: `chain/keep-too-few`, and those of `prune`. */
  prune(keepEpochs?: number): Promise<PruneResult>;
  /** Resolves when no run is under way. */
  settled(): Promise<void>;
}

export interface PrunerNeeds {
  readonly chain: StoredChain;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: PrunePolicy;
}

/** A run walks all kept states, so it waits for a quarter of them to be new, and for so many epochs at least. */
const worthShare = 0.25;
const worthEpochs = 32;
/** Epochs between two looks at the size of the files. */
const quotaLookEpochs = 64;

export function openPruner(needs: PrunerNeeds): Pruner {
  return new BackgroundPruner(needs);
}

class BackgroundPruner implements Pruner {
  readonly policy: PrunePolicy;
  readonly #chain: StoredChain;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #least: number;
  readonly #stop = new AbortController();
  readonly #endHeads: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #isLooking = false;
  #lookedAt = 0;

  constructor({ chain, clock, logger, policy }: PrunerNeeds) {
    this.policy = policy;
    this.#chain = chain;
    this.#clock = clock;
    this.#logger = logger;
    this.#least = leastEpochs(chain.params.finalityEpochs);
    const isAutomatic = policy.pruneEpochs > 0 || policy.quotaBytes > 0;
    this.#endHeads = isAutomatic ? chain.onHead(() => this.#lookOnce()) : () => undefined;
  }

  async prune(keepEpochs = Math.max(this.policy.pruneEpochs, this.#least)): Promise<PruneResult> {
    if (keepEpochs < this.#least) throw chainErrors.keepTooFew({ keep: keepEpochs, least: this.#least });
    return this.#run(keepEpochs);
  }
  async settled(): Promise<void> {
    await this.#last;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#endHeads();
    this.#stop.abort(new DOMException("the node stops", "AbortError"));
    await this.#last;
  }

  #run(keepEpochs: number): Promise<PruneResult> {
    const { signal } = this.#stop;
    const result = this.#last.then(async () => {
      signal.throwIfAborted();
      const done = await prune(this.#chain, this.#clock, { keepEpochs, signal });
      const { removedObjects: removed, keptObjects: kept, horizon } = done;
      this.#logger.info("pruned the chain", { removed, kept, from: horizon.statesFrom });
      return done;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  #lookOnce(): void {
    if (this.#isLooking || this.#stop.signal.aborted) return;
    this.#isLooking = true;
    void this.#look()
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#logger.warn("pruning ended early", { detail: String(error) });
      })
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(): Promise<void> {
    const { pruneEpochs, quotaBytes } = this.policy;
    const { height } = this.#chain.head();
    const keep = Math.max(pruneEpochs, this.#least);
    const slack = Math.max(worthEpochs, keep * worthShare);
    const span = height - this.#chain.horizon().statesFrom;
    if (pruneEpochs > 0 && span > keep + slack) await this.#run(keep);
    if (quotaBytes === 0 || height < this.#lookedAt + quotaLookEpochs) return;
    this.#lookedAt = height;
    await this.#fitQuota(quotaBytes);
  }

  /** Halves what stays until the files fit, or nothing more may go. */
  async #fitQuota(quotaBytes: number): Promise<void> {
    let bytes = await this.#chain.store.diskBytes();
    let keep = this.#chain.head().height - this.#chain.horizon().statesFrom;
    while (bytes > quotaBytes && keep > this.#least) {
      keep = Math.max(this.#least, Math.floor(keep / 2));
      const { isComplete } = await this.#run(keep);
      if (!isComplete) return;
      bytes = await this.#chain.store.diskBytes();
    }
    if (bytes > quotaBytes)
      this.#logger.warn("the chain takes more than its quota", {
        bytes,
        quotaBytes,
        leastEpochs: this.#least,
      });
  }
}
