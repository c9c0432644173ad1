/**
 * The delay function: against an independent implementation, against node:crypto behind the seam, and against
 * forgers. What knowledge of the factors would be worth is shown in a group whose factors everybody knows.
 */
import { createDiffieHellman } from "node:crypto";
import { fromHex, sha256, toHex, utf8Bytes } from "@holdfast/base";
import {
  decodeElement,
  elementOf,
  encodeElement,
  evaluateVdf,
  evaluateVdfSteps,
  hashToPrime,
  installNumberKernel,
  type ModPow,
  numberKernel,
  plainIsPrime,
  plainModPow,
  rsa2048,
  type VdfGroup,
  type VdfStatement,
  vdfBase,
  verifyVdf,
} from "@holdfast/proofs";
import * as door from "@holdfast/proofs/verify";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipBit, holds, readVectors } from "./vectors.ts";

interface VdfVectors {
  delays: { input: string; iterations: number; base: string; output: string; proof: string }[];
  primes: { input: string; prime: string }[];
}
const vectors = readVectors<VdfVectors>("proofs", "vdf");
const { modulus } = rsa2048;

const bytesOf = (value: bigint): Uint8Array => {
  const hex = value.toString(16);
  return fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
};

/** OpenSSL's exponentiation, as a host plugs it in: a Diffie–Hellman key whose secret is the exponent. */
const opensslModPow: ModPow = (base, exponent, n) => {
  if (base < 2n || base > n - 2n || exponent === 0n) return plainModPow(base, exponent, n);
  const key = createDiffieHellman(bytesOf(n), Uint8Array.of(2));
  key.setPrivateKey(bytesOf(exponent));
  return BigInt(`0x${key.computeSecret(bytesOf(base)).toString("hex")}`);
};

function statementOf(input: Uint8Array, iterations: number, group: VdfGroup = rsa2048): VdfStatement {
  return { input, iterations, ...evaluateVdf(input, iterations, group) };
}

describe("the delay", () => {
  it.each(vectors.delays)("of $iterations squarings is the derived one, and passes", (vector) => {
    const input = fromHex(vector.input);
    const made = evaluateVdf(input, vector.iterations);
    expect(vdfBase(input, vector.iterations)).toBe(BigInt(`0x${vector.base}`));
    expect([toHex(made.output), toHex(made.proof)]).toEqual([vector.output, vector.proof]);
    const statement = { input, iterations: vector.iterations, ...made };
    expect(verifyVdf(statement)).toBe(true);
    expect(door.verifyVdf(statement)).toBe(true);
  });

  it("is in the modulus that RSA Laboratories published, in decimal digits", () => {
    expect(modulus.toString()).toMatch(/^25195908475657893494027183240048398571429282126204/);
    expect(modulus.toString()).toMatch(/212010397122822120720357$/);
    expect(modulus.toString()).toHaveLength(617);
    expect(plainIsPrime(modulus)).toBe(false);
  });

  it("with every number of squarings around the bounds of the block method passes", () => {
    for (const iterations of [1, 2, 3, 1023, 1024, 1025, 2047, 2049, 5001]) {
      expect(verifyVdf(statementOf(utf8Bytes("bounds"), iterations))).toBe(true);
    }
  });

  it("reports how far it is, rising to the end", () => {
    const shares = [...evaluateVdfSteps(utf8Bytes("progress"), 4000)];
    expect(shares.length).toBeGreaterThan(10);
    expect(shares.at(-1)).toBe(1);
    shares.slice(1).forEach((share, i) => {
      expect(share).toBeGreaterThanOrEqual(shares[i] ?? 0);
    });
  });

  it("refuses numbers of squarings that are none", () => {
    for (const iterations of [0, -1, 1.5, Number.NaN, 2 ** 41]) {
      expect(() => evaluateVdf(new Uint8Array(1), iterations)).toThrow(
        expect.objectContaining({ code: "vdf/bad-iterations" }),
      );
    }
  });
});

