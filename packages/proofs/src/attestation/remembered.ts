/**
 * A reader that reads the same bytes once: collateral and its certificates are the same for every quote of a platform.
 * What was read, or the error of it, lives as long as the bytes do. Invariant: nobody writes to bytes that were read.
 */
import { HoldfastError } from "@holdfast/base";

type Outcome<Result> = { readonly result: Result } | { readonly error: HoldfastError };

export function readOnce<Result>(read: (bytes: Uint8Array) => Result): (bytes: Uint8Array) => Result {
  const known = new WeakMap<Uint8Array, Outcome<Result>>();
  return (bytes) => {
    const outcome = known.get(bytes) ?? outcomeOf(read, bytes);
    known.set(bytes, outcome);
    if ("error" in outcome) throw outcome.error;
    return outcome.result;
  };
}

function outcomeOf<Result>(read: (bytes: Uint8Array) => Result, bytes: Uint8Array): Outcome<Result> {
  try {
    return { result: read(bytes) };
  } catch (error) {
    if (error instanceof HoldfastError) return { error };
    throw error;
  }
}
