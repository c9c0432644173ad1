/**
 * The miner's deals, moved by their machine (`machine/miner.ts`): what is the case is looked at, what follows is
 * written down, and then done. A deal on its way is looked at at every head; one for which nothing is due rests until
 * something is, or for some rounds (`machine/rest.ts`), so what a head costs does not grow with what is stored. Of each
 * deal one message to the market and one redemption is under way at a time; what the chain would refuse now is tried
 * again some rounds later.
 */
import { limits } from "../../limits.ts";
import { dealOn, heightOf } from "../facts.ts";
import type { MinerAct, MinerView } from "../machine/miner.ts";
import { restsUntil } from "../machine/rest.ts";
import { Missing } from "../tasks.ts";
import { settleAmendments } from "./amend.ts";
import { dealById, happens, type MinerContext, pieceKeyOf } from "./context.ts";
import { sendToMarket } from "./onchain.ts";
import { redeem } from "./redeem.ts";
import { everyHead } from "./schema.ts";
import type { DealRow } from "./store.ts";
import type { Transfers } from "./transfer.ts";
import { acceptedChange, viewOf } from "./view.ts";

/** Rounds between two tries of what the chain would refuse now (a faulty sector, no money for the fee). */
const retryRounds = 5;

export class Drive {
  readonly #context: MinerContext;
  readonly #transfers: Transfers;
  readonly #missing = new Missing<string>(limits.dealWaitRounds);
  /** Height of the last try that came to nothing, by the name of its task. */
  readonly #refusedAt = new Map<string, number>();

  constructor(context: MinerContext, transfers: Transfers) {
    this.#context = context;
    this.#transfers = transfers;
  }

  /** Looks at every deal that is not over and does not rest. */
  lookAtAll(): void {
    const { store, needs } = this.#context;
    for (const dealId of store.awake(heightOf(needs.chain))) this.look(dealId);
  }

  look(dealId: string): void {
    this.#context.tasks.start(`deal/${dealId}`, () => this.#look(dealId));
  }

  async #look(dealId: string): Promise<void> {
    const context = this.#context;
    const onChain = dealOn(context.needs.chain, dealById(context, dealId));
    if (onChain !== undefined) settleAmendments(context, dealById(context, dealId), onChain);
    const deal = dealById(context, dealId);
    const view = await viewOf(context, deal, this.#missing);
    // The storage was asked meanwhile, and a transfer may have ended, or a change come; the next head sees it.
    if (dealById(context, dealId).state !== deal.state) return;
    if (acceptedChange(context, dealId)?.amendmentId !== view.change?.id) return;
    const acts = happens(context, dealId, { type: "look", view });
    this.#rest(dealById(context, dealId), view, acts);
    for (const act of acts) await this.#do(dealId, act);
  }

  #rest(deal: DealRow, view: MinerView, acts: readonly MinerAct[]): void {
    const until = restsUntil(deal, view, { acts, isCarried: deal.carried });
    // The client may cancel at any time, and we must say so before its cancellation has run out.
    const most = Math.min(
      limits.dealRestRounds,
      this.#context.needs.chain.params.channelCancelDelayEpochs / 4,
    );
    const isBrief = until === undefined || most < 2;
    const latest = view.height + Math.ceil(most * (0.5 + 0.5 * spreadOf(deal.dealId)));
    this.#context.store.rest(deal.dealId, isBrief ? everyHead : Math.min(until, latest));
  }

  async #do(dealId: string, act: MinerAct): Promise<void> {
    const context = this.#context;
    switch (act.do) {
      case "fetch":
        return this.#transfers.start(dealId);
      case "seal":
        return await closeSectors(context, act.sectorIds);
      case "drop":
        return await dropPieces(context, dealById(context, dealId));
      case "message":
        return this.#try(`onchain/${dealId}`, (signal) => sendToMarket(context, dealId, act, signal));
      case "redeem":
        return this.#try(`redeem/${dealId}`, (signal) => redeem(context, dealId, act.voucher, signal));
    }
  }

  /** Runs on its own; `work` says whether anything came of it. */
  #try(name: string, work: (signal: AbortSignal) => Promise<boolean>): void {
    const { chain } = this.#context.needs;
    const refused = this.#refusedAt.get(name);
    if (refused !== undefined && heightOf(chain) < refused + retryRounds) return;
    this.#context.tasks.start(name, async (signal) => {
      if (await work(signal)) this.#refusedAt.delete(name);
      else this.#refusedAt.set(name, heightOf(chain));
    });
  }
}

/** 0…1, of each deal its own: those that were made together are not looked at together for ever. */
function spreadOf(dealId: string): number {
  let sum = 0;
  for (const letter of dealId.slice(-6)) sum = (31 * sum + letter.charCodeAt(0)) % 997;
  return sum / 996;
}

/** They take no more pieces, and are sealed. */
async function closeSectors({ needs }: MinerContext, sectorIds: readonly number[]): Promise<void> {
  for (const sectorId of sectorIds) await needs.storage.sealStagedSector(sectorId);
}

/** A deal that is over gives its space back. */
async function dropPieces({ needs, store, tasks, pace, dues }: MinerContext, deal: DealRow): Promise<void> {
  const { storage } = needs;
  // A transfer that is still running would store pieces behind our back.
  if (tasks.isRunning(`transfer/${deal.dealId}`)) return;
  for (const index of deal.proposal.pieces.keys()) {
    const pieceKey = pieceKeyOf(deal.dealId, index);
    const piece = await storage.getPiece(pieceKey);
    if (piece === undefined) {
      await storage.dropUnfinished(pieceKey);
      continue;
    }
    await storage.dropPiece(pieceKey);
    pace.forget(piece.sectorId);
    dues.forget(piece.sectorId);
  }
  store.update(deal.dealId, { dropped: true });
}
