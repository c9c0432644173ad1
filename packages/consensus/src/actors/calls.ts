/**
 * The calls between the storage market and its miners. They stand apart from both so that neither
 * imports the other. An actor that is still running cannot be called again; therefore a miner that is
 * called by the market answers with its change of power instead of reporting it in a call of its own.
 */
import type { Address, Codec, Epoch, SectorId } from "@holdfast/base";
import { c } from "@holdfast/base";
import type { DealTermsPiece } from "../types/deal.ts";
import { maxDealPieces } from "../types/deal.ts";
import { maxParamBytes } from "../types/message.ts";
import type { CallSpec, None } from "./kit.ts";
import { noneCodec } from "./kit.ts";

/** Bytes of a BLS12-381 public key in G1, compressed. */
export const workerKeyBytes = 48;
/** Longest text of a peer id (bytes). */
export const maxPeerIdBytes = 128;
/** Sector numbers are below 2^32: the bitfield of used numbers stays shallow. */
export const maxSectorId = 2 ** 32 - 1;
/** A sector number below 2^32. */
export const sectorNumberCodec: Codec<SectorId> = {
  name: "SectorId",
  toCbor: (value) => c.uint(maxSectorId).toCbor(value),
  fromCbor: (value, path) => c.uint(maxSectorId).fromCbor(value, path) as SectorId,
};
/** Pre-commitments and sectors of one miner together. */
export const maxSectorsPerMiner = 65_536;

/** Power is counted in bytes of sealed sectors that are not faulty. */
export interface PowerChange {
  readonly added: bigint;
  readonly removed: bigint;
}
export interface SectorPowerChange extends PowerChange {
  /** All bytes of the miner's sectors that are faulty now. */
  readonly faulty: bigint;
}
/** Miner to market: sectors became active, faulty, healthy again or ended. */
export const updatePowerCall: CallSpec<SectorPowerChange, None> = {
  method: "updatePower",
  params: c.tuple("SectorPowerChange", { added: c.bigUint(), removed: c.bigUint(), faulty: c.bigUint() }),
  returns: noneCodec,
};

export interface IdlePowerChange extends PowerChange {
  readonly miner: Address;
}
/** Idle space to market: what a miner's counts (weighted bytes). */
export const idlePowerCall: CallSpec<IdlePowerChange, None> = {
  method: "updateIdlePower",
  params: c.tuple("IdlePowerChange", {
    miner: c.address,
    added: c.bigUint(),
    removed: c.bigUint(),
  }),
  returns: noneCodec,
};

/** Miner to idle space: it was punished for a consensus fault, and loses what it has there too. */
export const idleSlashedCall: CallSpec<None, None> = {
  method: "minerSlashed",
  params: noneCodec,
  returns: noneCodec,
};

/** Pins to market, which alone sees every tipset: where the chain went on after it last stood still for long. */
export const gapEndCall: CallSpec<None, Epoch> = {
  method: "getGapEnd",
  params: noneCodec,
  returns: c.epoch,
};

export interface EnrolDeadline {
  /** The first epoch at which the market shall call the miner's `onDeadline`. */
  readonly deadline: Epoch;
}
export const enrolDeadlineCall: CallSpec<EnrolDeadline, None> = {
  method: "enrolDeadline",
  params: c.tuple("EnrolDeadline", { deadline: c.epoch }),
  returns: noneCodec,
};

export interface OnDeadline {
  /** The epoch of the judgement, which says whose window has closed. */
  readonly deadline: Epoch;
  /** The chain stood still during the proof window, so that nobody could prove: no penalties. */
  readonly chainStalled: boolean;
}
export interface OnDeadlineResult {
  /** Power (bytes) that the miner lost at this deadline. */
  readonly powerRemoved: bigint;
  /** All bytes of its sectors that are faulty now. */
  readonly faulty: bigint;
  /** The next deadline; null when the miner has nothing left to watch. */
  readonly next: Epoch | null;
  /** Sectors that were given up, not those whose life is over. */
  readonly lost: readonly SectorId[];
}
/** Market to miner, once for every deadline of every proving period, by the network's implicit tick. */
export const onDeadlineCall: CallSpec<OnDeadline, OnDeadlineResult> = {
  method: "onDeadline",
  params: c.tuple("OnDeadline", { deadline: c.epoch, chainStalled: c.bool }),
  returns: c.tuple("OnDeadlineResult", {
    powerRemoved: c.bigUint(),
    faulty: c.bigUint(),
    next: c.nullable(c.epoch),
    lost: c.list(sectorNumberCodec, maxSectorsPerMiner),
  }),
};

