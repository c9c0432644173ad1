/**
 * Encoding and decoding of one layer, in place. Encoding goes in the direction of the layer, so that a
 * node's parents are encoded before it: c(v) = p(v) + key(v). Decoding goes the other way round, so that a
 * node's parents are still encoded when it is decoded: p(v) = c(v) − key(v).
 */
import { type Direction, layerDirection, type ParentTable, type ZigzagGraph } from "../graph/index.ts";
import { type SectorProfile, totalDegree } from "../profiles.ts";
import { type NodeKeys, nodeKeys } from "./keys.ts";
import { addNode, subtractNode, wordsPerNode } from "./words.ts";

/** Derives the key of every node of a layer from the layer's encoded nodes. */
export class LayerKeys {
  readonly nodes: number;
  readonly direction: Direction;
  readonly #graph: ZigzagGraph;
  readonly #table: ParentTable | undefined;
  readonly #deriver: NodeKeys;
  readonly #parents = new Uint32Array(totalDegree);

  /** `layer` counts from 1. Builds the graph's table if it has one: this is for whole layers. */
  constructor(
    profile: Pick<SectorProfile, "keyDerivation">,
    graph: ZigzagGraph,
    replicaId: Uint8Array,
    layer: number,
  ) {
    this.nodes = graph.nodes;
    this.direction = layerDirection(layer);
    this.#graph = graph;
    this.#table = graph.table(this.direction);
    this.#deriver = nodeKeys(profile, replicaId, layer);
  }

  keyOf(node: number, encoded: Uint32Array): Uint32Array {
    const table = this.#table;
    if (table === undefined) {
      const count = this.#graph.parentsInto(this.direction, node, this.#parents);
      return this.#derive(node, encoded, this.#parents, 0, count);
    }
    return this.#derive(node, encoded, table.parents, node * totalDegree, table.counts[node] as number);
  }

  #derive(node: number, encoded: Uint32Array, parents: Uint32Array, first: number, count: number) {
    for (let slot = 0; slot < count; slot += 1) {
      this.#deriver.setParent(slot, encoded, (parents[first + slot] as number) * wordsPerNode);
    }
    return this.#deriver.derive(node, count);
  }
}

/** Nodes after which a long loop reports how far it is. */
const sliceNodes = 2048;

/** Encodes the layer in place; yields the number of nodes done from time to time. */
export function* encodeLayer(keys: LayerKeys, words: Uint32Array): Generator<number, void> {
  for (let done = 0; done < keys.nodes; done += 1) {
    const node = keys.direction === "forward" ? done : keys.nodes - 1 - done;
    addNode(words, node * wordsPerNode, keys.keyOf(node, words));
    if ((done + 1) % sliceNodes === 0) yield done + 1;
  }
}

/** Decodes the layer in place; yields the number of nodes done from time to time. */
export function* decodeLayer(keys: LayerKeys, words: Uint32Array): Generator<number, void> {
  for (let done = 0; done < keys.nodes; done += 1) {
    const node = keys.direction === "forward" ? keys.nodes - 1 - done : done;
    subtractNode(words, node * wordsPerNode, keys.keyOf(node, words));
    if ((done + 1) % sliceNodes === 0) yield done + 1;
  }
}
