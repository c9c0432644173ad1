/** Peers that do not keep to the protocols, on either side: a typed refusal, a next miner, and never a crash. */
import {
  type Codec,
  cidOfCbor,
  concatBytes,
  encode,
  encodeVarint,
  epoch,
  type PeerId,
  parseCid,
  sectorId,
  type WireStream,
} from "@holdfast/base";
import { SeededRandom, type SimWire } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { FrameReader, sendFrame, sendMessage } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import {
  dataHeadCodec,
  dataProtocol,
  dataRequestCodec,
  dealAnswerCodec,
  dealIdOf,
  dealQueryCodec,
  isAnswerSigned,
  proposeProtocol,
  queryProtocol,
  signedProposalCodec,
} from "../../src/market/deal.ts";
import { collateralsFor } from "../../src/market/terms.ts";
import { accept, type SignedBy, takeOver } from "./support/impostor.ts";
import { payer, proposalWith } from "./support/proposals.ts";
import { keysOf, noise, sectorBytes, World } from "./support/world.ts";

const minerPeer = "miner-0" as PeerId;
const clientPeer = "client" as PeerId;

async function stranger(world: World, name = "stranger"): Promise<SimWire> {
  const wire = world.net.createWire(name);
  for (const peer of [minerPeer, clientPeer]) {
    await world.clock.settle(wire.connect(`/sim/${peer}`), { limitMs: 10_000 });
  }
  return wire;
}

/** What a peer answers to raw bytes: the message, or undefined if it only closes. */
async function answerTo<T>(
  world: World,
  wire: Pick<SimWire, "open">,
  peer: PeerId,
  protocol: string,
  send: (stream: WireStream) => Promise<void>,
  codec: Codec<T>,
): Promise<T | undefined> {
  const work = async (): Promise<T | undefined> => {
    const stream = await wire.open(peer, protocol);
    await send(stream).catch(() => undefined);
    await stream.closeWrite().catch(() => undefined);
    return await new FrameReader(stream).readMessage(codec).catch(() => undefined);
  };
  return await world.settle(work(), 60);
}

const framed = (bytes: Uint8Array) => (stream: WireStream) => sendFrame(stream, bytes);

