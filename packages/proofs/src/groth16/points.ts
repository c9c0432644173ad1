/** Runs of points as bytes: joined without a limit on how many there are, taken apart, told from infinity. */

import { allocate } from "../memory/index.ts";

/** All parts behind each other; a spread of arguments would end at some hundred thousand. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = allocate(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The points of a run, `unit` bytes each, as views. */
export function splitPoints(bytes: Uint8Array, unit: number): Uint8Array[] {
  return Array.from({ length: bytes.length / unit }, (_none, i) => bytes.subarray(i * unit, (i + 1) * unit));
}

/** Whether a sound point is infinity: that is what its second flag says. */
export function isInfinite(point: Uint8Array): boolean {
  return ((point[0] ?? 0) & 0x40) !== 0;
}
