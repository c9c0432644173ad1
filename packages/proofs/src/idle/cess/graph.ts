/**
 * The graph of the compatibility profile. For every node a hash draws one byte r for each of d groups of g = n/d
 * positions; it chooses position r · (g/256) + r mod (g/256) of the group, in the layer before, or in the node's own
 * layer if that lies below the node's position. So only 256 positions of a group can ever be chosen: they are called
 * hot, and everything that is not hot depends on no other column but through them. That is the collapse of this
 * graph, and what its tables are for.
 * Besides, the node at the same position in the layer before is a parent (the straight one). If it is drawn too, the
 * node after it is taken in its place: for the last position that is position 0 of the own layer. Parents are a set.
 * Source: CESSProject/cess_pois v0.6.3, expanders.
 */
import { assert, bigEndian, concatBytes } from "@holdfast/base";
import { sha512 } from "@noble/hashes/sha2.js";
import { hotInGroup } from "./rows.ts";
import type { CessShape } from "./shape.ts";

type Graph = Pick<CessShape, "nodes" | "degree">;

/** Positions of a group, and the distance of hot ones but for their remainder. */
export function groupOf({ nodes, degree }: Graph): { readonly group: number; readonly spread: number } {
  const group = nodes / degree;
  return { group, spread: group / hotInGroup };
}

/** The position of a row of a table: row 256 · group + r. */
export function hotPosition(graph: Graph, row: number): number {
  const { group, spread } = groupOf(graph);
  const r = row % hotInGroup;
  return Math.floor(row / hotInGroup) * group + r * spread + (r % spread);
}

/** The row of a position in tables, or undefined if it is not hot. */
export function hotRow(graph: Graph, position: number): number | undefined {
  const { group, spread } = groupOf(graph);
  const r = Math.floor((position % group) / spread);
  const row = Math.floor(position / group) * hotInGroup + r;
  return hotPosition(graph, row) === position ? row : undefined;
}

/** One byte for each group. */
function drawn(minerId: Uint8Array, cluster: number, realLayer: number, node: number, degree: number) {
  const head = concatBytes(minerId, bigEndian(cluster, 8), bigEndian(realLayer, 8), bigEndian(node, 8));
  const bytes = sha512(head);
  return (degree > bytes.length ? concatBytes(bytes, sha512(bytes)) : bytes).subarray(0, degree);
}

/** Who asks for parents: a file by what its graph depends on. */
export interface GraphFile extends Graph {
  readonly minerId: Uint8Array;
  readonly cluster: number;
  readonly realLayer: number;
}

/** Ids of a node's parents, ascending, without duplicates; none in layer 0. */
export function cessParents(file: GraphFile, node: number): readonly number[] {
  const { nodes, degree } = file;
  const layer = Math.floor(node / nodes);
  if (layer === 0) return [];
  const straight = node - nodes;
  const parents = new Set([straight]);
  drawn(file.minerId, file.cluster, file.realLayer, node, degree).forEach((r, group) => {
    const chosen = (layer - 1) * nodes + hotPosition(file, group * hotInGroup + r);
    if (chosen === straight) parents.add(chosen + 1);
    else parents.add(chosen < straight ? chosen + nodes : chosen);
  });
  assert(parents.size >= degree, "at most one parent is chosen twice");
  return [...parents].sort((a, b) => a - b);
}
