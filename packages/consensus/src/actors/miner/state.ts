/**
 * State of a miner actor. Invariants: `lockedPledge` is the sum of the pledges of all pre-commitments and sectors and
 * never exceeds the balance; `power` is the sum of the sizes of the sectors that are not faulty, `faulty` that of those
 * that are; a sector number is used once, for ever; each sector is in the set of its own deadline and in no other.
 * Collections are AMTs by number, so that every node walks the sectors in the same ascending order.
 */
import type { Address, AttoFil, Blockstore, CID, Codec, Epoch, SectorId } from "@holdfast/base";
import { Amt, c, putObject, zeroAtto } from "@holdfast/base";
import { maxPeerIdBytes, sectorNumberCodec, workerKeyBytes } from "../calls.ts";
import { SectorSet } from "./sector-set.ts";

export { maxSectorId, maxSectorsPerMiner, sectorNumberCodec } from "../calls.ts";

/** Most asks that a miner keeps at a time. */
export const maxAsks = 64;

const commitment = c.fixedBytes(32);
export interface Ask {
  readonly askId: number;
  /** attoFIL for storing one byte during one epoch. */
  readonly pricePerBytePerEpoch: AttoFil;
  /** Smallest and greatest piece (bytes) for which the price holds. */
  readonly minBytes: number;
  readonly maxBytes: number;
  /** What this miner locks for a deal, and what it wants the client to lock (percent of the price). */
  readonly providerCollateralPercent: number;
  readonly clientCollateralPercent: number;
  /** First epoch at which the ask no longer holds. */
  readonly expiry: Epoch;
}
export const askCodec: Codec<Ask> = c.tuple("Ask", {
  askId: c.uint(),
  pricePerBytePerEpoch: c.attoFil,
  minBytes: c.uint(),
  maxBytes: c.uint(),
  providerCollateralPercent: c.uint(),
  clientCollateralPercent: c.uint(),
  expiry: c.epoch,
});

/** What identifies a sealed sector; a pre-commitment and a sector share it. */
export interface SealedFields {
  readonly sectorId: SectorId;
  /** Padded size (bytes). */
  readonly sectorBytes: number;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  /** Randomness of the chain that went into the replica; zeros for sectors of the genesis. */
  readonly ticket: Uint8Array;
  /** The sector's life ends at this epoch; power and pledge follow at the next deadline. */
  readonly expiration: Epoch;
  /** What is still locked for this sector. */
  readonly pledge: AttoFil;
}
const sealedFields = {
  sectorId: sectorNumberCodec,
  sectorBytes: c.uint(),
  commD: commitment,
  commR: commitment,
  commRStar: commitment,
  ticket: commitment,
  expiration: c.epoch,
  pledge: c.attoFil,
};

export interface PreCommit extends SealedFields {
  readonly preCommittedAt: Epoch;
}
export const preCommitCodec: Codec<PreCommit> = c.tuple("PreCommit", {
  ...sealedFields,
  preCommittedAt: c.epoch,
});

export interface Sector extends SealedFields {
  readonly activatedAt: Epoch;
  /** Which deadline of the proving period proves it. */
  readonly deadlineIndex: number;
  /** Height at which the last proof of spacetime for this sector was accepted; null before the first. */
  readonly lastProven: Epoch | null;
  /** Since when the sector is faulty; null if it is healthy. */
  readonly faultySince: Epoch | null;
  /** When the miner declared the recovery of the faulty sector; null if it did not. */
  readonly recoveringSince: Epoch | null;
  /** Consecutive judgements of its deadline at which the sector was faulty. */
  readonly faultyPeriods: number;
}
export const sectorCodec: Codec<Sector> = c.tuple("Sector", {
  ...sealedFields,
  activatedAt: c.epoch,
  deadlineIndex: c.uint(),
  lastProven: c.nullable(c.epoch),
  faultySince: c.nullable(c.epoch),
  recoveringSince: c.nullable(c.epoch),
  faultyPeriods: c.uint(),
});

/** The sectors that are proven together, once in a proving period. */
export interface Deadline {
  /** The set of their numbers. */
  readonly sectors: CID;
  readonly sectorCount: number;
}
export const deadlineCodec: Codec<Deadline> = c.tuple("Deadline", {
  sectors: c.cid,
  sectorCount: c.uint(),
});

/** A worker that the owner has announced. */
export interface PendingWorker {
  readonly worker: Address;
  readonly workerKey: Uint8Array;
  /** From this height on it can be confirmed. */
  readonly effectiveAt: Epoch;
}
const pendingWorkerCodec: Codec<PendingWorker> = c.tuple("PendingWorker", {
  worker: c.address,
  workerKey: c.fixedBytes(workerKeyBytes),
  effectiveAt: c.epoch,
});

/** The worker before the present one. */
export interface PreviousWorker {
  readonly worker: Address;
  /** The last height at which its signature still proves a fault of the miner. */
  readonly answersUntil: Epoch;
}
const previousWorkerCodec: Codec<PreviousWorker> = c.tuple("PreviousWorker", {
  worker: c.address,
  answersUntil: c.epoch,
});

