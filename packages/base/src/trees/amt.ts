/**
 * A persistent sparse list: the AMT of Filecoin's state (go-amt-ipld v4), root [bit width, height, count,
 * node]. Invariant: the same content has the same root, because the tree is always exactly as high as its highest
 * index asks for and holds no empty node. Nodes stay decoded in memory; a change clears the CIDs on its path,
 * and `flush` writes what has none.
 */
import type { Blockstore } from "../blockstore.ts";
import type { CID } from "../cid.ts";
import type { Codec } from "../codec/codec.ts";
import { decodeCbor } from "../codec/decode.ts";
import { encodeCbor } from "../codec/encode.ts";
import { getEncoded, putEncoded } from "../codec/objects.ts";
import type { CborValue } from "../codec/value.ts";
import { assert } from "../errors.ts";
import {
  type AmtLink,
  type AmtNode,
  amtNodeFromCbor,
  amtNodeToCbor,
  emptyBranch,
  emptyLeaf,
  isEmptyNode,
  isList,
} from "./amt-node.ts";
import { treeErrors } from "./errors.ts";

/** So that the count of a full list is a safe number too. The Go library goes on to 2^64 - 2. */
const maxIndex = Number.MAX_SAFE_INTEGER - 1;
const defaultBitWidth = 3;
const maxBitWidth = 8;

interface AmtState {
  height: number;
  count: number;
  node: AmtNode;
}

export class Amt<V> {
  readonly #store: Blockstore;
  readonly #codec: Codec<V>;
  readonly #bitWidth: number;
  #height: number;
  #count: number;
  #node: AmtNode;
  /** Undefined after a change. */
  #root: CID | undefined;
  /** Counts changes, so that an iteration notices them. */
  #changes = 0;

  private constructor(store: Blockstore, codec: Codec<V>, bitWidth: number, state: AmtState, root?: CID) {
    this.#store = store;
    this.#codec = codec;
    this.#bitWidth = bitWidth;
    this.#height = state.height;
    this.#count = state.count;
    this.#node = state.node;
    this.#root = root;
  }

  /** A node has 2^bitWidth slots (1 to 8; Filecoin mostly has 3). */
  static empty<V>(store: Blockstore, codec: Codec<V>, bitWidth: number = defaultBitWidth): Amt<V> {
    assert(
      Number.isInteger(bitWidth) && bitWidth >= 1 && bitWidth <= maxBitWidth,
      "the bit width is from 1 to 8",
    );
    return new Amt(store, codec, bitWidth, { height: 0, count: 0, node: emptyLeaf(1 << bitWidth) });
  }

  /** `store/missing-block`, `tree/malformed`; deeper nodes are read (and can fail) when they are needed. */
  static load<V>(store: Blockstore, codec: Codec<V>, root: CID): Amt<V> {
    const fail = (reason: string) => treeErrors.malformed({ cid: root.toString(), reason });
    const tuple = decodeCbor(getEncoded(store, root));
    if (!isList(tuple) || tuple.length !== 4) throw fail("the root is no tuple of four");
    const [bitWidth, height, count, nodeTuple] = tuple;
    if (!isCount(bitWidth) || bitWidth < 1 || bitWidth > maxBitWidth) throw fail("an unknown bit width");
    if (!isCount(height) || bitWidth * height > 52) throw fail("a height beyond all indexes");
    if (!isCount(count)) throw fail("a count out of range");
    const width = 1 << bitWidth;
    const isEmpty = count === 0;
    const shape = { width, isLeaf: height === 0, mayBeEmpty: isEmpty && height === 0 };
    const node = amtNodeFromCbor(nodeTuple, shape, fail);
    const used = node.slots.filter((slot) => slot !== undefined).length;
    const countIsRight = height === 0 ? count === used : count >= used && count <= width ** (height + 1);
    if (!countIsRight || isEmpty !== (used === 0)) throw fail("a count that does not fit the members");
    const onlyFirst = height > 0 && used === 1 && node.slots[0] !== undefined;
    if (onlyFirst) throw fail("the tree is higher than its highest index asks for");
    return new Amt(store, codec, bitWidth, { height, count, node }, root);
  }

  /** Values in the list (gaps do not count). */
  get count(): number {
    return this.#count;
  }

