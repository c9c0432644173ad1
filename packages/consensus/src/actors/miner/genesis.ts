/**
 * Miners that exist from the start: a network without power could never make its first block. Their
 * sectors are active at epoch 0 without a seal proof, and from then on subject to the same proofs,
 * deadlines and penalties as all others; their pledge is locked out of the miner's opening balance.
 */
import type { Address, AttoFil, Blockstore, CID, Epoch, SectorId } from "@holdfast/base";
import { Amt, assert, mulAtto } from "@holdfast/base";
import type { NetworkParams } from "../../types/params.ts";
import { nextDeadlineAfter } from "./periods.ts";
import type { MinerState } from "./state.ts";
import { newMinerState, putMinerState, sectorCodec, useSectorNumber } from "./state.ts";

export interface GenesisSector {
  readonly sectorId: SectorId;
  /** Padded size (bytes), one of the network's. */
  readonly sectorBytes: number;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  /** Default: the longest lifetime of the network. */
  readonly expiration?: Epoch;
}

/** What the state of a genesis miner gives to the market and to the opening balances. */
export interface GenesisMinerState {
  readonly head: CID;
  /** Bytes of all its sectors. */
  readonly power: bigint;
  /** The first deadline; null without sectors. */
  readonly deadline: Epoch | null;
  /** The least opening balance of the miner actor. */
  readonly lockedPledge: AttoFil;
}

/** A sector of the genesis is sealed with a ticket of zeros: there is no chain yet. */
export const genesisTicket: Uint8Array = new Uint8Array(32);

/** Builds the state of a miner with sectors that are active from epoch 0. */
export function createGenesisMinerState(
  store: Blockstore,
  params: NetworkParams,
  address: Address,
  given: Pick<MinerState, "owner" | "worker" | "workerKey" | "peerId">,
  genesisSectors: readonly GenesisSector[],
): GenesisMinerState {
  const state = newMinerState(store, given);
  const sectors = Amt.empty(store, sectorCodec);
  let { usedSectors } = state;
  let power = 0n;
  for (const sector of genesisSectors) {
    const used = useSectorNumber(store, usedSectors, sector.sectorId);
    assert(used !== undefined, "a genesis miner uses each sector number once");
    assert(params.sectorBytes.includes(sector.sectorBytes), "genesis sectors have a size of the network");
    usedSectors = used;
    power += BigInt(sector.sectorBytes);
    sectors.set(sector.sectorId, {
      sectorId: sector.sectorId,
      sectorBytes: sector.sectorBytes,
      commD: sector.commD,
      commR: sector.commR,
      commRStar: sector.commRStar,
      ticket: genesisTicket,
      expiration: sector.expiration ?? (params.maxSectorLifetimeEpochs as Epoch),
      pledge: params.minPledgePerSector,
      activatedAt: 0 as Epoch,
      lastProven: null,
      faultySince: null,
      recoveringSince: null,
      faultyPeriods: 0,
    });
  }
  const lockedPledge = mulAtto(params.minPledgePerSector, genesisSectors.length);
  const deadline = genesisSectors.length === 0 ? null : nextDeadlineAfter(params, address, 0 as Epoch);
  const sectorsRoot = sectors.flush();
  const complete = { ...state, usedSectors, power, lockedPledge, deadline, sectors: sectorsRoot };
  return { head: putMinerState(store, complete), power, deadline, lockedPledge };
}
