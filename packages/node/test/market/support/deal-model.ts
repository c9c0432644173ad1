/**
 * Two deals of one client with one miner, small enough to look at every state: both sides move by the machines of the
 * product, the chain by the product's rule of its own ends and by what its actors check, time by whole epochs. Both
 * deals share the two escrow accounts and a sector. What can go wrong is chosen from outside, epoch by epoch.
 */
import * as machine from "../../../src/market/machine/client.ts";
import type * as miners from "../../../src/market/machine/miner.ts";
import type { Taking } from "../../../src/market/machine/taking.ts";
import { dealRefusals } from "../../../src/market/refusals.ts";

import {
  cancel,
  chainFacts,
  deposit,
  finalStanding,
  marketCall,
  openChannel,
  settle,
  takeBack,
  tick,
  withdraw,
} from "./model-chain.ts";
import {
  atto,
  type Choice,
  clientCollateral,
  clone,
  collaterals,
  type DealState,
  finality,
  type Machines,
  type ModelState,
  mostSilent,
  price,
  product,
  rules,
  type Taken,
  type Trouble,
  times,
  vouchers,
} from "./model-state.ts";

export { duePurse, hasClosed, moneyOf } from "./model-chain.ts";
export * from "./model-state.ts";

/** One epoch. */
export function advance(before: ModelState, choice: Choice, machines: Machines = product): ModelState {
  const state = clone(before);
  state.height += 1;
  for (const deal of state.deals) {
    tick(state, deal);
    deal.taken = deal.taken.filter(({ at }) => at + finality > state.height);
  }
  trouble(state, choice.trouble);
  const { presence } = choice;
  const hasMiner = presence !== "no miner" && presence !== "nobody";
  const hasClient = presence !== "no client" && presence !== "nobody";
  if (hasMiner && choice.trouble !== "stalled sealing") seal(state);
  const wire = { hasMiner, hasClient, isRefused: choice.trouble === "miner refuses" };
  // Who dies after an effect does nothing more in this epoch.
  const lives = { client: hasClient, miner: hasMiner };
  for (const deal of state.deals) {
    const before = deal.sent;
    const isForgetful = presence === "client forgets";
    if (lives.client) clientActs(state, deal, machines, { ...wire, isForgetful });
    if (isForgetful && deal.sent !== before) lives.client = false;
  }
  for (const deal of state.deals) {
    const before = deal.sent;
    const isForgetful = presence === "miner forgets";
    if (lives.miner) minerActs(state, deal, machines, { ...wire, isForgetful });
    if (isForgetful && deal.sent !== before) lives.miner = false;
  }
  return state;
}

function trouble(state: ModelState, kind: Trouble): void {
  const [first] = state.deals;
  if (kind === "branch") for (const deal of state.deals) takeBack(state, deal);
  if (kind === "lost sector" && (state.sector === "landed" || state.sector === "proven")) {
    state.sector = "lost";
    state.lostAt = state.height;
  }
  if (kind === "client cancels" && typeof first.channel !== "string") {
    state.cheated ||= first.chain !== undefined && first.chain.endedAt === null;
    cancel(state, first, first.channel);
  }
  const { stage } = first.client;
  // While money may be on its way, funding is first brought to its end.
  const isPaying = stage === "funding" && first.sent.length > 0;
  if (kind === "client gives up" && !isPaying && machine.canHappen(stage, "given up")) {
    first.client = { ...first.client, stage: machine.nextStage(stage, "given up") };
  }
  const isActive = first.chain?.status === "active" && first.client.stage === "done";
  if (kind === "early end" && isActive && first.release === "none") first.release = "agreed";
}

