/**
 * Sealing, step by step: labels layer by layer, columns across the layers and their tree, the replica (data plus the
 * last layer's labels) and its tree. Extraction labels again and subtracts.
 *
 * Memory: two sectors, the rows of two trees, a chunk of each earlier layer while columns are hashed, and parents if
 * there is some to spare. Labels are made in two buffers in turns and leave through the store; the hashes of the
 * columns take the place of the last layer but one, the replica that of the last layer. What is needed again (the
 * data, and labels of earlier layers where there are more than two) is read from the store.
 * Source: Filecoin specs, SDR.
 */
import { assert } from "@holdfast/base";
import type { SdrLayer } from "../layers/index.ts";
import { allocate, borrow, giveBack } from "../memory/index.ts";
import {
  type Commitment,
  nodeBytes,
  poseidonHasher,
  rowsLength,
  startColumns,
  startRows,
} from "../merkle/index.ts";
import { addNode, commitData, subtractNode, wordsOf } from "../porep/index.ts";
import { readInto, rootOffset, type SealInput, type SealStore, Writes } from "../seal-io/index.ts";
import { passSteps, type Steps, within } from "../steps/index.ts";
import type { SdrGraph } from "./graph.ts";
import { labelLayer, labelLayerPair, sdrParentRoom } from "./labels.ts";
import type { SdrShape } from "./params.ts";
import { labelsOffset, storedSdrTrees } from "./sealed.ts";

const wordsPerNode = nodeBytes / 4;
/** Of each layer, read again and hashed to columns at once. */
const chunkBytes = 2 ** 22;
/** Costs of a node, measured in TypeScript: a label, a label's place in a column, a tree. For progress only. */
const cost = { label: 2, column: 15, tree: 11 };
/** Share of a seal that the tree of its data takes. */
const dataShare = 0.02;

/** What a seal comes to. */
export interface SdrRoots {
  readonly commD: Commitment;
  readonly replicaId: Uint8Array;
  /** Root of the column tree. */
  readonly commC: Commitment;
  /** Root of the replica tree. */
  readonly commRLast: Commitment;
}

/** What a sector is bound to, once the commitment of its data is known. */
export interface SdrBound {
  readonly replicaId: Uint8Array;
  readonly graph: SdrGraph;
}

class SdrSealing {
  readonly #shape: SdrShape;
  readonly #store: SealStore;
  readonly #writes: Writes;
  /** Layers that the store has from an earlier run. */
  readonly done: number;
  readonly #buffers: readonly [Uint8Array, Uint8Array];
  readonly #rows: readonly [Uint8Array, Uint8Array];
  #start = 0;

  constructor(shape: SdrShape, store: SealStore) {
    this.#shape = shape;
    this.#store = store;
    this.done = Math.min(store.doneLayers ?? 0, shape.layers);
    this.#writes = new Writes(store);
    const rowBytes = rowsLength(poseidonHasher, shape.nodes);
    this.#buffers = [borrow(shape.sectorBytes), borrow(shape.sectorBytes)];
    this.#rows = [borrow(rowBytes), borrow(rowBytes)];
  }

