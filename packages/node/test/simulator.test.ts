/**
 * The simulator itself: a seed is a history, and seeds of every profile hold. The many seeds run beside the tests
 * (`npm run sim -- --seeds 200`).
 */
import { profiles, type SimEvent, simulate } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const hours = 0.1;

describe("a simulation", () => {
  it("is the same, event by event, for the same seed", async () => {
    const run = async () => {
      const events: SimEvent[] = [];
      const report = await simulate(
        { seed: 12, profile: "storm", hours },
        { onEvent: (event) => events.push(event) },
      );
      return { report, events };
    };
    const first = await run();
    const second = await run();
    expect(second.events).toEqual(first.events);
    expect(second.report.digest).toBe(first.report.digest);
    expect(first.report.events).toBeGreaterThan(1_000);
    const other = await simulate({ seed: 13, profile: "storm", hours });
    expect(other.digest).not.toBe(first.report.digest);
  });

  it("holds with idle space: filled, certified, lost, asked for and taken back", async () => {
    const seen = new Set<string>();
    const onEvent = ({ kind }: SimEvent): void => void seen.add(kind);
    const { violation } = await simulate({ seed: 1002, services: ["idle"], hours: 0.05 }, { onEvent });
    expect(violation).toBeUndefined();
    for (const step of ["counted", "idle files away", "missed", "counted again", "given back"])
      expect(seen).toContain(step);
    // A verifier that vouches for a miner without files is caught by what the chain looks at itself.
    for (const step of ["vouches for nothing", "struck off"]) expect(seen).toContain(step);
  });

  it("holds with pinning nodes: honest ones are paid and stay, liars and the silent are caught", async () => {
    const seen = new Set<string>();
    const onEvent = ({ kind }: SimEvent): void => void seen.add(kind);
    const { violation } = await simulate({ seed: 1041, hours: 0.05 }, { onEvent });
    expect(violation).toBeUndefined();
    for (const step of ["pinning", "confirmed", "lies", "caught", "answered", "dropped", "paid"])
      expect(seen).toContain(step);
    expect(seen).toContain("gone with its stake");
  });

  it("holds with workers: they die, stand still, lose their leases and disks, and no job is lost", async () => {
    const seen = new Set<string>();
    const onEvent = ({ kind }: SimEvent): void => void seen.add(kind);
    const { violation, counts } = await simulate({ seed: 1131, hours: 0.05 }, { onEvent });
    expect(violation).toBeUndefined();
    for (const step of [
      "job",
      "job done",
      "job fail",
      "pause",
      "drive away",
      "drive back",
      "engine in order",
    ])
      expect(seen).toContain(step);
    expect(counts.stored).toBe(counts.puts);
  });

  for (const profile of profiles) {
    it(`holds under the profile ${profile}`, async () => {
      const forged = new Set<unknown>();
      const onEvent = ({ kind, detail }: SimEvent): void => {
        if (kind === "forges") forged.add(detail.lie);
      };
      const { violation, height } = await simulate({ seed: 5, profile, hours }, { onEvent });
      expect(violation).toBeUndefined();
      expect(height).toBeGreaterThan(3);
      // Whatever a header can lie about, a villain of some minutes has lied about.
      if (profile === "byzantine") expect(forged.size).toBeGreaterThanOrEqual(15);
    });
  }
});
