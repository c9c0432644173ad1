/**
 * Sealing by a queue: same bytes as in the caller's thread, nothing lost by a node that restarts, and a worker that is
 * killed at any operation of its disk costs at most the layers since its last record.
 */
import { type Disk, equalBytes, sectorId, silentLogger, toHex } from "@holdfast/base";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { defaultClasses, zeroPieceCommitment } from "@holdfast/proofs";
import {
  createInlineSealer,
  createQueueSealer,
  type JobQueue,
  openSqliteJobs,
  type Sealer,
  sealHandlers,
  startRunner,
  storageErrors,
} from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { mortal } from "../mortal.ts";
import { filesOn, miner, networkId, prover, scratch, seedAt, ticketAt } from "../support.ts";
import { around } from "./deaths-suite.ts";

const files = scratch();
afterAll(() => files.remove());

const sectorBytes = 1024;
const identity = {
  networkId,
  miner,
  sectorId: sectorId(3),
  ticket: ticketAt(5).bytes,
  commD: zeroPieceCommitment(sectorBytes),
};
const folder = "work/3-1";
const sealJob = {
  classes: defaultClasses,
  sectorBytes,
  identity,
  stagedPath: null,
  ranges: [],
  replicaPath: `${folder}/sealed`,
  treePath: `${folder}/tree`,
  auxPath: `${folder}/aux`,
  resumePath: `${folder}/resume`,
};
const wholeRange = { startUserBytes: 0, userBytes: 500 };
const never = new AbortController().signal;
const leaseMs = 30_000;

/** A worker over a disk; its clock may stand still, as a process does that is killed. */
function work(queue: JobQueue, disk: Disk, clock: SimClock, workerId = "w") {
  return startRunner({
    ...{ queue, clock, workerId, place: "here", leaseMs, logger: silentLogger },
    handlers: sealHandlers(() => ({ disk, sealer: createInlineSealer(disk, prover) })),
    capacity: { cpus: 1, memoryBytes: 2 ** 30 },
  });
}

async function allOf(sealer: Sealer, disk: Disk) {
  const options = { signal: never };
  const sealed = await sealer.replicate(sealJob, options);
  await disk.rename(`${folder}/aux`, "cache/3/aux");
  await disk.rename(`${folder}/tree`, "cache/3/tree");
  await disk.rename(`${folder}/sealed`, "sealed/3");
  const proofPath = "work/3-2/proof";
  const common = { classes: defaultClasses, sectorBytes, identity };
  await sealer.prove({ ...common, ...sealed, seed: seedAt(9), auxPath: "cache/3/aux", proofPath }, options);
  const bytes = await sealer.extract({ ...common, replicaPath: "sealed/3", range: wholeRange }, options);
  const sector = { sectorId: sectorId(3), sectorBytes, commR: sealed.commR, treePath: "cache/3/tree" };
  const asked = { classes: defaultClasses, miner, seed: seedAt(4), sectors: [sector] };
  const post = await sealer.post({ ...asked, postKind: "window" }, options);
  const winning = await sealer.post({ ...asked, postKind: "winning" }, options);
  const check = await sealer.post({ ...asked, postKind: "window", isRehearsal: true }, options);
  return { sealed, bytes, post, winning, check, proof: await disk.readFile(proofPath) };
}

/** The files of a seal by an inline sealer. */
async function reference(): Promise<{ readonly aux: Uint8Array; readonly commR: string }> {
  const disk = new SimDisk();
  const { commR } = await createInlineSealer(disk, prover).replicate(sealJob, { signal: never });
  return { aux: (await disk.readFile(sealJob.auxPath)) ?? new Uint8Array(), commR: toHex(commR) };
}

