/**
 * Proposals: read, checked, written down, answered. The same proposal again gets the state of its deal; a
 * refused one is not kept, so that it can be sent again when what was wrong has changed.
 */
import { type CID, encode, HoldfastError, type JsonObject, type WireStream } from "@holdfast/base";
import type { Channel } from "@holdfast/consensus";
import { FrameReader } from "../../framing.ts";
import { limits } from "../../limits.ts";
import {
  type DealProposal,
  dealIdOf,
  proposeProtocol,
  type SignedProposal,
  signedProposalCodec,
} from "../deal.ts";
import { isCarried, wayOf } from "../delivery.ts";
import { channelOn, dealOn, freeEscrowOf, heightOf } from "../facts.ts";
import { checkPolicy, percentFor } from "../policy.ts";
import { asRefusal, dealRefusals } from "../refusals.ts";
import { serve } from "../talk.ts";
import { nextHead } from "../tasks.ts";
import { paddedTotal } from "../terms.ts";
import { answerWith } from "./answers.ts";
import { askHook, checkStorage, holdStorage } from "./consent.ts";
import { type MinerContext, minerFacts, storedUntil } from "./context.ts";
import { checkPayment, checkTerms } from "./validate.ts";

/** Serves `/fil/storage/mk/1.0.0` until disposed of; `onDeal` is called for each new deal. */
export function serveProposals(context: MinerContext, onDeal: (dealId: string) => void): AsyncDisposable {
  const { params } = context.needs.chain;
  return serve(context.needs, {
    protocol: proposeProtocol,
    timeoutMs: limits.requestTimeoutMs + limits.policyHookMs + limits.dealWaitRounds * params.roundMs,
    handler: (stream, signal) => answerProposal(context, stream, onDeal, signal),
  });
}

async function answerProposal(
  context: MinerContext,
  stream: WireStream,
  onDeal: (dealId: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let dealId: CID | undefined;
  try {
    const signed = await new FrameReader(stream).readMessage(signedProposalCodec, signal);
    if (signed === undefined) throw dealRefusals.malformed({ detail: "the stream ended" });
    dealId = dealIdOf(signed.proposal);
    const id = dealId.toString();
    if (context.store.get(id) === undefined) {
      await take(context, id, signed, stream.peer, signal);
      onDeal(id);
    }
    await answerWith(context, { dealId, deal: context.store.get(id) }, stream, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || error.exit === "network") throw error;
    context.needs.logger.info("deal refused", { peer: stream.peer, code: error.code, reason: error.message });
    await answerWith(
      context,
      { refusal: asRefusal(error), ...(dealId === undefined ? {} : { dealId }) },
      stream,
      signal,
    );
  }
}

/** Checks and writes down. `deal/…`. */
async function take(
  context: MinerContext,
  dealId: string,
  signed: SignedProposal,
  peer: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, needs } = context;
  const { proposal } = signed;
  // What it does not see yet is no reason to refuse for good.
  if (needs.isCatchingUp()) throw dealRefusals.catchingUp({ height: heightOf(needs.chain) });
  checkTerms(factsFor(context, proposal), signed, peer);
  checkRoom(context, proposal);
  checkConsent(context, proposal);
  await checkStorage(context, { dealId, pieces: proposal.pieces, startBy: proposal.startBy });
  await askHook(context, "proposal", wishOf(dealId, proposal, peer), signal);
  const channel = await channelFor(context, proposal, signal);
  // Others may have been taken meanwhile. Who has locked no money holds neither room nor time.
  using _held = await holdStorage(context, { dealId, pieces: proposal.pieces, startBy: proposal.startBy });
  // Nothing is awaited from here on: two proposals for one channel cannot both pass.
  if (store.get(dealId) !== undefined) return;
  checkRoom(context, proposal);
  checkConsent(context, proposal);
  checkEscrow(context, proposal);
  const { payer, channel: channelId } = proposal;
  const isTaken = store.isChannelTaken(payer, channelId) || needs.isChannelUsed?.(payer, channelId) === true;
  checkPayment(minerFacts(context), proposal, channel, isTaken);
  const detail = isCarried(proposal)
    ? `waits for its data, which is brought: \`holdfast deal import ${dealId} FILE\` at the miner`
    : "the deal is accepted";
  const entry = { atMs: needs.clock.nowMs(), state: "accepted", detail };
  store.add(dealId, encode(signedProposalCodec, signed), proposal, entry);
  needs.logger.info("deal accepted", { deal: dealId, payer: proposal.payer, bytes: proposal.carBytes });
}

