/** Deals for which nothing is due are left alone, whatever heads come, and are there in time when something is. */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { noise, World } from "./support/world.ts";

describe("a miner's deals that go well", () => {
  it("are looked at now and then, and paid, ended and wound up as if they were looked at at every head", async () => {
    await using world = await World.create({ miners: 1, params: { channelCancelDelayEpochs: 400 } });
    const miner = world.miner(0);
    let looks = 0;
    const { storage } = miner;
    const counted = new Proxy<typeof miner.needs.storage>(storage, {
      get(target, key) {
        if (key === "getSector") looks += 1;
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    await world.reopenMiner(miner, { ...miner.needs, storage: counted });
    const job = await world.put(await world.import(noise(900)), { durationEpochs: 300 });
    expect(job.state).toBe("done");
    const [deal] = await miner.market.deals();
    const heads = (): number => world.chain.head().height;
    // Once it is active and its first voucher is not due yet, heads pass it by.
    await world.rounds(5);
    const [before, from] = [looks, heads()];
    await world.rounds(limits.dealRestRounds);
    expect(heads() - from).toBeGreaterThanOrEqual(limits.dealRestRounds - 1);
    expect(looks - before).toBeLessThan(limits.dealRestRounds / 4);
    await world.until(async () => (await miner.market.deals())[0]?.state === "complete", 400);
    const [ended] = await miner.market.deals();
    expect(ended).toMatchObject({ dealId: deal?.dealId, redeemedFil: deal?.totalFil });
    await world.until(async () => miner.storage.keys.length === 0, 100);
    const atEnd = looks;
    await world.rounds(20);
    expect(looks).toBe(atEnd);
  });

  it("are looked at at every head once their money is out, until that is final", async () => {
    const params = { channelCancelDelayEpochs: 400, finalityEpochs: 30 };
    await using world = await World.create({ miners: 1, params });
    const { database } = world.miner(0).needs;
    const row = () => database.get("SELECT next_look, wound_at, closed FROM market_deals");
    const job = await world.put(await world.import(noise(900)), { durationEpochs: 300 });
    expect(job.state).toBe("done");
    // Both end it early: its own end, at which it is to be looked at, is still to come.
    const [deal] = world.client.market.deals();
    world.client.market.change(deal?.dealId ?? "", { kind: "release", key: "one" });
    await world.until(() => typeof row()?.wound_at === "number", 400);
    const nextLooks = new Set<unknown>();
    await world.until(() => {
      if (row()?.closed === 0) nextLooks.add(row()?.next_look);
      return row()?.closed === 1;
    }, 60);
    expect([...nextLooks]).toEqual([0]);
    expect(world.height).toBeLessThan(deal?.endHeight ?? 0);
  });

  it("are awake from the moment at which a change of them is written down, whoever dies then", async () => {
    await using world = await World.create({ miners: 1, params: { channelCancelDelayEpochs: 400 } });
    const miner = world.miner(0);
    const { database } = miner.needs;
    const atChange: unknown[] = [];
    const watched = new Proxy<typeof database>(database, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          const result: unknown = value.apply(target, given);
          if (String(given[0]).startsWith("INSERT INTO market_taken_amendments"))
            atChange.push(target.get("SELECT next_look FROM market_deals")?.next_look);
          return result;
        };
      },
    });
    await world.reopenMiner(miner, { ...miner.needs, database: watched });
    const job = await world.put(await world.import(noise(900)), { durationEpochs: 300 });
    expect(job.state).toBe("done");
    await world.rounds(5);
    expect(database.get("SELECT next_look FROM market_deals")?.next_look).toBeGreaterThan(world.height);
    const [deal] = world.client.market.deals();
    const endHeight = (deal?.endHeight ?? 0) + 100;
    world.client.market.change(deal?.dealId ?? "", { kind: "extend", endHeight, key: "one" });
    await world.until(() => world.count("extendDeal") === 1, 20);
    expect(atChange).toEqual([0]);
  });
});
