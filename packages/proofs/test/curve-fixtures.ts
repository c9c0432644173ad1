/** Points and scalars for the tests of curve kernels: multiples whose scalars are known, the edges often. */
import { concatBytes, fromHex } from "@holdfast/base";
import { type CurveKernel, frModulus, frReduce, frsToBytes } from "@holdfast/proofs";
import * as fc from "fast-check";
import { readVectors } from "./vectors.ts";

interface Multiple {
  readonly scalar: string;
  readonly uncompressed: string;
}
interface CurveVectors {
  readonly multiplesG1: readonly (Multiple & { readonly compressed: string })[];
  readonly multiplesG2: readonly Multiple[];
  readonly outsideG1: string;
  readonly outsideG2: string;
}
export const curveVectors = readVectors<CurveVectors>("proofs", "curve");

export const generatorG1 = fromHex(curveVectors.multiplesG1[0]?.uncompressed ?? "");
export const generatorG2 = fromHex(curveVectors.multiplesG2[0]?.uncompressed ?? "");

/** 0x40 and zeros. */
export function infinityOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = 0x40;
  return bytes;
}

/** One group of a kernel under one set of names. */
export interface GroupKernel {
  readonly name: "G1" | "G2";
  readonly generator: Uint8Array;
  readonly msm: CurveKernel["msmG1"];
  readonly fixedBase: CurveKernel["fixedBaseG1"];
  readonly scale: CurveKernel["scaleG1"];
  readonly lagrange: CurveKernel["lagrangeG1"];
  readonly firstBad: CurveKernel["firstBadG1"];
}

export function groupsOf(kernel: CurveKernel): { g1: GroupKernel; g2: GroupKernel } {
  return {
    g1: {
      name: "G1",
      generator: generatorG1,
      msm: kernel.msmG1,
      fixedBase: kernel.fixedBaseG1,
      scale: kernel.scaleG1,
      lagrange: kernel.lagrangeG1,
      firstBad: kernel.firstBadG1,
    },
    g2: {
      name: "G2",
      generator: generatorG2,
      msm: kernel.msmG2,
      fixedBase: kernel.fixedBaseG2,
      scale: kernel.scaleG2,
      lagrange: kernel.lagrangeG2,
      firstBad: kernel.firstBadG2,
    },
  };
}

/** Scalars: any, small ones, powers of two and their neighbours, and what is near the order. */
export const scalar: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: frModulus - 1n }),
  fc.bigInt({ min: 0n, max: 70n }),
  fc.bigInt({ min: 1n, max: 70n }).map((value) => frModulus - value),
  fc
    .tuple(fc.integer({ min: 1, max: 254 }), fc.integer({ min: -1, max: 1 }))
    .map(([bit, by]) => frReduce((1n << BigInt(bit)) + BigInt(by))),
);

/** Pairs of a point's discrete logarithm and a scalar; few different points, so that buckets meet. */
export const terms = (maxLength: number): fc.Arbitrary<[point: bigint, scalar: bigint][]> => {
  const pool = fc.array(scalar, { minLength: 1, maxLength: 4 });
  return pool.chain((logs) => {
    const log = fc.constantFrom(0n, ...logs, ...logs.map((value) => frReduce(-value)));
    return fc.array(fc.tuple(log, scalar), { maxLength });
  });
};

/** log·G for each, with few multiplications. */
export function pointsOf({ fixedBase, generator }: GroupKernel, logs: readonly bigint[]): Uint8Array {
  const distinct = [...new Set(logs)];
  const bytes = fixedBase(generator, frsToBytes(distinct));
  const unit = generator.length;
  const byLog = new Map(distinct.map((log, i) => [log, bytes.subarray(i * unit, (i + 1) * unit)]));
  return concatBytes(...logs.map((log) => byLog.get(log) ?? infinityOf(unit)));
}

/** Σ point·scalar in the exponent. */
export function dot(pairs: readonly (readonly [bigint, bigint])[]): bigint {
  return frReduce(pairs.reduce((sum, [point, by]) => sum + point * by, 0n));
}
