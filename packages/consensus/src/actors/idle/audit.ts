/**
 * A challenge and what follows it. The miner brings the total of its answers by a deadline that is shorter than
 * making files again takes; then the chain draws a few answers out of those that the total fixes, and looks at them
 * itself. A verdict, by a verifier that has seen all answers, spares the miner most of these openings; without one
 * it shows more. So no verifier can fail a miner, and one that lies for a miner changes the odds of being caught and
 * nothing else: with a share x of the answers wrong, k openings all miss it with (1 − x)^k.
 */
import type { Address, AttoFil, Codec } from "@holdfast/base";
import { addEpochs, addressBytes, c, ceilDivAtto, equalBytes, minAtto } from "@holdfast/base";
import {
  drawnIdleAnswers,
  type IdleAudit,
  IdleAuditor,
  type IdleProfile,
  idleAuditSeed,
  type OpenedIdleAnswer,
  openedIdleAnswerCodec,
} from "@holdfast/proofs/idle";
import type { IdleParams, SignedIdleVerdict } from "../../types/idle.ts";
import { isIdleVerdictSigned, maxIdleOpenings, signedIdleVerdictCodec } from "../../types/idle.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { profileOf, readOperated, withPower, writeMiner } from "./access.ts";
import { idleRandomnessTags } from "./certify.ts";
import { isSeated } from "./registry.ts";
import type { IdleChallenge, IdleMiner } from "./state.ts";

export interface AnswerIdle {
  readonly miner: Address;
  /** `idleAuditTotal` of all answers. */
  readonly total: Uint8Array;
}
export const answerIdleCodec: Codec<AnswerIdle> = c.tuple("AnswerIdle", {
  miner: c.address,
  total: c.fixedBytes(32),
});

export interface SettleIdle {
  readonly miner: Address;
  readonly verdict: SignedIdleVerdict | null;
  /** Of what `drawnIdleAnswers` names, in its order. */
  readonly openings: readonly OpenedIdleAnswer[];
}
export const settleIdleCodec: Codec<SettleIdle> = c.tuple("SettleIdle", {
  miner: c.address,
  verdict: c.nullable(signedIdleVerdictCodec),
  openings: c.list(openedIdleAnswerCodec, maxIdleOpenings),
});

/** After so many challenges missed one after another nothing is left of a miner's idle space. */
export const maxIdleFaults = 10;

/** What a missed challenge costs: a twentieth of what was pledged when it was drawn. */
export const missedChallengeFee = (stake: AttoFil): AttoFil => minAtto(stake, ceilDivAtto(stake, 1n, 20n));

/** What a challenge asks, as the protocol says it. */
export function auditOf(
  challenge: Pick<IdleChallenge, "state" | "randomness">,
  profile: IdleProfile,
  params: IdleParams,
): IdleAudit {
  const { state, randomness } = challenge;
  return { state, profile, randomness, files: params.files };
}

/** The open challenge of a miner; `idleUnknownMiner`, `notMinersOperator`, `idleNotChallenged`. */
function readChallenge(
  ctx: ActorContext,
  miner: Address,
): { readonly record: IdleMiner; readonly challenge: IdleChallenge } {
  const record = readOperated(ctx, miner);
  const { challenge } = record;
  if (challenge === null) return ctx.fail(vmExitCodes.idleNotChallenged, "nothing is asked of the miner");
  return { record, challenge };
}

/** Takes the total of the answers, once and in time; also `idleAnswered`, `idleTooLate`. */
export function answerIdle(ctx: ActorContext, { miner, total }: AnswerIdle): None {
  const { record, challenge } = readChallenge(ctx, miner);
  if (challenge.total !== null) ctx.fail(vmExitCodes.idleAnswered, "the total stands already");
  if (ctx.height > challenge.answerBy) {
    ctx.fail(vmExitCodes.idleTooLate, `the total was due at ${challenge.answerBy}`);
  }
  return writeMiner(ctx, miner, record, {
    ...record,
    challenge: { ...challenge, total, answeredAt: ctx.height },
  });
}

function checkVerdict(
  ctx: ActorContext,
  signed: SignedIdleVerdict,
  challenge: IdleChallenge,
  seed: Uint8Array,
) {
  const { verdict } = signed;
  ctx.chargeProof("signature", 1024);
  const isAbout =
    equalBytes(verdict.audit, seed) &&
    challenge.total !== null &&
    equalBytes(verdict.total, challenge.total) &&
    ctx.height <= verdict.validUntil;
  if (!isAbout || !isIdleVerdictSigned(signed, ctx.networkId)) {
    ctx.fail(vmExitCodes.idleVerdictInvalid, "the verdict is not on these answers, or over, or not signed");
  }
  if (!isSeated(ctx, verdict.verifier, challenge.randomness)) {
    ctx.fail(vmExitCodes.verifierNotSeated, `${verdict.verifier} has no seat in this matter`);
  }
}

/**
 * Ends a challenge: the drawn answers are right. A faulty miner is healthy again. Also `idleNotAnswered`,
 * `idleTooLate`, `idleTooEarly`, `idleVerdictInvalid`, `verifierNotSeated`, `idleOpeningInvalid`.
 */
export function settleIdle(ctx: ActorContext, { miner, verdict, openings }: SettleIdle): None {
  const profile = profileOf(ctx);
  const params = ctx.params.idle;
  const { record, challenge } = readChallenge(ctx, miner);
  const { total, answeredAt, settleBy } = challenge;
  if (total === null || answeredAt === null) {
    return ctx.fail(vmExitCodes.idleNotAnswered, "the total of the answers comes first");
  }
  if (ctx.height > settleBy) return ctx.fail(vmExitCodes.idleTooLate, `it was due at ${settleBy}`);
  const drawnAt = addEpochs(answeredAt, params.drawDelayEpochs);
  if (drawnAt >= ctx.height) return ctx.fail(vmExitCodes.idleTooEarly, `it is drawn at ${drawnAt}`);
  const audit = auditOf(challenge, profile, params);
  if (verdict !== null) checkVerdict(ctx, verdict, challenge, idleAuditSeed(audit));
  const drawn = drawnIdleAnswers(
    audit,
    total,
    ctx.rand(drawnAt, idleRandomnessTags.openings, addressBytes(miner)),
    verdict === null ? params.openingsAlone : params.openings,
  );
  const isAsked = openings.length === drawn.length && openings.every(({ index }, i) => index === drawn[i]);
  if (!isAsked) ctx.fail(vmExitCodes.idleOpeningInvalid, `the answers ${drawn.join(", ")} are asked for`);
  const auditor = new IdleAuditor(audit);
  for (const opened of openings) {
    ctx.chargeProof("post", opened.answer.length, { sectors: 1 });
    if (!auditor.isOpened(total, opened)) {
      ctx.fail(vmExitCodes.idleOpeningInvalid, `the answer ${opened.index} is wrong`);
    }
  }
  const healthy = { ...record, challenge: null, faultySince: null, faults: 0, lastProven: ctx.height };
  return writeMiner(ctx, miner, record, withPower(ctx, profile, healthy));
}
