/**
 * What the tests of gadgets and circuits ask of a constraint system: which constraints an assignment breaks,
 * which variables can be changed alone without anybody noticing, and whether the witness is free to move when
 * the public inputs stand still.
 */
import {
  type Circuit,
  type ConstraintSystem,
  frInvert,
  frModulus,
  type Linear,
  linear,
  matrixTimes,
  type R1cs,
  type SparseMatrix,
} from "@holdfast/proofs";

const mod = (value: bigint): bigint => ((value % frModulus) + frModulus) % frModulus;

/** Numbers of the constraints that do not hold. */
export function violations(r1cs: R1cs, witness: readonly bigint[]): number[] {
  const [a, b, c] = [r1cs.a, r1cs.b, r1cs.c].map((matrix) => matrixTimes(matrix, witness)) as [
    bigint[],
    bigint[],
    bigint[],
  ];
  const broken: number[] = [];
  a.forEach((value, i) => {
    if ((value * (b[i] ?? 0n)) % frModulus !== c[i]) broken.push(i);
  });
  return broken;
}

/** The same system without one constraint. */
export function without(r1cs: R1cs, constraint: number): R1cs {
  const cut = (matrix: SparseMatrix): SparseMatrix => {
    const from = matrix.rowStarts[constraint] ?? 0;
    const to = matrix.rowStarts[constraint + 1] ?? 0;
    const starts = [...matrix.rowStarts].map((start) => (start >= to ? start - (to - from) : start));
    starts.splice(constraint + 1, 1);
    const drop = (words: Uint32Array): Uint32Array =>
      Uint32Array.from([...words.subarray(0, from), ...words.subarray(to)]);
    return {
      rowStarts: Uint32Array.from(starts),
      columns: drop(matrix.columns),
      coefficients: drop(matrix.coefficients),
      values: matrix.values,
    };
  };
  const { publicCount, variableCount, constraintCount } = r1cs;
  return {
    publicCount,
    variableCount,
    constraintCount: constraintCount - 1,
    a: cut(r1cs.a),
    b: cut(r1cs.b),
    c: cut(r1cs.c),
  };
}

/** How one variable enters one constraint. */
interface Use {
  readonly constraint: number;
  a: bigint;
  b: bigint;
  c: bigint;
}

function usesOf(r1cs: R1cs): Use[][] {
  const uses: Use[][] = Array.from({ length: r1cs.variableCount }, () => []);
  for (let constraint = 0; constraint < r1cs.constraintCount; constraint += 1) {
    for (const side of ["a", "b", "c"] as const) {
      const { rowStarts, columns, coefficients, values } = r1cs[side];
      for (let at = rowStarts[constraint] ?? 0; at < (rowStarts[constraint + 1] ?? 0); at += 1) {
        const list = uses[columns[at] ?? 0] ?? [];
        let use = list.at(-1);
        if (use?.constraint !== constraint) {
          use = { constraint, a: 0n, b: 0n, c: 0n };
          list.push(use);
        }
        use[side] = values[coefficients[at] ?? 0] ?? 0n;
      }
    }
  }
  return uses;
}

/** Other values for a variable: one more, negated, the other boolean, and wild ones. */
function otherValues(value: bigint, variable: number): bigint[] {
  const wild = mod(0x9e3779b97f4a7c15f39cc0605cedc835n ** 2n * BigInt(variable + 1));
  const others = [value + 1n, value - 1n, 1n - value, wild, mod(wild * wild)];
  return [...new Set(others.map(mod))].filter((other) => other !== value);
}

/**
 * Changes every variable but ONE alone, public inputs among them; returns those that can be changed without
 * breaking a constraint. An honest witness must be given.
 */
