/**
 * Lies on the chain. A report that claims another block or another answer than the walk leads to is disproved by the
 * blocks of that walk; two reports of one slot prove themselves; and who doubts that a node has what it reported asks
 * for the blocks, which it must then show to everybody. Whoever is caught loses its stake and its place.
 */
import type { AttoFil, Codec, Epoch } from "@holdfast/base";
import { addAtto, addEpochs, c, ceilDivAtto, equalBytes, subAtto } from "@holdfast/base";
import type { PinChallenge } from "../../types/pin.ts";
import type { PinReport, PinSample } from "../../types/pin-report.ts";
import {
  isPinReportSigned,
  maxPinSamples,
  pinReportCodec,
  pinReportDigest,
  pinReportSigningBytes,
} from "../../types/pin-report.ts";
import { maxWalkBlocks, sampleSeed, type WalkEnd, walkBlocks } from "../../types/pin-walk.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { burn, none, pay } from "../kit.ts";
import { PinBook } from "./book.ts";
import { keyName, markBefore } from "./state.ts";

/** Challenges of one node that can wait at the same time. */
export const maxOpenChallenges = 16;
/**
 * Of the deposit of a challenge that was answered, what is burnt: half, or filling one's own places, so that nobody
 * else can challenge, would cost nothing but gas.
 */
const burntDivisor = 2n;
/** Of a lost stake, the reporter's share: a fifth, so that reporting oneself still costs four fifths. */
const reporterDivisor = 5n;
/** A block of a walk (bytes): the usual limit of IPFS programs is 2 MiB, a message's is lower. */
const maxBlockBytes = 1_048_576;

export const blocksCodec: Codec<readonly Uint8Array[]> = c.list(c.bytes(maxBlockBytes), maxWalkBlocks);

export interface ClaimedSample {
  readonly report: PinReport;
  /** Which of its samples, from 0. */
  readonly sample: number;
}
const claimed = { report: pinReportCodec, sample: c.uint(maxPinSamples) };
export const claimedSampleCodec: Codec<ClaimedSample> = c.tuple("ClaimedSample", claimed);

export interface Disproof extends ClaimedSample {
  /** From the root to the block at which the walk ends. */
  readonly blocks: readonly Uint8Array[];
}
export const disproofCodec: Codec<Disproof> = c.tuple("Disproof", { ...claimed, blocks: blocksCodec });

export interface Equivocation {
  readonly first: PinReport;
  readonly second: PinReport;
}
export const equivocationCodec: Codec<Equivocation> = c.tuple("Equivocation", {
  first: pinReportCodec,
  second: pinReportCodec,
});

export interface AnswerChallenge {
  readonly challenge: number;
  readonly blocks: readonly Uint8Array[];
}
export const answerChallengeCodec: Codec<AnswerChallenge> = c.tuple("AnswerChallenge", {
  challenge: c.uint(),
  blocks: blocksCodec,
});

export interface OneChallenge {
  readonly challenge: number;
}
export const oneChallengeCodec: Codec<OneChallenge> = c.tuple("OneChallenge", { challenge: c.uint() });

/**
 * A sample that the node claims to have answered, in a report that the chain took lately. `pinNodeInactive`,
 * `pinDisputeOver`, `pinReportUnknown`, `pinSampleNotAnswered`.
 */
function disputed(
  ctx: ActorContext,
  book: PinBook,
  { report, sample: place }: ClaimedSample,
): PinSample & { readonly seed: Uint8Array; readonly block: NonNullable<PinSample["block"]> } {
  const node = book.node(report.node);
  if (node.status === "expelled") ctx.fail(vmExitCodes.pinNodeInactive, "the node is expelled already");
  if (report.slot + ctx.params.pinDisputeSlots < book.slot) {
    ctx.fail(vmExitCodes.pinDisputeOver, `slot ${report.slot} lies too far back`);
  }
  const mark = markBefore(ctx.store, node, report.slot + 1);
  if (mark?.slot !== report.slot || !equalBytes(mark.report, pinReportDigest(report))) {
    return ctx.fail(vmExitCodes.pinReportUnknown, "the chain has taken no such report");
  }
  const sample = report.samples[place];
  if (sample === undefined || sample.block === null) {
    return ctx.fail(vmExitCodes.pinSampleNotAnswered, `sample ${place} was not answered`);
  }
  const { slot, slotHash, key } = report;
  const seed = sampleSeed({ networkId: ctx.networkId, slot, slotHash, key }, place);
  return { ...sample, block: sample.block, seed };
}

/** Where blocks really lead. `pinProofInvalid`. */
export function walked(
  ctx: ActorContext,
  { seed, root }: { readonly seed: Uint8Array; readonly root: PinSample["root"] },
  blocks: readonly Uint8Array[],
): WalkEnd {
  // Block by block: of a deep walk the blocks are small, and each is hashed and read for itself.
  for (const { length } of blocks) ctx.chargeProof("inclusion", length);
  const end = walkBlocks(seed, root, blocks);
  return end ?? ctx.fail(vmExitCodes.pinProofInvalid, "these are not the blocks of the walk");
}

/** The node loses its stake, to the reporter and to nobody; it gets nothing more for its orders. */
function expel(book: PinBook, number: number): { readonly reward: AttoFil; readonly burnt: AttoFil } {
  book.strike(number);
  const node = book.node(number);
  const endedIn = node.endedIn ?? book.slot;
  book.setNode(number, { ...node, status: "expelled", endedIn, stake: 0n as AttoFil });
  book.giveOut(node.stake);
  const reward = ceilDivAtto(node.stake, 1n, reporterDivisor);
  return { reward, burnt: subAtto(node.stake, reward) };
}

