/** Miners that refuse, fall silent, lie, lose data or are slow: another is taken, and the money comes back. */
import { type CID, channelId, encode, epoch, parseFil, sectorId } from "@holdfast/base";
import {
  builtinAddresses,
  isFrozen,
  listChannels,
  methods,
  readActor,
  readEscrow,
  readSector,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import type { ClientMarketNeeds, MinerMarketNeeds, PutJob } from "../../src/market/index.ts";
import { noise, type TestMiner, World } from "./support/world.ts";

const fees = 50_000_000n;
const channels = (world: World) =>
  listChannels(world.chain.store, world.chain.headState().state, world.client.keys.address);
const escrow = (world: World) =>
  readEscrow(world.chain.store, world.chain.headState().state, world.client.keys.address);
const balance = (world: World): bigint =>
  readActor(world.chain.store, world.chain.headState().state, world.client.keys.address)?.balance ?? 0n;

/** A put of one copy that must end at miner 1, because miner 0, the cheaper one, fails with this code. */
async function endsAtSecond(world: World, cid: CID, code: string, limit = 400): Promise<PutJob> {
  const before = balance(world);
  const job = await world.put(cid, {}, limit);
  expect(job.error).toBe(null);
  expect(job.state).toBe("done");
  expect(job.copies[0]?.miner).toBe(world.miner(1).address);
  const why = world.client.market.explain(job.jobId);
  const failed = world.client.market.deals().find(({ miner }) => miner === world.miner(0).address);
  if (failed !== undefined) {
    expect(world.client.market.explain(failed.dealId)?.light).toBe("failing");
    expect(["failed", "rejected"]).toContain(failed.state);
  }
  expect(why?.causes.length).toBe(2);
  // The channel with the first miner is cancelled, and what it held is back after the delay.
  await world.until(() => channels(world).length <= 1, 200);
  expect(channels(world).map(({ channel }) => channel.target)).toEqual([world.miner(1).owner.address]);
  const spent = before - balance(world);
  const total = parseFil(job.totalFil);
  expect(spent >= total && spent < total + fees, `spent ${spent} of ${total}`).toBe(true);
  await world.until(() => /FIL came back/.test(world.client.market.explain(job.jobId)?.causes[0] ?? ""), 10);
  expect(errorOf(world, code)).toBe(code);
  return job;
}

/** The code with which the attempt at miner 0 ended, as the database has it. */
function errorOf(world: World, code: string): string {
  const rows = world.client.database.all("SELECT error FROM market_attempts WHERE stage = 'abandoned'");
  const codes = rows.map((row) => (JSON.parse(String(row.error)) as { code: string }).code);
  return codes.find((one) => one === code) ?? `one of ${codes.join(", ")}`;
}

/** The needs of a miner with a part of its storage replaced. */
function withStorage(
  miner: TestMiner,
  change: (storage: MinerMarketNeeds["storage"]) => Partial<MinerMarketNeeds["storage"]>,
): MinerMarketNeeds {
  const { storage } = miner;
  const bound: MinerMarketNeeds["storage"] = {
    addPiece: (piece, signal) => storage.addPiece(piece, signal),
    getPiece: (key) => storage.getPiece(key),
    readPiece: (key, range) => storage.readPiece(key, range),
    doubtPiece: () => storage.doubtPiece(),
    provePieceInclusion: (key) => storage.provePieceInclusion(key),
    dropPiece: (key) => storage.dropPiece(key),
    dropUnfinished: (key) => storage.dropUnfinished(key),
    getSector: (id) => storage.getSector(id),
    maxUserBytesPerStagedSector: () => storage.maxUserBytesPerStagedSector(),
    sealStagedSector: (id) => storage.sealStagedSector(id),
  };
  return { ...miner.needs, storage: { ...bound, ...change(bound) } };
}

describe("a miner that", () => {
  it("has no space fails the deal with the reason, and another one stores the file", async () => {
    await using world = await World.create({ miners: 2 });
    world.miner(0).storage.isFull = true;
    await endsAtSecond(world, await world.import(noise(3_000)), "market/deal-failed");
    expect((await world.miner(0).market.deals())[0]).toMatchObject({ state: "failed" });
    expect(
      (await world.miner(0).market.explain((await world.miner(0).market.deals())[0]?.dealId ?? ""))?.fix,
    ).toContain("disk");
  });

  it("refuses the price is asked no more, and what it said is told", async () => {
    await using world = await World.create({ miners: 2 });
    const { chain } = world;
    // A miner that has published a higher price, which the client's chain does not have yet.
    const owner = world.miner(0);
    await world.reopenMiner(owner, {
      ...owner.needs,
      chain: {
        params: { ...chain.params, minSectorLifetimeEpochs: 500 },
        networkId: chain.networkId,
        store: chain.store,
        headState: () => chain.headState(),
        head: () => chain.head(),
        stateAfter: (key) => chain.stateAfter(key),
        tipsetAt: (height) => chain.tipsetAt(height),
        parentOf: (tipset) => chain.parentOf(tipset),
        onHead: (listener) => chain.onHead(listener),
      },
    });
    const job = await world.put(await world.import(noise(3_000)));
    expect(job).toMatchObject({ state: "done", copies: [{ miner: world.miner(1).address }] });
    // It said so before anything was paid.
    expect(world.count("createChannel")).toBe(1);
    const quote = await world.settle(
      world.client.market.quote({ carBytes: 3_000, copies: 1, durationEpochs: 240 }),
    );
    const line = quote.miners.find(({ miner }) => miner === world.miner(0).address);
    expect(line).toMatchObject({
      chosen: false,
      reason: expect.stringContaining("deal/duration-out-of-range"),
    });
  });

  it("is not there at the start is not paid", async () => {
    await using world = await World.create({ miners: 2 });
    await world.miner(0).market[Symbol.asyncDispose]();
    const job = await world.put(await world.import(noise(3_000)));
    expect(job.copies[0]?.miner).toBe(world.miner(1).address);
    expect(world.count("createChannel")).toBe(1);
  });

  it("goes away for a while in the middle of the transfer goes on where it was", async () => {
    await using world = await World.create({ miners: 1, delayMs: 40 });
    const bytes = noise(60_000);
    const cid = await world.import(bytes);
    const miner = world.miner(0);
    const { market } = world.client;
    const { jobId } = await world.settle(market.startPut({ cid, copies: 1, durationEpochs: 240 }));
    await world.until(() => miner.storage.receivedBytes > 10_000);
    for (let cut = 0; cut < 3; cut += 1) {
      world.net.partition([["client"]]);
      await world.rounds(8);
      world.net.heal();
      await world.rounds(3);
    }
    await world.until(() => market.job(jobId).state !== "running");
    expect(market.job(jobId)).toMatchObject({ state: "done", error: null });
    // Nothing that had arrived was asked for again.
    expect(miner.storage.receivedBytes).toBe(market.job(jobId).carBytes);
    expect(world.count("createChannel")).toBe(1);
  });

  it("goes away for good in the middle of the transfer is given up", async () => {
    await using world = await World.create({ miners: 2, delayMs: 40 });
    const cid = await world.import(noise(60_000));
    const { market } = world.client;
    const put = market.startPut({ cid, copies: 1, durationEpochs: 240 });
    const { jobId } = await world.settle(put);
    await world.until(() => world.miner(0).storage.receivedBytes > 10_000);
    world.net.partition([["miner-0"]]);
    await world.until(() => market.job(jobId).state !== "running");
    expect(market.job(jobId)).toMatchObject({ state: "done" });
    expect(errorOf(world, "market/silent")).toBe("market/silent");
    await world.until(() => channels(world).length === 1);
    // It comes back, is told that the deal is off, and frees the space.
    world.net.heal();
    await world.until(async () => (await world.miner(0).market.deals())[0]?.state === "failed");
    await world.until(() => world.miner(0).storage.keys.length === 0);
  });

  it("never seals loses the deal when its time is up", async () => {
    await using world = await World.create({ miners: 2 });
    world.miner(0).seals = false;
    await endsAtSecond(world, await world.import(noise(3_000)), "market/deal-failed", 1_200);
    expect((await world.miner(0).market.deals())[0]).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("not on the chain by"),
    });
    expect(world.miner(0).storage.keys).toEqual([]);
  });

  it("seals and never proves is not called storing", async () => {
    await using world = await World.create({ miners: 2 });
    world.miner(0).proves = false;
    const cid = await world.import(noise(3_000));
    const { jobId } = await world.settle(
      world.client.market.startPut({ cid, copies: 1, durationEpochs: 1_200 }),
    );
    await world.until(() => world.client.market.deals()[0]?.state === "committed");
    await world.rounds(10);
    expect(world.client.market.files()[0]).toMatchObject({ state: "storing", activeCopies: 0 });
    await world.until(() => world.client.market.job(jobId).state !== "running", 600);
    expect(world.client.market.job(jobId)).toMatchObject({ state: "done" });
    expect(errorOf(world, "market/sector-lost")).toBe("market/sector-lost");
  });

  it("claims a piece where it is not is caught by the inclusion proof", async () => {
    await using world = await World.create({ miners: 2 });
    const miner = world.miner(0);
    // Sector 0 is on the chain since genesis and holds nothing of anybody.
    const needs = withStorage(miner, (honest) => ({
      provePieceInclusion: async (key) => ({ ...(await honest.provePieceInclusion(key)), sectorId: 0 }),
    }));
    await world.reopenMiner(miner, needs);
    const before = balance(world);
    const job = await world.put(await world.import(noise(3_000)));
    expect(job).toMatchObject({ state: "done", copies: [{ miner: world.miner(1).address }] });
    expect(errorOf(world, "market/false-claim")).toBe("market/false-claim");
    // The liar has published the deal: the channel is kept until the deal is late, which costs the liar.
    await world.until(() => channels(world).length === 0, 900);
    await world.rounds(5);
    expect(before - balance(world)).toBeLessThan(parseFil(job.totalFil) + fees);
    expect(escrow(world)).toEqual({ escrow: 0n, locked: 0n });
  });

  it("proves the file but gives back other bytes is caught by reading back", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(noise(3_000));
    const { market } = world.client;
    const { jobId } = await world.settle(market.startPut({ cid, copies: 1, durationEpochs: 1_200 }));
    await world.until(() => market.deals()[0]?.state === "committed");
    world.miner(0).storage.rot();
    await world.until(() => market.job(jobId).state !== "running", 1_000);
    expect(market.job(jobId)).toMatchObject({ state: "done" });
    expect(market.job(jobId).copies[0]?.miner).toBe(world.miner(1).address);
    expect(errorOf(world, "market/read-back-failed")).toBe("market/read-back-failed");
  });

  it("answers with a signature that is not its worker's is not believed", async () => {
    await using world = await World.create({ miners: 2 });
    const miner = world.miner(0);
    const { signer } = miner.needs;
    const forged = {
      ...signer,
      sign: (_: never, message: Uint8Array) => signer.sign(miner.owner.address, message),
    };
    await world.reopenMiner(miner, { ...miner.needs, signer: forged as typeof signer });
    const job = await world.put(await world.import(noise(3_000)));
    expect(job.copies[0]?.miner).toBe(world.miner(1).address);
    expect(world.count("createChannel")).toBe(1);
  });

  it("is the last one leaves a job that names all who were tried", async () => {
    await using world = await World.create({ miners: 2 });
    for (const miner of world.miners) miner.storage.isFull = true;
    const job = await world.put(await world.import(noise(3_000)));
    expect(job.error?.code).toBe("market/no-miner-left");
    for (const miner of world.miners) expect(job.error?.message).toContain(miner.address);
    await world.until(() => channels(world).length === 0);
    expect(world.client.market.files()[0]).toMatchObject({ state: "failed", activeCopies: 0 });
    const causes = () => world.client.market.explain(job.jobId)?.causes ?? [];
    await world.until(() => causes().every((cause) => cause.includes("came back")), 10);
    expect(causes().length).toBe(2);
  });
});

