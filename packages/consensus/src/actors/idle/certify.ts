/**
 * How idle space comes onto the chain. A miner announces a kept layer that it has made; from then on the layer is
 * fixed, and what is asked of it follows from the chain: which positions are shown, and which verifiers have a seat.
 * A verifier checks the whole proof, which is too large for a block, and certifies the state with the layer; the
 * message that brings its certificate shows the first few of these positions too. So a verifier that certifies what
 * was never made is caught by the chain as often as a layer is wrong where it is drawn, and an announcement that
 * comes to nothing costs its miner: to announce again until the draw suits is dearer than the space is worth.
 */
import type { Address, AttoFil, Codec, Epoch } from "@holdfast/base";
import {
  addAtto,
  addEpochs,
  addressBytes,
  c,
  ceilDivAtto,
  epoch,
  equalBytes,
  minAtto,
  subAtto,
  zeroAtto,
} from "@holdfast/base";
import {
  type IdleAppend,
  type IdleAppendChallenge,
  type IdleProfile,
  type IdleState,
  idleAppendCodec,
  idleAppendDigest,
  idleAppendSeed,
  idleAppendStatement,
  idleStateDigest,
  proposeIdleAppend,
  refuseIdleCertificate,
  type SignedIdleCertificate,
  signedIdleCertificateCodec,
  startIdleState,
  verifyIdleCommit,
} from "@holdfast/proofs/idle";
import type { IdleParams } from "../../types/idle.ts";
import { maxParamBytes } from "../../types/message.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { burn, none } from "../kit.ts";
import {
  mustOperate,
  pledgeOfFiles,
  profileOf,
  readIdle,
  readOperated,
  withPower,
  writeMiner,
} from "./access.ts";
import { isSeated } from "./registry.ts";
import type { IdleAnnouncement, IdleMiner } from "./state.ts";
import { enqueueIdle, idleActorStateCodec, loadIdleMiners, loadIdleQueue } from "./state.ts";

/** What randomness is drawn for. */
export const idleRandomnessTags = {
  registration: "idle registration",
  announcement: "idle announcement",
  challenge: "idle challenge",
  lot: "idle lot",
  openings: "idle openings",
} as const;

export interface OfIdleMiner {
  readonly miner: Address;
}
export const ofIdleMinerCodec: Codec<OfIdleMiner> = c.tuple("OfIdleMiner", { miner: c.address });

export interface AnnounceIdle {
  readonly miner: Address;
  /** `idleAppendDigest` of what is to come in: one kept layer on the present state. */
  readonly digest: Uint8Array;
}
export const announceIdleCodec: Codec<AnnounceIdle> = c.tuple("AnnounceIdle", {
  miner: c.address,
  digest: c.fixedBytes(32),
});

export interface CertifyIdle {
  readonly miner: Address;
  readonly append: IdleAppend;
  /** Of the state with the kept layer, by a verifier with a seat. */
  readonly certificate: SignedIdleCertificate;
  /** Of the first `commitOpenings` of the positions that a verifier is shown. */
  readonly proof: Uint8Array;
}
export const certifyIdleCodec: Codec<CertifyIdle> = c.tuple("CertifyIdle", {
  miner: c.address,
  append: idleAppendCodec,
  certificate: signedIdleCertificateCodec,
  proof: c.bytes(maxParamBytes),
});

/** A verifier adds nothing of its own: what is asked follows from the chain alone, so nobody can try until it suits. */
const noNonce = new Uint8Array(32);

/** The challenge to what was announced; its height is that of the randomness. */
export function idleChallengeOf(
  { at, digest }: Pick<IdleAnnouncement, "at" | "digest">,
  params: IdleParams,
): IdleAppendChallenge {
  const height = addEpochs(at, params.drawDelayEpochs);
  return { append: digest, height, nonce: noNonce, validUntil: addEpochs(at, params.certifyEpochs) };
}

