/**
 * Evidence against a verifier. A verdict says that every answer under a total is right; one that stands under it and is
 * wrong shows that it was signed unseen or against better knowledge. The statement carries all that it is about, so the
 * evidence holds whatever has become of the miner: anybody who was given the answers can bring it.
 */
import type { Codec } from "@holdfast/base";
import { c, equalBytes } from "@holdfast/base";
import {
  type IdleAudit,
  IdleAuditor,
  type IdleState,
  idleAnswerHash,
  idleAuditSeed,
  idleProfiles,
  idleRangeRoot,
  idleStateCodec,
  isIdleMember,
  type OpenedIdleAnswer,
  openedIdleAnswerCodec,
} from "@holdfast/proofs/idle";
import { isIdleVerdictSigned, type SignedIdleVerdict, signedIdleVerdictCodec } from "../../types/idle.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { burn, none, pay } from "../kit.ts";
import { reporterShare } from "../miner/penalties.ts";
import { splitBond, strikeOff, verifierOfKey } from "./registry.ts";

export interface AccuseVerifier {
  readonly verdict: SignedIdleVerdict;
  /** What was audited. */
  readonly state: IdleState;
  readonly randomness: Uint8Array;
  /** The answer that is wrong. */
  readonly opened: OpenedIdleAnswer;
}
export const accuseVerifierCodec: Codec<AccuseVerifier> = c.tuple("AccuseVerifier", {
  verdict: signedIdleVerdictCodec,
  state: idleStateCodec,
  randomness: c.fixedBytes(32),
  opened: openedIdleAnswerCodec,
});

/** Whether the answer stands under the total of the verdict, and is wrong. */
export function isIdleLie(audit: IdleAudit, total: Uint8Array, opened: OpenedIdleAnswer): boolean {
  const { index, answer, path, answers, range } = opened;
  const seed = idleAuditSeed(audit);
  const auditor = new IdleAuditor(audit);
  if (!equalBytes(idleRangeRoot(answers), total)) return false;
  // So many answers were not asked for: whatever they are, the verdict is wrong.
  if (answers.leaves !== auditor.files.length) return true;
  if (!isIdleMember(answers, index, idleAnswerHash(seed, index, answer), path)) return false;
  return auditor.isRange(range) && !auditor.isRight(index, answer, range);
}

/**
 * Punishes a verifier that signed what is wrong: it is struck off and loses its bond, of which the reporter gets a
 * share. `idleNotOffered`, `idleEvidenceInvalid`, `verifierUnknown`.
 */
export function accuseVerifier(
  ctx: ActorContext,
  { verdict, state, randomness, opened }: AccuseVerifier,
): None {
  // First of all: what somebody says of himself under a key of his own is nothing to look at.
  const verifier = verifierOfKey(ctx, verdict.verdict.verifier);
  const profile = idleProfiles.get(state.profile);
  if (profile === undefined) return ctx.fail(vmExitCodes.idleNotOffered, "there is no such profile");
  ctx.chargeProof("signature", 1024);
  ctx.chargeProof("post", opened.answer.length, { sectors: 1 });
  const audit = { state, profile, randomness, files: ctx.params.idle.files };
  const isAbout =
    equalBytes(state.networkId, ctx.networkId) && equalBytes(idleAuditSeed(audit), verdict.verdict.audit);
  const isSound = isAbout && state.front < state.rear && isIdleVerdictSigned(verdict, ctx.networkId);
  if (!isSound || !isIdleLie(audit, verdict.verdict.total, opened)) {
    ctx.fail(vmExitCodes.idleEvidenceInvalid, "no verdict of this verifier is shown to be wrong");
  }
  // Nothing of an earlier office counts any more: who was struck off for it has paid.
  if (verdict.verdict.validUntil < verifier.since) {
    ctx.fail(vmExitCodes.idleEvidenceInvalid, "the verdict was over before the verifier was admitted");
  }
  const { reward, burnt } = splitBond(strikeOff(ctx, verifier), reporterShare);
  pay(ctx, ctx.message.from, reward);
  burn(ctx, burnt);
  return none;
}