/** Deals whose data is carried take no turn of those that are fetched, and have their own bounds. */
export function checkRoom({ store }: Pick<MinerContext, "store">, proposal: DealProposal): void {
  if (isCarried(proposal)) {
    const [all, own] = [store.awaited(), store.awaited(proposal.payer)];
    if (all >= limits.carriedDeals) throw dealRefusals.tooManyCarried({ waiting: all });
    if (own >= limits.carriedDealsPerClient) throw dealRefusals.tooManyCarried({ waiting: own });
    return;
  }
  const { all, ofClient, ofPeer } = store.waiting(proposal);
  // The more there are, the fewer may be one's own: who comes with many leaves room for who comes with one.
  const waiting = Math.max(ofClient, ofPeer);
  if (waiting * limits.freePerWaitingDeal >= limits.waitingDeals - all) throw dealRefusals.busy({ waiting });
}

/** With the share of the ask that this client pays. */
function factsFor(context: MinerContext, { payer }: DealProposal) {
  return { ...minerFacts(context), pricePercent: percentFor(context.amendments.policy(), payer) };
}

/** What this miner's policy says. `deal/…`. */
function checkConsent(context: MinerContext, proposal: DealProposal): void {
  const { payer: client, payload, durationEpochs, delivery } = proposal;
  const way = wayOf(delivery);
  if (way === "http" && context.needs.fetchWeb === undefined) throw dealRefusals.deliveryRefused({ way });
  const wish = { client, durationEpochs, way, storedUntil: storedUntil(context, client, payload) };
  checkPolicy(context.amendments.policy(), wish, context.needs.chain.params);
}

/** For the operator's program. */
function wishOf(dealId: string, proposal: DealProposal, peer: string): JsonObject {
  const { payload, carBytes, durationEpochs, payer: client, pieces } = proposal;
  return {
    dealId,
    client,
    peer,
    payload: payload.toString(),
    carBytes,
    paddedBytes: paddedTotal(pieces),
    durationEpochs,
    way: wayOf(proposal.delivery),
    pricePerBytePerEpoch: proposal.pricePerBytePerEpoch.toString(),
  };
}

/** The client's collateral is there, beside what its deals that wait for their publication will lock. */
function checkEscrow({ needs, store }: MinerContext, proposal: DealProposal): void {
  const { payer, clientCollateral } = proposal;
  const waiting = store
    .unsealedOf(payer)
    .filter((deal) => dealOn(needs.chain, deal) === undefined)
    .reduce((sum, deal) => sum + deal.proposal.clientCollateral, 0n);
  const [free, needed] = [freeEscrowOf(needs.chain, payer), waiting + clientCollateral];
  if (free >= needed) return;
  throw dealRefusals.collateralMissing({ payer, free: free.toString(), needed: needed.toString() });
}

/** The client sees its own message first: wait some rounds for it. `deal/channel-not-found`. */
async function channelFor(
  { needs }: MinerContext,
  { payer, channel: id }: DealProposal,
  signal: AbortSignal,
): Promise<Channel> {
  const untilMs = needs.clock.nowMs() + limits.dealWaitRounds * needs.chain.params.roundMs;
  for (;;) {
    const channel = channelOn(needs.chain, payer, id);
    if (channel !== undefined) return channel;
    if (needs.clock.nowMs() >= untilMs) throw dealRefusals.channelNotFound({ payer, channel: id });
    await nextHead(needs.chain, signal);
  }
}
