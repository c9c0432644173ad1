/** The chain of the model: what it does by itself, and what its actors check of a message. */
import { type DealStatus, dueEnd, holdsUntil, lossOf } from "@holdfast/consensus";
import type * as miners from "../../../src/market/machine/miner.ts";
import { isOver } from "../../../src/market/machine/winding.ts";
import {
  atto,
  type ChainDeal,
  type Channel,
  clientCollateral,
  collaterals,
  type DealState,
  finality,
  funds,
  type ModelState,
  price,
  providerCollateral,
  rules,
  times,
} from "./model-state.ts";

/** The chain's part of an epoch. */
export function tick(state: ModelState, deal: DealState): void {
  settle(state, deal);
  const { chain } = deal;
  if (chain !== undefined && chain.endedAt !== null && state.height >= chain.goneAt) deal.chain = undefined;
}

const datedOf = (status: DealStatus) => ({ status, ...times, ...collaterals }) as never;

export function settle(state: ModelState, deal: DealState): void {
  const { chain } = deal;
  if (chain === undefined) return;
  const moment = { height: state.height as never, lostAt: lossIn(state, chain) as never, stoodStill: false };
  const due = dueEnd(datedOf(chain.status), moment, rules);
  if (due !== undefined) end(state, deal, due.status);
}
/** Of a deal that depends on the sector. */
function lossIn(state: ModelState, chain: ChainDeal): number | null {
  return chain.status === "active" || chain.status === "complete" ? state.lostAt : null;
}

function end(state: ModelState, deal: DealState, status: DealStatus): void {
  const { provider, toClient, burnt, client } = lossOf(status, collaterals, rules);
  state.escrow.client.locked -= clientCollateral;
  state.escrow.miner.locked -= providerCollateral;
  state.escrow.miner.escrow += Number(client - provider);
  state.escrow.client.escrow += Number(toClient - client);
  state.balance.burnt += Number(burnt);
  const from = status === "complete" ? times.endHeight : state.height;
  const goneAt = Math.max(from + rules.settlementEpochs, times.startBy + 1, state.height + 1);
  deal.chain = { status, endedAt: state.height, goneAt };
  deal.fate = status;
}

export function cancel(state: ModelState, deal: DealState, channel: Channel): void {
  const eol = Math.min(channel.eol, state.height + rules.cancelDelayEpochs);
  deal.channel = { ...channel, eol };
}

export function chainFacts(state: ModelState, chain: ChainDeal): miners.ChainFacts {
  const isLossOpen = chain.status === "active" && state.lostAt !== null && state.lostAt < times.endHeight;
  return { status: chain.status, endedAt: chain.endedAt, ...times, isLossOpen };
}
export function openChannel(state: ModelState, deal: DealState): boolean {
  state.balance.client -= price;
  deal.channel = { redeemed: 0, eol: times.eol, agreedEol: times.eol };
  return true;
}
export function deposit(state: ModelState): boolean {
  state.balance.client -= clientCollateral;
  state.escrow.client.escrow += clientCollateral;
  return true;
}
export function withdraw(state: ModelState, who: "client" | "miner", amount: number): boolean {
  const account = state.escrow[who];
  if (amount > account.escrow - account.locked) return false;
  account.escrow -= amount;
  state.balance[who] += amount;
  return true;
}
/** What took money out of a deal in the last epochs is undone: the branch that stays refuses it. */
export function takeBack(state: ModelState, deal: DealState): void {
  for (const { key, channel, toClient, toMiner } of deal.taken.toReversed()) {
    state.balance.client -= toClient;
    state.balance.miner -= toMiner;
    if (channel === undefined) {
      state.escrow.client.escrow += toClient;
      state.escrow.miner.escrow += toMiner;
    } else {
      deal.channel = channel;
      deal.paid -= toMiner;
    }
    deal.sent = deal.sent.filter((one) => one !== key);
    deal.refused = [...deal.refused, key].toSorted();
  }
  deal.taken = [];
}
/** Nothing that a branch can still take back; ends of deals it leaves. */
export function finalStanding({ height }: ModelState, deal: DealState): miners.Standing {
  const channel = deal.taken.find((one) => one.channel !== undefined)?.channel;
  return {
    height: height - finality,
    chain: undefined,
    channel: channel && { ...channel, redeemed: atto(channel.redeemed) },
    withdrawal: deal.taken.some(({ key }) => key === "withdrawBalance") ? "open" : "none",
  };
}
/** What the market actor checks of a message. */
export function marketCall(
  state: ModelState,
  deal: DealState,
  act: Extract<miners.MinerAct, { do: "message" }>,
): boolean {
  const { channel, chain } = deal;
  const { client, miner } = state.escrow;
  const isHeld =
    chain !== undefined && chain.endedAt === null && state.height <= holdsUntil(datedOf(chain.status));
  const isLost = chain?.status === "active" && state.lostAt !== null;
  switch (act.method) {
    case "publishDeals": {
      const isPaying =
        typeof channel !== "string" && channel.eol === channel.agreedEol && channel.redeemed === 0;
      const hasMoney = client.escrow - client.locked >= clientCollateral;
      if (chain !== undefined || state.height > times.startBy || !isPaying || !hasMoney) return false;
      state.balance.miner -= providerCollateral;
      miner.escrow += providerCollateral;
      client.locked += clientCollateral;
      miner.locked += providerCollateral;
      deal.chain = { status: "published", endedAt: null, goneAt: 0 };
      deal.fate = "published";
      return true;
    }
    case "activateDeal":
      if (chain?.status !== "published" || state.height > times.startBy || state.lostAt !== null)
        return false;
      deal.chain = { ...chain, status: "active" };
      deal.fate = "active";
      deal.wasActive = true;
      return true;
    case "releaseDeal":
      if (!isHeld || isLost) return false;
      end(state, deal, "released");
      deal.release = "made";
      return true;
    case "reportCancelledChannel":
      if (!isHeld || isLost || typeof channel === "string" || channel.eol >= channel.agreedEol) return false;
      end(state, deal, "broken");
      return true;
    case "settleDeals":
      settle(state, deal);
      return true;
    case "withdrawBalance":
      return withdraw(state, "miner", Number(act.amount));
    default:
      return false;
  }
}
/** What each side has to wind up is wound up. */
export function hasClosed(side: "client" | "miner", { deals, escrow }: ModelState): boolean {
  if (escrow[side].escrow > 0) return false;
  return deals.every(({ channel, miner }) => {
    if (side === "client") return typeof channel === "string";
    return miner === undefined || (isOver(miner) && miner.dropped);
  });
}
/** What a side has in the end, by what became of the deals. */
export function duePurse(side: "client" | "miner", { deals }: ModelState): number {
  let purse = funds[side];
  for (const { fate, paid } of deals) {
    const { provider, toClient, client } = lossOf(fate === "none" ? "complete" : fate, collaterals, rules);
    purse += side === "client" ? Number(toClient - client) - paid : paid + Number(client - provider);
  }
  return purse;
}
/** Σ of everything is what there was. */
export function moneyOf({ deals, escrow, balance }: ModelState): number {
  const inChannels = deals.reduce(
    (sum, { channel }) => sum + (typeof channel === "string" ? 0 : price - channel.redeemed),
    0,
  );
  return (
    inChannels + escrow.client.escrow + escrow.miner.escrow + balance.client + balance.miner + balance.burnt
  );
}
