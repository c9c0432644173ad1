/**
 * Small constraint systems with planted solutions, and a fixed source of entropy: what the tests of Groth16 and
 * of its ceremony prove.
 */
import { sha256, utf8Bytes } from "@holdfast/base";
import {
  frModulus,
  frReduce,
  installCurveKernel,
  prove,
  type R1cs,
  type SparseMatrix,
  setup,
} from "@holdfast/proofs";
import { loadKernels } from "@holdfast/proofs/kernels";

export type Row = readonly (readonly [variable: number, coefficient: bigint])[];
export interface Rows {
  readonly a: Row;
  readonly b: Row;
  readonly c: Row;
}

export function entropyOf(name: string): Uint8Array {
  return sha256(utf8Bytes(name));
}

function matrixOf(rows: readonly Row[]): SparseMatrix {
  const rowStarts = [0];
  const columns: number[] = [];
  const values: bigint[] = [];
  for (const row of rows) {
    for (const [variable, coefficient] of row.toSorted(([x], [y]) => x - y)) {
      columns.push(variable);
      values.push(frReduce(coefficient));
    }
    rowStarts.push(columns.length);
  }
  return {
    rowStarts: Uint32Array.from(rowStarts),
    columns: Uint32Array.from(columns),
    coefficients: Uint32Array.from(values.keys()),
    values,
  };
}

export function systemOf(publicCount: number, variableCount: number, rows: readonly Rows[]): R1cs {
  return {
    publicCount,
    variableCount,
    constraintCount: rows.length,
    a: matrixOf(rows.map(({ a }) => a)),
    b: matrixOf(rows.map(({ b }) => b)),
    c: matrixOf(rows.map(({ c }) => c)),
  };
}

/** Three numbers whose product is public: x·y = t, t·z = out. Also a public number that no constraint uses. */
export function productSystem(): R1cs {
  const [one, out, x, y, z, t] = [0, 1, 3, 4, 5, 6];
  return systemOf(2, 7, [
    { a: [[x, 1n]], b: [[y, 1n]], c: [[t, 1n]] },
    { a: [[t, 1n]], b: [[z, 1n]], c: [[out, 1n]] },
    {
      a: [
        [x, 1n],
        [one, -1n],
      ],
      b: [[one, 1n]],
      c: [
        [x, 1n],
        [one, -1n],
      ],
    },
  ]);
}

export function productWitness(x: bigint, y: bigint, z: bigint, unused = 9n): bigint[] {
  const t = (x * y) % frModulus;
  return [1n, (t * z) % frModulus, unused, x, y, z, t];
}

export interface Planted {
  readonly r1cs: R1cs;
  readonly witness: readonly bigint[];
}

/**
 * A random system that a random assignment satisfies: each row has a few random terms, and in C the coefficient
 * of ONE that makes up the difference.
 */
export function plantedSystem(
  seed: number,
  shape: { rows: number; inputs: number; hidden: number },
): Planted {
  let state = entropyOf(`planted ${seed}`);
  const draw = (): bigint => {
    state = sha256(state);
    return state.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) % frModulus;
  };
  const small = (limit: number): number => Number(draw() % BigInt(limit));
  const variableCount = 1 + shape.inputs + shape.hidden;
  const witness = [1n, ...Array.from({ length: variableCount - 1 }, () => (small(3) === 0 ? 1n : draw()))];
  const row = (): Row => {
    const variables = new Set(
      Array.from({ length: small(4) }, () => 1 + small(Math.max(1, variableCount - 1))),
    );
    return [...variables]
      .filter((v) => v < variableCount)
      .map((v) => [v, small(2) === 0 ? 1n : draw()] as const);
  };
  const value = (terms: Row): bigint => terms.reduce((sum, [v, k]) => sum + k * (witness[v] ?? 0n), 0n);
  const rows = Array.from({ length: shape.rows }, () => {
    const [a, b, rest] = [[[0, draw()] as const, ...row()], row(), row()];
    return { a, b, c: [...rest, [0, frReduce(value(a) * value(b) - value(rest))] as const] };
  });
  return { r1cs: systemOf(shape.inputs, variableCount, rows), witness };
}

/** Public inputs of an assignment. */
export function inputsOf(r1cs: R1cs, witness: readonly bigint[]): bigint[] {
  return witness.slice(1, r1cs.publicCount + 1);
}

/** The product's system with its key and a proof, by the compiled kernels: they give the bytes of the reference. */
export async function provenProduct() {
  installCurveKernel((await loadKernels()).curve);
  const r1cs = productSystem();
  const { provingKey } = setup(r1cs, entropyOf("product"));
  const witness = productWitness(3n, 5n, 7n);
  const inputs = inputsOf(r1cs, witness);
  const proof = prove(provingKey, r1cs, witness, entropyOf("proof"));
  return { r1cs, provingKey, vk: provingKey.verifyingKey, witness, inputs, proof };
}
