/** Clients that give their data byte by byte, or want very many deals: what others lose by it. */
import { channelId, encode } from "@holdfast/base";
import { codeThrown } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { signedProposalCodec } from "../../src/market/deal.ts";
import { dealRefusals, type FetchWeb } from "../../src/market/index.ts";
import { AmendmentStore } from "../../src/market/miner/amendment-store.ts";
import { checkRoom } from "../../src/market/miner/intake.ts";
import { MinerStore } from "../../src/market/miner/store.ts";
import { silenceMs } from "../../src/market/terms.ts";
import { proposalWith } from "./support/proposals.ts";
import { keysOf, noise, type TestClient, type TestMiner, World } from "./support/world.ts";

const slow = "https://slow.example.org/a.car";

/** A web server of everybody: what is asked of `slow` comes byte by byte, out of a file that never ends. */
function dripping(world: World) {
  const offsets: number[] = [];
  const fetchWeb: FetchWeb = async function* ({ offsetBytes }, signal) {
    offsets.push(offsetBytes);
    for (;;) {
      yield new Uint8Array(1);
      await world.clock.sleep(world.chain.params.roundMs, signal);
    }
  };
  return { offsets, fetchWeb };
}

async function putOf(world: World, client: TestClient, seed: number, delivery: string): Promise<string> {
  const cid = await world.import(noise(1_500, seed), client);
  const request = { cid, copies: 1, durationEpochs: 900, delivery };
  return (await world.settle(client.market.startPut(request))).jobId;
}

/** Everything of the client's file, in parts of so many bytes; `everyMs` between them. No ranges: it knows only 0. */
function wholeServer(
  world: World,
  cars: ReadonlyMap<string, Uint8Array>,
  partBytes: number,
  everyMs: number,
) {
  const offsets: number[] = [];
  const fetchWeb: FetchWeb = async function* ({ url, offsetBytes, onWhole }, signal) {
    offsets.push(offsetBytes);
    if (offsetBytes > 0) throw dealRefusals.badSource({ detail: "it sends no ranges" });
    onWhole?.();
    const car = cars.get(url) ?? new Uint8Array(2_032);
    for (let at = 0; at < car.length; at += partBytes) {
      await world.clock.sleep(everyMs, signal);
      yield car.subarray(at, at + partBytes);
    }
  };
  return { offsets, fetchWeb };
}