export interface SectorsLost {
  /** Null: all that the miner had. */
  readonly sectorIds: readonly SectorId[] | null;
}
/** Miner to market: sectors ended before the end of their life. */
export const sectorsLostCall: CallSpec<SectorsLost, None> = {
  method: "sectorsLost",
  params: c.tuple("SectorsLost", { sectorIds: c.nullable(c.list(sectorNumberCodec, maxSectorsPerMiner)) }),
  returns: noneCodec,
};

export interface MinerParties {
  readonly owner: Address;
  readonly worker: Address;
}
/** Market to miner: who may speak for it. */
export const getPartiesCall: CallSpec<None, MinerParties> = {
  method: "getParties",
  params: noneCodec,
  returns: c.tuple("MinerParties", { owner: c.address, worker: c.address }),
};

export interface PieceLocation {
  readonly sectorId: SectorId;
  /** Inclusion of the piece in the sector's commD. */
  readonly proof: Uint8Array;
}
export const pieceLocationsCodec: Codec<readonly PieceLocation[]> = c.list(
  c.tuple("PieceLocation", { sectorId: sectorNumberCodec, proof: c.bytes(maxParamBytes) }),
  maxDealPieces,
);

export interface ProveDealPieces {
  readonly pieces: readonly DealTermsPiece[];
  /** One for each piece, in the same order. */
  readonly locations: readonly PieceLocation[];
  /** The sectors live at least to here. */
  readonly until: Epoch;
}
/** Market to miner: the pieces are in healthy sectors; gives these, ascending and each once. */
export const proveDealPiecesCall: CallSpec<ProveDealPieces, readonly SectorId[]> = {
  method: "proveDealPieces",
  params: c.tuple("ProveDealPieces", {
    pieces: c.list(
      c.tuple("DealTermsPiece", { commP: c.fixedBytes(32), paddedBytes: c.uint() }),
      maxDealPieces,
    ),
    locations: pieceLocationsCodec,
    until: c.epoch,
  }),
  returns: c.list(sectorNumberCodec, maxDealPieces),
};

export interface SectorHealth {
  readonly isHealthy: boolean;
  readonly expiration: Epoch;
}
/** How sectors do, in the order of the question; null for one that is not there (any more). */
export const getSectorsHealthCall: CallSpec<
  { readonly sectorIds: readonly SectorId[] },
  readonly (SectorHealth | null)[]
> = {
  method: "getSectorsHealth",
  params: c.tuple("GetSectorsHealth", { sectorIds: c.list(sectorNumberCodec, maxDealPieces) }),
  returns: c.list(
    c.nullable(c.tuple("SectorHealth", { isHealthy: c.bool, expiration: c.epoch })),
    maxDealPieces,
  ),
};

export interface MinerConstructor {
  readonly owner: Address;
  readonly worker: Address;
  readonly workerKey: Uint8Array;
  readonly peerId: string;
}
export const minerConstructorCodec: Codec<MinerConstructor> = c.tuple("MinerConstructor", {
  owner: c.address,
  worker: c.address,
  workerKey: c.fixedBytes(workerKeyBytes),
  peerId: c.text(maxPeerIdBytes),
});

/** True for 1 to 128 printable ASCII characters without spaces (base58 and base32 spellings are such). */
export function isPeerId(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text);
}

/**
 * True if the bytes can be a compressed point of G1 other than infinity. The key "infinity" would make
 * every VRF output the same constant; whether the point is in the subgroup is for the verifier to say.
 */
export function isWorkerKey(bytes: Uint8Array): boolean {
  const flags = bytes[0] ?? 0;
  return bytes.length === workerKeyBytes && (flags & 0x80) !== 0 && (flags & 0x40) === 0;
}
