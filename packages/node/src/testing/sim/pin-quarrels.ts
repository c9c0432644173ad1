/**
 * What the ledger of pinning (pin-ledger.ts) books of disputes: disproofs, two reports of a slot, challenges, and what
 * a buyer asks. Each is looked at anew, blocks and signatures too: the chain must have taken nothing that is not so.
 */
import { type CID, c, decode, epoch, equalBytes } from "@holdfast/base";
import {
  askEntropy,
  isPinReportSigned,
  type Message,
  methods,
  type PinReport,
  pinAskTag,
  pinReportDigest,
  sampleSeed,
  walkBlocks,
} from "@holdfast/consensus";
import { type At, type BookedPart, creditedSlot, lastAnswer, type Payouts } from "./pin-booked.ts";
import type { PinLedger } from "./pin-ledger.ts";

const { pins } = methods;

export interface Quarrel {
  readonly returns: Uint8Array;
  readonly at: At;
  readonly payouts: Payouts;
}
type Booking = (ledger: PinLedger, message: Message, quarrel: Quarrel) => string | undefined;

const seedOf = ({ slot, slotHash, key }: PinReport, place: number, { networkId }: At): Uint8Array =>
  sampleSeed({ networkId, slot, slotHash, key }, place);

const ask: Booking = (ledger, { params, from, value }, { at }) => {
  const { pin, node } = decode(pins.askOrder.params, params);
  const order = ledger.orders.get(pin);
  const part = order?.parts.find((one) => one.node === node);
  if (order === undefined || part === undefined || part.fromSlot === null || part.fromSlot > at.slot)
    return `node ${node} is asked about order ${pin}, which it does not hold`;
  if (order.buyer !== from || order.endSlot <= at.slot) return `${from} asks about order ${pin}`;
  if (part.ask !== undefined || value < at.params.pinChallengeDeposit)
    return `node ${node} is asked twice, or for ${value} attoFIL`;
  // Silence costs what is newer, whoever has settled before.
  const credited = ledger.settle(pin, creditedSlot(at)) ?? order;
  const standing: BookedPart["ask"] = { askedAt: at.height, deposit: value };
  const parts = credited.parts.map((one) => (one.node === node ? { ...one, ask: standing } : one));
  ledger.orders.set(pin, { ...credited, parts });
  return undefined;
};

function asked(ledger: PinLedger, pin: number, node: number) {
  const order = ledger.orders.get(pin);
  const part = order?.parts.find((one) => one.node === node && one.ask !== undefined);
  return order === undefined || part?.ask === undefined ? undefined : { order, part, ask: part.ask };
}

const answer: Booking = (ledger, { params }, { at, payouts }) => {
  const { pin, node, blocks } = decode(pins.answerAsk.params, params);
  const found = asked(ledger, pin, node);
  if (found === undefined) return `node ${node} answers about order ${pin}, and was not asked`;
  const { order, part, ask } = found;
  if (ledger.nodes.get(node)?.status === "expelled") return `node ${node} answers, and is expelled`;
  if (at.height > lastAnswer(ask.askedAt, at)) return `node ${node} answers too late`;
  const drawnAt = epoch(Math.max(ask.askedAt, at.gapEnd) + 1);
  if (drawnAt >= at.height) return `node ${node} answers before it is drawn what`;
  const seed = at.rand(drawnAt, pinAskTag, askEntropy(pin, node));
  if (walkBlocks(seed, order.cid, blocks) === undefined) return `node ${node} answers with other blocks`;
  const parts = order.parts.map((one) => (one === part ? { ...part, ask: undefined } : one));
  ledger.orders.set(pin, { ...order, parts });
  ledger.settlePart(pin, node, at.slot);
  const operator = ledger.nodes.get(node)?.operator;
  if (operator !== undefined) payouts.push([operator, ask.deposit]);
  return undefined;
};

const closeAsk: Booking = (ledger, { params }, { at, payouts }) => {
  const { pin, node } = decode(pins.closeAsk.params, params);
  const found = asked(ledger, pin, node);
  if (found === undefined) return `node ${node} was not asked about order ${pin}, and fails`;
  const { order, part, ask } = found;
  if (!ledger.isForfeit(part, at)) return `node ${node} fails about order ${pin} in its time`;
  ledger.drop(pin, part, at.slot);
  if (at.slot < order.endSlot) ledger.drawn.add(pin);
  payouts.push([order.buyer, ask.deposit]);
  return undefined;
};

