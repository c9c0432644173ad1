/**
 * The costly claims of headers and messages, verified off the main thread where there are workers, those of many
 * blocks at a time. Invariants: a verdict is about all inputs of the claim; what is remembered was computed by a real
 * verifier; memory is bounded; the error of a claim that does not hold is made where the rules are.
 */
import { hash } from "node:crypto";
import { concatBytes } from "@holdfast/base";
import {
  blockCid,
  blockSigningBytes,
  type HeaderProof,
  messageSigningBytes,
  type SignedMessage,
  verifyHeaderProof,
} from "@holdfast/consensus";
import { Bounded } from "./bounded.ts";
import { type Claim, type ClaimChecker, inlineClaims } from "./claims.ts";
import type { Held } from "./held.ts";
import { limits } from "./limits.ts";
import type { ProofPass } from "./proof-pass.ts";
import { VerifiedMessages } from "./verified-messages.ts";

/** A claim that one of the two keys of a worker proves. */
type KeyedProof = Exclude<HeaderProof, { readonly kind: "winning-post" }>;

export interface HeaderPass {
  /** Verifies all of them. Errors: `block/bad-signature` and its sisters, of the first that does not hold. */
  check(proofs: readonly HeaderProof[]): Promise<void>;
  /** Says of each message whether its sender signed it. */
  areSigned(messages: readonly SignedMessage[], networkId: Uint8Array): Promise<readonly boolean[]>;
  /** Messages whose signatures are known to hold: of whoever has had them verified. */
  readonly verified: VerifiedMessages;
  held(): readonly Held[];
}

export function createHeaderPass(proofs: ProofPass, checker: ClaimChecker = inlineClaims): HeaderPass {
  const sound = new Bounded<true>(limits.verdicts);
  const verified = new VerifiedMessages();

  const checkKeyed = async (keyed: readonly KeyedProof[]): Promise<void> => {
    const asked = keyed.filter((proof) => sound.get(nameOf(proof)) === undefined);
    if (asked.length === 0) return;
    const verdicts = await checker.verify(asked.map(claimOf));
    for (const [at, proof] of asked.entries()) {
      if (verdicts[at] !== true) verifyHeaderProof(proof, proofs.inline);
      sound.set(nameOf(proof), true);
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
    areSigned: (messages, networkId) =>
      checker.verify(
        messages.map(({ message, signature }) => ({
          kind: "account",
          bytes: messageSigningBytes(message, networkId),
          signature,
          address: message.from,
        })),
      ),
    verified,
    held: () => [
      { what: "claims of headers", count: sound.size, most: limits.verdicts },
      { what: "verified messages", count: verified.size, most: limits.verifiedMessages },
    ],
  };
}

function claimOf(proof: KeyedProof): Claim {
  if (proof.kind !== "signature") {
    const { key, input, output } = proof;
    return { kind: "draw", key, input, output };
  }
  const { header, worker, networkId } = proof;
  const bytes = blockSigningBytes(header, networkId);
  return { kind: "account", bytes, signature: header.signature, address: worker };
}

/** A chain has one network. Key and output have fixed lengths. */
function nameOf(proof: KeyedProof): string {
  if (proof.kind === "signature") return `${blockCid(proof.header)} ${proof.worker}`;
  return hash("sha256", concatBytes(proof.key, proof.output, proof.input), "base64");
}
