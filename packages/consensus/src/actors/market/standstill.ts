/**
 * What the election counts. Normally power: sectors that are proven, and idle space. A network that has lost all of it
 * would make no block any more, and so take no proof by which it could come back. From the moment at which the table is
 * empty (a standstill) the election therefore counts faulty sectors too, as long as they are not given up, and a winner
 * proves one that is drawn from all its sectors: who has lost its replicas wins nothing by them.
 *
 * It ends when the proven power is more than what is still faulty, not with the first miner that has proven itself:
 * that one alone would then have all the power, and could keep the proofs of the others out of every block until their
 * sectors are given up. Invariants: in a standstill a miner's share is what it was before, however many have recovered;
 * the miners that have power when it ends had more than half of all shares. So a minority gains nothing by being quick.
 */
import type { Epoch } from "@holdfast/base";
import type { MarketMiner, MarketState } from "./state.ts";

type Totals = Pick<MarketState, "totalPower" | "totalFaulty" | "standstillSince">;

/** The totals after a change at a height, with what the election counts from then on. */
export function settled<T extends Totals>(totals: T, height: Epoch): T {
  const { totalPower, totalFaulty, standstillSince } = totals;
  if (totalPower > totalFaulty || totalFaulty === 0n) return { ...totals, standstillSince: null };
  return totalPower === 0n ? { ...totals, standstillSince: standstillSince ?? height } : totals;
}

/** What the election counts of a miner, and of all miners together. */
export function electionPower(
  { standstillSince }: Pick<MarketState, "standstillSince">,
  { power, faulty }: Pick<MarketMiner, "power" | "faulty">,
): bigint {
  return standstillSince === null ? power : power + faulty;
}
export function totalElectionPower({ standstillSince, totalPower, totalFaulty }: Totals): bigint {
  return standstillSince === null ? totalPower : totalPower + totalFaulty;
}
