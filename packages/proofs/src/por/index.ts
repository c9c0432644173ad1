/** Proof of retrievability: leaves of a piece, asked at random, shown under its commitment. */
import { sha254Hasher } from "../merkle/index.ts";
import { verifyOpening } from "../openings/index.ts";
import { type PorRequest, porChallenges, requestFlaw, treeLeaves } from "./challenges.ts";

export { challengesFor, detectionProbability, type PorRequest, porChallenges } from "./challenges.ts";
export { porErrors } from "./errors.ts";
export { type DataSource, PorStream, provePor, provePorOfData } from "./prove.ts";

export interface PorStatement extends PorRequest {
  /** The challenged leaves, ascending, and the nodes beside their paths: nothing else, in one order. */
  readonly proof: Uint8Array;
}

/** Whether the proof answers the request. Never throws: a flawed request or malformed bytes are `false`. */
export function verifyPor(statement: PorStatement): boolean {
  if (requestFlaw(statement) !== undefined) return false;
  const { commitment, proof } = statement;
  return verifyOpening(sha254Hasher, commitment, treeLeaves(statement), porChallenges(statement), proof);
}
