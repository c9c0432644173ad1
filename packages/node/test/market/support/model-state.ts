/**
 * What there is in the model of two deals: both sides as their machines know them, the chain, the money, the time; and
 * what the chain does by itself, and on the messages that it checks.
 */
import { type AttoFil, attoFil } from "@holdfast/base";
import type { DealStatus } from "@holdfast/consensus";
import * as machine from "../../../src/market/machine/client.ts";
import * as miners from "../../../src/market/machine/miner.ts";

export const atto = (amount: number): AttoFil => attoFil(amount);

export const rules = {
  lateStartPercent: 25,
  lostCollateralClientPercent: 50,
  settlementEpochs: 2,
  cancelDelayEpochs: 2,
  mostCancels: 2,
  sealAfterRounds: 1,
  busySealRounds: 1,
  sealRounds: 4,
};
export const times = { startBy: 7, endHeight: 9, eol: 12 };
/** Epochs without an answer after which a client gives up. */
export const mostSilent = 2;
export const price = 100;
export const [clientCollateral, providerCollateral] = [8, 40];
export const funds = { client: 300, miner: 100 };
export const vouchers = [
  { amount: atto(40), validAt: 8 },
  { amount: atto(price), validAt: times.endHeight },
];
export const collaterals = {
  clientCollateral: atto(clientCollateral),
  providerCollateral: atto(providerCollateral),
};

export interface ChainDeal {
  readonly status: DealStatus;
  readonly endedAt: number | null;
  readonly goneAt: number;
}
export interface Channel {
  readonly redeemed: number;
  readonly eol: number;
  readonly agreedEol: number;
}
interface Account {
  escrow: number;
  locked: number;
}
/** A message that took money out, in an epoch whose branch may still lose. */
export interface Taken {
  readonly at: number;
  readonly key: string;
  readonly channel?: Channel;
  readonly toClient: number;
  readonly toMiner: number;
}
/** Epochs after which no branch takes anything back. */
export const finality = 2;

export interface DealState {
  client: machine.ClientDeal;
  miner: miners.MinerDeal | undefined;
  /** "none" before, "gone" after. */
  channel: Channel | "none" | "gone";
  chain: ChainDeal | undefined;
  /** Both have agreed to end it early, and the miner has not said so to the chain. */
  release: "none" | "agreed" | "made";
  /** Messages that the outboxes know. */
  sent: readonly string[];
  taken: readonly Taken[];
  /** Of these, what a branch has refused, and nobody has noticed. */
  refused: readonly string[];
  /** When the client took its collateral to be back; null while it does not. */
  backAt: number | null;
  /** What became of it on the chain, and what the miner was paid. */
  fate: DealStatus | "none";
  paid: number;
  wasActive: boolean;
  /** Epochs in which the client has not heard of the miner. */
  silent: number;
}
export interface ModelState {
  height: number;
  deals: [DealState, DealState];
  sector: "open" | "closed" | "landed" | "proven" | "lost";
  lostAt: number | null;
  readonly escrow: { readonly client: Account; readonly miner: Account };
  balance: { client: number; miner: number; burnt: number };
  /** The client has cancelled though its deal went well. */
  cheated: boolean;
}

/** Who is there in an epoch, and who forgets: it has acted and died before it could write that down. */
export type Presence = "both" | "no client" | "no miner" | "client forgets" | "miner forgets" | "nobody";
export type Trouble =
  | "none"
  | "stalled sealing"
  | "lost sector"
  | "client cancels"
  | "client gives up"
  | "miner refuses"
  | "early end"
  | "branch";
export interface Choice {
  readonly presence: Presence;
  readonly trouble: Trouble;
}

/** The machines under test: a planted fault is another one. */
export interface Machines {
  readonly stepMiner: typeof miners.stepMiner;
  readonly windUp: typeof machine.windUp;
  readonly isCollateralThere: typeof machine.isCollateralThere;
}
const { windUp, isCollateralThere } = machine;
export const product: Machines = { stepMiner: miners.stepMiner, windUp, isCollateralThere };

const freshDeal = (): DealState => ({
  client: {
    stage: "funding",
    hasChannel: false,
    hasProposal: false,
    startBy: times.startBy,
    endHeight: times.endHeight,
    providerCollateral: collaterals.providerCollateral,
    refunded: null,
    cancelTry: 0,
    collateral: collaterals.clientCollateral,
    escrow: "ours",
  },
  miner: undefined,
  channel: "none",
  chain: undefined,
  release: "none",
  sent: [],
  taken: [],
  refused: [],
  backAt: null,
  fate: "none",
  paid: 0,
  wasActive: false,
  silent: 0,
});

export function firstState(): ModelState {
  return {
    height: 0,
    deals: [freshDeal(), freshDeal()],
    sector: "open",
    lostAt: null,
    escrow: { client: { escrow: 0, locked: 0 }, miner: { escrow: 0, locked: 0 } },
    balance: { ...funds, burnt: 0 },
    cheated: false,
  };
}

export function clone(state: ModelState): ModelState {
  const [first, second] = state.deals;
  const { client, miner } = state.escrow;
  return {
    ...state,
    deals: [{ ...first }, { ...second }],
    escrow: { client: { ...client }, miner: { ...miner } },
    balance: { ...state.balance },
  };
}

/** Past every deadline, heights are all the same but for what is to come. */
export function keyOf(state: ModelState): string {
  const deals = state.deals.map(({ client: ours, miner: theirs, channel, chain, sent, ...fate }) => {
    const { stage, hasChannel, hasProposal, refunded, cancelTry, escrow } = ours;
    const ofClient = [stage, hasChannel, hasProposal, refunded, cancelTry, escrow];
    const ofMiner = theirs === undefined ? [] : [theirs.state, theirs.stagedHeight, theirs.redeemed];
    const flags = [theirs?.settled, theirs?.dropped, theirs?.published, theirs?.escrowBack, theirs?.closed];
    const { taken, refused, backAt } = fate;
    const when = [backAt, theirs?.closed === true ? null : theirs?.woundAt].map((at) =>
      typeof at === "number" && at + finality < state.height ? "long ago" : at,
    );
    const lately = [...when, ...refused, ...taken.map(({ at, key }) => `${key} ${at}`)];
    const pay = typeof channel === "string" ? [channel] : [channel.redeemed, channel.eol];
    const { release, fate: end, paid, silent, wasActive } = fate;
    const rest = [chain?.status, chain?.endedAt, ...sent, release, end, paid, silent, wasActive];
    return [...ofClient, ...ofMiner, ...flags, ...lately, ...pay, ...rest].join();
  });
  const { client, miner } = state.escrow;
  const money = [client.escrow, client.locked, miner.escrow, miner.locked, ...Object.values(state.balance)];
  return [state.height, state.sector, state.lostAt, state.cheated, ...money, ...deals].join("/");
}
