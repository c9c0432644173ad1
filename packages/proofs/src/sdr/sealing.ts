/**
 * Sealing, step by step: labels layer by layer, columns across the layers and their tree, the replica (data
 * plus the last layer's labels) and its tree. Extraction labels again and subtracts.
 * Invariant: everything is written where `aux` has it, so a seal takes no memory beside its result but one
 * slice of columns. Source: Filecoin specs, SDR.
 */
import {
  type Commitment,
  type MerkleTree,
  nodeBytes,
  poseidonHasher,
  type RowsPass,
  rowsLength,
  serializeTree,
  sha254Hasher,
  startColumns,
  startRows,
  treeFromParts,
} from "../merkle/index.ts";
import { addNode, type Steps, subtractNode, wordsOf } from "../porep/index.ts";
import type { SdrGraph } from "./graph.ts";
import { labelLayer } from "./labels.ts";
import type { SdrShape } from "./params.ts";
import { parseSdrAux, sdrAuxLength } from "./sealed.ts";

const wordsPerNode = nodeBytes / 4;
/** Costs of a node, measured in TypeScript: a label, a label's place in a column, a tree. For progress only. */
const cost = { label: 2, column: 15, tree: 11 };

function* hashed(pass: RowsPass): Steps<void> {
  while (pass.advance()) yield pass.doneRatio;
  pass.finish();
  yield 1;
}

function encode(data: Uint8Array, labels: Uint8Array, into: Uint8Array): void {
  into.set(data);
  const words = wordsOf(into);
  const keys = wordsOf(labels);
  for (let at = 0; at < words.length; at += wordsPerNode) {
    addNode(words, at, keys.subarray(at, at + wordsPerNode));
  }
}

/** A part of a whole that is at `start` when the part begins and takes `share` of it. */
function* within<Result>(steps: Steps<Result>, start: number, share: number): Steps<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    yield start + share * Math.min(step.value, 1);
  }
}

function* dataTree(data: Uint8Array): Steps<MerkleTree> {
  const rows = new Uint8Array(rowsLength(sha254Hasher, data.length / nodeBytes));
  yield* hashed(startRows(sha254Hasher, data, rows));
  return treeFromParts(sha254Hasher, data, rows);
}

/** Share of a seal that the tree of its data takes. */
const dataShare = 0.02;

/**
 * Seals padded data: first its tree, then, under the replica id that `bind` makes of commD, the rest. The
 * result is `aux`.
 */
export function* sealData(
  shape: SdrShape,
  graph: SdrGraph,
  data: Uint8Array,
  bind: (commD: Commitment) => Uint8Array,
): Steps<Uint8Array> {
  const tree = yield* within(dataTree(data), 0, dataShare);
  return yield* within(sealSteps(shape, graph, bind(tree.root), tree), dataShare, 1 - dataShare);
}

/**
 * Labels and trees of a sector whose data tree is `data`; the result is `aux`. The replica is the leaves of
 * its replica tree.
 */
function* sealSteps(
  shape: SdrShape,
  graph: SdrGraph,
  replicaId: Uint8Array,
  data: MerkleTree,
): Steps<Uint8Array> {
  const aux = new Uint8Array(sdrAuxLength(shape));
  aux.set(serializeTree(data));
  const { labels, columns, replica } = parseSdrAux(shape, aux);
  let start = 0;
  const columnCost = shape.layers * cost.column;
  const total = shape.layers * cost.label + columnCost + 2 * cost.tree;
  function* part(steps: Steps<void>, price: number): Steps<void> {
    yield* within(steps, start, price / total);
    start += price / total;
  }
  for (const [i, into] of labels.entries()) {
    const previous = labels[i - 1] ?? into;
    yield* part(shares(labelLayer(graph, replicaId, i + 1, previous, into), shape.nodes), cost.label);
  }
  yield* part(hashed(startColumns(labels, columns.leaves)), columnCost);
  yield* part(hashed(startRows(poseidonHasher, columns.leaves, columns.rows)), cost.tree);
  encode(data.leaves, labels.at(-1) ?? replica.leaves, replica.leaves);
  yield* part(hashed(startRows(poseidonHasher, replica.leaves, replica.rows)), cost.tree);
  yield 1;
  return aux;
}

function* shares(counts: Generator<number, void>, of: number): Steps<void> {
  for (const count of counts) yield count / of;
}

/** The labels of the last of `layers` layers; two layers are kept at a time. */
export function* sdrLastLabels(graph: SdrGraph, replicaId: Uint8Array, layers: number): Steps<Uint8Array> {
  let labels = new Uint8Array(graph.nodes * nodeBytes);
  let previous = new Uint8Array(graph.nodes * nodeBytes);
  for (let layer = 1; layer <= layers; layer += 1) {
    [labels, previous] = [previous, labels];
    const steps = labelLayer(graph, replicaId, layer, previous, labels);
    yield* within(shares(steps, graph.nodes), (layer - 1) / layers, 1 / layers);
  }
  return labels;
}

/** The data of a replica whose nodes are canonical. */
export function* unsealSteps(
  graph: SdrGraph,
  replicaId: Uint8Array,
  layers: number,
  replica: Uint8Array,
): Steps<Uint8Array> {
  const keys = wordsOf(yield* sdrLastLabels(graph, replicaId, layers));
  const data = new Uint8Array(replica); // not slice(): on a Buffer of Node that is a view
  const words = wordsOf(data);
  for (let at = 0; at < words.length; at += wordsPerNode) {
    subtractNode(words, at, keys.subarray(at, at + wordsPerNode));
  }
  yield 1;
  return data;
}