describe("a client that", () => {
  it("sends other bytes than it proposed gets its deal failed, and the miner keeps none of it", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    const cid = await world.import(noise(5_000));
    let isHonest = true;
    const files: ClientMarketNeeds["files"] = {
      ...client.needs.files,
      async *carStream(root, skip) {
        for await (const chunk of client.needs.files.carStream(root, skip)) {
          yield isHonest ? chunk : chunk.map((byte) => byte ^ 1);
        }
      },
    };
    await world.reopenClient({ ...client.needs, files });
    const { jobId } = await world.settle(client.market.startPut({ cid, copies: 1, durationEpochs: 240 }));
    await world.until(() => client.market.deals().length === 1);
    isHonest = false;
    await world.until(() => client.market.job(jobId).state !== "running");
    expect((await world.miner(0).market.deals())[0]).toMatchObject({
      state: "failed",
      detail: expect.stringMatching(/named?|not what/),
    });
    expect(world.miner(0).storage.keys).toEqual([]);
  });

  it("names a payload that its bytes are not cannot make the miner offer it", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    const cid = await world.import(noise(900, 1));
    const other = await world.import(noise(900, 2));
    const files: ClientMarketNeeds["files"] = {
      ...client.needs.files,
      carStream: (_root, skip) => client.needs.files.carStream(other, skip),
    };
    await world.reopenClient({ ...client.needs, files });
    const job = await world.put(cid);
    expect(job.state).toBe("failed");
    expect((await world.miner(0).market.deals())[0]?.detail).toContain(other.toString());
    expect(await world.miner(0).market.carSource.open(cid)).toBe(undefined);
  });

  it("cancels its channel after the deal is active only makes the miner redeem", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    const job = await world.put(await world.import(noise(900)), { durationEpochs: 400 });
    expect(job.state).toBe("done");
    await world.until(() => client.market.deals()[0]?.redeemedFil !== "0");
    const [open] = channels(world);
    await client.sender.send({
      from: client.keys.address,
      to: builtinAddresses(1).broker,
      method: "cancel",
      params: encode(methods.broker.cancel.params, { channel: open?.id ?? channelId(0) }),
    });
    await world.rounds(2);
    expect(channels(world)[0]?.channel.eol).toBeLessThan(channels(world)[0]?.channel.agreedEol ?? 0);
    await world.rounds(30);
    expect(channels(world)[0]?.channel.eol).toBe(channels(world)[0]?.channel.agreedEol);
    await world.until(async () => (await world.miner(0).market.deals())[0]?.state === "complete", 500);
    expect((await world.miner(0).market.deals())[0]?.redeemedFil).toBe(job.totalFil);
  });
});

