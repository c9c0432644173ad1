/** Commitments of zero data: what fills the gaps between pieces and the rest of a sector. */
import { nodeBytes, sha254Hasher } from "../merkle/index.ts";
import { pieceHeightOrThrow } from "./size.ts";

/** Root of the zero subtree by height; grows on demand. */
const ladder: Uint8Array[] = [new Uint8Array(nodeBytes)];

/** The root of a subtree of 2^height zero leaves. Shared: callers must not write to it. */
export function zeroNode(height: number): Uint8Array {
  for (let next = ladder.length; next <= height; next += 1) {
    ladder.push(hashPair(ladder[next - 1] as Uint8Array, ladder[next - 1] as Uint8Array));
  }
  return ladder[height] as Uint8Array;
}

/** The parent of two nodes of the data tree. */
export function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const children = new Uint8Array(2 * nodeBytes);
  children.set(left);
  children.set(right, nodeBytes);
  return sha254Hasher.hash(children);
}

/** The commitment of a piece of zeros of this padded size. Throws pieces/bad-size. */
export function zeroPieceCommitment(paddedBytes: number): Uint8Array {
  return zeroNode(pieceHeightOrThrow(paddedBytes)).slice();
}
