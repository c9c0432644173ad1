/**
 * From the powers of tau to the proving key of a circuit with γ = δ = 1, by linear combinations of points alone:
 * nobody needs to know τ, and everybody gets the same key. Phase 2 then multiplies δ.
 *
 * Source: Bowe, Gabizon and Miers 2017 §6; that γ may stay 1 is shown there.
 */
import { bigEndian, readBigEndian } from "@holdfast/base";
import { type CurveCall, curveCalls, fpModulus, g1Bytes, g2Bytes } from "../../curve/index.ts";
import { frModulus, frsToBytes } from "../../field/index.ts";
import { type R1cs, r1csDigest, type SparseMatrix } from "../../r1cs/index.ts";
import { generatorG1, generatorG2 } from "../generators.ts";
import { isInfinite, joinBytes } from "../points.ts";
import type { ProvingKey } from "../proving-key.ts";
import { domainSizeOf, supportOf } from "../qap.ts";
import { ceremonyErrors } from "./errors.ts";
import type { Powers } from "./powers.ts";

/** The terms of one column: rows and coefficients. */
interface Column {
  readonly rows: readonly number[];
  readonly coefficients: readonly bigint[];
}

type Columns = ReadonlyMap<number, { rows: number[]; coefficients: bigint[] }>;

function columnsOf(matrix: SparseMatrix, rowCount: number): Columns {
  const columns = new Map<number, { rows: number[]; coefficients: bigint[] }>();
  const { rowStarts, values } = matrix;
  for (let row = 0; row < rowCount; row += 1) {
    const end = rowStarts[row + 1] as number;
    for (let at = rowStarts[row] as number; at < end; at += 1) {
      const index = matrix.columns[at] as number;
      const column = columns.get(index) ?? { rows: [], coefficients: [] };
      columns.set(index, column);
      column.rows.push(row);
      column.coefficients.push(values[matrix.coefficients[at] as number] as bigint);
    }
  }
  return columns;
}

/** The columns of A with the rows of ONE and the public inputs. */
function columnsOfA({ a, constraintCount, publicCount }: R1cs): Columns {
  const columns = new Map(columnsOf(a, constraintCount));
  for (let input = 0; input <= publicCount; input += 1) {
    const column = columns.get(input) ?? { rows: [], coefficients: [] };
    columns.set(input, column);
    column.rows.push(constraintCount + input);
    column.coefficients.push(1n);
  }
  return columns;
}

/** −P of a finite uncompressed point: every coordinate of y becomes p − y. */
function negate(point: Uint8Array): Uint8Array {
  if (isInfinite(point)) return point;
  const half = point.length / 2;
  const negated = new Uint8Array(point);
  for (let at = half; at < point.length; at += 48) {
    const part = readBigEndian(point.subarray(at, at + 48));
    if (part !== 0n) negated.set(bigEndian(fpModulus - part, 48), at);
  }
  return negated;
}

const noBytes = new Uint8Array(0);

interface Terms {
  readonly points: Uint8Array[];
  readonly scalars: bigint[];
}

/** Adds the terms of a column. Coefficients such as −1 become small ones of the negated point. */
function addTerms(into: Terms, column: Column | undefined, points: Uint8Array, unit: number): void {
  column?.rows.forEach((row, i) => {
    const coefficient = column.coefficients[i] as bigint;
    const point = points.subarray(row * unit, (row + 1) * unit);
    const negative = 2n * coefficient > frModulus;
    into.points.push(negative ? negate(point) : point);
    into.scalars.push(negative ? frModulus - coefficient : coefficient);
  });
}

/** Sums that are computed side by side, so that points of all are not in memory together. */
const togetherSums = 4096;

/** The sum of each, one behind the other. */
function sumAll(group: "G1" | "G2", terms: Iterable<Terms>): Uint8Array {
  const sums: Uint8Array[] = [];
  let calls: CurveCall[] = [];
  let places: number[] = [];
  const flush = (): void => {
    for (const [i, sum] of curveCalls(calls).entries()) sums[places[i] as number] = sum;
    calls = [];
    places = [];
  };
  for (const { points, scalars } of terms) {
    const [only] = points;
    if (only !== undefined && scalars.length === 1 && scalars[0] === 1n) sums.push(only);
    else {
      places.push(sums.length);
      sums.push(noBytes);
      calls.push({ call: `msm${group}`, args: [joinBytes(points), frsToBytes(scalars)] });
      if (calls.length === togetherSums) flush();
    }
  }
  flush();
  return joinBytes(sums);
}