describe("the truth about a file", () => {
  it("is at risk when a proof is missed, stored after the recovery, lost when the sector is gone", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    const miner = world.miner(0);
    const job = await world.put(await world.import(noise(900)), { durationEpochs: 4_000 });
    expect(job.state).toBe("done");
    expect(client.market.files()[0]).toMatchObject({ state: "stored", reason: "" });
    miner.proves = false;
    await world.until(() => client.market.files()[0]?.state === "at-risk", 60);
    expect(client.market.files()[0]?.reason).toMatch(/sector 1 of .* is faulty since \d+/);
    expect(client.market.deals()[0]).toMatchObject({ state: "active", provenSectors: 0, faultySectors: 1 });
    expect(client.market.explain(client.market.deals()[0]?.dealId ?? "")).toMatchObject({ light: "failing" });
    await recover(world, miner);
    await world.until(() => client.market.files()[0]?.state === "stored", 60);
    miner.proves = false;
    await world.until(() => client.market.files()[0]?.state === "lost", 1_500);
    expect(client.market.deals()[0]).toMatchObject({ state: "failed" });
    expect(client.market.files()[0]?.reason).toContain("gone from the chain");
  });
});

/** Declares the recovery of each sector as soon as its deadline is not frozen. */
async function recover(world: World, miner: TestMiner): Promise<void> {
  miner.proves = true;
  const { chain } = world;
  for (const id of [sectorId(0), sectorId(1)]) {
    const index = () =>
      readSector(chain.store, chain.headState().state, miner.address, id)?.deadlineIndex ?? 0;
    const isFrozenSoon = () =>
      [1, 2, 3].some((rounds) =>
        isFrozen(chain.params, miner.address, index(), epoch(chain.head().height + rounds)),
      );
    await world.until(() => !isFrozenSoon(), 40);
    const params = encode(methods.miner.declareRecovery.params, { sectorIds: [id] });
    const message = { from: miner.worker.address, to: miner.address, method: "declareRecovery", params };
    await miner.sender.send(message);
  }
}
