/** The real clock under the suite of its seam. */
import { setTimeout as pause } from "node:timers/promises";
import { clockSuite } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { realClock } from "../src/clock.ts";

clockSuite({ describe, it, expect }, () => ({ clock: realClock(), pass: (ms) => pause(ms + 5) }));

describe("a shifted clock", () => {
  it("lies behind the machine's by what a stopped network stood still", () => {
    const offsetMs = -3_600_000;
    const before = Date.now();
    const shifted = realClock(offsetMs).nowMs();
    expect(shifted - offsetMs).toBeGreaterThanOrEqual(before);
    expect(shifted - offsetMs).toBeLessThanOrEqual(Date.now());
  });
});