export interface MinerState {
  /** Holds the money: receives withdrawals and block rewards. */
  readonly owner: Address;
  /** Whom the owner has named to take the miner over; null if nobody. */
  readonly pendingOwner: Address | null;
  /** The account that signs blocks and everyday messages. */
  readonly worker: Address;
  /** BLS12-381 public key of the VRF. */
  readonly workerKey: Uint8Array;
  readonly pendingWorker: PendingWorker | null;
  readonly previousWorker: PreviousWorker | null;
  readonly peerId: string;
  /** AMT: ask id → Ask. */
  readonly asks: CID;
  readonly nextAskId: number;
  /** AMT: sector number → PreCommit. */
  readonly preCommits: CID;
  /** AMT: sector number → Sector. */
  readonly sectors: CID;
  /** AMT: index → Deadline; those without sectors are left out. */
  readonly deadlines: CID;
  /**
   * AMT: epoch of a judgement → set of the numbers whose pre-commitments are void then. What was committed
   * in the meantime stays in it and is passed over.
   */
  readonly expiringPreCommits: CID;
  /** The set of the numbers that were ever used. */
  readonly usedSectors: CID;
  /** Bytes of the sectors that are not faulty, and of those that are. */
  readonly power: bigint;
  readonly faulty: bigint;
  readonly lockedPledge: AttoFil;
  /** Everything that this miner ever lost to fees and penalties. */
  readonly burnt: AttoFil;
  /** Epoch of the enrolled judgement, of whichever deadline; null if there is nothing to watch. */
  readonly deadline: Epoch | null;
  /** Height at which a consensus fault was punished last; null if never. */
  readonly slashedAt: Epoch | null;
}
export const minerStateCodec: Codec<MinerState> = c.tuple("MinerState", {
  owner: c.address,
  pendingOwner: c.nullable(c.address),
  worker: c.address,
  workerKey: c.fixedBytes(workerKeyBytes),
  pendingWorker: c.nullable(pendingWorkerCodec),
  previousWorker: c.nullable(previousWorkerCodec),
  peerId: c.text(maxPeerIdBytes),
  asks: c.cid,
  nextAskId: c.uint(),
  preCommits: c.cid,
  sectors: c.cid,
  deadlines: c.cid,
  expiringPreCommits: c.cid,
  usedSectors: c.cid,
  power: c.bigUint(16),
  faulty: c.bigUint(16),
  lockedPledge: c.attoFil,
  burnt: c.attoFil,
  deadline: c.nullable(c.epoch),
  slashedAt: c.nullable(c.epoch),
});

export function loadAsks(store: Blockstore, state: MinerState): Amt<Ask> {
  return Amt.load(store, askCodec, state.asks);
}
export function loadPreCommits(store: Blockstore, state: MinerState): Amt<PreCommit> {
  return Amt.load(store, preCommitCodec, state.preCommits);
}
export function loadSectors(store: Blockstore, state: MinerState): Amt<Sector> {
  return Amt.load(store, sectorCodec, state.sectors);
}

export function loadExpiringPreCommits(store: Blockstore, state: MinerState): Amt<CID> {
  return Amt.load(store, c.cid, state.expiringPreCommits);
}

/** Marks a sector number as used for ever; undefined if it was used before. */
export function useSectorNumber(store: Blockstore, usedSectors: CID, sectorId: SectorId): CID | undefined {
  const used = SectorSet.load(store, usedSectors);
  return used.add(sectorId) ? used.flush() : undefined;
}

/** The empty collections of sectors: of a new miner, and of one that has lost everything. */
export function noSectors(
  store: Blockstore,
): Pick<MinerState, "preCommits" | "sectors" | "deadlines" | "expiringPreCommits"> {
  return {
    preCommits: Amt.empty(store, preCommitCodec).flush(),
    sectors: Amt.empty(store, sectorCodec).flush(),
    deadlines: Amt.empty(store, deadlineCodec).flush(),
    expiringPreCommits: Amt.empty(store, c.cid).flush(),
  };
}

/** A miner without sectors. */
export function newMinerState(
  store: Blockstore,
  given: Pick<MinerState, "owner" | "worker" | "workerKey" | "peerId">,
): MinerState {
  return {
    owner: given.owner,
    pendingOwner: null,
    worker: given.worker,
    workerKey: given.workerKey,
    pendingWorker: null,
    previousWorker: null,
    peerId: given.peerId,
    asks: Amt.empty(store, askCodec).flush(),
    nextAskId: 0,
    ...noSectors(store),
    usedSectors: SectorSet.empty(store).flush(),
    power: 0n,
    faulty: 0n,
    lockedPledge: zeroAtto,
    burnt: zeroAtto,
    deadline: null,
    slashedAt: null,
  };
}

export function putMinerState(store: Blockstore, state: MinerState): CID {
  return putObject(store, minerStateCodec, state);
}
