/**
 * commP of a stream of any length, in memory that does not grow with it.
 * Source: Filecoin specs, piece commitments.
 */
import { toHex } from "@holdfast/base";
import { CommPStream, pieceCid } from "@holdfast/proofs/piece";
import { installTreeHashing } from "../tree-hashing.ts";

export interface PieceFacts {
  /** Bytes of the data itself. */
  readonly rawBytes: number;
  /** 128·2^k: what the piece takes in a sector. */
  readonly paddedBytes: number;
  /** 32 bytes in hex. */
  readonly commP: string;
  readonly pieceCid: string;
}

const zeros = Buffer.alloc(1_048_576);

/** The holes of a sparse file; comparing is a hundred times cheaper than hashing. */
function isZero(chunk: Uint8Array): boolean {
  return chunk.length <= zeros.length && zeros.compare(chunk, 0, chunk.length, 0, chunk.length) === 0;
}

/**
 * The commitment of all bytes. A chunk is done with when the next is asked for, so a source may reuse its
 * buffer. Error `pieces/empty`.
 */
export async function pieceFacts(bytes: AsyncIterable<Uint8Array>): Promise<PieceFacts> {
  await installTreeHashing();
  const stream = new CommPStream();
  for await (const chunk of bytes) {
    if (isZero(chunk)) stream.writeZeros(chunk.length);
    else stream.write(chunk);
  }
  const { commitment, paddedBytes } = stream.finish();
  return {
    rawBytes: stream.userBytes,
    paddedBytes,
    commP: toHex(commitment),
    pieceCid: pieceCid(commitment).toString(),
  };
}
