/**
 * A verifier that keeps verdicts: a proof that a worker thread has checked, or that was checked when its
 * message arrived, costs one hash when its block is applied.
 * Invariant: an answer is the inner verifier's answer (or a verdict that the caller vouches for): the key
 * is a hash of the complete statement in its one canonical encoding. At most `limit` verdicts are kept; the
 * one unused for longest goes first.
 */
import { addressBytes, assert, blake2b256, type CborValue, encodeCbor, toHex } from "@holdfast/base";
import type { SectorClass } from "./classes.ts";
import type { PieceInclusionStatement } from "./piece/index.ts";
import {
  type PostStatement,
  type SealStatement,
  type Statement,
  type Verifier,
  verifyStatement,
} from "./verifier.ts";

export interface MemoVerifier extends Verifier {
  /** Takes a verdict that was computed elsewhere, by the same rules. */
  remember(statement: Statement, verdict: boolean): void;
  /** The verdict if it is known, without computing it. */
  recall(statement: Statement): boolean | undefined;
}

function classesValue(classes: readonly SectorClass[]): CborValue {
  return classes.map(({ sectorBytes, profile, proofMode, keys }) => [
    sectorBytes,
    profile,
    proofMode,
    keys === null ? null : [keys.seal, keys.window, keys.winning],
  ]);
}

function sealValue(statement: SealStatement): CborValue {
  const { classes, sectorBytes, identity, commR, commRStar, seed, proof } = statement;
  const { networkId, miner, sectorId, ticket, commD } = identity;
  const parts = [networkId, addressBytes(miner), sectorId, ticket, commD];
  return [classesValue(classes), sectorBytes, parts, commR, commRStar, seed, proof];
}

function postValue({ classes, kind, seed, miner, sectors, proof }: PostStatement): CborValue {
  const rows = sectors.map(({ sectorId, sectorBytes, commR }) => [sectorId, sectorBytes, commR]);
  return [classesValue(classes), kind, seed, addressBytes(miner), rows, proof];
}

function inclusionValue(statement: PieceInclusionStatement): CborValue {
  const { commD, sectorBytes, commP, paddedBytes, proof } = statement;
  return [commD, sectorBytes, commP, paddedBytes, proof];
}

function cborOf({ check, statement }: Statement): CborValue {
  switch (check) {
    case "seal":
      return sealValue(statement);
    case "post":
      return postValue(statement);
    case "pieceInclusion":
      return inclusionValue(statement);
  }
}

/** A hash of the complete statement in its one canonical encoding: the key under which a verdict is kept. */
export function statementKey(statement: Statement): string {
  return toHex(blake2b256(encodeCbor([statement.check, cborOf(statement)])));
}

/** Wraps `inner`; keeps at most `limit` (≥ 1) verdicts, some 200 bytes each. */
export function createMemoVerifier(inner: Verifier, limit: number): MemoVerifier {
  assert(Number.isSafeInteger(limit) && limit >= 1, "a memo keeps at least one verdict");
  const verdicts = new Map<string, boolean>();

  const keep = (key: string, verdict: boolean): void => {
    verdicts.delete(key);
    const [oldest] = verdicts.keys();
    if (verdicts.size >= limit && oldest !== undefined) verdicts.delete(oldest);
    verdicts.set(key, verdict);
  };
  const answer = (statement: Statement): boolean => {
    const key = statementKey(statement);
    const verdict = verdicts.get(key) ?? verifyStatement(inner, statement);
    keep(key, verdict);
    return verdict;
  };
  return {
    verifySeal: (statement) => answer({ check: "seal", statement }),
    verifyPost: (statement) => answer({ check: "post", statement }),
    verifyPieceInclusion: (statement) => answer({ check: "pieceInclusion", statement }),
    remember: (statement, verdict) => keep(statementKey(statement), verdict),
    recall: (statement) => verdicts.get(statementKey(statement)),
  };
}
