/**
 * A miner at work: it makes blocks, brings sealed sectors onto the chain, proves them at their deadlines, and
 * keeps its ask published. All duties look at the chain anew after every head; none of them keeps state
 * that a restart would lose.
 */
import { abortable } from "@holdfast/base";
import { readMinerState } from "@holdfast/consensus";
import { publishAsk } from "./asks.ts";
import { mineBlocks } from "./blocks.ts";
import { mineErrors } from "./errors.ts";
import type { MineNeeds, MineSector, MineStorage } from "./needs.ts";
import { type Doubts, provePosts } from "./posts.ts";
import { recoverSectors } from "./recoveries.ts";
import { type Rehearsed, rehearsePosts } from "./rehearsals.ts";
import { advanceSector } from "./sectors.ts";
import { openSignedHeights } from "./store.ts";
import { TwinWatch } from "./twins.ts";
import { confirmWorker } from "./workers.ts";

export { mineErrors } from "./errors.ts";
export type {
  AskPolicy,
  MineChain,
  MineNeeds,
  MineSector,
  MineSender,
  MineSigner,
  MineStorage,
} from "./needs.ts";
export { type MinerPlace, openSignedHeights, type SignedHeights } from "./store.ts";
export type { TwinGuard } from "./twins.ts";

export interface Mining extends AsyncDisposable {
  status(): {
    readonly blocksWon: number;
    readonly lastBlockAt: number | null;
    /** Why the last step of a sector failed, by sector. */
    readonly sectorFailures: ReadonlyMap<number, string>;
    /** Why the last proof of spacetime could not be sent; null if it could. */
    readonly proofFailure: string | null;
    /** Whether the node signs blocks, and if not, for what fear of another one with the same keys. */
    readonly signing: ReturnType<TwinWatch["standing"]>;
  };
}

/** Rounds after which a failed step of a sector is tried again. */
const retryRounds = 10;
/** Remembered doubts about sectors; each is about one window. */
const mostDoubts = 1_024;

/** Errors: `mine/not-operator`. */
export function startMining(needs: MineNeeds): Mining {
  const { chain, miner, signer } = needs;
  const { worker } = readMinerState(chain.store, chain.headState().state, miner);
  if (!signer.has(worker)) throw mineErrors.notOperator({ miner, worker });
  return new Miner(needs);
}

/**
 * The storage for whoever may leave: a seal takes minutes, and who stops does not wait for it. What was begun the
 * storage ends itself, or its next life does.
 */
function leaving(storage: MineStorage, signal: AbortSignal): MineStorage {
  const { rehearse } = storage;
  return {
    unfinished: () => storage.unfinished(),
    landed: () => storage.landed(),
    seal: (...given) => abortable(signal, storage.seal(...given)),
    prove: (...given) => abortable(signal, storage.prove(...given)),
    retry: (sectorId) => storage.retry(sectorId),
    restart: (...given) => storage.restart(...given),
    readSealProof: (sectorId) => storage.readSealProof(sectorId),
    confirmCommitted: (sectorId) => storage.confirmCommitted(sectorId),
    markExpired: (sectorId) => storage.markExpired(sectorId),
    generatePost: (...given) => abortable(signal, storage.generatePost(...given)),
    ...(rehearse && { rehearse: (...given) => abortable(signal, rehearse(...given)) }),
  };
}

class Miner implements Mining {
  readonly #needs: MineNeeds;
  readonly #heights: ReturnType<typeof openSignedHeights>;
  readonly #stop = new AbortController();
  readonly #doubts: Doubts = new Map();
  readonly #rehearsed: Rehearsed = new Map();
  #proofFailure: string | null = null;
  readonly #running = new Map<string, Promise<void>>();
  readonly #failures = new Map<number, { readonly detail: string; readonly atHeight: number }>();
  readonly #twins: TwinWatch | undefined;
  #looksAgain = false;
  readonly #blocks: Promise<void>;
  readonly #endHead: () => void;

