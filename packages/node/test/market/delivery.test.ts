/** Data of deals that comes another way than over the client's streams: from a web server, or carried by people. */
import type { CID, HoldfastError } from "@holdfast/base";
import { rejectionOf } from "@holdfast/base/testing";
import { listChannels } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { dealRefusals, type FetchWeb, type MinerMarketNeeds } from "../../src/market/index.ts";
import { noise, type TestMiner, World } from "./support/world.ts";

const url = "https://files.example.org/{cid}.car";
const never = new AbortController().signal;

async function carOf(world: World, cid: CID): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of world.client.retrieval.carStream(cid)) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

async function* inParts(bytes: Uint8Array, partBytes = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

interface Asked {
  readonly url: string;
  readonly from: number;
  readonly near: string;
}

/** A web server whose line breaks after so many bytes of each answer. */
function webServer(car: Uint8Array, breaksAfter: number) {
  const asked: Asked[] = [];
  const fetchWeb: FetchWeb = async function* ({ url: place, offsetBytes, lengthBytes, near }) {
    asked.push({ url: place, from: offsetBytes, near });
    const bytes = car.subarray(offsetBytes, offsetBytes + lengthBytes);
    yield bytes.subarray(0, breaksAfter);
    if (bytes.length > breaksAfter) throw dealRefusals.transferFailed({ detail: "the line broke" });
  };
  return { asked, fetchWeb };
}

const withWeb = (world: World, miner: TestMiner, fetchWeb: FetchWeb): Promise<void> => {
  const needs: MinerMarketNeeds = { ...miner.needs, fetchWeb };
  return world.reopenMiner(miner, needs);
};

async function startOffline(world: World, bytes = noise(5_000)) {
  const cid = await world.import(bytes);
  const request = { cid, copies: 1, durationEpochs: 240, delivery: "offline" };
  const { jobId } = await world.settle(world.client.market.startPut(request));
  const miner = world.miner(0);
  await world.until(async () => (await miner.market.deals())[0]?.state === "accepted");
  const [deal] = await miner.market.deals();
  return { cid, jobId, miner, dealId: deal?.dealId ?? "", car: await carOf(world, cid) };
}

describe("data on a web server", () => {
  it("is fetched piece by piece, and goes on at the byte where the line broke", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(5_000));
    const car = await carOf(world, cid);
    const { asked, fetchWeb } = webServer(car, 900);
    await withWeb(world, world.miner(0), fetchWeb);
    const job = await world.put(cid, { delivery: url.replace("{cid}", cid.toString()) });
    expect(job).toMatchObject({ state: "done", error: null });
    // Three pieces of at most 2,032 bytes, each in as many answers as it takes, and no byte twice.
    expect(asked.map(({ from }) => from)).toEqual([0, 900, 1_800, 2_032, 2_932, 3_832, 4_064, 4_964]);
    expect(new Set(asked.map((one) => `${one.url} ${one.near}`))).toEqual(
      new Set([`https://files.example.org/${cid}.car client`]),
    );
    expect(world.miner(0).storage.receivedBytes).toBe(car.length);
  });

  it("is fetched from the byte where a kill of the miner has cut it off", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(5_000));
    const car = await carOf(world, cid);
    const { asked, fetchWeb } = webServer(car, 900);
    await putOverKill(world, cid, { delivery: "https://files.example.org/a.car", fetchWeb }, 2_500);
    expect(asked.map(({ from }) => from)).toEqual([0, 900, 1_800, 2_032, 2_932, 3_832, 4_064, 4_964]);
    expect(world.miner(0).storage.receivedBytes).toBe(car.length);
  });

  it("gives back what is there of it when the deal fails", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(5_000));
    const car = await carOf(world, cid);
    const { storage } = world.miner(0);
    storage.keepsParts = true;
    let given = 0;
    await withWeb(world, world.miner(0), async function* ({ offsetBytes }) {
      given += 1;
      if (given > 1) throw dealRefusals.badSource({ detail: "it is gone" });
      yield car.subarray(offsetBytes, offsetBytes + 900);
      throw dealRefusals.transferFailed({ detail: "the line broke" });
    });
    const job = await world.put(cid, { delivery: "https://files.example.org/a.car" });
    expect(job.state).toBe("failed");
    expect(storage.receivedBytes).toBe(900);
    await world.until(() => storage.unfinishedKeys.length === 0, 60);
  });

  it("that comes byte by byte has no turn any more when its deal is over, and leaves nothing", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(2_000));
    const miner = world.miner(0);
    miner.storage.keepsParts = true;
    let given = 0;
    await withWeb(world, miner, async function* (_wanted, signal) {
      for (;;) {
        given += 1;
        yield new Uint8Array(1);
        await world.clock.sleep(world.chain.params.roundMs, signal);
      }
    });
    const request = { cid, copies: 1, durationEpochs: 240, delivery: "https://files.example.org/a.car" };
    await world.settle(world.client.market.startPut(request));
    await world.until(async () => (await miner.market.deals())[0]?.state === "failed");
    await world.rounds(5);
    expect(miner.storage.unfinishedKeys).toEqual([]);
    const before = given;
    await world.rounds(5);
    expect(given).toBe(before);
  });

  it("that is another file is refused by its commitment, and the money comes back", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(3_000));
    const car = await carOf(world, cid);
    car[car.length - 1] = (car.at(-1) ?? 0) ^ 1;
    await withWeb(world, world.miner(0), webServer(car, 10_000).fetchWeb);
    const job = await world.put(cid, { delivery: "http://files.example.org/a.car" });
    expect(job.state).toBe("failed");
    expect((await world.miner(0).market.deals())[0]).toMatchObject({ state: "failed" });
    await world.until(() => channels(world) === 0, 200);
  });

  it("at a place where nothing may be asked ends the deal at once", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(3_000));
    let tries = 0;
    // biome-ignore lint/correctness/useYield: it never comes to that
    await withWeb(world, world.miner(0), async function* () {
      tries += 1;
      throw dealRefusals.badSource({ detail: "it is somebody's router" });
    });
    const job = await world.put(cid, { delivery: "http://192.168.0.1/reboot" });
    expect(job.error?.message).toContain("somebody's router");
    expect(tries).toBe(1);
  });

  it("is not fetched by a miner that fetches none, which says so before anything is paid", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(noise(3_000));
    const car = await carOf(world, cid);
    await withWeb(world, world.miner(1), webServer(car, 10_000).fetchWeb);
    const job = await world.put(cid, { delivery: "https://files.example.org/a.car" });
    expect(job).toMatchObject({ state: "done", copies: [{ miner: world.miner(1).address }] });
    expect(world.count("createChannel")).toBe(1);
  });
});

