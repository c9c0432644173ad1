/** Background work of the market: one task per name, bounded turns, pauses that double, and stopping at once. */
import { type Logger, silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Backoff, Missing, Tasks, Turns } from "../../src/market/tasks.ts";
import { drain } from "./support/world.ts";

describe("tasks", () => {
  it("run once per name, survive failures, and stop together", async () => {
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (_event, data) => errors.push(String(data?.task)) };
    const tasks = new Tasks(logger);
    let started = 0;
    const forever = (signal: AbortSignal): Promise<void> => {
      started += 1;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    tasks.start("a", forever);
    tasks.start("a", forever);
    tasks.start("b", async () => {
      throw new TypeError("a bug");
    });
    await drain();
    expect([started, errors, tasks.isRunning("a"), tasks.isRunning("b")]).toEqual([1, ["b"], true, false]);
    await tasks[Symbol.asyncDispose]();
    tasks.start("c", forever);
    await drain();
    expect([started, tasks.isRunning("a"), tasks.isStopped]).toEqual([1, false, true]);
    expect(errors).toEqual(["b"]);
  });
});

describe("turns", () => {
  it("are never more than allowed, in the order of coming, and a waiter that leaves holds up nobody", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.record({ ms: fc.integer({ min: 0, max: 50 }), leaves: fc.boolean() }), { maxLength: 20 }),
        async (most, jobs) => {
          const clock = new SimClock();
          const turns = new Turns(most);
          const order: number[] = [];
          let running = 0;
          const all = jobs.map(({ ms, leaves }, index) => {
            const stop = new AbortController();
            const run = turns.run(stop.signal, async () => {
              order.push(index);
              running += 1;
              expect(running).toBeLessThanOrEqual(most);
              await clock.sleep(ms, stop.signal);
              running -= 1;
            });
            // Only waiters leave here; one that runs ends by itself.
            if (leaves && index >= most) stop.abort(new DOMException("left", "AbortError"));
            return run.catch(() => undefined);
          });
          await clock.advance(2_000, drain);
          await Promise.all(all);
          const stayed = jobs.flatMap(({ leaves }, index) => (leaves && index >= most ? [] : [index]));
          expect(order).toEqual(stayed);
          expect(running).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("waiting", () => {
  it("doubles up to its limit and starts again after a success", async () => {
    const clock = new SimClock();
    const backoff = new Backoff(clock, 10, 70);
    const { signal } = new AbortController();
    const pauses: number[] = [];
    for (const reset of [false, false, false, false, false, true, false]) {
      if (reset) backoff.reset();
      const before = clock.nowMs();
      await clock.settle(backoff.pause(signal), { limitMs: 1_000 });
      pauses.push(clock.nowMs() - before);
    }
    expect(pauses).toEqual([10, 20, 40, 70, 70, 10, 20]);
  });

  it("calls gone only what stays away at every look", () => {
    const missing = new Missing<string>(3);
    const looks: readonly (readonly [boolean, number, boolean])[] = [
      [true, 10, false],
      [true, 13, false],
      [false, 14, false],
      [true, 15, false],
      [true, 18, false],
      [true, 19, true],
      [false, 20, false],
    ];
    for (const [isMissing, height, expected] of looks)
      expect(missing.isGone("x", isMissing, height)).toBe(expected);
    expect(missing.isGone("y", true, 100)).toBe(false);
  });
});
