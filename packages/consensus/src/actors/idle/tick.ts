/**
 * The network's tick for idle space, once per tipset before its messages: whoever is due is judged, and then its lot is
 * drawn, out of which comes a challenge now or none; nobody knows it earlier. A miner that is faulty is challenged at
 * every lot. The work is bounded by the miners that are due, which all have something at stake; each returns at most
 * once in a tick.
 */
import type { Address, AttoFil, CID, Epoch } from "@holdfast/base";
import { Amt, addAtto, addEpochs, addressBytes, assert, c, readBigEndian, zeroAtto } from "@holdfast/base";
import { idleProfiles } from "@holdfast/proofs/idle";
import type { ActorContext } from "../../vm/context.ts";
import { burn } from "../kit.ts";
import { fined, reportPower } from "./access.ts";
import { maxIdleFaults, missedChallengeFee } from "./audit.ts";
import { idleRandomnessTags, withoutExpired } from "./certify.ts";
import { emptied } from "./deposits.ts";
import type { IdleActorState, IdleMiner } from "./state.ts";
import { enqueueIdle, idleActorStateCodec, loadIdleMiners, loadIdleQueue } from "./state.ts";

/** A gap of half the time for an answer means that the chain stood still: nobody could answer. */
function noteStall(ctx: ActorContext, state: IdleActorState): IdleActorState {
  const nullRounds = ctx.height - state.lastTick - 1;
  const stallTo = 2 * nullRounds < ctx.params.idle.answerEpochs ? state.stallTo : ctx.height;
  return { ...state, lastTick: ctx.height, stallTo };
}

function takeDue(ctx: ActorContext, queue: Amt<CID>): Address[] {
  const due: Address[] = [];
  const epochs: number[] = [];
  for (const [at, root] of queue.entries()) {
    if (at > ctx.height) break;
    epochs.push(at);
    for (const [, miner] of Amt.load(ctx.store, c.address, root).entries()) due.push(miner);
  }
  for (const at of epochs) queue.delete(at);
  return due;
}

interface Judged {
  readonly record: IdleMiner;
  readonly burnt: AttoFil;
}

/** A challenge that nobody has answered in time. */
function missed(ctx: ActorContext, record: IdleMiner, stake: AttoFil): Judged {
  const { miner, fee } = fined(record, missedChallengeFee(stake));
  const faulty = {
    ...miner,
    challenge: null,
    power: 0n,
    faultySince: record.faultySince ?? ctx.height,
    faults: record.faults + 1,
  };
  if (faulty.faults < maxIdleFaults) return { record: faulty, burnt: fee };
  const { record: after, lost } = emptied(ctx, faulty);
  return { record: after, burnt: addAtto(fee, lost) };
}

function isDrawn(ctx: ActorContext, { state, faultySince }: IdleMiner): boolean {
  if (state.rear === state.front) return false;
  const odds = BigInt(ctx.params.idle.lotOdds);
  if (faultySince !== null || odds <= 1n) return true;
  const lot = ctx.rand(addEpochs(ctx.height, -1), idleRandomnessTags.lot, addressBytes(state.miner));
  return readBigEndian(lot) % odds === 0n;
}

/** The lot of a miner of which nothing is asked. */
function draw(ctx: ActorContext, record: IdleMiner): IdleMiner {
  const { lotEpochs, answerEpochs, settleEpochs } = ctx.params.idle;
  if (!isDrawn(ctx, record)) return { ...record, due: addEpochs(ctx.height, lotEpochs) };
  const answerBy = addEpochs(ctx.height, answerEpochs);
  const { state, pledge: stake } = record;
  const { challenge: tag } = idleRandomnessTags;
  const challenge = {
    at: ctx.height,
    randomness: ctx.rand(addEpochs(ctx.height, -1), tag, addressBytes(state.miner)),
    state,
    stake,
    answerBy,
    settleBy: addEpochs(answerBy, settleEpochs),
    total: null,
    answeredAt: null,
  };
  return { ...record, challenge, due: addEpochs(answerBy, 1) };
}

/** Whether there is anything to look at later. */
function isAtStake({ state, announcement, challenge }: IdleMiner): boolean {
  return state.rear > state.front || announcement !== null || challenge !== null;
}

/** What becomes of a miner that is due. */
function judge(ctx: ActorContext, state: IdleActorState, given: IdleMiner): Judged {
  const { record, fee } = withoutExpired(ctx, given);
  const { challenge } = record;
  if (challenge === null) return { record: draw(ctx, record), burnt: fee };
  const last = challenge.total === null ? challenge.answerBy : challenge.settleBy;
  if (ctx.height <= last) return { record: { ...record, due: addEpochs(last, 1) }, burnt: fee };
  if (state.stallTo > challenge.at) {
    return { record: draw(ctx, { ...record, challenge: null }), burnt: fee };
  }
  const { record: after, burnt } = missed(ctx, record, challenge.stake);
  const due = addEpochs(ctx.height, ctx.params.idle.lotEpochs);
  return { record: { ...after, due }, burnt: addAtto(fee, burnt) };
}

export function tickIdle(ctx: ActorContext): void {
  if (!idleProfiles.has(ctx.params.idle.profile)) return;
  const state = noteStall(ctx, ctx.readState(idleActorStateCodec));
  const miners = loadIdleMiners(ctx.store, state);
  const queue = loadIdleQueue(ctx.store, state);
  const changes: { readonly miner: Address; readonly before: bigint; readonly after: bigint }[] = [];
  let burnt = zeroAtto;
  for (const miner of takeDue(ctx, queue)) {
    const before = miners.get(addressBytes(miner));
    // It may have left, and come back.
    if (before === undefined || before.due === null || before.due > ctx.height) continue;
    const { record: judged, burnt: lost } = judge(ctx, state, before);
    const after = isAtStake(judged) ? judged : { ...judged, due: null };
    miners.set(addressBytes(miner), after);
    if (after.due !== null) enqueueIdle(ctx.store, queue, laterThan(after.due, ctx.height), miner);
    changes.push({ miner, before: before.power, after: after.power });
    burnt = addAtto(burnt, lost);
  }
  ctx.writeState(idleActorStateCodec, { ...state, miners: miners.flush(), queue: queue.flush() });
  for (const { miner, before, after } of changes) reportPower(ctx, miner, before, after);
  burn(ctx, burnt);
}

function laterThan(due: Epoch, height: Epoch): Epoch {
  assert(due > height, "a miner is due next in the future");
  return due;
}
