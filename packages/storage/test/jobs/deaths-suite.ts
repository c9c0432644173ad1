/**
 * Seals of a queue whose worker is lost at each operation of its disk, on any queue and any volume: one that dies costs
 * no byte, and one that goes on when its job is somebody else's changes none. In real time, by death and not by leases.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, type Disk, equalBytes, sectorId, silentLogger, toHex } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { defaultClasses, zeroPieceCommitment } from "@holdfast/proofs";
import {
  createInlineSealer,
  createQueueSealer,
  type JobQueue,
  type Runner,
  sealHandlers,
  startRunner,
} from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { filesOn, miner, networkId, prover, ticketAt } from "../support.ts";

/** What is under test: a queue, and a volume that every process opens for itself. */
export interface DeathsWorld {
  readonly queue: JobQueue;
  /** Another process's connection to the same jobs. */
  readonly other: JobQueue;
  open(): Disk;
  /** Which operations are tried: each, or each so many. */
  readonly every: number;
  dispose(): Promise<void>;
}

const sectorBytes = 1024;
const identity = {
  ...{ networkId, miner },
  sectorId: sectorId(3),
  ticket: ticketAt(5).bytes,
  commD: zeroPieceCommitment(sectorBytes),
};
const never = new AbortController().signal;
/** Fewer operations are no seal. */
const leastOperations = 15;

export const realTime: Clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal: signal as AbortSignal }),
};

/** Of another folder for each case: another job, which makes the same bytes. */
function jobIn(folder: string) {
  return {
    ...{ classes: defaultClasses, sectorBytes, identity, stagedPath: null, ranges: [] },
    replicaPath: `${folder}/sealed`,
    treePath: `${folder}/tree`,
    auxPath: `${folder}/aux`,
    resumePath: `${folder}/resume`,
  };
}

function work(queue: JobQueue, disk: Disk, workerId: string, clock: Clock): Runner {
  return startRunner({
    ...{ queue, workerId, clock, place: "here", logger: silentLogger },
    handlers: sealHandlers(() => ({ disk, sealer: createInlineSealer(disk, prover) })),
    capacity: { cpus: 1, memoryBytes: 2 ** 30 },
  });
}

export function deathsSuite(name: string, make: () => Promise<DeathsWorld>): void {
  describe(name, () => {
    it("a worker that dies at any operation of its disk costs no byte", async () => {
      const expected = await reference();
      const world = await make();
      try {
        let operation = 1;
        while (await loses(world, operation, expected)) operation += world.every;
        expect(operation).toBeGreaterThan(leastOperations);
      } finally {
        await world.dispose();
      }
    });

    it("a worker that goes on after it was given up changes nothing, wherever it stood still", async () => {
      const expected = await reference();
      const world = await make();
      try {
        let operation = 1;
        while (await survivesZombie(world, operation, expected)) operation += world.every;
        expect(operation).toBeGreaterThan(leastOperations);
      } finally {
        await world.dispose();
      }
    });
  });
}