/** Shows what a walk really leads to. As `disputed`, `pinProofInvalid`, `pinReportTrue`. */
export function disprove(ctx: ActorContext, { blocks, ...claim }: Disproof): AttoFil {
  const book = new PinBook(ctx);
  const { seed, root, block, answer, bytes } = disputed(ctx, book, claim);
  const end = walked(ctx, { seed, root }, blocks);
  if (end.block.equals(block) && equalBytes(end.answer, answer) && end.bytes === bytes) {
    ctx.fail(vmExitCodes.pinReportTrue, "the walk leads to what was reported");
  }
  const { reward, burnt } = expel(book, claim.report.node);
  book.write();
  pay(ctx, ctx.message.from, reward);
  burn(ctx, burnt);
  return reward;
}

/**
 * Two reports of one key for one slot, on the chain or not. `notEquivocation`, `pinNodeInactive`,
 * `pinSignatureInvalid`.
 */
export function reportEquivocation(ctx: ActorContext, { first, second }: Equivocation): AttoFil {
  const book = new PinBook(ctx);
  const number = book.names.get(keyName(first.key));
  const isOne = first.key === second.key && first.slot === second.slot;
  if (number === undefined || !isOne || equalBytes(pinReportDigest(first), pinReportDigest(second))) {
    return ctx.fail(vmExitCodes.notEquivocation, "these are not two reports of one slot by a node's key");
  }
  const { status, stake } = book.node(number);
  if (status === "expelled" || stake === 0n) ctx.fail(vmExitCodes.pinNodeInactive, "it has lost its stake");
  for (const report of [first, second]) {
    ctx.chargeProof("signature", pinReportSigningBytes(report, ctx.networkId).length);
    if (!isPinReportSigned(report, ctx.networkId)) {
      ctx.fail(vmExitCodes.pinSignatureInvalid, "a report is not signed by the key");
    }
  }
  const { reward, burnt } = expel(book, number);
  book.write();
  pay(ctx, ctx.message.from, reward);
  burn(ctx, burnt);
  return reward;
}

/**
 * Asks a node for the blocks of a sample; the value is the deposit, which the node gets if it shows them. Returns the
 * number of the challenge. As `disputed`, `depositTooSmall`, `tooManyChallenges`.
 */
export function challengeSample(ctx: ActorContext, claim: ClaimedSample): number {
  const { from: challenger, value: deposit } = ctx.message;
  const least = ctx.params.pinChallengeDeposit;
  if (deposit < least) ctx.fail(vmExitCodes.depositTooSmall, `at least ${least} attoFIL`);
  const book = new PinBook(ctx);
  const { seed, root, block, answer } = disputed(ctx, book, claim);
  const { node, slot } = claim.report;
  if (book.node(node).openChallenges >= maxOpenChallenges) {
    ctx.fail(vmExitCodes.tooManyChallenges, `${maxOpenChallenges} challenges wait for node ${node}`);
  }
  const answerBy = addEpochs(ctx.height, ctx.params.pinAnswerEpochs);
  const asked = { challenger, node, slot, seed, root, block, answer, deposit, answerBy };
  const number = book.addChallenge(asked);
  book.takeIn(deposit);
  book.write();
  return number;
}

/** The last epoch for an answer. A chain that stood still meanwhile is not the node's silence: the time begins anew. */
function lastAnswer({ params }: ActorContext, book: PinBook, { answerBy }: PinChallenge): Epoch {
  const anew = addEpochs(book.gapEnd, params.pinAnswerEpochs);
  return anew > answerBy ? anew : answerBy;
}

/**
 * Shows the blocks; whoever sends them, half of the deposit goes to the node's operator, the other to nobody.
 * `challengeNotFound`, `challengeOver`, `pinProofInvalid`.
 */
export function answerChallenge(ctx: ActorContext, { challenge: number, blocks }: AnswerChallenge): None {
  const book = new PinBook(ctx);
  const challenge = book.challenge(number);
  const answerBy = lastAnswer(ctx, book, challenge);
  if (ctx.height > answerBy) ctx.fail(vmExitCodes.challengeOver, `it was to be answered by ${answerBy}`);
  const end = walked(ctx, challenge, blocks);
  if (!end.block.equals(challenge.block) || !equalBytes(end.answer, challenge.answer)) {
    ctx.fail(vmExitCodes.pinProofInvalid, "the walk does not lead to what was reported");
  }
  const { operator } = book.node(challenge.node);
  book.removeChallenge(number, challenge);
  book.giveOut(challenge.deposit);
  book.write();
  const burnt = ceilDivAtto(challenge.deposit, 1n, burntDivisor);
  pay(ctx, operator, subAtto(challenge.deposit, burnt));
  burn(ctx, burnt);
  return none;
}

/**
 * Ends a challenge that was not answered: the node is expelled, the challenger gets its deposit back and the reporter's
 * share. If the node was expelled for something else, only the deposit. `challengeNotFound`, `challengeOpen`.
 */
export function closeChallenge(ctx: ActorContext, { challenge: number }: OneChallenge): AttoFil {
  const book = new PinBook(ctx);
  const challenge = book.challenge(number);
  const isExpelled = book.node(challenge.node).status === "expelled";
  const answerBy = lastAnswer(ctx, book, challenge);
  if (!isExpelled && ctx.height <= answerBy) {
    ctx.fail(vmExitCodes.challengeOpen, `it can be answered until ${answerBy}`);
  }
  book.removeChallenge(number, challenge);
  book.giveOut(challenge.deposit);
  const nothing = 0n as AttoFil;
  const { reward, burnt } = isExpelled ? { reward: nothing, burnt: nothing } : expel(book, challenge.node);
  book.write();
  const paid = addAtto(challenge.deposit, reward);
  pay(ctx, challenge.challenger, paid);
  burn(ctx, burnt);
  return paid;
}
