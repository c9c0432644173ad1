/**
 * A put survives what operators fear: its client, its miner, both, the miner's whole machine, its worker process and
 * the command are killed without warning, at each step of a deal as either side sees it. Each put ends done and paid
 * for once, and what the client has spent is, to the last attoFIL, what its messages on the chain say. Real processes,
 * sockets and disks; several puts beside each other, so that each death meets the others in yet another step.
 *
 * CI draws some of the moments from the seed; HOLDFAST_KILLS=all goes through all of them (minutes), =miner,machine
 * through all at which one of these dies, =show tells what was met.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseFil } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { type Daemon, spawnHoldfast } from "./daemons.ts";
import {
  clientSteps,
  KillNetwork,
  type Moment,
  moments,
  type Put,
  type PutView,
  quietly,
  rankOf,
  workerJobs,
} from "./kill-network.ts";

const forMs = 3_600_000;
const finishMs = 240_000;
const testMs = 1_800_000;
/** Puts beside each other. */
const together = 4;
/** Times that a moment is tried again which a put was through before anybody could look. */
const mostTries = 4;

const { HOLDFAST_KILLS: wanted = "" } = process.env;
const victims = new Set(wanted.split(","));
/** Those that are gone through one by one. */
const chosen = moments.filter(({ victim }) => wanted === "all" || victims.has(victim));
const isAll = chosen.length > 0;
const seed = process.env.HOLDFAST_SEED ?? randomBytes(8).toString("hex");

interface Stored extends Put {
  readonly digest: string;
}

describe("kill -9", () => {
  it(`at the steps of a deal loses no put, no payment and no sector (seed ${seed})`, {
    timeout: testMs,
  }, async () => {
    const random = new SeededRandom(seed);
    await using stack = new AsyncDisposableStack();
    const state = await mkdtemp(join(tmpdir(), "holdfast-kill-"));
    stack.defer(() => rm(state, { recursive: true, force: true }));
    const network = stack.use(await KillNetwork.create(state, isAll));
    const before = await balanceOf(network.client);
    const stored: Stored[] = [];
    try {
      if (isAll) stored.push(...(await killAtAll(network, random)));
      else {
        const [byHand, others] = await Promise.all([
          putByCommand(network, random, state),
          killAlong(network, random, sampleOf(random)),
        ]);
        stored.push(...others, byHand);
      }
      for (const put of stored) await expectDone(network, put);
      await expectMoney(network, stored, before);
      await expectWhole(network, stored);
    } catch (error) {
      throw new Error(`${killsOf(network)}\n${await wordsOf(network, stored)}`, { cause: error });
    }
    if (wanted !== "") console.log(killsOf(network));
  });
});

/** For each of four puts the moments at which somebody dies. */
function sampleOf(random: SeededRandom): readonly (readonly Moment[])[] {
  const some = (count: number, of: (moment: Moment) => boolean): Moment[] =>
    random
      .shuffle(moments.filter(of))
      .slice(0, count)
      .toSorted((a, b) => rankOf(a) - rankOf(b));
  return [
    some(2, ({ victim }) => victim === "client"),
    some(2, ({ victim }) => victim === "miner" || victim === "machine"),
    some(1, ({ victim }) => victim === "both"),
    some(workerJobs.length, ({ victim }) => victim === "worker"),
  ];
}

/** All moments, each until it was met in its very step. */
async function killAtAll(network: KillNetwork, random: SeededRandom): Promise<Stored[]> {
  const stored: Stored[] = [];
  const isMet = (moment: Moment): boolean =>
    network.kills.some((kill) => kill.moment === moment && kill.seen === moment.at);
  for (let tries = 0; tries < mostTries; tries += 1) {
    const left = random.shuffle(chosen.filter((moment) => !isMet(moment)));
    while (left.length > 0) {
      const next = left.splice(0, together).map((moment) => [moment]);
      stored.push(...(await killAlong(network, random, next)));
    }
  }
  // What lasts for rounds is met for certain; the rest is shorter than a look at it.
  const long = new Set<string>(["funded", "sealed", "committed", "proven", "staged", "sealing"]);
  expect(chosen.filter((moment) => long.has(moment.at) && !isMet(moment))).toEqual([]);
  return stored;
}

