/**
 * The simulator: whole hostile networks in virtual time, each from a seed, with the oracle that replays every tipset
 * and adds up all money. Events are what its history counts: every item on the wire and every effect on a disk.
 */
import { simulate } from "@holdfast/node/testing";
import type { Bench, Figure } from "../figure.ts";

/** One of each profile; the same seeds make the same networks everywhere. */
const profiles = ["calm", "network", "crash", "byzantine", "storm"] as const;
const seed = 4_711;
const hours = { full: 0.1, quick: 0.05 } as const;

export const simulatorBench: Bench = {
  name: "simulator",
  about: "whole networks of five nodes under faults, one process, one thread",
  async run({ quick, say }) {
    const figures: Figure[] = [];
    let [events, cpuS, virtualS, clockS] = [0, 0, 0, 0];
    // The first one loads the kernels.
    await simulate({ seed, nodes: 3, hours: 0.01, profile: "calm" });
    for (const profile of profiles) {
      const startedMs = performance.now();
      const before = process.cpuUsage();
      const report = await simulate({
        seed,
        nodes: 5,
        profile,
        hours: quick ? hours.quick : hours.full,
        proofs: "simulated",
      });
      const { user, system } = process.cpuUsage(before);
      const took = { cpuS: (user + system) / 1e6, clockS: (performance.now() - startedMs) / 1000 };
      if (report.violation !== undefined) throw new TypeError(`seed ${seed}: ${report.violation.invariant}`);
      say(`${profile}: ${report.events} events, ${report.tipsets} tipsets, height ${report.height}`);
      events += report.events;
      virtualS += report.virtualMs / 1000;
      cpuS += took.cpuS;
      clockS += took.clockS;
      figures.push(
        {
          name: `events, ${profile}`,
          value: report.events / took.cpuS,
          unit: "/s",
          byClock: report.events / took.clockS,
        },
        {
          name: `virtual over real time, ${profile}`,
          value: report.virtualMs / 1000 / took.cpuS,
          unit: "×",
          byClock: report.virtualMs / 1000 / took.clockS,
        },
      );
    }
    return [
      ...figures,
      { name: "events, all", value: events / cpuS, unit: "/s", byClock: events / clockS },
      { name: "virtual over real time, all", value: virtualS / cpuS, unit: "×", byClock: virtualS / clockS },
    ];
  },
};
