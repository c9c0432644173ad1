/**
 * Whether what a verifier has signed is what the chain will take. A liar's certificate would cost an announcement its
 * pledge, and with its verdict an answer would never settle that does without one; so both are looked at before they
 * are used, and who signs something else is passed over.
 */
import { equalBytes } from "@holdfast/base";
import { isIdleVerdictSigned, type SignedIdleVerdict } from "@holdfast/consensus";
import {
  type IdleAppend,
  type IdleProfile,
  type IdleState,
  idleStateDigest,
  proposeIdleAppend,
  refuseIdleCertificate,
  type SignedIdleCertificate,
} from "@holdfast/proofs";

/** `height`: of the head; the message comes into the next block at the earliest. */
export function isCertificateOf(
  signed: SignedIdleCertificate,
  about: {
    readonly state: IdleState;
    readonly profile: IdleProfile;
    readonly append: IdleAppend;
    readonly height: number;
  },
): boolean {
  const { state, profile, append, height } = about;
  const change = proposeIdleAppend(state, profile, append, height);
  return (
    !("refused" in change) &&
    refuseIdleCertificate(signed, state, profile, height + 1) === undefined &&
    equalBytes(idleStateDigest(signed.certificate.after), idleStateDigest(change.state))
  );
}

export function isVerdictOn(
  signed: SignedIdleVerdict,
  about: {
    readonly networkId: Uint8Array;
    /** Seed of the audit, and total of the answers. */
    readonly audit: Uint8Array;
    readonly total: Uint8Array;
    /** The last height at which it may be needed. */
    readonly settleBy: number;
  },
): boolean {
  const { verdict } = signed;
  const { networkId, audit, total, settleBy } = about;
  const isAbout = equalBytes(verdict.audit, audit) && equalBytes(verdict.total, total);
  return isAbout && verdict.validUntil >= settleBy && isIdleVerdictSigned(signed, networkId);
}