  /** `tree/index-out-of-range` unless `index` is a whole number from 0 to 2^53 - 2. */
  get(index: number): V | undefined {
    checkIndex(index);
    if (index >= this.#span(this.#height + 1)) return undefined;
    let node = this.#node;
    let rest = index;
    for (let height = this.#height; node.kind === "branch"; height--) {
      const link = node.slots[Math.floor(rest / this.#span(height))];
      if (link === undefined) return undefined;
      rest %= this.#span(height);
      node = this.#load(link, height - 1);
    }
    const value = node.slots[rest];
    return value === undefined ? undefined : this.#codec.fromCbor(value, this.#codec.name);
  }

  /** Fails with `tree/index-out-of-range`, or `codec/…` for a bad value; then nothing has changed. */
  set(index: number, value: V): void {
    checkIndex(index);
    const encoded = this.#codec.toCbor(value);
    while (index >= this.#span(this.#height + 1)) this.#grow();
    if (this.#insert(this.#node, this.#height, index, encoded)) this.#count++;
    this.#root = undefined;
    this.#changes++;
  }

  /** Whether there was a value. `tree/index-out-of-range`. */
  delete(index: number): boolean {
    checkIndex(index);
    if (index >= this.#span(this.#height + 1)) return false;
    if (!this.#remove(this.#node, this.#height, index)) return false;
    this.#count--;
    this.#root = undefined;
    this.#changes++;
    this.#shrink();
    return true;
  }

  /** Appends after the highest index in use and gives the new index. */
  push(value: V): number {
    const index = this.#count === 0 ? 0 : this.#lastIndex() + 1;
    this.set(index, value);
    return index;
  }

  /** All values from an index on, in ascending order, with their indexes. The list must not change meanwhile. */
  *entries(from = 0): IterableIterator<[number, V]> {
    const changes = this.#changes;
    for (const [index, value] of this.#walk(this.#node, this.#height, 0, from)) {
      yield [index, this.#codec.fromCbor(value, this.#codec.name)];
      assert(changes === this.#changes, "a list does not change while it is iterated");
    }
  }

  /** Writes every changed node and gives the root. */
  flush(): CID {
    if (this.#root === undefined) {
      this.#flushLinks(this.#node);
      const root = [this.#bitWidth, this.#height, this.#count, amtNodeToCbor(this.#node)];
      this.#root = putEncoded(this.#store, encodeCbor(root));
    }
    return this.#root;
  }

  /** Indexes below one slot of a node of this height: a power of two, so that the arithmetic is exact. */
  #span(height: number): number {
    return 2 ** (this.#bitWidth * height);
  }

  #load(link: AmtLink, height: number): AmtNode {
    if (link.node !== undefined) return link.node;
    const { cid } = link;
    assert(cid !== undefined, "a link has a CID or a node");
    const fail = (reason: string) => treeErrors.malformed({ cid: cid.toString(), reason });
    const shape = { width: 1 << this.#bitWidth, isLeaf: height === 0, mayBeEmpty: false };
    link.node = amtNodeFromCbor(decodeCbor(getEncoded(this.#store, cid)), shape, fail);
    return link.node;
  }

  /** One level more on top. */
  #grow(): void {
    const branch = emptyBranch(1 << this.#bitWidth);
    if (branch.kind === "branch" && !isEmptyNode(this.#node)) {
      branch.slots[0] = { cid: undefined, node: this.#node };
    }
    this.#node = branch;
    this.#height++;
  }

  /** Takes levels from the top while only the first slot is in use. */
  #shrink(): void {
    while (this.#node.kind === "branch") {
      const [first, ...others] = this.#node.slots;
      if (others.some((link) => link !== undefined)) return;
      this.#node = first === undefined ? emptyLeaf(1 << this.#bitWidth) : this.#load(first, this.#height - 1);
      this.#height = first === undefined ? 0 : this.#height - 1;
    }
  }

  /** Whether the index was free. */
  #insert(node: AmtNode, height: number, index: number, value: CborValue): boolean {
    if (node.kind === "leaf") {
      const isNew = node.slots[index] === undefined;
      node.slots[index] = value;
      return isNew;
    }
    const slot = Math.floor(index / this.#span(height));
    const width = 1 << this.#bitWidth;
    const link: AmtLink = node.slots[slot] ?? {
      cid: undefined,
      node: height === 1 ? emptyLeaf(width) : emptyBranch(width),
    };
    const isNew = this.#insert(this.#load(link, height - 1), height - 1, index % this.#span(height), value);
    link.cid = undefined;
    node.slots[slot] = link;
    return isNew;
  }

  #remove(node: AmtNode, height: number, index: number): boolean {
    if (node.kind === "leaf") {
      const wasThere = node.slots[index] !== undefined;
      node.slots[index] = undefined;
      return wasThere;
    }
    const slot = Math.floor(index / this.#span(height));
    const link = node.slots[slot];
    if (link === undefined) return false;
    const child = this.#load(link, height - 1);
    if (!this.#remove(child, height - 1, index % this.#span(height))) return false;
    link.cid = undefined;
    if (isEmptyNode(child)) node.slots[slot] = undefined;
    return true;
  }

  #lastIndex(): number {
    let node = this.#node;
    let index = 0;
    for (let height = this.#height; ; height--) {
      const slot = node.slots.findLastIndex((content) => content !== undefined);
      index += slot * this.#span(height);
      const link = node.kind === "branch" ? node.slots[slot] : undefined;
      if (link === undefined) return index;
      node = this.#load(link, height - 1);
    }
  }

  *#walk(node: AmtNode, height: number, offset: number, from: number): IterableIterator<[number, CborValue]> {
    const span = this.#span(height);
    const first = Math.max(0, Math.floor((from - offset) / span));
    for (let slot = first; slot < node.slots.length; slot++) {
      const at = offset + slot * span;
      if (node.kind === "leaf") {
        const value = node.slots[slot];
        if (value !== undefined) yield [at, value];
      } else {
        const link = node.slots[slot];
        if (link !== undefined) yield* this.#walk(this.#load(link, height - 1), height - 1, at, from);
      }
    }
  }

  #flushLinks(node: AmtNode): void {
    if (node.kind === "leaf") return;
    for (const link of node.slots) {
      if (link === undefined || link.cid !== undefined) continue;
      const { node: child } = link;
      assert(child !== undefined, "a changed link has its node");
      this.#flushLinks(child);
      link.cid = putEncoded(this.#store, encodeCbor(amtNodeToCbor(child)));
    }
  }
}

function isCount(value: CborValue | undefined): value is number {
  return typeof value === "number" && value >= 0;
}

function checkIndex(index: number): void {
  if (!(Number.isInteger(index) && index >= 0 && index <= maxIndex)) {
    throw treeErrors.indexOutOfRange({ index });
  }
}
