/** Slices for the tests of crews: some that misbehave on helpers, and some that wait for each other. */
import { isMainThread } from "node:worker_threads";
import { cessBlocksKind, idleSetsKind, type SliceKind } from "@holdfast/proofs/kernels";

export interface SquaresInput {
  readonly out: Float64Array;
  /** Word 0: a helper has begun. Word 1: helpers may go on. Word 2: counts slices that were begun. */
  readonly flags: Int32Array;
  /** What a helper does with its first slice. */
  readonly helper: "works" | "exits" | "throws" | "waits";
  /** The caller's slices wait until a helper has begun one. */
  readonly together: boolean;
}

/** Nobody waits for ever: a test that hangs says less than one that fails. */
const longMs = 20_000;

function raise(flags: Int32Array, word: number): void {
  Atomics.store(flags, word, 1);
  Atomics.notify(flags, word);
}

function misbehave({ helper, flags }: SquaresInput): void {
  raise(flags, 0);
  const { exit } = process;
  if (helper === "exits") exit(7);
  if (helper === "throws") throw new Error("planted");
  if (helper === "waits") Atomics.wait(flags, 1, 0, longMs);
}

/** Writes the square of every slice's number. */
export const squares: SliceKind<SquaresInput> = {
  module: import.meta.url,
  name: "squares",
  make: (_kernels, input) => (slice) => {
    Atomics.add(input.flags, 2, 1);
    if (!isMainThread) misbehave(input);
    else if (input.together) Atomics.wait(input.flags, 0, 0, longMs);
    input.out[slice] = slice * slice;
  },
};

export const squaresInput = (slices: number, more: Partial<SquaresInput> = {}): SquaresInput => ({
  out: new Float64Array(new SharedArrayBuffer(8 * slices)),
  flags: new Int32Array(new SharedArrayBuffer(12)),
  helper: "works",
  together: true,
  ...more,
});

/** Counts for ever, in helpers as in their caller: only the end of their threads ends it. */
export const countForEver: SliceKind<{ readonly counts: Int32Array }> = {
  module: import.meta.url,
  name: "countForEver",
  make:
    (_kernels, { counts }) =>
    (slice) => {
      for (;;) {
        if (Atomics.add(counts, slice, 1) === 0) Atomics.notify(counts, slice);
      }
    },
};

/** Every slice fails, on every thread. */
export const failing: SliceKind<null> = {
  module: import.meta.url,
  name: "failing",
  make: () => (slice) => {
    throw new RangeError(`slice ${slice}`);
  },
};

/** Files of a set in memory that all threads see. */
export interface FilesPlace {
  readonly bytes: Uint8Array;
  readonly fileBytes: number;
  readonly clusters: number;
  readonly startCluster: number;
}

export const memoryFiles = cessBlocksKind<FilesPlace>(
  import.meta.url,
  "memoryFiles",
  ({ bytes, fileBytes, clusters, startCluster }) => ({
    intermediate: true,
    write: ({ cluster, realLayer }, offset, labels) => {
      bytes.set(labels, (realLayer * clusters + cluster - startCluster) * fileBytes + offset);
    },
  }),
);

/** A disk that is full, or so slow that a block takes minutes. */
export const idleFilesInMemory = cessBlocksKind<"full" | "slow">(
  import.meta.url,
  "idleFilesInMemory",
  (problem) => ({
    write: () => {
      if (problem === "full") throw new RangeError(`planted: ${problem}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    },
  }),
);

/** The commitments of sets, each in its place. */
export interface SetsPlace {
  readonly commitments: Uint8Array;
  readonly keptLayers: number;
}

export const setsInMemory = idleSetsKind<SetsPlace>(
  import.meta.url,
  "setsInMemory",
  ({ commitments, keptLayers }, { set }) => ({
    file: () => undefined,
    keptLayer: (keptLayer, _roots, commitment) => {
      commitments.set(commitment, 32 * (set * keptLayers + keptLayer));
    },
  }),
);
