/**
 * State of the storage market: who the miners are, the power table by which blocks are won, and the
 * queue of proof deadlines. Invariants: the totals are the sums of all entries' power and faulty bytes; a miner with an
 * enrolled deadline stands in the queue exactly once, at that epoch.
 */
import type { Address, Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import { Amt, addressBytes, c, Hamt, putObject } from "@holdfast/base";
import { emptyBook } from "./book.ts";

/** Power in bytes: a million petabytes and far more. */
const powerCodec = c.bigUint(16);

export interface MarketMiner {
  /** Position in the list of miners, in the order of creation. */
  readonly index: number;
  /** Bytes of active sectors that are not faulty, and weighted bytes of idle space. */
  readonly power: bigint;
  /** Bytes of its sectors that are faulty and not given up. */
  readonly faulty: bigint;
  /** Epoch at which the miner stands in the queue, null if it does not. */
  readonly deadline: Epoch | null;
}
export const marketMinerCodec: Codec<MarketMiner> = c.tuple("MarketMiner", {
  index: c.uint(),
  power: powerCodec,
  faulty: powerCodec,
  deadline: c.nullable(c.epoch),
});

export interface MarketState {
  /** HAMT: 22 bytes of the miner's address → MarketMiner. */
  readonly miners: CID;
  /** AMT of the miners' addresses in the order of creation. */
  readonly list: CID;
  readonly totalPower: bigint;
  readonly totalFaulty: bigint;
  /** Since when the election counts faulty sectors too, see `standstill.ts`; null: it counts power alone. */
  readonly standstillSince: Epoch | null;
  /** AMT: epoch → AMT of the addresses whose deadline is then. */
  readonly queue: CID;
  /** Height of the last tipset, i.e. of the last tick. */
  readonly lastTick: Epoch;
  /** The last long gap in the chain: no tipset between these heights; both 0 if there was none. */
  readonly stallFrom: Epoch;
  readonly stallTo: Epoch;
  /** Where the chain went on after it last stood still for half the time that a pinning node has for an answer. */
  readonly gapEnd: Epoch;
  /** The book of deals, see `DealBookState`. */
  readonly deals: CID;
}
export const marketStateCodec: Codec<MarketState> = c.tuple("MarketState", {
  miners: c.cid,
  list: c.cid,
  totalPower: powerCodec,
  totalFaulty: powerCodec,
  standstillSince: c.nullable(c.epoch),
  queue: c.cid,
  lastTick: c.epoch,
  stallFrom: c.epoch,
  stallTo: c.epoch,
  gapEnd: c.epoch,
  deals: c.cid,
});

export function loadMiners(store: Blockstore, state: MarketState): Hamt<MarketMiner> {
  return Hamt.load(store, marketMinerCodec, state.miners);
}
export function loadMinerList(store: Blockstore, state: MarketState): Amt<Address> {
  return Amt.load(store, c.address, state.list);
}
export function loadQueue(store: Blockstore, state: MarketState): Amt<CID> {
  return Amt.load(store, c.cid, state.queue);
}

/** Puts a miner into the queue at an epoch; the caller keeps the entry's `deadline` in step. */
export function enqueue(store: Blockstore, queue: Amt<CID>, at: Epoch, miner: Address): void {
  const root = queue.get(at);
  const members = root === undefined ? Amt.empty(store, c.address) : Amt.load(store, c.address, root);
  members.push(miner);
  queue.set(at, members.flush());
}

export interface GenesisMarketMiner {
  readonly address: Address;
  readonly power: bigint;
  readonly deadline: Epoch | null;
}

/** The state at genesis, with the miners that exist from the start. */
export function createMarketState(store: Blockstore, genesisMiners: readonly GenesisMarketMiner[]): CID {
  const miners = Hamt.empty(store, marketMinerCodec);
  const list = Amt.empty(store, c.address);
  const queue = Amt.empty(store, c.cid);
  let totalPower = 0n;
  for (const [index, { address, power, deadline }] of genesisMiners.entries()) {
    miners.set(addressBytes(address), { index, power, faulty: 0n, deadline });
    list.push(address);
    if (deadline !== null) enqueue(store, queue, deadline, address);
    totalPower += power;
  }
  return putObject(store, marketStateCodec, {
    miners: miners.flush(),
    list: list.flush(),
    totalPower,
    totalFaulty: 0n,
    standstillSince: null,
    queue: queue.flush(),
    lastTick: 0 as Epoch,
    stallFrom: 0 as Epoch,
    stallTo: 0 as Epoch,
    gapEnd: 0 as Epoch,
    deals: emptyBook(store),
  });
}
