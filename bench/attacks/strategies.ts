/**
 * What an attacker may keep, for a budget of labels: the ways that were thought of to answer from less. None may hold
 * more labels than the budget.
 */
import { idleTableParents } from "@holdfast/proofs";
import { allLayers, type Kept, rowOf, type Stack } from "./stack.ts";

export interface Strategy {
  readonly name: string;
  readonly keep: (stack: Stack, budget: number) => Kept;
}

const nothing = (stack: Stack): Kept => new Uint8Array(stack.nodes * allLayers(stack));

/** Keeps the labels of these rows that come first by `rank`, so many of each row. */
function keepRows(
  stack: Stack,
  rows: readonly number[],
  budget: number,
  order: (row: number) => Iterable<number>,
): Kept {
  const kept = nothing(stack);
  rows.forEach((row, i) => {
    let left = Math.min(
      stack.nodes,
      Math.floor((budget * (i + 1)) / rows.length) - Math.floor((budget * i) / rows.length),
    );
    for (const node of order(row)) {
      if (left <= 0) break;
      kept[row * stack.nodes + node] = 1;
      left -= 1;
    }
  });
  return kept;
}

const keptRows = (stack: Stack): readonly number[] =>
  Array.from({ length: stack.keptLayers }, (_none, keptLayer) => rowOf(stack, keptLayer));

function* evenly(nodes: number, count: number): Iterable<number> {
  for (let i = 0; i < count; i += 1) yield Math.floor(((i + 1) * nodes) / count) - 1;
}

const upwards = (nodes: number): Iterable<number> => Array.from({ length: nodes }, (_none, i) => i).values();

/** Nodes by how many nodes have them as a parent, in their layer and in the one above. */
function byChildren({ nodes, parents }: Stack): readonly number[] {
  const children = new Uint32Array(nodes);
  for (const parent of parents) children[parent] = (children[parent] as number) + 1;
  return Array.from(children.keys()).sort((a, b) => (children[b] as number) - (children[a] as number));
}

/**
 * Nodes that cut long paths in a layer (Valiant 1977): edges fall into classes by the highest bit in which their ends
 * differ; without the ends of the smallest classes paths are shorter by a half for each. Smallest classes first.
 */
function byValiant({ nodes, parents }: Stack): readonly number[] {
  const classes = Array.from({ length: 32 }, () => new Set<number>());
  for (let node = 1; node < nodes; node += 1) {
    const own = [node - 1, ...parents.subarray(node * idleTableParents, node * idleTableParents + 4)];
    for (const parent of own) classes[31 - Math.clz32(node ^ parent)]?.add(parent);
  }
  const ordered = classes.filter(({ size }) => size > 0).sort((a, b) => a.size - b.size);
  return [...new Set(ordered.flatMap((one) => [...one]))];
}

function wholeLayers(stack: Stack, budget: number): Kept {
  const kept = nothing(stack);
  const whole = Math.floor(budget / stack.nodes);
  const rest = budget - whole * stack.nodes;
  const rows = [...evenly(stack.keptLayers, whole)].map((keptLayer) => rowOf(stack, keptLayer));
  for (const row of rows) kept.fill(1, row * stack.nodes, (row + 1) * stack.nodes);
  const next = keptRows(stack).find((row) => !rows.includes(row));
  if (next !== undefined) kept.fill(1, next * stack.nodes, next * stack.nodes + rest);
  return kept;
}

const perRow = (budget: number, rows: readonly number[]): number => Math.floor(budget / rows.length) || 1;

export const strategies: readonly Strategy[] = [
  {
    name: "every j-th label of the kept layers",
    keep: (stack, budget) => {
      const rows = keptRows(stack);
      return keepRows(stack, rows, budget, () => evenly(stack.nodes, perRow(budget, rows)));
    },
  },
  {
    name: "the first labels of each kept layer",
    keep: (stack, budget) => keepRows(stack, keptRows(stack), budget, () => upwards(stack.nodes)),
  },
  {
    name: "the last labels of each kept layer",
    keep: (stack, budget) =>
      keepRows(stack, keptRows(stack), budget, () => [...upwards(stack.nodes)].reverse().values()),
  },
  { name: "whole kept layers, every j-th", keep: wholeLayers },
  {
    name: "the labels with the most children",
    keep: (stack, budget) => {
      const order = byChildren(stack);
      return keepRows(stack, keptRows(stack), budget, () => order.values());
    },
  },
  {
    name: "the labels that cut paths (Valiant)",
    keep: (stack, budget) => {
      const order = byValiant(stack);
      return keepRows(stack, keptRows(stack), budget, () => order.values());
    },
  },
  {
    name: "every j-th label of all layers",
    keep: (stack, budget) => {
      const rows = Array.from({ length: allLayers(stack) }, (_none, row) => row);
      return keepRows(stack, rows, budget, () => evenly(stack.nodes, perRow(budget, rows)));
    },
  },
  {
    name: "the layer below each kept layer instead",
    keep: (stack, budget) => {
      const rows = keptRows(stack).map((row) => row - 1);
      return keepRows(stack, rows, budget, () => evenly(stack.nodes, perRow(budget, rows)));
    },
  },
  {
    name: "half of it in each kept layer, half in the layer below it",
    keep: (stack, budget) => {
      const rows = keptRows(stack).flatMap((row) => [row - 1, row]);
      return keepRows(stack, rows, budget, () => evenly(stack.nodes, perRow(budget, rows)));
    },
  },
  {
    name: "a tenth of it in the middle of each stack, the rest in kept layers",
    keep: (stack, budget) => {
      const middle = keptRows(stack).map((row) => row - (stack.layers >> 1));
      const few = Math.floor(budget / 10);
      const most = keepRows(stack, keptRows(stack), budget - few, () =>
        evenly(stack.nodes, perRow(budget - few, middle)),
      );
      const some = keepRows(stack, middle, few, () => evenly(stack.nodes, perRow(few, middle)));
      return most.map((one, i) => one | (some[i] as number));
    },
  },
];

export const keptShares = [0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.9] as const;

/** Labels of all kept layers. */
export const keptLabels = ({ nodes, keptLayers }: Stack): number => nodes * keptLayers;
