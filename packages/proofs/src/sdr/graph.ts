/**
 * The stacked graph of SDR: six base parents in the same layer and eight expander parents in the layer
 * before. There is no reversal: every layer runs forward, and an expander parent may be any node.
 * Invariant: fourteen parents in a fixed order with repetitions; the order is part of the labels.
 * Version 1.0 puts the predecessor behind the sampled parents and cuts expander slots to 32 bits (which
 * loses parents from 2^29 nodes on); 1.1 puts it first and cuts nothing. Both are Filecoin's.
 * Source: Filecoin specs, SDR, stacked graph.
 */
import { assert } from "@holdfast/base";
import { type LayerKernel, layerKernel, type SdrGraphParts } from "../layers/index.ts";
import { DrSample, sdrBaseDegree } from "./drsample.ts";
import { SdrFeistel } from "./feistel.ts";

/** Which order of parents, and whether expander slots are cut to 32 bits. */
export type SdrApiVersion = "1.0" | "1.1";

export const sdrExpansionDegree = 8;
export const sdrDegree = sdrBaseDegree + sdrExpansionDegree;

/** Larger graphs give parents on demand: who needs them again keeps them for a while, 56 bytes for each node. */
const maxTableNodes = 2 ** 18;
const twoTo32 = 0x1_0000_0000;

type SdrParents = LayerKernel["sdrParents"];

export interface SdrGraph {
  readonly nodes: number;
  /** Writes base and expander parents of `node` to `into` (14 entries). */
  parentsInto(node: number, into: Uint32Array): void;
  /** Fourteen parents: six of the same layer, eight of the layer before. */
  parentsOf(node: number): readonly number[];
  /** The parents of the nodes from `low` on, 14 each, for as many as `into` has places. */
  fillParents(low: number, into: Uint32Array): void;
  /** What a kernel makes the same parents of. */
  parts(): SdrGraphParts;
  /** Whether it is small enough for a table. */
  readonly hasTables: boolean;
  /** All parents, 14 for each node, built at the first call and kept; `undefined` for large graphs. */
  table(): Uint32Array | undefined;
}

/** The reference of `fillParents`: node by node. */
export function plainSdrParents(graph: Pick<SdrGraph, "parentsInto">, low: number, into: Uint32Array): void {
  for (let at = 0; at < into.length; at += sdrDegree) {
    graph.parentsInto(low + at / sdrDegree, into.subarray(at, at + sdrDegree));
  }
}

class StackedGraph implements SdrGraph {
  readonly nodes: number;
  readonly #version: SdrApiVersion;
  readonly #base: DrSample;
  readonly #expander: SdrFeistel;
  #table: Uint32Array | undefined;
  /** What the installed kernel made of this graph. */
  #filler: { readonly by: SdrParents; readonly fill: ReturnType<SdrParents> } | undefined;

  constructor(nodes: number, porepId: Uint8Array, version: SdrApiVersion) {
    assert(nodes > 2 && nodes <= 2 ** 31, "an SDR graph has between 3 and 2^31 nodes");
    assert(porepId.length === 32, "a porep id has 32 bytes");
    this.nodes = nodes;
    this.#version = version;
    this.#base = new DrSample(porepId);
    this.#expander = new SdrFeistel(porepId, nodes * sdrExpansionDegree);
  }

  parentsInto(node: number, into: Uint32Array): void {
    assert(Number.isInteger(node) && node >= 0 && node < this.nodes, "the node is in the graph");
    const legacy = this.#version === "1.0";
    this.#base.parentsInto(node, into, !legacy);
    for (let i = 0; i < sdrExpansionDegree; i += 1) {
      const slot = this.#expander.permute(node * sdrExpansionDegree + i);
      into[sdrBaseDegree + i] = Math.floor((legacy ? slot % twoTo32 : slot) / sdrExpansionDegree);
    }
  }

  parentsOf(node: number): readonly number[] {
    const into = new Uint32Array(sdrDegree);
    this.parentsInto(node, into);
    return Array.from(into);
  }

  fillParents(low: number, into: Uint32Array): void {
    const count = into.length / sdrDegree;
    assert(Number.isInteger(count) && low + count <= this.nodes, "the nodes are in the graph");
    const { sdrParents } = layerKernel;
    if (sdrParents === undefined) {
      plainSdrParents(this, low, into);
      return;
    }
    if (this.#filler?.by !== sdrParents) this.#filler = { by: sdrParents, fill: sdrParents(this.parts()) };
    this.#filler.fill(low, into);
  }

  parts(): SdrGraphParts {
    const { halfBits } = this.#expander;
    const legacy = this.#version === "1.0";
    return { seed: this.#base.seed, nodes: this.nodes, tables: this.#expander.tables(), halfBits, legacy };
  }

  get hasTables(): boolean {
    return this.nodes <= maxTableNodes;
  }

  table(): Uint32Array | undefined {
    if (!this.hasTables) return undefined;
    if (this.#table !== undefined) return this.#table;
    const table = new Uint32Array(this.nodes * sdrDegree);
    this.fillParents(0, table);
    this.#table = table;
    return table;
  }
}

/** The graph of `porepId` (32 bytes) with `nodes` nodes, 3 … 2^31. */
export function createSdrGraph(nodes: number, porepId: Uint8Array, version: SdrApiVersion): SdrGraph {
  return new StackedGraph(nodes, porepId, version);
}

/** Nodes of one chunk of a parent cache. */
const chunkNodes = 2 ** 15;

/**
 * The bytes of Filecoin's parent cache file, chunk by chunk: for each node its fourteen parents as 32-bit
 * little-endian numbers. Their SHA-256 names the graph: Filecoin publishes it for each size.
 */
export function* sdrParentCacheChunks(graph: SdrGraph): Generator<Uint8Array, void> {
  const parents = new Uint32Array(sdrDegree);
  for (let start = 0; start < graph.nodes; start += chunkNodes) {
    const count = Math.min(chunkNodes, graph.nodes - start);
    const chunk = new Uint8Array(count * sdrDegree * 4);
    const view = new DataView(chunk.buffer);
    for (let i = 0; i < count; i += 1) {
      graph.parentsInto(start + i, parents);
      for (let k = 0; k < sdrDegree; k += 1) {
        view.setUint32((i * sdrDegree + k) * 4, parents[k] as number, true);
      }
    }
    yield chunk;
  }
}
