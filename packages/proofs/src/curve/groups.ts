/**
 * The two groups of BLS12-381 as one description each: the field of the coordinates, how a coordinate lies in
 * bytes, and noble's points. Everything else in this room is written once and holds for both groups.
 *
 * Invariant: bytes inside the program are uncompressed points in ZCash's form, big-endian x‖y, in G2 the part
 * of u before the real part; infinity is 0x40 and zeros. Every point has exactly one such form.
 * Source: BLS12-381 (Bowe 2017), the ZCash serialisation of its points.
 */
import { bigEndian, readBigEndian } from "@holdfast/base";
import type { IField } from "@noble/curves/abstract/modular.js";
import type { Fp2 } from "@noble/curves/abstract/tower.js";
import type { WeierstrassPoint, WeierstrassPointCons } from "@noble/curves/abstract/weierstrass.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { curveErrors } from "./errors.ts";

/** Order of the field of the coordinates: 381 bits. */
export const fpModulus = bls12_381.fields.Fp.ORDER;
/** Bytes of one element of that field. */
export const fpBytes = 48;
/** Bytes of an uncompressed point. */
export const g1Bytes = 96;
export const g2Bytes = 192;
/** Bytes of a scalar: 32, little-endian, below the order of the groups. */
export const scalarBytes = 32;

/** A point as noble computes with it. */
export type G1Point = WeierstrassPoint<bigint>;
export type G2Point = WeierstrassPoint<Fp2>;

export interface Group<F> {
  readonly name: "G1" | "G2";
  /** Bytes of one coordinate; an uncompressed point has two. */
  readonly coordinateBytes: number;
  readonly field: IField<F>;
  /** The b of y² = x³ + b. */
  readonly b: F;
  readonly Point: WeierstrassPointCons<F>;
  /** A coordinate from its bytes, or undefined if they are not below the modulus. */
  readonly read: (bytes: Uint8Array) => F | undefined;
  readonly write: (value: F) => Uint8Array;
  /** Whether y is the lexicographically larger of y and −y. */
  readonly isLarger: (y: F) => boolean;
}

function readFp(bytes: Uint8Array): bigint | undefined {
  const value = readBigEndian(bytes);
  return value < fpModulus ? value : undefined;
}

const isLargerFp = (y: bigint): boolean => 2n * y > fpModulus;

export const groupG1: Group<bigint> = {
  name: "G1",
  coordinateBytes: fpBytes,
  field: bls12_381.fields.Fp,
  b: 4n,
  Point: bls12_381.G1.Point,
  read: readFp,
  write: (value) => bigEndian(value, fpBytes),
  isLarger: isLargerFp,
};

export const groupG2: Group<Fp2> = {
  name: "G2",
  coordinateBytes: 2 * fpBytes,
  field: bls12_381.fields.Fp2,
  b: { c0: 4n, c1: 4n },
  Point: bls12_381.G2.Point,
  read: (bytes) => {
    const c1 = readFp(bytes.subarray(0, fpBytes));
    const c0 = readFp(bytes.subarray(fpBytes));
    return c0 === undefined || c1 === undefined ? undefined : { c0, c1 };
  },
  write: ({ c0, c1 }) => {
    const bytes = new Uint8Array(2 * fpBytes);
    bytes.set(bigEndian(c1, fpBytes));
    bytes.set(bigEndian(c0, fpBytes), fpBytes);
    return bytes;
  },
  isLarger: ({ c0, c1 }) => (c1 === 0n ? isLargerFp(c0) : isLargerFp(c1)),
};

/** First byte of the point at infinity; zeros follow. */
export const infinityByte = 0x40;

export function isInfinity(bytes: Uint8Array): boolean {
  return bytes[0] === infinityByte && bytes.subarray(1).every((byte) => byte === 0);
}

/** A noble point from trusted uncompressed bytes: not checked for the curve. Throws curve/not-a-point. */
export function pointOf<F>(group: Group<F>, bytes: Uint8Array): WeierstrassPoint<F> {
  if (isInfinity(bytes)) return group.Point.ZERO;
  const x = group.read(bytes.subarray(0, group.coordinateBytes));
  const y = group.read(bytes.subarray(group.coordinateBytes));
  if (x === undefined || y === undefined) throw curveErrors.notAPoint({ group: group.name });
  return group.Point.fromAffine({ x, y });
}

/** Uncompressed bytes of a point. */
export function bytesOf<F>(group: Group<F>, point: WeierstrassPoint<F>): Uint8Array {
  const bytes = new Uint8Array(2 * group.coordinateBytes);
  if (point.is0()) {
    bytes[0] = infinityByte;
    return bytes;
  }
  const { x, y } = point.toAffine();
  bytes.set(group.write(x));
  bytes.set(group.write(y), group.coordinateBytes);
  return bytes;
}

/** The noble point of 96 trusted bytes, for pairings. Throws curve/not-a-point. */
export function g1PointOf(bytes: Uint8Array): G1Point {
  return pointOf(groupG1, bytes);
}

/** The noble point of 192 trusted bytes, for pairings. Throws curve/not-a-point. */
export function g2PointOf(bytes: Uint8Array): G2Point {
  return pointOf(groupG2, bytes);
}

/** 96 bytes of a noble point. */
export function g1BytesOf(point: G1Point): Uint8Array {
  return bytesOf(groupG1, point);
}

/** 192 bytes of a noble point. */
export function g2BytesOf(point: G2Point): Uint8Array {
  return bytesOf(groupG2, point);
}
