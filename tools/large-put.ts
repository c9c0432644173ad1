/**
 * A folder of many files stored at one miner of a local network, while what happens in the life of a machine happens:
 * the worker process that seals is killed, another is started by hand, a disk is attached and takes what comes next.
 * Everything by the command line, as its owner would. Then a range and the whole folder are read back on another node
 * and compared, no job may have failed for good, the disks have to hold what is recorded, and the money is exact.
 *
 *     node tools/large-put.ts [--size 64MiB] [--files 600] [--sector 8MiB] [--minutes 30]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { createReadStream, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type ApiClient, createClient } from "@holdfast/api";
import { assert, parseBytes } from "@holdfast/base";
import { z } from "zod";
import { program, type RunningUp, startUp, usageOf } from "../bench/network.ts";

const { values: asked } = parseArgs({
  options: {
    size: { type: "string", default: "64MiB" },
    files: { type: "string", default: "600" },
    sector: { type: "string", default: "8MiB" },
    minutes: { type: "string", default: "30" },
  },
});
const sizeBytes = parseBytes(asked.size);
const limit = AbortSignal.timeout(Number(asked.minutes) * 60_000);

/** Small files go into folders of so many; what they leave of the size is in a few large ones. */
const perFolder = 1_000;
const mostSmallBytes = 2_048;
const mostLargeBytes = 128 * 2 ** 20;
const lookMs = 200;

