/** What a miner checks of a proposal: each lie has its own refusal, and each row is about that lie alone. */
import { attoFil, channelId, epoch, type HoldfastError, rawCid } from "@holdfast/base";
import type { Channel } from "@holdfast/consensus";
import { genesisMinerAddress } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DealProposal, SignedProposal } from "../../src/market/deal.ts";
import { checkPayment, checkTerms, type MinerFacts } from "../../src/market/miner/validate.ts";
import { dealRefusals } from "../../src/market/refusals.ts";
import {
  channelWith,
  clientPeer,
  facts,
  payer,
  pieces,
  proposalWith,
  vouchersOf,
} from "./support/proposals.ts";
import { keysOf } from "./support/world.ts";

interface Case {
  readonly signed?: SignedProposal;
  readonly facts?: Partial<MinerFacts>;
  readonly peer?: string;
  readonly channel?: Partial<Channel>;
  readonly isTaken?: boolean;
}

/** The code of the refusal; undefined if the deal is taken. */
function verdict({
  signed = proposalWith(),
  facts: changed = {},
  peer = clientPeer,
  channel,
  isTaken,
}: Case) {
  const known = { ...facts, ...changed };
  try {
    checkTerms(known, signed, peer);
    checkPayment(known, signed.proposal, channelWith(channel, signed.proposal), isTaken ?? false);
    return undefined;
  } catch (error) {
    return (error as HoldfastError).code;
  }
}

const honest = proposalWith().proposal;
const total = honest.totalPrice;
const stranger = keysOf("stranger");
const withPiece = (change: Partial<DealProposal["pieces"][number]>): SignedProposal =>
  proposalWith({ pieces: pieces.map((piece, index) => (index === 1 ? { ...piece, ...change } : piece)) });
const withVoucher = (index: number, change: Partial<DealProposal["vouchers"][number]>): SignedProposal =>
  proposalWith({ vouchers: honest.vouchers.map((one, at) => (at === index ? { ...one, ...change } : one)) });

function swapped<T>(list: readonly T[], a: number, b: number): T[] {
  return list.map((one, index) => (index === a ? list[b] : index === b ? list[a] : one) ?? one);
}

