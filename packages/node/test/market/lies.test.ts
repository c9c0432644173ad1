/**
 * A miner that lies in each message that a client hears of it, field by field: the terms that it names, its answer to a
 * proposal, its answers about a deal and to a change of it. Each lie is signed as it should be. The file is stored at
 * the next miner, the liar is never taken to have proven anything, and every attoFIL that went into its channel comes
 * back. What it says in the other messages: `hostile.test.ts` (no messages at all, data), `change-hostile.test.ts`,
 * `trouble.test.ts` (reading back), and retrieval's own.
 */
import { attoFil, cidOfCbor, epoch, sectorId, utf8Bytes } from "@holdfast/base";
import { listChannels } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { FrameReader, sendMessage } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import {
  type AmendmentAnswer,
  amendmentAnswerBytes,
  amendmentAnswerCodec,
  amendmentCodec,
  amendmentIdOf,
  amendProtocol,
} from "../../src/market/amendment.ts";
import { type DealAnswer, dealAnswerCodec } from "../../src/market/deal.ts";
import { freeEscrowOf } from "../../src/market/facts.ts";
import type { TermsAnswer } from "../../src/market/quote.ts";
import { accept, takeOver } from "./support/impostor.ts";
import { noise, World } from "./support/world.ts";

const other = cidOfCbor(utf8Bytes("something else"));
const largest = Number.MAX_SAFE_INTEGER;

const lengthOfFile = 1_000;
const durationEpochs = 8_000;

/** Each field of an answer has its lies; a new one without any is an error of types. */
type Lies<Answer, More = unknown> = {
  readonly [Field in keyof Answer]: { readonly [lie: string]: Partial<Answer> & More };
};

/** `isBelieved`: nothing shows that it is one, and the proposal is sent; all the others end before that. */
const inTerms: Lies<TermsAnswer, { readonly isBelieved?: true }> = {
  question: { "the question is another": { question: other } },
  isWilling: { "it does not want to, without a reason": { isWilling: false } },
  code: {
    "its reason is no code": { isWilling: false, code: "\u001b[2J" },
    "it wants to, and names a reason against it": { code: "deal/closed", isBelieved: true },
  },
  message: {
    "it talks as long as it may": { isWilling: false, code: "deal/busy", message: "x".repeat(1_024) },
    "it wants to, and says that it does not": { message: "never", isBelieved: true },
  },
  height: { "it is far in the future": { height: epoch(largest), isBelieved: true } },
  sectorBytes: {
    "it has sectors of no bytes": { sectorBytes: 0 },
    "it has sectors that nobody has": { sectorBytes: 1_000 },
    "it has sectors larger than anything": { sectorBytes: largest },
  },
  pricePerBytePerEpoch: {
    "its price is higher than what it publishes": { pricePerBytePerEpoch: attoFil(11) },
    "its price is lower than what it publishes": { pricePerBytePerEpoch: attoFil(0), isBelieved: true },
  },
  minBytes: { "it takes nothing as small": { minBytes: largest, isBelieved: true } },
  maxBytes: { "it takes nothing as large": { maxBytes: 0, isBelieved: true } },
  minEpochs: { "it takes nothing as short": { minEpochs: largest, isBelieved: true } },
  maxEpochs: { "it takes nothing as long": { maxEpochs: 0, isBelieved: true } },
  signature: { "nobody has signed it": { signature: new Uint8Array(65) } },
};

const sector = sectorId(0);
const here = { state: "committed", locations: [{ sectorId: sector, proof: new Uint8Array(8) }] } as const;
const inAnswers: Lies<DealAnswer> = {
  dealId: { "it is about another deal": { dealId: other, ...here } },
  state: {
    "it has refused, without a reason": { state: "rejected" },
    "it does not know the deal": { state: "unknown" },
  },
  code: { "the deal has failed": { state: "failed", code: "no/such-code" } },
  message: { "it talks as long as it may": { state: "failed", message: "x".repeat(1_024) } },
  height: { "it is far in the future, and has sealed": { ...here, height: epoch(largest) } },
  sectorBytes: { "it has sectors of no bytes, and has sealed": { ...here, sectorBytes: 0 } },
  firstPiece: {
    "it begins behind the last piece, far in the future, in sectors of no bytes": {
      ...{ state: "complete", firstPiece: limits.piecesPerDeal, height: epoch(largest), sectorBytes: 0 },
      locations: [{ sectorId: sector, proof: new Uint8Array(0) }],
    },
  },
  locations: {
    "the piece is in a sector of somebody's": here,
    "there are more pieces than there are": {
      state: "active",
      locations: Array.from({ length: limits.dealLocations }, () => ({
        sectorId: sector,
        proof: new Uint8Array(40),
      })),
    },
  },
  signature: { "nobody has signed that it has failed": { state: "failed", signature: new Uint8Array(65) } },
};

