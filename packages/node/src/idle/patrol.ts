/**
 * Reads files that rest before anybody asks for them: every one once in a time, a kept layer at a turn, at the pace of
 * the chain's rounds. What is not as it was made is lost, and made again, so that a challenge finds it whole. Where it
 * goes on is in the database.
 */
import type { Clock } from "@holdfast/base";
import { workLimits } from "../work-limits.ts";
import { isUnreadable } from "./errors.ts";
import type { Holdings } from "./holdings.ts";
import type { IdleNeeds } from "./needs.ts";
import { releasedOf, restingCount } from "./plan.ts";
import { type IdleStore, isAtRest, type LayerRow } from "./store.ts";
import type { Tasks } from "./tasks.ts";

export interface PatrolNeeds extends Pick<IdleNeeds, "profile" | "network" | "volumes" | "maker" | "logger"> {
  readonly clock: Pick<Clock, "nowMs">;
  /** In which every file is read once; 0: never. */
  readonly patrolMs: number;
  readonly store: IdleStore;
  readonly tasks: Tasks;
  readonly holdings: Holdings;
}

export class Patrol {
  readonly #needs: PatrolNeeds;
  /** When the layers up to the present one should have been read. */
  #paidMs: number;

  constructor(needs: PatrolNeeds) {
    this.#needs = needs;
    this.#paidMs = needs.clock.nowMs();
  }

  /** Reads what is due. */
  go(): void {
    const { clock, patrolMs, store, tasks } = this.#needs;
    const resting = restingCount(store);
    const nowMs = clock.nowMs();
    if (patrolMs === 0 || resting === 0) {
      this.#paidMs = nowMs;
      return;
    }
    const eachMs = patrolMs / resting;
    const due = Math.min(workLimits.idlePatrolLayers, Math.floor((nowMs - this.#paidMs) / eachMs));
    if (due < 1) return;
    const isBegun = tasks.begin("patrol", async (signal) => {
      for (let i = 0; i < due && !signal.aborted; i += 1) await this.#next(signal);
    });
    // What a node slept through is not made up for at once.
    if (isBegun) this.#paidMs = Math.max(this.#paidMs + due * eachMs, nowMs - eachMs);
  }

  async #next(signal: AbortSignal): Promise<void> {
    const { store } = this.#needs;
    const row = firstAtRest(store, store.patrolAt()) ?? firstAtRest(store, 0);
    if (row === undefined) return;
    try {
      if (await this.#isHere(row)) await this.#look(row, signal);
    } finally {
      // One layer that cannot be looked at does not keep the others from being read.
      if (!signal.aborted) store.setPatrol(row.layer + 1);
    }
  }

  async #isHere({ volumeId }: LayerRow): Promise<boolean> {
    return (await this.#needs.volumes.present()).includes(volumeId);
  }

  async #look(row: LayerRow, signal: AbortSignal): Promise<void> {
    const { profile, maker, holdings, store, network, logger } = this.#needs;
    const folder = holdings.folder(row);
    const { made } = row;
    if (made === undefined) return;
    const roots = made.roots.fileRoots;
    const damaged = await maker.check({ profile, folder, roots }, signal).catch(async (error: unknown) => {
      if (isUnreadable(error) && (await this.#isHere(row))) return ["unreadable"];
      throw error;
    });
    if (damaged.length === 0) return;
    // It may have been released, or moved, while it was read.
    const now = store.find(row.layer);
    const { front = 0 } = network.view().state ?? {};
    const isSame = now !== undefined && isAtRest(now) && now.volumeId === row.volumeId;
    if (!isSame || releasedOf(profile, row.layer, front) > 0) return;
    logger.warn("idle: files are damaged, and are made again", { folder, files: [...damaged] });
    holdings.lose(now);
  }
}

function firstAtRest(store: IdleStore, from: number): LayerRow | undefined {
  for (const row of store.from(from)) if (isAtRest(row)) return row;
  return undefined;
}
