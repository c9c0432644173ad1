/** Rows as callers see them. */
import type { Address } from "@holdfast/base";
import type { PieceRow, SectorFill, SectorRow } from "../store/index.ts";
import type { SectorInfo, StoredPiece } from "./types.ts";

export function storedPiece({ stage: _stage, durableBytes: _durable, ...piece }: PieceRow): StoredPiece {
  return piece;
}

export function infoOf(row: SectorRow, fill: SectorFill, progress: number | null): SectorInfo {
  const { sectorId, sectorBytes, origin, state, openedMs, changedMs, ticket, commitments, failure } = row;
  return {
    sectorId,
    sectorBytes,
    origin,
    state,
    openedMs,
    changedMs,
    ticket: ticket === null ? null : { epoch: ticket.epoch, bytes: ticket.bytes },
    miner: ticket === null ? null : (ticket.miner as Address),
    commitments,
    failure,
    progress,
    pieceCount: fill.pieceCount,
    filledPaddedBytes: fill.filledPaddedBytes,
  };
}
