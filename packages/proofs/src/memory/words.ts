/** Bytes as words, for loops that touch every node: a view of each node would cost more than what is done to it. */
import { assert } from "@holdfast/base";

/** The bytes as words without copying when they are aligned, otherwise a copy. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  assert(bytes.length % 4 === 0, "bytes are whole words");
  if (bytes.byteOffset % 4 === 0) {
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }
  return new Uint32Array(new Uint8Array(bytes).buffer); // not slice(): on a Buffer of Node that is a view
}
