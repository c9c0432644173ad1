/**
 * The tree kernel: the row functions in which all tree building spends its time. Readable TypeScript is
 * always installed; a host may swap in native or WASM functions that work on whole rows, and passes over whole trees
 * that work on several threads.
 * Invariant: a swapped function gives the same bytes as the reference. Rows arrive whole (a multiple of the
 * arity) and, for Poseidon, canonical; the hashers check that.
 */
import { frsFromBytes, frsToBytes } from "../field/index.ts";
import { poseidonHash } from "../poseidon/index.ts";
import { sha256Pairs, sha256WholePairs } from "./sha256-pairs.ts";

/** All rows of one tree. */
export interface RowsTask {
  /** Name of the tree's hasher. */
  readonly hasher: string;
  readonly leaves: Uint8Array;
  /** Every row above the leaves, the root last: what is written. */
  readonly rows: Uint8Array;
  /** Arities from the leaves up. */
  readonly shape: readonly number[];
}

/** The hashes of columns: Poseidon of one node of every layer. */
export interface ColumnsTask {
  readonly layers: readonly Uint8Array[];
  readonly into: Uint8Array;
}

/** A tree, a row of columns or other work in slices that is being done. */
export interface RowsPass {
  /** The share that is done, from 0 to 1, never falling. */
  readonly doneRatio: number;
  /** Does one slice, some milliseconds; false when none is left to take. */
  advance(): boolean;
  /** Does what is left and waits for what others do. */
  finish(): void;
  /** Gives up: no slice begins any more, and none is in hand when this returns. Nothing, once it is done. */
  stop(): void;
}

export interface TreeKernel {
  /**
   * sha2-256 of every 64 bytes, each with the two top bits of its last byte cleared. `room` (half as long as the
   * row, not a part of it) may be used for the result, so that long streams make no garbage.
   */
  readonly sha256Pairs: (row: Uint8Array, room?: Uint8Array) => Uint8Array;
  /** The same with all bits, for trees of idle files. */
  readonly sha256WholePairs: (row: Uint8Array, room?: Uint8Array) => Uint8Array;
  /** Poseidon of every `arity` elements of 32 bytes; in `room`, which lies elsewhere, if there is use for it. */
  readonly poseidonRow: (row: Uint8Array, arity: number, room?: Uint8Array) => Uint8Array;
  /**
   * Pedersen of every pair of canonical nodes, behind six bits of personalization or none. Left out until a host
   * installs it: its reference is zigzag2019/pedersen.ts, the one kind that hashes so.
   */
  readonly pedersenRow?: (row: Uint8Array, personalization: number | undefined) => Uint8Array;
  /** A pass that works by several threads and begins at once, or `undefined`: the caller hashes alone. */
  readonly startRows?: (task: RowsTask) => RowsPass | undefined;
  readonly startColumns?: (task: ColumnsTask) => RowsPass | undefined;
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
export const plainTreeKernel: TreeKernel = Object.freeze({ sha256Pairs, sha256WholePairs, poseidonRow });

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
