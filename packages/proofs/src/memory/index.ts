/**
 * Where the big buffers of pipelines come from: layers, rows of trees, points, polynomials. A host may give memory
 * that several threads, kernels and the disk share without copying; by default it is ordinary memory.
 * Invariant: what is allocated is all zeros, begins at a whole word, and is nobody else's. Who needs a buffer again and
 * again keeps it; what each of many computations needs is borrowed.
 */

/** Gives that many bytes. */
export type Allocator = (bytes: number) => Uint8Array;

const ordinary: Allocator = (bytes) => new Uint8Array(bytes);
let allocator = ordinary;

/** Of one stock: the buffers of two seals of 8 MiB. */
const mostKeptBytes = 2 ** 25;

/**
 * Buffers that were given back, for the next who asks for one of that length: a new one of some MiB costs its pages,
 * which the system clears one by one, and soon a collection of the whole heap.
 */
export class BufferStock {
  readonly #make: Allocator;
  #kept: readonly Uint8Array[] = [];

  constructor(make: Allocator) {
    this.#make = make;
  }

  /** That many bytes of whatever content. */
  borrow(bytes: number): Uint8Array {
    const found = this.#kept.find(({ length }) => length === bytes);
    if (found === undefined) return this.#make(bytes);
    this.#kept = this.#kept.filter((one) => one !== found);
    return found;
  }

  /** For buffers that nobody touches any more; who gives up in the middle of something leaves them to the collector. */
  giveBack(...buffers: readonly Uint8Array[]): void {
    let keptBytes = 0;
    this.#kept = [...buffers, ...this.#kept].filter(({ length }) => {
      if (keptBytes + length > mostKeptBytes) return false;
      keptBytes += length;
      return true;
    });
  }
}

let stock = new BufferStock(ordinary);

/** As `BufferStock.borrow`, of the host's memory. */
export function borrow(bytes: number): Uint8Array {
  return stock.borrow(bytes);
}

/** As `BufferStock.giveBack`. */
export function giveBack(...buffers: readonly Uint8Array[]): void {
  stock.giveBack(...buffers);
}

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
  const before = { allocator, stock };
  allocator = source;
  stock = new BufferStock(source);
  return () => {
    ({ allocator, stock } = before);
  };
}
