/** Points as bytes: published multiples, strict decoding, and the reference of the curve kernel. */
import { concatBytes, fromHex, toHex } from "@holdfast/base";
import {
  curveKernel,
  decodeG1Compressed,
  decodeG1Uncompressed,
  decodeG2Compressed,
  decodeG2Uncompressed,
  domainRoot,
  encodeG1Compressed,
  encodeG2Compressed,
  fpModulus,
  frModulus,
  frPower,
  frReduce,
  frsFromBytes,
  frsToBytes,
  g1BytesOf,
  g1PointOf,
  g2BytesOf,
  g2PointOf,
  installCurveKernel,
  plainCurveKernel,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { curveVectors, generatorG1, generatorG2, infinityOf } from "./curve-fixtures.ts";
import { element, flipBit, holds } from "./vectors.ts";

const { multiplesG1, multiplesG2, outsideG1, outsideG2 } = curveVectors;
const refuse = "refuseInfinity";
const coordinate = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`);
const withFlags = (bytes: Uint8Array, flags: number): Uint8Array => {
  const copy = bytes.slice();
  copy[0] = ((copy[0] ?? 0) & 0x1f) | flags;
  return copy;
};
const bytes48 = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(96, "0"));

describe("points as bytes", () => {
  it("are the published multiples of the generators, in both forms", () => {
    for (const { scalar, compressed, uncompressed } of multiplesG1) {
      const point = plainCurveKernel.fixedBaseG1(generatorG1, frsToBytes([BigInt(scalar)]));
      expect(toHex(point)).toBe(uncompressed);
      expect(toHex(encodeG1Compressed(point))).toBe(compressed);
      expect(toHex(decodeG1Compressed(fromHex(compressed), refuse) ?? new Uint8Array())).toBe(uncompressed);
      expect(toHex(g1BytesOf(g1PointOf(point)))).toBe(uncompressed);
    }
    for (const { scalar, uncompressed } of multiplesG2) {
      const point = plainCurveKernel.fixedBaseG2(generatorG2, frsToBytes([BigInt(scalar)]));
      expect(toHex(point)).toBe(uncompressed);
      expect(decodeG2Compressed(encodeG2Compressed(point), refuse)).toEqual(point);
      expect(decodeG2Uncompressed(point, refuse)).toEqual(point);
      expect(toHex(g2BytesOf(g2PointOf(point)))).toBe(uncompressed);
    }
  });

  it("P and −P differ in one flag", () => {
    const [plus, minus] = [1n, frModulus - 1n].map((k) =>
      encodeG1Compressed(plainCurveKernel.fixedBaseG1(generatorG1, frsToBytes([k]))),
    );
    expect(toHex(flipBit(plus ?? new Uint8Array(48), 5))).toBe(toHex(minus ?? new Uint8Array()));
  });

  it("infinity is a point only for those who allow it, and has one form", () => {
    for (const [decode, length, flags] of [
      [decodeG1Uncompressed, 96, 0x40],
      [decodeG2Uncompressed, 192, 0x40],
      [decodeG1Compressed, 48, 0xc0],
      [decodeG2Compressed, 96, 0xc0],
    ] as const) {
      const infinity = withFlags(new Uint8Array(length), flags);
      expect(decode(infinity, refuse)).toBeUndefined();
      expect(decode(infinity, "allowInfinity")?.[0]).toBe(0x40);
      expect(decode(withFlags(infinity, flags | 0x20), "allowInfinity")).toBeUndefined();
      expect(decode(flipBit(infinity, 8 * length - 1), "allowInfinity")).toBeUndefined();
      expect(decode(flipBit(infinity, 0), "allowInfinity")).toBeUndefined();
      expect(decode(withFlags(infinity, flags ^ 0x80), "allowInfinity")).toBeUndefined();
    }
    expect(encodeG1Compressed(infinityOf(96))[0]).toBe(0xc0);
    expect(encodeG2Compressed(infinityOf(192))[0]).toBe(0xc0);
  });

  it("refuses coordinates that are not below the modulus", () => {
    for (const { uncompressed, compressed } of multiplesG1) {
      const point = fromHex(uncompressed);
      const [x, y] = [coordinate(point.subarray(0, 48)), coordinate(point.subarray(48))];
      if (x + fpModulus < 1n << 381n) {
        const larger = concatBytes(bytes48(x + fpModulus), bytes48(y));
        expect(decodeG1Uncompressed(larger, refuse)).toBeUndefined();
        const flags = Number.parseInt(compressed.slice(0, 2), 16) & 0xe0;
        expect(decodeG1Compressed(withFlags(bytes48(x + fpModulus), flags), refuse)).toBeUndefined();
      }
      const highY = concatBytes(bytes48(x), bytes48(y + fpModulus));
      expect(decodeG1Uncompressed(highY, refuse)).toBeUndefined();
      expect(plainCurveKernel.firstBadG1(concatBytes(point, highY))).toBe(1);
    }
  });

  it("refuses points of the curve outside the subgroup, and points beside the curve", () => {
    const [outer1, outer2] = [fromHex(outsideG1), fromHex(outsideG2)];
    expect(decodeG1Uncompressed(outer1, refuse)).toBeUndefined();
    expect(decodeG2Uncompressed(outer2, refuse)).toBeUndefined();
    expect(decodeG1Compressed(encodeG1Compressed(outer1), refuse)).toBeUndefined();
    expect(decodeG2Compressed(encodeG2Compressed(outer2), refuse)).toBeUndefined();
    const orderThree = concatBytes(bytes48(0n), bytes48(2n)); // 2² = 0³ + 4
    expect(decodeG1Uncompressed(orderThree, refuse)).toBeUndefined();
    expect(decodeG1Uncompressed(flipBit(generatorG1, 767), refuse)).toBeUndefined();
    expect(decodeG2Uncompressed(flipBit(generatorG2, 1535), refuse)).toBeUndefined();
  });

  it("never throws, and what decodes encodes to the same bytes", () => {
    const honest = [
      generatorG1,
      generatorG2,
      encodeG1Compressed(generatorG1),
      encodeG2Compressed(generatorG2),
    ];
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.constantFrom(...honest), fc.nat(48 * 8 - 1)).map(([point, bit]) => flipBit(point, bit)),
    );
    holds(
      fc.property(bytes, (input) => {
        const g1 = decodeG1Compressed(input, refuse);
        if (g1 !== undefined) expect(encodeG1Compressed(g1)).toEqual(input);
        const g2 = decodeG2Compressed(input, refuse);
        if (g2 !== undefined) expect(encodeG2Compressed(g2)).toEqual(input);
        for (const same of [decodeG1Uncompressed(input, refuse), decodeG2Uncompressed(input, refuse)]) {
          if (same !== undefined) expect(same).toEqual(input);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe("the reference's transforms", () => {
  const values = fc.integer({ min: 0, max: 5 }).chain((log) => {
    const length = 2 ** log;
    return fc.array(element, { minLength: length, maxLength: length });
  });
  const evaluate = (coefficients: readonly bigint[], x: bigint): bigint =>
    coefficients.reduceRight((sum, c) => frReduce(sum * x + c), 0n);

  it("evaluate the polynomial on the domain and its coset, and back", () => {
    holds(
      fc.property(values, fc.boolean(), (coefficients, coset) => {
        const input = frsToBytes(coefficients);
        const root = domainRoot(coefficients.length);
        const output = plainCurveKernel.fft(input, { inverse: false, coset });
        const shift = coset ? 7n : 1n;
        expect(frsFromBytes(output)).toEqual(
          coefficients.map((_c, i) => evaluate(coefficients, frReduce(shift * frPower(root, BigInt(i))))),
        );
        expect(plainCurveKernel.fft(output, { inverse: true, coset })).toEqual(input);
      }),
      { numRuns: 40 },
    );
  });

  it("the quotient times Z is ab − c, at a point that nobody chose", () => {
    holds(
      fc.property(values, (a) => {
        const b = a.map((value, i) => frReduce(value * value + BigInt(i)));
        const c = a.map((value, i) => frReduce(value * (b[i] ?? 0n)));
        const h = frsFromBytes(
          plainCurveKernel.quotient(...([a, b, c].map(frsToBytes) as [Bytes, Bytes, Bytes])),
        );
        const x = 0x1234567890abcdefn ** 3n;
        const at = (points: readonly bigint[]): bigint => {
          const options = { inverse: true, coset: false };
          return evaluate(frsFromBytes(plainCurveKernel.fft(frsToBytes(points), options)), x);
        };
        const vanishing = frPower(x, BigInt(a.length)) - 1n;
        expect(frReduce(evaluate(h, x) * vanishing)).toBe(frReduce(at(a) * at(b) - at(c)));
        expect(h.at(-1)).toBe(0n);
      }),
      { numRuns: 30 },
    );
  });
});
type Bytes = Uint8Array;

describe("the kernel in use", () => {
  it("is swapped in, used and put back", () => {
    const restore = installCurveKernel({ msmG1: () => infinityOf(96) });
    expect(curveKernel.msmG1(generatorG1, frsToBytes([1n]))).toEqual(infinityOf(96));
    expect(curveKernel.msmG2).toBe(plainCurveKernel.msmG2);
    restore();
    expect(curveKernel.msmG1(generatorG1, frsToBytes([1n]))).toEqual(generatorG1);
  });
});
