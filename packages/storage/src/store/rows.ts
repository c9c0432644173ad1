/**
 * What the tables hold, as types, and the way between them and the values of the database. A value of the wrong
 * kind cannot come out of a typed column, so a mismatch here is a broken invariant.
 */
import { assert } from "@holdfast/base";
import type { Row, SqlValue } from "../db/index.ts";
import { type SectorState, sectorStates } from "../sectors/states.ts";

export type SectorOrigin = "pieces" | "capacity" | "presealed";

/** The chain's randomness of a seal and the identity that the replica is bound to. */
export interface SealTicket {
  readonly epoch: number;
  readonly bytes: Uint8Array;
  readonly networkId: Uint8Array;
  readonly miner: string;
}
export interface SealCommitments {
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
}
export interface SectorFailure {
  readonly during: "sealing" | "proving";
  readonly code: string;
  readonly message: string;
}
export interface SectorRow {
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly origin: SectorOrigin;
  readonly state: SectorState;
  /** Counts started jobs; the result of an older attempt is refused. */
  readonly attempt: number;
  readonly openedMs: number;
  readonly changedMs: number;
  readonly ticket: SealTicket | null;
  readonly commitments: SealCommitments | null;
  readonly seed: Uint8Array | null;
  readonly failure: SectorFailure | null;
}

/** One occupied slot of a sector. A dropped piece keeps its slot (the data is sealed) without a key. */
export interface SlotRow {
  readonly sectorId: number;
  readonly offsetPaddedBytes: number;
  readonly commP: Uint8Array;
  readonly paddedBytes: number;
  readonly userBytes: number;
  readonly pieceKey: string | null;
}
export interface PieceRow extends SlotRow {
  readonly pieceKey: string;
  readonly stage: "writing" | "kept";
  /** While it is being written: so many bytes from its start are on the disk for good, and nobody has checked them. */
  readonly durableBytes: number;
  readonly addedMs: number;
}

/** A move of a sector from one state to the next. `cursor` grows by time and never repeats. */
export interface SealEvent {
  readonly cursor: number;
  readonly sectorId: number;
  readonly from: SectorState | null;
  readonly to: SectorState;
  /** An error code or the caller's words. */
  readonly reason: string | null;
  readonly atMs: number;
}

/** How full the layout of a sector is. */
export interface SectorFill {
  /** Dropped pieces included, as their bytes are part of the seal. */
  readonly slotCount: number;
  readonly pieceCount: number;
  readonly filledPaddedBytes: number;
}

export const emptyFill: SectorFill = { slotCount: 0, pieceCount: 0, filledPaddedBytes: 0 };

/** Sectors of one size in one state. */
export interface SectorTotal {
  readonly sectorBytes: number;
  readonly state: SectorState;
  readonly sectorCount: number;
}

/** By column, in the order of the table. */
export function sectorValues(row: SectorRow): Readonly<Record<string, SqlValue>> {
  return {
    sector_id: row.sectorId,
    sector_bytes: row.sectorBytes,
    origin: row.origin,
    state: row.state,
    attempt: row.attempt,
    opened_ms: row.openedMs,
    changed_ms: row.changedMs,
    ticket_epoch: row.ticket?.epoch ?? null,
    ticket: row.ticket?.bytes ?? null,
    network_id: row.ticket?.networkId ?? null,
    miner: row.ticket?.miner ?? null,
    comm_d: row.commitments?.commD ?? null,
    comm_r: row.commitments?.commR ?? null,
    comm_r_star: row.commitments?.commRStar ?? null,
    seed: row.seed,
    failed_in: row.failure?.during ?? null,
    failure_code: row.failure?.code ?? null,
    failure_message: row.failure?.message ?? null,
  };
}

export function sectorOf(row: Row): SectorRow {
  return {
    sectorId: int(row, "sector_id"),
    sectorBytes: int(row, "sector_bytes"),
    origin: oneOf(["pieces", "capacity", "presealed"], text(row, "origin")),
    state: oneOf(sectorStates, text(row, "state")),
    attempt: int(row, "attempt"),
    openedMs: int(row, "opened_ms"),
    changedMs: int(row, "changed_ms"),
    ticket:
      row.ticket === null
        ? null
        : {
            epoch: int(row, "ticket_epoch"),
            bytes: blob(row, "ticket"),
            networkId: blob(row, "network_id"),
            miner: text(row, "miner"),
          },
    commitments:
      row.comm_r === null
        ? null
        : { commD: blob(row, "comm_d"), commR: blob(row, "comm_r"), commRStar: blob(row, "comm_r_star") },
    seed: row.seed === null ? null : blob(row, "seed"),
    failure:
      row.failed_in === null
        ? null
        : {
            during: oneOf(["sealing", "proving"], text(row, "failed_in")),
            code: text(row, "failure_code"),
            message: text(row, "failure_message"),
          },
  };
}

export function slotOf(row: Row): SlotRow {
  return {
    sectorId: int(row, "sector_id"),
    offsetPaddedBytes: int(row, "offset_padded_bytes"),
    commP: blob(row, "comm_p"),
    paddedBytes: int(row, "padded_bytes"),
    userBytes: int(row, "user_bytes"),
    pieceKey: row.piece_key === null ? null : text(row, "piece_key"),
  };
}

export function pieceOf(row: Row): PieceRow {
  return {
    ...slotOf(row),
    pieceKey: text(row, "piece_key"),
    stage: oneOf(["writing", "kept"], text(row, "stage")),
    durableBytes: int(row, "durable_bytes"),
    addedMs: int(row, "added_ms"),
  };
}

export function eventOf(row: Row): SealEvent {
  return {
    cursor: int(row, "cursor"),
    sectorId: int(row, "sector_id"),
    from: row.from_state === null ? null : oneOf(sectorStates, text(row, "from_state")),
    to: oneOf(sectorStates, text(row, "to_state")),
    reason: row.reason === null ? null : text(row, "reason"),
    atMs: int(row, "at_ms"),
  };
}

export function fillOf(row: Row): SectorFill {
  return {
    slotCount: int(row, "slot_count"),
    pieceCount: int(row, "piece_count"),
    filledPaddedBytes: int(row, "filled"),
  };
}

export function totalOf(row: Row): SectorTotal {
  return {
    sectorBytes: int(row, "sector_bytes"),
    state: oneOf(sectorStates, text(row, "state")),
    sectorCount: int(row, "sector_count"),
  };
}

export function int(row: Row, name: string): number {
  const value = row[name];
  assert(typeof value === "number", `column ${name} is a whole number`);
  return value;
}
export function text(row: Row, name: string): string {
  const value = row[name];
  assert(typeof value === "string", `column ${name} is a text`);
  return value;
}
function blob(row: Row, name: string): Uint8Array {
  const value = row[name];
  assert(value instanceof Uint8Array, `column ${name} is bytes`);
  return value;
}
export function oneOf<const Name extends string>(names: readonly Name[], found: string): Name {
  const name = names.find((known) => known === found);
  assert(name !== undefined, `${found} is one of ${names.join(", ")}`);
  return name;
}
