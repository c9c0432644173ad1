/**
 * The engine that seals for a miner, as a daemon has it: sectors full of data on a disk, the queue in its file, worker
 * processes that take from it, records of every step. From the moment when all sectors are closed until the proof of
 * the last one lies on the disk; what the workers need once, to start, is over by then. Beside it stands what the
 * kernels inside of the workers took: kernels alone, on all threads of the machine and with nothing between them, would
 * be the limit. The chain is left out: ticket and seed are there when they are wanted.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { assert, seedAddress, silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { installNativeKernels } from "@holdfast/node";
import { commP, type SectorProfile, sectorProfile, vanillaClass } from "@holdfast/proofs";
import { createSealingPool, openNodeDisk, openStorage, type Storage } from "@holdfast/storage";
import { realClock, realRandom } from "../../packages/node/src/clock.ts";
import { type JobEngine, openJobEngine } from "../../packages/node/src/job-engine.ts";
import { openRepoJobs } from "../../packages/node/src/repo-jobs.ts";
import { type Bench, type Figure, isChosen } from "../figure.ts";
import { kernelClockEnv, kernelSeconds } from "../kernel-clock.ts";
import { usageOf } from "../network.ts";
import { sealKinds } from "../pipelines/seal.ts";

const miner = seedAddress(1, "bench");
const seal = { networkId: new SeededRandom("network").bytes(32), miner };
const ticket = { epoch: 5, bytes: new SeededRandom("ticket").bytes(32) };
const seed = new SeededRandom("seed").bytes(32);
const wantedPercent = 5;
const clock = realClock();
const workerSetup = new URL("../../packages/node/src/worker-kernels.ts", import.meta.url).href;

interface Case {
  readonly name: string;
  readonly profile: SectorProfile;
  /** What the workers seal to become warm. */
  readonly small: SectorProfile;
  readonly processes: number;
  readonly sectors: number;
}

const wordsOf = (processes: number): string =>
  processes === 1 ? "one worker process" : `${processes} worker processes`;

/** Small sectors in both ways, and the smallest that are for value, where what each sector costs once is little. */
function casesOf(quick: boolean): readonly Case[] {
  const small = sealKinds.flatMap(({ name, profile }) =>
    [1, 2].map((processes) => ({
      ...{ name: `${name}, ${wordsOf(processes)}`, profile, small: profile, processes },
      sectors: quick ? 4 : 20,
    })),
  );
  const [{ profile: warm } = { profile: sectorProfile(8 * 2 ** 20) }] = sealKinds;
  const large = {
    ...{ name: `seal by ZigZag, 256 MiB, ${wordsOf(2)}`, profile: sectorProfile(2 ** 28), small: warm },
    ...{ processes: 2, sectors: 2 },
  };
  return quick ? small : [...small, large];
}

interface Life extends AsyncDisposable {
  readonly engine: JobEngine;
  readonly storage: Storage;
}

/** A miner's storage with its engine. */
async function live(repo: string, { profile, small, processes }: Case): Promise<Life> {
  mkdirSync(repo);
  writeFileSync(join(repo, "config.toml"), `[mining]\nminer = "${miner}"\n`);
  await using stack = new AsyncDisposableStack();
  const queue = stack.use(await openRepoJobs(repo, "", clock));
  const pool = stack.use(createSealingPool({ threads: 1, setup: workerSetup }));
  const engine = stack.use(
    await openJobEngine({
      ...{ queue, miner, pool, processes, repo, clock, database: "", parallel: 1 },
      ...{ dials: { parallel: {}, urgentCpus: 1, memoryBytes: 2 ** 32 }, random: realRandom },
      logger: silentLogger,
    }),
  );
  const storage = stack.use(
    await openStorage({
      ...{ sectorBytes: profile.sectorBytes, clock, prover: engine.prover },
      classes: [...new Set([profile, small])].map((one) => vanillaClass(one)),
      ...{ disk: openNodeDisk(join(repo, "sectors")), dbPath: join(repo, "storage.db") },
    }),
  );
  await engine.reconcile(storage);
  const held = stack.move();
  return { engine, storage, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Sectors full of data, closed. */
async function closed(storage: Storage, name: string, count: number): Promise<readonly number[]> {
  const userBytes = storage.maxUserBytesPerStagedSector();
  const source = new SeededRandom("data").bytes(userBytes);
  const piece = commP(source);
  const sectorIds: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const { paddedBytes, commitment } = piece;
    const pieceKey = `${name}/${at}`;
    const stored = await storage.addPiece({ pieceKey, commP: commitment, paddedBytes, userBytes, source });
    await storage.sealStagedSector(stored.sectorId);
    sectorIds.push(stored.sectorId);
  }
  return sectorIds;
}

/** From closed to a proof on the disk. */
async function proved(storage: Storage, sectorId: number): Promise<void> {
  await storage.startSeal(sectorId, ticket, seal);
  await storage.whenIdle(sectorId);
  await storage.proveSeal(sectorId, seed);
  await storage.whenIdle(sectorId);
  const { state, failure } = await storage.getSector(sectorId);
  assert(state === "proved", `sector ${sectorId} is ${state}: ${failure?.message ?? ""}`);
}

/** Processes of the node, its own among them. */
async function pidsOf({ queue }: JobEngine): Promise<readonly number[]> {
  const places = (await queue.workers()).map(({ place }) => Number(place.split(" ").at(-1)));
  return [...new Set(places)];
}

/** Seals until all worker processes are there and warm. */
async function warm({ engine, storage }: Life, { profile, small, processes }: Case): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    const isComplete = (await pidsOf(engine)).length > processes;
    const isFull = profile === small;
    const sectorIds = isFull
      ? await closed(storage, `warm ${round}`, 2 * processes)
      : await Promise.all(
          Array.from({ length: 2 * processes }, () => storage.addCommittedCapacity(small.sectorBytes)),
        );
    await Promise.all(sectorIds.map((sectorId) => proved(storage, sectorId)));
    if (isComplete) return;
  }
  throw new TypeError(`there are no ${processes} worker processes`);
}