/** Of its answer to a change that the client asks for, and what becomes of that. */
const inAmendments: Lies<AmendmentAnswer, { readonly ends: RegExp }> = {
  amendment: { "it takes another one": { amendment: other, isAccepted: true, ends: /^market\/silent$/ } },
  isAccepted: { "it takes it, and never makes it": { isAccepted: true, ends: /^market\/not-in-time$/ } },
  code: {
    "its reason is no code": { code: "\u001b[2J", ends: /2J/ },
    "it wants money for ever": { code: "deal/channel-funds", ends: /^market\/not-in-time$/ },
  },
  message: {
    "it talks as long as it may": { code: "deal/busy-now", message: "x".repeat(1_024), ends: /busy-now/ },
  },
  height: {
    "it is far in the future": { height: epoch(largest), code: "deal/not-by-policy", ends: /policy/ },
  },
  signature: {
    "nobody has signed that it takes it": {
      ...{ isAccepted: true, signature: new Uint8Array(65) },
      ends: /^market\/silent$/,
    },
  },
};

const listed = <Lie>(lies: { readonly [field: string]: { readonly [lie: string]: Lie } }) =>
  Object.entries(lies).flatMap(([field, of]) =>
    Object.entries(of).map(([name, lie]) => ({ field, name, lie })),
  );

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
  it("in any field of its terms is not asked to store, or is believed for nothing, and is paid nothing", async () => {
    await using world = await World.create({ miners: 2 });
    const { market } = world.client;
    const { address: honest } = world.miner(1);
    const no = { state: "rejected", code: "deal/busy" } as const;
    for (const [index, { name, lie }] of listed(inTerms).entries()) {
      const { isBelieved = false, ...terms } = lie;
      let asked = 0;
      const end = await takeOver(world, {
        onQuery: async () => undefined,
        onProposal: (stream, signed) => {
          asked += 1;
          return sendMessage(stream, dealAnswerCodec, signed(no));
        },
        probes: Number.POSITIVE_INFINITY,
        terms,
      });
      await putBeside(world, index + 1);
      expect(asked > 0, name).toBe(isBelieved);
      const [line] = await world.settle(
        market.terms({ carBytes: 5_000, durationEpochs, miners: [world.miner(0).address] }),
      );
      // A price is what it says that it is: who asks for it is shown it, and the put refuses it.
      const isShown = isBelieved || terms.pricePerBytePerEpoch !== undefined;
      if (!isShown) expect(line, name).toMatchObject({ isWilling: false });
      end();
    }
    // What is larger than any deal has no price, and asking takes no time.
    const [line] = await world.settle(market.terms({ carBytes: largest, durationEpochs, miners: [honest] }));
    expect(line).toMatchObject({ isWilling: false, totalFil: null });
  });

  for (const message of ["its answer to a proposal", "its answers about a deal"] as const) {
    it(`in any field of ${message} loses the deal, and the client nothing`, async () => {
      await using world = await World.create({
        miners: 2,
        params: { preCommitExpiryEpochs: 20, roundMs: 10_000 },
      });
      const lies = listed(inAnswers);
      for (const [index, { field, lie: change }] of lies.entries()) {
        const end = await takeOver(world, {
          onQuery: (stream, signed) => sendMessage(stream, dealAnswerCodec, signed(change)),
          onProposal: (stream, signed, proposal) =>
            message === "its answer to a proposal"
              ? sendMessage(stream, dealAnswerCodec, signed(change))
              : accept(stream, signed, proposal),
          probes: 1,
        });
        await putBeside(world, index + 1);
        expect(world.client.market.deals().length, field).toBeGreaterThan(index);
        end();
      }
      const failed = world.client.market.deals().filter(({ state }) => state !== "active");
      expect(failed.length).toBe(lies.length);
    });
  }

  it("in any field of its answer to a change changes nothing, and the client's money is back", async () => {
    await using world = await World.create({ miners: 1, params: { roundMs: 10_000 } });
    const { client } = world;
    const miner = world.miner(0);
    await world.put(await world.import(noise(900)), { durationEpochs: 2_000 });
    const [deal] = client.market.deals();
    const { dealId = "", endHeight, totalFil } = deal ?? {};
    await world.settle(Promise.resolve(miner.market[Symbol.asyncDispose]()));
    for (const [index, { name, lie }] of listed(inAmendments).entries()) {
      const { ends, ...change } = lie;
      const stop = miner.wire.handle(amendProtocol, async (stream) => {
        const asked = await new FrameReader(stream).readMessage(amendmentCodec);
        if (asked === undefined) return;
        const { signature: forged, ...fields } = change;
        const common = { amendment: amendmentIdOf(asked), isAccepted: false, code: "", message: "" };
        const answer = { ...common, height: epoch(world.height), ...fields };
        const signature = forged ?? miner.signer.sign(miner.worker.address, amendmentAnswerBytes(answer));
        await sendMessage(stream, amendmentAnswerCodec, { ...answer, signature });
        await stream.closeWrite();
      });
      client.market.change(dealId, {
        kind: "extend",
        endHeight: (endHeight ?? 0) + 300,
        key: `lie ${index}`,
      });
      const last = () => client.market.deal(dealId)?.amendments.at(-1);
      await world.until(() => last()?.state === "failed", 400);
      expect(last()?.code, name).toMatch(ends);
      expect(client.market.deal(dealId), name).toMatchObject({ endHeight, totalFil });
      stop();
    }
    expect(world.count("extendDeal")).toBe(0);
    // What was paid into the market for a change that came to nothing is out of it again.
    const locked = client.market.deal(dealId)?.onChain;
    expect(locked).toMatchObject({ status: "active" });
    await world.until(() => freeEscrowOf(world.chain, client.keys.address) === 0n, 60);
    world.money();
  });
});
