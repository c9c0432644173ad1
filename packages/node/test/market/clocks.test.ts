/** Clocks that jump during a put: the deadlines of a deal are heights of the chain, so nobody loses a deal by it. */
import { type Clock, parseFil } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { noise, World } from "./support/world.ts";

const day = 86_400_000;

/** The same clock, as far ahead of it, or behind, as is said at the time. */
function jumping(clock: Clock): Clock & { offsetMs: number } {
  const own = {
    offsetMs: 0,
    nowMs: () => clock.nowMs() + own.offsetMs,
    sleep: (ms: number, signal?: Parameters<Clock["sleep"]>[1]) => clock.sleep(ms, signal),
  };
  return own;
}

describe("a clock that jumps", () => {
  for (const [name, jumps] of [
    ["a day ahead", [day]],
    ["to and fro", [day, -day, 0]],
  ] as const) {
    for (const side of ["client", "miner"] as const) {
      it(`${name}, at the ${side}, costs no deal and no money`, async () => {
        await using world = await World.create({ miners: 1, delayMs: 10 });
        const miner = world.miner(0);
        const { client } = world;
        const clock = jumping(side === "client" ? client.needs.clock : miner.needs.clock);
        if (side === "client") await world.reopenClient({ ...client.needs, clock });
        else await world.reopenMiner(miner, { ...miner.needs, clock });
        const cid = await world.import(noise(5_000));
        const request = { cid, copies: 1, durationEpochs: 120 };
        const { jobId } = await world.settle(world.client.market.startPut(request));
        for (let rounds = 0; world.client.market.job(jobId).state === "running"; rounds += 1) {
          clock.offsetMs = jumps[rounds % jumps.length] ?? 0;
          await world.rounds(1);
          expect(rounds).toBeLessThan(200);
        }
        expect(world.client.market.job(jobId)).toMatchObject({ state: "done", error: null });
        expect(world.count("createChannel")).toBe(1);
        await world.until(async () => (await world.miner(0).market.deals())[0]?.state === "complete", 500);
        const [deal] = await world.miner(0).market.deals();
        expect(parseFil(deal?.redeemedFil ?? "0")).toBe(parseFil(deal?.totalFil ?? "1"));
      });
    }
  }
});
