/**
 * What it costs to answer challenges on a hardened idle set of which only some labels were kept, by an attacker who
 * has as many processors as he likes. For any set of kept labels: when each missing label of a kept layer is there at
 * the earliest, in SHA-256 compressions one after the other, and how many labels have to be made for it.
 *
 * A label's compressions run in order, and a parent is needed by the first that hashes it (slot 0 by the first,
 * slot 13 by the eighth), so a path through late slots is shorter than one through the label before. Time is told as
 * a share of what the labels of one kept layer take, one after the other: layers · nodes · blocks.
 */
import { createIdleGraph, idleTableParents } from "@holdfast/proofs";

export interface Stack {
  /** Of one layer. */
  readonly nodes: number;
  /** Labelling layers of one kept layer. */
  readonly layers: number;
  readonly keptLayers: number;
  readonly passes: number;
  /** Slots 1 to 12 of every node. */
  readonly parents: Uint32Array;
}

const sampled = 4;

export function stackOf(shape: Omit<Stack, "parents">, seed = new Uint8Array(32).fill(5)): Stack {
  const parents = new Uint32Array(shape.nodes * idleTableParents);
  createIdleGraph(seed, shape.nodes).parentsInto(0, shape.nodes, parents);
  return { ...shape, parents };
}

/** One byte for each label of all layers, the lowest layer first: 1 if the attacker has it. */
export type Kept = Uint8Array;

export const allLayers = ({ layers, keptLayers }: Stack): number => layers * keptLayers;
/** The row of a kept layer among all layers. */
export const rowOf = ({ layers }: Stack, keptLayer: number): number => (keptLayer + 1) * layers - 1;

export const blocksOf = ({ passes }: Stack): number => 7 * passes + 1;
export const fullTime = (stack: Stack): number => stack.layers * stack.nodes * blocksOf(stack);

/** When each label is there, in compressions from the challenge on; 0 for kept ones. */
export function readyTimes(stack: Stack, kept: Kept): Float64Array {
  const { nodes, parents } = stack;
  const blocks = blocksOf(stack);
  const ready = new Float64Array(nodes * allLayers(stack));
  for (let row = 0; row < allLayers(stack); row += 1) {
    const own = row * nodes;
    const below = own - nodes;
    for (let node = 0; node < nodes; node += 1) {
      if (kept[own + node] === 1) continue;
      let at = blocks; // slot 0 at once, and nothing to wait for
      const wait = (label: number, slot: number): void => {
        const done = (ready[label] as number) + blocks - Math.ceil(slot / 2);
        if (done > at) at = done;
      };
      if (node > 0) wait(own + node - 1, 0);
      for (let k = 0; k < idleTableParents; k += 1) {
        const parent = parents[node * idleTableParents + k] as number;
        if (k < sampled && node > 1) wait(own + parent, 1 + k);
        else if (k >= sampled && row > 0) wait(below + parent, 1 + k);
      }
      if (row > 0) wait(below + node, 13);
      ready[own + node] = at;
    }
  }
  return ready;
}

/** Labels that have to be made for one that is missing, itself among them. */
export function labelsToMake(stack: Stack, kept: Kept, label: number): number {
  const { nodes, parents } = stack;
  const seen = new Uint8Array(kept.length);
  const open = [label];
  seen[label] = 1;
  let count = 0;
  const need = (next: number): void => {
    if (seen[next] === 1 || kept[next] === 1) return;
    seen[next] = 1;
    open.push(next);
  };
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    count += 1;
    const node = next % nodes;
    const own = next - node;
    if (node > 0) need(next - 1);
    for (let k = 0; k < idleTableParents; k += 1) {
      const parent = parents[node * idleTableParents + k] as number;
      if (k < sampled && node > 1) need(own + parent);
      else if (k >= sampled && own > 0) need(own - nodes + parent);
    }
    if (own > 0) need(next - nodes);
  }
  return count;
}

export interface Cost {
  /** Share of all labels of kept layers that are missing. */
  readonly missing: number;
  /** Time of a missing label as a share of `fullTime`: of the quickest, the median and the last. */
  readonly time: { readonly least: number; readonly median: number; readonly most: number };
  /** Share of challenges answered within these shares of `fullTime`, kept ones among them. */
  readonly answered: ReadonlyMap<number, number>;
  /** Labels made for a missing one, as a share of those of one kept layer; the mean of a few. */
  readonly labels: number;
}

export const deadlines = [0.01, 0.1, 0.25, 0.5, 0.75] as const;

/** The cost of challenges drawn uniformly from all labels of kept layers. */
export function costOf(stack: Stack, kept: Kept, tried = 12): Cost {
  const ready = readyTimes(stack, kept);
  const times: number[] = [];
  const missing: number[] = [];
  for (let keptLayer = 0; keptLayer < stack.keptLayers; keptLayer += 1) {
    const from = rowOf(stack, keptLayer) * stack.nodes;
    for (let label = from; label < from + stack.nodes; label += 1) {
      times.push((ready[label] as number) / fullTime(stack));
      if (kept[label] !== 1) missing.push(label);
    }
  }
  const late = missing.map((label) => (ready[label] as number) / fullTime(stack)).sort((a, b) => a - b);
  const sample = Array.from({ length: Math.min(tried, missing.length) }, (_none, i) =>
    labelsToMake(stack, kept, missing[Math.floor(((i + 0.5) * missing.length) / tried)] as number),
  );
  return {
    missing: missing.length / times.length,
    time: { least: late[0] ?? 0, median: late[late.length >> 1] ?? 0, most: late.at(-1) ?? 0 },
    answered: new Map(
      deadlines.map((share) => [share, times.filter((time) => time <= share).length / times.length]),
    ),
    labels:
      sample.reduce((sum, count) => sum + count, 0) / (sample.length || 1) / (stack.nodes * stack.layers),
  };
}
