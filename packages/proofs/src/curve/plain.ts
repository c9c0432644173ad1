/**
 * The reference of the curve kernel: noble's points and big integers, as short as it can be said. Slow and
 * obviously right; every other back end is tested against it byte for byte.
 */
import { concatBytes } from "@holdfast/base";
import { pippenger } from "@noble/curves/abstract/curve.js";
import type { WeierstrassPoint } from "@noble/curves/abstract/weierstrass.js";
import { frInvert, frModulus, frReduce, frsFromBytes, frsToBytes } from "../field/index.ts";
import {
  cosetTransform,
  domainRoot,
  frGenerator,
  frModule,
  frPower,
  inverseCosetTransform,
  inverseTransform,
  type Module,
  transform,
} from "./domain.ts";
import { decodeG1Uncompressed, decodeG2Uncompressed } from "./encoding.ts";
import { curveErrors } from "./errors.ts";
import { bytesOf, type Group, groupG1, groupG2, pointOf, scalarBytes } from "./groups.ts";
import type { CurveKernel } from "./kernel.ts";

/** Bits of a window of the fixed-base table; below `tableFrom` scalars a table does not pay. */
const tableWindow = 8;
const tableFrom = 64;

function piecesOf(bytes: Uint8Array, unit: number, what: string): Uint8Array[] {
  if (bytes.length % unit !== 0) throw curveErrors.badLength({ what, length: bytes.length, unit });
  return Array.from({ length: bytes.length / unit }, (_none, i) => bytes.subarray(i * unit, (i + 1) * unit));
}

function scalarsOf(bytes: Uint8Array): bigint[] {
  if (bytes.length % scalarBytes !== 0) {
    throw curveErrors.badLength({ what: "scalars", length: bytes.length, unit: scalarBytes });
  }
  return frsFromBytes(bytes);
}

interface Sums {
  readonly msm: (points: Uint8Array, scalars: Uint8Array) => Uint8Array;
  readonly fixedBase: (base: Uint8Array, scalars: Uint8Array) => Uint8Array;
  readonly scale: (points: Uint8Array, scalars: Uint8Array) => Uint8Array;
  readonly lagrange: (points: Uint8Array) => Uint8Array;
}

function sumsIn<F>(group: Group<F>): Sums {
  type Point = WeierstrassPoint<F>;
  const pointsOf = (bytes: Uint8Array): Point[] =>
    piecesOf(bytes, 2 * group.coordinateBytes, "points").map((piece) => pointOf(group, piece));
  const join = (points: readonly Point[]): Uint8Array =>
    concatBytes(...points.map((point) => bytesOf(group, point)));
  const pairsOf = (points: Uint8Array, scalars: Uint8Array): { points: Point[]; scalars: bigint[] } => {
    const pairs = { points: pointsOf(points), scalars: scalarsOf(scalars) };
    if (pairs.points.length === pairs.scalars.length) return pairs;
    throw curveErrors.badCount({ points: pairs.points.length, scalars: pairs.scalars.length });
  };
  const module: Module<Point> = {
    add: (a, b) => a.add(b),
    subtract: (a, b) => a.subtract(b),
    scale: (point, by) => point.multiplyUnsafe(by),
  };
  return {
    msm: (pointBytes, scalarBytes) => {
      const { points, scalars } = pairsOf(pointBytes, scalarBytes);
      return bytesOf(group, pippenger(group.Point, points, scalars));
    },
    fixedBase: (base, scalarBytes) => {
      const scalars = scalarsOf(scalarBytes);
      const unit = 2 * group.coordinateBytes;
      if (base.length !== unit) throw curveErrors.badLength({ what: "a base", length: base.length, unit });
      const point = pointOf(group, base);
      if (scalars.length >= tableFrom && !point.is0()) point.precompute(tableWindow, false);
      return join(scalars.map((scalar) => point.multiplyUnsafe(scalar)));
    },
    scale: (pointBytes, scalarBytes) => {
      const { points, scalars } = pairsOf(pointBytes, scalarBytes);
      return join(points.map((point, i) => point.multiplyUnsafe(scalars[i] ?? 0n)));
    },
    lagrange: (pointBytes) => join(inverseTransform(module, pointsOf(pointBytes))),
  };
}

function fft(values: Uint8Array, { inverse, coset }: { inverse: boolean; coset: boolean }): Uint8Array {
  const elements = scalarsOf(values);
  if (inverse)
    return frsToBytes(coset ? inverseCosetTransform(elements) : inverseTransform(frModule, elements));
  return frsToBytes(coset ? cosetTransform(elements) : transform(frModule, elements));
}

/**
 * On the coset of n points, where Z(x) = xⁿ − 1 is the constant 7ⁿ − 1, the n values of ab determine the
 * polynomial (7ⁿ − 1)·h + c: it has fewer than n coefficients and equals ab = hZ + c there.
 */
function quotient(a: Uint8Array, b: Uint8Array, c: Uint8Array): Uint8Array {
  const size = a.length / scalarBytes;
  if (b.length !== a.length || c.length !== a.length) throw curveErrors.badDomain({ size });
  domainRoot(size);
  const onCoset = (values: Uint8Array): bigint[] =>
    cosetTransform(inverseTransform(frModule, scalarsOf(values)));
  const right = onCoset(b);
  const product = onCoset(a).map((value, i) => (value * (right[i] ?? 0n)) % frModulus);
  const low = inverseTransform(frModule, scalarsOf(c));
  const scale = frInvert(frPower(frGenerator, BigInt(size)) - 1n);
  const coefficients = inverseCosetTransform(product).map(
    (value, i) => (frReduce(value - (low[i] ?? 0n)) * scale) % frModulus,
  );
  return frsToBytes(coefficients);
}

/** The first piece that is no point of the subgroup, or −1. */
function firstBad(
  bytes: Uint8Array,
  unit: number,
  decode: (piece: Uint8Array, policy: "allowInfinity") => Uint8Array | undefined,
): number {
  return piecesOf(bytes, unit, "points").findIndex((piece) => decode(piece, "allowInfinity") === undefined);
}

const g1 = sumsIn(groupG1);
const g2 = sumsIn(groupG2);

/** The reference, in pure TypeScript. */
export const plainCurveKernel: CurveKernel = Object.freeze({
  msmG1: g1.msm,
  msmG2: g2.msm,
  fixedBaseG1: g1.fixedBase,
  fixedBaseG2: g2.fixedBase,
  scaleG1: g1.scale,
  scaleG2: g2.scale,
  lagrangeG1: g1.lagrange,
  lagrangeG2: g2.lagrange,
  firstBadG1: (points: Uint8Array) => firstBad(points, 2 * groupG1.coordinateBytes, decodeG1Uncompressed),
  firstBadG2: (points: Uint8Array) => firstBad(points, 2 * groupG2.coordinateBytes, decodeG2Uncompressed),
  fft,
  quotient,
});