function seal(state: ModelState): void {
  if (state.sector === "landed") state.sector = "proven";
  if (state.sector === "closed") state.sector = "landed";
}
interface Acting {
  readonly hasMiner: boolean;
  readonly hasClient: boolean;
  readonly isRefused: boolean;
  readonly isForgetful: boolean;
}
/** Sends a message once: a key that the outbox has gives the receipt of then. False if it would fail. */
function send(deal: DealState, key: string, run: () => boolean): boolean {
  if (deal.sent.includes(key)) return true;
  if (deal.refused.includes(key)) {
    deal.refused = deal.refused.filter((one) => one !== key); // it has failed; the next try has another key
    return false;
  }
  if (!run()) return false;
  deal.sent = [...deal.sent, key].toSorted();
  return true;
}
function clientActs(state: ModelState, deal: DealState, machines: Machines, acting: Acting): void {
  const before = deal.client;
  listen(deal, acting.hasMiner);
  lookAgain(state, deal, machines);
  const event = clientEvent(state, deal, acting);
  if (event !== undefined)
    deal.client = { ...deal.client, stage: machine.nextStage(deal.client.stage, event) };
  const due = machines.windUp(deal.client, clientView(state, deal), rules);
  channelAct(state, deal, due.channel);
  collateralAct(state, deal, due.collateral);
  const { hasChannel } = deal.client;
  if (acting.isForgetful) deal.client = { ...before, hasChannel };
}

const took = (deal: DealState, one: Taken): void => {
  deal.taken = [...deal.taken, one];
};
function takingOf({ sent, refused }: DealState, key: string): Taking {
  if (refused.includes(key)) return "open";
  return sent.includes(key) ? "taken" : "none";
}
/** What came back is looked at again until it is final. */
function lookAgain({ height }: ModelState, deal: DealState, { isCollateralThere }: Machines): void {
  const { client, channel, chain, backAt } = deal;
  if (client.refunded !== null && typeof channel !== "string") deal.client = { ...client, refunded: null };
  if (backAt === null || client.escrow !== "back") return;
  const facts = chain === undefined ? undefined : ({ ...chain, ...collaterals, isLossOpen: false } as const);
  if (isCollateralThere({ chain: facts }, takingOf(deal, "withdraw"))) {
    deal.client = { ...deal.client, escrow: "in" };
    deal.backAt = null;
  } else if (backAt + finality < height) deal.backAt = null;
}
function isBack({ height }: ModelState, deal: DealState): void {
  deal.client = { ...deal.client, escrow: "back" };
  deal.backAt = height;
}

function clientView(state: ModelState, deal: DealState): machine.ClientView {
  const { channel, chain } = deal;
  const waiting = state.deals.filter((other) => other !== deal && isWaiting(other, state.height)).length;
  const { escrow, locked } = state.escrow.client;
  return {
    height: state.height,
    channel:
      typeof channel === "string"
        ? undefined
        : { ...channel, redeemed: atto(channel.redeemed), amount: atto(price) },
    isChannelGone: channel === "gone",
    chain: chain === undefined ? undefined : { ...chainFacts(state, chain), ...collaterals },
    free: atto(escrow - locked),
    promised: atto(waiting * clientCollateral),
  };
}
/** A deal that goes on, and can still be published, has its collateral in the free escrow. */
function isWaiting({ client, chain }: DealState, height: number): boolean {
  const isLive = client.stage !== "done" && client.stage !== "abandoned" && height <= times.startBy;
  return isLive && client.escrow !== "back" && chain === undefined;
}
/** A stage that waits for the miner, and does not hear of it. */
function listen(deal: DealState, hasMiner: boolean): void {
  const isListening = ["proposing", "accepted", "proven"].includes(deal.client.stage);
  deal.silent = isListening && !hasMiner ? Math.min(mostSilent, deal.silent + 1) : 0;
}

