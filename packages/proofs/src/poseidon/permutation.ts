/**
 * Poseidon as it is computed: the partial rounds with sparse matrices and one constant each.
 *
 * Two identities of the S-box S of a partial round, which touches the first element only:
 * - It lets constants ĉ with ĉ[0] = 0 through: M·S(x + ĉ) = M·S(x) + M·ĉ. So all but the first constant of a
 *   partial round move into the round after it, and finally into the first full round behind.
 * - It commutes with D = [1 0; 0 B]. With M = [a v; w M̂] and M = [a v·M̂⁻¹; w 1]·[1 0; 0 M̂], the right factor
 *   moves through S into the matrix of the round before. Counting rounds from the last backwards, round k keeps
 *   the sparse matrix [a v·M̂⁻ᵏ; M̂ᵏ⁻¹·w 1], and D with B = M̂ᴿ ends in the last matrix before them.
 *
 * Reduction is lazy: a sum of products is reduced once, and below the first element of a partial round not at
 * all (57 additions of 510-bit products stay below 2^520).
 * Source: the paper's appendix B ("efficient implementation"); the derivation above.
 */
import { frModulus } from "../field/index.ts";
import {
  fullRounds,
  invertMatrix,
  type Matrix,
  matrixProduct,
  matrixVector,
  type PoseidonConstants,
  poseidonConstants,
  transpose,
} from "./constants.ts";

interface SparseRound {
  /** Added to the first element before its S-box. */
  readonly constant: bigint;
  /** First row of the matrix. */
  readonly row: readonly bigint[];
  /** First column of the matrix, below the corner; the rest is the identity. */
  readonly column: readonly bigint[];
}

interface FullRound {
  readonly constants: readonly bigint[];
  readonly matrix: Matrix;
}

/** The permutation of one arity in the order in which it is computed. */
export interface PoseidonSchedule {
  readonly width: number;
  readonly domainTag: bigint;
  readonly before: readonly FullRound[];
  readonly partial: readonly SparseRound[];
  readonly after: readonly FullRound[];
}

const cache = new Map<number, PoseidonSchedule>();

/** The schedule of 2, 4, 8, 11, 16, 24 or 36 inputs, cached; circuits follow it too. Throws poseidon/bad-arity. */
export function poseidonSchedule(arity: number): PoseidonSchedule {
  const known = cache.get(arity);
  if (known !== undefined) return known;
  const schedule = deriveSchedule(poseidonConstants(arity));
  cache.set(arity, schedule);
  return schedule;
}

function deriveSchedule(constants: PoseidonConstants): PoseidonSchedule {
  const { width, partialRounds, domainTag, roundConstants, mds } = constants;
  const half = fullRounds / 2;
  const constantsOf = (round: number): readonly bigint[] =>
    roundConstants.slice(round * width, (round + 1) * width);

  const firstConstants: bigint[] = [];
  let carried: readonly bigint[] = new Array<bigint>(width).fill(0n);
  const addCarried = (round: number): bigint[] =>
    constantsOf(round).map((value, i) => (value + (carried[i] ?? 0n)) % frModulus);
  for (let round = half; round < half + partialRounds; round += 1) {
    const [first = 0n, ...others] = addCarried(round);
    firstConstants.push(first);
    carried = matrixVector(mds, [0n, ...others]);
  }
  const behind = addCarried(half + partialRounds);

  const inner = mds.slice(1).map((row) => row.slice(1));
  const innerInverseTransposed = transpose(invertMatrix(inner));
  const corner = mds[0]?.[0] ?? 0n;
  let row: readonly bigint[] = mds[0]?.slice(1) ?? [];
  let column: readonly bigint[] = mds.slice(1).map((line) => line[0] ?? 0n);
  const partial: SparseRound[] = [];
  for (let index = partialRounds - 1; index >= 0; index -= 1) {
    row = matrixVector(innerInverseTransposed, row);
    partial.unshift({ constant: firstConstants[index] ?? 0n, row: [corner, ...row], column });
    column = matrixVector(inner, column);
  }
  const moved = matrixPower(inner, partialRounds);
  const bordered = [
    mds[0]?.map((_value, j) => (j === 0 ? 1n : 0n)) ?? [],
    ...moved.map((line) => [0n, ...line]),
  ];
  const preSparse = matrixProduct(bordered, mds);

  const fullRound = (round: number, own?: readonly bigint[]): FullRound => ({
    constants: own ?? constantsOf(round),
    matrix: round === half - 1 ? preSparse : mds,
  });
  return {
    width,
    domainTag,
    before: Array.from({ length: half }, (_none, i) => fullRound(i)),
    partial,
    after: Array.from({ length: half }, (_none, i) =>
      fullRound(half + partialRounds + i, i === 0 ? behind : undefined),
    ),
  };
}

