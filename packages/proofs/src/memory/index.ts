/**
 * Where the big buffers of pipelines come from: layers, rows of trees, points, polynomials. A host may give memory
 * that several threads, kernels and the disk share without copying; by default it is ordinary memory.
 * Invariant: what is given is all zeros, begins at a whole word, and is nobody else's. Who needs a buffer again and
 * again keeps it.
 */

/** Gives that many bytes. */
export type Allocator = (bytes: number) => Uint8Array;

const ordinary: Allocator = (bytes) => new Uint8Array(bytes);
let allocator = ordinary;

/** That many bytes of zeros. */
export function allocate(bytes: number): Uint8Array {
  return allocator(bytes);
}

/** How much may be taken now for one thing that need not be kept; what it keeps can be computed again. */
export type Spare = () => number;

const halfGiB = 2 ** 29;
let spare: Spare = () => halfGiB;

/** That many bytes of zeros if the host can spare them. */
export function allocateSpare(bytes: number): Uint8Array | undefined {
  if (bytes > spare()) return undefined;
  try {
    return allocate(bytes);
  } catch {
    return undefined; // the system has no more, which is no error of who can do without
  }
}

/** Swaps in another judgement of what can be spared; returns the function that puts the old one back. */
export function installSpare(judge: Spare): () => void {
  const before = spare;
  spare = judge;
  return () => {
    spare = before;
  };
}

/** Swaps in another source of memory; returns the function that puts the old one back. */
export function installAllocator(source: Allocator): () => void {
  const before = allocator;
  allocator = source;
  return () => {
    allocator = before;
  };
}