/** The profile with as few positions of a commitment as the chain looks at: the first of those that all are drawn. */
export function openingProfile(profile: IdleProfile, positions: number): IdleProfile {
  return { ...profile, commitChallenges: Math.min(profile.commitChallenges, positions) };
}

/** A tenth of the pledge of what was announced and not certified in time. */
export const expiredAnnouncementFee = (pledge: AttoFil): AttoFil =>
  minAtto(pledge, ceilDivAtto(pledge, 1n, 10n));

/** A fresh range, bound to a nonce that nobody knew. */
export function freshState(ctx: ActorContext, miner: Address, profile: IdleProfile): IdleState {
  const { registration } = idleRandomnessTags;
  const nonce = ctx.rand(addEpochs(ctx.height, -1), registration, addressBytes(miner));
  return startIdleState({ networkId: ctx.networkId, miner, profile: profile.id, nonce });
}

/**
 * Registers a miner's idle space; the value is its first deposit. `idleNotOffered`, `idleNotMiner`,
 * `notMinersOperator`, `idleMinerExists`.
 */
export function registerIdle(ctx: ActorContext, { miner }: OfIdleMiner): IdleState {
  const profile = profileOf(ctx);
  mustOperate(ctx, miner);
  const state = readIdle(ctx);
  const miners = loadIdleMiners(ctx.store, state);
  if (miners.get(addressBytes(miner)) !== undefined) {
    ctx.fail(vmExitCodes.idleMinerExists, `${miner} has registered before`);
  }
  const record: IdleMiner = {
    state: freshState(ctx, miner, profile),
    pledge: zeroAtto,
    free: ctx.message.value,
    bound: zeroAtto,
    boundUntil: epoch(0),
    announcement: null,
    challenge: null,
    power: 0n,
    faultySince: null,
    faults: 0,
    lastProven: null,
    due: null,
    burnt: zeroAtto,
  };
  miners.set(addressBytes(miner), record);
  ctx.writeState(idleActorStateCodec, { ...state, miners: miners.flush() });
  return record.state;
}

/** From its first announcement on a miner stands in the queue. Gives when it is due. */
function queued(ctx: ActorContext, miner: Address, record: IdleMiner): Epoch {
  if (record.due !== null) return record.due;
  const due = addEpochs(ctx.height, ctx.params.idle.lotEpochs);
  const state = readIdle(ctx);
  const queue = loadIdleQueue(ctx.store, state);
  enqueueIdle(ctx.store, queue, due, miner);
  ctx.writeState(idleActorStateCodec, { ...state, queue: queue.flush() });
  return due;
}

/** Frees what is left of an announcement; `fee` is to be burnt. */
function withoutAnnouncement(record: IdleMiner): { readonly record: IdleMiner; readonly fee: AttoFil } {
  const pledge = record.announcement?.pledge ?? zeroAtto;
  const fee = expiredAnnouncementFee(pledge);
  const free = addAtto(record.free, subAtto(pledge, fee));
  return { fee, record: { ...record, announcement: null, free, burnt: addAtto(record.burnt, fee) } };
}

/** The same for one whose time is over. */
export function withoutExpired(
  ctx: ActorContext,
  record: IdleMiner,
): { readonly record: IdleMiner; readonly fee: AttoFil } {
  const { announcement } = record;
  const isOpen =
    announcement === null || ctx.height <= idleChallengeOf(announcement, ctx.params.idle).validUntil;
  return isOpen ? { record, fee: zeroAtto } : withoutAnnouncement(record);
}

/** Announces one kept layer. `idleUnknownMiner`, `notMinersOperator`, `idleAnnounced`, `idlePledgeTooSmall`. */
export function announceIdle(ctx: ActorContext, { miner, digest }: AnnounceIdle): None {
  const profile = profileOf(ctx);
  const record = readOperated(ctx, miner);
  if (record.announcement !== null) ctx.fail(vmExitCodes.idleAnnounced, "an announcement is open");
  const pledge = pledgeOfFiles(profile, ctx.params.idle, profile.files);
  if (record.free < pledge) {
    const text = `a kept layer needs a pledge of ${pledge} attoFIL; ${record.free} are free`;
    ctx.fail(vmExitCodes.idlePledgeTooSmall, text);
  }
  return writeMiner(ctx, miner, record, {
    ...record,
    free: subAtto(record.free, pledge),
    announcement: { at: ctx.height, digest, pledge },
    due: queued(ctx, miner, record),
  });
}

