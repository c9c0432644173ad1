/**
 * The power table counted anew from sectors and idle files themselves, and what the election makes of it: normally what
 * is proven; in a standstill, which begins when nothing is and ends when more is than is not, what is faulty too.
 */
import type { Address, CID } from "@holdfast/base";
import type { Sector } from "@holdfast/consensus";
import {
  listIdleMiners,
  listMiners,
  readMinerState,
  readPower,
  readPowerTable,
  readStandstill,
} from "@holdfast/consensus";
import { idlePowerOf } from "./idle-books.ts";
import type { Oracle, TipsetCheck } from "./invariants.ts";

interface Count {
  readonly total: bigint;
  readonly by: ReadonlyMap<Address, bigint>;
}
export interface Powers {
  /** Sectors that are not faulty, and idle space, by its files. */
  readonly proven: Count;
  readonly sectors: Count;
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

export function powersOf(oracle: Pick<Oracle, "store" | "sectorsOf" | "params">, state: CID): Powers {
  const { store, params } = oracle;
  const idle = new Map([...listIdleMiners(store, state)].map((one) => [one.miner, idlePowerOf(one, params)]));
  const proven = new Map<Address, bigint>();
  const sound = new Map<Address, bigint>();
  const faulty = new Map<Address, bigint>();
  const all = new Map<Address, bigint>();
  for (const miner of listMiners(store, state)) {
    const sectors = oracle.sectorsOf(state, miner);
    const healthy = bytesOf(sectors.filter(({ faultySince }) => faultySince === null));
    const power = healthy + (idle.get(miner) ?? 0n);
    sound.set(miner, healthy);
    proven.set(miner, power);
    all.set(miner, power + bytesOf(sectors) - healthy);
    faulty.set(miner, bytesOf(sectors) - healthy);
  }
  const isStill = readStandstill(store, state) !== null;
  return {
    proven: countOf(proven),
    sectors: countOf(sound),
    faulty: countOf(faulty),
    isStill,
    elected: countOf(isStill ? all : proven),
  };
}

/** Power is what is proven: of each miner and of all, in every place that counts it. */
export const powerIsProven: TipsetCheck = ({ state }, oracle) => {
  const { store } = oracle;
  const { proven, sectors, faulty, isStill, elected } = oracle.powerOfAll(state);
  const table = readPowerTable(store, state);
  for (const [miner, power] of sectors.by) {
    const counted = elected.by.get(miner);
    if (table.powerOf(miner) !== counted)
      return `${miner} has a power of ${table.powerOf(miner)}, its sectors and idle space ${counted}`;
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