describe("a sealer over a queue", () => {
  it("gives what the caller's thread gives, and leaves no other files", async () => {
    const clock = new SimClock();
    const disk = new SimDisk();
    await using queue = openSqliteJobs({ dbPath: files.next(), clock });
    await using _worker = work(queue, disk, clock);
    const sealer = createQueueSealer({ queue, disk, life: "1" });
    const there = await allOf(sealer, disk);
    const own = new SimDisk();
    const here = await allOf(createInlineSealer(own, prover), own);
    expect(there).toEqual(here);
    expect(await filesOn(disk)).toEqual(await filesOn(own));
    const kinds = (await queue.list({}, { limit: 9 })).map(({ kind, state }) => `${kind} ${state}`);
    expect(kinds.reverse()).toEqual([
      "seal done",
      "commit-proof done",
      "unseal done",
      "window-post done",
      "winning-post done",
      "check done",
    ]);
  });

  it("throws the job's own error, with its data and its fix", async () => {
    const clock = new SimClock();
    const disk = new SimDisk();
    await using queue = openSqliteJobs({ dbPath: files.next(), clock });
    await using _worker = work(queue, disk, clock);
    const sealer = createQueueSealer({ queue, disk, life: "1" });
    const common = { classes: defaultClasses, sectorBytes, identity };
    const reading = sealer.extract(
      { ...common, replicaPath: "sealed/3", range: wholeRange },
      { signal: never },
    );
    const expected = storageErrors.missingFile({ sectorId: 3, path: "sealed/3" });
    await expect(reading).rejects.toEqual(expected);
    const damaged = { ...sealJob, identity: { ...identity, commD: new Uint8Array(32).fill(1) } };
    expect(await codeOf(sealer.replicate(damaged, { signal: never }))).toBe("storage/staged-corrupt");
  });

  it("calls off what nobody wants any more, and leaves seals to go on when the node stops", async () => {
    const clock = new SimClock();
    await using queue = openSqliteJobs({ dbPath: files.next(), clock });
    const sealer = createQueueSealer({ queue, disk: new SimDisk(), life: "1" });
    const stop = new AbortController();
    const closing = new AbortController();
    const dropped = sealer.replicate({ ...sealJob, replicaPath: "work/4-1/sealed" }, { signal: stop.signal });
    const kept = sealer.replicate(sealJob, { signal: closing.signal });
    const asked = {
      classes: defaultClasses,
      miner,
      seed: seedAt(4),
      sectors: [],
      postKind: "window",
    } as const;
    const post = sealer.post(asked, { signal: closing.signal });
    await clock.advance(10);
    stop.abort(storageErrors.cancelled({ job: "test" }));
    closing.abort(storageErrors.closed({}));
    expect(await codeOf(dropped)).toBe("storage/cancelled");
    expect(await codeOf(kept)).toBe("storage/closed");
    expect(await codeOf(post)).toBe("storage/closed");
    const states = (await queue.list({}, { limit: 9 })).map(({ kind, state }) => `${kind} ${state}`);
    expect(states).toEqual(["window-post cancelled", "seal waiting", "seal cancelled"]);
  });

  it("finds the seal of a life before, done or not", async () => {
    const clock = new SimClock();
    const disk = new SimDisk();
    await using queue = openSqliteJobs({ dbPath: files.next(), clock });
    const closing = new AbortController();
    const first = createQueueSealer({ queue, disk, life: "1" });
    const lost = first.replicate(sealJob, { signal: closing.signal });
    await clock.advance(1);
    closing.abort(storageErrors.closed({}));
    expect(await codeOf(lost)).toBe("storage/closed");
    await using _worker = work(queue, disk, clock);
    await clock.advance(1_000);
    const second = createQueueSealer({ queue, disk, life: "2" });
    const { commR } = await second.replicate(sealJob, { signal: never });
    const third = createQueueSealer({ queue, disk, life: "3" }); // its node died after the files had moved
    await third.replicate(sealJob, { signal: never });
    const { aux, commR: expected } = await reference();
    expect(toHex(commR)).toBe(expected);
    expect(equalBytes((await disk.readFile(sealJob.auxPath)) ?? aux.subarray(1), aux)).toBe(true);
    expect(await queue.list({}, { limit: 9 })).toHaveLength(1);
  });
});

describe("a seal that was done before", () => {
  it("is done again when its files are gone: some were put in place, and nobody had recorded it", async () => {
    const clock = new SimClock();
    const disk = new SimDisk();
    await using queue = openSqliteJobs({ dbPath: files.next(), clock });
    await using _worker = work(queue, disk, clock);
    const options = { signal: never };
    const { commR } = await createQueueSealer({ queue, disk, life: "1" }).replicate(sealJob, options);
    await disk.remove(sealJob.replicaPath);
    const again = await createQueueSealer({ queue, disk, life: "2" }).replicate(sealJob, options);
    expect(toHex(again.commR)).toBe(toHex(commR));
    expect(await disk.sizeBytes(sealJob.replicaPath)).toBe(sectorBytes);
    await disk.remove(folder);
    await createQueueSealer({ queue, disk, life: "3" }).replicate(sealJob, options);
    expect(await disk.sizeBytes(sealJob.replicaPath)).toBe(sectorBytes);
    expect((await queue.list({}, { limit: 9 })).map(({ state }) => state)).toEqual(["done", "done", "done"]);
  });

  it("is another job when it is asked for once, as a repair does, also after a failure", async () => {
    const clock = new SimClock();
    const disk = new SimDisk();
    await using queue = openSqliteJobs({ dbPath: files.next(), clock });
    await using _worker = work(queue, disk, clock);
    const options = { signal: never, isOnce: true };
    const sealer = createQueueSealer({ queue, disk, life: "1" });
    const repaired = { ...sealJob, replicaPath: "work/3-1-repair/sealed", resumePath: null };
    const damaged = { ...repaired, identity: { ...identity, commD: new Uint8Array(32).fill(1) } };
    expect(await codeOf(sealer.replicate(damaged, options))).toBe("storage/staged-corrupt");
    for (let turn = 0; turn < 2; turn++) {
      await sealer.replicate(repaired, options);
      expect(await disk.sizeBytes(repaired.replicaPath)).toBe(sectorBytes);
      await disk.remove("work/3-1-repair");
    }
  });
});