/** Takes an announcement back, for the fee that it costs when it expires; also `idleNotAnnounced`. */
export function giveUpIdle(ctx: ActorContext, { miner }: OfIdleMiner): None {
  const record = readOperated(ctx, miner);
  if (record.announcement === null) ctx.fail(vmExitCodes.idleNotAnnounced, "nothing is announced");
  const { record: after, fee } = withoutAnnouncement(record);
  writeMiner(ctx, miner, record, after);
  burn(ctx, fee);
  return none;
}

/** The state with the layer, if the certificate is for it; `idleLayersInvalid`, `idleCertificateInvalid`. */
function certified(
  ctx: ActorContext,
  profile: IdleProfile,
  before: IdleState,
  { append, certificate }: CertifyIdle,
): IdleState {
  const change = proposeIdleAppend(before, profile, append, ctx.height);
  if ("refused" in change) {
    return ctx.fail(vmExitCodes.idleLayersInvalid, `the kept layer is refused: ${change.refused}`);
  }
  ctx.chargeProof("signature", 1024);
  const refused = refuseIdleCertificate(certificate, before, profile, ctx.height);
  const { after } = certificate.certificate;
  if (refused !== undefined || !equalBytes(idleStateDigest(after), idleStateDigest(change.state))) {
    const why = refused ?? "for another state";
    return ctx.fail(vmExitCodes.idleCertificateInvalid, `the certificate is refused: ${why}`);
  }
  return change.state;
}

/**
 * Brings an announced kept layer in. `idleUnknownMiner`, `notMinersOperator`, `idleNotAnnounced`, `idleTooLate`,
 * `idleTooEarly`, `idleLayersInvalid`, `idleCertificateInvalid`, `verifierNotSeated`, `idleCommitInvalid`.
 */
export function certifyIdle(ctx: ActorContext, given: CertifyIdle): IdleState {
  const profile = profileOf(ctx);
  const params = ctx.params.idle;
  const record = readOperated(ctx, given.miner);
  const { announcement } = record;
  const { append } = given;
  if (announcement === null || !equalBytes(announcement.digest, idleAppendDigest(append))) {
    return ctx.fail(vmExitCodes.idleNotAnnounced, "this kept layer was not announced");
  }
  const challenge = idleChallengeOf(announcement, params);
  if (ctx.height > challenge.validUntil) {
    return ctx.fail(vmExitCodes.idleTooLate, "the announcement has expired");
  }
  if (challenge.height >= ctx.height) {
    return ctx.fail(vmExitCodes.idleTooEarly, `what is asked is drawn at ${challenge.height}`);
  }
  ctx.chargeSectors(profile.files);
  const state = certified(ctx, profile, record.state, given);
  const { announcement: tag } = idleRandomnessTags;
  const randomness = ctx.rand(challenge.height, tag, addressBytes(given.miner));
  const { verifier } = given.certificate.certificate;
  if (!isSeated(ctx, verifier, randomness)) {
    ctx.fail(vmExitCodes.verifierNotSeated, `${verifier} has no seat in this matter`);
  }
  ctx.chargeProof("post", given.proof.length);
  const seed = idleAppendSeed(challenge, randomness);
  const asked = openingProfile(profile, params.commitOpenings);
  if (!verifyIdleCommit(idleAppendStatement(record.state, asked, append, seed), given.proof)) {
    ctx.fail(vmExitCodes.idleCommitInvalid, "the kept layer is not proven at the positions that are drawn");
  }
  const pledge = addAtto(record.pledge, announcement.pledge);
  const after = withPower(ctx, profile, { ...record, state, pledge, announcement: null });
  writeMiner(ctx, given.miner, record, after);
  return state;
}
