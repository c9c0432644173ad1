/**
 * Rank-1 constraint systems from one synthesis function: run without an assignment it gives the constraints,
 * run with one it gives the values of all variables, in the same order because it is the same code.
 * Invariant: variables are numbered ONE, then public inputs, then witnesses, each in the order of its making;
 * every constraint is ⟨a, w⟩ · ⟨b, w⟩ = ⟨c, w⟩ over the scalar field of BLS12-381.
 * Source: the idea is bellman's (constraints and witness from one function); the relation is Groth's.
 */
import { assert } from "@holdfast/base";
import { frModulus, frReduce } from "../field/index.ts";
import { r1csErrors } from "./errors.ts";
import { type Linear, ofValue, ofVariable, oneVariable } from "./linear.ts";
import { MatrixBuilder, type SparseMatrix, ValueTable } from "./rows.ts";

/** A constraint system's shape: everything that setup and verification depend on. */
export interface R1cs {
  /** Without ONE. */
  readonly publicCount: number;
  /** With ONE. */
  readonly variableCount: number;
  readonly constraintCount: number;
  readonly a: SparseMatrix;
  readonly b: SparseMatrix;
  readonly c: SparseMatrix;
  /** Which part of the circuit made which constraints; for people, not part of the digest. */
  readonly parts?: readonly PartRun[];
}

/** From constraint number `first` on (until the next run) constraints belong to this part. */
export interface PartRun {
  readonly first: number;
  readonly part: string;
}

/** A circuit: one function for constraints and witness. */
export interface Circuit<Assignment> {
  /** Identifies everything the constraints depend on; names of parameter files are made from it. */
  readonly id: string;
  /** `assignment` is undefined while the shape is made; then no value is asked for. */
  synthesize(cs: ConstraintSystem, assignment: Assignment | undefined): void;
}

/**
 * Constraints over neighbouring variables, ready to be placed anywhere: column 0 is ONE, column k ≥ 1 the
 * variable `base + k − 1`. The last `newVariables` of them come into being with the block.
 */
export interface ConstraintBlock {
  readonly newVariables: number;
  /** Three rows (a, b, c) per constraint, columns ascending. */
  readonly rows: readonly BlockRow[];
}

export interface BlockRow {
  readonly columns: readonly number[];
  readonly coefficients: readonly bigint[];
}

/** What a gadget or circuit gives for a variable; asked only while a witness is made. */
export type ValueOf = () => bigint | undefined;

/** What one pass of a synthesis is for: constraints, values, or only how many of each there are. */
export type Pass = "shape" | "witness" | "count";

/** How large a circuit is, by part. */
export type CircuitSize = Pick<R1cs, "publicCount" | "variableCount" | "constraintCount"> & {
  readonly parts: readonly PartRun[];
};

const outside = "outside of any part";
/** What every variable is where only their number matters. */
const uncounted = ofValue(0n);

/** Made by `shapeOf`, `witnessOf` and `sizeOf`; circuits and gadgets receive it. */
export class ConstraintSystem {
  readonly pass: Pass;
  readonly #assignment: bigint[] = [1n];
  readonly #table = new ValueTable();
  readonly #a = new MatrixBuilder(this.#table);
  readonly #b = new MatrixBuilder(this.#table);
  readonly #c = new MatrixBuilder(this.#table);
  readonly #blockPlaces = new Map<ConstraintBlock, readonly (readonly number[])[]>();
  readonly #parts: PartRun[] = [];
  #part = outside;
  #noted: string | undefined;
  #publicCount = 0;
  #variableCount = 1;
  #constraintCount = 0;

  constructor(pass: Pass) {
    this.pass = pass;
  }