const channels = (world: World): number =>
  listChannels(world.chain.store, world.chain.headState().state, world.client.keys.address).length;

/** A put whose miner dies when so many bytes have come, and comes back. */
async function putOverKill(
  world: World,
  cid: CID,
  given: { readonly delivery?: string; readonly fetchWeb?: FetchWeb },
  killedAt: number,
): Promise<void> {
  const miner = world.miner(0);
  const { delivery = "stream", fetchWeb } = given;
  const needs = fetchWeb === undefined ? miner.needs : { ...miner.needs, fetchWeb };
  await world.reopenMiner(miner, needs);
  const { storage } = miner;
  storage.keepsParts = true;
  storage.standsStillAt = killedAt;
  const request = { cid, copies: 1, durationEpochs: 240, delivery };
  const { jobId } = await world.settle(world.client.market.startPut(request));
  await world.until(() => storage.receivedBytes >= killedAt);
  expect(storage.unfinishedKeys).toHaveLength(1);
  storage.standsStillAt = Number.POSITIVE_INFINITY;
  await world.reopenMiner(miner, needs);
  await world.until(() => world.client.market.job(jobId).state !== "running");
  expect(world.client.market.job(jobId)).toMatchObject({ state: "done", error: null });
  expect(storage.unfinishedKeys).toEqual([]);
}

describe("data over the client's streams", () => {
  it("is fetched from the byte where a kill of the miner has cut it off", async () => {
    await using world = await World.create({ miners: 1 });
    const cid = await world.import(noise(5_000));
    const car = await carOf(world, cid);
    await putOverKill(world, cid, {}, 3_000);
    expect(world.miner(0).storage.receivedBytes).toBe(car.length);
  });
});

