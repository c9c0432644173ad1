/**
 * A miner that lies in each message that a client hears of it, field by field: the terms that it names, its answer to a
 * proposal, its answers about a deal. Each lie is signed as it should be. The file is stored at the next miner, the
 * liar is never taken to have proven anything, and every attoFIL that went into its channel comes back. What it says in
 * the other messages: `hostile.test.ts` (no messages at all, data), `change-hostile.test.ts`, `trouble.test.ts`
 * (reading back), and retrieval's own.
 */
import { attoFil, cidOfCbor, epoch, sectorId, utf8Bytes } from "@holdfast/base";
import { listChannels } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { sendMessage } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import { dealAnswerCodec, type UnsignedAnswer } from "../../src/market/deal.ts";
import type { UnsignedTermsAnswer } from "../../src/market/quote.ts";
import { accept, takeOver } from "./support/impostor.ts";
import { noise, World } from "./support/world.ts";

const other = cidOfCbor(utf8Bytes("something else"));
const largest = Number.MAX_SAFE_INTEGER;

const lengthOfFile = 1_000;
const durationEpochs = 400;

const inTerms: { readonly [lie: string]: Partial<UnsignedTermsAnswer> } = {
  "the question is another": { question: other },
  "it has sectors of no bytes": { sectorBytes: 0 },
  "it has sectors that nobody has": { sectorBytes: 1_000 },
  "it has sectors larger than anything": { sectorBytes: largest },
  "its price is higher than what it publishes": { pricePerBytePerEpoch: attoFil(11) },
  "it does not want to, without a reason": { isWilling: false },
};

const sector = sectorId(0);
const inAnswers: { readonly [lie: string]: Partial<UnsignedAnswer> } = {
  "it has refused, without a reason": { state: "rejected" },
  "the deal has failed": { state: "failed", code: "no/such-code" },
  "the piece is in a sector of somebody's": {
    state: "committed",
    locations: [{ sectorId: sector, proof: new Uint8Array(8) }],
  },
  "there are more pieces than there are": {
    state: "active",
    locations: Array.from({ length: limits.dealLocations }, () => ({
      sectorId: sector,
      proof: new Uint8Array(40),
    })),
  },
  "it begins behind the last piece, far in the future, in sectors of no bytes": {
    ...{ state: "complete", firstPiece: limits.piecesPerDeal, height: epoch(largest), sectorBytes: 0 },
    locations: [{ sectorId: sector, proof: new Uint8Array(0) }],
  },
};

/** Stores a file while miner 0 is somebody else, and lets the way back of all money come to its end. */
async function putBeside(world: World, seed: number): Promise<void> {
  const { market, keys } = world.client;
  const cid = await world.import(noise(lengthOfFile, seed));
  const job = await world.put(cid, { durationEpochs }, 900);
  expect(job.state, JSON.stringify(job.copies)).toBe("done");
  expect(job.copies[0]?.miner).toBe(world.miner(1).address);
  const channels = () => listChannels(world.chain.store, world.chain.headState().state, keys.address);
  // One of the honest miner for each file so far, and nothing at the liar.
  const honest = market.deals().filter(({ miner }) => miner === world.miner(1).address);
  await world.until(() => channels().length === honest.length, 100);
  for (const { provenSectors } of market.deals().filter(({ state }) => state === "failed"))
    expect(provenSectors).toBe(0);
}

describe("a miner that lies", () => {
  it("in any field of its terms is not asked to store, and is paid nothing", async () => {
    await using world = await World.create({ miners: 2 });
    const { market } = world.client;
    const { address: honest } = world.miner(1);
    for (const [index, [lie, terms]] of Object.entries(inTerms).entries()) {
      const end = await takeOver(world, {
        onQuery: async () => undefined,
        onProposal: () => expect.fail(`${lie}: it was asked`),
        probes: Number.POSITIVE_INFINITY,
        terms,
      });
      await putBeside(world, index + 1);
      expect(
        market.deals().every(({ miner }) => miner === world.miner(1).address),
        lie,
      ).toBe(true);
      const asked = market.terms({ carBytes: 5_000, durationEpochs, miners: [world.miner(0).address] });
      const [line] = await world.settle(asked);
      // A price is what it says that it is: who asks for it is shown it, and the put refuses it.
      if (terms.pricePerBytePerEpoch === undefined) expect(line, lie).toMatchObject({ isWilling: false });
      end();
    }
    // What is larger than any deal has no price, and asking takes no time.
    const [line] = await world.settle(market.terms({ carBytes: largest, durationEpochs, miners: [honest] }));
    expect(line).toMatchObject({ isWilling: false, totalFil: null });
  });

  for (const message of ["its answer to a proposal", "its answers about a deal"] as const) {
    it(`in any field of ${message} loses the deal, and the client nothing`, async () => {
      await using world = await World.create({ miners: 2 });
      for (const [index, [, change]] of Object.entries(inAnswers).entries()) {
        const end = await takeOver(world, {
          onQuery: (stream, signed) => sendMessage(stream, dealAnswerCodec, signed(change)),
          onProposal: (stream, signed, proposal) =>
            message === "its answer to a proposal"
              ? sendMessage(stream, dealAnswerCodec, signed(change))
              : accept(stream, signed, proposal),
          probes: 1,
        });
        await putBeside(world, index + 1);
        end();
      }
      const failed = world.client.market.deals().filter(({ state }) => state !== "active");
      expect(failed.length).toBe(Object.keys(inAnswers).length);
    });
  }
});