  /** The next public input. All of them are made before the first witness. Throws r1cs/missing-value. */
  publicInput(value: ValueOf): Linear {
    assert(this.#variableCount === this.#publicCount + 1, "public inputs come before witnesses");
    this.#publicCount += 1;
    return this.#variable(value);
  }

  /** A new witness variable. Values of any size and sign are reduced. Throws r1cs/missing-value. */
  witness(value: ValueOf): Linear {
    return this.#variable(value);
  }

  #variable(value: ValueOf): Linear {
    const variable = this.#variableCount;
    this.#variableCount += 1;
    if (this.pass === "shape") return ofVariable(variable);
    if (this.pass === "count") return uncounted;
    const given = value();
    if (given === undefined) throw r1csErrors.missingValue({ variable, part: this.#part });
    const reduced = given >= 0n && given < frModulus ? given : frReduce(given);
    this.#assignment.push(reduced);
    return ofValue(reduced);
  }

  /** a · b = c. */
  enforce(a: Linear, b: Linear, c: Linear): void {
    this.#notePart();
    if (this.pass === "shape") {
      this.#a.row(a);
      this.#b.row(b);
      this.#c.row(c);
    }
    this.#constraintCount += 1;
  }

  /** A new variable that is a · b: one constraint. */
  product(a: Linear, b: Linear): Linear {
    const result = this.witness(() => a.value * b.value);
    this.enforce(a, b, result);
    return result;
  }

  /** The number that the next variable gets. */
  get nextVariable(): number {
    return this.#variableCount;
  }

  /** Puts a block of constraints at `base`; `values` are asked for in the pass "witness" only. */
  place(block: ConstraintBlock, base: number, values: readonly bigint[]): void {
    this.#notePart();
    if (this.pass === "shape") this.#collect(block, base);
    if (this.pass === "witness") {
      assert(values.length === block.newVariables, "a block's variables all get values");
      for (const value of values) this.#assignment.push(value);
    }
    this.#variableCount += block.newVariables;
    this.#constraintCount += block.rows.length / 3;
  }

  #collect(block: ConstraintBlock, base: number): void {
    const matrices = [this.#a, this.#b, this.#c] as const;
    const places = this.#placesOf(block);
    block.rows.forEach(({ columns }, i) => {
      const matrix = matrices[i % 3] as MatrixBuilder;
      const rowPlaces = places[i] as readonly number[];
      for (let k = 0; k < columns.length; k += 1) {
        const column = columns[k] as number;
        matrix.term(column === 0 ? oneVariable : base + column - 1, rowPlaces[k] as number);
      }
      matrix.endRow();
    });
  }

  #placesOf(block: ConstraintBlock): readonly (readonly number[])[] {
    const known = this.#blockPlaces.get(block);
    if (known !== undefined) return known;
    const places = block.rows.map(({ coefficients }) =>
      coefficients.map((coefficient) => this.#table.placeOf(coefficient)),
    );
    this.#blockPlaces.set(block, places);
    return places;
  }

  /** Names the part of the circuit that `body` makes; an inner name wins. */
  within<Result>(part: string, body: () => Result): Result {
    const before = this.#part;
    this.#part = part;
    try {
      return body();
    } finally {
      this.#part = before;
    }
  }

  #notePart(): void {
    if (this.#noted === this.#part) return;
    this.#noted = this.#part;
    this.#parts.push({ first: this.#constraintCount, part: this.#part });
  }

  /** How much was made so far. */
  get size(): CircuitSize {
    return {
      publicCount: this.#publicCount,
      variableCount: this.#variableCount,
      constraintCount: this.#constraintCount,
      parts: this.#parts,
    };
  }

  /** What was collected, in the pass "shape". */
  finishShape(): R1cs {
    assert(this.pass === "shape", "this system collected constraints");
    return { ...this.size, a: this.#a.finish(), b: this.#b.finish(), c: this.#c.finish() };
  }

  /** The values of all variables, in the pass "witness". */
  finishWitness(): readonly bigint[] {
    assert(this.pass === "witness", "this system computed values");
    return this.#assignment;
  }
}

/** How large a circuit is, without holding its constraints: for circuits of any size. */
export function sizeOf<Assignment>(circuit: Circuit<Assignment>): CircuitSize {
  const cs = new ConstraintSystem("count");
  circuit.synthesize(cs, undefined);
  return cs.size;
}

/** The constraints of a circuit. Takes about as long as the circuit has terms; callers keep it by the id. */
export function shapeOf<Assignment>(circuit: Circuit<Assignment>): R1cs {
  const cs = new ConstraintSystem("shape");
  circuit.synthesize(cs, undefined);
  return cs.finishShape();
}

/**
 * The values of all variables, `[1, public inputs …, witnesses …]`, in [0, r). They satisfy the constraints if
 * and only if the assignment is honest; `isSatisfied` tells. Throws r1cs/missing-value.
 */
export function witnessOf<Assignment>(
  circuit: Circuit<Assignment>,
  assignment: Assignment,
): readonly bigint[] {
  const cs = new ConstraintSystem("witness");
  circuit.synthesize(cs, assignment);
  return cs.finishWitness();
}
