/**
 * One pipeline at one size in this process: `node bench/pipeline-process.ts NAME SIZE` prints seconds by the clock
 * and of the processor, and the largest that the process was. Short work is repeated.
 */
import { availableParallelism } from "node:os";
import { assert } from "@holdfast/base";
import { installNativeKernels } from "@holdfast/node";
import { benchCrew } from "./crew.ts";
import { median, spreadOf } from "./measure.ts";
import type { Outcome } from "./pipeline.ts";
import { pipelines } from "./pipelines/index.ts";

/** Runs until they took so long together, or there are so many. */
const enoughS = 1;
const enoughRuns = 5;

async function measure(work: () => unknown): Promise<Outcome> {
  const clock: number[] = [];
  const cpu: number[] = [];
  do {
    const [startedMs, before] = [performance.now(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(before);
    clock.push((performance.now() - startedMs) / 1000);
    cpu.push((user + system) / 1e6);
  } while (clock.length < enoughRuns && clock.reduce((sum, one) => sum + one, 0) < enoughS);
  const peakMB = (process.resourceUsage().maxRSS * 1024) / 1e6;
  const spread = clock.length > 1 ? { spread: spreadOf(clock) } : {};
  return { clockS: median(clock), ...spread, cpuS: median(cpu), peakMB };
}

const [name, size] = process.argv.slice(2);
const pipeline = pipelines.find((one) => one.name === name);
assert(pipeline !== undefined, "the pipeline is one of the list");
await installNativeKernels();
await using crew = await benchCrew(pipeline.workers ?? availableParallelism());
crew.install();
console.log(JSON.stringify(await measure(await pipeline.prepare(Number(size), crew))));
