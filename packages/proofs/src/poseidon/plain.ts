/**
 * Poseidon as the paper writes it: every round adds its constants, applies the S-box (to all elements, or in a
 * partial round to the first alone) and multiplies by the MDS matrix. Slow and obviously right: the reference
 * that the form in use (`./permutation.ts`) is tested against.
 */
import { frModulus } from "../field/index.ts";
import { fullRounds, matrixVector, poseidonConstants } from "./constants.ts";

function power5(value: bigint): bigint {
  const square = (value * value) % frModulus;
  return (((square * square) % frModulus) * value) % frModulus;
}

/** Poseidon of 2, 4, 8, 11, 16, 24 or 36 elements, all in [0, r). Throws poseidon/bad-arity. */
export function poseidonPlain(inputs: readonly bigint[]): bigint {
  const { width, partialRounds, domainTag, roundConstants, mds } = poseidonConstants(inputs.length);
  const rounds = fullRounds + partialRounds;
  let state: readonly bigint[] = [domainTag, ...inputs];
  for (let round = 0; round < rounds; round += 1) {
    const isFull = round < fullRounds / 2 || round >= rounds - fullRounds / 2;
    const keyed = state.map((value, i) => (value + (roundConstants[round * width + i] ?? 0n)) % frModulus);
    state = matrixVector(
      mds,
      keyed.map((value, i) => (isFull || i === 0 ? power5(value) : value)),
    );
  }
  return state[1] ?? 0n;
}
