/**
 * One look at everything after the opening: orphans that a crash has left are deleted, sectors are brought to what
 * their states say, and what a sector lacks is told. It runs while the storage is in use, because it takes as long as
 * there are files; whoever wants a report or the collector waits for it.
 */
import { everySector, type SectorRow } from "../store/index.ts";
import type { Collector } from "./collector.ts";
import type { Core } from "./core.ts";
import { claimedRoles } from "./files.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { landedStates } from "./states.ts";

/** Missing files that are named in the log. */
const toldFiles = 20;

export class Sweep {
  readonly #core: Core;
  readonly #parts: { readonly lifecycle: Lifecycle; readonly collector: Collector };
  #running: Promise<void> = Promise.resolve();

  constructor(core: Core, parts: { readonly lifecycle: Lifecycle; readonly collector: Collector }) {
    this.#core = core;
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#all().catch((error: unknown) => {
      if (this.#core.end.aborted) return;
      this.#core.logger.error("storage: the look at all files has stopped", { detail: String(error) });
    });
  }
  async settled(): Promise<void> {
    await this.#running;
  }

  async #all(): Promise<void> {
    const { store, locks, logger, end } = this.#core;
    const { lifecycle, collector } = this.#parts;
    await collector.collect();
    let missingCount = 0;
    for await (const row of everySector(store)) {
      end.throwIfAborted();
      const { sectorId } = row;
      if (await this.#isUnsettled(row)) await locks.run(sectorId, () => lifecycle.settle(sectorId));
      for await (const claim of collector.missingOf(sectorId)) {
        missingCount += 1;
        if (missingCount <= toldFiles) logger.error("storage: a sector lacks a file", { ...claim });
      }
    }
    if (missingCount > toldFiles) logger.error("storage: sectors lack files", { missingCount });
  }

  /** Whether a sector on the chain has what it claims no more. */
  async #isUnsettled(row: SectorRow): Promise<boolean> {
    if (!landedStates.includes(row.state)) return false;
    const { store, limits } = this.#core;
    const roles = claimedRoles(row, await store.fill(row.sectorId), limits);
    const files = await store.volumes.filesOf(row.sectorId);
    return [...files.keys()].some((role) => !roles.has(role));
  }
}
