/**
 * The kernel of hardened idle space: runs of parents, runs of labels, and one SHA-256 compression in many chains at
 * once (the hashes of columns and leaves). Idle files of the compatibility profile have their own (cess/kernel.ts).
 * The reference is always installed; a host may swap in compiled functions.
 * Invariant: a swapped function gives the same bytes as the reference.
 */
import type { LayerPass } from "../../layers/index.ts";
import { plainAbsorb } from "./absorb.ts";
import { createIdleGraph, tableParents } from "./graph.ts";
import { plainIdleLabels } from "./labels.ts";

/** One chain of labels: a layer of one set. */
export interface IdleStream {
  /** 64 bytes that all its labels begin with (labels.ts). */
  readonly header: Uint8Array;
  /** Number of the layer's first file. */
  readonly firstFile: number;
  /** Labels of the layer below. */
  readonly previous: Uint8Array;
  readonly into: Uint8Array;
}

/** One layer of one set or the same layer of two, which a processor hashes in the time of one and a half. */
export interface IdleLabels {
  readonly fileNodes: number;
  readonly passes: number;
  readonly streams: readonly [IdleStream] | readonly [IdleStream, IdleStream];
}

/** Many chains of SHA-256, each taking one block of 64 bytes, given as two halves. */
export interface Absorption {
  /** 32 bytes of state for each chain, changed in place; big-endian, so that the last state is the digest. */
  readonly states: Uint8Array;
  /** Chain i takes 32 bytes from i · leftStride on; a stride of 0 gives all chains the same. */
  readonly left: Uint8Array;
  readonly leftStride: number;
  readonly right: Uint8Array;
  readonly rightStride: number;
  /** Clears the two top bits of the states afterwards, which makes them nodes of a sha2-256-trunc254 tree. */
  readonly trim: boolean;
}

export interface SpaceKernel {
  /** Slots 1…12 of the nodes from `low` on, twelve words each, written to `into`. */
  readonly idleParents: (seed: Uint8Array, nodes: number, low: number, into: Uint32Array) => void;
  /** A kernel that cannot do a layer (it has not the memory) gives no pass. Runs of its nodes go upwards. */
  readonly idleLabels: (layer: IdleLabels) => LayerPass | undefined;
  readonly absorb: (absorption: Absorption) => void;
}

/** The reference, in pure TypeScript. */
export const plainSpaceKernel: SpaceKernel = Object.freeze({
  idleParents(seed, nodes, low, into) {
    createIdleGraph(seed, nodes).parentsInto(low, into.length / tableParents, into);
  },
  idleLabels: plainIdleLabels,
  absorb: plainAbsorb,
} satisfies SpaceKernel);

/** The functions in use. A live binding: read it at every call, never keep a copy. */
export let spaceKernel: SpaceKernel = plainSpaceKernel;

/** Swaps in the given functions and keeps the others; returns the function that puts the old ones back. */
export function installSpaceKernel(functions: Partial<SpaceKernel>): () => void {
  const before = spaceKernel;
  spaceKernel = Object.freeze({ ...before, ...functions });
  return () => {
    spaceKernel = before;
  };
}
