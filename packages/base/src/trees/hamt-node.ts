/**
 * One node of the HAMT and its encoding: the tuple [bit field, pointers]. The bit field is a number in its
 * shortest big-endian bytes whose bit i says that slot i is used; a pointer is the CID of a child or a bucket
 * of at most three [key, value] pairs in key order. Source: go-hamt-ipld v3, the specification in hamt.go.
 */
import { compareBytes, minimalBigEndian } from "../bytes.ts";
import { CID } from "../cid.ts";
import { decodeCbor } from "../codec/decode.ts";
import { encodeCbor } from "../codec/encode.ts";
import type { CborValue } from "../codec/value.ts";
import { dagCborCode } from "../codec/value.ts";
import { treeErrors } from "./errors.ts";

/** Bits of the key's hash that choose the slot in one node. */
const bitWidth = 5;
/** Pairs in a bucket; one more turns it into a child node. */
export const bucketSize = 3;
/** A SHA-256 digest gives 51 choices of five bits. */
const maxLevels = Math.floor(256 / bitWidth);

export interface Entry {
  readonly key: Uint8Array;
  readonly value: CborValue;
}
/** At most `bucketSize` entries in the order of their keys. Replaced, never changed. */
export type Bucket = readonly Entry[];

/** The link to a child node. Without a CID it is dirty; without a node it is not loaded. */
export interface Child {
  cid: CID | undefined;
  node: HamtNode | undefined;
}

export interface HamtNode {
  /** Bit i (as an unsigned 32-bit number): slot i is used. */
  bits: number;
  /** One pointer per used slot, in slot order. */
  readonly pointers: (Bucket | Child)[];
}

export function emptyNode(): HamtNode {
  return { bits: 0, pointers: [] };
}

export function isBucket(pointer: Bucket | Child): pointer is Bucket {
  return Array.isArray(pointer);
}

/** The slot of a hash in a node of this level: bits are taken from the front. `tree/too-deep`. */
export function slotOf(digest: Uint8Array, level: number): number {
  if (level >= maxLevels) throw treeErrors.tooDeep({ levels: maxLevels });
  const bit = level * bitWidth;
  const at = bit >> 3;
  const window = ((digest[at] ?? 0) << 8) | (digest[at + 1] ?? 0);
  return (window >> (16 - bitWidth - (bit & 7))) & 31;
}

/** Where the pointer of a slot stands: the number of used slots below it. */
export function positionOf(bits: number, slot: number): number {
  let below = bits & ((1 << slot) - 1);
  below -= (below >>> 1) & 0x5555_5555;
  below = (below & 0x3333_3333) + ((below >>> 2) & 0x3333_3333);
  below = (below + (below >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(below, 0x0101_0101) >>> 24;
}

export function isUsed(bits: number, slot: number): boolean {
  return ((bits >>> slot) & 1) === 1;
}

/** Bytes of a node whose children all have CIDs. */
export function encodeNode(node: HamtNode): Uint8Array {
  const pointers = node.pointers.map((pointer): CborValue => {
    if (isBucket(pointer)) return pointer.map(({ key, value }) => [key, value]);
    return pointer.cid ?? null;
  });
  return encodeCbor([minimalBigEndian(BigInt(node.bits >>> 0)), pointers]);
}

/** The node in a block. Fails with `codec/…` or, for what can be no canonical tree, `tree/malformed`. */
export function decodeNode(bytes: Uint8Array, cid: CID, isRoot: boolean): HamtNode {
  const fail = (reason: string) => treeErrors.malformed({ cid: cid.toString(), reason });
  const tuple = decodeCbor(bytes);
  if (!isList(tuple) || tuple.length !== 2) throw fail("it is no tuple of two");
  const [field, list] = tuple;
  if (!(field instanceof Uint8Array) || field.length > 4 || field[0] === 0) {
    throw fail("the bit field is not the shortest form of a number of 32 bits");
  }
  if (!isList(list)) throw fail("the pointers are no list");
  let bits = 0;
  for (const byte of field) bits = (bits << 8) | byte;
  const used = positionOf(bits, 31) + (bits >>> 31);
  if (used !== list.length) throw fail(`${list.length} pointers for ${used} used slots`);
  const pointers = list.map((pointer) => decodePointer(pointer, fail));
  if (!isRoot && entriesIfCollapsible({ bits, pointers }) !== undefined) {
    throw fail("it is so small that it should be a bucket of its parent");
  }
  return { bits, pointers };
}

function decodePointer(pointer: CborValue, fail: (reason: string) => Error): Bucket | Child {
  if (!isList(pointer)) {
    if (!(pointer instanceof CID) || pointer.code !== dagCborCode)
      throw fail("a pointer is neither a bucket nor a link to a node");
    return { cid: pointer, node: undefined };
  }
  if (pointer.length === 0 || pointer.length > bucketSize)
    throw fail(`a bucket of ${pointer.length} entries`);
  const bucket = pointer.map((pair): Entry => {
    if (!isList(pair) || pair.length !== 2) throw fail("an entry is no pair");
    const [key, value] = pair;
    if (!(key instanceof Uint8Array) || value === undefined) throw fail("a key is no byte string");
    return { key, value };
  });
  for (const [i, entry] of bucket.entries()) {
    const before = bucket[i - 1];
    if (before !== undefined && compareBytes(before.key, entry.key) >= 0) throw fail("a bucket out of order");
  }
  return bucket;
}

/** All entries of a node that one bucket could hold (the node itself must then not exist), else undefined. */
export function entriesIfCollapsible(node: HamtNode): Bucket | undefined {
  if (node.pointers.length > bucketSize) return undefined;
  const entries: Entry[] = [];
  for (const pointer of node.pointers) {
    if (!isBucket(pointer)) return undefined;
    entries.push(...pointer);
  }
  if (entries.length > bucketSize) return undefined;
  return entries.sort((a, b) => compareBytes(a.key, b.key));
}

function isList(value: CborValue | undefined): value is readonly CborValue[] {
  return Array.isArray(value);
}
