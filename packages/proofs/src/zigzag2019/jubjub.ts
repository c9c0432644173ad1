/**
 * Jubjub: the twisted Edwards curve −x² + y² = 1 + d·x²·y² over the scalar field of BLS12-381, and the group
 * hash that finds generators with unknown relations to each other. The addition law is complete on this curve
 * (−1 is a square, d is not), so no sum has a special case.
 * Invariant: coordinates inside are any integers congruent to the element and of at most twice the modulus in
 * magnitude; only affine results are in [0, r).
 * Source: Zcash protocol specification, §5.4.9.3 (Jubjub) and §5.4.9.5 (group hash); formulas
 * "add-2008-hwcd-3" and "dbl-2008-hwcd" of Hisil, Wong, Carter, Dawson 2008.
 */
import { assert, concatBytes, littleEndian, readLittleEndian, utf8Bytes } from "@holdfast/base";
import { blake2s } from "@noble/hashes/blake2.js";
import { frInvert, frModulus, frReduce } from "../field/index.ts";

export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

/** x = X/Z, y = Y/Z, T = X·Y/Z. */
export interface ExtendedPoint {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

/** d = −10240/10241. */
export const edwardsD = frReduce(-10240n * frInvert(10241n));
export const twiceD = frReduce(2n * edwardsD);

/**
 * The same curve as B·v² = u³ + A·u² + u with u = (1 + y)/(1 − y), v = u/x, and that in Weierstrass form with
 * X = u/B + A/3B, Y = v/B: what compiled kernels compute with. x = (X − shift)/Y.
 */
const montgomeryA = 40962n;
const montgomeryB = frReduce(-40964n);
export const jubjubShift = frReduce(montgomeryA * frInvert(3n * montgomeryB));

/** Points in Weierstrass form; none may have x = 0. */
export function toWeierstrass(points: readonly AffinePoint[]): AffinePoint[] {
  const denominators = points.map(({ x, y }) => (((1n - y) * x) % frModulus) * montgomeryB);
  const inverses = invertAll(denominators);
  return points.map(({ x, y }, i) => {
    const yOut = frReduce((1n + y) * (inverses[i] as bigint));
    return { x: frReduce(yOut * x + jubjubShift), y: yOut };
  });
}

export function addPoints(p: ExtendedPoint, q: ExtendedPoint): ExtendedPoint {
  const a = ((p.y - p.x) * (q.y - q.x)) % frModulus;
  const b = ((p.y + p.x) * (q.y + q.x)) % frModulus;
  const c = (((p.t * q.t) % frModulus) * twiceD) % frModulus;
  const d = (2n * p.z * q.z) % frModulus;
  return fromFactors(b - a, d - c, d + c, b + a);
}

export function doublePoint(p: ExtendedPoint): ExtendedPoint {
  const a = (p.x * p.x) % frModulus;
  const b = (p.y * p.y) % frModulus;
  const c = (2n * p.z * p.z) % frModulus;
  const sum = p.x + p.y;
  const e = ((sum * sum) % frModulus) - a - b;
  const g = b - a;
  return fromFactors(e, g - c, g, -a - b);
}

function fromFactors(e: bigint, f: bigint, g: bigint, h: bigint): ExtendedPoint {
  return { x: (e * f) % frModulus, y: (g * h) % frModulus, z: (f * g) % frModulus, t: (e * h) % frModulus };
}

export function negatePoint(p: ExtendedPoint): ExtendedPoint {
  return { x: -p.x, y: p.y, z: p.z, t: -p.t };
}

export function extend({ x, y }: AffinePoint): ExtendedPoint {
  return { x, y, z: 1n, t: (x * y) % frModulus };
}

/** Inverses of elements ≠ 0, with one inversion for all (Montgomery's trick). */
export function invertAll(values: readonly bigint[]): bigint[] {
  const before: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    before.push(product);
    product = (product * value) % frModulus;
  }
  let inverse = frInvert(product);
  const inverses = new Array<bigint>(values.length);
  for (let i = values.length - 1; i >= 0; i -= 1) {
    inverses[i] = frReduce(inverse * (before[i] as bigint));
    inverse = (inverse * (values[i] as bigint)) % frModulus;
  }
  return inverses;
}

export function toAffine(points: readonly ExtendedPoint[]): AffinePoint[] {
  const inverses = invertAll(points.map(({ z }) => z));
  return points.map(({ x, y }, i) => {
    const inverse = inverses[i] as bigint;
    return { x: frReduce(x * inverse), y: frReduce(y * inverse) };
  });
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % frModulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % frModulus;
    square = (square * square) % frModulus;
  }
  return result;
}

/** r − 1 = 2^32 · oddPart; 7 generates the multiplicative group. */
const twoAdicity = 32;
const oddPart = (frModulus - 1n) >> BigInt(twoAdicity);
const rootOfUnity = power(7n, oddPart);

/** A square root, or `undefined` for a non-square (Tonelli and Shanks). */
export function squareRoot(value: bigint): bigint | undefined {
  if (value === 0n) return 0n;
  let root = power(value, (oddPart + 1n) / 2n);
  let error = power(value, oddPart);
  let generator = rootOfUnity;
  let order = twoAdicity;
  while (error !== 1n) {
    let log = 0;
    for (let square = error; square !== 1n; square = (square * square) % frModulus) log += 1;
    if (log >= order) return undefined;
    const step = power(generator, 1n << BigInt(order - log - 1));
    root = (root * step) % frModulus;
    generator = (step * step) % frModulus;
    error = (error * generator) % frModulus;
    order = log;
  }
  return root;
}

/** The point whose y has these bytes (little-endian) below the top bit, which is the parity of x. */
function decompress(bytes: Uint8Array): AffinePoint | undefined {
  const value = readLittleEndian(bytes);
  const y = BigInt.asUintN(255, value);
  if (y >= frModulus) return undefined;
  const square = (y * y) % frModulus;
  const x = squareRoot(frReduce((square - 1n) * frInvert(edwardsD * square + 1n)));
  if (x === undefined) return undefined;
  return { x: (x & 1n) === value >> 255n ? x : frReduce(-x), y };
}

const firstBlock = utf8Bytes("096b36a5804bfacef1691e173c366a47ff5ba84a44f26ddd7e8d9f79d5b42df0");
const personalization = utf8Bytes("Zcash_PH");
const generators: AffinePoint[] = [];

/** Generator number `index` of the Pedersen hash, a point of the prime-order subgroup. */
export function pedersenGenerator(index: number): AffinePoint {
  while (generators.length <= index) generators.push(findGenerator(generators.length));
  return generators[index] as AffinePoint;
}

function findGenerator(index: number): AffinePoint {
  for (let counter = 0; counter < 256; counter += 1) {
    const message = concatBytes(firstBlock, littleEndian(index, 4), Uint8Array.of(counter));
    const point = decompress(blake2s(message, { dkLen: 32, personalization }));
    if (point === undefined) continue;
    const [inSubgroup] = toAffine([doublePoint(doublePoint(doublePoint(extend(point))))]);
    if (inSubgroup !== undefined && (inSubgroup.x !== 0n || inSubgroup.y !== 1n)) return inSubgroup;
  }
  assert(false, "one of 256 tries is a point of the curve");
}
