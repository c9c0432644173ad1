/**
 * The binary tree of unsealed data: node = sha2-256(left ‖ right) with the two top bits cleared, so that every
 * node is below 2^254 and so a field element ("sha2-256-trunc254-padded" of the multicodec table).
 * Source: Filecoin specs, piece commitments.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { exactLog2, nodeBytes, type TreeHasher } from "./hasher.ts";

/** Clears the two bits above 2^254 of the last byte. */
const topBits = 0x3f;

function hashPair(pair: Uint8Array): Uint8Array {
  const digest = sha256(pair);
  digest[nodeBytes - 1] = (digest[nodeBytes - 1] ?? 0) & topBits;
  return digest;
}

function hashRow(row: Uint8Array, arity: number): Uint8Array {
  const groupBytes = arity * nodeBytes;
  const parents = new Uint8Array(row.length / arity);
  for (let start = 0, at = 0; start < row.length; start += groupBytes, at += nodeBytes) {
    parents.set(hashPair(row.subarray(start, start + groupBytes)), at);
  }
  return parents;
}

/** Binary sha2-256-trunc254 tree over any power of two of leaves. */
export const sha254Hasher: TreeHasher = {
  name: "sha2-256-trunc254",
  shapeOf(leafCount) {
    const height = exactLog2(leafCount);
    return height === undefined ? undefined : Array.from({ length: height }, () => 2);
  },
  isNode: (node) => node.length === nodeBytes,
  hash: hashPair,
  hashRow,
};
