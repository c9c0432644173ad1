/**
 * The life of a sector as one table.
 *
 *   staging → closing → sealing → sealed → proving → proved → committed ⇄ faulty → expired → removed
 *
 * `closing` takes no more pieces and waits for the caller's ticket, `sealed` waits for the caller's seed,
 * `proved` waits for the caller's word that the proof is on the chain. `failed` remembers in which state it
 * happened and goes back by a retry. A seal that the chain has not taken may start again with a new ticket
 * (back to `closing`), and is proven again when a reorganisation changed its seed (back to `proving`): its
 * pieces are kept in the clear until `committed`.
 */
export const sectorStates = [
  "staging",
  "closing",
  "sealing",
  "sealed",
  "proving",
  "proved",
  "committed",
  "faulty",
  "expired",
  "failed",
  "removed",
] as const;
export type SectorState = (typeof sectorStates)[number];

export const sectorMoves: { readonly [from in SectorState]: readonly SectorState[] } = {
  staging: ["closing", "removed"],
  closing: ["sealing", "removed"],
  sealing: ["sealed", "failed", "closing", "removed"],
  sealed: ["proving", "closing", "removed"],
  proving: ["proved", "failed", "closing", "removed"],
  proved: ["proving", "committed", "closing", "removed"],
  committed: ["faulty", "expired", "removed"],
  faulty: ["committed", "expired", "removed"],
  expired: ["removed"],
  failed: ["closing", "sealed", "removed"],
  removed: [],
};

/** States in which a job of ours runs; after a restart it starts again from what is recorded. */
export const workingStates: readonly SectorState[] = ["sealing", "proving"];
/** States in which the pieces lie in the staged file (the chain may still refuse the seal). */
export const stagedStates: readonly SectorState[] = [
  "staging",
  "closing",
  "sealing",
  "sealed",
  "proving",
  "proved",
  "failed",
];
/** States whose replica can be proven to the chain. */
export const provableStates: readonly SectorState[] = ["proved", "committed", "faulty"];
/** States after the chain has taken the sector. */
export const landedStates: readonly SectorState[] = ["committed", "faulty", "expired"];

export function mayMove(from: SectorState, to: SectorState): boolean {
  return sectorMoves[from].includes(to);
}
