/**
 * Adding a sector in two steps. The pre-commitment fixes the replica's roots on the chain before the
 * challenge is drawn, so the challenge cannot be chosen by resealing; the pledge is locked from then on.
 * The proof turns it into a sector with power. Authorisation, heights and existence are checked before
 * the expensive proof. Source: Filecoin specs (PreCommit, ProveCommit).
 */
import type { CID, Codec, Epoch, SectorId } from "@holdfast/base";
import { addAtto, addEpochs, c } from "@holdfast/base";
import { maxParamBytes } from "../../types/message.ts";
import { sectorSizes } from "../../types/params.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { enrolDeadlineCall, updatePowerCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { callActor, none } from "../kit.ts";
import { freeBalance, readAsOperator, writeMiner } from "./access.ts";
import { assignDeadline, joinDeadline, loadDeadlines } from "./deadlines.ts";
import { sectorIdentityOf } from "./identity.ts";
import { SectorSet } from "./sector-set.ts";
import { sealSnarks } from "./snarks.ts";
import type { MinerState, PreCommit } from "./state.ts";
import {
  loadExpiringPreCommits,
  loadPreCommits,
  loadSectors,
  maxSectorsPerMiner,
  sectorNumberCodec,
  useSectorNumber,
} from "./state.ts";
import { nextJudgementAfter, randomnessTags, sealEntropy } from "./windows.ts";

export interface PreCommitSector {
  readonly sectorId: SectorId;
  /** Padded size (bytes), one of the network's. */
  readonly sectorBytes: number;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  /** Epoch whose randomness ("ticket-seal") went into the replica. */
  readonly ticketEpoch: Epoch;
  /** The epoch at which the sector's life ends. */
  readonly expiration: Epoch;
}
const commitment = c.fixedBytes(32);
export const preCommitSectorCodec: Codec<PreCommitSector> = c.tuple("PreCommitSector", {
  sectorId: sectorNumberCodec,
  sectorBytes: c.uint(),
  commD: commitment,
  commR: commitment,
  commRStar: commitment,
  ticketEpoch: c.epoch,
  expiration: c.epoch,
});

export interface CommitSector {
  readonly sectorId: SectorId;
  readonly proof: Uint8Array;
}
export const commitSectorCodec: Codec<CommitSector> = c.tuple("CommitSector", {
  sectorId: sectorNumberCodec,
  proof: c.bytes(maxParamBytes),
});

function checkPreCommit(ctx: ActorContext, given: PreCommitSector): void {
  const { params, height } = ctx;
  if (!sectorSizes(params).includes(given.sectorBytes)) {
    ctx.fail(vmExitCodes.sectorSizeNotAllowed, `the network has no sectors of ${given.sectorBytes} bytes`);
  }
  if (given.ticketEpoch >= height || given.ticketEpoch < height - params.ticketLookbackEpochs) {
    ctx.fail(vmExitCodes.ticketEpochOutOfRange, `the ticket of epoch ${given.ticketEpoch} cannot be used`);
  }
  const lifetime = given.expiration - height;
  if (lifetime < params.minSectorLifetimeEpochs || lifetime > params.maxSectorLifetimeEpochs) {
    ctx.fail(vmExitCodes.expirationOutOfRange, `a lifetime of ${lifetime} epochs is not allowed`);
  }
}

/**
 * Registers a replica and locks its pledge out of the free balance (to which the message's value
 * belongs). `notWorker`, `sectorSizeNotAllowed`, `ticketEpochOutOfRange`, `expirationOutOfRange`,
 * `insufficientPledge`, `tooManySectors`, `sectorExists`.
 */
export function preCommitSector(ctx: ActorContext, given: PreCommitSector): None {
  const state = readAsOperator(ctx);
  checkPreCommit(ctx, given);
  const pledge = ctx.params.minPledgePerSector;
  if (freeBalance(ctx, state) < pledge) {
    ctx.fail(vmExitCodes.insufficientPledge, `the free balance is below the pledge of ${pledge} attoFIL`);
  }
  const preCommits = loadPreCommits(ctx.store, state);
  if (preCommits.count + loadSectors(ctx.store, state).count >= maxSectorsPerMiner) {
    ctx.fail(vmExitCodes.tooManySectors, `a miner holds at most ${maxSectorsPerMiner} sectors`);
  }
  const usedSectors = useSectorNumber(ctx.store, state.usedSectors, given.sectorId);
  if (usedSectors === undefined) {
    return ctx.fail(vmExitCodes.sectorExists, `the sector number ${given.sectorId} was used before`);
  }
  const { ticketEpoch, ...sealed } = given;
  // The randomness is read now: when the proof arrives, the ticket's epoch may be out of reach.
  const entropy = sealEntropy(ctx.message.to, given.sectorId);
  const ticket = ctx.rand(ticketEpoch, randomnessTags.sealTicket, entropy);
  preCommits.set(given.sectorId, { ...sealed, ticket, pledge, preCommittedAt: ctx.height });
  const deadline = state.deadline ?? nextJudgementAfter(ctx.params, ctx.message.to, ctx.height);
  if (state.deadline === null) callActor(ctx, ctx.builtins.market, enrolDeadlineCall, { deadline });
  writeMiner(ctx, {
    ...state,
    preCommits: preCommits.flush(),
    expiringPreCommits: noteExpiry(ctx, state, given.sectorId),
    usedSectors,
    deadline,
    lockedPledge: addAtto(state.lockedPledge, pledge),
  });
  return none;
}

