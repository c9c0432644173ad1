/** The whole way of a deal between two market rooms: real chain, VM, sender and retrieval, virtual time. */

import { putSteps, putView, receiptDocument } from "@holdfast/api";
import { attoFil, fromHex, parseCid, parseFil, rawCid } from "@holdfast/base";
import { rejectionOf } from "@holdfast/base/testing";
import { listChannels, readActor, readSector } from "@holdfast/consensus";
import { pieceCommitment } from "@holdfast/proofs";
import { verifyPieceInclusion } from "@holdfast/proofs/verify";
import { describe, expect, it } from "vitest";
import { noise, type TestMiner, World } from "./support/world.ts";

const balance = (world: World, address: Parameters<typeof readActor>[2]): bigint =>
  readActor(world.chain.store, world.chain.headState().state, address)?.balance ?? 0n;
/** What a message of these tests can cost in fees, together (attoFIL). */
const fees = 50_000_000n;

describe("a put", () => {
  it("stores two copies at different miners, proves them, reads them back and leaves a receipt", async () => {
    await using world = await World.create({ miners: 3 });
    const bytes = noise(5_000);
    const cid = await world.import(bytes);
    const { client } = world;
    const { jobId } = await world.settle(
      client.market.startPut({ cid, name: "a.bin", copies: 2, durationEpochs: 240 }),
    );
    const steps: string[] = [];
    const watching = (async () => {
      for await (const view of client.market.watch(jobId)) steps.push(view.copies[0]?.step ?? "");
    })();
    await world.settle(watching);
    expect([...new Set(steps)]).toEqual(putSteps.slice(1));
    const job = putView.parse(client.market.job(jobId));
    expect(job).toMatchObject({ state: "done", error: null, name: "a.bin", sizeBytes: 5_000 });
    expect(new Set(job.copies.map(({ miner }) => miner)).size).toBe(2);
    expect(job.copies.map(({ stepsDone }) => stepsDone.length)).toEqual([putSteps.length, putSteps.length]);
    // The cheapest two of three: 10 and 11 attoFIL per padded byte and epoch.
    const padded = 3 * 2_048;
    expect(parseFil(job.totalFil)).toBe(BigInt(21 * padded * 240));
    checkReceipt(world, receiptDocument.parse(client.market.receipt(jobId)));
    expect(client.market.files()).toMatchObject([
      { state: "stored", activeCopies: 2, copies: 2, reason: "" },
    ]);
    expect(world.count("createChannel")).toBe(2);
    const said = await Promise.all(
      world.miners.slice(0, 2).map(async ({ market }) => (await market.deals())[0]),
    );
    expect(said.map((deal) => [deal?.state, deal?.provenSectors])).toEqual([
      ["active", 3],
      ["active", 3],
    ]);
    expect(client.market.deals().map(({ state, provenSectors }) => [state, provenSectors])).toEqual([
      ["active", 3],
      ["active", 3],
    ]);
    expect(client.market.explain(jobId)).toMatchObject({ light: "ok", state: "done" });
    expect(client.market.explain(client.market.files()[0]?.cid ?? "")).toEqual(client.market.explain(jobId));
    expect(await rejectionOf((async () => client.market.receipt("put-99"))())).toMatchObject({
      code: "market/unknown-job",
    });
  });

  it("pays step by step, closes at the end, and both sides call the deal over", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    const miner = world.miner(0);
    const cid = await world.import(noise(1_500));
    const before = {
      client: balance(world, client.keys.address),
      owner: balance(world, miner.owner.address),
    };
    const job = await world.put(cid, { durationEpochs: 120 });
    const total = parseFil(job.totalFil);
    const deal = client.market.deals()[0];
    const redeemed: bigint[] = [];
    while (world.height < (deal?.endHeight ?? 0) + 4) {
      await world.rounds(1);
      redeemed.push(parseFil(client.market.deals()[0]?.redeemedFil ?? "0"));
      // Never ahead of the straight line by more than the one step that was due.
      const linear = (total * BigInt(world.height - (deal?.startHeight ?? 0))) / 120n;
      expect(redeemed.at(-1) ?? 0n).toBeLessThanOrEqual(linear + 1n);
    }
    expect(world.count("redeem")).toBeGreaterThan(15);
    expect(world.count("close")).toBe(1);
    await world.rounds(3);
    const over = { state: "complete", redeemedFil: job.totalFil };
    expect((await miner.market.deals())[0]).toMatchObject(over);
    expect(client.market.deals()[0]).toMatchObject({ ...over, provenSectors: 1 });
    expect(client.market.files()).toMatchObject([{ state: "expired", activeCopies: 0 }]);
    expect(miner.storage.keys).toEqual([]);
    expect(listChannels(world.chain.store, world.chain.headState().state, client.keys.address)).toEqual([]);
    const paid = before.client - balance(world, client.keys.address);
    expect(paid >= total && paid < total + fees).toBe(true);
    expect(await miner.market.carSource.open(cid)).toBe(undefined);
    // The owner is also paid for blocks, in whole thousands of FIL.
    const earned = (balance(world, miner.owner.address) - before.owner) % 10n ** 21n;
    expect(earned >= total - fees && earned < total + fees).toBe(true);
  });

  it("of small files at the same time shares a sector, and none waits for it to be full", async () => {
    await using world = await World.create({ miners: 1 });
    const cids = [await world.import(noise(300, 3)), await world.import(noise(400, 4))];
    const { market } = world.client;
    const jobs = await world.settle(
      Promise.all(cids.map((cid) => market.startPut({ cid, copies: 1, durationEpochs: 120 }))),
    );
    await world.until(() => jobs.every(({ jobId }) => market.job(jobId).state === "done"));
    expect(world.miner(0).storage.sectors.map(({ pieces }) => pieces.length)).toEqual([2]);
  });

  it("attaches to the unfinished job for the same file, and is a new job after that", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(noise(900));
    const { market } = world.client;
    const start = () => world.settle(market.startPut({ cid, copies: 1, durationEpochs: 120 }));
    const [first, second] = await world.settle(
      Promise.all([
        market.startPut({ cid, copies: 1, durationEpochs: 120 }),
        market.startPut({ cid, copies: 1, durationEpochs: 120 }),
      ]),
    );
    expect(second.jobId).toBe(first.jobId);
    const other = await world.settle(market.startPut({ cid, copies: 1, durationEpochs: 121 }));
    expect(other.jobId).not.toBe(first.jobId);
    await world.until(
      () => market.job(first.jobId).state === "done" && market.job(other.jobId).state === "done",
    );
    expect((await start()).jobId).not.toBe(first.jobId);
    expect(market.jobs().map(({ jobId }) => jobId)).toEqual(["put-3", "put-2", "put-1"]);
    expect(world.count("createChannel")).toBe(2);
  });

  it("goes on when the client is the only one that restarts, at any moment it likes", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(4_000));
    const { jobId } = await world.settle(
      world.client.market.startPut({ cid, copies: 1, durationEpochs: 240 }),
    );
    let rounds = 0;
    while (world.client.market.job(jobId).state === "running" && rounds < 100) {
      await world.rounds(1);
      await world.reopenClient();
      rounds += 1;
    }
    expect(world.client.market.job(jobId)).toMatchObject({ state: "done", error: null });
    expect(world.count("createChannel")).toBe(1);
    expect((await world.miner(0).market.deals()).length).toBe(1);
  });
});

