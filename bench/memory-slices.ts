/** Memory as threads share it: parts of a buffer that are copied or read, by whichever thread takes them. */
import type { SliceKind } from "@holdfast/proofs/kernels";

export interface MemoryInput {
  readonly from: Uint8Array;
  /** Left out: the bytes are only read. */
  readonly to?: Uint8Array;
}

const sliceBytes = 2 ** 20;

export const slicesOf = ({ from }: MemoryInput): number => Math.ceil(from.length / sliceBytes);

export const memorySlices: SliceKind<MemoryInput> = {
  module: import.meta.url,
  name: "memorySlices",
  make:
    (_kernels, { from, to }) =>
    (slice) => {
      const part = from.subarray(slice * sliceBytes, (slice + 1) * sliceBytes);
      // Nothing is found: all of it is looked at, by the platform's own loop.
      if (to === undefined) Buffer.from(part.buffer, part.byteOffset, part.length).indexOf(0);
      else to.set(part, slice * sliceBytes);
    },
};