/** A lie, its refusal, and where it can be: what would have to be true for the same proposal to be taken. */
const table: readonly (Case & { readonly code: string; readonly truth?: Case })[] = [
  { code: "deal/bad-signature", signed: proposalWith({}, stranger), truth: { signed: proposalWith() } },
  { code: "deal/bad-signature", signed: { ...proposalWith(), signature: new Uint8Array(65) } },
  {
    code: "deal/wrong-miner",
    signed: proposalWith({ miner: genesisMinerAddress(1, 1) }),
    truth: { facts: { miner: genesisMinerAddress(1, 1) } },
  },
  { code: "deal/wrong-peer", peer: "somebody-else", truth: { peer: clientPeer } },
  { code: "deal/bad-delivery", signed: proposalWith({ delivery: "pigeon" }) },
  { code: "deal/bad-delivery", signed: proposalWith({ delivery: "file:///etc/passwd" }) },
  { code: "deal/bad-delivery", signed: proposalWith({ delivery: "http:///no-host" }) },
  { code: "deal/bad-delivery", signed: proposalWith({ delivery: "https://user:word@example.org/a.car" }) },
  { code: "deal/bad-piece", signed: withPiece({ commP: new Uint8Array(32).fill(255) }) },
  { code: "deal/bad-piece", signed: withPiece({ userBytes: 0 }) },
  { code: "deal/bad-piece", signed: withPiece({ paddedBytes: 1_024 }) },
  { code: "deal/bad-piece", signed: withPiece({ paddedBytes: 2_047 }) },
  { code: "deal/size-mismatch", signed: proposalWith({ carBytes: 5_001 }) },
  { code: "deal/size-mismatch", signed: proposalWith({ pieces: [], carBytes: 0 }) },
  { code: "deal/piece-too-large", facts: { sectorBytes: 1_024 }, truth: { facts: { sectorBytes: 4_096 } } },
  {
    code: "deal/too-many-pieces",
    facts: { params: { ...facts.params, maxMessageBytes: 1_100 } },
    truth: { facts: { params: { ...facts.params, maxMessageBytes: 2_000 } } },
  },
  {
    code: "deal/too-many-pieces",
    facts: { params: { ...facts.params, blockGasLimit: 20_000 } },
    truth: { facts: { params: { ...facts.params, blockGasLimit: 1_000_000 } } },
  },
  { code: "deal/duration-out-of-range", signed: proposalWith({ durationEpochs: 39, startBy: epoch(80) }) },
  { code: "deal/duration-out-of-range", signed: proposalWith({ durationEpochs: 99_999 }) },
  {
    code: "deal/start-out-of-range",
    signed: proposalWith({ startHeight: epoch(700), startBy: epoch(1_000) }),
    truth: { facts: { height: 650 } },
  },
  { code: "deal/start-out-of-range", facts: { height: 660 }, truth: { facts: { height: 60 } } },
  {
    code: "deal/start-by-out-of-range",
    signed: proposalWith({ startBy: epoch(61) }),
    truth: { facts: { height: 49 } },
  },
  { code: "deal/start-by-out-of-range", signed: proposalWith({ startBy: epoch(531) }) },
  {
    // The same proposal on a chain whose rounds are long: far more time than its bytes and its sealing need.
    code: "deal/start-by-out-of-range",
    facts: { params: { ...facts.params, roundMs: 60_000 } },
    truth: { facts: { params: facts.params } },
  },
  { code: "deal/no-ask", facts: { asks: facts.asks.slice(0, 1) }, truth: { facts: { asks: facts.asks } } },
  { code: "deal/no-ask", facts: { asks: [] } },
  {
    code: "deal/size-outside-ask",
    facts: { asks: facts.asks.map((one) => ({ ...one, maxBytes: 5_000 })) },
    truth: { facts: { asks: facts.asks.map((one) => ({ ...one, maxBytes: 6_144 })) } },
  },
  {
    code: "deal/price-too-low",
    facts: { asks: facts.asks.slice(2) },
    truth: { facts: { asks: facts.asks.slice(1) } },
  },
  { code: "deal/price-too-low", signed: proposalWith({ pricePerBytePerEpoch: attoFil(9) }) },
  { code: "deal/total-too-low", signed: proposalWith({ totalPrice: attoFil(total - 1n) }) },
  { code: "deal/collateral-too-small", signed: proposalWith({ clientCollateral: attoFil(1n) }) },
  { code: "deal/collateral-too-small", signed: proposalWith({ providerCollateral: attoFil(1n) }) },
  {
    code: "deal/collateral-too-large",
    signed: proposalWith({ providerCollateral: attoFil(honest.providerCollateral + 1n) }),
  },
  {
    // Enough for the network, and less than the ask wants.
    code: "deal/collateral-too-small",
    signed: proposalWith({ clientCollateral: attoFil(honest.clientCollateral - 1n) }),
  },
  { code: "deal/bad-signature", signed: proposalWith({ termsSignature: new Uint8Array(65) }) },
  { code: "deal/channel-target", channel: { target: stranger.address }, truth: { channel: {} } },
  { code: "deal/channel-used", isTaken: true, truth: { isTaken: false } },
  { code: "deal/channel-used", channel: { redeemed: attoFil(1) }, truth: { channel: {} } },
  {
    code: "deal/channel-funds",
    channel: { amount: attoFil(total - 1n) },
    truth: { channel: { amount: total } },
  },
  { code: "deal/channel-cancelled", channel: { agreedEol: epoch(9_000) }, truth: { channel: {} } },
  {
    code: "deal/channel-ends-too-early",
    channel: { eol: epoch(577), agreedEol: epoch(577) },
    truth: { channel: { eol: epoch(578), agreedEol: epoch(578) } },
  },
  { code: "deal/no-vouchers", signed: proposalWith({ vouchers: [] }) },
  { code: "deal/voucher-order", signed: proposalWith({ vouchers: swapped(honest.vouchers, 3, 4) }) },
  { code: "deal/voucher-gap", signed: proposalWith({ vouchers: honest.vouchers.slice(-1) }) },
  { code: "deal/voucher-too-low", signed: withVoucher(3, { amount: honest.vouchers[2]?.amount ?? total }) },
  { code: "deal/vouchers-too-low", signed: proposalWith({ vouchers: honest.vouchers.slice(0, -1) }) },
  {
    code: "deal/vouchers-too-late",
    signed: withVoucher(24, { validAt: epoch(531) }),
  },
  { code: "deal/voucher-above-channel", signed: withVoucher(24, { amount: attoFil(total + 1n) }) },
  { code: "deal/voucher-signature", signed: withVoucher(7, { signature: new Uint8Array(65) }) },
  { code: "deal/voucher-signature", signed: proposalWith({ vouchers: vouchersOf(honest, stranger) }) },
  // Vouchers for another channel, other pieces, another miner: the condition and the channel are under the signature.
  {
    code: "deal/voucher-signature",
    signed: proposalWith({ vouchers: vouchersOf({ ...honest, channel: channelId(4) }) }),
  },
  {
    code: "deal/voucher-signature",
    signed: proposalWith({ vouchers: vouchersOf({ ...honest, pieces: pieces.slice(1) }) }),
  },
  {
    code: "deal/voucher-signature",
    signed: proposalWith({ vouchers: vouchersOf({ ...honest, miner: genesisMinerAddress(1, 1) }) }),
  },
];

