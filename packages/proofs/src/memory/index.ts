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

/** Swaps in another source of memory; returns the function that puts the old one back. */
export function installAllocator(source: Allocator): () => void {
  const before = allocator;
  allocator = source;
  return () => {
    allocator = before;
  };
}
