/** The messages of a deal: one encoding, ids that follow from the content, and none larger than a frame. */
import { cidOfCbor, decode, encode, epoch, sectorId } from "@holdfast/base";
import { codeThrown } from "@holdfast/base/testing";
import { methods, signedMessageCodec } from "@holdfast/consensus";
import { sectorProfiles } from "@holdfast/proofs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import {
  answerSigningBytes,
  type DealAnswer,
  type DealPiece,
  dealAnswerCodec,
  dealIdOf,
  isAnswerSigned,
  isProposalSigned,
  signedProposalCodec,
  termsOf,
  type UnsignedAnswer,
  wireStates,
} from "../../src/market/deal.ts";
import {
  activationEpochs,
  bestAsk,
  dealPrice,
  durationBounds,
  oversize,
  sliceCount,
  sliceForSectors,
  startSize,
} from "../../src/market/terms.ts";
import { facts, owner, payer, proposalWith } from "./support/proposals.ts";
import { keysOf, signerOf } from "./support/world.ts";

const fullPieces = (count: number, sectorBytes = 2_048): DealPiece[] =>
  Array.from({ length: count }, (_, index) => ({
    commP: new Uint8Array(32).fill(index % 60),
    paddedBytes: sectorBytes,
    userBytes: (sectorBytes / 128) * 127,
  }));

