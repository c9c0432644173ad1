/** What a network costs while nobody asks anything: five nodes, a block a second, messages of three miners. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "../figure.ts";
import { type RunningUp, startUp, usageOf } from "../network.ts";
import { summary } from "../profile.ts";

/** Connections are made, asks are published, code is compiled. */
const settleMs = 10_000;
const profileWriteMs = 2_000;

async function profiled(network: RunningUp, path: string, forMs: number): Promise<string> {
  process.kill(network.pid, "SIGUSR2");
  await sleep(forMs);
  process.kill(network.pid, "SIGUSR2");
  await sleep(profileWriteMs);
  return await summary(path);
}

/** Threads that used anything, as a line for people. */
function threadsLine(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  tookMs: number,
): string {
  const shares = [...after]
    .map(([name, cpuMs]) => ({ name, share: (100 * (cpuMs - (before.get(name) ?? 0))) / tookMs }))
    .filter(({ share }) => share >= 0.05)
    .sort((a, b) => b.share - a.share);
  return shares.map(({ name, share }) => `${name} ${share.toFixed(1)} %`).join(", ");
}

export const idleBench: Bench = {
  name: "idle",
  about: "five nodes in one process with rounds of one second, while nobody asks anything",
  async run({ profile, quick, say }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
    await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
    const path = join(folder, "idle.cpuprofile");
    await using network = await startUp(profile ? { profile: path } : {});
    say("settling");
    await sleep(settleMs);
    const forMs = quick ? 10_000 : 30_000;
    const head = await network.client.call("chain.head", {});
    const [before, startedMs] = [usageOf(network.pid), performance.now()];
    await sleep(forMs);
    const [after, tookMs] = [usageOf(network.pid), performance.now() - startedMs];
    const rounds = (await network.client.call("chain.head", {})).height - head.height;
    if (profile) say(await profiled(network, path, forMs));
    const cpuMs = after.cpuMs - before.cpuMs;
    const threads = threadsLine(before.threads, after.threads, tookMs);
    return [
      {
        name: "processor",
        value: (100 * cpuMs) / tookMs,
        unit: "%",
        target: 5,
        note: [`of one core over ${Math.round(tookMs / 1000)} s and ${rounds} heights`, threads]
          .filter((part) => part !== "")
          .join("; "),
      },
      {
        name: "processor for a height",
        value: cpuMs / Math.max(1, rounds),
        unit: "ms",
        note: "all five nodes together",
      },
      { name: "memory", value: after.residentBytes / 1e6, unit: "MB", target: 500, note: "resident" },
    ];
  },
};
