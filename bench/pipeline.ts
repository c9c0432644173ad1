/**
 * A pipeline in the table: a whole piece of work over four sizes, each in a process of its own, so that its
 * processor time counts all its threads and its peak of memory is its own. How its cost grows is fitted over the
 * sizes. To add one: a `Pipeline` in `bench/pipelines/`.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type KernelBackend, kernelsVariable } from "@holdfast/proofs/kernels";
import { z } from "zod";
import type { BenchCrew } from "./crew.ts";
import type { Compared, Figure } from "./figure.ts";
import { growthOf } from "./measure.ts";

export interface Pipeline {
  readonly name: string;
  /** What a size counts. */
  readonly of: "bytes" | "constraints";
  /** Four, from the smallest; what takes longest stays within some ten seconds. */
  readonly sizes: readonly number[];
  /** Up to which size the slower back ends take part; none if left out. */
  readonly slowUpTo?: number;
  /** What the programs in other languages call this work at a size, seconds of processor time in one thread. */
  readonly foreign?: (size: number) => string;
  /** Threads; as many as there are processors if left out. */
  readonly workers?: number;
  /** Makes ready, untimed, and gives the work: every call of it does the whole. */
  readonly prepare: (size: number, crew: BenchCrew) => Promise<() => unknown>;
  readonly note?: string;
}

const outcome = z.object({
  clockS: z.number(),
  spread: z.number().optional(),
  cpuS: z.number(),
  peakMB: z.number(),
});
export type Outcome = z.output<typeof outcome>;

const program = fileURLToPath(new URL("./pipeline-process.ts", import.meta.url));
const limitMs = 240_000;

/** One size by one back end, in a process of its own; undefined, with a word why, if that fails. */
async function outcomeOf(
  { name }: Pipeline,
  size: number,
  backend: KernelBackend,
  say: (text: string) => void,
): Promise<Outcome | undefined> {
  const env = { ...process.env, [kernelsVariable]: backend };
  const child = spawn(process.execPath, [program, name, String(size)], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
  });
  let [text, complaint] = ["", ""];
  child.stderr.on("data", (part) => {
    complaint += String(part);
  });
  for await (const part of child.stdout) text += String(part);
  try {
    return outcome.parse(JSON.parse(text));
  } catch {
    say(`${name} ${size} by ${backend} failed: ${complaint.trim().split("\n").at(-1) ?? ""}`);
    return undefined;
  }
}

export function sizeText(size: number, of: Pipeline["of"]): string {
  if (of === "constraints") return `2^${Math.log2(size)} constraints`;
  return size >= 2 ** 20 ? `${size / 2 ** 20} MiB` : `${size / 2 ** 10} KiB`;
}

function figureOf(pipeline: Pipeline, size: number, by: string, found: Outcome): Figure {
  const { clockS, cpuS, spread, peakMB } = found;
  const name = `${pipeline.name}, ${sizeText(size, pipeline.of)}`;
  return { name, by, value: clockS, unit: "s", cpuS, peakMB, ...(spread === undefined ? {} : { spread }) };
}

/** Every size by every back end that takes part; `peerOf` names who did the same, in seconds of processor time. */
export async function pipelineFigures(
  pipeline: Pipeline,
  backends: readonly KernelBackend[],
  quick: boolean,
  peerOf: (work: string) => Compared | undefined,
  say: (text: string) => void,
): Promise<readonly Figure[]> {
  const { sizes, slowUpTo = 0, foreign, note } = pipeline;
  const figures: Figure[] = [];
  for (const backend of backends) {
    const best = backend === backends[0];
    const measured = sizes.slice(0, quick ? 2 : sizes.length).filter((size) => best || size <= slowUpTo);
    const own: Figure[] = [];
    for (const size of measured) {
      say(`${pipeline.name}, ${sizeText(size, pipeline.of)}, ${backend}`);
      const found = await outcomeOf(pipeline, size, backend, say);
      if (found === undefined) continue;
      const peer = foreign && peerOf(foreign(size));
      own.push({ ...figureOf(pipeline, size, backend, found), ...(peer === undefined ? {} : { peer }) });
    }
    const costs = own.map(({ cpuS = 0 }, i) => ({ size: measured[i] ?? 0, cost: cpuS }));
    const complete = own.length === measured.length && own.length > 2;
    figures.push(...own.map((one) => (complete ? { ...one, growth: growthOf(costs) } : one)));
  }
  const byName = sizes.flatMap((size) =>
    figures.filter(({ name }) => name === `${pipeline.name}, ${sizeText(size, pipeline.of)}`),
  );
  return byName.map((one, i) => (i === 0 && note !== undefined ? { ...one, note } : one));
}