describe("a miner's checks", () => {
  it("takes an honest deal", () => {
    expect(verdict({})).toBe(undefined);
  });

  for (const [index, { code, truth, ...lie }] of table.entries()) {
    it(`${code} (${index})`, () => {
      expect(verdict(lie)).toBe(code);
      if (truth === undefined) return;
      const { signed, facts: known, ...rest } = { ...lie, ...truth };
      const merged = { ...rest, ...(signed === undefined ? {} : { signed }), facts: { ...known } };
      expect(verdict(merged), "the row is about this lie alone").toBe(undefined);
    });
  }

  it("has a row for every refusal of a proposal", () => {
    const tested = new Set(table.map(({ code }) => code));
    const others = new Set([
      // Said by the protocol, the transfer and the sectors; their tests are in hostile, flow and ends.
      "deal/malformed",
      "deal/busy",
      "deal/catching-up",
      "deal/channel-not-found",
      "deal/collateral-missing",
      "deal/not-published",
      "deal/ended",
      "deal/transfer-failed",
      "deal/wrong-data",
      "deal/storage-failed",
      "deal/no-room",
      "deal/no-time-to-seal",
      "deal/not-in-time",
      "deal/sector-lost",
      "deal/payment-gone",
      "deal/unknown-deal",
      "deal/not-your-deal",
      "deal/given-up",
      "deal/bad-range",
      // Of the policy; their tests are in policy.
      "deal/closed",
      "deal/client-refused",
      "deal/not-verified",
      "deal/duplicate",
      "deal/delivery-refused",
      "deal/refused-by-operator",
      "deal/no-word-of-operator",
      // Of the way of the data; their tests are in delivery and web-data.
      "deal/bad-source",
      "deal/too-many-carried",
      "deal/not-carried",
      // Of changes of a deal; their tests are in change and change-hostile.
      "deal/not-by-policy",
      "deal/not-active",
      "deal/amendment-pending",
      "deal/amendment-times",
      "deal/sector-ends-too-early",
      "deal/settlement-too-low",
    ]);
    const all = Object.keys(dealRefusals).map(
      (name) => `deal/${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    );
    expect(all.filter((code) => !tested.has(code) && !others.has(code))).toEqual([]);
  });

  it("takes no proposal in which any field was changed after it was signed", () => {
    const signed = proposalWith();
    const changes: { readonly [Field in keyof DealProposal]: DealProposal[Field] } = {
      payload: rawCid(new Uint8Array(1)),
      carBytes: 4_999,
      pieces: pieces.slice(1),
      startHeight: epoch(51),
      durationEpochs: 500,
      startBy: epoch(401),
      pricePerBytePerEpoch: attoFil(11),
      totalPrice: attoFil(total + 1n),
      miner: genesisMinerAddress(1, 1),
      clientPeer: "another",
      delivery: "offline",
      payer: stranger.address,
      channel: channelId(9),
      clientCollateral: attoFil(1n),
      providerCollateral: attoFil(1n),
      termsSignature: new Uint8Array(65),
      vouchers: honest.vouchers.slice(1),
    };
    const fields = Object.keys(changes) as (keyof DealProposal)[];
    expect(fields.toSorted()).toEqual(Object.keys(signed.proposal).toSorted());
    for (const field of fields) {
      const proposal = { ...signed.proposal, [field]: changes[field] };
      expect(verdict({ signed: { ...signed, proposal } }), field).toBe("deal/bad-signature");
    }
  });

  it("fails with a refusal and nothing else, whatever the numbers are", () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.maxSafeNat());
    fc.assert(
      fc.property(
        fc.record({
          carBytes: number,
          startHeight: number.map((value) => epoch(value)),
          durationEpochs: number,
          startBy: number.map((value) => epoch(value)),
          totalPrice: fc.bigInt({ min: 0n, max: 10n ** 30n }).map((value) => attoFil(value)),
          pieces: fc.array(
            fc.record({
              commP: fc.uint8Array({ minLength: 32, maxLength: 32 }),
              paddedBytes: fc.oneof(fc.constantFrom(0, 128, 2_048, 4_096), number),
              userBytes: number,
            }),
            { maxLength: 4 },
          ),
        }),
        (change) => {
          const signed = proposalWith({ ...change, vouchers: honest.vouchers });
          const code = verdict({ signed, facts: { owner: payer.address } });
          expect(code).toMatch(/^deal\//);
        },
      ),
      { numRuns: 300 },
    );
  });
});