describe("a miner", () => {
  it("answers what it cannot read with a signed refusal, and goes on", async () => {
    await using world = await World.create({ miners: 1 });
    const wire = await stranger(world);
    const random = new SeededRandom("garbage");
    const honest = encode(signedProposalCodec, proposalWith());
    const garbage = [
      new Uint8Array(0),
      random.bytes(1),
      random.bytes(900),
      honest.subarray(0, honest.length - 1),
      concatBytes(honest, new Uint8Array(1)),
      honest.map((byte, index) => (index === 40 ? byte ^ 255 : byte)),
      encode(dealQueryCodec, { dealId: cidOfCbor(new Uint8Array(1)), firstPiece: 0 }),
    ];
    for (const protocol of [proposeProtocol, queryProtocol]) {
      for (const bytes of garbage.slice(0, protocol === queryProtocol ? -1 : garbage.length)) {
        const answer = await answerTo(world, wire, minerPeer, protocol, framed(bytes), dealAnswerCodec);
        expect(answer?.state).toBe("rejected");
        expect(answer?.code).toMatch(/^deal\/(malformed|bad-signature|wrong-peer)$/);
        expect(answer !== undefined && isAnswerSigned(answer, keysOf("worker 0").address)).toBe(true);
      }
    }
    expect(await world.miner(0).market.deals()).toEqual([]);
    const job = await world.put(await world.import(noise(500)));
    expect(job.state).toBe("done");
  });

  it("cuts streams that claim too much, say nothing, or are too many", async () => {
    await using world = await World.create({ miners: 1 });
    const wire = await stranger(world);
    const huge = (stream: WireStream) => stream.write(encodeVarint(limits.frameBytes + 1));
    expect(await answerTo(world, wire, minerPeer, proposeProtocol, huge, dealAnswerCodec)).toBe(undefined);
    const opening = Array.from({ length: limits.marketStreams + 1 }, () =>
      wire.open(minerPeer, queryProtocol),
    );
    const silent = await world.settle(Promise.all(opening));
    await world.rounds(1);
    // One peer takes no more than its share of the places.
    for (const cut of [silent.at(limits.marketStreamsPerPeer), silent.at(-1)]) {
      const read = cut === undefined ? undefined : world.settle(cut.read());
      await expect(read).rejects.toMatchObject({ code: "wire/stream-aborted" });
    }
    // The others hold their place until the deadline, and not longer.
    const first = silent[0];
    const end = first === undefined ? undefined : world.settle(first.read(), 60);
    await expect(end).rejects.toMatchObject({ code: "wire/stream-aborted" });
    const job = await world.put(await world.import(noise(500)));
    expect(job.state).toBe("done");
  });

  it("answers a question about a deal that it does not have", async () => {
    await using world = await World.create({ miners: 1 });
    const wire = await stranger(world);
    const dealId = cidOfCbor(new Uint8Array(9));
    const ask = (stream: WireStream) => sendMessage(stream, dealQueryCodec, { dealId, firstPiece: 1_024 });
    const answer = await answerTo(world, wire, minerPeer, queryProtocol, ask, dealAnswerCodec);
    expect(answer).toMatchObject({ state: "unknown", locations: [], sectorBytes });
    expect(answer?.dealId.equals(dealId)).toBe(true);
  });

  it("keeps one deal for one proposal, however often it comes, and none without its channel", async () => {
    await using world = await World.create({ miners: 1 });
    await world.put(await world.import(noise(500)), { durationEpochs: 400 });
    const [deal] = world.client.market.deals();
    const row = world.client.database.get("SELECT proposal FROM market_attempts");
    const again = framed(row?.proposal as Uint8Array);
    const answer = await answerTo(
      world,
      world.client.wire,
      minerPeer,
      proposeProtocol,
      again,
      dealAnswerCodec,
    );
    expect(answer?.state).toBe("active");
    expect(answer?.dealId.toString()).toBe(deal?.dealId);
    expect((await world.miner(0).market.deals()).length).toBe(1);
    // A signed proposal of the same payer for a channel that does not exist.
    const { totalPrice } = proposalWith({}, payer, world.chain.networkId).proposal;
    const unpaid = proposalWith(
      {
        ...collateralsFor(world.chain.params, totalPrice),
        startHeight: epoch(world.height),
        startBy: epoch(world.height + 200),
        channel: 77 as never,
      },
      payer,
      world.chain.networkId,
    );
    const send = framed(encode(signedProposalCodec, unpaid));
    const refused = await answerTo(
      world,
      world.client.wire,
      minerPeer,
      proposeProtocol,
      send,
      dealAnswerCodec,
    );
    expect(refused).toMatchObject({ state: "rejected", code: "deal/channel-not-found" });
    expect(refused?.dealId.equals(dealIdOf(unpaid.proposal))).toBe(true);
  });
});