describe("data that is carried", () => {
  it("is waited for while other deals go on, is brought, and the deal is done", async () => {
    await using world = await World.create({ miners: 1 });
    const { jobId, miner, dealId, car } = await startOffline(world);
    const other = await world.put(await world.import(noise(2_500)));
    expect(other.state).toBe("done");
    const before = miner.storage.receivedBytes;
    await world.rounds(20);
    expect(miner.storage.receivedBytes).toBe(before);
    expect(world.client.market.job(jobId).copies[0]?.detail).toContain(`holdfast deal import ${dealId}`);
    const brought = await world.settle(miner.market.bring(dealId.slice(-10), inParts(car), never));
    expect(brought).toEqual({ dealId, pieces: 3, carBytes: car.length });
    await world.until(() => world.client.market.job(jobId).state !== "running");
    expect(world.client.market.job(jobId)).toMatchObject({ state: "done", error: null });
  });

  it("is refused when it is not what the deal names, harms nothing, and the right file follows", async () => {
    await using world = await World.create({ miners: 1 });
    const { jobId, miner, dealId, car } = await startOffline(world);
    const wrong = car.slice();
    wrong[4_500] = (wrong[4_500] ?? 0) ^ 1;
    const longer = new Uint8Array([...car, 0]);
    for (const [bytes, detail] of [
      [car.subarray(0, 1_000), "ends"],
      [wrong, ""],
      [longer, "goes on"],
    ] as const) {
      const error = await world.settle(rejectionOf(miner.market.bring(dealId, inParts(bytes), never)));
      expect(error).toMatchObject({ code: "deal/wrong-data" });
      expect((error as HoldfastError).message).toContain(detail);
      expect((await miner.market.deals())[0]).toMatchObject({ state: "transferring" });
    }
    // The pieces that were right are not stored again.
    const before = miner.storage.receivedBytes;
    await world.settle(miner.market.bring(dealId, inParts(car), never));
    expect(miner.storage.receivedBytes).toBe(before);
    await world.until(() => world.client.market.job(jobId).state === "done");
    const again = await world.settle(rejectionOf(miner.market.bring(dealId, inParts(car), never)));
    expect(again).toMatchObject({ code: "deal/not-carried" });
  });

  it("goes on behind the pieces that are here when the miner was killed in the middle of it", async () => {
    await using world = await World.create({ miners: 1 });
    const { jobId, miner, dealId, car } = await startOffline(world);
    const cut = (async function* () {
      yield car.subarray(0, 3_000);
      await new Promise(() => undefined); // somebody has pulled the disk out, and nothing says so
    })();
    const bringing = rejectionOf(miner.market.bring(dealId, cut, never));
    await world.until(() => miner.storage.keys.length === 1);
    const busy = await world.settle(rejectionOf(miner.market.bring(dealId, inParts(car), never)));
    expect(busy).toMatchObject({ code: "deal/busy" });
    await world.reopenMiner(miner);
    await world.settle(bringing);
    await world.settle(miner.market.bring(dealId, inParts(car), never));
    await world.until(() => world.client.market.job(jobId).state === "done");
    expect(miner.storage.receivedBytes).toBeLessThan(2 * car.length);
  });

  it("that nobody brings ends the deal when its start is past, and the money comes back", async () => {
    await using world = await World.create({ miners: 1 });
    const { jobId, miner, dealId, car } = await startOffline(world);
    await world.until(() => world.client.market.job(jobId).state !== "running", 400);
    expect(world.client.market.job(jobId)).toMatchObject({ state: "failed" });
    const late = await world.settle(rejectionOf(miner.market.bring(dealId, inParts(car), never)));
    expect(late).toMatchObject({ code: "deal/not-carried" });
    expect((await miner.market.deals())[0]).toMatchObject({ state: "failed" });
    await world.until(() => channels(world) === 0, 300);
  });

  it("is brought to no other deal, and to none that nobody knows", async () => {
    await using world = await World.create({ miners: 1 });
    const { market } = world.miner(0);
    expect(await rejectionOf(market.bring("bafynothing", inParts(noise(10)), never))).toMatchObject({
      code: "deal/unknown-deal",
    });
    const job = await world.put(await world.import(noise(2_500)));
    const dealId = job.copies[0]?.dealId ?? "";
    expect(await rejectionOf(market.bring(dealId, inParts(noise(10)), never))).toMatchObject({
      code: "deal/not-carried",
    });
  });

  it("has a bound for each client, and waits in nobody's way", async () => {
    await using world = await World.create({ miners: 1 });
    world.miner(0).market.policy({ offline: false });
    const cid = await world.import(noise(2_500));
    const job = await world.put(cid, { delivery: "offline" });
    expect(job.state).toBe("failed");
    expect(job.error?.message).toContain("takes no data that is carried");
    expect(world.count("createChannel")).toBe(0);
  });
});