function matrixPower(matrix: Matrix, exponent: number): Matrix {
  if (exponent === 1) return matrix;
  const root = matrixPower(matrix, Math.floor(exponent / 2));
  const square = matrixProduct(root, root);
  return exponent % 2 === 0 ? square : matrixProduct(square, matrix);
}

function fullRoundInPlace(state: bigint[], { constants, matrix }: FullRound, scratch: bigint[]): void {
  const width = state.length;
  for (let i = 0; i < width; i += 1) {
    const value = (state[i] as bigint) + (constants[i] as bigint);
    const square = (value * value) % frModulus;
    scratch[i] = (((square * square) % frModulus) * value) % frModulus;
  }
  for (let i = 0; i < width; i += 1) {
    const row = matrix[i] as readonly bigint[];
    let sum = 0n;
    for (let j = 0; j < width; j += 1) sum += (row[j] as bigint) * (scratch[j] as bigint);
    state[i] = sum % frModulus;
  }
}

function partialRoundsInPlace(state: bigint[], rounds: readonly SparseRound[]): void {
  const width = state.length;
  let first = state[0] as bigint;
  for (const { constant, row, column } of rounds) {
    const value = first + constant;
    const square = (value * value) % frModulus;
    const power = (((square * square) % frModulus) * value) % frModulus;
    let sum = (row[0] as bigint) * power;
    for (let i = 1; i < width; i += 1) {
      const below = state[i] as bigint;
      sum += (row[i] as bigint) * below;
      state[i] = below + (column[i - 1] as bigint) * power;
    }
    first = sum % frModulus;
  }
  state[0] = first;
  for (let i = 1; i < width; i += 1) state[i] = (state[i] as bigint) % frModulus;
}

/**
 * Poseidon of 2, 4, 8, 11, 16, 24 or 36 elements, all in [0, r), under the domain tag of Merkle trees or
 * another one. Throws poseidon/bad-arity.
 */
export function poseidonHash(inputs: readonly bigint[], tag?: bigint): bigint {
  const { width, domainTag, before, partial, after } = poseidonSchedule(inputs.length);
  const state = [tag ?? domainTag, ...inputs];
  const scratch = new Array<bigint>(width).fill(0n);
  for (const round of before) fullRoundInPlace(state, round, scratch);
  partialRoundsInPlace(state, partial);
  for (const round of after) fullRoundInPlace(state, round, scratch);
  return state[1] as bigint;
}

/** Elements that one step of the chained form takes beside the accumulator. */
const mdArity = 36;

/**
 * Poseidon of any number (≥ 1) of elements by Merkle–Damgård: the first element starts, each step takes the
 * next 35; a short last chunk is filled with zeros, so callers fix the count.
 */
export function poseidonMd(inputs: readonly bigint[]): bigint {
  let accumulator = inputs[0] ?? 0n;
  for (let at = 1; at < inputs.length; at += mdArity - 1) {
    const chunk = inputs.slice(at, at + mdArity - 1);
    const zeros = new Array<bigint>(mdArity - 1 - chunk.length).fill(0n);
    accumulator = poseidonHash([accumulator, ...chunk, ...zeros]);
  }
  return accumulator;
}