export function looseVariables(r1cs: R1cs, witness: readonly bigint[]): number[] {
  const sides = [r1cs.a, r1cs.b, r1cs.c].map((matrix) => matrixTimes(matrix, witness));
  const [a = [], b = [], c = []] = sides;
  const loose: number[] = [];
  usesOf(r1cs).forEach((uses, variable) => {
    if (variable === 0) return;
    const value = witness[variable] ?? 0n;
    const unnoticed = otherValues(value, variable).some((other) => {
      const change = other - value;
      return uses.every(({ constraint, a: ua, b: ub, c: uc }) => {
        const left = ((a[constraint] ?? 0n) + ua * change) * ((b[constraint] ?? 0n) + ub * change);
        return mod(left - (c[constraint] ?? 0n) - uc * change) === 0n;
      });
    });
    if (unnoticed) loose.push(variable);
  });
  return loose;
}

/**
 * In how many independent directions the witness can move when ONE and the public inputs stand still: the
 * dimension of the kernel of the constraints' derivative at this witness. 0: the public inputs determine it,
 * at least near by. Gaussian elimination, in the order of the constraints.
 */
export function freedom(r1cs: R1cs, witness: readonly bigint[]): number {
  const [a = [], b = []] = [r1cs.a, r1cs.b].map((matrix) => matrixTimes(matrix, witness));
  const equations: Map<number, bigint>[] = Array.from({ length: r1cs.constraintCount }, () => new Map());
  usesOf(r1cs).forEach((uses, variable) => {
    if (variable <= r1cs.publicCount) return;
    for (const { constraint, a: ua, b: ub, c: uc } of uses) {
      const slope = mod(ua * (b[constraint] ?? 0n) + ub * (a[constraint] ?? 0n) - uc);
      if (slope !== 0n) equations[constraint]?.set(variable, slope);
    }
  });
  const solved = new Map<number, Map<number, bigint>>();
  for (const equation of equations) {
    // Solved variables are replaced, the newest first; what replaces them is older.
    for (let newest = solvedIn(equation, solved); newest !== undefined; newest = solvedIn(equation, solved)) {
      const factor = equation.get(newest) ?? 0n;
      equation.delete(newest);
      for (const [variable, slope] of solved.get(newest) ?? []) {
        const next = mod((equation.get(variable) ?? 0n) + factor * slope);
        if (next === 0n) equation.delete(variable);
        else equation.set(variable, next);
      }
    }
    if (equation.size === 0) continue;
    const pivot = Math.max(...equation.keys());
    const inverse = frInvert(equation.get(pivot) ?? 0n);
    equation.delete(pivot);
    solved.set(pivot, new Map([...equation].map(([variable, slope]) => [variable, mod(-slope * inverse)])));
  }
  return r1cs.variableCount - 1 - r1cs.publicCount - solved.size;
}

function solvedIn(
  equation: ReadonlyMap<number, bigint>,
  solved: ReadonlyMap<number, unknown>,
): number | undefined {
  let newest: number | undefined;
  for (const variable of equation.keys()) {
    if (solved.has(variable) && (newest === undefined || variable > newest)) newest = variable;
  }
  return newest;
}

/** A gadget as a circuit: its inputs are the public inputs, and its outputs are given back. */
export interface GadgetRun {
  readonly circuit: Circuit<readonly bigint[]>;
  /** The values of the outputs when the witness was made last. */
  outputs(): readonly bigint[];
}

export function gadgetRun(
  inputCount: number,
  build: (cs: ConstraintSystem, inputs: readonly Linear[]) => readonly Linear[],
): GadgetRun {
  let last: readonly bigint[] = [];
  return {
    circuit: {
      id: "gadget",
      synthesize(cs, values) {
        const inputs = Array.from({ length: inputCount }, (_none, i) => cs.publicInput(() => values?.[i]));
        last = build(cs, inputs).map(({ value }) => value);
      },
    },
    outputs: () => last,
  };
}

/** Σ 2^i · bit i. */
export const packedValue = (bits: readonly Linear[]): Linear =>
  linear.sum(bits.map((bit, i) => [1n << BigInt(i), bit] as const));
