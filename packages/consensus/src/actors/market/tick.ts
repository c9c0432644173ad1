/**
 * The network's implicit tick, once per tipset before its messages: every miner that has a deadline to be
 * judged is told so and loses the power of what it did not prove; then deals that are due go on. The work of a tick is
 * bounded by the sectors of these deadlines and by `dealsPerTick`; a miner returns at most twice in one tick, however
 * long the chain stood still, because the deadlines inside a gap are skipped.
 */
import type { Address, CID, Epoch } from "@holdfast/base";
import { Amt, addressBytes, assert, c } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { onDeadlineCall } from "../calls.ts";
import { burn, callActor } from "../kit.ts";
import { DealBook } from "./book.ts";
import { advanceDue } from "./settle.ts";
import { settled } from "./standstill.ts";
import type { MarketState } from "./state.ts";
import { enqueue, loadMiners, loadQueue, marketStateCodec } from "./state.ts";

/**
 * A gap of at least half a proof window without any tipset means that the chain itself stood still (a
 * devnet whose machine slept): the proofs of a window that such a gap touches are not missed by anyone.
 */
function noteStall(ctx: ActorContext, state: MarketState): MarketState {
  const { height: lastTick } = ctx;
  const nullRounds = lastTick - state.lastTick - 1;
  const gapEnd = 2 * nullRounds < ctx.params.pinAnswerEpochs ? state.gapEnd : lastTick;
  if (2 * nullRounds < ctx.params.proofWindowEpochs) return { ...state, lastTick, gapEnd };
  return { ...state, lastTick, gapEnd, stallFrom: state.lastTick, stallTo: lastTick };
}

/** True if the recorded gap touches the proof window that ends just before `deadline`. */
function wasStalled(ctx: ActorContext, state: MarketState, deadline: Epoch): boolean {
  const windowStart = deadline - 1 - ctx.params.proofWindowEpochs;
  return state.stallTo > 0 && state.stallFrom < deadline && state.stallTo > windowStart + 1;
}

/** Removes what is due from the queue, in ascending order of epochs. */
function takeDue(ctx: ActorContext, queue: Amt<CID>): { deadline: Epoch; miner: Address }[] {
  const due: { deadline: Epoch; miner: Address }[] = [];
  const epochs: Epoch[] = [];
  for (const [at, root] of queue.entries()) {
    if (at > ctx.height) break;
    epochs.push(at as Epoch);
    for (const [, miner] of Amt.load(ctx.store, c.address, root).entries()) {
      due.push({ deadline: at as Epoch, miner });
    }
  }
  for (const at of epochs) queue.delete(at);
  return due;
}

/** Tells every miner whose deadline has passed. A miner that fails here is a bug of ours and a fault. */
export function tick(ctx: ActorContext): void {
  const state = noteStall(ctx, ctx.readState(marketStateCodec));
  const miners = loadMiners(ctx.store, state);
  const queue = loadQueue(ctx.store, state);
  const book = new DealBook(ctx.store, state.deals);
  let { totalPower, totalFaulty } = state;
  for (let due = takeDue(ctx, queue); due.length > 0; due = takeDue(ctx, queue)) {
    for (const { deadline, miner } of due) {
      const key = addressBytes(miner);
      const entry = miners.get(key);
      assert(entry?.deadline === deadline, "a miner stands in the queue exactly at its deadline");
      const chainStalled = wasStalled(ctx, state, deadline);
      const judged = callActor(ctx, miner, onDeadlineCall, { deadline, chainStalled });
      const { powerRemoved, faulty, next, lost } = judged;
      for (const sectorId of lost) book.noteLoss(miner, sectorId, ctx.height);
      assert(entry.power >= powerRemoved, "a miner does not lose more power than it has");
      assert(next === null || next > deadline, "the next deadline is later");
      miners.set(key, { ...entry, power: entry.power - powerRemoved, faulty, deadline: next });
      totalPower -= powerRemoved;
      totalFaulty += faulty - entry.faulty;
      if (next !== null) enqueue(ctx.store, queue, next, miner);
    }
  }
  // After the judgements: a sector that was given up just now counts for a deal that is looked at just now.
  const burnt = advanceDue(ctx, book, state);
  const power = settled({ ...state, totalPower, totalFaulty }, ctx.height);
  ctx.writeState(marketStateCodec, {
    ...power,
    miners: miners.flush(),
    queue: queue.flush(),
    deals: book.flush(),
  });
  burn(ctx, burnt);
}
