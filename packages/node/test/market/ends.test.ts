/** How deals end when something else happens: reorganisations, a miner that dies, payments out of the ordinary. */
import { attoFil, channelId, encode, epoch, parseFil } from "@holdfast/base";
import {
  builtinAddresses,
  dealTermsSigningBytes,
  listChannels,
  methods,
  readActor,
  voucherSigningBytes,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { FrameReader, sendMessage } from "../../src/framing.ts";
import { proposalOf } from "../../src/market/client/follow.ts";
import { ClientStore } from "../../src/market/client/store.ts";
import {
  dealAnswerCodec,
  dealIdOf,
  draftVoucher,
  proposalSigningBytes,
  proposeProtocol,
  signedProposalCodec,
  termsOf,
} from "../../src/market/deal.ts";
import { senderErrors } from "../../src/mempool/index.ts";
import { noise, World } from "./support/world.ts";

const channels = (world: World) =>
  listChannels(world.chain.store, world.chain.headState().state, world.client.keys.address);
const balance = (world: World): bigint =>
  readActor(world.chain.store, world.chain.headState().state, world.client.keys.address)?.balance ?? 0n;

describe("a reorganisation", () => {
  it("at any moment of a put loses nothing and pays nothing twice", async () => {
    for (let at = 2; at < 26; at += 4) {
      await using world = await World.create({ miners: 1 });
      const cid = await world.import(noise(3_000));
      const { market } = world.client;
      const { jobId } = await world.settle(market.startPut({ cid, copies: 1, durationEpochs: 120 }));
      await world.rounds(at);
      await world.reorg(Math.min(6, world.height - 3));
      await world.until(() => market.job(jobId).state !== "running", 400);
      expect(market.job(jobId), `reorganised ${at} rounds after the start`).toMatchObject({
        state: "done",
        error: null,
      });
      expect(channels(world).length).toBe(1);
      await world.until(() => channels(world).length === 0, 400);
      await world.rounds(3);
      expect(await world.miner(0).market.deals()).toMatchObject([
        { state: "complete", redeemedFil: market.job(jobId).totalFil },
      ]);
    }
  });

  it("that takes a channel away for some rounds makes nobody give up", async () => {
    await using world = await World.create({ miners: 1 });
    await world.put(await world.import(noise(800)), { durationEpochs: 240 });
    const deal = (await world.miner(0).market.deals())[0];
    await world.reorg(world.height - 3);
    expect(channels(world).length).toBe(0);
    expect((await world.miner(0).market.deals())[0]?.state).not.toBe("failed");
    await world.until(() => channels(world).length === 1, 20);
    await world.until(() => world.client.market.files()[0]?.state === "stored", 100);
    expect((await world.miner(0).market.deals())[0]).toMatchObject({ dealId: deal?.dealId, state: "active" });
  });
});

describe("a miner that dies", () => {
  it("gets what it earned, and the client takes the rest back after the channel's end", async () => {
    await using world = await World.create({ miners: 1, params: { roundMs: 30_000 } });
    const { client } = world;
    const before = balance(world);
    const job = await world.put(await world.import(noise(800)), { durationEpochs: 120 });
    await world.rounds(30);
    const redeemed = parseFil(client.market.deals()[0]?.redeemedFil ?? "0");
    expect(redeemed).toBeGreaterThan(0n);
    await world.settle(Promise.resolve(world.miner(0).market[Symbol.asyncDispose]()));
    world.miner(0).proves = false;
    await world.until(() => client.market.files()[0]?.state === "at-risk");
    await world.until(() => client.market.files()[0]?.state === "expired", 400);
    expect(channels(world).length).toBe(1);
    // The channel outlives the deal by the time to redeem, and by what the proposal may have taken.
    await world.until(() => channels(world).length === 0, 2_000);
    await world.rounds(3);
    const spent = before - balance(world);
    expect(spent >= redeemed && spent < redeemed + 10_000_000n).toBe(true);
    expect(parseFil(client.market.deals()[0]?.redeemedFil ?? "0")).toBe(redeemed);
    expect(redeemed).toBeLessThan(parseFil(job.totalFil));
  });
});

describe("a client of another make", () => {
  it("may pay everything at once: the miner takes it, stores to the end, and calls the deal over", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    // A real deal gives all terms; the same file is then paid for on another channel with one voucher.
    await world.put(await world.import(noise(800)), { durationEpochs: 120 });
    const [attempt] = new ClientStore(client.database).proposed({ limit: 1 });
    if (attempt === undefined) throw new TypeError("there is an attempt");
    const terms = proposalOf(attempt);
    const { owner } = world.miner(0);
    const opened = await client.sender.send({
      from: client.keys.address,
      to: builtinAddresses(1).broker,
      value: terms.totalPrice,
      method: "createChannel",
      params: encode(methods.broker.createChannel.params, {
        target: owner.address,
        eol: epoch(world.height + 400),
      }),
    });
    await world.rounds(3);
    const startHeight = epoch(world.height);
    const base = {
      ...terms,
      startHeight,
      startBy: epoch(world.height + 110),
      channel: channelId(opened.nonce),
    };
    const due = { amount: attoFil(terms.totalPrice), validAt: epoch(world.height + 4) };
    const { signer } = client;
    const signature = signer.sign(
      terms.payer,
      voucherSigningBytes(draftVoucher(base, owner.address, due), world.chain.networkId),
    );
    const collateral = await client.sender.send({
      from: client.keys.address,
      to: builtinAddresses(1).market,
      value: terms.clientCollateral,
      method: "addBalance",
      params: encode(methods.market.addBalance.params, { miner: null }),
    });
    await world.settle(client.sender.wait(collateral.cid, {}));
    const termsBytes = dealTermsSigningBytes(termsOf(base), world.chain.networkId);
    const termsSignature = signer.sign(terms.payer, termsBytes);
    const proposal = { ...base, termsSignature, vouchers: [{ ...due, signature }] };
    const signed = { proposal, signature: signer.sign(terms.payer, proposalSigningBytes(proposal)) };
    // The market's own handler must hand out the data: the deal takes the place of the first one in its books.
    client.database.run(
      "UPDATE market_attempts SET deal_id = ?, proposal = ?",
      dealIdOf(proposal).toString(),
      encode(signedProposalCodec, signed),
    );
    const answer = await world.settle(
      (async () => {
        const stream = await client.wire.open(world.miner(0).wire.self, proposeProtocol);
        await sendMessage(stream, signedProposalCodec, signed);
        return await new FrameReader(stream).readMessage(dealAnswerCodec);
      })(),
    );
    expect(answer).toMatchObject({ state: "accepted", code: "" });
    const deal = async () => await world.miner(0).market.deal(dealIdOf(proposal).toString());
    await world.until(async () => (await deal())?.redeemedFil === (await deal())?.totalFil, 60);
    await world.until(async () => (await deal())?.state === "active", 60);
    await world.until(() => world.height >= startHeight + 118, 200);
    expect((await deal())?.state).toBe("active");
    await world.rounds(4);
    expect((await deal())?.state).toBe("complete");
  });
});

