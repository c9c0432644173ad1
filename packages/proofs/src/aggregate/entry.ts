/**
 * An entry of the data segment index: 64 padded bytes, that is two nodes.
 *
 *   bytes 0…31    commitment of the segment (commP)
 *   bytes 32…39   offset in the aggregate, in padded bytes (little-endian)
 *   bytes 40…47   size, in padded bytes (little-endian)
 *   bytes 48…63   the first 126 bits of SHA-256 over the entry with these bytes zero
 *
 * Both nodes have their two top bits zero, so an index is valid Fr32 data as it stands. The checksum tells an
 * entry from other data; it proves nothing: whoever writes the aggregate can write any entry.
 * Source: FRC-0058, verifiable data aggregation.
 */
import { concatBytes, equalBytes, littleEndian, readLittleEndian, sha256 } from "@holdfast/base";
import { nodeBytes } from "../merkle/index.ts";
import { isPieceCommitment, type PieceInfo, pieceHeight } from "../piece/index.ts";

/** Padded bytes of an entry. */
export const entryBytes = 2 * nodeBytes;
const checksumBytes = 16;
const checksumStart = entryBytes - checksumBytes;
const numberBytes = 8;
/** The checksum's last byte closes a node: its two top bits are the node's. */
const topByteMask = 0x3f;
/** Byte offsets up to here are exact. */
const maxOffset = 2n ** 48n;

/** A file in an aggregate: its piece and where it lies. */
export interface Segment extends PieceInfo {
  /** A multiple of the size. */
  readonly offsetPaddedBytes: number;
}

function checksumOf(entry: Uint8Array): Uint8Array {
  const hashed = sha256(concatBytes(entry.subarray(0, checksumStart), new Uint8Array(checksumBytes)));
  const checksum = hashed.slice(0, checksumBytes);
  checksum[checksumBytes - 1] = (checksum[checksumBytes - 1] as number) & topByteMask;
  return checksum;
}

/** The entry of a segment: 64 bytes. */
export function encodeEntry({ commitment, offsetPaddedBytes, paddedBytes }: Segment): Uint8Array {
  const head = concatBytes(
    commitment,
    littleEndian(offsetPaddedBytes, numberBytes),
    littleEndian(paddedBytes, numberBytes),
  );
  return concatBytes(head, checksumOf(head));
}

/**
 * The segment of an entry; `undefined` for whatever is no entry: a wrong checksum, a commitment that is none, a
 * size other than 128·2^k, an offset that is no multiple of the size, the zeros of an unused entry.
 */
export function decodeEntry(entry: Uint8Array): Segment | undefined {
  if (entry.length !== entryBytes || !equalBytes(checksumOf(entry), entry.subarray(checksumStart))) {
    return undefined;
  }
  const commitment = entry.slice(0, nodeBytes);
  const offset = readLittleEndian(entry.subarray(nodeBytes, nodeBytes + numberBytes));
  const size = readLittleEndian(entry.subarray(nodeBytes + numberBytes, checksumStart));
  if (!isPieceCommitment(commitment) || offset > maxOffset || size > maxOffset) return undefined;
  const paddedBytes = Number(size);
  if (pieceHeight(paddedBytes) === undefined || Number(offset) % paddedBytes !== 0) return undefined;
  return { commitment, paddedBytes, offsetPaddedBytes: Number(offset) };
}
