/**
 * A persistent map from byte strings to values: the HAMT of Filecoin's state (go-hamt-ipld v3 with SHA-256,
 * five bits a level, buckets of three). Invariant: the same content has the same root, whatever the order of
 * the operations, because a delete undoes what a set did: a child that fits into a bucket becomes one.
 * Nodes stay decoded in memory; a change clears the CIDs on its path, and `flush` writes what has none.
 */
import type { Blockstore } from "../blockstore.ts";
import { compareBytes, equalBytes } from "../bytes.ts";
import type { CID } from "../cid.ts";
import type { Codec } from "../codec/codec.ts";
import { getEncoded, putEncoded } from "../codec/objects.ts";
import { sha256 } from "../crypto/hash.ts";
import { assert } from "../errors.ts";
import {
  type Bucket,
  bucketSize,
  type Child,
  decodeNode,
  type Entry,
  emptyNode,
  encodeNode,
  entriesIfCollapsible,
  type HamtNode,
  isBucket,
  isUsed,
  positionOf,
  slotOf,
} from "./hamt-node.ts";

export class Hamt<V> {
  readonly #store: Blockstore;
  readonly #codec: Codec<V>;
  readonly #root: Child;
  /** Counts changes, so that an iteration notices them. */
  #changes = 0;

  private constructor(store: Blockstore, codec: Codec<V>, root: Child) {
    this.#store = store;
    this.#codec = codec;
    this.#root = root;
  }

  static empty<V>(store: Blockstore, codec: Codec<V>): Hamt<V> {
    return new Hamt(store, codec, { cid: undefined, node: emptyNode() });
  }

  /** `store/missing-block`, `tree/malformed`; deeper nodes are read (and can fail) when they are needed. */
  static load<V>(store: Blockstore, codec: Codec<V>, root: CID): Hamt<V> {
    const node = decodeNode(getEncoded(store, root), root, true);
    return new Hamt(store, codec, { cid: root, node });
  }

  get(key: Uint8Array): V | undefined {
    const entry = this.#find(key);
    return entry === undefined ? undefined : this.#codec.fromCbor(entry.value, this.#codec.name);
  }

  has(key: Uint8Array): boolean {
    return this.#find(key) !== undefined;
  }

  /** Fails with `codec/…` if the value is outside its codec's limits; then nothing has changed. */
  set(key: Uint8Array, value: V): void {
    const entry = { key: new Uint8Array(key), value: this.#codec.toCbor(value) };
    this.#insert(this.#nodeOf(this.#root), sha256(key), 0, entry);
    this.#root.cid = undefined;
    this.#changes++;
  }

  /** Whether the key was there. */
  delete(key: Uint8Array): boolean {
    if (!this.#remove(this.#nodeOf(this.#root), sha256(key), 0, key)) return false;
    this.#root.cid = undefined;
    this.#changes++;
    return true;
  }

  /** All entries in the order of their keys' hashes. The map must not change meanwhile. */
  *entries(): IterableIterator<[Uint8Array, V]> {
    const changes = this.#changes;
    for (const { key, value } of this.#walk(this.#nodeOf(this.#root))) {
      yield [new Uint8Array(key), this.#codec.fromCbor(value, this.#codec.name)];
      assert(changes === this.#changes, "a map does not change while it is iterated");
    }
  }

  /** Writes every changed node and gives the root. */
  flush(): CID {
    return this.#flushChild(this.#root);
  }

  #nodeOf(child: Child): HamtNode {
    if (child.node !== undefined) return child.node;
    const { cid } = child;
    assert(cid !== undefined, "a child has a CID or a node");
    child.node = decodeNode(getEncoded(this.#store, cid), cid, false);
    return child.node;
  }

  #find(key: Uint8Array): Entry | undefined {
    const digest = sha256(key);
    let node = this.#nodeOf(this.#root);
    for (let level = 0; ; level++) {
      const slot = slotOf(digest, level);
      if (!isUsed(node.bits, slot)) return undefined;
      const pointer = node.pointers[positionOf(node.bits, slot)];
      assert(pointer !== undefined, "a used slot has a pointer");
      if (isBucket(pointer)) return pointer.find((entry) => equalBytes(entry.key, key));
      node = this.#nodeOf(pointer);
    }
  }

  #insert(node: HamtNode, digest: Uint8Array, level: number, entry: Entry): void {
    const slot = slotOf(digest, level);
    const position = positionOf(node.bits, slot);
    if (!isUsed(node.bits, slot)) {
      node.pointers.splice(position, 0, [entry]);
      node.bits |= 1 << slot;
      return;
    }
    const pointer = node.pointers[position];
    assert(pointer !== undefined, "a used slot has a pointer");
    if (isBucket(pointer)) {
      node.pointers[position] = withEntry(pointer, entry) ?? this.#split(pointer, digest, level + 1, entry);
      return;
    }
    this.#insert(this.#nodeOf(pointer), digest, level + 1, entry);
    pointer.cid = undefined;
  }

  /** A full bucket and one entry more as a child node. */
  #split(bucket: Bucket, digest: Uint8Array, level: number, entry: Entry): Child {
    const node = emptyNode();
    for (const old of bucket) this.#insert(node, sha256(old.key), level, old);
    this.#insert(node, digest, level, entry);
    return { cid: undefined, node };
  }

  #remove(node: HamtNode, digest: Uint8Array, level: number, key: Uint8Array): boolean {
    const slot = slotOf(digest, level);
    if (!isUsed(node.bits, slot)) return false;
    const position = positionOf(node.bits, slot);
    const pointer = node.pointers[position];
    assert(pointer !== undefined, "a used slot has a pointer");
    if (isBucket(pointer)) {
      const rest = pointer.filter((entry) => !equalBytes(entry.key, key));
      if (rest.length === pointer.length) return false;
      if (rest.length > 0) {
        node.pointers[position] = rest;
      } else {
        node.pointers.splice(position, 1);
        node.bits &= ~(1 << slot);
      }
      return true;
    }
    const child = this.#nodeOf(pointer);
    if (!this.#remove(child, digest, level + 1, key)) return false;
    pointer.cid = undefined;
    const bucket = entriesIfCollapsible(child);
    if (bucket !== undefined) node.pointers[position] = bucket;
    return true;
  }

  *#walk(node: HamtNode): IterableIterator<Entry> {
    for (const pointer of node.pointers) {
      if (isBucket(pointer)) yield* pointer;
      else yield* this.#walk(this.#nodeOf(pointer));
    }
  }

  #flushChild(child: Child): CID {
    if (child.cid !== undefined) return child.cid;
    const node = this.#nodeOf(child);
    for (const pointer of node.pointers) if (!isBucket(pointer)) this.#flushChild(pointer);
    child.cid = putEncoded(this.#store, encodeNode(node));
    return child.cid;
  }
}

/** The bucket with the entry added or replaced, or undefined if it is full. */
function withEntry(bucket: Bucket, entry: Entry): Bucket | undefined {
  let position = 0;
  for (const other of bucket) {
    const order = compareBytes(entry.key, other.key);
    if (order === 0) return bucket.with(position, entry);
    if (order < 0) break;
    position++;
  }
  return bucket.length < bucketSize ? bucket.toSpliced(position, 0, entry) : undefined;
}