describe("a miner whose operator calls its messages off", () => {
  it("sends others, once each, and is paid to the end of the deal", async () => {
    await using world = await World.create({ miners: 1 });
    const miner = world.miner(0);
    const { sender } = miner.needs;
    /** The first message of each method, by which it is known; no block ever takes it. */
    const calledOff = new Map<string, string>();
    const nobody = { cid: await world.import(noise(10)), nonce: 0 };
    const calling: typeof sender = {
      send: async (request) => {
        const { method = "", key = "" } = request;
        if (!calledOff.has(method)) calledOff.set(method, key);
        return calledOff.get(method) === key ? nobody : await sender.send(request);
      },
      wait: async (cid, options) => {
        if (cid === nobody.cid) throw senderErrors.cancelled({ cid: cid.toString() });
        return await sender.wait(cid, options);
      },
      sentAs: (key) => sender.sentAs(key),
      find: (cid) => sender.find(cid),
    };
    await world.reopenMiner(miner, { ...miner.needs, sender: calling });
    const job = await world.put(await world.import(noise(800)), { durationEpochs: 120 });
    expect(job.state).toBe("done");
    await world.until(() => channels(world).length === 0, 400);
    await world.rounds(10);
    const sent = ["publishDeals", "activateDeal", "redeem", "close", "withdrawBalance"];
    expect([...calledOff.keys()].toSorted()).toEqual(sent.toSorted());
    const [deal] = await miner.market.deals();
    expect(deal).toMatchObject({ state: "complete", redeemedFil: job.totalFil });
    const once = ["publishDeals", "activateDeal", "close"].map((method) => world.count(method));
    expect(once).toEqual([1, 1, 1]);
  });
});
