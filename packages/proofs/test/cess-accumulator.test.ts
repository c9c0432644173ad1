/** Hashing to primes and the accumulator of the compatibility profile, against values of the original. */
import { fromHex, toHex } from "@holdfast/base";
import {
  CessPrimes,
  cessAccumulate,
  cessPrime,
  cessPrimeStart,
  cessValueBytes,
  cessWitnesses,
  checkCessKey,
  firstPrimeFrom,
  plainIsPrime,
  verifyCessWitness,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holds, readVectors } from "./vectors.ts";

interface PrimeVectors {
  readonly cases: readonly { readonly input: string; readonly prime: string }[];
  readonly f: readonly { readonly x: string; readonly f: string }[];
}
interface AccumulatorVectors {
  readonly sets: readonly {
    readonly n: string;
    readonly g: string;
    readonly elements: readonly string[];
    readonly after: readonly string[];
    readonly witnesses: readonly string[];
  }[];
}

describe("primes", () => {
  const vectors = readVectors<PrimeVectors>("idle", "cess-primes");

  it("are those of the original, and so is where the search starts", () => {
    for (const { x, f } of vectors.f) expect(cessPrimeStart(BigInt(x))).toBe(BigInt(f));
    for (const { input, prime } of vectors.cases)
      expect(cessPrime(fromHex(input)).toString(16)).toBe(prime.replace(/^0+/, ""));
  });

  it("are the first from a number on, also among small ones", () => {
    const numbers = fc.oneof(fc.bigInt(0n, 9000n), fc.bigInt(0n, 1n << 70n));
    holds(
      fc.property(numbers, (from) => {
        const prime = firstPrimeFrom(from);
        expect(prime >= from && plainIsPrime(prime)).toBe(true);
        for (let n = from; n < prime; n += 1n) expect(plainIsPrime(n)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("are remembered, as many as were asked for, leading zeros or not", () => {
    const primes = new CessPrimes(2);
    const [one, two, three] = [1, 2, 3].map((n) => Uint8Array.of(n)) as [Uint8Array, Uint8Array, Uint8Array];
    for (const element of [one, two, Uint8Array.of(0, 0, 1), three]) primes.of(element);
    expect(primes.size).toBe(2);
    expect(primes.of(Uint8Array.of(0, 1))).toBe(cessPrime(one));
  });
});

describe("the accumulator", () => {
  const { sets } = readVectors<AccumulatorVectors>("idle", "cess-accumulator");

  it("has the values and witnesses of the original", () => {
    const primes = new CessPrimes();
    for (const { n, g, elements, after, witnesses } of sets) {
      const key = { modulus: BigInt(`0x${n}`), base: BigInt(`0x${g}`) };
      checkCessKey(key);
      const bytes = elements.map(fromHex);
      const values = [key.base, ...cessAccumulate(key, primes, bytes, key.base)];
      expect(values.map((value) => toHex(cessValueBytes(value)))).toEqual(after);
      const found = cessWitnesses(key, primes, bytes);
      expect(found.map((value) => toHex(cessValueBytes(value)))).toEqual(witnesses);
      const last = values.at(-1) ?? 0n;
      found.forEach((witness, i) => {
        const element = bytes[i] ?? new Uint8Array(0);
        expect(verifyCessWitness(key, primes, element, witness, last)).toBe(true);
        expect(verifyCessWitness(key, primes, element, witness + 1n, last)).toBe(false);
        expect(verifyCessWitness(key, primes, element, witness + key.modulus, last)).toBe(false);
      });
    }
  });

  it("takes no key that cannot be one", () => {
    const good = { modulus: (1n << 511n) + 1n, base: 4n };
    expect(() => checkCessKey(good)).not.toThrow();
    for (const wrong of [{ modulus: 1n << 511n }, { modulus: 15n }, { base: 1n }, { base: 1n << 600n }])
      expect(() => checkCessKey({ ...good, ...wrong })).toThrow(
        expect.objectContaining({ code: "cess/bad-key" }),
      );
  });
});
