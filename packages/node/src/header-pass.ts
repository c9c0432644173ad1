/**
 * The costly claims of headers, verified off the main thread where there are workers: signatures and lottery draws
 * as well as winning proofs, those of many headers at a time. Invariants: a verdict is about all inputs of the claim;
 * what is remembered was computed by a real verifier; memory is bounded.
 */
import { hash } from "node:crypto";
import { concatBytes } from "@holdfast/base";
import { blockCid, type HeaderProof, verifyHeaderProof } from "@holdfast/consensus";
import { Bounded } from "./bounded.ts";
import { limits } from "./limits.ts";
import type { ProofPass } from "./proof-pass.ts";

/** A claim that one of the two keys of a worker proves. */
export type KeyedClaim = Exclude<HeaderProof, { readonly kind: "winning-post" }>;

/** Where signatures and draws are verified: says of each whether it holds. */
export interface ClaimChecker {
  verify(claims: readonly KeyedClaim[]): Promise<readonly boolean[]>;
}

export interface HeaderPass {
  /** Verifies all of them. Errors: `block/bad-signature` and its sisters, of the first that does not hold. */
  check(proofs: readonly HeaderProof[]): Promise<void>;
}

export function createHeaderPass(proofs: ProofPass, checker: ClaimChecker = inlineClaims): HeaderPass {
  const sound = new Bounded<true>(limits.verdicts);

  const checkKeyed = async (claims: readonly KeyedClaim[]): Promise<void> => {
    const names = claims.map(nameOf);
    const asked = claims.filter((_, at) => sound.get(names[at] ?? "") === undefined);
    if (asked.length === 0) return;
    const verdicts = await checker.verify(asked);
    for (const [at, claim] of asked.entries()) {
      // The error itself is made where the rules are; a claim that fails there or not is the last word.
      if (verdicts[at] !== true) verifyHeaderProof(claim, proofs.inline);
      sound.set(nameOf(claim), true);
    }
  };

  return {
    async check(all) {
      // Cheap first: whoever forges a header without the key must not have us verify draws and proofs as well.
      const keyed = all.filter((proof) => proof.kind !== "winning-post");
      await checkKeyed(keyed.filter(({ kind }) => kind === "signature"));
      await checkKeyed(keyed.filter(({ kind }) => kind !== "signature"));
      await Promise.all(
        all.map(async (proof) => {
          if (proof.kind !== "winning-post") return;
          await proofs.check({ check: "post", statement: proof.statement });
          verifyHeaderProof(proof, proofs.inline);
        }),
      );
    },
  };
}

/** In this thread, one after the other: for tests, and where there are no workers. */
export const inlineClaims: ClaimChecker = {
  verify: async (claims) => claims.map(holds),
};

/** Whether a claim holds, in this thread. */
export function holds(claim: KeyedClaim): boolean {
  try {
    verifyHeaderProof(claim, noVerifier);
    return true;
  } catch {
    return false;
  }
}

/** Claims of keys ask no proof of space. */
const noVerifier: ProofPass["inline"] = {
  verifySeal: () => false,
  verifyPost: () => false,
  verifyPieceInclusion: () => false,
};

function nameOf(claim: KeyedClaim): string {
  if (claim.kind === "signature") return `${blockCid(claim.header)} ${claim.worker}`;
  // Key and output have fixed lengths.
  return hash("sha256", concatBytes(claim.key, claim.output, claim.input), "base64");
}