describe("a client", () => {
  it("hands data to the deal's miner only, only of deals that it knows, only what there is", async () => {
    await using world = await World.create({ miners: 2 });
    await world.put(await world.import(noise(2_500)), { durationEpochs: 400 });
    const [deal] = world.client.market.deals();
    const dealId = parseCid(deal?.dealId ?? "");
    const ask = async (wire: Pick<SimWire, "open">, request: Parameters<typeof sendData>[1]) =>
      await answerTo(
        world,
        wire,
        clientPeer,
        dataProtocol,
        (stream) => sendData(stream, request),
        dataHeadCodec,
      );
    const sendData = (
      stream: WireStream,
      request: { dealId: typeof dealId; pieceIndex: number; offset: number },
    ): Promise<void> => sendMessage(stream, dataRequestCodec, request);
    const own = world.miner(0).wire;
    const from = (pieceIndex: number, offset: number) => ({ dealId, pieceIndex, offset });
    expect(await ask(own, from(0, 2_000))).toMatchObject({ code: "", bytes: 32 });
    expect(await ask(own, from(0, 2_032))).toMatchObject({ code: "deal/bad-range" });
    expect(await ask(own, from(2, 0))).toMatchObject({ code: "deal/bad-range" });
    expect(await ask(world.miner(1).wire, from(0, 0))).toMatchObject({ code: "deal/not-your-deal" });
    expect(await ask(await stranger(world), from(0, 0))).toMatchObject({ code: "deal/not-your-deal" });
    const other = { dealId: cidOfCbor(new Uint8Array(4)), pieceIndex: 0, offset: 0 };
    expect(await ask(own, other)).toMatchObject({ code: "deal/unknown-deal" });
    const raw = framed(new Uint8Array(5));
    expect(await answerTo(world, own, clientPeer, dataProtocol, raw, dataHeadCodec)).toMatchObject({
      code: "deal/malformed",
    });
  });

  /** A peer in the place of miner 0 that answers as it likes; miner 1 is honest and dearer. */
  const impostors: { readonly [name: string]: (stream: WireStream, answer: SignedBy) => Promise<void> } = {
    "sends garbage": (stream) => sendFrame(stream, noise(300)),
    "closes without a word": async () => undefined,
    "claims a frame without end": (stream) => stream.write(encodeVarint(limits.frameBytes * 9)),
    "never answers": () => new Promise(() => undefined),
    "answers about another deal": (stream, signed) =>
      sendMessage(stream, dealAnswerCodec, signed({ dealId: cidOfCbor(new Uint8Array(3)) })),
    "signs nothing": (stream, signed) =>
      sendMessage(stream, dealAnswerCodec, { ...signed({}), signature: new Uint8Array(65) }),
  };
  for (const [name, answer] of Object.entries(impostors)) {
    it(`goes on to the next miner when one ${name}`, async () => {
      await using world = await World.create({ miners: 2 });
      await takeOver(world, { onQuery: answer, onProposal: answer });
      const job = await world.put(await world.import(noise(3_000)), {}, 900);
      expect(job.copies[0]?.miner).toBe(world.miner(1).address);
      expect(job.state).toBe("done");
    });

    it(`gives a deal up when a miner that was good so far ${name}`, async () => {
      await using world = await World.create({ miners: 2 });
      // It answers the first question and takes the deal; then it shows its face.
      await takeOver(world, {
        onProposal: accept,
        onQuery: (stream, signed) => answer(stream, signed),
        probes: 1,
      });
      const job = await world.put(await world.import(noise(3_000)), { durationEpochs: 2_000 }, 2_500);
      expect(job.copies[0]?.miner).toBe(world.miner(1).address);
      expect(world.client.market.deals().map(({ state }) => state)).toContain("failed");
    });
  }

  it("is not impressed by a miner that goes on saying that all is well", async () => {
    await using world = await World.create({ miners: 2, params: { roundMs: 30_000 } });
    const location = { sectorId: sectorId(4), proof: new Uint8Array(8) };
    const states = ["transferring", "active", "complete"] as const;
    for (const [index, state] of states.entries()) {
      const well = (stream: WireStream, signed: SignedBy) =>
        sendMessage(stream, dealAnswerCodec, signed({ state, locations: index > 0 ? [location] : [] }));
      const end = await takeOver(world, { onProposal: accept, onQuery: well, probes: 1 });
      const cid = await world.import(noise(1_000, index + 2));
      const { jobId } = await world.settle(
        world.client.market.startPut({ cid, copies: 1, durationEpochs: 2_000 }),
      );
      await world.until(
        () => world.client.market.job(jobId).copies[0]?.miner === world.miner(1).address,
        1_500,
      );
      const failed = world.client.market.deals().find(({ payload }) => payload === cid.toString());
      expect(failed?.provenSectors).toBe(0);
      expect(world.client.market.job(jobId).copies[0]?.stepsDone).not.toContain("committed");
      await world.until(() => world.client.market.job(jobId).state === "done");
      end();
    }
  });
});

describe("frames", () => {
  it("cut short by a broken line are an error of that stream only", async () => {
    await using world = await World.create({ miners: 1 });
    const wire = await stranger(world);
    for (let length = 1; length < 60; length += 7) {
      const cut = async (stream: WireStream) => {
        await stream.write(concatBytes(encodeVarint(200), new Uint8Array(length)));
      };
      for (const protocol of [proposeProtocol, queryProtocol]) {
        const answer = await answerTo(world, wire, minerPeer, protocol, cut, dealAnswerCodec);
        expect(answer?.code ?? "deal/malformed").toBe("deal/malformed");
      }
    }
    expect((await world.put(await world.import(noise(300)))).state).toBe("done");
  });
});
