/** How the copy of an attempt does, and whether it is the one that counts for its place. */
import { type Health, healthOf } from "../health.ts";
import type { ClientContext } from "./context.ts";
import type { Attempt } from "./store.ts";

/** Of an attempt with proven sectors; undefined before that. */
export function healthOfAttempt({ needs }: ClientContext, attempt: Attempt): Health | undefined {
  const { evidence, startHeight, endHeight, stage } = attempt;
  if (evidence === null || startHeight === null || endHeight === null) return undefined;
  if (stage !== "proven" && stage !== "done") return undefined;
  const sectorIds = evidence.map((entry) => entry.sectorId);
  return healthOf(needs.chain, attempt.miner, sectorIds, { startHeight, endHeight });
}

/** A copy's place is this attempt's: it holds the copy, or is about to. */
export function isHolder({ stage, retired }: Attempt): boolean {
  return stage !== "abandoned" && retired === null;
}
