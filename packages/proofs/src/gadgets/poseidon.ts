/**
 * Poseidon as constraints: x² = x·x, x⁴ = x²·x², x⁵ = x⁴·x per S-box and nothing else; constants and matrices
 * are inside the combinations. The S-box of the domain tag, a constant, costs nothing.
 * From the second round on, the constraints are the same wherever the gadget stands, but for the numbers of its
 * variables: they are derived once per arity and placed as a block. The values of a witness come from the same
 * code, run over numbers instead of combinations.
 */
import { assert } from "@holdfast/base";
import { frModulus } from "../field/index.ts";
import { type PoseidonSchedule, poseidonSchedule } from "../poseidon/index.ts";
import {
  type BlockRow,
  type ConstraintBlock,
  type ConstraintSystem,
  type Linear,
  linear,
} from "../r1cs/index.ts";

/** What the rounds do with elements, whatever these are. */
interface Arithmetic<Element> {
  /** Σ factor · element. */
  combine(factors: readonly bigint[], elements: readonly Element[]): Element;
  /** (element + constant)^5. */
  power5(element: Element, constant: bigint): Element;
}

/** All rounds behind the S-boxes of the first one; returns the hash. */
function rounds<Element>(
  { before, partial, after, width }: PoseidonSchedule,
  powers: readonly Element[],
  { combine, power5 }: Arithmetic<Element>,
): Element {
  let state = powers;
  const mix = (matrix: PoseidonSchedule["before"][number]["matrix"]): void => {
    const inputs = state;
    state = matrix.map((row) => combine(row, inputs));
  };
  const full = (round: PoseidonSchedule["before"][number]): void => {
    state = state.map((element, i) => power5(element, round.constants[i] as bigint));
    mix(round.matrix);
  };
  const [first, ...others] = before;
  assert(first !== undefined, "there are full rounds");
  mix(first.matrix);
  others.forEach(full);
  for (const { constant, row, column } of partial) {
    const power = power5(state[0] as Element, constant);
    const below = state.slice(1);
    state = [
      combine(row, [power, ...below]),
      ...below.map((element, i) => combine([1n, column[i] as bigint], [element, power])),
    ];
  }
  after.forEach(full);
  assert(state.length === width, "rounds keep the width");
  return state[1] as Element;
}

function power5Of(value: bigint, squares?: bigint[]): bigint {
  const square = (value * value) % frModulus;
  const fourth = (square * square) % frModulus;
  const fifth = (fourth * value) % frModulus;
  squares?.push(square, fourth, fifth);
  return fifth;
}

/** Numbers; the intermediate values of every S-box are put into `values`, in the order of the variables. */
function numbers(values: bigint[]): Arithmetic<bigint> {
  return {
    combine(factors, elements) {
      let total = 0n;
      for (let i = 0; i < factors.length; i += 1) {
        total += (factors[i] as bigint) * (elements[i] as bigint);
      }
      return total % frModulus;
    },
    power5: (element, constant) => power5Of((element + constant) % frModulus, values),
  };
}

/** Factors of ONE and of the fifth powers made so far, in the order of their making. */
type Powers = readonly bigint[];

/** Variables per S-box: the square, the fourth and the fifth power, of which only the last is used again. */
const perBox = 3;

function rowOf(powers: Powers): BlockRow {
  const columns: number[] = [];
  const coefficients: bigint[] = [];
  powers.forEach((factor, i) => {
    if (factor === 0n) return;
    columns.push(i * perBox);
    coefficients.push(factor);
  });
  return { columns, coefficients };
}

const unit = (column: number): BlockRow => ({ columns: [column], coefficients: [1n] });

/** Combinations of fifth powers; the constraints of every S-box are put into `rows`. */
function combinations(boxesBefore: number, rows: BlockRow[]): Arithmetic<Powers> {
  let boxes = boxesBefore;
  return {
    combine(factors, elements) {
      const length = elements.reduce((most, element) => Math.max(most, element.length), 0);
      return Array.from({ length }, (_none, i) => {
        let total = 0n;
        elements.forEach((element, j) => {
          total += (factors[j] as bigint) * (element[i] ?? 0n);
        });
        return total % frModulus;
      });
    },
    power5(element, constant) {
      const keyed = rowOf(element.map((factor, i) => (i === 0 ? (factor + constant) % frModulus : factor)));
      const [square, fourth, fifth] = [1, 2, 3].map((i) => unit(boxes * perBox + i));
      assert(square !== undefined && fourth !== undefined && fifth !== undefined, "an S-box has three steps");
      rows.push(keyed, keyed, square, square, square, fourth, fourth, keyed, fifth);
      boxes += 1;
      return [...new Array<bigint>(boxes).fill(0n), 1n];
    },
  };
}

interface Template {
  readonly block: ConstraintBlock;
  /** The hash, over the block's columns. */
  readonly output: BlockRow;
}

const templates = new Map<number, Template>();

function templateOf(arity: number): Template {
  const known = templates.get(arity);
  if (known !== undefined) return known;
  const schedule = poseidonSchedule(arity);
  const rows: BlockRow[] = [];
  const inputs = Array.from({ length: arity }, (_none, i) => [...new Array<bigint>(i + 1).fill(0n), 1n]);
  const hash = rounds(schedule, [[tagPower(schedule)], ...inputs], combinations(arity, rows));
  const template = { block: { newVariables: rows.length / perBox, rows }, output: rowOf(hash) };
  templates.set(arity, template);
  return template;
}

/** The domain tag behind the first S-box. */
function tagPower({ domainTag, before }: PoseidonSchedule): bigint {
  return power5Of((domainTag + (before[0]?.constants[0] ?? 0n)) % frModulus);
}

/**
 * Poseidon of 2, 4, 8, 11, 16, 24 or 36 combinations under the domain tag of Merkle trees: 3·(8·arity + 7 +
 * partial rounds) constraints (234, 285, 384 and 582 for arities 2, 4, 8 and 16). Throws poseidon/bad-arity.
 */
export function poseidonGadget(cs: ConstraintSystem, inputs: readonly Linear[]): Linear {
  const schedule = poseidonSchedule(inputs.length);
  const base = cs.nextVariable;
  const constants = schedule.before[0]?.constants ?? [];
  const powers = inputs.map((input, i) => {
    const keyed = linear.add(input, linear.constant(constants[i + 1] ?? 0n));
    const square = cs.product(keyed, keyed);
    return cs.product(cs.product(square, square), keyed);
  });
  const { block, output } = templateOf(inputs.length);
  if (cs.pass !== "witness") {
    cs.place(block, base, []);
    return cs.pass === "shape" ? placed(output, base) : linear.ofValue(0n);
  }
  const values: bigint[] = [];
  const hash = rounds(schedule, [tagPower(schedule), ...powers.map(({ value }) => value)], numbers(values));
  cs.place(block, base, values);
  return linear.ofValue(hash);
}

function placed({ columns, coefficients }: BlockRow, base: number): Linear {
  const variables = columns.map((column) => (column === 0 ? linear.oneVariable : base + column - 1));
  return { variables, coefficients, value: 0n, isConstant: false };
}
