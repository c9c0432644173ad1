/**
 * One secret factor x of a contributor, and what the world sees of it: x·G in G1 and x·R in G2, where R is hashed
 * from everything before and from x·G. Like a signature under the key x·G it proves that x is known, and it serves
 * to check that a value of the ceremony was multiplied by just this x.
 *
 * Because R binds the chain of contributions so far, a share cannot be replayed at another place.
 * Sources: Bowe, Gabizon and Miers, "Scalable Multi-party Computation for zk-SNARK Parameters in the Random Beacon
 * Model", 2017; Kohlweiss, Maller, Siim and Volkhov, "Snarky Ceremonies", 2021; hashing to G2 by RFC 9380.
 */
import { concatBytes, utf8Bytes } from "@holdfast/base";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { curveKernel, g2BytesOf } from "../../curve/index.ts";
import { frToBytes } from "../../field/index.ts";
import { generatorG1 } from "../generators.ts";
import { isGtOne, type Lines, linesOf, pairingProduct } from "../pairing.ts";

/** The public side of a factor x. */
export interface Share {
  /** x·G: 96 bytes. */
  readonly key: Uint8Array;
  /** x·R: 192 bytes. */
  readonly proof: Uint8Array;
}

const domain = "HOLDFAST-CEREMONY-V01-CS01-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";

/** R for a share: `context` binds the ceremony so far and who contributes, `role` which of its factors this is. */
function challengePoint(context: Uint8Array, role: string, key: Uint8Array): Uint8Array {
  const message = concatBytes(context, utf8Bytes(`${role}\n`), key);
  return g2BytesOf(bls12_381.G2.hashToCurve(message, { DST: domain }));
}

export function shareOf(x: bigint, context: Uint8Array, role: string): Share {
  const scalar = frToBytes(x);
  const key = curveKernel.msmG1(generatorG1, scalar);
  return { key, proof: curveKernel.msmG2(challengePoint(context, role, key), scalar) };
}

/** A share with what pairings need of it: the lines of −R and of x·R. */
export interface OpenedShare {
  readonly key: Uint8Array;
  readonly minusChallenge: Lines;
  readonly proof: Lines;
}

export function openShare({ key, proof }: Share, context: Uint8Array, role: string): OpenedShare {
  const challenge = challengePoint(context, role, key);
  return { key, minusChallenge: linesOf(challenge, -1), proof: linesOf(proof) };
}

/** Whether the maker of the share knew its x: e(x·G, R) = e(G, x·R). */
export function isKnown(share: OpenedShare): boolean {
  return haveRatio(generatorG1, share.key, share);
}

/** Whether `after` is x times `before` (96 bytes each) for the x of a share: e(after, R) = e(before, x·R). */
export function haveRatio(before: Uint8Array, after: Uint8Array, share: OpenedShare): boolean {
  const product = pairingProduct([
    { g1: after, lines: share.minusChallenge },
    { g1: before, lines: share.proof },
  ]);
  return isGtOne(product);
}
