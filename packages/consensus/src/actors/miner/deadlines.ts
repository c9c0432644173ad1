/**
 * Which sectors belong to which deadline. A sector is assigned when it is committed and stays where it is, so
 * that the tick and a proof touch the sectors of one deadline and never all that the miner has. The sectors
 * of a deadline in ascending order, `partitionSectors` at a time, are its partitions: the unit of a proof.
 *
 * Invariant: the sectors of a deadline change only while it is not frozen (a commitment) and when it is judged
 * (an end of life), so partitions stand still through a window. Source: Filecoin specs, Window PoSt.
 */
import type { Address, Blockstore, Codec, Epoch, SectorId } from "@holdfast/base";
import { Amt, assert, c } from "@holdfast/base";
import type { NetworkParams } from "../../types/params.ts";
import { SectorSet } from "./sector-set.ts";
import type { Deadline, MinerState } from "./state.ts";
import { deadlineCodec } from "./state.ts";
import { isFrozen, nextWindowOf } from "./windows.ts";

/** Most partitions that one message can name. */
export const maxPartitionsPerPost = 1_024;

export const partitionIndexCodec: Codec<number> = c.uint(2 ** 20);

/** AMT: index → Deadline; one without sectors is not in it. */
export function loadDeadlines(store: Blockstore, state: Pick<MinerState, "deadlines">): Amt<Deadline> {
  return Amt.load(store, deadlineCodec, state.deadlines);
}

/** The sectors of one deadline. */
export function loadDeadlineSectors(
  store: Blockstore,
  deadlines: Amt<Deadline>,
  index: number,
): { readonly set: SectorSet; readonly count: number } {
  const deadline = deadlines.get(index);
  if (deadline === undefined) return { set: SectorSet.empty(store), count: 0 };
  return { set: SectorSet.load(store, deadline.sectors), count: deadline.sectorCount };
}

/** Writes the sectors of one deadline; the caller flushes the list. */
export function putDeadlineSectors(
  deadlines: Amt<Deadline>,
  index: number,
  { set, count }: { readonly set: SectorSet; readonly count: number },
): void {
  if (count === 0) deadlines.delete(index);
  else deadlines.set(index, { sectors: set.flush(), sectorCount: count });
}

/** Adds a new sector to a deadline. */
export function joinDeadline(
  store: Blockstore,
  deadlines: Amt<Deadline>,
  index: number,
  sectorId: SectorId,
): void {
  const { set, count } = loadDeadlineSectors(store, deadlines, index);
  assert(set.add(sectorId), "a sector is assigned once");
  putDeadlineSectors(deadlines, index, { set, count: count + 1 });
}

/**
 * The deadline of a sector that becomes active at `height`: of those that are not frozen the one with the
 * fewest sectors, of equals the one whose window comes next. At the genesis nothing is frozen.
 */
export function assignDeadline(
  params: NetworkParams,
  miner: Address,
  deadlines: Amt<Deadline>,
  height: Epoch,
): number {
  let best: { readonly index: number; readonly count: number; readonly start: number } | undefined;
  for (let index = 0; index < params.deadlinesPerPeriod; index++) {
    if (height > 0 && isFrozen(params, miner, index, height)) continue;
    const count = deadlines.get(index)?.sectorCount ?? 0;
    // Strictly after the height: a window asks for the sectors that were active before its start.
    const { start } = nextWindowOf(params, miner, index, (height + 1) as Epoch);
    const isBetter = best === undefined || count < best.count || (count === best.count && start < best.start);
    if (isBetter) best = { index, count, start };
  }
  assert(best !== undefined, "at every epoch some deadline is not frozen (a rule of the genesis)");
  return best.index;
}

/** The members of a partition, of all that a deadline has in ascending order; empty if there is none such. */
export function partitionMembers<Member>(
  { partitionSectors }: Pick<NetworkParams, "partitionSectors">,
  members: readonly Member[],
  partition: number,
): readonly Member[] {
  return members.slice(partition * partitionSectors, (partition + 1) * partitionSectors);
}