/** As many puts at once, during each of which somebody dies at these moments. */
async function killAlong(
  network: KillNetwork,
  random: SeededRandom,
  plans: readonly (readonly Moment[])[],
): Promise<Stored[]> {
  const puts = await Promise.all(plans.map(() => startPut(network.client, random)));
  await Promise.all(
    puts.map(async (put, index) => {
      for (const moment of plans[index] ?? []) {
        await network.killAt(put, moment);
        // What the client has acknowledged it still knows.
        const view = await quietly(network.client, (client) => client.call("put.show", { jobId: put.jobId }));
        if (view !== undefined) expect(view.cid).toBe(put.cid);
      }
    }),
  );
  return puts;
}

const smallestBytes = 3_000;
/** Of a put in up to three sectors. */
const largestBytes = 40_000;

async function startPut({ client }: Daemon, random: SeededRandom): Promise<Stored> {
  const bytes = random.bytes(smallestBytes + random.below(largestBytes - smallestBytes));
  const { cid } = await client.importFile(oneChunk(bytes));
  const { jobId } = await client.call("put.start", { cid, copies: 1, forMs });
  return { cid, digest: createHash("sha256").update(bytes).digest("hex"), jobId };
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** What a person types, who does it again after each death: with a key one put comes of it, also when it is over. */
async function putByCommand(network: KillNetwork, random: SeededRandom, folder: string): Promise<Stored> {
  const bytes = random.bytes(largestBytes);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const path = join(folder, "letter");
  await writeFile(path, bytes);
  await dieInUpload(network, random);
  const dieAt = clientSteps.indexOf(random.pick(clientSteps));
  let found: Put | undefined;
  let hasDied = false;
  for (let runs = 0; runs < mostRuns; runs += 1) {
    const child = spawnHoldfast(["put", path, "--key", "letter", ...putOptions(network)]);
    child.stdin?.end();
    child.stderr?.resume();
    const ended = once(child, "exit");
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      const view: Partial<PutView> = JSON.parse(line);
      if (view.jobId !== undefined && view.cid !== undefined) {
        expect(view.jobId).toBe(found?.jobId ?? view.jobId);
        found = { jobId: view.jobId, cid: view.cid };
      }
      if (hasDied || clientSteps.indexOf(view.copies?.[0]?.step ?? "") < dieAt) continue;
      hasDied = true;
      child.kill("SIGKILL");
    }
    const [code] = await ended;
    if (code === 0 && found !== undefined) return { ...found, digest };
    do await pause(againMs);
    while (!network.client.isRunning);
  }
  throw new TypeError(`the command did not come to its end in ${mostRuns} runs`);
}

/** Runs of one command, some of which meet a node that dies. */
const mostRuns = 40;
const againMs = 500;
const putOptions = ({ client }: KillNetwork): string[] => [
  ...["--copies", "1", "--for", "1h", "--repo", client.repo, "--json"],
];

/** More than a pipe holds, so that the node has some of it. */
const uploadBytes = 2 ** 20;

/** Of half a file nothing is kept and nothing is paid. */
async function dieInUpload(network: KillNetwork, random: SeededRandom): Promise<void> {
  const child = spawnHoldfast(["put", "-", "--name", "half", ...putOptions(network)]);
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = once(child, "exit");
  const { promise: taken, resolve } = Promise.withResolvers<void>();
  child.stdin?.on("error", () => resolve()); // its node was killed first
  child.stdin?.write(random.bytes(uploadBytes), () => resolve());
  await Promise.race([taken, ended]);
  child.kill("SIGKILL");
  await ended;
}

async function expectDone(network: KillNetwork, { jobId, cid }: Put): Promise<void> {
  const { client } = network.client;
  let last = await client.call("put.show", { jobId });
  for await (const view of client.stream("put.watch", { jobId }, AbortSignal.timeout(finishMs))) last = view;
  expect(last.state, JSON.stringify(last.copies)).toBe("done");
  expect(last.cid).toBe(cid);
}

