/**
 * The three interchangeable hash functions of rust-fil-proofs in 2019. Each hashes rows of a tree and byte
 * strings. Pedersen is the one that its API used; the digests hash the height of the row as eight
 * little-endian bytes in front of the two nodes and clear the two top bits of the result.
 * Invariant: data are the leaves of a tree; nothing hashes a leaf. Names are those in parameter identifiers.
 * Source: rust-fil-proofs 2019, its hashers.
 */
import { blake2s256, concatBytes, littleEndian, sha256 } from "@holdfast/base";
import { pedersen, pedersenMd, pedersenRow } from "./pedersen.ts";

export interface EraHasher {
  readonly name: string;
  /** The parents of an even number of 32-byte nodes; height 0 is the row directly above the leaves. */
  hashRow(row: Uint8Array, height: number): Uint8Array;
  /** The general hash of the hasher (Pedersen: whole blocks of 32 bytes, two or more). */
  hash(data: Uint8Array): Uint8Array;
  /** The leaf that its unit tests make of a string; no data tree uses it. */
  stringLeaf(data: Uint8Array): Uint8Array;
}

const nodeBytes = 32;
const topByteMask = 0x3f;
const heightBytes = 8;

/** A copy of a digest with the two top bits cleared, which is always below the modulus. */
export function trimToFr(digest: Uint8Array): Uint8Array {
  const trimmed = new Uint8Array(digest);
  trimmed[nodeBytes - 1] = (trimmed[nodeBytes - 1] as number) & topByteMask;
  return trimmed;
}

/** Pedersen with personalization and heights: the hash of the ZigZag era. */
export const pedersenEraHasher: EraHasher = Object.freeze({
  name: "PedersenHasher",
  hashRow: (row: Uint8Array, height: number) => pedersenRow(row, height, "era"),
  hash: (data: Uint8Array) => pedersenMd(data, "era"),
  stringLeaf: (data: Uint8Array) => pedersen(data, "era"),
} satisfies EraHasher);

/** Pedersen as it was from 29 July 2019 on: no personalization, no height. */
export const pedersenPlainHasher: EraHasher = Object.freeze({
  name: "PedersenHasher",
  hashRow: (row: Uint8Array, height: number) => pedersenRow(row, height, "unpersonalized"),
  hash: (data: Uint8Array) => pedersenMd(data, "unpersonalized"),
  stringLeaf: (data: Uint8Array) => pedersen(data, "unpersonalized"),
} satisfies EraHasher);

function digestHasher(name: string, digest: (bytes: Uint8Array) => Uint8Array): EraHasher {
  const hash = (data: Uint8Array): Uint8Array => trimToFr(digest(data));
  const hashRow = (row: Uint8Array, height: number): Uint8Array => {
    const pair = concatBytes(littleEndian(height, heightBytes), new Uint8Array(2 * nodeBytes));
    const parents = new Uint8Array(row.length / 2);
    for (let at = 0; at < parents.length; at += nodeBytes) {
      pair.set(row.subarray(2 * at, 2 * at + 2 * nodeBytes), heightBytes);
      parents.set(hash(pair), at);
    }
    return parents;
  };
  return Object.freeze({ name, hashRow, hash, stringLeaf: hash });
}

export const sha256EraHasher: EraHasher = digestHasher("DigestHasher<Sha256>", (bytes) => sha256(bytes));
export const blake2sEraHasher: EraHasher = digestHasher("Blake2sHasher", (bytes) => blake2s256(bytes));
