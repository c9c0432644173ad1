/**
 * The tree kernel: the two row functions in which all tree building spends its time. Readable TypeScript is
 * always installed; a host may swap in native or WASM functions that work on whole rows.
 * Invariant: a swapped function gives the same bytes as the reference. Rows arrive whole (a multiple of the
 * arity) and, for Poseidon, canonical; the hashers check that.
 */
import { frsFromBytes, frsToBytes } from "../field/index.ts";
import { poseidonHash } from "../poseidon/index.ts";
import { sha256Pairs } from "./sha256-pairs.ts";

export interface TreeKernel {
  /**
   * sha2-256 of every 64 bytes, each with the two top bits of its last byte cleared. `room` (half as long as the
   * row, not a part of it) may be used for the result, so that long streams make no garbage.
   */
  readonly sha256Pairs: (row: Uint8Array, room?: Uint8Array) => Uint8Array;
  /** Poseidon of every `arity` elements of 32 bytes. */
  readonly poseidonRow: (row: Uint8Array, arity: number) => Uint8Array;
}

function poseidonRow(row: Uint8Array, arity: number): Uint8Array {
  const elements = frsFromBytes(row);
  const parents: bigint[] = [];
  for (let at = 0; at < elements.length; at += arity) {
    parents.push(poseidonHash(elements.slice(at, at + arity)));
  }
  return frsToBytes(parents);
}

/** The reference, in pure TypeScript. */
export const plainTreeKernel: TreeKernel = Object.freeze({ sha256Pairs, poseidonRow });

/** The functions in use. A live binding: read it at every call, never keep a copy. */
export let treeKernel: TreeKernel = plainTreeKernel;

/** Swaps in the given functions and keeps the others; returns the function that puts the old ones back. */
export function installTreeKernel(functions: Partial<TreeKernel>): () => void {
  const before = treeKernel;
  treeKernel = Object.freeze({ ...before, ...functions });
  return () => {
    treeKernel = before;
  };
}
