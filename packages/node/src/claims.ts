/**
 * Signatures as plain data, so that another thread can verify them: of accounts (blocks, messages) and of the
 * lottery's draws. A verdict is a function of the claim and nothing else.
 */
import { hash } from "node:crypto";
import { type Address, blsVerify, encodeCbor, verifySignature } from "@holdfast/base";
import { Bounded } from "./bounded.ts";
import { limits } from "./limits.ts";

export type Claim =
  | {
      readonly kind: "account";
      readonly bytes: Uint8Array;
      readonly signature: Uint8Array;
      readonly address: Address;
    }
  | {
      readonly kind: "draw";
      readonly key: Uint8Array;
      readonly input: Uint8Array;
      readonly output: Uint8Array;
    };

/** Where claims are verified: says of each, in order, whether it holds. */
export interface ClaimChecker {
  verify(claims: readonly Claim[]): Promise<readonly boolean[]>;
}

/** In this thread. */
export function holds(claim: Claim): boolean {
  return claim.kind === "account"
    ? verifySignature(claim.bytes, claim.signature, claim.address)
    : blsVerify(claim.key, claim.input, claim.output);
}

/** In this thread, one after the other: for tests, and where there are no workers. */
export const inlineClaims: ClaimChecker = { verify: async (claims) => claims.map(holds) };

/** For several nodes in one process: what one of them has had verified, or is about to, the others need not. */
export function shareClaims(checker: ClaimChecker): ClaimChecker {
  const known = new Bounded<Promise<boolean>>(limits.verdicts);
  return {
    async verify(claims) {
      const keys = claims.map(nameOf);
      const asked = new Map(
        keys.flatMap((key, at) => {
          const claim = claims[at];
          return claim === undefined || known.get(key) !== undefined ? [] : [[key, claim] as const];
        }),
      );
      const verdicts = new Map(keys.map((key) => [key, known.get(key)]));
      const answers = asked.size === 0 ? undefined : checker.verify([...asked.values()]);
      for (const [at, key] of [...asked.keys()].entries()) {
        const verdict = answers?.then((all) => all[at] === true);
        if (verdict === undefined) continue;
        verdict.catch(() => known.delete(key));
        known.set(key, verdict);
        verdicts.set(key, verdict);
      }
      return await Promise.all(keys.map(async (key) => (await verdicts.get(key)) === true));
    },
  };
}

/** Of all inputs of the claim. */
function nameOf(claim: Claim): string {
  const parts =
    claim.kind === "account"
      ? [claim.bytes, claim.signature, claim.address]
      : [claim.key, claim.input, claim.output];
  return hash("sha256", encodeCbor([claim.kind, ...parts]), "base64");
}
