/**
 * The ZigZag graph of one network and sector size: the depth-robust base graph plus expander edges, in two
 * directions. Forward, every parent is below its node. Reversed, the base graph is mirrored (node i plays
 * n − 1 − i) and every expander edge is turned round, so every parent is above its node.
 *
 * Expander: node v owns the slots 8v … 8v + 7. Slot a meets slot π(a), which belongs to node w. Forward v
 * has the parent w if w < v; reversed w has the parent v, the same pair turned round. Pairs with w ≥ v are
 * edges in neither direction. So a node meets 8 others on average, and has between 0 and 8 expander
 * parents.
 *
 * Invariant: parents are distinct, never the node itself, base parents first; there is no filling up with
 * node 0: a node has between 0 and 13 parents, and how many is part of what its key is derived from.
 * Source: Fisch, "Tight proofs of space and replication", EUROCRYPT 2019; Filecoin specs, ZigZag PoRep.
 */
import { assert } from "@holdfast/base";
import { type LayerKernel, layerKernel, type RunParents, type ZigzagGraphParts } from "../layers/index.ts";
import { expansionDegree, totalDegree } from "../profiles.ts";
import { baseParentsInto, holds } from "./base-parents.ts";
import { WordStream } from "./chacha.ts";
import { FeistelPermutation } from "./feistel.ts";

type ZigzagParents = LayerKernel["zigzagParents"];

export type Direction = "forward" | "reversed";

/** Odd layers run forward, even layers reversed; layers count from 1. */
export function layerDirection(layer: number): Direction {
  return layer % 2 === 1 ? "forward" : "reversed";
}

/** Larger graphs give parents on demand: who needs them again keeps them for a while (kept-parents.ts). */
const maxTableNodes = 2 ** 18;

/** Parents of every node of one direction. */
export type ParentTable = RunParents;

/** The reference of `fillParents`: node by node. */
export function plainParents(
  graph: Pick<ZigzagGraph, "parentsInto">,
  direction: Direction,
  low: number,
  { parents, counts }: RunParents,
): void {
  const own = new Uint32Array(totalDegree);
  for (let i = 0; i < counts.length; i += 1) {
    const count = graph.parentsInto(direction, low + i, own);
    counts[i] = count;
    parents.set(own.fill(0, count), i * totalDegree);
  }
}

export interface ZigzagGraph {
  readonly nodes: number;
  /** Writes the parents of `node` to `into` (13 entries) and returns how many there are. */
  parentsInto(direction: Direction, node: number, into: Uint32Array): number;
  parentsOf(direction: Direction, node: number): readonly number[];
  /** The parents of the nodes from `low` on, for as many as `into` has places. */
  fillParents(direction: Direction, low: number, into: RunParents): void;
  /** What a kernel makes the same parents of. */
  parts(): ZigzagGraphParts;
  /** Whether it is small enough for tables. */
  readonly hasTables: boolean;
  /** All parents at once, built at the first call and kept; `undefined` for graphs too large for it. */
  table(direction: Direction): ParentTable | undefined;
}

class SeededGraph implements ZigzagGraph {
  readonly nodes: number;
  readonly #seed: Uint8Array;
  readonly #stream: WordStream;
  readonly #expander: FeistelPermutation;
  readonly #tables = new Map<Direction, ParentTable>();
  readonly #scratch = new Uint32Array(totalDegree);
  /** What the installed kernel made of this graph. */
  #filler: { readonly by: ZigzagParents; readonly fill: ReturnType<ZigzagParents> } | undefined;

  constructor(seed: Uint8Array, nodes: number) {
    assert(nodes > 1 && nodes <= 2 ** 28, "a graph has between 2 and 2^28 nodes");
    this.nodes = nodes;
    this.#seed = seed.slice();
    this.#stream = new WordStream(seed);
    this.#expander = new FeistelPermutation(this.#stream, nodes * expansionDegree);
  }

  parentsInto(direction: Direction, node: number, into: Uint32Array): number {
    assert(Number.isInteger(node) && node >= 0 && node < this.nodes, "the node is in the graph");
    return direction === "forward" ? this.#forward(node, into) : this.#reversed(node, into);
  }

  parentsOf(direction: Direction, node: number): readonly number[] {
    const count = this.parentsInto(direction, node, this.#scratch);
    return Array.from(this.#scratch.subarray(0, count));
  }

  fillParents(direction: Direction, low: number, into: RunParents): void {
    const { counts, parents } = into;
    assert(low + counts.length <= this.nodes, "the nodes are in the graph");
    assert(parents.length === counts.length * totalDegree, "every node has thirteen places");
    const { zigzagParents } = layerKernel;
    if (zigzagParents === undefined) {
      plainParents(this, direction, low, into);
      return;
    }
    if (this.#filler?.by !== zigzagParents) {
      this.#filler = { by: zigzagParents, fill: zigzagParents(this.parts()) };
    }
    this.#filler.fill(direction === "reversed", low, into);
  }

  parts(): ZigzagGraphParts {
    const { tables, halfBits } = this.#expander;
    return { seed: this.#seed, nodes: this.nodes, tables, halfBits };
  }

  get hasTables(): boolean {
    return this.nodes <= maxTableNodes;
  }

  table(direction: Direction): ParentTable | undefined {
    if (!this.hasTables) return undefined;
    const known = this.#tables.get(direction);
    if (known !== undefined) return known;
    const parents = new Uint32Array(this.nodes * totalDegree);
    const counts = new Uint8Array(this.nodes);
    this.fillParents(direction, 0, { parents, counts });
    const table = { parents, counts };
    this.#tables.set(direction, table);
    return table;
  }

  #forward(node: number, into: Uint32Array): number {
    let count = baseParentsInto(this.#stream, node, into);
    const first = node * expansionDegree;
    for (let slot = first; slot < first + expansionDegree; slot += 1) {
      const parent = Math.floor(this.#expander.permute(slot) / expansionDegree);
      if (parent < node && !holds(into, count, parent)) {
        into[count] = parent;
        count += 1;
      }
    }
    return count;
  }

  #reversed(node: number, into: Uint32Array): number {
    const last = this.nodes - 1;
    let count = baseParentsInto(this.#stream, last - node, into);
    for (let i = 0; i < count; i += 1) into[i] = last - (into[i] as number);
    const first = node * expansionDegree;
    for (let slot = first; slot < first + expansionDegree; slot += 1) {
      const parent = Math.floor(this.#expander.invert(slot) / expansionDegree);
      if (parent > node && !holds(into, count, parent)) {
        into[count] = parent;
        count += 1;
      }
    }
    return count;
  }
}

/** The graph of a seed of 32 bytes. */
export function createGraph(seed: Uint8Array, nodes: number): ZigzagGraph {
  return new SeededGraph(seed, nodes);
}
