/**
 * All rows of a large tree, slice by slice, so that a caller can do other work in between, and a kernel with threads of
 * its own can do the slices meanwhile. A slice is a subtree of some thousand leaves, hashed up through all rows below
 * the top while its nodes are still in the cache; the top is hashed when all slices are done.
 * Invariant: the rows are those of `buildTree`, whoever hashes them and in whatever order.
 */
import { assert } from "@holdfast/base";
import { wordsOf } from "../memory/words.ts";
import { merkleErrors } from "./errors.ts";
import { hashRowInto, nodeBytes, type TreeHasher } from "./hasher.ts";
import { type ColumnsTask, type RowsPass, type RowsTask, treeKernel } from "./kernel.ts";
import { poseidonHasher } from "./poseidon-tree.ts";

/** Leaves of a slice, at most: some milliseconds of Poseidon, less than one of SHA-256. */
const sliceLeaves = 2 ** 13;
/** Columns of a slice. */
const sliceColumns = 2 ** 10;

/** Arities of the levels that lie inside of a slice, from the leaves up. */
function levelsOfSlice(shape: readonly number[]): readonly number[] {
  const levels: number[] = [];
  let leaves = 1;
  for (const arity of shape) {
    leaves *= arity;
    if (leaves > sliceLeaves) break;
    levels.push(arity);
  }
  return levels;
}

class PlainRows implements RowsPass {
  readonly #hasher: TreeHasher;
  readonly #leaves: Uint8Array;
  readonly #shape: readonly number[];
  /** Every row above the leaves. */
  readonly #rows: readonly Uint8Array[];
  readonly #levels: readonly number[];
  readonly #sliceBytes: number;
  #done = 0;
  #finished = false;

  constructor(hasher: TreeHasher, { leaves, rows, shape }: RowsTask) {
    this.#hasher = hasher;
    this.#leaves = leaves;
    this.#shape = shape;
    this.#levels = levelsOfSlice(shape);
    this.#sliceBytes = this.#levels.reduce((product, arity) => product * arity, nodeBytes);
    let at = 0;
    let length = leaves.length;
    this.#rows = shape.map((arity) => {
      length /= arity;
      at += length;
      return rows.subarray(at - length, at);
    });
  }

  get doneRatio(): number {
    return this.#done / this.#leaves.length;
  }

  advance(): boolean {
    const from = this.#done;
    if (from >= this.#leaves.length) return false;
    let row = this.#leaves.subarray(from, from + this.#sliceBytes);
    let at = from;
    for (const [level, arity] of this.#levels.entries()) {
      at /= arity;
      const place = (this.#rows[level] as Uint8Array).subarray(at, at + row.length / arity);
      hashRowInto(this.#hasher, row, arity, place);
      row = place;
    }
    this.#done = from + this.#sliceBytes;
    return this.#done < this.#leaves.length;
  }

  finish(): void {
    if (this.#finished) return;
    while (this.advance());
    for (let level = this.#levels.length; level < this.#shape.length; level += 1) {
      const below = level === 0 ? this.#leaves : (this.#rows[level - 1] as Uint8Array);
      hashRowInto(this.#hasher, below, this.#shape[level] as number, this.#rows[level] as Uint8Array);
    }
    this.#finished = true;
  }

  /** Nobody works but in `advance`. */
  stop(): void {}
}

/**
 * Begins to hash the rows above `leaves` into `rows` (`rowsLength` bytes). Neither may be changed before `finish` has
 * returned. Throws merkle/bad-leaf-count, merkle/bad-length; Poseidon field/not-canonical, also while it goes on.
 */
export function startRows(hasher: TreeHasher, leaves: Uint8Array, rows: Uint8Array): RowsPass {
  const leafCount = leaves.length / nodeBytes;
  const shape = hasher.shapeOf(leafCount);
  if (shape === undefined) throw merkleErrors.badLeafCount({ hasher: hasher.name, leafCount });
  let nodes = 0;
  let count = leafCount;
  for (const arity of shape) {
    count /= arity;
    nodes += count;
  }
  const expected = nodes * nodeBytes;
  if (rows.length !== expected) {
    throw merkleErrors.badLength({ what: "the rows of the tree", length: rows.length, expected });
  }
  const task = { hasher: hasher.name, leaves, rows, shape };
  return treeKernel.startRows?.(task) ?? new PlainRows(hasher, task);
}

const wordsPerNode = nodeBytes / 4;

/** The columns of the nodes `from` … `to − 1`: for each node its label in layer 1, 2, …. `room` is used if given. */
export function columnsOf(
  layers: readonly Uint8Array[],
  from: number,
  to: number,
  room?: Uint32Array<ArrayBuffer>,
): Uint8Array {
  // Word by word: a view of each node would cost several times what is copied.
  const length = (to - from) * layers.length * wordsPerNode;
  const columns = room?.subarray(0, length) ?? new Uint32Array(length);
  for (const [i, layer] of layers.entries()) {
    const words = wordsOf(layer.subarray(from * nodeBytes, to * nodeBytes));
    let at = i * wordsPerNode;
    for (let node = 0; node < words.length; node += wordsPerNode) {
      for (let word = 0; word < wordsPerNode; word += 1) columns[at + word] = words[node + word] as number;
      at += layers.length * wordsPerNode;
    }
  }
  return new Uint8Array(columns.buffer, columns.byteOffset, columns.byteLength);
}

class PlainColumns implements RowsPass {
  readonly #task: ColumnsTask;
  /** Of one slice at a time: what is allocated anew for each makes the collector look at the whole heap again. */
  readonly #room: Uint32Array<ArrayBuffer>;
  #done = 0;

  constructor(task: ColumnsTask) {
    this.#task = task;
    const columns = Math.min(sliceColumns, task.into.length / nodeBytes);
    this.#room = new Uint32Array(columns * task.layers.length * wordsPerNode);
  }

  get doneRatio(): number {
    return (this.#done * nodeBytes) / this.#task.into.length;
  }

  advance(): boolean {
    const { layers, into } = this.#task;
    const nodes = into.length / nodeBytes;
    if (this.#done >= nodes) return false;
    const to = Math.min(this.#done + sliceColumns, nodes);
    const columns = columnsOf(layers, this.#done, to, this.#room);
    const place = into.subarray(this.#done * nodeBytes, to * nodeBytes);
    hashRowInto(poseidonHasher, columns, layers.length, place);
    this.#done = to;
    return to < nodes;
  }

  finish(): void {
    while (this.advance());
  }

  stop(): void {}
}

/**
 * Begins to hash columns, Poseidon of one node of every layer, into `into`: as long as a layer. Nothing of it may be
 * changed before `finish` has returned.
 */
export function startColumns(layers: readonly Uint8Array[], into: Uint8Array): RowsPass {
  assert(
    layers.every((layer) => layer.length === into.length) && into.length % nodeBytes === 0,
    "layers and their columns' hashes have the same length",
  );
  const task = { layers, into };
  return treeKernel.startColumns?.(task) ?? new PlainColumns(task);
}
