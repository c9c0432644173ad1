/**
 * One SHA-256 compression in each of many chains: how the hash of a position's labels in all layers grows while
 * the layers are made, and how leaves are hashed. A chain holds 32 bytes whatever it has taken.
 */
import { assert } from "@holdfast/base";
import {
  compressBlock,
  expandBlock,
  nodeBytes,
  sha256Initial,
  sha256RoundConstants,
} from "../../merkle/index.ts";
import type { Absorption } from "./kernel.ts";

/** The last word without the two bits above 2^254: they are bits 6 and 7 of the last byte. */
const trimmed = 0xffffff3f;
const wordsPerHalf = 8;

const schedule = new Int32Array(64);
const chain = new Int32Array(wordsPerHalf);

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The reference. */
export function plainAbsorb({ states, left, leftStride, right, rightStride, trim }: Absorption): void {
  const [state, first, second] = [viewOf(states), viewOf(left), viewOf(right)];
  for (let i = 0; i * nodeBytes < states.length; i += 1) {
    for (let k = 0; k < wordsPerHalf; k += 1) {
      chain[k] = state.getInt32(i * nodeBytes + 4 * k);
      schedule[k] = first.getInt32(i * leftStride + 4 * k);
      schedule[wordsPerHalf + k] = second.getInt32(i * rightStride + 4 * k);
    }
    expandBlock(schedule);
    for (let k = 0; k < 64; k += 1) {
      schedule[k] = (schedule[k] as number) + (sha256RoundConstants[k] as number);
    }
    compressBlock(chain, schedule);
    if (trim) chain[wordsPerHalf - 1] = (chain[wordsPerHalf - 1] as number) & trimmed;
    for (let k = 0; k < wordsPerHalf; k += 1) state.setInt32(i * nodeBytes + 4 * k, chain[k] as number);
  }
}

/** The state of chains that have taken nothing. */
export function startChains(states: Uint8Array): void {
  const view = viewOf(states.subarray(0, nodeBytes));
  sha256Initial.forEach((word, k) => {
    view.setInt32(4 * k, word);
  });
  for (let filled = nodeBytes; filled < states.length; filled *= 2) {
    states.copyWithin(filled, 0, Math.min(filled, states.length - filled));
  }
}

/** The second half of a last block: the end of a message of so many bytes, 32 less than a multiple of 64. */
export function closingHalf(messageBytes: number): Uint8Array {
  assert(messageBytes % 64 === nodeBytes, "half a block is left for the padding");
  const half = new Uint8Array(nodeBytes);
  half[0] = 0x80;
  viewOf(half).setUint32(nodeBytes - 4, 8 * messageBytes);
  return half;
}