async function carOf(client: TestClient, world: World, seed: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const cid = await world.import(noise(1_500, seed), client);
  for await (const part of client.retrieval.carStream(cid)) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** One miner that takes deals, whose web servers are these. */
async function openWorld(params: { readonly roundMs?: number } = {}) {
  const world = await World.create({ miners: 2, params });
  const miner = world.miner(0);
  world.miner(1).market.policy({ open: false });
  miner.storage.keepsParts = true;
  return { world, miner };
}

const statesOf = async ({ market }: TestMiner): Promise<string[]> =>
  (await market.deals({ limit: 100 })).map(({ state }) => state);
const countOf = (states: readonly string[], wanted: string): number =>
  states.filter((state) => state === wanted).length;

describe("a client that drips, with more deals than there are turns,", () => {
  it("gives its turns to who waits, goes on where it was, and is given up when it has lost some", async () => {
    const { world, miner } = await openWorld();
    await using _ = world;
    const { offsets, fetchWeb } = dripping(world);
    await world.reopenMiner(miner, { ...miner.needs, fetchWeb });
    const deals = limits.runningTransfers + 1;
    for (let seed = 1; seed <= deals; seed += 1) await putOf(world, world.client, seed, slow);
    const states = () => statesOf(miner);
    await world.until(async () => countOf(await states(), "transferring") === limits.runningTransfers);
    const honest = await world.addClient("owner 1");
    const jobId = await putOf(world, honest, 99, "stream");
    const windowRounds = limits.transferWindowMs / world.chain.params.roundMs;
    await world.until(
      async () => (await states()).some((state) => ["staged", "sealing", "active"].includes(state)),
      2 * windowRounds,
    );
    expect(miner.storage.keys).toHaveLength(1);
    await world.until(() => honest.market.job(jobId).state !== "running");
    expect(honest.market.job(jobId)).toMatchObject({ state: "done", error: null });
    // Nobody had to give a byte twice.
    expect(offsets.filter((offset) => offset === 0)).toHaveLength(deals);
    // Where nobody waits any more the rest may go on as it does.
    await world.rounds((limits.slowTurns + 2) * windowRounds);
    expect(countOf(await states(), "failed")).toBe(0);
    for (let seed = 100; countOf(await states(), "failed") === 0 && seed < 130; seed += 1) {
      await putOf(world, honest, seed, "stream");
      await world.rounds(windowRounds / 2);
    }
    const failed = (await miner.market.deals({ limit: 100 })).filter(({ state }) => state === "failed");
    expect(failed.length).toBeGreaterThan(0);
    for (const { detail } of failed) expect(detail).toContain("bytes a second");
    world.money();
  });
});

describe("a transfer that is not to blame", () => {
  it("outlives an outage up to the silence limit, also where more deals wait than there are turns", async () => {
    const { world, miner } = await openWorld({ roundMs: 30_000 });
    await using _ = world;
    // biome-ignore lint/correctness/useYield: all lines are dead
    const fetchWeb: FetchWeb = async function* (_wanted, signal) {
      await world.clock.sleep(limits.webIdleMs, signal);
      throw dealRefusals.transferFailed({ detail: "it sends nothing" });
    };
    await world.reopenMiner(miner, { ...miner.needs, fetchWeb });
    const deals = limits.runningTransfers + 1;
    for (let seed = 1; seed < deals; seed += 1) await putOf(world, world.client, seed, slow);
    await putOf(world, await world.addClient("owner 1"), deals, slow);
    await world.until(async () => countOf(await statesOf(miner), "transferring") > 0);
    const silentRounds = silenceMs(world.chain.params) / world.chain.params.roundMs;
    const lastedRounds = await world.until(async () => countOf(await statesOf(miner), "failed") > 0);
    expect(lastedRounds).toBeGreaterThanOrEqual(silentRounds - 1);
    const failed = (await miner.market.deals({ limit: 100 })).filter(({ state }) => state === "failed");
    for (const { detail } of failed) expect(detail).not.toContain("bytes a second");
  });

  it("outlives a pause of the miner's machine, however long", async () => {
    const { world, miner } = await openWorld();
    await using _ = world;
    const car = await carOf(world.client, world, 1);
    let pausedMs = 0;
    const { clock } = world;
    const fetchWeb: FetchWeb = async function* ({ offsetBytes }, signal) {
      if (offsetBytes === 0) {
        yield car.subarray(0, 700);
        pausedMs = 10 * silenceMs(world.chain.params);
        await clock.sleep(2 * limits.transferWindowMs, signal);
      }
      yield car.subarray(offsetBytes || 700);
    };
    const paused = {
      nowMs: () => clock.nowMs() + pausedMs,
      sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    };
    await world.reopenMiner(miner, { ...miner.needs, clock: paused, fetchWeb });
    const jobId = await putOf(world, world.client, 1, slow);
    await world.until(() => world.client.market.job(jobId).state !== "running");
    expect(world.client.market.job(jobId)).toMatchObject({ state: "done", error: null });
  });
});

describe("a web server without ranges", () => {
  it("that is slow for a while loses no deal to who waits: it could not go on where it was cut off", async () => {
    const { world, miner } = await openWorld();
    await using _ = world;
    const cars = new Map<string, Uint8Array>();
    const jobs: (() => string)[] = [];
    const { offsets, fetchWeb } = wholeServer(world, cars, 200, 10_000);
    await world.reopenMiner(miner, { ...miner.needs, fetchWeb });
    const deals = limits.runningTransfers;
    for (let seed = 1; seed <= deals; seed += 1) {
      const url = `https://whole.example.org/${seed}.car`;
      cars.set(url, await carOf(world.client, world, seed));
      const jobId = await putOf(world, world.client, seed, url);
      jobs.push(() => world.client.market.job(jobId).state);
    }
    await world.until(async () => countOf(await statesOf(miner), "transferring") === deals);
    const honest = await world.addClient("owner 1");
    const jobId = await putOf(world, honest, 99, "stream");
    jobs.push(() => honest.market.job(jobId).state);
    await world.until(() => jobs.every((state) => state() !== "running"));
    expect(new Set(jobs.map((state) => state()))).toEqual(new Set(["done"]));
    expect(offsets).toEqual(Array.from({ length: deals }, () => 0));
  });

  it("has all its slow turns in one, and no more: then who waits is served", async () => {
    const { world, miner } = await openWorld();
    await using _ = world;
    const { fetchWeb } = wholeServer(world, new Map(), 1, world.chain.params.roundMs);
    await world.reopenMiner(miner, { ...miner.needs, fetchWeb });
    const deals = limits.runningTransfers;
    for (let seed = 1; seed <= deals; seed += 1) await putOf(world, world.client, seed, slow);
    await world.until(async () => countOf(await statesOf(miner), "transferring") === deals);
    const honest = await world.addClient("owner 1");
    const jobId = await putOf(world, honest, 99, "stream");
    const windowRounds = limits.transferWindowMs / world.chain.params.roundMs;
    await world.until(() => miner.storage.keys.length === 1, (limits.slowTurns + 1) * windowRounds);
    await world.until(() => honest.market.job(jobId).state !== "running");
    expect(honest.market.job(jobId)).toMatchObject({ state: "done", error: null });
  });
});

describe("deals that wait to be fetched", () => {
  const signed = proposalWith();
  const signedBytes = encode(signedProposalCodec, signed);

  /** A miner's list of deals; how many of so many are taken. */
  function openList() {
    const database = openDatabase(":memory:");
    const store = new MinerStore(database, new AmendmentStore(database));
    let channel = 0;
    const isTaken = (payer: string, clientPeer: string): boolean => {
      channel += 1;
      const terms = { payer: keysOf(payer).address, clientPeer, channel: channelId(channel) };
      const proposal = { ...signed.proposal, ...terms };
      const code = codeThrown(() => checkRoom({ store }, proposal));
      if (code !== "no error") expect(code).toBe("deal/busy");
      else store.add(`deal ${channel}`, signedBytes, proposal, { atMs: 0, state: "accepted", detail: "" });
      return code === "no error";
    };
    return (count: number, payer: string, clientPeer: string): number => {
      let taken = 0;
      for (let i = 0; i < count; i += 1) if (isTaken(payer, clientPeer)) taken += 1;
      return taken;
    };
  }

  it("are fewer of one client, and of one peer, the more there are: who comes with one has room", () => {
    const all = limits.waitingDeals;
    const take = openList();
    const first = take(all, "one", "peer");
    expect(first).toBe(Math.ceil(all / (limits.freePerWaitingDeal + 1)));
    // Neither another account at the same peer nor another peer of the same account.
    expect(take(5, "two", "peer")).toBe(0);
    expect(take(5, "one", "other")).toBe(0);
    let [taken, clients] = [first, 1];
    for (; clients <= 20; clients += 1) taken += take(all, `client ${clients}`, `peer ${clients}`);
    expect(taken).toBeLessThan(all);
    expect(take(1, "honest", "honest")).toBe(1);
  });
});
