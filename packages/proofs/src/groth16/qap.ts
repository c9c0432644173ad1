/**
 * From constraints to polynomials: column i of A, B and C becomes the polynomials uᵢ, vᵢ, wᵢ that take the
 * column's values on the evaluation domain.
 *
 * Invariant: behind the constraints stands one more row for ONE and for each public input, `input · 0 = 0`. It
 * makes the uᵢ of public inputs linearly independent, without which a proof for one input can be turned into a
 * proof for another. Sources: Gennaro, Gentry, Parno and Raykova 2013 (QAP); the rows as in bellman and snarkjs.
 */
import { curveKernel, frPower } from "../curve/index.ts";
import { frModulus, frReduce, frsFromBytes, frsToBytes } from "../field/index.ts";
import { matrixTimes, partOf, type R1cs, type SparseMatrix } from "../r1cs/index.ts";
import { groth16Errors } from "./errors.ts";

/** Rows of one circuit, at most: above this a key has several hundred GiB. */
export const maxDomainSize = 2 ** 28;

/** Size of the evaluation domain: constraints, ONE and public inputs, rounded up to a power of two. */
export function domainSizeOf({ constraintCount, publicCount }: R1cs): number {
  const rows = constraintCount + publicCount + 1;
  if (rows > maxDomainSize) throw groth16Errors.tooLarge({ rows, maxRows: maxDomainSize });
  let size = 2;
  while (size < rows) size *= 2;
  return size;
}

/** Values of Σ xᵢuᵢ, Σ xᵢvᵢ and Σ xᵢwᵢ on the domain, for the assignment x. */
export interface RowValues {
  readonly a: bigint[];
  readonly b: bigint[];
  readonly c: bigint[];
}

/** Throws groth16/unsatisfied at the first constraint with a·b ≠ c. */
export function rowValues(r1cs: R1cs, witness: readonly bigint[]): RowValues {
  const size = domainSizeOf(r1cs);
  const a = matrixTimes(r1cs.a, witness);
  const b = matrixTimes(r1cs.b, witness);
  const c = matrixTimes(r1cs.c, witness);
  for (let row = 0; row < r1cs.constraintCount; row += 1) {
    if (((a[row] ?? 0n) * (b[row] ?? 0n) - (c[row] ?? 0n)) % frModulus === 0n) continue;
    throw groth16Errors.unsatisfied({ constraint: row, part: partOf(r1cs, row) });
  }
  a.push(...witness.slice(0, r1cs.publicCount + 1));
  for (const values of [a, b, c]) while (values.length < size) values.push(0n);
  return { a, b, c };
}

/** τ is a point of the domain itself: no Lagrange value has an inverse there. Of 2^255 points that are n. */
export function isInDomain(tau: bigint, size: number): boolean {
  return frPower(tau, BigInt(size)) === 1n;
}

/** τⁱ for i < n. */
export function powersOf(tau: bigint, size: number): bigint[] {
  const powers: bigint[] = [];
  for (let power = 1n; powers.length < size; power = (power * tau) % frModulus) powers.push(power);
  return powers;
}

/** Lⱼ(τ) = Σᵢ τⁱω⁻ⁱʲ/n for all j: the inverse transform of the powers of τ. */
export function lagrangeAt(powers: readonly bigint[]): bigint[] {
  return frsFromBytes(curveKernel.fft(frsToBytes(powers), { inverse: true, coset: false }));
}

/** Σⱼ M[j][i]·valueⱼ for every column i. Most coefficients are 1 or −1, which need no multiplication. */
function columnSums(matrix: SparseMatrix, values: readonly bigint[], columnCount: number): bigint[] {
  const sums = new Array<bigint>(columnCount).fill(0n);
  const { rowStarts, columns, coefficients } = matrix;
  for (let row = 0; row + 1 < rowStarts.length; row += 1) {
    const value = values[row] as bigint;
    const end = rowStarts[row + 1] as number;
    for (let at = rowStarts[row] as number; at < end; at += 1) {
      const column = columns[at] as number;
      const factor = matrix.values[coefficients[at] as number] as bigint;
      const sum = sums[column] as bigint;
      if (factor === 1n) sums[column] = sum + value;
      else if (factor === frModulus - 1n) sums[column] = sum - value;
      else sums[column] = (sum + factor * value) % frModulus;
    }
  }
  for (let column = 0; column < columnCount; column += 1) sums[column] = frReduce(sums[column] as bigint);
  return sums;
}

/** uᵢ(τ), vᵢ(τ) and wᵢ(τ) of every variable i. */
export interface ColumnValues {
  readonly u: bigint[];
  readonly v: bigint[];
  readonly w: bigint[];
}

/** The same; w is computed when it is asked for. */
export type QapValues = Omit<ColumnValues, "w"> & { readonly w: () => bigint[] };

/** From the powers of τ, as many as the domain has elements. */
export function qapAt(r1cs: R1cs, powers: readonly bigint[]): QapValues {
  const { variableCount, constraintCount, publicCount } = r1cs;
  const lagrange = lagrangeAt(powers);
  const u = columnSums(r1cs.a, lagrange, variableCount);
  for (let input = 0; input <= publicCount; input += 1) {
    u[input] = ((u[input] ?? 0n) + (lagrange[constraintCount + input] ?? 0n)) % frModulus;
  }
  const v = columnSums(r1cs.b, lagrange, variableCount);
  return { u, v, w: () => columnSums(r1cs.c, lagrange, variableCount) };
}

/** Variables whose column of A (with the rows of public inputs) or B is not zero, ascending. */
export interface Support {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

export function supportOf(r1cs: R1cs): Support {
  const inA = new Uint8Array(r1cs.variableCount);
  const inB = new Uint8Array(r1cs.variableCount);
  inA.fill(1, 0, r1cs.publicCount + 1);
  for (const column of r1cs.a.columns) inA[column] = 1;
  for (const column of r1cs.b.columns) inB[column] = 1;
  return { a: indicesOf(inA), b: indicesOf(inB) };
}

function indicesOf(marks: Uint8Array): Uint32Array {
  const found: number[] = [];
  marks.forEach((mark, index) => {
    if (mark === 1) found.push(index);
  });
  return Uint32Array.from(found);
}
