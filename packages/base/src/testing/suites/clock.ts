/** Every clock keeps time in order, sleeps at least as long as asked, and can be woken by a signal. */
import type { Clock } from "../../seams/types.ts";
import { cancelSource } from "../cancel.ts";
import { rejectionOf, type SuiteTools } from "./tools.ts";

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets (at least) this much time pass on the clock, and lets woken code run. */
  pass(ms: number): Promise<void>;
}

export function clockSuite({ describe, it, expect }: SuiteTools, make: () => ClockUnderTest): void {
  /** Starts a sleep and records its end. */
  const sleeper = (clock: Clock) => {
    const log: string[] = [];
    const sleep = (name: string, ms: number): Promise<void> =>
      clock.sleep(ms).then(() => void log.push(name));
    return { log, sleep };
  };

  describe("a clock", () => {
    it("never goes backwards", async () => {
      const { clock, pass } = make();
      let before = clock.nowMs();
      for (let i = 0; i < 5; i++) {
        await pass(2);
        expect(clock.nowMs() >= before).toBe(true);
        before = clock.nowMs();
      }
    });
    it("moves on by what passes", async () => {
      const { clock, pass } = make();
      const startMs = clock.nowMs();
      await pass(20);
      expect(clock.nowMs() - startMs >= 20).toBe(true);
    });
    it("ends a sleep after its time and not before", async () => {
      const { clock, pass } = make();
      const startMs = clock.nowMs();
      let endMs: number | undefined;
      const sleep = clock.sleep(30).then(() => {
        endMs = clock.nowMs();
      });
      await pass(10);
      expect(endMs === undefined || endMs - startMs >= 29).toBe(true); // a host's timer may round down by one
      await pass(30);
      await sleep;
      expect(endMs !== undefined && endMs - startMs >= 29).toBe(true);
    });
    it("ends sleeps in the order of their ends", async () => {
      const { clock, pass } = make();
      const { log, sleep } = sleeper(clock);
      const all = [sleep("60", 60), sleep("20", 20), sleep("40", 40)];
      await pass(80);
      await Promise.all(all);
      expect(log).toEqual(["20", "40", "60"]);
    });
    it("ends sleeps of the same length in the order of their starts", async () => {
      const { clock, pass } = make();
      const { log, sleep } = sleeper(clock);
      const all = ["a", "b", "c", "d"].map((name) => sleep(name, 15));
      await pass(30);
      await Promise.all(all);
      expect(log).toEqual(["a", "b", "c", "d"]);
    });
    it("ends a sleep that was started by another one's end", async () => {
      const { clock, pass } = make();
      const startMs = clock.nowMs();
      const chain = clock.sleep(10).then(() => clock.sleep(10));
      await pass(25);
      await chain;
      expect(clock.nowMs() - startMs >= 19).toBe(true);
    });
    it("ends a sleep of no length soon", async () => {
      const { clock, pass } = make();
      const sleeps = [clock.sleep(0), clock.sleep(-5)];
      await pass(1);
      await Promise.all(sleeps);
    });
    it("refuses a sleep with an aborted signal", async () => {
      const { clock } = make();
      const cancel = cancelSource();
      cancel.abort("too late");
      expect(await rejectionOf(clock.sleep(1_000, cancel.signal))).toBe("too late");
      expect(await rejectionOf(clock.sleep(0, cancel.signal))).toBe("too late");
    });
    it("wakes a sleep whose signal aborts, with the reason", async () => {
      const { clock } = make();
      const cancel = cancelSource();
      const sleep = rejectionOf(clock.sleep(3_600_000, cancel.signal));
      cancel.abort("stop");
      expect(await sleep).toBe("stop");
    });
    it("wakes only the sleep whose signal aborts", async () => {
      const { clock, pass } = make();
      const { log, sleep } = sleeper(clock);
      const cancel = cancelSource();
      const others = [sleep("before", 10), sleep("after", 30)];
      const woken = rejectionOf(clock.sleep(20, cancel.signal));
      cancel.abort("stop");
      await pass(40);
      await Promise.all(others);
      expect(await woken).toBe("stop");
      expect(log).toEqual(["before", "after"]);
    });
    it("takes its listener off the signal when a sleep ends", async () => {
      const { clock, pass } = make();
      const cancel = cancelSource();
      const sleep = clock.sleep(5, cancel.signal);
      expect(cancel.listenerCount()).toBe(1);
      await pass(10);
      await sleep;
      expect(cancel.listenerCount()).toBe(0);
    });
    it("does not mind a signal that aborts after the sleep", async () => {
      const { clock, pass } = make();
      const cancel = cancelSource();
      const sleep = clock.sleep(5, cancel.signal);
      await pass(10);
      await sleep;
      cancel.abort("late");
      await pass(1);
    });
  });
}
