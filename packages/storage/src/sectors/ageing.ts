/**
 * A staged sector with pieces closes after a time, full or not: whoever stores a small file does not wait for others.
 */
import type { Core } from "./core.ts";

/** The longest single sleep; platforms cap timers. */
const maxSleepMs = 86_400_000; // 1 day

export class Ageing {
  readonly #core: Core;
  readonly #close: (sectorId: number) => Promise<unknown>;
  readonly #timers = new Map<number, AbortController>();

  constructor(core: Core, close: (sectorId: number) => Promise<unknown>) {
    this.#core = core;
    this.#close = close;
  }

  /** Starts the timer of a staged sector with pieces, unless it runs. */
  async wind(sectorId: number): Promise<void> {
    const { limits, end, logger } = this.#core;
    if (limits.maxStagedMs === undefined) return;
    if ((await this.#dueMs(sectorId, limits.maxStagedMs)) === undefined) return;
    if (end.aborted || this.#timers.has(sectorId)) return;
    const stop = new AbortController();
    this.#timers.set(sectorId, stop);
    this.#age(sectorId, limits.maxStagedMs, AbortSignal.any([end, stop.signal]))
      .catch((error: unknown) => {
        if (!end.aborted) logger.error("storage: closing by age failed", { sectorId, detail: String(error) });
      })
      .finally(() => {
        if (this.#timers.get(sectorId) === stop) this.#timers.delete(sectorId);
      });
  }
  stop(sectorId: number): void {
    this.#timers.get(sectorId)?.abort();
  }
  stopAll(): void {
    for (const timer of this.#timers.values()) timer.abort();
  }

  async #age(sectorId: number, maxStagedMs: number, stop: AbortSignal): Promise<void> {
    for (;;) {
      const dueMs = await this.#dueMs(sectorId, maxStagedMs);
      if (dueMs === undefined) return;
      const waitMs = dueMs - this.#core.clock.nowMs();
      if (waitMs <= 0) {
        await this.#close(sectorId);
        return;
      }
      try {
        await this.#core.clock.sleep(Math.min(waitMs, maxSleepMs), stop);
      } catch (error) {
        if (stop.aborted) return;
        throw error;
      }
    }
  }

  /** When a staged sector gets too old; undefined when it has no piece or is not staged. */
  async #dueMs(sectorId: number, maxStagedMs: number): Promise<number | undefined> {
    const { store } = this.#core;
    if ((await store.sector(sectorId))?.state !== "staging") return undefined;
    const kept = (await store.piecesOf(sectorId)).filter((piece) => piece.stage === "kept");
    if (kept.length === 0) return undefined;
    return Math.min(...kept.map((piece) => piece.addedMs)) + maxStagedMs;
  }
}