  constructor(given: MineNeeds) {
    const needs = { ...given, storage: leaving(given.storage, this.#stop.signal) };
    this.#needs = needs;
    this.#heights = openSignedHeights(needs.database);
    const { twins } = needs;
    this.#twins = twins && new TwinWatch({ ...needs, twins }, this.#heights);
    this.#blocks = mineBlocks(needs, this.#heights, this.#twins, this.#stop.signal).catch((error) => {
      if (!this.#stop.signal.aborted) throw error;
    });
    this.#endHead = needs.chain.onHead(() => this.#look());
    this.#look();
  }

  status(): ReturnType<Mining["status"]> {
    const { blocks, lastHeight } = this.#heights.won(this.#needs.miner);
    const failures = new Map([...this.#failures].map(([id, { detail }]) => [id, detail]));
    const proofFailure = this.#proofFailure;
    const signing = this.#twins?.standing() ?? { standing: "clear", reason: null, fix: null };
    return { blocksWon: blocks, lastBlockAt: lastHeight, sectorFailures: failures, proofFailure, signing };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endHead();
    this.#twins?.[Symbol.dispose]();
    this.#stop.abort(new DOMException("the miner stops", "AbortError"));
    await this.#blocks;
    await Promise.all(this.#running.values());
  }

  /** Starts every duty that is not running already. */
  #look(): void {
    // Beside a twin every message would be sent twice, and its sectors called faulty that lie elsewhere.
    if (this.#twins?.isTwin === true) return;
    const { ask } = this.#needs;
    this.#start("post", () => this.#prove());
    this.#start("worker", () => confirmWorker(this.#needs));
    this.#start("recover", () => recoverSectors(this.#needs, this.#doubts));
    if (this.#rehearsed.size > mostDoubts) this.#rehearsed.clear();
    this.#start("rehearse", () => rehearsePosts(this.#needs, this.#rehearsed));
    if (ask !== undefined) this.#start("ask", () => publishAsk(this.#needs, ask));
    this.#lookAtSectors();
  }

  /** Once more after this time, if a head comes while it runs. */
  #lookAtSectors(): void {
    this.#looksAgain = this.#running.has("sectors");
    if (this.#looksAgain) return;
    this.#start(
      "sectors",
      async () => {
        const { storage } = this.#needs;
        for await (const sector of storage.unfinished()) {
          if (!this.#isResting(sector.sectorId)) this.#advance(sector);
        }
        for await (const sector of storage.landed()) {
          // One after another: there may be a million, and nearly always there is nothing to do.
          if (!this.#isResting(sector.sectorId)) await this.#step(sector);
        }
      },
      () => {
        if (this.#looksAgain) this.#lookAtSectors();
      },
    );
  }

  async #prove(): Promise<void> {
    if (this.#doubts.size > mostDoubts) this.#doubts.clear();
    try {
      await provePosts(this.#needs, this.#doubts);
      this.#proofFailure = null;
    } catch (error) {
      this.#proofFailure = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  #advance(sector: MineSector): void {
    this.#start(`sector/${sector.sectorId}`, () => this.#step(sector));
  }

  async #step(sector: MineSector): Promise<void> {
    const { sectorId, state: before } = sector;
    try {
      await advanceSector(this.#needs, sector, this.#stop.signal);
      this.#failures.delete(sectorId);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const detail = error instanceof Error ? error.message : String(error);
      this.#failures.set(sectorId, { detail, atHeight: this.#needs.chain.head().height });
      this.#needs.logger.warn("sector step failed", { sectorId, state: before, detail });
    }
  }

  #isResting(sectorId: number): boolean {
    const failure = this.#failures.get(sectorId);
    return failure !== undefined && this.#needs.chain.head().height < failure.atHeight + retryRounds;
  }

  #start(name: string, work: () => Promise<void>, then: () => void = () => undefined): void {
    if (this.#running.has(name) || this.#stop.signal.aborted) return;
    const run = work()
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#needs.logger.warn("duty failed", {
          name,
          detail: error instanceof Error ? error.message : String(error),
        });
      })
      .finally(() => {
        this.#running.delete(name);
        then();
      });
    this.#running.set(name, run);
  }
}
