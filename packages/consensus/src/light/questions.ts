/**
 * Questions about a state as data: what a light client asks, what a node proves, and what the client reads out of
 * the proof are one list, so that none of them can drift from the others. An answer is what the reader of `views`
 * gives; that there is no such actor, sector or deal is proven as its presence is.
 */
import type { Address, Blockstore, CID, Codec } from "@holdfast/base";
import { c, HoldfastError } from "@holdfast/base";
import type { Channel } from "../actors/broker/state.ts";
import type { Deal, EscrowAccount } from "../actors/market/book.ts";
import type { Sector } from "../actors/miner/state.ts";
import type { ActorRecord } from "../types/actor.ts";
import type { DealTerms } from "../types/deal.ts";
import type { ProtocolState } from "../types/upgrade.ts";
import { readActor, readProtocol } from "../views/actors.ts";
import { readChannel } from "../views/broker.ts";
import { readDeal, readDealTerms, readEscrow } from "../views/deals.ts";
import { type MinerView, readMinerState, readPower, readSector } from "../views/miner.ts";
import { askElectorate, type Electorate } from "./electorate.ts";
import { lightErrors } from "./errors.ts";
import type { StateQuestion, StateWitness } from "./witness.ts";
import { recordRead } from "./witness.ts";

/** Most miners of one question; who has more to ask about asks several times and adds the proofs together. */
export const maxMinersAsked = 128;

export const lightQuestionCodec = c.variant("LightQuestion", {
  rules: c.tuple("RulesQuestion", {}),
  electorate: c.tuple("ElectorateQuestion", { miners: c.list(c.address, maxMinersAsked) }),
  power: c.tuple("PowerQuestion", {}),
  actor: c.tuple("ActorQuestion", { address: c.address }),
  miner: c.tuple("MinerQuestion", { address: c.address }),
  sector: c.tuple("SectorQuestion", { miner: c.address, sector: c.sectorId }),
  deal: c.tuple("DealQuestion", { client: c.address, channel: c.channelId }),
  channel: c.tuple("ChannelQuestion", { payer: c.address, channel: c.channelId }),
  escrow: c.tuple("EscrowQuestion", { party: c.address }),
});

export type LightQuestion = typeof lightQuestionCodec extends Codec<infer Question> ? Question : never;

/** What each question is answered with; undefined: the state has none. */
export interface LightAnswers {
  readonly rules: ProtocolState;
  readonly electorate: Electorate;
  /** Of the whole network (bytes). */
  readonly power: bigint;
  readonly actor: ActorRecord | undefined;
  readonly miner: MinerView;
  readonly sector: Sector | undefined;
  readonly deal: { readonly deal: Deal; readonly terms: DealTerms } | undefined;
  readonly channel: Channel | undefined;
  readonly escrow: EscrowAccount;
}

type Reader<Kind extends LightQuestion["kind"]> = (
  store: Blockstore,
  state: CID,
  question: Extract<LightQuestion, { kind: Kind }>,
) => LightAnswers[Kind];

const readers: { readonly [Kind in LightQuestion["kind"]]: Reader<Kind> } = {
  rules: readProtocol,
  electorate: (store, state, { miners }) => askElectorate(state, miners)(store),
  power: (store, state) => readPower(store, state),
  actor: (store, state, { address }) => readActor(store, state, address),
  miner: (store, state, { address }) => readMinerState(store, state, address),
  sector: (store, state, { miner, sector }) => readSector(store, state, miner, sector),
  deal(store, state, { client, channel }) {
    const deal = readDeal(store, state, { client, channel });
    return deal === undefined ? undefined : { deal, terms: readDealTerms(store, deal) };
  },
  channel: (store, state, { payer, channel }) => readChannel(store, state, payer, channel),
  escrow: (store, state, { party }) => readEscrow(store, state, party),
};

/** Errors `state/…`: the state has no such actor, or one of another kind. */
export function askLight<Kind extends LightQuestion["kind"]>(
  question: Extract<LightQuestion, { kind: Kind }>,
  state: CID,
): StateQuestion<LightAnswers[Kind]> {
  const read = readers[question.kind as Kind];
  return (store) => read(store, state, question);
}

/**
 * For a full node: the proof of the answer, whatever it is, also if it is an error of the question itself.
 * `light/state-not-held`, `light/witness-too-large`.
 */
export function proveLight(store: Blockstore, state: CID, question: LightQuestion): StateWitness {
  const { store: recording, witness } = recordRead(store);
  try {
    if (!store.has(state)) throw lightErrors.stateNotHeld({ state: state.toString() });
    readAny(recording, state, question);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === "store/missing-block")
      throw lightErrors.stateNotHeld({ state: state.toString() }, error);
    if (!error.code.startsWith("state/")) throw error;
  }
  return witness();
}

function readAny(store: Blockstore, state: CID, question: LightQuestion): unknown {
  return (askLight as (asked: LightQuestion, of: CID) => StateQuestion<unknown>)(question, state)(store);
}

/** The question about these miners, in parts that are small enough. */
export function electorateQuestions(
  miners: readonly Address[],
): Extract<LightQuestion, { kind: "electorate" }>[] {
  const parts: Extract<LightQuestion, { kind: "electorate" }>[] = [];
  for (let at = 0; at < miners.length; at += maxMinersAsked)
    parts.push({ kind: "electorate", miners: miners.slice(at, at + maxMinersAsked) });
  return parts;
}