/** Lagrange values of the domain in the exponent. */
interface Lagrange {
  readonly g1: Uint8Array;
  readonly g2: Uint8Array;
  readonly alpha: Uint8Array;
  readonly beta: Uint8Array;
}

function lagrangeOf(powers: Powers, size: number): Lagrange {
  const [g2, g1, alpha, beta] = curveCalls([
    { call: "lagrangeG2", args: [powers.tauG2.subarray(0, size * g2Bytes)] },
    { call: "lagrangeG1", args: [powers.tauG1.subarray(0, size * g1Bytes)] },
    { call: "lagrangeG1", args: [powers.alphaTauG1.subarray(0, size * g1Bytes)] },
    { call: "lagrangeG1", args: [powers.betaTauG1.subarray(0, size * g1Bytes)] },
  ]) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  return { g1, g2, alpha, beta };
}

/** τ^(i+n) − τ^i for i < n − 1: the powers of tau times the polynomial that vanishes on the domain. */
function* vanishingPowers({ tauG1 }: Powers, size: number): Generator<Terms> {
  const at = (i: number): Uint8Array => tauG1.subarray(i * g1Bytes, (i + 1) * g1Bytes);
  for (let i = 0; i + 1 < size; i += 1) yield { points: [at(i + size), negate(at(i))], scalars: [1n, 1n] };
}

/** The key with γ = δ = 1. Throws ceremony/too-small. */
export function deriveCircuitKey(powers: Powers, r1cs: R1cs): ProvingKey {
  const size = domainSizeOf(r1cs);
  if (size > 2 ** powers.logSize) throw ceremonyErrors.tooSmall({ rows: size, powers: 2 ** powers.logSize });
  const lagrange = lagrangeOf(powers, size);
  const [inA, inB] = [columnsOfA(r1cs), columnsOf(r1cs.b, r1cs.constraintCount)];
  const inC = columnsOf(r1cs.c, r1cs.constraintCount);
  function* columns(
    of: Columns,
    variables: Iterable<number>,
    points: Uint8Array,
    unit: number,
  ): Generator<Terms> {
    for (const variable of variables) {
      const terms: Terms = { points: [], scalars: [] };
      addTerms(terms, of.get(variable), points, unit);
      yield terms;
    }
  }
  const mixed = (variable: number): Terms => {
    const terms: Terms = { points: [], scalars: [] };
    addTerms(terms, inA.get(variable), lagrange.beta, g1Bytes);
    addTerms(terms, inB.get(variable), lagrange.alpha, g1Bytes);
    addTerms(terms, inC.get(variable), lagrange.g1, g1Bytes);
    return terms;
  };
  const support = supportOf(r1cs);
  function* mixedRange(from: number, to: number): Generator<Terms> {
    for (let variable = from; variable < to; variable += 1) yield mixed(variable);
  }
  const verifyingKey = {
    alphaG1: powers.alphaTauG1.slice(0, g1Bytes),
    betaG2: powers.betaG2,
    gammaG2: generatorG2,
    deltaG2: generatorG2,
    ic: sumAll("G1", mixedRange(0, r1cs.publicCount + 1)),
  };
  return {
    circuitDigest: r1csDigest(r1cs),
    verifyingKey,
    betaG1: powers.betaTauG1.slice(0, g1Bytes),
    deltaG1: generatorG1,
    domainSize: size,
    variableCount: r1cs.variableCount,
    a: sumAll("G1", columns(inA, support.a, lagrange.g1, g1Bytes)),
    bG1: sumAll("G1", columns(inB, support.b, lagrange.g1, g1Bytes)),
    bG2: sumAll("G2", columns(inB, support.b, lagrange.g2, g2Bytes)),
    l: sumAll("G1", mixedRange(r1cs.publicCount + 1, r1cs.variableCount)),
    h: sumAll("G1", vanishingPowers(powers, size)),
  };
}