/** What happens to the attempt in this epoch. */
function clientEvent(state: ModelState, deal: DealState, acting: Acting): machine.ClientEvent | undefined {
  const { height } = state;
  const { hasMiner, isRefused } = acting;
  const isSilent = deal.silent >= mostSilent;
  switch (deal.client.stage) {
    case "funding":
      pay(state, deal);
      return "paid";
    case "proposing":
      if (isSilent) return "given up";
      return hasMiner ? propose(state, deal, isRefused) : undefined;
    case "accepted": {
      if (hasMiner && deal.miner?.state === "failed") return "given up";
      const isVerified = hasMiner && (state.sector === "landed" || state.sector === "proven");
      const silence = { silentMs: deal.silent, mostSilentMs: mostSilent };
      const verdict = machine.judgeAccepted({ isVerified, height, startBy: times.startBy, ...silence });
      if (verdict === "wait") return undefined;
      return verdict === "verified" ? "verified" : "given up";
    }
    case "committed": {
      const isLost = state.sector === "lost";
      const facts = { unproven: state.sector === "proven" ? 0 : 1, isLost, isMissing: isLost };
      const verdict = machine.judgeCommitted({ chain: deal.chain, height, ...times, ...facts });
      if (verdict === "wait") return undefined;
      return verdict === "proven" ? "proven" : "given up";
    }
    case "proven":
      if (hasMiner) return isRefused ? "given up" : "read back";
      return isSilent ? "given up" : undefined;
    default:
      return undefined;
  }
}

/** Where the money of a channel can be found is written down before its message is sent. */
function pay(state: ModelState, deal: DealState): void {
  deal.client = { ...deal.client, hasChannel: true };
  send(deal, "createChannel", () => openChannel(state, deal));
  send(deal, "addBalance", () => deposit(state));
  deal.client = { ...deal.client, escrow: "in" };
}

function propose({ height }: ModelState, deal: DealState, isRefused: boolean): machine.ClientEvent {
  deal.client = { ...deal.client, hasProposal: true };
  if (deal.miner === undefined && (isRefused || height >= times.startBy)) return "given up";
  deal.miner ??= freshMiner;
  return "taken";
}

function channelAct(state: ModelState, deal: DealState, act: machine.ChannelAct | undefined): void {
  const { channel } = deal;
  const { cancelTry } = deal.client;
  if (act === "closed") deal.client = { ...deal.client, refunded: atto(0) };
  if (typeof channel === "string") return;
  if (act === "cancel") {
    const run = (): boolean => {
      cancel(state, deal, channel);
      return true;
    };
    if (send(deal, `cancel${cancelTry}`, run)) deal.client = { ...deal.client, cancelTry: cancelTry + 1 };
  }
  if (act === "reclaim" && state.height >= channel.eol) {
    const toClient = price - channel.redeemed;
    state.balance.client += toClient;
    deal.channel = "gone";
    took(deal, { at: state.height, key: "reclaim", channel, toClient, toMiner: 0 });
    deal.client = { ...deal.client, refunded: atto(toClient) };
  }
}

function collateralAct(state: ModelState, deal: DealState, act: machine.CollateralAct | undefined): void {
  if (act?.do === "settleDeals") settle(state, deal);
  if (act?.do === "empty") isBack(state, deal);
  if (act?.do !== "withdraw") return;
  const run = (): boolean => {
    if (!withdraw(state, "client", Number(act.amount))) return false;
    took(deal, { at: state.height, key: "withdraw", toClient: Number(act.amount), toMiner: 0 });
    return true;
  };
  if (send(deal, "withdraw", run)) isBack(state, deal);
}

const freshMiner: miners.MinerDeal = {
  state: "accepted",
  code: "",
  detail: "",
  stagedHeight: null,
  redeemed: atto(0),
  settled: false,
  dropped: false,
  published: false,
  escrowBack: false,
  woundAt: null,
  closed: false,
};

