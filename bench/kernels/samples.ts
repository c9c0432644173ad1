/** Bytes to work on: field elements that use all their bits, the same in every run. */
import { frsToBytes } from "@holdfast/proofs";

export const elementBytes = 32;

export function elements(count: number): Uint8Array {
  return frsToBytes(Array.from({ length: count }, (_none, i) => BigInt(i + 1) ** 61n % (1n << 254n)));
}
