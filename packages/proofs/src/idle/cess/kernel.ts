/**
 * The kernel of idle files of the compatibility profile: labels, a whole file or block per call (hardened idle space
 * has its own, hardened/kernel.ts). Readable TypeScript is always installed (plain.ts); a host may swap in compiled
 * functions.
 * Invariant: a swapped function gives the same bytes as the reference. Native functions work in the bytes they are
 * given, which may be shared between threads.
 */
import { plainCessColumns, plainCessHot, plainCessLayer } from "./plain.ts";
import type { CessColumns, CessHotRows, CessLayer, CessLayerPass } from "./rows.ts";

export interface CessKernel {
  /** Compatibility profile: a whole file by its graph alone, run after run; undefined if there is no memory for it. */
  readonly cessLayer: (layer: CessLayer) => CessLayerPass | undefined;
  /** Its labels at hot positions. */
  readonly cessHot: (rows: CessHotRows) => void;
  /** A block of its labels by tables of the hot ones. */
  readonly cessColumns: (columns: CessColumns) => void;
}

/** The reference, in pure TypeScript. */
export const plainCessKernel: CessKernel = Object.freeze({
  cessLayer: plainCessLayer,
  cessHot: plainCessHot,
  cessColumns: plainCessColumns,
});

/** The functions in use. A live binding: read it at every call, never keep a copy. */
export let cessKernel: CessKernel = plainCessKernel;

/** Swaps in the given functions and keeps the others; returns the function that puts the old ones back. */
export function installCessKernel(functions: Partial<CessKernel>): () => void {
  const before = cessKernel;
  cessKernel = Object.freeze({ ...before, ...functions });
  return () => {
    cessKernel = before;
  };
}