const disprove: Booking = (ledger, { params, from }, { at, payouts }) => {
  const { report, sample: place, blocks } = decode(pins.disprove.params, params);
  const said = `the report of node ${report.node} for slot ${report.slot}`;
  const known = ledger.nodes.get(report.node)?.reports.find(({ slot }) => slot === report.slot);
  if (known === undefined || !equalBytes(known.digest, pinReportDigest(report)))
    return `${said} is disproved, and was never taken`;
  if (report.slot + at.params.pinDisputeSlots < at.slot) return `${said} is disproved too late`;
  const sample = report.samples[place];
  const end = sample && walkBlocks(seedOf(report, place, at), sample.root, blocks);
  if (sample === undefined || end === undefined) return `${said} is disproved by nothing`;
  const isTrue = isEnd(sample, end) && end.bytes === sample.bytes;
  return isTrue ? `${said} is true, and disproved` : ledger.expel(report.node, from, at, payouts);
};

function isEnd(
  reported: { readonly block: CID | null; readonly answer: Uint8Array },
  end: { readonly block: CID; readonly answer: Uint8Array },
): boolean {
  return reported.block?.equals(end.block) === true && equalBytes(reported.answer, end.answer);
}

const equivocation: Booking = (ledger, { params, from }, { at, payouts }) => {
  const { first, second } = decode(pins.reportEquivocation.params, params);
  const isCrime =
    first.key === second.key &&
    first.slot === second.slot &&
    !equalBytes(pinReportDigest(first), pinReportDigest(second)) &&
    [first, second].every((one) => isPinReportSigned(one, at.networkId));
  const accused = [...ledger.nodes].find(([, { key }]) => key === first.key);
  if (!isCrime || accused === undefined) return `node ${first.node} has not signed twice`;
  return ledger.expel(accused[0], from, at, payouts);
};

const challenge: Booking = (ledger, { params, from, value }, { at, returns }) => {
  const { report, sample: place } = decode(pins.challengeSample.params, params);
  const sample = report.samples[place];
  if (sample === undefined || sample.block === null) return "what was not answered is challenged";
  if (value < at.params.pinChallengeDeposit) return `a challenge for ${value} attoFIL`;
  ledger.challenges.set(decode(c.uint(), returns), {
    ...{ challenger: from, node: report.node, deposit: value, sample, askedAt: at.height },
    seed: seedOf(report, place, at),
  });
  return undefined;
};

const answerChallenge: Booking = (ledger, { params }, { at, payouts }) => {
  const { challenge: number, blocks } = decode(pins.answerChallenge.params, params);
  const found = ledger.challenges.get(number);
  const operator = found && ledger.nodes.get(found.node)?.operator;
  if (found === undefined || operator === undefined) return `challenge ${number} is answered, and gone`;
  if (at.height > lastAnswer(found.askedAt, at)) return `challenge ${number} is answered too late`;
  const end = walkBlocks(found.seed, found.sample.root, blocks);
  if (end === undefined || !isEnd(found.sample, end)) return `challenge ${number} is answered by nothing`;
  ledger.challenges.delete(number);
  // The other half is nobody's: filling one's own places costs.
  payouts.push([operator, found.deposit / 2n]);
  return undefined;
};

const closeChallenge: Booking = (ledger, { params }, { at, payouts }) => {
  const { challenge: number } = decode(pins.closeChallenge.params, params);
  const found = ledger.challenges.get(number);
  if (found === undefined) return `challenge ${number} is closed, and gone`;
  ledger.challenges.delete(number);
  payouts.push([found.challenger, found.deposit]);
  if (ledger.nodes.get(found.node)?.status === "expelled") return undefined;
  if (at.height <= lastAnswer(found.askedAt, at)) return `challenge ${number} is closed in its time`;
  return ledger.expel(found.node, found.challenger, at, payouts);
};

const bookings: Readonly<Record<string, Booking>> = {
  askOrder: ask,
  answerAsk: answer,
  closeAsk,
  disprove,
  reportEquivocation: equivocation,
  challengeSample: challenge,
  answerChallenge,
  closeChallenge,
};

export function bookQuarrel(ledger: PinLedger, message: Message, quarrel: Quarrel): string | undefined {
  const booking = bookings[message.method];
  return booking === undefined ? `nobody has booked ${message.method}` : booking(ledger, message, quarrel);
}
