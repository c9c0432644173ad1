/**
 * What can be said about a finished system: whether an assignment satisfies it, and which system it is.
 */
import { concatBytes, littleEndian, sha256, utf8Bytes } from "@holdfast/base";
import { frModulus, frsToBytes } from "../field/index.ts";
import { rowTimes, type SparseMatrix, ValueTable } from "./rows.ts";
import type { R1cs } from "./system.ts";

export type Satisfaction =
  | { readonly ok: true }
  | { readonly ok: false; readonly constraint: number; readonly note: string };

/** The part of the circuit that made constraint number `constraint`. */
export function partOf(r1cs: R1cs, constraint: number): string {
  return r1cs.parts?.findLast(({ first }) => first <= constraint)?.part ?? "unnamed part";
}

/**
 * Whether the assignment (`variableCount` values in [0, r), the first 1) satisfies every constraint; otherwise
 * the first one that it does not (−1: the assignment has no fitting form).
 */
export function isSatisfied(r1cs: R1cs, witness: readonly bigint[]): Satisfaction {
  if (witness.length !== r1cs.variableCount) {
    const note = `the assignment has ${witness.length} values, not ${r1cs.variableCount}`;
    return { ok: false, constraint: -1, note };
  }
  if (witness[0] !== 1n) return { ok: false, constraint: -1, note: "variable 0 is not 1" };
  const wild = witness.findIndex((value) => value < 0n || value >= frModulus);
  if (wild >= 0) return { ok: false, constraint: -1, note: `variable ${wild} is no field element` };
  for (let i = 0; i < r1cs.constraintCount; i += 1) {
    const left = (rowTimes(r1cs.a, i, witness) * rowTimes(r1cs.b, i, witness)) % frModulus;
    if (left !== rowTimes(r1cs.c, i, witness)) return { ok: false, constraint: i, note: partOf(r1cs, i) };
  }
  return { ok: true };
}

const domain = utf8Bytes("holdfast r1cs 1\n");
const wordBytes = 4;

/** 32-bit words, little-endian whatever the machine is. */
function wordsBytes(words: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(words.length * wordBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words.length; i += 1) view.setUint32(i * wordBytes, words[i] as number, true);
  return bytes;
}

/**
 * The identity of a constraint system: SHA-256 of a canonical encoding. Values are listed in the order of
 * their first use in a, b and c, so the digest depends on the constraints alone and not on how they were made.
 */
export function r1csDigest(r1cs: R1cs): Uint8Array {
  const table = new ValueTable();
  const placesIn = ({ coefficients, values }: SparseMatrix): Uint32Array => {
    const known: (number | undefined)[] = [];
    return coefficients.map((place) => {
      known[place] ??= table.placeOf(values[place] as bigint);
      return known[place];
    });
  };
  const matrices = [r1cs.a, r1cs.b, r1cs.c].flatMap((matrix) => [
    littleEndian(matrix.columns.length, wordBytes),
    wordsBytes(matrix.rowStarts),
    wordsBytes(matrix.columns),
    wordsBytes(placesIn(matrix)),
  ]);
  return sha256(
    concatBytes(
      domain,
      wordsBytes([r1cs.publicCount, r1cs.variableCount, r1cs.constraintCount, table.values.length]),
      frsToBytes(table.values),
      ...matrices,
    ),
  );
}
