/** How long a newcomer waits: from the command to a network of five nodes whose APIs answer. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, Figure } from "../figure.ts";
import { median } from "../measure.ts";
import { startUp, usageOf } from "../network.ts";

interface Start {
  readonly wallMs: number;
  readonly readyMs: number;
  readonly cpuMs: number;
}

async function start(compileCache: string): Promise<Start> {
  await using network = await startUp({ compileCache });
  const { wallMs, readyMs, pid } = network;
  return { wallMs, readyMs, cpuMs: usageOf(pid).cpuMs };
}

function bareNodeMs(): number {
  const startedMs = performance.now();
  execFileSync(process.execPath, ["-e", ""]);
  return performance.now() - startedMs;
}

export const startBench: Bench = {
  name: "start",
  about: "`holdfast up` as a child process, from its start to its ready line",
  async run({ quick, say }) {
    const compileCache = await mkdtemp(join(tmpdir(), "holdfast-bench-cache-"));
    await using _cache = { [Symbol.asyncDispose]: () => rm(compileCache, { recursive: true, force: true }) };
    const first = await start(compileCache);
    const runs: Start[] = [];
    for (let count = quick ? 2 : 5; count > 0; count -= 1) {
      runs.push(await start(compileCache));
      say(`ready after ${Math.round(runs.at(-1)?.wallMs ?? 0)} ms`);
    }
    const nodeMs = median([1, 2, 3].map(bareNodeMs));
    const of = (pick: (one: Start) => number): number => median(runs.map(pick)) / 1000;
    const bound = { name: "starting Node alone", value: nodeMs / 1000 };
    const figures: Figure[] = [
      { name: "start to ready", value: of(({ wallMs }) => wallMs), unit: "s", target: 5, bound },
      { name: "the very first start", value: first.wallMs / 1000, unit: "s", target: 5 },
      { name: "of it the network", value: of(({ readyMs }) => readyMs), unit: "s" },
      { name: "processor time", value: of(({ cpuMs }) => cpuMs), unit: "s" },
    ];
    return figures;
  },
};
