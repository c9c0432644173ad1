/** Turns of transfers: as many as there are, fairly among clients, and given back by who drips. */
import { SimClock } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { Arrivals, Progress } from "../../src/market/miner/progress.ts";
import { FairTurns } from "../../src/market/miner/turns.ts";
import { drain } from "./support/world.ts";

describe("turns of clients", () => {
  it("are as many as there are, none is free while somebody waits, and waiters may leave", async () => {
    const jobs = fc.array(
      fc.record({ client: fc.nat(3), ms: fc.integer({ min: 1, max: 50 }), leavesMs: fc.nat(120) }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), jobs, async (most, all) => {
        const clock = new SimClock();
        const turns = new FairTurns(most);
        let running = 0;
        let waiting = 0;
        const runs = all.map(async ({ client, ms, leavesMs }) => {
          const stop = new AbortController();
          void clock.sleep(leavesMs).then(() => stop.abort(new DOMException("left", "AbortError")));
          waiting += 1;
          const turn = await turns.take(`client ${client}`, stop.signal).finally(() => {
            waiting -= 1;
          });
          running += 1;
          expect(running).toBeLessThanOrEqual(most);
          await clock.sleep(ms);
          running -= 1;
          turn[Symbol.dispose]();
          turn[Symbol.dispose]();
        });
        const ended = Promise.allSettled(runs);
        for (let ms = 0; ms < 1_600; ms += 10) {
          await clock.advance(10, drain);
          if (waiting > 0) expect(running).toBe(most);
        }
        for (const run of await ended) {
          if (run.status === "rejected") expect(run.reason).toMatchObject({ name: "AbortError" });
        }
        expect([running, waiting, turns.isAnyoneWaiting]).toEqual([0, 0, false]);
      }),
      { numRuns: 30 },
    );
  });

  it("go round: nobody waits for more than one turn of each other client, however many those want", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { minLength: 2, maxLength: 40 }), async (wanted) => {
        const turns = new FairTurns(1);
        const { signal } = new AbortController();
        const order: number[] = [];
        const first = await turns.take("first", signal);
        const runs = wanted.map(async (client) => {
          using _turn = await turns.take(`client ${client}`, signal);
          order.push(client);
        });
        first[Symbol.dispose]();
        await Promise.all(runs);
        // As by dealing out: one to each that still wants some, again and again.
        const counts = new Map<number, number>();
        for (const client of wanted) counts.set(client, (counts.get(client) ?? 0) + 1);
        const expected: number[] = [];
        while (expected.length < wanted.length) {
          for (const [client, left] of counts) {
            if (left > 0) expected.push(client);
            counts.set(client, left - 1);
          }
        }
        expect(order).toEqual(expected);
      }),
    );
  });

  it("go to who has fewest, and who comes back stands behind who waited meanwhile", async () => {
    const turns = new FairTurns(2);
    const { signal } = new AbortController();
    const order: string[] = [];
    const many = [await turns.take("many", signal), await turns.take("many", signal)];
    const take = (client: string, name: string) =>
      turns.take(client, signal).then((turn) => {
        order.push(name);
        return turn;
      });
    const third = take("many", "many again");
    const few = take("few", "few");
    expect(many[0]?.isWanted).toBe(true);
    many[0]?.[Symbol.dispose]();
    const fewTurn = await few;
    expect(order).toEqual(["few"]);
    const back = take("few", "few again");
    fewTurn[Symbol.dispose]();
    await back;
    expect(order).toEqual(["few", "few again"]);
    many[1]?.[Symbol.dispose]();
    const last = await third;
    expect([last.isWanted, turns.isAnyoneWaiting]).toEqual([false, false]);
  });
});

describe("the progress of a transfer", () => {
  const progressOf = (clock: SimClock, arrivals = new Arrivals()) => new Progress(clock, arrivals, "client");
  const bytesFor = (bytesPerS: number) => (bytesPerS * limits.transferWindowMs) / 1_000;

  it("is judged by the time in which its client was waited for, and by nothing else", async () => {
    const clock = new SimClock();
    const progress = progressOf(clock);
    progress.waits();
    await clock.advance(limits.transferWindowMs / 3, drain);
    expect(progress.isBelowFloor()).toBe(false); // too early to say
    progress.rests();
    await clock.advance(10 * limits.transferWindowMs, drain); // the disk is slow
    progress.waits();
    expect(progress.isBelowFloor()).toBe(false);
    await clock.advance((2 * limits.transferWindowMs) / 3, drain);
    progress.came(bytesFor(limits.transferFloorBytesPerS));
    expect(progress.isBelowFloor()).toBe(false);
    await clock.advance(limits.transferWindowMs, drain);
    progress.came(bytesFor(limits.transferFloorBytesPerS) - 1);
    expect([progress.isBelowFloor(), progress.silentMs]).toEqual([true, 0]);
    await clock.advance(5_000, drain);
    expect(progress.silentMs).toBe(5_000);
  });

  it("books no more than a window at once: beyond that the machine slept, with sockets unread", async () => {
    const clock = new SimClock();
    const progress = progressOf(clock);
    progress.waits();
    await clock.advance(100 * limits.transferWindowMs, drain);
    expect(progress.silentMs).toBe(limits.transferWindowMs);
    await clock.advance(1_000, drain);
    expect(progress.silentMs).toBe(limits.transferWindowMs + 1_000);
  });

  it("is a drip where a little came, and bytes of another client: nothing at all may be an outage", async () => {
    const clock = new SimClock();
    const arrivals = new Arrivals();
    const progress = progressOf(clock, arrivals);
    progress.waits();
    const judge = async (own: number, others: readonly string[]) => {
      await clock.advance(limits.transferWindowMs / 2, drain);
      progress.came(own);
      for (const other of others) arrivals.came(other, clock.nowMs());
      await clock.advance(limits.transferWindowMs / 2, drain);
      expect(progress.isBelowFloor()).toBe(true);
      return progress.isDrip;
    };
    expect(await judge(1, [])).toBe(false);
    expect(await judge(1, ["another"])).toBe(true);
    expect(await judge(1, ["another", "client"])).toBe(true);
    expect(await judge(0, ["another"])).toBe(false);
    expect(await judge(1, ["client"])).toBe(false);
    expect(await judge(1, [])).toBe(false);
  });
});
