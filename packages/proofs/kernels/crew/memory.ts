/**
 * Memory that all threads of a process, the kernels and the disk use without copying: page-aligned, so that files
 * opened with O_DIRECT take it. Small buffers are ordinary: sharing them costs more than copying.
 *
 * The garbage collector does not count shared memory: left alone, a program that uses and forgets buffers of some
 * hundred MiB grows until the system ends it (measured: 20 GiB). So every buffer has an ordinary one of the same
 * length beside it as long as it lives, which is counted and, because nobody touches it, takes no memory.
 */
import { type Allocator, BufferStock } from "../../src/memory/index.ts";
import { type SharedWasmMemory, wasmApi } from "../wasm-api.ts";

const pageBytes = 65_536;
/** Below this, buffers are ordinary. */
export const minSharedBytes = 131_072;

const counted = new WeakMap<SharedArrayBuffer, ArrayBuffer>();

/** Aligned to pages where the machine's address space allows it: such a memory reserves 8 GiB of addresses. */
function sharedBuffer(pages: number): SharedArrayBuffer {
  try {
    const memory: SharedWasmMemory = new wasmApi.Memory({ initial: pages, maximum: pages, shared: true });
    return memory.buffer;
  } catch {
    return new SharedArrayBuffer(pages * pageBytes);
  }
}

export const allocateShared: Allocator = (bytes) => {
  if (bytes < minSharedBytes) return new Uint8Array(bytes);
  const buffer = sharedBuffer(Math.ceil(bytes / pageBytes));
  counted.set(buffer, new ArrayBuffer(bytes));
  return new Uint8Array(buffer, 0, bytes);
};

/** The bytes themselves if other threads can see them, or a copy that they can see. */
export function sharedBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const copy =
    bytes.length < minSharedBytes
      ? new Uint8Array(new SharedArrayBuffer(bytes.length))
      : allocateShared(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Places of results that are brought elsewhere when all threads are done. */
export const sharedPlaces = new BufferStock((bytes) => sharedZeros(bytes));

/** Zeros that all threads see, however few. */
export function sharedZeros(length: number): Uint8Array {
  return length < minSharedBytes ? new Uint8Array(new SharedArrayBuffer(length)) : allocateShared(length);
}