function checkReceipt(world: World, receipt: ReturnType<World["client"]["market"]["receipt"]>): void {
  expect(receipt.storedUntilHeight).toBeGreaterThan(receipt.storedAtHeight);
  expect(receipt.copies.length).toBe(2);
  for (const copy of receipt.copies) {
    const miner = world.miners.find(({ address }) => address === copy.miner) as TestMiner;
    expect(copy.pieces.length).toBe(3);
    for (const piece of copy.pieces) {
      const { store } = world.chain;
      const sector = readSector(store, world.chain.headState().state, miner.address, piece.sectorId as never);
      expect(Buffer.from(sector?.commD ?? []).toString("hex")).toBe(piece.commD);
      const statement = {
        commD: fromHex(piece.commD),
        sectorBytes: sector?.sectorBytes ?? 0,
        commP: pieceCommitment(parseCid(piece.pieceCid)),
        paddedBytes: piece.paddedBytes,
        proof: fromHex(piece.inclusionProofHex),
      };
      expect(verifyPieceInclusion(statement)).toBe(true);
      expect(piece.firstProvenAt).toBeGreaterThan(0);
    }
  }
}

describe("a put that cannot be", () => {
  const cases = [
    ["market/not-imported", { cid: rawCid(noise(5)) }],
    ["market/duration-out-of-range", { durationEpochs: 39 }],
    ["market/duration-out-of-range", { durationEpochs: 100_000 }],
    ["market/copies-out-of-range", { copies: 0 }],
    ["market/copies-out-of-range", { copies: 21 }],
    ["market/price-above-max", { maxPrice: attoFil(4 * 2_048 * 240) }],
  ] as const;
  it("is refused at once, for its own reason, and leaves no job", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(noise(2_500));
    const { market } = world.client;
    for (const [code, change] of cases) {
      const put = market.startPut({ cid, copies: 1, durationEpochs: 240, ...change });
      expect(await rejectionOf(world.settle(put)), code).toMatchObject({ code });
    }
    expect(market.jobs()).toEqual([]);
    expect(world.count("createChannel")).toBe(0);
  });

  it("for want of money says how much is missing before anything is sent", async () => {
    await using world = await World.create({ miners: 2, clientFunds: attoFil(20_000_000n) });
    const cid = await world.import(noise(2_500));
    const { market, keys } = world.client;
    const put = market.startPut({ cid, copies: 2, durationEpochs: 2_400 });
    const error = await rejectionOf(world.settle(put));
    expect(error).toMatchObject({ code: "market/insufficient-funds", exit: "funds" });
    const prices = BigInt(21 * (2_048 + 1_024) * 2_400);
    const collaterals = (prices * BigInt(world.chain.params.minClientCollateralPercent)) / 100n;
    const needed = prices + collaterals + 20_000_000n;
    const missing = (error as { data: { missingFil: string } }).data.missingFil;
    expect(parseFil(missing)).toBe(needed - 20_000_000n);
    expect(world.mined.some(({ from }) => from === keys.address)).toBe(false);
  });

  it("is too large for every ask, or for the pieces of a deal", async () => {
    await using world = await World.create({ miners: 2, ask: { maxBytes: 4_000 } });
    const { market } = world.client;
    const cid = await world.import(noise(5_000));
    const put = market.startPut({ cid, copies: 1, durationEpochs: 240 });
    expect(await rejectionOf(world.settle(put))).toMatchObject({
      code: "market/too-large",
      exit: "refused",
    });
    const quote = market.quote({ carBytes: 1_024 * 2_032 + 1, copies: 1, durationEpochs: 240 });
    expect(await rejectionOf(world.settle(quote))).toMatchObject({ code: "market/too-large" });
  });

  it("waits for asks in a young network, takes them when they come, and gives up when none comes", async () => {
    await using world = await World.create({ miners: 1, silentMiners: true });
    const cid = await world.import(noise(500));
    const { market } = world.client;
    const failed = await world.put(cid);
    expect(failed.error).toMatchObject({ code: "market/no-miners" });
    expect(failed.copies[0]?.miner).toBe("");
    const { jobId } = await world.settle(market.startPut({ cid, copies: 1, durationEpochs: 240 }));
    await world.rounds(5);
    await world.publishAsk(world.miner(0), 10n);
    await world.until(() => market.job(jobId).state !== "running");
    expect(market.job(jobId).state).toBe("done");
    // Two copies need two miners.
    const lonely = await world.put(cid, { copies: 2 });
    expect(lonely.error).toMatchObject({ code: "market/too-few-miners" });
    expect(market.explain(lonely.jobId)).toMatchObject({
      light: "failing",
      fix: expect.stringContaining("copies"),
    });
  });
});

describe("a quote", () => {
  it("names every miner with its price and why it is chosen or not", async () => {
    await using world = await World.create({ miners: 3, prices: [30n, 10n, 20n] });
    const { market } = world.client;
    await world.miner(1).market[Symbol.asyncDispose]();
    const quote = await world.settle(market.quote({ carBytes: 1_000, copies: 1, durationEpochs: 100 }));
    const by = new Map(quote.miners.map((line) => [line.miner, line]));
    expect(by.get(world.miner(1).address)).toMatchObject({
      chosen: false,
      reason: expect.stringContaining("reached"),
    });
    expect(by.get(world.miner(2).address)).toMatchObject({ chosen: true });
    expect(by.get(world.miner(0).address)).toMatchObject({
      chosen: false,
      reason: expect.stringContaining("cost no more"),
    });
    expect(parseFil(quote.totalFil)).toBe(20n * 1_024n * 100n);
  });
});
