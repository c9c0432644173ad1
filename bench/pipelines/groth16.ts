/**
 * Setup and proof of Groth16 for a chain of squarings, x ← x² + x: as many constraints as a power of two holds,
 * every one with a whole value. The peers in other languages prove the same chain.
 */
import { frModulus, frReduce, prove, type R1cs, type SparseMatrix, setup } from "@holdfast/proofs";
import type { Pipeline } from "../pipeline.ts";

type Term = readonly [variable: number, coefficientIndex: number];
const values = [1n, frModulus - 1n];
const plus = 0;
const minus = 1;

function matrix(rows: readonly (readonly Term[])[]): SparseMatrix {
  const rowStarts = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) rowStarts[i + 1] = (rowStarts[i] ?? 0) + row.length;
  const terms = rows.flat();
  return {
    rowStarts,
    columns: Uint32Array.from(terms, ([column]) => column),
    coefficients: Uint32Array.from(terms, ([, coefficient]) => coefficient),
    values,
  };
}

const startOfChain = 3n;

/** Variable 0 is one, 1 the public end of the chain, the rest its links. */
export function chainOf(constraintCount: number): {
  readonly r1cs: R1cs;
  readonly witness: readonly bigint[];
} {
  const link = (at: number): number => (at === constraintCount ? 1 : at + 2);
  const witness: bigint[] = [1n];
  let x = startOfChain;
  const rows = { a: [] as Term[][], b: [] as Term[][], c: [] as Term[][] };
  for (let i = 0; i < constraintCount; i += 1) {
    witness[link(i)] = x;
    x = frReduce(x * x + x);
    rows.a.push([[link(i), plus]]);
    rows.b.push([[link(i), plus]]);
    rows.c.push(
      [[link(i), minus] as const, [link(i + 1), plus] as const].toSorted(([one], [other]) => one - other),
    );
  }
  witness[1] = x;
  const r1cs = {
    publicCount: 1,
    variableCount: constraintCount + 2,
    constraintCount,
    a: matrix(rows.a),
    b: matrix(rows.b),
    c: matrix(rows.c),
  };
  return { r1cs, witness };
}

const entropy = new Uint8Array(32).fill(9);
/** The public input needs a row of its own in the domain. */
const constraintsIn = (domainSize: number): number => domainSize - 8;

export const groth16Pipelines: readonly Pipeline[] = [
  {
    name: "Groth16 setup",
    of: "constraints",
    sizes: [2 ** 12, 2 ** 13, 2 ** 14, 2 ** 15],
    slowUpTo: 2 ** 12,
    foreign: (size) => `groth16-setup-${Math.log2(size)}`,
    prepare: async (size) => {
      const { r1cs } = chainOf(constraintsIn(size));
      return () => setup(r1cs, entropy);
    },
  },
  {
    name: "Groth16 proof",
    of: "constraints",
    sizes: [2 ** 12, 2 ** 13, 2 ** 14, 2 ** 15],
    slowUpTo: 2 ** 12,
    foreign: (size) => `groth16-prove-${Math.log2(size)}`,
    prepare: async (size) => {
      const { r1cs, witness } = chainOf(constraintsIn(size));
      const { provingKey } = setup(r1cs, entropy);
      return () => prove(provingKey, r1cs, witness, entropy);
    },
  },
];