describe("a worker that is killed in the midst of a seal", () => {
  /** A disk whose n-th operation never answers, and none after it: its process is dead. */
  async function sealWithDeathAt(operation: number) {
    const clock = new SimClock();
    const disk = new SimDisk();
    await using queue = openSqliteJobs({ dbPath: files.next(), clock });
    const killed = dying(disk, operation);
    const dead = new SimClock(clock.nowMs());
    work(queue, killed.disk, dead, "victim");
    const sealer = createQueueSealer({ queue, disk, life: "1" });
    const sealing = sealer.replicate(sealJob, { signal: never });
    await clock.advance(1);
    const writes = counting(disk);
    await using _heir = work(queue, writes.disk, clock, "heir");
    for (let turn = 0; turn < 8; turn++) await clock.advance(5_000);
    const { commR } = await sealing;
    const aux = await disk.readFile(sealJob.auxPath);
    return {
      commR: toHex(commR),
      aux,
      died: killed.died(),
      again: writes.auxBytes(),
      files: await filesOn(disk),
    };
  }

  it("loses no byte, wherever it is killed, and its heir goes on behind the last record", async () => {
    const { aux, commR } = await reference();
    const again: number[] = [];
    for (let operation = 1; ; operation += 1) {
      const found = await sealWithDeathAt(operation);
      expect(found.commR, `killed at ${operation}`).toBe(commR);
      expect(equalBytes(found.aux ?? new Uint8Array(), aux), `killed at ${operation}`).toBe(true);
      expect(found.files.filter((path) => !path.startsWith(`${folder}/`))).toEqual([]);
      if (!found.died) break;
      again.push(found.again);
    }
    expect(again.length).toBeGreaterThan(15);
    expect(again[0]).toBe(aux.length);
    // Killed at the end, only what lies behind the third of five layers is made again.
    expect(Math.min(...again)).toBeLessThan(aux.length / 2);
  });

  it("is not believed with a record of another seal", async () => {
    const disk = new SimDisk();
    const inline = createInlineSealer(disk, prover);
    await inline.replicate(sealJob, { signal: never });
    expect(await disk.sizeBytes(sealJob.resumePath)).toBeGreaterThan(0);
    const other = { ...sealJob, identity: { ...identity, ticket: ticketAt(6).bytes } };
    const writes = counting(disk);
    const anew = await createInlineSealer(writes.disk, prover).replicate(other, { signal: never });
    const fresh = new SimDisk();
    expect(anew).toEqual(await createInlineSealer(fresh, prover).replicate(other, { signal: never }));
    expect(writes.auxBytes()).toBe((await reference()).aux.length);
  });

  it("stands on nothing that a power cut took", async () => {
    const { aux, commR } = await reference();
    for (let change = 1; ; change += 1) {
      const disk = new SimDisk();
      disk.crashAtChange(change);
      const dead = Promise.withResolvers<"dead">();
      const victim = createInlineSealer(
        mortal(disk, () => dead.resolve("dead")),
        prover,
      );
      const ended = await Promise.race([victim.replicate(sealJob, { signal: never }), dead.promise]);
      if (ended !== "dead") break;
      const after = disk.crash();
      const found = await createInlineSealer(after, prover).replicate(sealJob, { signal: never });
      expect(toHex(found.commR), `power cut at ${change}`).toBe(commR);
      expect(equalBytes((await after.readFile(sealJob.auxPath)) ?? new Uint8Array(), aux)).toBe(true);
    }
  });
});

/** Passes operations on until the n-th, which is done and never answers. */
function dying(disk: Disk, operation: number): { readonly disk: Disk; died(): boolean } {
  let left = operation;
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    left -= 1;
    if (left < 0) return await new Promise<never>(() => undefined);
    const result = await run();
    return left === 0 ? await new Promise<never>(() => undefined) : result;
  };
  return { disk: around(disk, step), died: () => left <= 0 };
}

/** Counts what is written to `aux`. */
function counting(disk: Disk): { readonly disk: Disk; auxBytes(): number } {
  let auxBytes = 0;
  const counted = around(
    disk,
    (run) => run(),
    (path, bytes) => {
      if (path.endsWith("/aux")) auxBytes += bytes;
    },
  );
  return { disk: counted, auxBytes: () => auxBytes };
}