function minerView(state: ModelState, deal: DealState): miners.MinerView {
  const { channel, chain, release } = deal;
  const { escrow, locked } = state.escrow.miner;
  const { sector, height } = state;
  const isLanded = sector === "landed" || sector === "proven";
  const change = { id: "early", kind: "release", validUntil: 99 } as const;
  return {
    height,
    terms: {
      ...times,
      ...collaterals,
      startHeight: 0,
      totalPrice: atto(price),
      vouchers,
      settlement: release === "made" ? earned : undefined,
    },
    chain: chain === undefined ? undefined : chainFacts(state, chain),
    channel: typeof channel === "string" ? undefined : { ...channel, redeemed: atto(channel.redeemed) },
    isChannelGone: channel === "gone",
    sectors: [
      {
        sectorId: 1,
        stored: sector === "open" ? "staging" : sector === "lost" ? "ended" : "closed",
        // One deal alone waits for the other.
        isFilled: state.deals.every(({ miner }) => miner?.stagedHeight != null),
        onChain: isLanded ? { lastProven: sector === "proven" ? 1 : null, faultySince: null } : undefined,
      },
    ],
    isLocated: isLanded,
    isBusy: false,
    free: atto(escrow - locked),
    withdrawal: takingOf(deal, "withdrawBalance"),
    final: finalStanding(state, deal),
    change: release === "agreed" ? change : undefined,
    hasOwner: true,
  };
}
/** What an early end pays: no less than was redeemed. */
const earned = atto(60);

function minerActs(state: ModelState, deal: DealState, machines: Machines, acting: Acting): void {
  const before = deal.miner;
  if (before === undefined || before.closed) return;
  const step = machines.stepMiner(before, { type: "look", view: minerView(state, deal) }, rules);
  deal.miner = step.deal;
  for (const act of step.acts) minerAct(state, deal, machines, act, acting);
  // What it was about to do is on its disk before it does it.
  if (acting.isForgetful) deal.miner = step.deal;
}

function minerAct(
  state: ModelState,
  deal: DealState,
  { stepMiner }: Machines,
  act: miners.MinerAct,
  { hasClient, isForgetful }: Acting,
): void {
  const tell = (event: miners.MinerEvent): void => {
    if (deal.miner !== undefined && !isForgetful) deal.miner = stepMiner(deal.miner, event, rules).deal;
  };
  switch (act.do) {
    case "fetch":
      if (hasClient) tell(fetched(state, deal));
      break;
    case "seal":
      if (state.sector === "open") state.sector = "closed";
      break;
    case "drop":
      if (deal.miner !== undefined) deal.miner = { ...deal.miner, dropped: true };
      break;
    case "redeem":
      redeem(state, deal, act.voucher, tell);
      break;
    case "message": {
      const { method } = act;
      const run = (): boolean => {
        if (!marketCall(state, deal, act)) return false;
        if (act.method === "withdrawBalance")
          took(deal, { at: state.height, key: method, toClient: 0, toMiner: Number(act.amount) });
        return true;
      };
      if (send(deal, method, run)) tell({ type: "sent", method });
    }
  }
}

function fetched({ height }: ModelState, { client }: DealState): miners.MinerEvent {
  const isOff = client.stage === "abandoned";
  return isOff ? { type: "gave up", reason: dealRefusals.givenUp({}) } : { type: "fetched", height };
}

function redeem(
  state: ModelState,
  deal: DealState,
  index: number | "settlement",
  tell: (event: miners.MinerEvent) => void,
): void {
  const { height } = state;
  const { terms } = minerView(state, deal);
  const isLast = index === "settlement" || index === vouchers.length - 1;
  const amount = index === "settlement" ? terms.settlement : vouchers[index]?.amount;
  const run = (): boolean => {
    const { channel, chain } = deal;
    if (typeof channel === "string" || chain === undefined || amount === undefined) return false;
    const wanted = index === "settlement" ? ["released"] : ["active", "complete"];
    const isHealthy = index === "settlement" || state.lostAt === null;
    if (height >= channel.eol || !wanted.includes(chain.status) || !isHealthy) return false;
    const more = Number(amount) - channel.redeemed;
    if (more < 0) return false;
    state.balance.miner += more;
    deal.paid += more;
    if (isLast) state.balance.client += price - Number(amount);
    deal.channel = isLast ? "gone" : { ...channel, redeemed: Number(amount), eol: channel.agreedEol };
    const [toClient, key] = [price - Number(amount), `redeem${index}`];
    if (isLast) took(deal, { at: height, key, channel, toClient, toMiner: more });
    return true;
  };
  if (amount === undefined || !send(deal, `redeem${index}`, run)) return;
  tell({ type: "paid", amount, isLast, height, terms });
}