/** Puts a new pre-commitment where the first judgement after its expiry will find it. */
function noteExpiry(ctx: ActorContext, state: MinerState, sectorId: SectorId): CID {
  const lastEpoch = addEpochs(ctx.height, ctx.params.preCommitExpiryEpochs);
  const judgedAt = nextJudgementAfter(ctx.params, ctx.message.to, lastEpoch);
  const expiring = loadExpiringPreCommits(ctx.store, state);
  const root = expiring.get(judgedAt);
  const numbers = root === undefined ? SectorSet.empty(ctx.store) : SectorSet.load(ctx.store, root);
  numbers.add(sectorId);
  expiring.set(judgedAt, numbers.flush());
  return expiring.flush();
}

/** The heights at which the proof of a pre-commitment is accepted: after the challenge, before the expiry. */
function checkCommitHeight(ctx: ActorContext, preCommit: PreCommit, challengeAt: Epoch): void {
  // Strictly later: the randomness of an epoch is known only to the tipsets above it.
  if (ctx.height <= challengeAt) {
    ctx.fail(vmExitCodes.sealTooEarly, `the challenge is drawn at epoch ${challengeAt}`);
  }
  if (isPreCommitExpired(ctx, preCommit)) {
    ctx.fail(vmExitCodes.preCommitExpired, `the pre-commitment of epoch ${preCommit.preCommittedAt} is void`);
  }
  if (preCommit.expiration <= ctx.height) {
    ctx.fail(vmExitCodes.expirationOutOfRange, "the sector's life is already over");
  }
}

/** True once the proof of a pre-commitment can no longer be accepted. */
function isPreCommitExpired(ctx: ActorContext, preCommit: PreCommit): boolean {
  return ctx.height > preCommit.preCommittedAt + ctx.params.preCommitExpiryEpochs;
}

/**
 * Proves a pre-committed sector; its power counts from now on. It joins a deadline, and its first proof of
 * spacetime is due in the next window of that. `notWorker`, `sectorNotFound`, `sealTooEarly`, `preCommitExpired`,
 * `expirationOutOfRange`, `sealProofInvalid`.
 */
export function commitSector(ctx: ActorContext, { sectorId, proof }: CommitSector): None {
  const state = readAsOperator(ctx);
  const preCommits = loadPreCommits(ctx.store, state);
  const preCommit = preCommits.get(sectorId);
  if (preCommit === undefined) {
    return ctx.fail(vmExitCodes.sectorNotFound, `no sector ${sectorId} is pre-committed`);
  }
  const challengeAt = addEpochs(preCommit.preCommittedAt, ctx.params.sealChallengeDelayEpochs);
  checkCommitHeight(ctx, preCommit, challengeAt);
  const miner = ctx.message.to;
  const { preCommittedAt: _, ...sealed } = preCommit;
  ctx.chargeProof("seal", proof.length, sealSnarks(ctx.params, sealed.sectorBytes));
  const isValid = ctx.verifier.verifySeal({
    classes: ctx.params.sectorClasses,
    sectorBytes: sealed.sectorBytes,
    identity: sectorIdentityOf(ctx.params, miner, sealed),
    commR: sealed.commR,
    commRStar: sealed.commRStar,
    seed: ctx.rand(challengeAt, randomnessTags.sealSeed, sealEntropy(miner, sectorId)),
    proof,
  });
  if (!isValid) ctx.fail(vmExitCodes.sealProofInvalid, `the seal of sector ${sectorId} does not verify`);
  const sectors = loadSectors(ctx.store, state);
  const deadlines = loadDeadlines(ctx.store, state);
  const deadlineIndex = assignDeadline(ctx.params, miner, deadlines, ctx.height);
  joinDeadline(ctx.store, deadlines, deadlineIndex, sectorId);
  sectors.set(sectorId, {
    ...sealed,
    activatedAt: ctx.height,
    deadlineIndex,
    lastProven: null,
    faultySince: null,
    recoveringSince: null,
    faultyPeriods: 0,
  });
  preCommits.delete(sectorId);
  const added = BigInt(sealed.sectorBytes);
  callActor(ctx, ctx.builtins.market, updatePowerCall, { added, removed: 0n, faulty: state.faulty });
  writeMiner(ctx, {
    ...state,
    preCommits: preCommits.flush(),
    sectors: sectors.flush(),
    deadlines: deadlines.flush(),
    power: state.power + added,
  });
  return none;
}
