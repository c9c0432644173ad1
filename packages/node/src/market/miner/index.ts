/**
 * The miner's half of the market: takes deals in, fetches and stores their data, follows their sectors on the
 * chain, and redeems the vouchers. Opening it goes on with every deal that is not over.
 */
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { minerOn } from "../facts.ts";
import type { MinerMarketNeeds } from "../needs.ts";
import { Tasks, Turns } from "../tasks.ts";
import type { MinerMarket } from "../types.ts";
import { serveAmendments } from "./amend.ts";
import { AmendmentStore } from "./amendment-store.ts";
import { serveQueries } from "./answers.ts";
import { Awaited } from "./awaited.ts";
import { bringData } from "./bring.ts";
import { carSourceOf } from "./car-source.ts";
import type { MinerContext } from "./context.ts";
import { Drive } from "./drive.ts";
import { serveProposals } from "./intake.ts";
import { serveQuotes } from "./quotes.ts";
import { dueRedemption } from "./redeem.ts";
import { SealDues } from "./seal-dues.ts";
import { SealPace } from "./seal-pace.ts";
import { MinerStore } from "./store.ts";
import { Transfers } from "./transfer.ts";
import { dealDetailOf, dealOf, explainDeal } from "./views.ts";

/** Takes deals in and resumes those that are under way. `market/not-operator` without the worker's key. */
export function openMinerMarket(needs: MinerMarketNeeds): MinerMarket {
  const { chain, miner, signer, logger } = needs;
  const view = minerOn(chain, miner);
  if (view === undefined || !signer.has(view.worker)) {
    throw marketErrors.notOperator({ miner, worker: view?.worker ?? "(no such miner)" });
  }
  if (!signer.has(view.owner)) {
    const { owner } = view;
    logger.warn("vouchers wait for the owner, whose key is not here: `holdfast deal redeem`", { owner });
  }
  const amendments = new AmendmentStore(needs.database);
  const store = new MinerStore(needs.database, amendments);
  const context: MinerContext = {
    needs,
    store,
    amendments,
    tasks: new Tasks(logger),
    hookTurns: { quote: new Turns(limits.policyHookQuotes), proposal: new Turns(limits.policyHooks) },
    pace: new SealPace(store),
    awaited: new Awaited(store, needs),
    dues: new SealDues(needs),
    promised: new Set(),
    held: new Set(),
    stored: new Set(),
  };
  const transfers = new Transfers(context);
  const drive = new Drive(context, transfers);
  // In a task: the chain tells many others of its new head after us, whatever happens here.
  const look = (): void => context.tasks.start("look", async () => drive.lookAtAll());
  const stack = new AsyncDisposableStack();
  stack.use(context.tasks);
  stack.use(serveQueries(context));
  stack.use(serveQuotes(context));
  stack.use(serveProposals(context, (dealId) => transfers.start(dealId)));
  stack.use(serveAmendments(context, (dealId) => drive.look(dealId)));
  stack.defer(chain.onHead(look));
  look();
  return {
    deals: async ({ after, limit = limits.dealsPerPage } = {}) =>
      await Promise.all(context.store.page({ after, limit }).map((deal) => dealOf(context, deal))),
    dealCounts: () => context.store.counts(),
    dealEndingWith: (tail) => context.store.endingWith(tail),
    deal: async (dealId) => {
      const deal = context.store.get(dealId);
      return deal === undefined ? undefined : await dealDetailOf(context, deal);
    },
    redemption: (dealId) => {
      const deal = context.store.get(dealId);
      return deal === undefined ? undefined : dueRedemption(context, deal);
    },
    policy: (change) => {
      if (change !== undefined) amendments.setPolicy({ ...amendments.policy(), ...change });
      return amendments.policy();
    },
    bring: (name, bytes, signal) => bringData(context, name, bytes, signal),
    isPaidFrom: (payer, channel) => context.store.isChannelTaken(payer, channel),
    carSource: carSourceOf(context),
    explain: async (dealId) => {
      const deal = context.store.get(dealId);
      return deal === undefined ? undefined : await explainDeal(context, deal);
    },
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
    },
  };
}
