/**
 * Sets and the accumulator: the proof that the files of a committed set were added, and that files at the front were
 * taken away. The elements are always made by the judge, from roots that it knows or that are bound by them.
 * Source: CESSProject/cess_pois v0.6.3, VerifyAcc and VerifyDeletion.
 */
import { assert, equalBytes } from "@holdfast/base";
import {
  type CessBasis,
  type CessState,
  type CessUpdate,
  cessElement,
  verifyCessDelete,
  verifyCessInsert,
} from "./chains.ts";
import { areCommits, elementsOf, filesBefore } from "./commit.ts";
import type { CessCommits, CessDeletionProof, CessInsertProof } from "./records.ts";
import { type CessSet, isSet } from "./shape.ts";

/** The proof that goes with an update of the accumulator by the elements of a set. */
export function cessInsertProof(set: CessSet, commits: CessCommits, update: CessUpdate): CessInsertProof {
  assert(areCommits(set, commits), "the commits are of the set");
  return { fileIndexes: commits.fileIndexes, elements: elementsOf(set, commits), update };
}

/** The miner's state with the set added, or undefined if the proof does not show that. Never throws. */
export function verifyCessSetInsert(
  basis: CessBasis,
  state: CessState,
  set: CessSet,
  commits: CessCommits,
  { fileIndexes, elements, update }: CessInsertProof,
): CessState | undefined {
  if (!isSet(set) || filesBefore(set) !== state.rear || !areCommits(set, commits)) return undefined;
  const expected = elementsOf(set, commits);
  const same =
    fileIndexes.length === expected.length &&
    fileIndexes.every((index, i) => index === commits.fileIndexes[i]) &&
    elements.length === expected.length &&
    elements.every((element, i) => equalBytes(element, expected[i] as Uint8Array));
  return same ? verifyCessInsert(basis, state, expected, update) : undefined;
}

/** The miner's state without as many files as there are roots, or undefined. Never throws. */
export function verifyCessDeletion(
  basis: CessBasis,
  state: CessState,
  minerId: Uint8Array,
  { roots, update }: CessDeletionProof,
): CessState | undefined {
  const wellFormed = minerId.length === 32 && roots.every((root) => root.length === 32);
  if (!wellFormed || !Number.isSafeInteger(state.front) || state.front < 0) return undefined;
  const elements = roots.map((root, i) => cessElement(minerId, state.front + i + 1, root));
  return verifyCessDelete(basis, state, elements, update);
}