const startedMs = performance.now();
function say(what: string): void {
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${what}`);
}

/** Digests by path. */
type Folder = ReadonlyMap<string, string>;

async function makeFolder(root: string): Promise<Folder> {
  const made = new Map<string, string>();
  const write = async (path: string, bytes: Uint8Array) => {
    made.set(path, createHash("sha256").update(bytes).digest("hex"));
    await writeFile(join(root, path), bytes);
  };
  let leftBytes: number = sizeBytes;
  for (let at = 0; at < Number(asked.files); at += 1) {
    const folder = `small-${Math.floor(at / perFolder)}`;
    await mkdir(join(root, folder), { recursive: true });
    const bytes = randomBytes(randomInt(mostSmallBytes));
    await write(join(folder, `${at}`), bytes);
    leftBytes -= bytes.length;
  }
  for (let at = 0; leftBytes > 0; at += 1) {
    const bytes = randomBytes(Math.min(leftBytes, mostLargeBytes, Math.ceil(sizeBytes / 4)));
    await write(`large-${at}`, bytes);
    leftBytes -= bytes.length;
  }
  return made;
}

async function digestOf(path: string, range?: { readonly start: number; readonly end: number }) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, range)) hash.update(chunk);
  return hash.digest("hex");
}

async function readFolder(root: string): Promise<Folder> {
  const found = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(relative(root, path), await digestOf(path));
  }
  return found;
}

function checkEqual(found: Folder, wanted: Folder): void {
  const wrong = [...wanted].find(([path, digest]) => found.get(path) !== digest);
  assert(wrong === undefined, `${wrong?.[0]} has come back as it was`);
  assert(found.size === wanted.size, `${wanted.size} files, ${found.size} have come back`);
}

/** The command line, as somebody at this machine uses it. */
class Owner implements AsyncDisposable {
  readonly #up: RunningUp;
  readonly #alive = new Set<ChildProcess>();

  constructor(up: RunningUp) {
    this.#up = up;
  }

  start(...args: readonly string[]): ChildProcess & { readonly output: Promise<string> } {
    const child = spawn(process.execPath, [program, ...args, "--json"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, HOME: this.#up.home },
      signal: limit,
    });
    child.on("error", () => undefined); // of the limit: whoever waits is told
    this.#alive.add(child);
    child.once("exit", () => this.#alive.delete(child));
    return Object.assign(child, { output: text(child.stdout) });
  }

  /** What it prints. Throws if it does not end well. */
  async run(...args: readonly string[]): Promise<string> {
    const child = this.start(...args);
    const [[code], said] = await Promise.all([once(child, "exit"), child.output]);
    limit.throwIfAborted();
    assert(code === 0, `holdfast ${args.join(" ")} ends well`);
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#alive].map(async (child) => {
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }),
    );
  }
}

interface Sealing {
  readonly miner: string;
  readonly api: ApiClient;
  readonly jobId: number;
  readonly pid: number;
}

/** The first seal that a worker process of a miner has in its hands. */
async function firstSeal({ nodes, pid }: RunningUp): Promise<Sealing> {
  for (;;) {
    for (const { name, role, api: url, token } of nodes) {
      if (role !== "miner") continue;
      const api = createClient({ url, token });
      const { jobs } = await api.call("jobs.ls", { states: ["running"], kinds: ["seal"] });
      const { workers } = await api.call("jobs.workers", {});
      for (const { jobId, workerId } of jobs) {
        const place = workers.find((worker) => worker.workerId === workerId)?.place;
        const found = Number(place?.split(" ").at(-1));
        if (place !== undefined && found !== pid) return { miner: name, api, jobId, pid: found };
      }
    }
    await pause(lookMs, undefined, { signal: limit });
  }
}

/** Kills the worker process that has the first seal in its hands; another, if that one was through with it. */
async function killedWhileSealing(up: RunningUp): Promise<Sealing> {
  for (;;) {
    const sealing = await firstSeal(up);
    process.kill(sealing.pid, "SIGKILL");
    const { state } = await sealing.api.call("jobs.show", { jobId: sealing.jobId });
    if (state !== "done") return sealing;
  }
}

/** No job was given up; the killed one was done by another; whoever was started by hand has done some. */
async function checkJobs({ api, jobId }: Sealing, workerId: string): Promise<void> {
  const { counts } = await api.call("jobs.ls", {});
  assert(!counts.some(({ state, count }) => state === "failed" && count > 0), "no job has failed for good");
  const killed = await api.call("jobs.show", { jobId });
  assert(killed.state === "done" && killed.claims > 1, "what the killed worker had is done by another");
  let byHand = 0;
  for (let beforeId: number | undefined, more = true; more; ) {
    const page = await api.call("jobs.ls", { limit: 100, ...(beforeId === undefined ? {} : { beforeId }) });
    byHand += page.jobs.filter((job) => job.workerId === workerId && job.state === "done").length;
    more = page.more;
    beforeId = page.jobs.at(-1)?.jobId;
  }
  assert(byHand > 0, "the worker that was started by hand has done something");
  const seals = counts.find(({ kind, state }) => kind === "seal" && state === "done")?.count ?? 0;
  say(`${seals} sectors sealed, ${byHand} jobs by the worker that was started by hand`);
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Each volume holds what is recorded and nothing else. */
async function checkVolumes({ api }: Sealing, disk: string): Promise<void> {
  await api.call("storage.clean", {});
  const { volumes } = await api.call("storage.ls", { check: true });
  for (const { place, recorded, found } of volumes) {
    const sorted = (list: typeof recorded) =>
      JSON.stringify(list.toSorted((a, b) => a.owner.localeCompare(b.owner)));
    assert(sorted(found ?? []) === sorted(recorded), `${place} holds what is recorded`);
    const bytes = recorded.reduce((sum, one) => sum + one.sizeBytes, 0);
    const owners = recorded.map((one) => `${one.owner} ${mebibytes(one.sizeBytes)}`);
    say(`${place} holds ${mebibytes(bytes)} as recorded: ${owners.join(", ")}`);
    assert(!place.includes(disk) || bytes > 0, "the disk that was attached has taken sectors");
  }
}

function memory(pid: number): string {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  const [now, most] = [usageOf(pid).residentBytes, Number(peak ?? 0) * 1024];
  return `${(now / 1e6).toFixed(0)} MB, ${(most / 1e6).toFixed(0)} MB at most`;
}

/** The last of several lines of JSON. */
const lastLine = (said: string): unknown => JSON.parse(said.trim().split("\n").at(-1) ?? "");
const putView = z.object({ cid: z.string() });

async function main(root: string): Promise<void> {
  const folder = join(root, "folder");
  await mkdir(folder);
  const made = await makeFolder(folder);
  say(`${made.size} files, ${asked.size}`);
  const args = ["--sector", asked.sector, "--miners", "2", "--workers", "1"];
  await using up = await startUp({ args });
  await using owner = new Owner(up);
  say(`four nodes in one process: ${memory(up.pid)}`);

  const putMs = performance.now();
  const put = owner.run("put", folder, "--copies", "1", "--for", "2h");
  put.catch(() => undefined); // heard below
  const sealing = await Promise.race([killedWhileSealing(up), put.then(() => undefined)]);
  assert(sealing !== undefined, "the put seals something");
  say(`${sealing.miner} seals; its worker process ${sealing.pid} was killed`);
  const byHand = owner.start("worker", "--repo", join(up.state, sealing.miner));
  const [first] = await once(byHand.stdout ?? process.stdin, "data", { signal: limit });
  const { workerId } = z
    .object({ workerId: z.string() })
    .parse(JSON.parse(String(first).split("\n")[0] ?? ""));
  const disk = join(root, "disk");
  await mkdir(disk);
  await owner.run("storage", "attach", disk, "--for", "seal,store", "--node", sealing.miner);
  say("another worker is started and a disk attached");

  const { cid } = putView.parse(lastLine(await put));
  const seconds = (performance.now() - putMs) / 1000;
  say(
    `stored, proven and read back in ${seconds.toFixed(0)} s: ${(sizeBytes / 1e6 / seconds).toFixed(2)} MB/s`,
  );
  say(`four nodes in one process: ${memory(up.pid)}`);
  // To the same miner, whose new sectors lie where the most room is.
  for (const { name, role } of up.nodes) {
    if (role === "miner" && name !== sealing.miner)
      await owner.run("deal", "policy", "--deals", "closed", "--node", name);
  }
  const later = join(root, "later");
  await writeFile(later, randomBytes(Math.floor(parseBytes(asked.sector) * 0.9)));
  await owner.run("put", later, "--copies", "1", "--for", "2h");
  say("another file is stored");

  const range = { start: 1_000, end: 3_000_000 };
  const part = join(root, "part");
  const bounds = `${range.start}-${range.end}`;
  await owner.run("get", `${cid}/large-0`, "--range", bounds, "-o", part, "--node", "bootstrap");
  assert(
    (await digestOf(part)) === (await digestOf(join(folder, "large-0"), range)),
    "the range is as it was",
  );
  const getMs = performance.now();
  await owner.run("get", cid, "-o", join(root, "back"), "--node", "bootstrap");
  const getS = (performance.now() - getMs) / 1000;
  checkEqual(await readFolder(join(root, "back")), made);
  say(`read back on another node in ${getS.toFixed(0)} s: ${(sizeBytes / 1e6 / getS).toFixed(2)} MB/s`);

  await checkJobs(sealing, workerId);
  await checkVolumes(sealing, disk);
  assert((await up.client.call("chain.money", {})).exact, "the money is exact");
  say(`four nodes in one process: ${memory(up.pid)}`);
}

const root = await mkdtemp(join(tmpdir(), "holdfast-large-put-"));
try {
  await main(root);
  say("everything as it should be");
} finally {
  await rm(root, { recursive: true, force: true });
}