describe("the seam", () => {
  it("takes OpenSSL's exponentiation and gives the same bytes", () => {
    const plain = statementOf(utf8Bytes("seam"), 3000);
    const restore = installNumberKernel({ modPow: opensslModPow });
    try {
      expect(statementOf(utf8Bytes("seam"), 3000)).toEqual(plain);
      expect(verifyVdf(plain)).toBe(true);
    } finally {
      restore();
    }
    expect(numberKernel.modPow).toBe(plainModPow);
  });

  it("has a plain form that agrees with repeated multiplication and with OpenSSL", () => {
    holds(
      fc.property(fc.bigInt(0n, 10_006n), fc.integer({ min: 0, max: 300 }), (base, exponent) => {
        let expected = 1n;
        for (let i = 0; i < exponent; i += 1) expected = (expected * base) % 10_007n;
        expect(plainModPow(base, BigInt(exponent), 10_007n)).toBe(expected);
      }),
    );
    const base = modulus / 3n;
    const exponent = (1n << 700n) - 12345n;
    expect(plainModPow(base, exponent, modulus)).toBe(opensslModPow(base, exponent, modulus));
  });
});

describe("a forgery", () => {
  const honest = statementOf(utf8Bytes("honest"), 700);

  it("of any part fails", () => {
    const other = statementOf(utf8Bytes("other"), 700);
    const y = decodeElement(rsa2048, honest.output) as bigint;
    const pi = decodeElement(rsa2048, honest.proof) as bigint;
    const x = vdfBase(honest.input, 700);
    const lies: Partial<VdfStatement>[] = [
      { input: utf8Bytes("Honest") },
      { input: new Uint8Array(0) },
      { iterations: 699 },
      { iterations: 701 },
      { iterations: 0 },
      { iterations: 2 ** 41 },
      { iterations: Number.NaN },
      { output: other.output },
      { proof: other.proof },
      { output: other.output, proof: other.proof },
      { output: honest.proof, proof: honest.output },
      // The negative of an element is the same element in an encoding that does not count.
      { output: bytesOf(modulus - y) },
      { proof: bytesOf(modulus - pi) },
      { output: encodeElement(rsa2048, elementOf(rsa2048, y * y)), iterations: 701 },
      { output: encodeElement(rsa2048, elementOf(rsa2048, y * x)) },
      { proof: encodeElement(rsa2048, elementOf(rsa2048, pi * x)) },
      { output: encodeElement(rsa2048, 1n), proof: encodeElement(rsa2048, 1n) },
      { output: new Uint8Array(256), proof: new Uint8Array(256) },
      { output: new Uint8Array(256).fill(0xff) },
      ...[0, 255, 257].map((length) => ({ output: new Uint8Array(length).fill(1) })),
      ...[0, 255, 257].map((length) => ({ proof: new Uint8Array(length).fill(1) })),
    ];
    expect(verifyVdf(honest)).toBe(true);
    for (const lie of lies) expect(verifyVdf({ ...honest, ...lie })).toBe(false);
    for (let bit = 3; bit < 2048; bit += 61) {
      expect(verifyVdf({ ...honest, proof: flipBit(honest.proof, bit) })).toBe(false);
      expect(verifyVdf({ ...honest, output: flipBit(honest.output, bit) })).toBe(false);
    }
  });

  it("is what whoever knows the factors can make: that is the trust in the modulus", () => {
    // p = 3k + 1: the group has an element w of order 3, which only the factors give away.
    const p = nextPrime(10n ** 40n, 3n);
    const q = nextPrime(3n * 10n ** 40n, 1n);
    const group: VdfGroup = { id: "known factors", modulus: p * q, modulusBytes: 34 };
    const input = utf8Bytes("trapdoor");
    const iterations = 5000;
    const honestly = statementOf(input, iterations, group);
    expect(verifyVdf(honestly, group)).toBe(true);
    expect(verifyVdf(honestly)).toBe(false);
    // The delay is skipped: the exponent 2^T is reduced by the order of the group.
    const order = (p - 1n) * (q - 1n);
    const skipped = plainModPow(
      vdfBase(input, iterations, group),
      plainModPow(2n, BigInt(iterations), order),
      p * q,
    );
    expect(toHex(encodeElement(group, elementOf(group, skipped)))).toBe(toHex(honestly.output));
    // A false result with a proof: y·w, and π·w or π·w², whichever ℓ (hashed from y·w) asks for.
    const y = decodeElement(group, honestly.output) as bigint;
    const w = smallOrder(p, q);
    const forged = encodeElement(group, elementOf(group, y * w));
    const asked = proveWithOrder(group, order, input, iterations, forged, w);
    expect(verifyVdf({ input, iterations, output: forged, proof: asked }, group)).toBe(true);
    expect(toHex(forged)).not.toBe(toHex(honestly.output));
  });
});

