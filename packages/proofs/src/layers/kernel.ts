/**
 * The layer kernel: runs of nodes of a whole layer, in which sealing and extracting spend the time that trees leave
 * them. It has no functions until a host installs some: the kinds keep their readable loops (porep/layer.ts,
 * sdr/labels.ts), which are the reference and do what no kernel takes on.
 *
 * A pass works on one layer, run after run in the layer's order, so that the caller can report progress and give
 * up between two runs. Invariant: a pass gives the same bytes as the reference; what the caller's bytes hold
 * between two runs is its own affair, after `finish` they hold the result.
 */
import type { RowsPass } from "../merkle/index.ts";

/** Nodes `low` … `low + count − 1`, in rising or falling order. */
export interface NodeRun {
  readonly low: number;
  readonly count: number;
  readonly descending: boolean;
  /** 13 (ZigZag) or 14 (SDR) entries for each node from `low` on. */
  readonly parents: Uint32Array;
  /** ZigZag: how many of its entries each node uses. */
  readonly counts: Uint8Array;
}

export interface LayerPass {
  /** Nodes after which a long loop should report how far it is. */
  readonly sliceNodes: number;
  run(run: NodeRun): void;
  /** Writes what is still missing of the result. Call once, after the last run. */
  finish(): void;
}

/** One layer of ZigZag, encoded or decoded in place, or decoded from one place to another. */
export interface ZigzagLayer {
  /** 32 bytes for each node. */
  readonly bytes: Uint8Array;
  /** For decoding, where the encoded layer is read if not in `bytes`; runs may then come in any order. */
  readonly source?: Uint8Array;
  readonly replicaId: Uint8Array;
  /** From 1. */
  readonly number: number;
  readonly keyDerivation: "blake2s" | "poseidon";
  readonly mode: "encode" | "decode";
}

/** The labels of one layer of SDR. */
export interface SdrLayer {
  readonly replicaId: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** Labels of the layer before; any bytes for the first, which has none. */
  readonly previous: Uint8Array;
  readonly into: Uint8Array;
}

/** One layer of zigzag-2019 without sloth, encoded or decoded in place. All nodes have 13 parents but the first. */
export interface EraLayer {
  /** 32 bytes for each node. */
  readonly bytes: Uint8Array;
  readonly replicaId: Uint8Array;
  readonly mode: "encode" | "decode";
}

/** Parents in the graph of zigzag-2019, of runs of nodes. */
export interface EraGraphKernel {
  /** Base parents of the nodes from `low` on, five each. */
  base(graph: EraBase, low: number, into: Uint32Array): void;
  /** All parents of the nodes from `low` on, 13 each. */
  parents(graph: EraEdges, reversed: boolean, low: number, into: Uint32Array): void;
}

/** What the base parents of the graph of zigzag-2019 follow from. */
export interface EraBase {
  /** Seven words. */
  readonly seed: Uint32Array;
  /** The smallest number of each logarithm from 0 to 31. */
  readonly logarithms: Uint32Array;
}

/** What the expander edges follow from, and the base parents that they stand beside. */
export interface EraEdges {
  readonly nodes: number;
  /** Of the run's nodes counted from the direction's beginning, in ascending order; five each. */
  readonly base: Uint32Array;
  /** The three round functions of the permutation, 2^halfBits values each. */
  readonly rounds: Uint32Array;
  readonly halfBits: number;
}

/** Parents of a run of nodes of ZigZag: `counts[i]` of them from `parents[13·i]` on. */
export interface RunParents {
  readonly parents: Uint32Array;
  readonly counts: Uint8Array;
}

/** What a ZigZag graph is made of. */
export interface ZigzagGraphParts {
  readonly seed: Uint8Array;
  readonly nodes: number;
  /** The expander's eight tables, of 2^halfBits values each. */
  readonly tables: Uint16Array;
  readonly halfBits: number;
}

/** What an SDR graph is made of. */
export interface SdrGraphParts {
  /** Of the base graph, 28 bytes. */
  readonly seed: Uint8Array;
  readonly nodes: number;
  /** The expander's three tables, of 2^halfBits values each. */
  readonly tables: Uint32Array;
  readonly halfBits: number;
  /** Version 1.0. */
  readonly legacy: boolean;
}

/** A whole layer of ZigZag to be decoded from one place to another. */
export interface ZigzagDecoding {
  readonly graph: ZigzagGraphParts;
  readonly reversed: boolean;
  readonly layer: ZigzagLayer & { readonly source: Uint8Array };
  /** All parents, or room for them; who fills it says so. */
  readonly kept?: RunParents & { isFilled: boolean };
}

/** A kernel that cannot do a layer (it has not the memory) gives no pass. */
export interface LayerKernel {
  /** Whether passes change the caller's bytes as they go, so that several threads may share a layer. */
  readonly worksInPlace?: boolean;
  readonly zigzag: (layer: ZigzagLayer) => LayerPass | undefined;
  /** A pass that works by several threads and begins at once, or `undefined`: the caller decodes alone. */
  readonly startZigzagDecode?: (decoding: ZigzagDecoding) => RowsPass | undefined;
  readonly sdr: (layer: SdrLayer) => LayerPass | undefined;
  /** Fills in the parents of the nodes from `low` on, as many as the arrays have places for. */
  readonly zigzagParents: (
    graph: ZigzagGraphParts,
  ) => (reversed: boolean, low: number, into: RunParents) => void;
  readonly sdrParents: (graph: SdrGraphParts) => (low: number, into: Uint32Array) => void;
  /** The same layer of two replicas with one graph: a chain each, and a processor has time for two. */
  readonly sdrPair: (layers: readonly [SdrLayer, SdrLayer]) => LayerPass | undefined;
  readonly zigzag2019: (layer: EraLayer) => LayerPass | undefined;
  readonly eraGraph: EraGraphKernel;
}

/** The functions in use. A live binding: read it at every call, never keep a copy. */
export let layerKernel: Partial<LayerKernel> = Object.freeze({});

/** Swaps in the given functions and keeps the others; returns the function that puts the old ones back. */
export function installLayerKernel(functions: Partial<LayerKernel>): () => void {
  const before = layerKernel;
  layerKernel = Object.freeze({ ...before, ...functions });
  return () => {
    layerKernel = before;
  };
}
