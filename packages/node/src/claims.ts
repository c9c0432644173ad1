/**
 * Signatures as plain data, so that another thread can verify them: of accounts (blocks, messages) and of the
 * lottery's draws. A verdict is a function of the claim and nothing else.
 */
import { type Address, blsVerify, verifySignature } from "@holdfast/base";

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