/** The first prime of the form 2·step·k + 1 above n. */
function nextPrime(n: bigint, step: bigint): bigint {
  let candidate = n - (n % (2n * step)) + 1n;
  while (!plainIsPrime(candidate)) candidate += 2n * step;
  return candidate;
}

/** An element of order 3 modulo p·q: of order 3 modulo p, 1 modulo q. */
function smallOrder(p: bigint, q: bigint): bigint {
  let root = 1n;
  for (let base = 2n; root === 1n; base += 1n) root = plainModPow(base, (p - 1n) / 3n, p);
  const qInverse = plainModPow(q, p - 2n, p);
  return (1n + q * (((root - 1n + p) * qInverse) % p)) % (p * q);
}

/** Tries the proofs that a forger with an element of order 3 has; one of them is right. */
function proveWithOrder(
  group: VdfGroup,
  order: bigint,
  input: Uint8Array,
  iterations: number,
  output: Uint8Array,
  w: bigint,
): Uint8Array {
  const head = utf8Bytes(`holdfast vdf 1\n${group.id}\n`);
  const count = new Uint8Array(8);
  new DataView(count.buffer).setUint32(4, iterations);
  const asked = sha256(Uint8Array.from([...head, ...count, ...sha256(input)]));
  const prime = hashToPrime(Uint8Array.from([...asked, ...output]));
  const quotient = (1n << BigInt(iterations)) / prime;
  const pi = plainModPow(vdfBase(input, iterations, group), quotient % order, group.modulus);
  const proof = pi * (prime % 3n === 1n ? w : w * w);
  return encodeElement(group, elementOf(group, proof));
}

describe("primes", () => {
  it("below 20,000 are those of the sieve", () => {
    const composite = new Uint8Array(20_000);
    for (let n = 2; n < composite.length; n += 1) {
      for (let at = 2 * n; composite[n] === 0 && at < composite.length; at += n) composite[at] = 1;
      expect(plainIsPrime(BigInt(n))).toBe(composite[n] === 0);
    }
    for (const n of [-7n, 0n, 1n]) expect(plainIsPrime(n)).toBe(false);
  });

  it("are told from the numbers that fool weaker tests", () => {
    const impostors = [
      // Least strong pseudoprimes to the first 4, 7, 9, 12 and 13 prime bases.
      3_215_031_751n,
      341_550_071_728_321n,
      3_825_123_056_546_413_051n,
      318_665_857_834_031_151_167_461n,
      3_317_044_064_679_887_385_961_981n,
      // The form of Chernick's Carmichael numbers.
      ...[206n, 1525n, 1_001_035n].map((k) => (6n * k + 1n) * (12n * k + 1n) * (18n * k + 1n)),
      (2n ** 127n - 1n) ** 2n,
      (2n ** 127n - 1n) * (2n ** 107n - 1n),
      (2n ** 89n - 1n) ** 3n,
      modulus,
    ];
    for (const n of impostors) expect(plainIsPrime(n)).toBe(false);
    const known = [2n ** 61n - 1n, 2n ** 127n - 1n, 2n ** 255n - 19n, 2n ** 256n - 2n ** 32n - 977n];
    for (const n of known) expect(plainIsPrime(n)).toBe(true);
  });

  it("from hashes are the derived ones: 256 bits, another for each input", () => {
    for (const { input, prime } of vectors.primes) {
      expect(hashToPrime(fromHex(input))).toBe(BigInt(`0x${prime}`));
    }
    const primes = [1, 2, 3, 4, 5].map((salt) => hashToPrime(Uint8Array.of(salt)));
    expect(new Set(primes).size).toBe(5);
    for (const prime of primes) expect(prime >> 255n).toBe(1n);
  });
});
