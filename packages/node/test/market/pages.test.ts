/** Puts and files in pages, and deals that are counted without being looked at. */
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { noise, World } from "./support/world.ts";

describe("the puts of a client", () => {
  it("come in pages, newest first, each file once; those that are kept by themselves", async () => {
    await using world = await World.create({ miners: 2 });
    const { market } = world.client;
    const cids = [await world.import(noise(300, 1)), await world.import(noise(400, 2))];
    const [one, two] = cids;
    if (one === undefined || two === undefined) throw new Error("no files");
    const jobs = [];
    for (const [cid, renew] of [
      [one, true],
      [two, false],
      [one, false],
    ] as const) {
      jobs.push((await world.put(cid, { durationEpochs: 400, renew, allowDuplicates: true })).jobId);
    }
    const [first, second, third] = jobs;
    const ids = (page: Parameters<typeof market.jobs>[0]) => market.jobs(page).map(({ jobId }) => jobId);
    expect(ids({})).toEqual([third, second, first]);
    expect(ids({ limit: 2 })).toEqual([third, second]);
    expect(ids({ limit: 2, after: second })).toEqual([first]);
    expect(ids({ after: first })).toEqual([]);
    expect(ids({ kept: true })).toEqual([first]);
    expect(ids({ kept: true, after: first })).toEqual([]);
    expect(() => market.jobs({ after: "put-999" })).toThrow();
    const names = (page: Parameters<typeof market.files>[0]) => market.files(page).map(({ cid }) => cid);
    expect(names({})).toEqual([one.toString(), two.toString()]);
    expect(names({ limit: 1 })).toEqual([one.toString()]);
    expect(names({ limit: 1, after: one.toString() })).toEqual([two.toString()]);
    expect(await codeOf((async () => market.files({ after: "bafyother" }))())).toBe("market/unknown-file");
    expect(market.files()[0]?.activeCopies).toBe(2);
  });

  it("are counted by state on both sides as they go on, also those of before", async () => {
    await using world = await World.create({ miners: 1 });
    const miner = world.miner(0);
    expect([world.client.market.dealCounts(), miner.market.dealCounts()]).toEqual([{}, {}]);
    await world.put(await world.import(noise(300, 1)), { durationEpochs: 120 });
    await world.put(await world.import(noise(300, 2)), { durationEpochs: 1_000 });
    expect(world.client.market.dealCounts()).toEqual({ active: 2 });
    expect(miner.market.dealCounts()).toEqual({ active: 2 });
    await world.until(async () => (miner.market.dealCounts().complete ?? 0) === 1, 400);
    await world.until(async () => (world.client.market.dealCounts().complete ?? 0) === 1, 400);
    expect(miner.market.dealCounts()).toEqual({ active: 1, complete: 1 });
    await world.reopenMiner(miner, miner.needs);
    expect(miner.market.dealCounts()).toEqual({ active: 1, complete: 1 });
  });
});