  /** Begins, or goes on after the layers that the store has: the last two of them are needed again. */
  *begin(input: SealInput): Steps<Commitment> {
    const [data, rows] = this.#buffers;
    if (this.done === 0) return yield* commitData(input, { data, rows, writes: this.#writes });
    for (let layer = Math.max(1, this.done - 1); layer <= this.done; layer += 1) {
      yield* readInto(this.#store, labelsOffset(this.#shape, layer), this.#bufferOf(layer));
    }
    this.#start = (this.done * cost.label) / this.#price();
    const commD = new Uint8Array(nodeBytes);
    yield* readInto(this.#store, rootOffset(storedSdrTrees(this.#shape).data), commD);
    return commD;
  }

  /** What the whole costs. */
  #price(): number {
    return this.#shape.layers * (cost.label + cost.column) + 2 * cost.tree;
  }

  /** The buffer of a layer's labels. */
  #bufferOf(layer: number): Uint8Array {
    return this.#buffers[layer % 2] as Uint8Array;
  }

  *#part(steps: Steps<void>, price: number): Steps<void> {
    const share = price / this.#price();
    yield* within(steps, this.#start, share);
    this.#start += share;
  }

  /** What is to be done for the labels of a layer, when its buffer is free. */
  *layer({ replicaId }: SdrBound, number: number): Steps<SdrLayer> {
    const into = this.#bufferOf(number);
    yield* this.#writes.settle(into);
    this.#tellReached(number - 2);
    return { replicaId, number, previous: this.#bufferOf(number - 1), into };
  }

  /** Follows the making of labels of one layer, of this sector and perhaps of others, and lets them go. */
  *labels({ number, into }: SdrLayer, made: Generator<number, void>): Steps<void> {
    yield* this.#part(shares(made, this.#shape.nodes), cost.label);
    this.#writes.start(labelsOffset(this.#shape, number), into);
  }

  /** The layer whose buffer is free again, if there is one and this run has made it. */
  #tellReached(layer: number): void {
    if (layer > this.done) this.#store.reached?.(layer);
  }

  /** Columns and trees, after the labels of all layers. */
  *trees(): Steps<Pick<SdrRoots, "commC" | "commRLast">> {
    const { layers } = this.#shape;
    const { columns, replica } = storedSdrTrees(this.#shape);
    const hashes = this.#bufferOf(layers - 1);
    yield* this.#writes.settle(hashes);
    this.#tellReached(layers - 1);
    yield* this.#part(this.#hashColumns(hashes, this.#bufferOf(layers)), layers * cost.column);
    const commC = yield* this.#tree(hashes, this.#rows[0], columns.offset);
    const last = this.#bufferOf(layers);
    yield* this.#writes.settle(last);
    yield* this.#addData(last);
    const commRLast = yield* this.#tree(last, this.#rows[1], replica.offset);
    yield* this.#writes.settleAll();
    giveBack(...this.#buffers, ...this.#rows);
    yield 1;
    return { commC, commRLast };
  }

  /** Hashes the columns into `hashes`, which holds the labels of the last layer but one. */
  *#hashColumns(hashes: Uint8Array, last: Uint8Array): Steps<void> {
    const { layers, sectorBytes } = this.#shape;
    const roomBytes = Math.min(chunkBytes, sectorBytes);
    const rooms = Array.from({ length: layers - 2 }, () => allocate(roomBytes));
    if (rooms.length > 0) yield* this.#writes.settleAll();
    for (let from = 0; from < sectorBytes; from += chunkBytes) {
      const length = Math.min(chunkBytes, sectorBytes - from);
      const parts = rooms.map((room) => room.subarray(0, length));
      for (const [i, part] of parts.entries()) {
        yield* readInto(this.#store, labelsOffset(this.#shape, i + 1) + from, part);
      }
      const into = hashes.subarray(from, from + length);
      const pass = startColumns([...parts, into, last.subarray(from, from + length)], into);
      yield* within(passSteps(pass), from / sectorBytes, length / sectorBytes);
    }
  }

  *#tree(leaves: Uint8Array, rows: Uint8Array, offset: number): Steps<Commitment> {
    this.#writes.start(offset, leaves);
    yield* this.#part(passSteps(startRows(poseidonHasher, leaves, rows)), cost.tree);
    this.#writes.start(offset + leaves.length, rows);
    return rows.slice(rows.length - nodeBytes);
  }

  /** Labels become the replica: the data are added, which the store has from the beginning on. */
  *#addData(labels: Uint8Array): Steps<void> {
    yield* this.#writes.settleAll();
    const words = wordsOf(labels);
    // The columns' hashes are written and hashed; sectors and chunks are powers of two.
    const room = this.#bufferOf(this.#shape.layers - 1).subarray(0, chunkBytes);
    const data = wordsOf(room);
    for (let from = 0; from < labels.length; from += chunkBytes) {
      yield* readInto(this.#store, from, room);
      for (let at = 0; at < data.length; at += wordsPerNode) {
        addNode(words, from / 4 + at, data, at);
      }
      yield this.#start;
    }
    const isInPlace = words.buffer === labels.buffer && data.buffer === room.buffer;
    assert(isInPlace, "buffers of layers begin at whole words");
  }
}

/**
 * Seals the padded data of `input` and writes `aux` to the store: first the data's tree, then, bound to what `bind`
 * makes of commD, the rest. Throws proofs/not-padded, what `bind` throws, errors of input and store.
 */
export function* sealSdrData(
  shape: SdrShape,
  bind: (commD: Commitment) => SdrBound,
  input: SealInput,
  store: SealStore,
): Steps<SdrRoots> {
  const sealing = new SdrSealing(shape, store);
  const commD = yield* within(sealing.begin(input), 0, dataShare);
  const bound = bind(commD);
  const roots = yield* within(labelsAndTrees(shape, sealing, bound), dataShare, 1 - dataShare);
  return { commD, replicaId: bound.replicaId, ...roots };
}

function* labelsAndTrees(
  { layers }: SdrShape,
  sealing: SdrSealing,
  bound: SdrBound,
): Steps<Pick<SdrRoots, "commC" | "commRLast">> {
  const room = sdrParentRoom(bound.graph, layers);
  for (let number = sealing.done + 1; number <= layers; number += 1) {
    const layer = yield* sealing.layer(bound, number);
    const { replicaId, previous, into } = layer;
    yield* sealing.labels(layer, labelLayer(bound.graph, replicaId, number, previous, into, room));
  }
  return yield* sealing.trees();
}

/** One of two sectors that are sealed together. */
export interface SdrSector {
  readonly bind: (commD: Commitment) => SdrBound;
  readonly input: SealInput;
  readonly store: SealStore;
}

/** Share of the seal of a pair that its labels take. */
const pairLabelShare = 0.2;

/**
 * Like `sealSdrData` for two sectors of one graph, whose labels are made together layer by layer: with SHA
 * instructions that takes little longer than one sector's. Twice the memory of one. Throws what that throws.
 */
export function* sealSdrPair(
  shape: SdrShape,
  sectors: readonly [SdrSector, SdrSector],
): Steps<readonly [SdrRoots, SdrRoots]> {
  const begin = function* ({ bind, input, store }: SdrSector, start: number) {
    const sealing = new SdrSealing(shape, store);
    assert(sealing.done === 0, "two sectors that are sealed together begin together");
    const commD = yield* within(sealing.begin(input), start, dataShare / 2);
    return { sealing, commD, bound: bind(commD) };
  };
  const first = yield* begin(sectors[0], 0);
  const second = yield* begin(sectors[1], dataShare / 2);
  const { graph } = first.bound;
  assert(graph === second.bound.graph, "two sectors that are sealed together have one graph");
  const room = sdrParentRoom(graph, shape.layers);
  for (let number = 1; number <= shape.layers; number += 1) {
    const layers = [
      yield* first.sealing.layer(first.bound, number),
      yield* second.sealing.layer(second.bound, number),
    ] as const;
    const made = first.sealing.labels(layers[0], labelLayerPair(graph, layers, room));
    yield* within(made, dataShare, pairLabelShare);
    yield* second.sealing.labels(layers[1], noMore());
  }
  const end = function* ({ sealing, commD, bound: { replicaId } }: typeof first, start: number) {
    const share = (1 - dataShare - pairLabelShare) / 2;
    const roots = yield* within(sealing.trees(), dataShare + pairLabelShare + start * share, share);
    return { commD, replicaId, ...roots };
  };
  return [yield* end(first, 0), yield* end(second, 1)];
}

function* noMore(): Generator<number, void> {}

function* shares(counts: Generator<number, void>, of: number): Steps<void> {
  for (const count of counts) yield count / of;
}

/** The labels of the last of `layers` layers; two layers are kept at a time. */
export function* sdrLastLabels(graph: SdrGraph, replicaId: Uint8Array, layers: number): Steps<Uint8Array> {
  let labels = allocate(graph.nodes * nodeBytes);
  let previous = allocate(graph.nodes * nodeBytes);
  const room = sdrParentRoom(graph, layers);
  for (let layer = 1; layer <= layers; layer += 1) {
    [labels, previous] = [previous, labels];
    const steps = labelLayer(graph, replicaId, layer, previous, labels, room);
    yield* within(shares(steps, graph.nodes), (layer - 1) / layers, 1 / layers);
  }
  return labels;
}

/** Takes the labels from nodes of a replica, in place; both begin at the same node. */
export function subtractLabels(nodes: Uint8Array, labels: Uint8Array): void {
  const words = wordsOf(nodes);
  const keys = wordsOf(labels);
  for (let at = 0; at < words.length; at += wordsPerNode) {
    subtractNode(words, at, keys, at);
  }
  if (words.buffer !== nodes.buffer) nodes.set(new Uint8Array(words.buffer));
}
