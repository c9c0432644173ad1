/** What synchronisation has in memory, beside the most of it. */
import type { Held } from "../held.ts";
import { limits } from "../limits.ts";
import type { ServingGate } from "../serving-gate.ts";
import type { AheadWatch } from "./ahead.ts";
import type { BadTipsets } from "./bad.ts";
import type { CatchUp } from "./catch-up.ts";
import type { FaultWatch } from "./faults.ts";
import type { PeerScores } from "./scores.ts";

export interface SyncMemory {
  readonly heights: { readonly size: number };
  readonly siblings: { readonly size: number };
  readonly faults: FaultWatch;
  readonly bad: BadTipsets;
  readonly scores: PeerScores;
  readonly gate: ServingGate;
  readonly catchUp: CatchUp;
  readonly ahead: AheadWatch;
}

export function heldBySync(memory: SyncMemory): readonly Held[] {
  const { heights, siblings, faults, bad, scores, gate, catchUp, ahead } = memory;
  const { watchedHeaders, badBlocks, peerScores, connections } = limits;
  return [
    { what: "sync heights", count: heights.size, most: connections },
    { what: "sync peers ahead", count: ahead.size, most: connections },
    { what: "sync siblings", count: siblings.size, most: limits.orphanBlocks },
    { what: "sync watched headers", count: faults.size.headers, most: watchedHeaders },
    { what: "sync watched miners", count: faults.size.miners, most: watchedHeaders },
    { what: "sync bad blocks", count: bad.size.proven, most: badBlocks },
    { what: "sync blocks on bad ones", count: bad.size.above, most: badBlocks },
    { what: "sync scores", count: scores.size, most: 2 * peerScores },
    { what: "sync shares", count: gate.size, most: peerScores },
    { what: "sync targets", count: catchUp.size.targets, most: connections },
    { what: "sync orphan bytes", count: catchUp.size.orphanBytes, most: limits.orphanBytes },
  ];
}
