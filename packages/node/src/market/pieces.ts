/** Piece commitments of a CAR stream: made from the client's own stream, compared with what a miner gives back. */
import { equalBytes, HoldfastError } from "@holdfast/base";
import { CommPStream } from "@holdfast/proofs";
import type { DealPiece } from "./deal.ts";
import { marketErrors } from "./errors.ts";
import type { PieceSlice } from "./terms.ts";

const wrongLength = "market/wrong-length";

/** Follows the boundaries of the slices through a stream. `market/wrong-length`. */
async function* cutAlong(
  stream: AsyncIterable<Uint8Array>,
  slices: readonly Pick<PieceSlice, "userBytes">[],
  signal: AbortSignal,
): AsyncIterable<{ readonly index: number; readonly bytes: Uint8Array; readonly ends: boolean }> {
  let index = 0;
  let missing = slices[0]?.userBytes ?? 0;
  for await (const chunk of stream) {
    signal.throwIfAborted();
    for (let at = 0; at < chunk.length; ) {
      const bytes = chunk.subarray(at, at + missing);
      if (bytes.length === 0) throw marketErrors.wrongLength({ detail: "it goes on after its end" });
      at += bytes.length;
      missing -= bytes.length;
      yield { index, bytes, ends: missing === 0 };
      if (missing === 0) {
        index += 1;
        missing = slices[index]?.userBytes ?? 0;
      }
    }
  }
  if (index >= slices.length) return;
  throw marketErrors.wrongLength({ detail: `it ends in piece ${index}, ${missing} bytes too early` });
}

/** The commitment of each slice. `market/wrong-length`, and what the stream throws. */
export async function commitSlices(
  stream: AsyncIterable<Uint8Array>,
  slices: readonly PieceSlice[],
  signal: AbortSignal,
): Promise<DealPiece[]> {
  const pieces: DealPiece[] = [];
  let commP = new CommPStream();
  for await (const { index, bytes, ends } of cutAlong(stream, slices, signal)) {
    commP.write(bytes);
    if (!ends) continue;
    const { commitment, paddedBytes } = commP.finish();
    pieces.push({ commP: commitment, paddedBytes, userBytes: slices[index]?.userBytes ?? 0 });
    commP = new CommPStream();
  }
  return pieces;
}

/**
 * Undefined if the stream is, byte for byte, what the pieces commit to; otherwise what is wrong. Rejects with
 * what the stream throws.
 */
export async function differenceToPieces(
  stream: AsyncIterable<Uint8Array>,
  pieces: readonly DealPiece[],
  signal: AbortSignal,
): Promise<string | undefined> {
  let commP = new CommPStream();
  try {
    for await (const { index, bytes, ends } of cutAlong(stream, pieces, signal)) {
      commP.write(bytes);
      if (!ends) continue;
      const expected = pieces[index]?.commP ?? new Uint8Array(0);
      if (!equalBytes(commP.finish().commitment, expected)) return `the bytes of piece ${index} are others`;
      commP = new CommPStream();
    }
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === wrongLength) return error.message;
    throw error;
  }
}