interface Measured {
  readonly clockS: number;
  readonly cpuS: number;
  readonly kernelS: number;
  readonly written: Written;
}

/**
 * What the system would take to copy what a seal writes into its cache of files, past which it goes, in seconds of the
 * processor.
 */
interface Written {
  readonly bytes: number;
  readonly freshS: number;
  /** Into pages that it has already. */
  readonly againS: number;
}

const writtenRoles: readonly string[] = ["aux", "tree", "sealed", "proof"];
const writeBytes = 2 ** 22;

async function written(storage: Storage, sectorId: number, folder: string): Promise<Written> {
  const files = (await storage.volumes.filesOf(sectorId)).filter(({ role }) => writtenRoles.includes(role));
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const part = new Uint8Array(writeBytes).fill(1);
  const file = openSync(join(folder, "written"), "w");
  const writingS = (): number => {
    const before = process.cpuUsage();
    for (let at = 0; at < bytes; at += part.length) {
      writeSync(file, part, 0, Math.min(part.length, bytes - at), at);
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  try {
    return { bytes, freshS: writingS(), againS: writingS() };
  } finally {
    closeSync(file);
  }
}

async function measured(life: Life, count: number, folder: string, sums: string): Promise<Measured> {
  const { engine, storage } = life;
  const sectorIds = await closed(storage, "measured", count);
  const pids = await pidsOf(engine);
  const cpuS = () => pids.reduce((sum, pid) => sum + usageOf(pid).cpuMs / 1000, 0);
  const [startedMs, cpuBefore, kernelBefore] = [performance.now(), cpuS(), kernelSeconds(sums)];
  await Promise.all(sectorIds.map((sectorId) => proved(storage, sectorId)));
  const [clockS, cpuAll] = [(performance.now() - startedMs) / 1000, cpuS() - cpuBefore];
  const kernelS = kernelSeconds(sums) - kernelBefore;
  return { clockS, cpuS: cpuAll, kernelS, written: await written(storage, sectorIds[0] ?? 0, folder) };
}

/** Environment of the processes that are started meanwhile. */
function inEnvironment(changed: { readonly [name: string]: string }): Disposable {
  const before = Object.keys(changed).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, changed);
  return {
    [Symbol.dispose]: () => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}

function figuresOf(
  name: string,
  count: number,
  { clockS, cpuS, kernelS, written: { bytes, freshS, againS } }: Measured,
): readonly Figure[] {
  const threads = availableParallelism();
  const each = (seconds: number): string => `${(seconds / count).toPrecision(3)} s`;
  return [
    {
      ...{ name, value: (3600 * count) / clockS, unit: "/h", cpuS },
      bound: { name: `its kernels alone on ${threads} threads`, value: (3600 * count * threads) / kernelS },
      note: `${count} sectors in ${clockS.toFixed(1)} s; for one ${each(cpuS)} of the processor, in kernels ${each(kernelS)}`,
    },
    {
      ...{ name: `${name}, processor time beside its kernels`, value: 100 * (cpuS / kernelS - 1), unit: "%" },
      target: wantedPercent,
      note: `by way of the system's cache its ${(bytes / 1e6).toFixed(0)} MB of files would cost ${freshS.toPrecision(2)} s alone (${againS.toPrecision(2)} s a second time, into pages that are there)`,
    },
  ];
}

export const sealingBench: Bench = {
  name: "sealing",
  about:
    "full sectors (8 MiB where no size is said) from closing to the proof on the disk, by a miner's engine and its worker processes",
  async run({ quick, say, ...options }) {
    await installNativeKernels();
    const figures: Figure[] = [];
    for (const one of casesOf(quick)) {
      if (!isChosen(one.name, options)) continue;
      say(one.name);
      const folder = mkdtempSync(join(tmpdir(), "holdfast-sealing-"));
      const sums = join(folder, "kernels");
      mkdirSync(sums);
      try {
        using _environment = inEnvironment(kernelClockEnv(sums));
        await using life = await live(join(folder, "repo"), one);
        await warm(life, one);
        figures.push(...figuresOf(one.name, one.sectors, await measured(life, one.sectors, folder, sums)));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    return figures;
  },
};
