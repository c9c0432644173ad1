/**
 * The Pedersen hash of Zcash Sapling as rust-fil-proofs used it for Merkle trees, replica ids and challenges:
 * a point of Jubjub for a bit string, of which the x-coordinate is the hash.
 * Two forms: "era" (until July 2019) prepends six personalization bits, `MerkleTree(height)` in trees and
 * `NoteCommitment` (six ones) elsewhere; "unpersonalized" (from 29 July 2019) prepends nothing.
 * Invariant: results are canonical field elements, 32 bytes little-endian. A Pedersen hash is collision
 * resistant but no random oracle; new profiles use Poseidon.
 * Source: Zcash protocol specification §5.4.1.7; rust-fil-proofs 2019 for lengths, orders and modes.
 */
import { assert } from "@holdfast/base";
import { frModulus, frReduce, frToBytes, writeFr } from "../field/index.ts";
import { treeKernel } from "../merkle/index.ts";
import { invertAll } from "./jubjub.ts";
import { chunkBits, chunksPerWindow, entryWords, tailTable, windowTable } from "./pedersen-tables.ts";

export type PedersenMode = "era" | "unpersonalized";

const nodeBytes = 32;
/** Bits of a node that a tree hashes: elements are below 2^255. */
const nodeBits = 255;
const windowBits = chunkBits * chunksPerWindow;
const personalizationBits = 6;
const noteCommitment = 0b111111;
/** Personalizations from 63 on are not those of trees. */
export const maxTreeHeight = 62;

/** A hash before the division by Z. */
interface ProjectiveHash {
  readonly x: bigint;
  readonly z: bigint;
}

/**
 * Hashes the first `bitCount` bits (least significant first in each byte); `message` has zeros after them and
 * two spare bytes, so that every window can be read as two bytes.
 */
function hashBits(message: Uint8Array, bitCount: number): ProjectiveHash {
  const chunks = Math.ceil(bitCount / chunkBits);
  const windows = Math.floor(chunks / chunksPerWindow);
  const tailChunks = chunks - windows * chunksPerWindow;
  let x = 0n;
  let y = 1n;
  let z = 1n;
  let t = 0n;
  for (let window = 0; window < windows + (tailChunks > 0 ? 1 : 0); window += 1) {
    const table = window < windows ? windowTable(window) : tailTable(window, tailChunks);
    const bit = window * windowBits;
    const at = bit >> 3;
    const pair = (message[at] as number) | ((message[at + 1] as number) << 8);
    const entry = ((pair >> (bit & 7)) & (table.length / entryWords - 1)) * entryWords;
    // Mixed addition: the table's point has Z = 1.
    const a = ((y - x) * (table[entry] as bigint)) % frModulus;
    const b = ((y + x) * (table[entry + 1] as bigint)) % frModulus;
    const c = (t * (table[entry + 2] as bigint)) % frModulus;
    const d = z + z;
    const e = b - a;
    const f = d - c;
    const g = d + c;
    const h = b + a;
    x = (e * f) % frModulus;
    y = (g * h) % frModulus;
    z = (f * g) % frModulus;
    t = (e * h) % frModulus;
  }
  return { x, z };
}

function affineX({ x, z }: ProjectiveHash): bigint {
  const [inverse] = invertAll([z]);
  return frReduce(x * (inverse as bigint));
}

/** Ors `bytes` into `message` from bit `bit` on. */
function placeBits(message: Uint8Array, bit: number, bytes: Uint8Array): void {
  const shift = bit & 7;
  let at = bit >> 3;
  for (const byte of bytes) {
    message[at] = (message[at] as number) | (byte << shift);
    at += 1;
    message[at] = (message[at] as number) | (byte >> (8 - shift));
  }
}

const spareBytes = 2;

function personalizationLength(mode: PedersenMode): number {
  return mode === "era" ? personalizationBits : 0;
}

/** The hash of whole bytes (any number ≥ 1), all of their bits. 32 bytes. */
export function pedersen(data: Uint8Array, mode: PedersenMode = "era"): Uint8Array {
  assert(data.length > 0, "a Pedersen hash is over at least one byte");
  const skipped = personalizationLength(mode);
  const message = new Uint8Array(1 + data.length + spareBytes);
  if (mode === "era") message[0] = noteCommitment;
  placeBits(message, skipped, data);
  return frToBytes(affineX(hashBits(message, skipped + 8 * data.length)));
}

/**
 * The Merkle–Damgård form without padding, for data of at least two blocks of 32 bytes: the first block, then
 * the hash of what there is and the next block, again and again. 32 bytes.
 */
export function pedersenMd(data: Uint8Array, mode: PedersenMode = "era"): Uint8Array {
  assert(
    data.length >= 2 * nodeBytes && data.length % nodeBytes === 0,
    "the data are whole blocks, two or more",
  );
  const pair = new Uint8Array(2 * nodeBytes);
  pair.set(data.subarray(0, nodeBytes));
  for (let at = nodeBytes; at < data.length; at += nodeBytes) {
    pair.set(data.subarray(at, at + nodeBytes), nodeBytes);
    pair.set(pedersen(pair, mode));
  }
  return pair.slice(0, nodeBytes);
}

/** Rows are hashed in groups: one inversion serves so many hashes that it costs nothing. */
const groupSize = 256;

/** The reference of `pedersenRow`: `personalization` are the six bits in front of a pair, or none. */
export function plainPedersenRow(row: Uint8Array, personalization: number | undefined): Uint8Array {
  const skipped = personalization === undefined ? 0 : personalizationBits;
  const message = new Uint8Array(2 * nodeBytes + 1 + spareBytes);
  const parents = new Uint8Array(row.length / 2);
  const count = parents.length / nodeBytes;
  for (let first = 0; first < count; first += groupSize) {
    const hashes: ProjectiveHash[] = [];
    for (let i = first; i < Math.min(count, first + groupSize); i += 1) {
      const left = i * 2 * nodeBytes;
      message.fill(0);
      message[0] = personalization ?? 0;
      placeBits(message, skipped, row.subarray(left, left + nodeBytes));
      placeBits(message, skipped + nodeBits, row.subarray(left + nodeBytes, left + 2 * nodeBytes));
      hashes.push(hashBits(message, skipped + 2 * nodeBits));
    }
    const inverses = invertAll(hashes.map(({ z }) => z));
    hashes.forEach(({ x }, i) => {
      writeFr(frReduce(x * (inverses[i] as bigint)), parents, (first + i) * nodeBytes);
    });
  }
  return parents;
}

/**
 * The parents of a row of canonical nodes (32 bytes each, an even number); `height` is 0 for the row directly
 * above the leaves. 255 bits of each node are hashed, not 256.
 */
export function pedersenRow(row: Uint8Array, height: number, mode: PedersenMode = "era"): Uint8Array {
  assert(height >= 0 && height <= maxTreeHeight, "a Pedersen tree has 63 levels at most");
  assert(row.length % (2 * nodeBytes) === 0, "a row is whole pairs of nodes");
  const { pedersenRow: hashRow = plainPedersenRow } = treeKernel;
  return hashRow(row, mode === "era" ? height : undefined);
}
