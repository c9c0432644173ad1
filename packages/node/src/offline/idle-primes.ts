/**
 * Primes of the compatibility profile by hand, on a thread of its own and its helpers: a prime of each element is a
 * slice. Elements and primes are hex.
 */
import { assert, bigEndian, fromHex, type Json, readBigEndian } from "@holdfast/base";
import { cessPrime, passSteps, runSteps } from "@holdfast/proofs";
import { type SliceKind, sharedBytes } from "@holdfast/proofs/kernels";
import { installNumberFunctions } from "../number-kernel.ts";
import { threadCrew } from "../proof-kernels.ts";

/** The number of an element is that of its SHA-512, so that a prime has some 530 bits. */
const primeBytes = 128;

interface PrimesInput {
  readonly elements: readonly Uint8Array[];
  /** `primeBytes` for each element, big-endian. */
  readonly into: Uint8Array;
}

/** Writes the prime of one element. */
function primesInto({ elements, into }: PrimesInput): (index: number) => void {
  installNumberFunctions();
  return (index) => {
    const element = elements[index];
    assert(element !== undefined, "a slice is an element");
    into.set(bigEndian(cessPrime(element), primeBytes), index * primeBytes);
  };
}

export const primeSlices: SliceKind<PrimesInput> = {
  module: import.meta.url,
  name: "primeSlices",
  make: (_kernels, input) => primesInto(input),
};

/** Reports the share of the elements that is done. */
export async function work(
  elements: readonly string[],
  report: (doneRatio: Json) => void,
): Promise<readonly string[]> {
  const into = sharedBytes(new Uint8Array(elements.length * primeBytes));
  const input = { elements: elements.map(fromHex), into };
  const pass = threadCrew?.start(primeSlices, input, elements.length);
  if (pass === undefined) {
    const write = primesInto(input);
    elements.forEach((_element, i) => {
      write(i);
      report((i + 1) / elements.length);
    });
  } else runSteps(passSteps(pass), { progress: report });
  return elements.map((_element, i) =>
    readBigEndian(into.subarray(i * primeBytes, (i + 1) * primeBytes)).toString(16),
  );
}
