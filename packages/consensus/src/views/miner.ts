/** What a miner is, holds and owes, and who has how much power. */
import type { Address, AttoFil, Blockstore, CID, Epoch, NetworkByte, SectorId } from "@holdfast/base";
import { addressBytes, addressNetwork, epoch, subAtto } from "@holdfast/base";
import { electionPower, totalElectionPower } from "../actors/market/standstill.ts";
import type { MarketState } from "../actors/market/state.ts";
import { loadMinerList, loadMiners, marketStateCodec } from "../actors/market/state.ts";
import { loadDeadlineSectors, loadDeadlines, partitionMembers } from "../actors/miner/deadlines.ts";
import type { Ask, MinerState, PendingWorker, PreCommit, Sector } from "../actors/miner/state.ts";
import { loadAsks, loadPreCommits, loadSectors, minerStateCodec } from "../actors/miner/state.ts";
import type { DeadlineWindow } from "../actors/miner/windows.ts";
import {
  deadlineEpochs,
  nextJudgementAfter,
  nextWindowOf,
  sectorsToProve,
  windowAt,
} from "../actors/miner/windows.ts";
import type { PowerTable } from "../rules/election.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import { networkOf, readHead } from "./actors.ts";

export interface MinerView {
  readonly address: Address;
  readonly owner: Address;
  readonly worker: Address;
  /** BLS12-381 public key of the VRF, 48 bytes. */
  readonly workerKey: Uint8Array;
  /** Whom the owner has named to take the miner over. */
  readonly pendingOwner: Address | null;
  /** The worker that the owner has announced. */
  readonly pendingWorker: PendingWorker | null;
  readonly peerId: string;
  /** All stored asks, also expired ones. */
  readonly asks: readonly Ask[];
  /** Bytes of the sectors that are not faulty, and of those that are. */
  readonly power: bigint;
  readonly faulty: bigint;
  readonly balance: AttoFil;
  /** The part of the balance that is locked for sectors. */
  readonly pledge: AttoFil;
  readonly freeBalance: AttoFil;
  /** Everything lost to fees and penalties so far. */
  readonly burnt: AttoFil;
  readonly sectorCount: number;
  readonly preCommitCount: number;
  /** Epoch of the next judgement of any deadline; null if there is nothing to watch. */
  readonly deadline: Epoch | null;
  /** Height of the last punished consensus fault. */
  readonly slashedAt: Epoch | null;
}

function readMiner(store: Blockstore, state: CID, miner: Address) {
  return readHead(store, state, miner, codeNames.miner, minerStateCodec);
}

/** Everything about a miner but its sectors. `state/actor-not-found`, `state/wrong-kind-of-actor`. */
export function readMinerState(store: Blockstore, state: CID, miner: Address): MinerView {
  const { record, head } = readMiner(store, state, miner);
  return {
    address: miner,
    owner: head.owner,
    worker: head.worker,
    workerKey: head.workerKey,
    pendingOwner: head.pendingOwner,
    pendingWorker: head.pendingWorker,
    peerId: head.peerId,
    asks: [...loadAsks(store, head).entries()].map(([, ask]) => ask),
    power: head.power,
    faulty: head.faulty,
    balance: record.balance,
    pledge: head.lockedPledge,
    freeBalance: subAtto(record.balance, head.lockedPledge),
    burnt: head.burnt,
    sectorCount: loadSectors(store, head).count,
    preCommitCount: loadPreCommits(store, head).count,
    deadline: head.deadline,
    slashedAt: head.slashedAt,
  };
}

/** The miner's own state object. */
export function readMinerHead(store: Blockstore, state: CID, miner: Address): MinerState {
  return readMiner(store, state, miner).head;
}

/** One sector, undefined if the miner has none of this number. */
export function readSector(
  store: Blockstore,
  state: CID,
  miner: Address,
  sectorId: SectorId,
): Sector | undefined {
  return loadSectors(store, readMiner(store, state, miner).head).get(sectorId);
}

/** All sectors of a miner, ascending by number. */
export function readSectors(store: Blockstore, state: CID, miner: Address): Sector[] {
  const { head } = readMiner(store, state, miner);
  return [...loadSectors(store, head).entries()].map(([, sector]) => sector);
}

/** The pre-commitment of a sector, undefined if there is none (any more). */
export function readPreCommit(
  store: Blockstore,
  state: CID,
  miner: Address,
  sectorId: SectorId,
): PreCommit | undefined {
  return loadPreCommits(store, readMiner(store, state, miner).head).get(sectorId);
}

function readMarket(store: Blockstore, state: CID, network = networkOf(store, state)): MarketState {
  const { market } = builtinAddresses(network);
  return readHead(store, state, market, codeNames.market, marketStateCodec).head;
}

/** All miners in the order of their creation. */
export function listMiners(store: Blockstore, state: CID, network?: NetworkByte): Address[] {
  const market = readMarket(store, state, network);
  return [...loadMinerList(store, market).entries()].map(([, address]) => address);
}

/** Since when the network has had no power, or less than is faulty; null: the election counts power alone. */
export function readStandstill(store: Blockstore, state: CID, network?: NetworkByte): Epoch | null {
  return readMarket(store, state, network).standstillSince;
}

