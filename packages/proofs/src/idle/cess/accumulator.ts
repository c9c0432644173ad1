/**
 * The RSA accumulator of the compatibility profile, one level: the value of elements e1 … em is G to the product of
 * their primes, modulo N. The witness of one of them is the value of all others; whoever has it shows that
 * witness^prime is the value. Whoever knows the factors of N can forge, and G must be a square.
 * Witnesses of all elements come by halves (root factor): each half is raised to the product of the other one's primes,
 * so that m witnesses cost m · log2 m exponentiations and not m².
 * Source: CESSProject/cess_pois v0.6.3, acc; Boneh, Bünz and Fisch 2019, §4.
 */
import { minimalBigEndian } from "@holdfast/base";
import { numberKernel } from "../../numbers/index.ts";
import { cessErrors } from "./errors.ts";
import type { CessPrimes } from "./primes.ts";

export interface CessKey {
  /** N. */
  readonly modulus: bigint;
  /** G. */
  readonly base: bigint;
}

const modulusBits = { least: 512, most: 4096 } as const;

/** Throws cess/bad-key. */
export function checkCessKey({ modulus, base }: CessKey): void {
  const bits = modulus.toString(2).length;
  const { least, most } = modulusBits;
  if (modulus <= 0n || bits < least || bits > most)
    throw cessErrors.badKey({ problem: `N has ${least} to ${most} bits, not ${bits}` });
  if (modulus % 2n === 0n) throw cessErrors.badKey({ problem: "N is even" });
  if (base <= 1n || base >= modulus - 1n)
    throw cessErrors.badKey({ problem: "G is not between 1 and N - 1" });
}

/** As the original writes numbers: no leading zeros. */
export const cessValueBytes = (value: bigint): Uint8Array => minimalBigEndian(value);

/** The values after each element, from `value` on: G for an empty accumulator. */
export function* cessAccumulate(
  { modulus }: CessKey,
  primes: CessPrimes,
  elements: Iterable<Uint8Array>,
  value: bigint,
): Generator<bigint, void, void> {
  let sum = value;
  for (const element of elements) {
    sum = numberKernel.modPow(sum, primes.of(element), modulus);
    yield sum;
  }
}

const productOf = (numbers: readonly bigint[]): bigint => {
  if (numbers.length <= 1) return numbers[0] ?? 1n;
  const middle = numbers.length >> 1;
  return productOf(numbers.slice(0, middle)) * productOf(numbers.slice(middle));
};

function witnessesFrom(value: bigint, primes: readonly bigint[], modulus: bigint): readonly bigint[] {
  if (primes.length <= 1) return primes.map(() => value);
  const [left, right] = [primes.slice(0, primes.length >> 1), primes.slice(primes.length >> 1)];
  return [
    ...witnessesFrom(numberKernel.modPow(value, productOf(right), modulus), left, modulus),
    ...witnessesFrom(numberKernel.modPow(value, productOf(left), modulus), right, modulus),
  ];
}

/** The witnesses of all elements, in their order. */
export function cessWitnesses(
  { modulus, base }: CessKey,
  primes: CessPrimes,
  elements: readonly Uint8Array[],
): readonly bigint[] {
  const all = elements.map((element) => primes.of(element));
  return witnessesFrom(base, all, modulus);
}

/** Whether this is a witness of the element in that value. */
export function verifyCessWitness(
  { modulus }: CessKey,
  primes: CessPrimes,
  element: Uint8Array,
  witness: bigint,
  value: bigint,
): boolean {
  if (witness <= 0n || witness >= modulus) return false;
  return numberKernel.modPow(witness, primes.of(element), modulus) === value;
}
