/**
 * Hashing to a prime as the compatibility profile does it: u is the integer of the bytes, x that of its SHA-512,
 * and the result is the first prime from 2 · f(x) on, where f(x) = 2 (x + 2) ⌊log2(x + 1)²⌋. The logarithm is one of
 * double precision: at most one value in 10^10 may depend on how it is rounded.
 * Candidates are sieved by small primes first, so that the test sees one odd number in eight.
 * Source: CESSProject/cess_pois v0.6.3, acc/hash_2_prime.go; eprint 2019/1255.
 */
import { minimalBigEndian, readBigEndian } from "@holdfast/base";
import { sha512 } from "@noble/hashes/sha2.js";
import { numberKernel } from "../../numbers/index.ts";

/** Odd candidates that are sieved at once; a prime is 185 of them away on average. */
const windowOdds = 1024;
const sieveBelow = 8192;
const limbBits = 24n;
const limbBase = 2 ** Number(limbBits);

const oddPrimes: readonly number[] = (() => {
  const composite = new Uint8Array(sieveBelow);
  const primes: number[] = [];
  for (let n = 3; n < sieveBelow; n += 2) {
    if (composite[n] === 1) continue;
    primes.push(n);
    for (let multiple = n * n; multiple < sieveBelow; multiple += 2 * n) composite[multiple] = 1;
  }
  return primes;
})();

/** ⌊log2(t)²⌋ in double precision, t ≥ 1. */
function squaredLog(t: bigint): bigint {
  const below = t.toString(2).length - 1;
  const kept = Math.min(below, 64);
  const mantissa = Number(t >> BigInt(below - kept)) / 2 ** kept;
  return BigInt(Math.floor((Math.log2(mantissa) + below) ** 2));
}

/** f, from whose double the search starts. */
export function cessPrimeStart(x: bigint): bigint {
  return 2n * (x + 2n) * squaredLog(x + 1n);
}

/** Limbs of 24 bits, the highest first: remainders by small primes need no big integers. */
function limbsOf(value: bigint): readonly number[] {
  const limbs: number[] = [];
  for (let rest = value; rest > 0n; rest >>= limbBits) limbs.push(Number(rest & BigInt(limbBase - 1)));
  return limbs.reverse();
}

/** Marks the composites among start, start + 2, … that have a small factor. */
function sieve(start: bigint): Uint8Array {
  const composite = new Uint8Array(windowOdds);
  const limbs = limbsOf(start);
  for (const prime of oddPrimes) {
    if (start <= BigInt(prime)) break; // among numbers as small as this, the prime itself would be marked
    let rest = 0;
    for (const limb of limbs) rest = (rest * limbBase + limb) % prime;
    // start + 2i ≡ 0: i ≡ −rest / 2
    const negative = (prime - rest) % prime;
    const first = negative % 2 === 0 ? negative / 2 : (negative + prime) / 2;
    for (let i = first; i < windowOdds; i += prime) composite[i] = 1;
  }
  return composite;
}

/** The first prime from `from` on. */
export function firstPrimeFrom(from: bigint): bigint {
  if (from <= 2n) return 2n;
  for (let start = from | 1n; ; start += 2n * BigInt(windowOdds)) {
    const composite = sieve(start);
    for (let i = 0; i < windowOdds; i += 1) {
      const candidate = start + 2n * BigInt(i);
      if (composite[i] === 0 && numberKernel.isPrime(candidate)) return candidate;
    }
  }
}

/** Where the search for the prime of these bytes starts. */
function searchStart(bytes: Uint8Array): bigint {
  const digest = sha512(minimalBigEndian(readBigEndian(bytes)));
  return 2n * cessPrimeStart(readBigEndian(digest));
}

/** The prime of any bytes; leading zeros are nothing. */
export const cessPrime = (bytes: Uint8Array): bigint => firstPrimeFrom(searchStart(bytes));

/** How far behind its start the prime of an element was found: what is worth keeping of milliseconds of work. */
export const cessPrimeDistance = (element: Uint8Array, prime: bigint): number =>
  Number(prime - searchStart(element));

/** Primes of elements that are asked for again and again; it forgets those that were not asked for longest. */
export class CessPrimes {
  readonly #most: number;
  readonly #known = new Map<bigint, bigint>();

  constructor(most = 8192) {
    this.#most = most;
  }

  get size(): number {
    return this.#known.size;
  }

  of(element: Uint8Array): bigint {
    const key = readBigEndian(element);
    const known = this.#known.get(key);
    return this.#remember(key, known ?? cessPrime(element));
  }

  /** Takes a prime that was found before, at this distance, on the word of whoever kept it. */
  learn(element: Uint8Array, distance: number): void {
    this.#remember(readBigEndian(element), searchStart(element) + BigInt(distance));
  }

  #remember(key: bigint, prime: bigint): bigint {
    this.#known.delete(key);
    this.#known.set(key, prime);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
    return prime;
  }
}