interface Made {
  readonly commR: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

async function madeIn(disk: Disk, folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const names = ["sealed", "tree", "aux"];
  const read = names.map(
    async (name) => [name, (await disk.readFile(`${folder}/${name}`)) ?? nothing] as const,
  );
  return new Map(await Promise.all(read));
}
const nothing = new Uint8Array();

async function reference(): Promise<Made> {
  const disk = new SimDisk();
  const { commR } = await createInlineSealer(disk, prover).replicate(jobIn("work/3-1"), { signal: never });
  return { commR: toHex(commR), files: await madeIn(disk, "work/3-1") };
}

/** A seal whose worker stands still from its n-th operation on, is given up, and has an heir. */
async function sealWithout(
  { queue, other, open }: DeathsWorld,
  { operation, folder, isZombie }: { operation: number; folder: string; isZombie: boolean },
) {
  const victim = standing(open(), operation);
  const sealing = createQueueSealer({ queue, disk: open(), life: folder }).replicate(jobIn(folder), {
    signal: never,
  });
  const workerId = `victim of ${folder}`;
  // Its clock stands still with it: it beats no more.
  const runner = work(other, victim.disk, workerId, new SimClock(realTime.nowMs()));
  const isDead = await Promise.race([victim.stopped.then(() => true), sealing.then(() => false)]);
  if (!isDead) {
    await runner[Symbol.asyncDispose]();
    return { isDead, runner, commR: toHex((await sealing).commR) };
  }
  runner.drain();
  await queue.bury(workerId);
  const onHeirs = around(open(), (run) => {
    if (isZombie) victim.goOn(); // now both write
    return run();
  });
  await using _heir = work(queue, onHeirs, `heir of ${folder}`, realTime);
  return { isDead, runner, commR: toHex((await sealing).commR) };
}

async function loses(world: DeathsWorld, operation: number, expected: Made): Promise<boolean> {
  const folder = `work/3-${operation}`;
  const { isDead, commR } = await sealWithout(world, { operation, folder, isZombie: false });
  const disk = world.open();
  expect(commR, `died at ${operation}`).toBe(expected.commR);
  expectSame(await madeIn(disk, folder), expected.files, `died at ${operation}`);
  expect((await filesOn(disk)).filter((path) => !path.startsWith("work/"))).toEqual([]);
  return isDead;
}

async function survivesZombie(world: DeathsWorld, operation: number, expected: Made): Promise<boolean> {
  const folder = `work/3-${operation}`;
  const { isDead, runner } = await sealWithout(world, { operation, folder, isZombie: true });
  const disk = world.open();
  // As the node does it: out of the way of everything that belongs to jobs.
  for (const name of expected.files.keys())
    await disk.rename(`${folder}/${name}`, `sealed/${operation}-${name}`);
  if (isDead) await expect.poll(() => runner.running.length).toBe(0);
  const made = [...expected.files.keys()].map(
    async (name) => [name, (await disk.readFile(`sealed/${operation}-${name}`)) ?? nothing] as const,
  );
  expectSame(new Map(await Promise.all(made)), expected.files, `stood still at ${operation}`);
  const [job] = await world.queue.list({ kinds: ["seal"] }, { limit: 1 });
  expect(job).toMatchObject({ state: "done", token: isDead ? 2 : 1 });
  return isDead;
}

function expectSame(
  found: ReadonlyMap<string, Uint8Array>,
  expected: ReadonlyMap<string, Uint8Array>,
  when: string,
): void {
  for (const [name, bytes] of expected)
    expect(equalBytes(found.get(name) ?? nothing, bytes), `${name}, ${when}`).toBe(true);
}

/** Passes operations on until the n-th, which is done and does not answer until it may go on. */
function standing(disk: Disk, operation: number) {
  const stopped = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let left = operation;
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    left -= 1;
    const after = left; // others begin meanwhile
    if (after < 0) await released.promise;
    const result = await run();
    if (after === 0) {
      stopped.resolve();
      await released.promise;
    }
    return result;
  };
  return { disk: around(disk, step), stopped: stopped.promise, goOn: () => released.resolve() };
}

export function around(
  disk: Disk,
  step: <T>(run: () => Promise<T>) => Promise<T>,
  written: (path: string, bytes: number) => void = () => undefined,
): Disk {
  return {
    readFile: (path) => step(() => disk.readFile(path)),
    writeFile: (path, bytes) => step(() => disk.writeFile(path, bytes)),
    open: async (path, mode) => {
      const file = await step(() => disk.open(path, mode));
      return {
        readAt: (offset, length) => step(() => file.readAt(offset, length)),
        writeAt: (offset, bytes) => {
          written(path, bytes.length);
          return step(() => file.writeAt(offset, bytes));
        },
        sizeBytes: () => step(() => file.sizeBytes()),
        truncate: (length) => step(() => file.truncate(length)),
        sync: () => step(() => file.sync()),
        [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
      };
    },
    list: (path) => step(() => disk.list(path)),
    remove: (path) => step(() => disk.remove(path)),
    rename: (from, to) => step(() => disk.rename(from, to)),
    sizeBytes: (path) => step(() => disk.sizeBytes(path)),
    freeBytes: () => step(() => disk.freeBytes()),
    nativePath: (path) => disk.nativePath(path),
  };
}
