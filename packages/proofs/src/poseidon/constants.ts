/**
 * Poseidon's parameters for Merkle trees over the BLS12-381 scalar field, at 128 bits: derived at first use,
 * cached per arity. Width t = arity + 1, S-box x^5, 8 full rounds; round constants come from the Grain LFSR,
 * the MDS matrix is Cauchy, 1/(i + j + t).
 * Source: "Poseidon: A New Hash Function for Zero-Knowledge Proof Systems" (Grassi et al., appendices E, F);
 * instance: Filecoin specs, Poseidon.
 */
import { frInvert, frModulus, frReduce } from "../field/index.ts";
import { poseidonErrors } from "./errors.ts";

/** Full rounds: half before, half after the partial ones. */
export const fullRounds = 8;

/** Partial rounds by arity, with the margins of Filecoin's standard strength. */
const partialRounds = new Map([
  [2, 55],
  [4, 56],
  [8, 57],
  [11, 57],
  [16, 59],
  [24, 59],
  [36, 60],
]);

/** The parameters as the paper defines them; the reference form hashes with these alone. */
export interface PoseidonConstants {
  readonly arity: number;
  /** State elements: arity + 1. */
  readonly width: number;
  readonly partialRounds: number;
  /** First element of the state: which use of Poseidon this is. Merkle trees: 2^arity − 1. */
  readonly domainTag: bigint;
  /** `width` per round, in order of use. */
  readonly roundConstants: readonly bigint[];
  readonly mds: Matrix;
}

export type Matrix = readonly (readonly bigint[])[];

const cache = new Map<number, PoseidonConstants>();

/** Parameters of one arity (2, 4, 8, 11, 16, 24, 36). Throws poseidon/bad-arity. */
export function poseidonConstants(arity: number): PoseidonConstants {
  const known = cache.get(arity);
  if (known !== undefined) return known;
  const partial = partialRounds.get(arity);
  if (partial === undefined) {
    throw poseidonErrors.badArity({ arity, known: [...partialRounds.keys()].join(", ") });
  }
  const width = arity + 1;
  const constants: PoseidonConstants = {
    arity,
    width,
    partialRounds: partial,
    domainTag: (1n << BigInt(arity)) - 1n,
    roundConstants: grainConstants(width, partial),
    mds: cauchyMatrix(width),
  };
  cache.set(arity, constants);
  return constants;
}

function cauchyMatrix(width: number): Matrix {
  return Array.from({ length: width }, (_row, i) =>
    Array.from({ length: width }, (_column, j) => frInvert(BigInt(i + j + width))),
  );
}

/** Bits of a field element, and of the samples. */
const fieldBits = 255;
const lfsrBits = 80;
/** Any length above `lfsrBits`. */
const stripBits = 8192;
/** The LFSR's taps; x^80 is fed by their sum. */
const taps = [62, 51, 38, 23, 13, 0] as const;
/** Bits thrown away before the first sample. */
const warmUpBits = 160;

/** The self-shrinking Grain LFSR: of each pair of bits the second counts, and only when the first is 1. */
function grainBits(width: number, partial: number): () => number {
  const seed: [value: number, bits: number][] = [
    [1, 2], // a prime field
    [1, 4], // S-box: a power of x
    [fieldBits, 12],
    [width, 12],
    [fullRounds, 10],
    [partial, 10],
  ];
  // The register slides over a strip of its own output: no index wraps around, which is most of the time.
  const strip = new Uint8Array(stripBits).fill(1);
  let filled = 0;
  for (const [value, bits] of seed) {
    for (let bit = bits - 1; bit >= 0; bit -= 1) {
      strip[filled] = (value >> bit) & 1;
      filled += 1;
    }
  }
  let next = lfsrBits;
  const step = (): number => {
    if (next === stripBits) {
      strip.copyWithin(0, stripBits - lfsrBits);
      next = lfsrBits;
    }
    const oldest = next - lfsrBits;
    let bit = 0;
    for (let tap = 0; tap < taps.length; tap += 1) bit ^= strip[oldest + (taps[tap] ?? 0)] ?? 0;
    strip[next] = bit;
    next += 1;
    return bit;
  };
  for (let count = 0; count < warmUpBits; count += 1) step();
  return () => {
    for (;;) {
      const keep = step();
      const bit = step();
      if (keep === 1) return bit;
    }
  };
}

function grainConstants(width: number, partial: number): readonly bigint[] {
  const nextBit = grainBits(width, partial);
  const count = width * (fullRounds + partial);
  const constants: bigint[] = [];
  while (constants.length < count) {
    let digits = "0b";
    for (let bit = 0; bit < fieldBits; bit += 1) digits += nextBit();
    const sample = BigInt(digits);
    if (sample < frModulus) constants.push(sample); // rejection keeps the distribution uniform
  }
  return constants;
}

/** matrix · vector. */
export function matrixVector(matrix: Matrix, vector: readonly bigint[]): bigint[] {
  return matrix.map((row) => {
    let sum = 0n;
    for (let j = 0; j < row.length; j += 1) sum += (row[j] ?? 0n) * (vector[j] ?? 0n);
    return sum % frModulus;
  });
}

export function transpose(matrix: Matrix): Matrix {
  return (matrix[0] ?? []).map((_first, j) => matrix.map((row) => row[j] ?? 0n));
}

export function matrixProduct(a: Matrix, b: Matrix): Matrix {
  const columns = transpose(b);
  return a.map((row) => matrixVector(columns, row));
}

/** Inverse of a regular matrix (Gauss–Jordan; every minor of a Cauchy matrix is regular). */
export function invertMatrix(matrix: Matrix): Matrix {
  const size = matrix.length;
  const work = matrix.map((row, i) => [...row, ...row.map((_value, j) => (i === j ? 1n : 0n))]);
  for (let column = 0; column < size; column += 1) {
    const pivotAt = work.findIndex((row, i) => i >= column && row[column] !== 0n);
    const pivotRow = work[pivotAt] ?? [];
    work[pivotAt] = work[column] ?? [];
    const scale = frInvert(pivotRow[column] ?? 0n);
    const scaled = pivotRow.map((value) => (value * scale) % frModulus);
    work[column] = scaled;
    for (let i = 0; i < size; i += 1) {
      const row = work[i] ?? [];
      const factor = row[column] ?? 0n;
      if (i === column || factor === 0n) continue;
      work[i] = row.map((value, j) => frReduce(value - factor * (scaled[j] ?? 0n)));
    }
  }
  return work.map((row) => row.slice(size));
}
