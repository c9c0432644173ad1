/**
 * Money that clients and miners keep with the market, out of which deals lock their collaterals. What is free can be
 * taken out at any time, by the party itself or, of a miner, by its owner; nobody can put money where nobody could
 * take it out.
 */
import type { Address, AttoFil, Codec } from "@holdfast/base";
import { addressBytes, c, subAtto } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { getPartiesCall } from "../calls.ts";
import { callActor, none, pay } from "../kit.ts";
import { DealBook } from "./book.ts";
import type { MarketState } from "./state.ts";
import { loadMiners, marketStateCodec } from "./state.ts";

/** Runs with the book of the state, and writes both. The state is written before any money leaves. */
export function withBook<R>(ctx: ActorContext, run: (book: DealBook, state: MarketState) => R): R {
  const state = ctx.readState(marketStateCodec);
  const book = new DealBook(ctx.store, state.deals);
  const result = run(book, state);
  ctx.writeState(marketStateCodec, { ...state, deals: book.flush() });
  return result;
}

export function readBook(ctx: ActorContext): DealBook {
  return new DealBook(ctx.store, ctx.readState(marketStateCodec).deals);
}

/** `unknownMiner` for an address that is no miner of this market. */
export function checkMiner(ctx: ActorContext, state: MarketState, miner: Address): void {
  if (loadMiners(ctx.store, state).get(addressBytes(miner)) !== undefined) return;
  ctx.fail(vmExitCodes.unknownMiner, `${miner} is no miner`);
}

/** Whose escrow is meant: null for the caller's own, or that of a miner. */
export interface OfMiner {
  readonly miner: Address | null;
}
export const ofMinerCodec: Codec<OfMiner> = c.tuple("OfMiner", { miner: c.nullable(c.address) });

/** Adds the message's value to an escrow. `nothingDeposited`, `unknownMiner`. */
export function addBalance(ctx: ActorContext, { miner }: OfMiner): AttoFil {
  const { from, value } = ctx.message;
  if (value === 0n) ctx.fail(vmExitCodes.nothingDeposited, "no money was sent");
  return withBook(ctx, (book, state) => {
    if (miner !== null) checkMiner(ctx, state, miner);
    const party = miner ?? from;
    book.credit(party, value);
    return book.free(party);
  });
}

export interface WithdrawBalance extends OfMiner {
  readonly amount: AttoFil;
}
export const withdrawBalanceCodec: Codec<WithdrawBalance> = c.tuple("WithdrawBalance", {
  miner: c.nullable(c.address),
  amount: c.attoFil,
});

/**
 * Pays free escrow out: the caller's own, or to the owner that of its miner. Returns what is free afterwards.
 * `unknownMiner`, `notOwner`, `insufficientEscrow`.
 */
export function withdrawBalance(ctx: ActorContext, { miner, amount }: WithdrawBalance): AttoFil {
  const { from } = ctx.message;
  const left = withBook(ctx, (book, state) => {
    const party = miner ?? from;
    if (miner !== null) {
      checkMiner(ctx, state, miner);
      const { owner } = callActor(ctx, miner, getPartiesCall, none);
      if (owner !== from) ctx.fail(vmExitCodes.notOwner, `the owner of ${miner} is ${owner}`);
    }
    const free = book.free(party);
    if (amount < 0n || amount > free) ctx.fail(vmExitCodes.insufficientEscrow, `${free} attoFIL are free`);
    book.debit(party, amount);
    return subAtto(free, amount);
  });
  pay(ctx, from, amount);
  return left;
}