/** Power of the whole network (bytes). */
export function readPower(store: Blockstore, state: CID, network?: NetworkByte): bigint {
  return readMarket(store, state, network).totalPower;
}

/** What of it a miner has, by sectors and idle space. */
export function readPowerOf(store: Blockstore, state: CID, miner: Address, network?: NetworkByte): bigint {
  return loadMiners(store, readMarket(store, state, network)).get(addressBytes(miner))?.power ?? 0n;
}

/**
 * The power by which blocks on this state are won and weighed: in a standstill with what is faulty. Looks a miner up
 * only when asked.
 */
export function readPowerTable(store: Blockstore, state: CID, network?: NetworkByte): PowerTable {
  const market = readMarket(store, state, network);
  const miners = loadMiners(store, market);
  return {
    total: totalElectionPower(market),
    powerOf(miner) {
      const entry = miners.get(addressBytes(miner));
      return entry === undefined ? 0n : electionPower(market, entry);
    },
  };
}

/** What a winner has to show, from the state of the parent tipset. */
export interface ElectionFacts {
  readonly owner: Address;
  readonly worker: Address;
  readonly workerKey: Uint8Array;
  /** As the election counts it, see `actors/market/standstill.ts`. */
  readonly power: bigint;
  readonly totalPower: bigint;
  /** The sectors that the election counts, ascending by number. */
  readProvableSectors(): ProvableSector[];
}

export interface ProvableSector {
  readonly sectorId: SectorId;
  readonly sectorBytes: number;
  readonly commR: Uint8Array;
}

/** Facts about a miner for its election; undefined if the market does not know the miner. */
export function readElectionFacts(store: Blockstore, state: CID, miner: Address): ElectionFacts | undefined {
  const market = readMarket(store, state, addressNetwork(miner));
  const entry = loadMiners(store, market).get(addressBytes(miner));
  if (entry === undefined) return undefined;
  const { head } = readMiner(store, state, miner);
  const { owner, worker, workerKey } = head;
  return {
    owner,
    worker,
    workerKey,
    power: electionPower(market, entry),
    totalPower: totalElectionPower(market),
    readProvableSectors: () =>
      [...loadSectors(store, head).entries()]
        .map(([, sector]) => sector)
        .filter((sector) => market.standstillSince !== null || sector.faultySince === null)
        .map(({ sectorId, sectorBytes, commR }) => ({ sectorId, sectorBytes, commR })),
  };
}

export interface DeadlineView {
  readonly index: number;
  /** The one that is open at the given height, or else its next one. */
  readonly window: DeadlineWindow;
  /** All its sectors, ascending by number. */
  readonly sectors: readonly Sector[];
  readonly partitions: readonly PartitionView[];
}

export interface PartitionView {
  readonly index: number;
  /** All its sectors, ascending. */
  readonly sectors: readonly Sector[];
  /** What the window asks for and no proof has covered yet, ascending; a proof of the partition covers all. */
  readonly toProve: readonly Sector[];
}

/** One deadline for a message that is executed at `height`. Reads the sectors of this deadline only. */
export function readDeadline(
  store: Blockstore,
  state: CID,
  params: NetworkParams,
  miner: Address,
  { index, height }: { readonly index: number; readonly height: Epoch },
): DeadlineView {
  const { head } = readMiner(store, state, miner);
  const now = windowAt(params, miner, height);
  const isOpen = now !== null && now.index === index && height <= now.lastEpoch;
  const window = isOpen ? now : nextWindowOf(params, miner, index, height);
  const numbers = [...loadDeadlineSectors(store, loadDeadlines(store, head), index).set.numbers()];
  const all = loadSectors(store, head);
  const sectors = numbers.flatMap((id) => all.get(id) ?? []);
  const partitions = Array.from({ length: Math.ceil(numbers.length / params.partitionSectors) }, (_, at) => {
    const members = partitionMembers(params, sectors, at);
    return { index: at, sectors: members, toProve: sectorsToProve(members, window.start) };
  });
  return { index, window, sectors, partitions };
}

/** The deadlines of a miner that have sectors, ascending by index; reads all sectors. */
export function readDeadlines(
  store: Blockstore,
  state: CID,
  params: NetworkParams,
  miner: Address,
  height: Epoch,
): DeadlineView[] {
  const deadlines = loadDeadlines(store, readMiner(store, state, miner).head);
  return [...deadlines.entries()].map(([index]) =>
    readDeadline(store, state, params, miner, { index, height }),
  );
}

export interface ProvingPeriodView {
  /** Start of the period that a message at this height can prove; null before the first. */
  readonly start: Epoch | null;
  /** The window whose turn it is; null before the first. */
  readonly window: DeadlineWindow | null;
  /** The next epoch at which a deadline of the miner is judged, whether it has sectors or not. */
  readonly nextJudgement: Epoch;
}

/** The proving period of a miner for a message that is executed at `height`. */
export function provingPeriodAt(params: NetworkParams, miner: Address, height: Epoch): ProvingPeriodView {
  const window = windowAt(params, miner, height);
  const start = window === null ? -1 : window.start - window.index * deadlineEpochs(params);
  return {
    start: start < 0 ? null : epoch(start),
    window,
    nextJudgement: nextJudgementAfter(params, miner, height),
  };
}
