/**
 * Trees and columns by a crew. A slice is a subtree, or a run of columns; slices write to different places of the
 * same rows. What the caller gave as ordinary memory is copied where hashing costs much more than copying.
 */
import {
  type ColumnsTask,
  columnsOf,
  hashRowInto,
  nodeBytes,
  poseidonHasher,
  type RowsTask,
  sha254Hasher,
  type TreeHasher,
  type TreeKernel,
} from "../../src/merkle/index.ts";
import type { Crew } from "./crew.ts";
import { sharedBytes, sharedPlaces, sharedZeros } from "./memory.ts";
import { EndedPass } from "./pass.ts";
import type { SliceKind, ThreadKernels } from "./wire.ts";

export interface TreeSizes {
  /** Leaves of a subtree, at most. */
  readonly poseidonLeaves: number;
  readonly sha256Leaves: number;
  readonly columns: number;
  /** Slices below which the caller works alone. */
  readonly minSlices: number;
}

/**
 * Slices of one to ten milliseconds of native code, many times what it costs to wake a thread; of SHA-256 a third of
 * one, so that leaves and rows of a slice stay in the cache of their core, as memory is not faster for two threads.
 */
export const treeSizes: TreeSizes = {
  poseidonLeaves: 2 ** 12,
  sha256Leaves: 2 ** 13,
  columns: 2 ** 11,
  minSlices: 8,
};

interface RowsInput extends RowsTask {
  /** Rows that lie inside of slices, from the leaves up. */
  readonly levels: number;
}

const product = (arities: readonly number[]): number => arities.reduce((all, arity) => all * arity, 1);

/** The rows one by one, as views. */
function rowsOf({ leaves, rows, shape }: RowsTask): readonly Uint8Array[] {
  let at = 0;
  let length = leaves.length;
  return shape.map((arity) => {
    length /= arity;
    at += length;
    return rows.subarray(at - length, at);
  });
}

function hashRowOf({ tree }: ThreadKernels, hasher: string): Pick<TreeHasher, "hashRow"> {
  const hashRow: TreeHasher["hashRow"] =
    hasher === poseidonHasher.name ? tree.poseidonRow : (row, _arity, room) => tree.sha256Pairs(row, room);
  return { hashRow };
}

export const rowSlices: SliceKind<RowsInput> = {
  module: null,
  name: "rowSlices",
  make: (kernels, input) => {
    const hasher = hashRowOf(kernels, input.hasher);
    const rows = rowsOf(input);
    const levels = input.shape.slice(0, input.levels);
    const bytes = nodeBytes * product(levels);
    return (slice) => {
      let at = slice * bytes;
      let row = input.leaves.subarray(at, at + bytes);
      for (const [level, arity] of levels.entries()) {
        at /= arity;
        const place = (rows[level] as Uint8Array).subarray(at, at + row.length / arity);
        hashRowInto(hasher, row, arity, place);
        row = place;
      }
    };
  },
};

interface ColumnsInput extends ColumnsTask {
  readonly columns: number;
}

export const columnSlices: SliceKind<ColumnsInput> = {
  module: null,
  name: "columnSlices",
  make: ({ tree }, { layers, into, columns }) => {
    const room = new Uint32Array((columns * layers.length * nodeBytes) / 4);
    return (slice) => {
      const from = slice * columns;
      const to = Math.min(from + columns, into.length / nodeBytes);
      const place = into.subarray(from * nodeBytes, to * nodeBytes);
      hashRowInto({ hashRow: tree.poseidonRow }, columnsOf(layers, from, to, room), layers.length, place);
    };
  },
};

function levelsWithin(shape: readonly number[], most: number): number {
  let levels = 0;
  while (levels < shape.length && product(shape.slice(0, levels + 1)) <= most) levels += 1;
  return levels;
}

const isShared = (bytes: Uint8Array): boolean => bytes.buffer instanceof SharedArrayBuffer;

/** The passes of the tree kernel. */
export function crewTree(
  crew: Crew,
  kernels: ThreadKernels,
  sizes: TreeSizes = treeSizes,
): Pick<TreeKernel, "startRows" | "startColumns"> {
  return {
    startRows: (task) => {
      const { hasher, leaves, rows, shape } = task;
      const isPoseidon = hasher === poseidonHasher.name;
      // SHA-256 is hashed nearly as fast as it is copied.
      if (!isPoseidon && (hasher !== sha254Hasher.name || !isShared(leaves))) return undefined;
      const levels = levelsWithin(shape, isPoseidon ? sizes.poseidonLeaves : sizes.sha256Leaves);
      const slices = leaves.length / (nodeBytes * product(shape.slice(0, levels)));
      if (crew.threads === 1 || levels === 0 || slices < sizes.minSlices) return undefined;
      const place = isShared(rows) ? rows : sharedZeros(rows.length);
      const input = { hasher, shape, levels, leaves: sharedBytes(leaves), rows: place };
      return new EndedPass(crew.start(rowSlices, input, slices), () => {
        const all = rowsOf(input);
        const own = hashRowOf(kernels, hasher);
        for (let level = levels; level < shape.length; level += 1) {
          hashRowInto(own, all[level - 1] as Uint8Array, shape[level] as number, all[level] as Uint8Array);
        }
        if (place !== rows) rows.set(place);
      });
    },
    startColumns: ({ layers, into }) => {
      const { columns, minSlices } = sizes;
      const slices = Math.ceil(into.length / (nodeBytes * columns));
      // Layers are too large to be copied.
      if (crew.threads === 1 || slices < minSlices || !layers.every(isShared)) return undefined;
      // Hashes that take the place of labels wait beside them: a slice that is done again finds what it read.
      const inPlace = layers.some(({ buffer }) => buffer === into.buffer);
      const place = isShared(into) && !inPlace ? into : sharedPlaces.borrow(into.length);
      return new EndedPass(crew.start(columnSlices, { layers, into: place, columns }, slices), () => {
        if (place === into) return;
        into.set(place);
        sharedPlaces.giveBack(place);
      });
    },
  };
}
