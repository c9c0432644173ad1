/**
 * A hundred thousand tipsets through two whole nodes: a miner that wins every round, and one that follows it by gossip,
 * both with their databases on disk and pruning on, in virtual time. Some blocks have messages, one proves a deadline
 * now and then. What grows is fitted over the second half, when all that is bounded is full: bytes for each tipset
 * of the live heap (after a collection), of the process and of the disk. Draws of the lottery are hashes and
 * the sector's bytes and proofs the simulator's: nothing of them stays anywhere. Ctrl-C ends it with what it has.
 */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createLongRun, type LongRun } from "@holdfast/node/testing";
import type { Bench, BenchOptions, Figure } from "../figure.ts";

const tipsets = { full: 100_000, quick: 4_000 } as const;
const samplesPerRun = 40;
/** A message in every tenth round, of fifty people in turn. */
const messageRounds = 10;
const people = 50;
const keepEpochs = 1_000;

interface Sample {
  readonly height: number;
  readonly heap: number;
  readonly rss: number;
  readonly outside: number;
  readonly disk: number;
  /** Of limits.ts: what is fullest, and how full it is. */
  readonly fullest: string;
}

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

async function bytesOf(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) total += await bytesOf(path);
    else total += (await stat(path).catch(() => undefined))?.size ?? 0;
  }
  return total;
}

async function sampleOf(run: LongRun, folder: string, collect: () => void): Promise<Sample> {
  for (let turn = 0; turn < 3; turn += 1) {
    collect();
    await new Promise((done) => setImmediate(done));
  }
  const { heapUsed, rss, external, arrayBuffers } = process.memoryUsage();
  const { node } = run.miner;
  const parts = node.held().filter(({ count }) => count > 0);
  const [most] = parts.toSorted((a, b) => b.count / b.most - a.count / a.most);
  return {
    height: node.chain.head().height,
    heap: heapUsed,
    rss,
    outside: external + arrayBuffers,
    disk: await bytesOf(folder),
    fullest: most === undefined ? "" : `${most.what} ${most.count} of ${most.most}`,
  };
}

/** Least squares: bytes for each tipset. */
function slopeOf(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const mean = (pick: (sample: Sample) => number): number =>
    samples.reduce((sum, one) => sum + pick(one), 0) / samples.length;
  const [x, y] = [mean(({ height }) => height), mean(of)];
  const above = samples.reduce((sum, one) => sum + (one.height - x) * (of(one) - y), 0);
  return above / samples.reduce((sum, one) => sum + (one.height - x) ** 2, 0);
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

async function soak(folder: string, { quick, say }: BenchOptions): Promise<readonly Figure[]> {
  const total = quick ? tipsets.quick : tipsets.full;
  const collect = collector();
  await using run = await createLongRun({
    seed: "soak",
    accounts: people,
    folder,
    cheapDraws: true,
    params: { finalityEpochs: 100 },
    pruning: { pruneEpochs: keepEpochs, quotaBytes: 0 },
  });
  const follower = await run.follow("follower");
  const samples: Sample[] = [];
  let sent = 0;
  let isOver = false;
  process.once("SIGINT", () => {
    isOver = true;
    say("ends after this part");
  });
  await run.rounds(100);
  samples.push(await sampleOf(run, folder, collect));
  const before = process.cpuUsage();
  for (let part = 0; part < samplesPerRun && !isOver; part += 1) {
    for (let done = 0; done < total / samplesPerRun; done += messageRounds) {
      await run.transfer(sent % people);
      sent += 1;
      await run.rounds(messageRounds);
    }
    const sample = await sampleOf(run, folder, collect);
    samples.push(sample);
    const { height, heap, rss, outside, disk, fullest } = sample;
    const { user, system } = process.cpuUsage(before);
    const cpu = (user + system) / 1e6;
    say(
      `${height} tipsets: heap ${mb(heap)}, outside ${mb(outside)}, process ${mb(rss)}, disk ${mb(disk)}, ` +
        `${cpu.toFixed(0)} s of processor, fullest: ${fullest}`,
    );
  }
  const { user, system } = process.cpuUsage(before);
  return figuresOf(samples, {
    cpuS: (user + system) / 1e6,
    tipsets: run.miner.node.chain.head().height,
    isFollowed: follower.node.chain.head().key === run.miner.node.chain.head().key,
  });
}

function figuresOf(
  samples: readonly Sample[],
  run: { readonly cpuS: number; readonly tipsets: number; readonly isFollowed: boolean },
): readonly Figure[] {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return [];
  const late = samples.slice(Math.floor(samples.length / 2));
  const count = `${run.tipsets.toLocaleString("en")} tipsets`;
  return [
    { name: "live heap, two nodes at rest", value: first.heap / 1e6, unit: "MB" },
    { name: `live heap after ${count}`, value: last.heap / 1e6, unit: "MB" },
    { name: "process, two nodes at rest", value: first.rss / 1e6, unit: "MB" },
    { name: `process after ${count}`, value: last.rss / 1e6, unit: "MB" },
    { name: "live heap grows, a tipset", value: slopeOf(late, ({ heap }) => heap), unit: "B" },
    {
      name: "buffers outside the heap grow, a tipset",
      value: slopeOf(late, ({ outside }) => outside),
      unit: "B",
    },
    { name: "process grows, a tipset", value: slopeOf(late, ({ rss }) => rss), unit: "B" },
    {
      name: "disk grows, a tipset of both nodes",
      value: slopeOf(late, ({ disk }) => disk),
      unit: "B",
      note: "headers, the short records of tipsets and their places in the chain are kept for ever",
    },
    { name: `disk after ${count}`, value: last.disk / 1e6, unit: "MB" },
    {
      name: "processor time, a tipset: mined, validated twice, pruned twice",
      value: (1000 * run.cpuS) / run.tipsets,
      unit: "ms",
      note: `${run.isFollowed ? "both nodes are on one head" : "the nodes do not agree"}; fullest: ${last.fullest}`,
    },
  ];
}

export const soakBench: Bench = {
  name: "soak",
  about:
    "tipsets through a miner and a follower, two whole nodes in one process, pruning on, in virtual time",
  onlyIfNamed: true,
  async run(options) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-soak-"));
    try {
      return await soak(folder, options);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
