/**
 * The power table counted anew from the sectors themselves, and what the election makes of it: normally what is
 * proven; in a standstill, which begins when nothing is and ends when more is than is not, what is faulty too.
 */
import type { Address, CID } from "@holdfast/base";
import type { Sector } from "@holdfast/consensus";
import { listMiners, readMinerState, readPower, readPowerTable, readStandstill } from "@holdfast/consensus";
import type { Oracle, TipsetCheck } from "./invariants.ts";

interface Count {
  readonly total: bigint;
  readonly by: ReadonlyMap<Address, bigint>;
}
export interface Powers {
  readonly proven: Count;
  readonly faulty: Count;
  readonly isStill: boolean;
  /** By which blocks are won and weighed. */
  readonly elected: Count;
}

function countOf(by: ReadonlyMap<Address, bigint>): Count {
  return { total: [...by.values()].reduce((sum, one) => sum + one, 0n), by };
}

const bytesOf = (sectors: readonly Sector[]): bigint =>
  sectors.reduce((sum, { sectorBytes }) => sum + BigInt(sectorBytes), 0n);

export function powersOf(oracle: Pick<Oracle, "store" | "sectorsOf">, state: CID): Powers {
  const proven = new Map<Address, bigint>();
  const faulty = new Map<Address, bigint>();
  const all = new Map<Address, bigint>();
  for (const miner of listMiners(oracle.store, state)) {
    const sectors = oracle.sectorsOf(state, miner);
    const healthy = bytesOf(sectors.filter(({ faultySince }) => faultySince === null));
    proven.set(miner, healthy);
    all.set(miner, bytesOf(sectors));
    faulty.set(miner, bytesOf(sectors) - healthy);
  }
  const isStill = readStandstill(oracle.store, state) !== null;
  return {
    proven: countOf(proven),
    faulty: countOf(faulty),
    isStill,
    elected: countOf(isStill ? all : proven),
  };
}

/** Power is what the sectors prove: of each miner and of all, in every place that counts it. */
export const powerIsProven: TipsetCheck = ({ state }, oracle) => {
  const { store } = oracle;
  const { proven, faulty, isStill, elected } = oracle.powerOfAll(state);
  const table = readPowerTable(store, state);
  for (const [miner, power] of proven.by) {
    const counted = elected.by.get(miner);
    if (table.powerOf(miner) !== counted)
      return `${miner} has a power of ${table.powerOf(miner)}, its sectors ${counted}`;
    const own = readMinerState(store, state, miner).power;
    if (own !== power) return `${miner} counts a power of ${own}, its sectors ${power}`;
  }
  const total = readPower(store, state);
  if (total !== proven.total) return `the total power is ${total}, not ${proven.total}`;
  if (table.total !== elected.total) return `the election counts ${table.total}, not ${elected.total}`;
  const mayBeStill = faulty.total > 0n && total <= faulty.total;
  if (isStill && !mayBeStill) return `the standstill has not ended with ${total} proven`;
  if (!isStill && mayBeStill && total === 0n)
    return "nobody has power, and the election counts no faulty sector";
  return undefined;
};
