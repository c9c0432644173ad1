/**
 * Points of strangers: compressed and uncompressed bytes, strictly. Whatever is not the one encoding of a point
 * of the right subgroup is undefined, never an exception: flags, length, coordinates below the modulus, the
 * curve's equation, the subgroup, and infinity only where the caller allows it.
 *
 * The three top bits of the first byte are flags: compressed, infinity, and in compressed form whether y is the
 * larger of the two roots. Source: the ZCash serialisation of BLS12-381 points.
 */
import type { Group } from "./groups.ts";
import { bytesOf, groupG1, groupG2, pointOf } from "./groups.ts";

/** Whether the point at infinity is a point for the caller. In proofs and keys it mostly is not. */
export type InfinityPolicy = "allowInfinity" | "refuseInfinity";

const compressedFlag = 0x80;
const infinityFlag = 0x40;
const largerFlag = 0x20;
const flags = compressedFlag | infinityFlag | largerFlag;

function withoutFlags(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes); // the slice of a Buffer would share its bytes
  copy[0] = (copy[0] ?? 0) & ~flags & 0xff;
  return copy;
}

function infinityOr<F>(group: Group<F>, bytes: Uint8Array, policy: InfinityPolicy): Uint8Array | undefined {
  const first = bytes[0] ?? 0;
  const exact = (first & largerFlag) === 0 && withoutFlags(bytes).every((byte) => byte === 0);
  return exact && policy === "allowInfinity" ? bytesOf(group, group.Point.ZERO) : undefined;
}

function ySquared<F>({ field, b }: Group<F>, x: F): F {
  return field.add(field.mul(field.sqr(x), x), b);
}

/** The root of y² that the flag names, or undefined where there is none. */
function rootOf<F>({ field, isLarger }: Group<F>, square: F, larger: boolean): F | undefined {
  let root: F;
  try {
    root = field.sqrt(square);
  } catch {
    return undefined;
  }
  return isLarger(root) === larger ? root : field.neg(root);
}

function decodeCompressed<F>(
  group: Group<F>,
  bytes: Uint8Array,
  policy: InfinityPolicy,
): Uint8Array | undefined {
  const first = bytes[0] ?? 0;
  if (bytes.length !== group.coordinateBytes || (first & compressedFlag) === 0) return undefined;
  if ((first & infinityFlag) !== 0) return infinityOr(group, bytes, policy);
  const x = group.read(withoutFlags(bytes));
  if (x === undefined) return undefined;
  const y = rootOf(group, ySquared(group, x), (first & largerFlag) !== 0);
  if (y === undefined) return undefined;
  const point = group.Point.fromAffine({ x, y });
  return point.isTorsionFree() ? bytesOf(group, point) : undefined;
}

function decodeUncompressed<F>(
  group: Group<F>,
  bytes: Uint8Array,
  policy: InfinityPolicy,
): Uint8Array | undefined {
  const first = bytes[0] ?? 0;
  if (bytes.length !== 2 * group.coordinateBytes || (first & compressedFlag) !== 0) return undefined;
  if ((first & infinityFlag) !== 0) return infinityOr(group, bytes, policy);
  const x = group.read(bytes.subarray(0, group.coordinateBytes));
  const y = group.read(bytes.subarray(group.coordinateBytes));
  if (x === undefined || y === undefined) return undefined;
  if (!group.field.eql(group.field.sqr(y), ySquared(group, x))) return undefined;
  return group.Point.fromAffine({ x, y }).isTorsionFree() ? bytes.slice() : undefined;
}

function encodeCompressed<F>(group: Group<F>, uncompressed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(uncompressed.subarray(0, group.coordinateBytes));
  const point = pointOf(group, uncompressed);
  const larger = !point.is0() && group.isLarger(point.toAffine().y);
  bytes[0] = (bytes[0] ?? 0) | compressedFlag | (larger ? largerFlag : 0);
  return bytes;
}

/** 48 bytes of a stranger → 96 bytes of a point of G1, or undefined. */
export function decodeG1Compressed(bytes: Uint8Array, policy: InfinityPolicy): Uint8Array | undefined {
  return decodeCompressed(groupG1, bytes, policy);
}

/** 96 bytes of a stranger → the same 96 bytes if they are a point of G1, else undefined. */
export function decodeG1Uncompressed(bytes: Uint8Array, policy: InfinityPolicy): Uint8Array | undefined {
  return decodeUncompressed(groupG1, bytes, policy);
}

/** 96 bytes of a stranger → 192 bytes of a point of G2, or undefined. */
export function decodeG2Compressed(bytes: Uint8Array, policy: InfinityPolicy): Uint8Array | undefined {
  return decodeCompressed(groupG2, bytes, policy);
}

/** 192 bytes of a stranger → the same 192 bytes if they are a point of G2, else undefined. */
export function decodeG2Uncompressed(bytes: Uint8Array, policy: InfinityPolicy): Uint8Array | undefined {
  return decodeUncompressed(groupG2, bytes, policy);
}

/** 96 trusted bytes → 48. Throws curve/not-a-point. */
export function encodeG1Compressed(uncompressed: Uint8Array): Uint8Array {
  return encodeCompressed(groupG1, uncompressed);
}

/** 192 trusted bytes → 96. Throws curve/not-a-point. */
export function encodeG2Compressed(uncompressed: Uint8Array): Uint8Array {
  return encodeCompressed(groupG2, uncompressed);
}
