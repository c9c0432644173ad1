/** A proof file is read, its statement is checked by the verifier of its kind, and what was checked is said. */
import { checkInclusion } from "./inclusion.ts";
import { type ProofFile, readProofFile } from "./proof-file.ts";

export interface CheckedProof {
  readonly file: ProofFile;
  /** What was checked, in words. */
  readonly checks: readonly string[];
}

/** Errors `proof/bad-file`, `proof/file-too-large`, `proof/invalid`. */
export function checkProofFile(bytes: Uint8Array): CheckedProof {
  const file = readProofFile(bytes);
  return { file, checks: checkInclusion(file) };
}
