/**
 * A map of ipld-hashmap with a million entries, written from the leaves up in its own format: by its own `set`, which
 * writes a path for each entry, it would take most of an hour. What is written here is read and changed by
 * ipld-hashmap itself afterwards.
 */
import { createHash } from "node:crypto";
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";

export interface BulkEntry {
  readonly key: Uint8Array;
  readonly value: unknown;
}

interface Hashed extends BulkEntry {
  readonly digest: Uint8Array;
}

const bitWidth = 5;
const bucketSize = 3;
const sha256Code = 0x12;
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());

function slotOf(digest: Uint8Array, depth: number): number {
  const bit = depth * bitWidth;
  const at = bit >> 3;
  const window = ((digest[at] ?? 0) << 8) | (digest[at + 1] ?? 0);
  return (window >> (16 - bitWidth - (bit & 7))) & 31;
}

/** The root's CID; every block goes to `put`. */
export function writeHashmap(entries: readonly BulkEntry[], put: (cid: CID, bytes: Uint8Array) => void): CID {
  const save = (value: unknown): CID => {
    const bytes = dagCbor.encode(value);
    const cid = CID.createV1(dagCbor.code, Digest.create(sha256Code, sha256(bytes)));
    put(cid, bytes);
    return cid;
  };
  const hashed = entries.map((entry) => ({ ...entry, digest: sha256(entry.key) }));
  const hamt = nodeOf(hashed, 0, save);
  return save({ hashAlg: sha256Code, bucketSize, hamt });
}

type Node = readonly [Uint8Array, readonly unknown[]];

function nodeOf(entries: readonly Hashed[], depth: number, save: (value: unknown) => CID): Node {
  const slots: Hashed[][] = Array.from({ length: 1 << bitWidth }, () => []);
  for (const entry of entries) slots[slotOf(entry.digest, depth)]?.push(entry);
  const map = new Uint8Array((1 << bitWidth) / 8);
  const data: unknown[] = [];
  for (const [slot, inSlot] of slots.entries()) {
    if (inSlot.length === 0) continue;
    map[slot >> 3] = (map[slot >> 3] ?? 0) | (1 << (slot & 7));
    data.push(
      inSlot.length > bucketSize
        ? save(nodeOf(inSlot, depth + 1, save))
        : inSlot.toSorted((a, b) => Buffer.compare(a.key, b.key)).map(({ key, value }) => [key, value]),
    );
  }
  return [map, data];
}