/** Each put paid once, and the client poorer by what its messages on the chain say and nothing else. */
async function expectMoney(network: KillNetwork, stored: readonly Put[], before: bigint): Promise<void> {
  const { client } = network.client;
  expect((await client.call("chain.money", {})).exact).toBe(true);
  const after = await balanceOf(network.client);
  const sent = await sentBy(network.client);
  const taken = sent.filter(({ exitCode }) => exitCode === 0);
  const spent = sent.reduce(
    (sum, { gas }) => sum + gas,
    taken.reduce((sum, { value }) => sum + value, 0n),
  );
  expect(before - after).toBe(spent);
  const count = (method: string): number => taken.filter((one) => one.method === method).length;
  expect([count("createChannel"), count("addBalance")]).toEqual([stored.length, stored.length]);
  const channels = await client.call("channel.ls", {});
  const deals = await client.call("deal.ls", { role: "client", limit: 1000 });
  expect(deals.map(({ payload }) => payload).toSorted()).toEqual(stored.map(({ cid }) => cid).toSorted());
  for (const { channelId, totalFil } of deals) {
    expect(channels.find(({ channel }) => channel === channelId)).toMatchObject({ depositFil: totalFil });
  }
}

async function balanceOf({ client }: Daemon): Promise<bigint> {
  const { balanceFil } = await client.call("node.status", {});
  return parseFil(balanceFil ?? "0");
}

interface Sent {
  readonly method: string;
  readonly value: bigint;
  readonly gas: bigint;
  readonly exitCode: number;
}

/** Messages of the client in blocks, with what each has cost. */
async function sentBy({ client }: Daemon): Promise<readonly Sent[]> {
  const { defaultAddress } = await client.call("node.status", {});
  const found = new Map<string, Sent>();
  for (let from: number | undefined; ; ) {
    const page = await client.call("chain.ls", { limit: 1000, ...(from === undefined ? {} : { from }) });
    for (const { cids } of page.filter(({ messages }) => messages > 0)) {
      const blocks = await Promise.all(cids.map((cid) => client.call("chain.show", { cid })));
      for (const message of blocks.flatMap(({ messages }) => messages)) {
        if (message.from !== defaultAddress || found.has(message.cid)) continue;
        const { receipt } = await client.call("message.show", { cid: message.cid });
        const { exitCode, gasUsed } = receipt ?? { exitCode: -1, gasUsed: 0 };
        const gas = parseFil(message.gasPriceFil) * BigInt(gasUsed);
        const { method, valueFil } = message;
        found.set(message.cid, { method, value: parseFil(valueFil), gas, exitCode });
      }
    }
    const last = page.at(-1)?.height ?? 0;
    if (last === 0) return [...found.values()];
    from = last - 1;
  }
}

/** Deals, sectors, jobs and files are as if nobody had died, and the miner alone gives every file back. */
async function expectWhole(network: KillNetwork, stored: readonly Stored[]): Promise<void> {
  const { miner, client, witness } = network;
  const deals = await miner.client.call("deal.ls", { role: "miner", limit: 1000 });
  expect(deals.map(({ payload }) => payload).toSorted()).toEqual(stored.map(({ cid }) => cid).toSorted());
  expect(deals.filter(({ state }) => state !== "active")).toEqual([]);
  const { jobs } = await miner.client.call("jobs.ls", { states: ["failed"] });
  expect(jobs).toEqual([]);
  await client.kill();
  for (const { cid, digest } of stored) {
    const hash = createHash("sha256");
    const file = await witness.client.openFile(cid, { offsetBytes: 0 }, AbortSignal.timeout(finishMs));
    for await (const chunk of file.bytes) hash.update(chunk);
    expect(hash.digest("hex")).toBe(digest);
  }
}

function killsOf({ kills }: KillNetwork): string {
  const lines = kills.map(({ moment: { victim, at }, seen, atMs, backMs }) => {
    return `${victim} killed in ${at}, seen in ${seen}, at ${atMs} ms, back after ${backMs} ms`;
  });
  return [`seed ${seed}`, ...lines].join("\n");
}

/** For who looks for the reason of a failure. */
async function wordsOf(network: KillNetwork, stored: readonly Put[]): Promise<string> {
  const { client, miner, witness } = network;
  const whys = await Promise.all(
    stored.map(({ jobId }) => quietly(client, (node) => node.call("why", { subject: jobId }))),
  );
  return [JSON.stringify(whys, undefined, 1), client.errors, miner.errors, witness.errors].join("\n");
}