describe("deal messages", () => {
  it("come back as they were, and the id follows from the unsigned proposal", () => {
    const signed = proposalWith();
    const bytes = encode(signedProposalCodec, signed);
    expect(decode(signedProposalCodec, bytes)).toEqual(signed);
    expect(encode(signedProposalCodec, decode(signedProposalCodec, bytes))).toEqual(bytes);
    expect(isProposalSigned(signed)).toBe(true);
    const other = { ...signed, signature: new Uint8Array(65) };
    expect(dealIdOf(other.proposal).toString()).toBe(dealIdOf(signed.proposal).toString());
    const later = { ...signed.proposal, startHeight: epoch(51) };
    expect(dealIdOf(later).equals(dealIdOf(signed.proposal))).toBe(false);
  });

  it("fit into a frame with as many pieces and vouchers as there may be", () => {
    const pieces = fullPieces(limits.piecesPerDeal);
    const { proposal, signature } = proposalWith({ pieces });
    const [voucher] = proposal.vouchers;
    const vouchers = Array.from({ length: limits.vouchersPerDeal }, () => voucher).filter(
      (one) => one !== undefined,
    );
    expect(vouchers.length).toBe(limits.vouchersPerDeal);
    const largest = encode(signedProposalCodec, { proposal: { ...proposal, vouchers }, signature });
    expect(largest.length).toBeLessThan(limits.frameBytes);
    const answer = largestAnswer();
    expect(encode(dealAnswerCodec, { ...answer, signature: new Uint8Array(65) }).length).toBeLessThan(
      limits.frameBytes,
    );
    const proof = new Uint8Array(8 + 32 * 29);
    const location = { sectorId: sectorId(1), proof };
    const wrong = { ...answer, locations: [location], signature: new Uint8Array(65) };
    expect(codeThrown(() => encode(dealAnswerCodec, wrong))).toBe("codec/out-of-range");
  });

  it("hold the proofs of the largest sectors there are", () => {
    const largest = Math.max(...sectorProfiles.map((profile) => profile.sectorBytes));
    expect(8 + 32 * Math.log2(largest / 128)).toBeLessThanOrEqual(8 + 32 * 28);
  });

  it("are signed: no field of an answer can be changed, and only the worker can sign", () => {
    const worker = keysOf("worker 0");
    const answer = largestAnswer();
    const signature = signerOf(worker).sign(worker.address, answerSigningBytes(answer));
    const signed: DealAnswer = { ...answer, signature };
    expect(isAnswerSigned(signed, worker.address)).toBe(true);
    expect(isAnswerSigned(signed, owner.address)).toBe(false);
    const changes: Partial<UnsignedAnswer>[] = [
      { dealId: cidOfCbor(new Uint8Array(3)) },
      { code: "x" },
      { message: "x" },
      { height: epoch(1) },
      { sectorBytes: 1 },
      { firstPiece: 1 },
      { locations: [] },
      ...wireStates.filter((state) => state !== answer.state).map((state) => ({ state })),
    ];
    for (const change of changes)
      expect(isAnswerSigned({ ...signed, ...change }, worker.address)).toBe(false);
  });

  it("never crash the decoder", () => {
    const bytes = encode(signedProposalCodec, proposalWith());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(), (noise, at) => {
        const cut = Uint8Array.from(bytes);
        cut.set(noise.subarray(0, Math.max(0, bytes.length - (at % bytes.length))), at % bytes.length);
        for (const candidate of [noise, cut, bytes.subarray(0, at % bytes.length)]) {
          try {
            decode(signedProposalCodec, candidate);
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(/^(codec|cid|address|base)\//);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

function largestAnswer(): UnsignedAnswer {
  const proof = new Uint8Array(8 + 32 * 24).fill(255);
  return {
    dealId: cidOfCbor(new Uint8Array(2)),
    state: "active",
    code: "c".repeat(64),
    message: "m".repeat(limits.dealReasonBytes),
    height: epoch(Number.MAX_SAFE_INTEGER),
    sectorBytes: Number.MAX_SAFE_INTEGER,
    firstPiece: 1_024,
    locations: Array.from({ length: limits.dealLocations }, () => ({
      sectorId: sectorId(2 ** 32 - 1),
      proof,
    })),
  };
}

describe("terms", () => {
  const sizes = fc.constantFrom(1_024, 2_048, 16_384, 1_048_576);

  it("slices cover a stream without gaps, each in the smallest padded size, only the last below full", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200_000 }), sizes, (carBytes, sectorBytes) => {
        const slices = sliceForSectors(carBytes, sectorBytes);
        expect(slices.length).toBe(sliceCount(carBytes, sectorBytes));
        let at = 0;
        for (const [index, { start, userBytes, paddedBytes }] of slices.entries()) {
          expect(start).toBe(at);
          at += userBytes;
          expect((paddedBytes / 128) * 127).toBeGreaterThanOrEqual(userBytes);
          expect(paddedBytes === 128 || (paddedBytes / 256) * 127 < userBytes).toBe(true);
          if (index < slices.length - 1) expect(paddedBytes).toBe(sectorBytes);
        }
        expect(at).toBe(carBytes);
      }),
      { numRuns: 300 },
    );
  });

  it("prices padded bytes and epochs, and never nothing", () => {
    expect(dealPrice(facts.asks[1]?.pricePerBytePerEpoch ?? payerPrice, 6_144, 480)).toBe(
      10n * 6_144n * 480n,
    );
    expect(dealPrice(payerPrice, 6_144, 480)).toBe(1n);
  });

  it("takes the cheapest ask that holds for the size and the time", () => {
    expect(bestAsk(facts.asks, 6_144, 4)?.askId).toBe(0);
    expect(bestAsk(facts.asks, 6_144, 5)?.askId).toBe(1);
    expect(bestAsk(facts.asks, 100_001, 5)?.askId).toBe(2);
    expect(bestAsk(facts.asks, 1_000_001, 5)).toBe(undefined);
    expect(bestAsk(facts.asks, 6_144, 9_999)).toBe(undefined);
  });

  it("counts what starting a deal takes, and not less than it takes", () => {
    for (const [count, sectorBytes, paddedBytes] of [
      [1, 2_048, 2_048],
      [5, 1_048_576, 128],
      [700, 2_048, 2_048],
      [300, 268_435_456, 1_024],
    ] as const) {
      const pieces = fullPieces(count, paddedBytes);
      const { proposal } = proposalWith({ pieces });
      const { payer: client, channel, miner, termsSignature: signature } = proposal;
      const proof = new Uint8Array(8 + 32 * Math.log2(sectorBytes / paddedBytes));
      const locations = pieces.map(() => ({ sectorId: sectorId(2 ** 32 - 1), proof }));
      const started = encode(methods.market.activateDeal.params, { client, channel, locations });
      const deals = [{ terms: termsOf(proposal), signature }];
      const published = encode(methods.market.publishDeals.params, { miner, deals });
      const bytes = Math.max(
        ...[started, published].map((params) => {
          const message = {
            to: owner.address,
            from: payer.address,
            nonce: (2 ** 40) as never,
            value: (10n ** 26n) as never,
            method: "activateDeal",
            params,
            gasPrice: (10n ** 20n) as never,
            gasLimit: 10_000_000 as never,
          };
          return encode(signedMessageCodec, { message, signature: new Uint8Array(65) }).length;
        }),
      );
      const { messageBytes } = startSize(pieces, sectorBytes, facts.params);
      expect(messageBytes).toBeGreaterThanOrEqual(bytes);
      expect(messageBytes).toBeLessThan(1.5 * bytes + 2_000);
    }
  });

  it("says which deals are too large, and gives the others time", () => {
    const { params } = facts;
    expect(oversize(fullPieces(1_024), 2_048, params)).toBe(undefined);
    expect(oversize(fullPieces(1_025), 2_048, params)).toMatch(/1025 pieces/);
    expect(oversize(fullPieces(1_024, 128), 2 ** 28, params)).toMatch(/in one message/);
    const { minEpochs, maxEpochs } = durationBounds(params);
    expect([minEpochs, maxEpochs]).toEqual([40, 100_000 - 48 - 1]);
    expect(activationEpochs(params, 2 ** 30)).toBeGreaterThan(activationEpochs(params, 2_048));
  });
});

const payerPrice = 0n as Parameters<typeof dealPrice>[0];
