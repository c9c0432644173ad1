/**
 * Linear combinations of variables. While a shape is made a combination carries its terms and its value means
 * nothing; while a witness is made it carries its value and has no terms (of variables). All operations do
 * both, so a gadget is written once and neither pass pays for the other. Constants are known in every pass.
 * `zero` is the one combination that equals 0 by construction.
 * Invariant: terms are in ascending order of their variables, each once, without zeros; coefficients and values
 * are in [0, r). So equal combinations have equal terms.
 */
import { frModulus, frReduce } from "../field/index.ts";

export interface Linear {
  readonly variables: readonly number[];
  /** `coefficients[i]` belongs to `variables[i]`. */
  readonly coefficients: readonly bigint[];
  readonly value: bigint;
  /** Made of constants alone: then `value` is right in every pass, and gadgets may fold it. */
  readonly isConstant: boolean;
}

/** The variable that is always 1. */
export const oneVariable = 0;

const noVariables: readonly number[] = [];
const noCoefficients: readonly bigint[] = [];
const single: readonly bigint[] = [1n];

export const zero: Linear = {
  variables: noVariables,
  coefficients: noCoefficients,
  value: 0n,
  isConstant: true,
};

/** A combination without terms: what a variable is while a witness is made. `value` is in [0, r). */
export function ofValue(value: bigint): Linear {
  return { variables: noVariables, coefficients: noCoefficients, value, isConstant: false };
}

/** 1 · variable. */
export function ofVariable(variable: number): Linear {
  return { variables: [variable], coefficients: single, value: 0n, isConstant: false };
}

/** A constant of any size or sign: a multiple of the variable that is always 1. */
export function constant(value: bigint): Linear {
  const reduced = frReduce(value);
  if (reduced === 0n) return zero;
  return { variables: [oneVariable], coefficients: [reduced], value: reduced, isConstant: true };
}

export const one: Linear = constant(1n);

/** factor · a. */
export function scale(a: Linear, factor: bigint): Linear {
  const reduced = frReduce(factor);
  if (reduced === 0n) return zero;
  if (reduced === 1n) return a;
  return {
    variables: a.variables,
    coefficients: a.coefficients.map((coefficient) => (coefficient * reduced) % frModulus),
    value: (a.value * reduced) % frModulus,
    isConstant: a.isConstant,
  };
}

export function add(a: Linear, b: Linear): Linear {
  if (b === zero) return a;
  if (a === zero) return b;
  if (b.variables.length === 0 && a.variables.length === 0) {
    const value = a.value + b.value;
    return ofValue(value >= frModulus ? value - frModulus : value);
  }
  return merged(a, b, 1n);
}

export function subtract(a: Linear, b: Linear): Linear {
  if (b === zero) return a;
  if (b.variables.length === 0 && a.variables.length === 0) {
    const value = a.value - b.value;
    return ofValue(value < 0n ? value + frModulus : value);
  }
  return merged(a, b, frModulus - 1n);
}

/** a + factor · b, for factor in [0, r). */
function merged(a: Linear, b: Linear, factor: bigint): Linear {
  const variables: number[] = [];
  const coefficients: bigint[] = [];
  const times = (coefficient: bigint): bigint =>
    factor === 1n ? coefficient : (coefficient * factor) % frModulus;
  const put = (variable: number, coefficient: bigint): void => {
    if (coefficient === 0n) return;
    variables.push(variable);
    coefficients.push(coefficient);
  };
  let i = 0;
  let j = 0;
  while (i < a.variables.length || j < b.variables.length) {
    const left = a.variables[i] ?? Number.POSITIVE_INFINITY;
    const right = b.variables[j] ?? Number.POSITIVE_INFINITY;
    if (left < right) {
      put(left, a.coefficients[i] as bigint);
      i += 1;
    } else if (right < left) {
      put(right, times(b.coefficients[j] as bigint));
      j += 1;
    } else {
      put(left, frReduce((a.coefficients[i] as bigint) + times(b.coefficients[j] as bigint)));
      i += 1;
      j += 1;
    }
  }
  const isConstant = a.isConstant && b.isConstant;
  if (isConstant && variables.length === 0) return zero;
  return { variables, coefficients, value: frReduce(a.value + b.value * factor), isConstant };
}

/** One summand of `sum`: a factor of any size or sign, and a combination. */
export type Summand = readonly [factor: bigint, linear: Linear];

/** Σ factor · linear: many at once cost one sorting, not one copy each. */
export function sum(summands: readonly Summand[]): Linear {
  let value = 0n;
  let isConstant = true;
  let ascending = true;
  let last = -1;
  const terms: [variable: number, coefficient: bigint][] = [];
  for (const [factor, linear] of summands) {
    value += factor * linear.value;
    if (!linear.isConstant) isConstant = false;
    for (let i = 0; i < linear.variables.length; i += 1) {
      const variable = linear.variables[i] as number;
      if (variable <= last) ascending = false;
      last = variable;
      terms.push([variable, factor * (linear.coefficients[i] as bigint)]);
    }
  }
  if (terms.length === 0) return isConstant ? zero : ofValue(frReduce(value));
  if (!ascending) terms.sort(([a], [b]) => a - b);
  const variables: number[] = [];
  const coefficients: bigint[] = [];
  for (let i = 0; i < terms.length; ) {
    const [variable] = terms[i] as [number, bigint];
    let coefficient = 0n;
    for (; i < terms.length && terms[i]?.[0] === variable; i += 1) coefficient += terms[i]?.[1] ?? 0n;
    const reduced = frReduce(coefficient);
    if (reduced === 0n) continue;
    variables.push(variable);
    coefficients.push(reduced);
  }
  if (isConstant && variables.length === 0) return zero;
  return { variables, coefficients, value: frReduce(value), isConstant };
}
