/** Virtual time and seeded randomness keep their promises; broken clocks do not pass the suite. */
import { type Cancel, type Clock, equalBytes, toHex } from "@holdfast/base";
import {
  cancelSource,
  clockSuite,
  drainMicrotasks,
  failures,
  runSuite,
  SeededRandom,
  SimClock,
} from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const simulated = () => {
  const clock = new SimClock();
  return { clock, pass: (ms: number) => clock.advance(ms) };
};
clockSuite({ describe, it, expect }, simulated);

describe("the clock suite", () => {
  /** The simulated clock with one fault. */
  const broken: Record<string, (clock: SimClock) => Partial<Clock>> = {
    "wakes early": (clock) => ({ sleep: (ms, signal) => clock.sleep(ms / 2, signal) }),
    "wakes late sleepers together with early ones": (clock) => ({
      sleep: (ms, signal) => clock.sleep(Math.ceil(ms / 50) * 50, signal),
    }),
    "does not listen to the signal": (clock) => ({
      sleep: (ms, signal) => clock.sleep(Math.min(ms, 100), unheard(signal)),
    }),
    "forgets the reason": (clock) => ({
      sleep: (ms, signal) => clock.sleep(ms, signal).catch(() => Promise.reject("aborted")),
    }),
    "starts a sleep in spite of an aborted signal": (clock) => ({
      sleep: (ms, signal) => clock.sleep(ms, signal?.aborted === true ? undefined : signal),
    }),
    "leaves its listener behind": (clock) => ({
      sleep: (ms, signal) => {
        signal?.addEventListener("abort", () => undefined);
        return clock.sleep(ms, signal);
      },
    }),
    "runs backwards": (clock) => ({ nowMs: () => -clock.nowMs() }),
    "never ends a sleep of no length": (clock) => ({
      sleep: (ms, signal) => (ms <= 0 ? clock.sleep(100_000, signal) : clock.sleep(ms, signal)),
    }),
  };
  const unheard = (signal: Cancel | undefined): Cancel | undefined =>
    signal?.aborted === true ? signal : undefined;

  for (const [fault, change] of Object.entries(broken)) {
    it(`canary: catches a clock that ${fault}`, async () => {
      const make = () => {
        const { clock, pass } = simulated();
        const faulty: Clock = {
          nowMs: () => clock.nowMs(),
          sleep: (ms, signal) => clock.sleep(ms, signal),
          ...change(clock),
        };
        return { clock: faulty, pass };
      };
      const results = await runSuite(expect, (tools) => clockSuite(tools, make), giveUp);
      expect(failures(results).length).toBeGreaterThan(0);
    });
  }
  const giveUp = async (): Promise<never> => {
    for (let turn = 0; turn < 50; turn++) await drainMicrotasks();
    return expect.fail("the case does not end");
  };
});

describe("virtual time", () => {
  it("fires timers in the order of time, then of creation, whatever the order of starting", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 40 }), fc.nat(60), async (sleeps, passMs) => {
        const clock = new SimClock(1_000);
        const log: { at: number; index: number }[] = [];
        sleeps.forEach(
          (ms, index) => void clock.sleep(ms).then(() => log.push({ at: clock.nowMs(), index })),
        );
        await clock.advance(passMs);
        const expected = sleeps
          .map((ms, index) => ({ at: 1_000 + ms, index }))
          .filter(({ at }) => at <= 1_000 + passMs)
          .sort((a, b) => a.at - b.at || a.index - b.index);
        expect(log).toEqual(expected);
        expect(clock.nowMs()).toBe(1_000 + passMs);
        expect(clock.pendingTimers).toBe(sleeps.length - expected.length);
      }),
    );
  });
  it("lets woken code start timers that still fall into the same stretch", async () => {
    const clock = new SimClock(0);
    const ticks: number[] = [];
    const ticker = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(7);
        ticks.push(clock.nowMs());
      }
    };
    void ticker();
    await clock.advance(30);
    expect(ticks).toEqual([7, 14, 21, 28]);
    expect(clock.nextTimerMs).toBe(35);
  });
  it("waits for host work with the drain it is given", async () => {
    const clock = new SimClock(0);
    let done = false;
    const work = async (): Promise<void> => {
      await clock.sleep(1);
      await new Promise((resolve) => setImmediate(resolve)); // stands for a file or a worker
      await clock.sleep(1);
      done = true;
    };
    void work();
    const drain = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    };
    await clock.advance(2, drain);
    expect(done).toBe(true);
  });
  it("runs until something has happened, and no longer", async () => {
    const clock = new SimClock(0);
    let happened = false;
    void clock.sleep(40).then(() => {
      happened = true;
    });
    void clock.sleep(50);
    expect(await clock.advanceUntil(() => happened, { limitMs: 39 })).toBe(false);
    expect(clock.nowMs()).toBe(39);
    expect(await clock.advanceUntil(() => happened, { limitMs: 1_000 })).toBe(true);
    expect(clock.nowMs()).toBe(40);
    expect(
      await clock.settle(
        clock.sleep(5).then(() => "slept"),
        { limitMs: 10 },
      ),
    ).toBe("slept");
    await expect(clock.settle(clock.sleep(500), { limitMs: 10 })).rejects.toThrow("settles within 10 ms");
  });
  it("holds nothing of a sleep that was called off", async () => {
    const clock = new SimClock();
    const cancel = cancelSource();
    const sleep = clock.sleep(10, cancel.signal).catch(() => "woken");
    expect([clock.pendingTimers, cancel.listenerCount()]).toEqual([1, 1]);
    cancel.abort();
    expect(await sleep).toBe("woken");
    expect([clock.pendingTimers, cancel.listenerCount()]).toEqual([0, 0]);
  });
});

describe("seeded randomness", () => {
  it("repeats for the same seed and differs for another", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(3_000), (a, b, count) => {
        expect(toHex(new SeededRandom(a).bytes(count))).toBe(toHex(new SeededRandom(a).bytes(count)));
        if (a !== b)
          expect(toHex(new SeededRandom(a).bytes(16))).not.toBe(toHex(new SeededRandom(b).bytes(16)));
      }),
    );
    expect(toHex(new SeededRandom(1).bytes(16))).not.toBe(toHex(new SeededRandom("1").bytes(16)));
  });
  it("gives the same bytes in any pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(700), { maxLength: 12 }), (pieces) => {
        const random = new SeededRandom("pieces");
        const joined = pieces.flatMap((count) => [...random.bytes(count)]);
        expect(joined).toEqual([...new SeededRandom("pieces").bytes(joined.length)]);
      }),
    );
  });
  it("forks streams that do not depend on what was drawn", () => {
    const [a, b] = [new SeededRandom("s"), new SeededRandom("s")];
    a.bytes(100);
    expect(equalBytes(a.fork("x").bytes(32), b.fork("x").bytes(32))).toBe(true);
    expect(equalBytes(a.fork("x").bytes(32), a.fork("y").bytes(32))).toBe(false);
  });
  it("draws evenly", () => {
    const random = new SeededRandom("even");
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) {
      const side = random.below(6);
      counts[side] = (counts[side] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(450); // five sigma
    expect(random.shuffle([1, 2, 3, 4, 5]).sort()).toEqual([1, 2, 3, 4, 5]);
    expect(random.between(3, 3)).toBe(3);
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
  });
  it("is the same on every machine", () => {
    expect(toHex(new SeededRandom("holdfast").bytes(16))).toBe("5fb43160c84ec2b36b12e7b66d0803bf");
  });
});
