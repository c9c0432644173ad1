/** Sealing and verifying on worker threads: same results, typed failures, threads that come and go. */
import { mkdirSync, readdirSync } from "node:fs";
import { equalBytes, sectorId as sectorIdOf } from "@holdfast/base";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { createMemoVerifier, createVerifier, defaultClasses, type SealStatement } from "@holdfast/proofs";
import {
  createSealingPool,
  createVerifierPool,
  openNodeDisk,
  openStorage,
  type SealingPool,
  type Storage,
} from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import {
  identity,
  miner,
  networkId,
  pieceOf,
  prover,
  reaches,
  scratch,
  sealTo,
  sectorBytes,
  seedAt,
  ticketAt,
} from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

interface Place {
  readonly root: string;
  readonly dbPath: string;
}
const place = (): Place => ({ root: files.next(), dbPath: files.next() });

async function pooled(pool: SealingPool, at: Place, bytes = sectorBytes): Promise<Storage> {
  const disk = openNodeDisk(at.root);
  return await openStorage({
    disk,
    dbPath: at.dbPath,
    prover: pool,
    clock: new SimClock(),
    sectorBytes: bytes,
  });
}

/** The address of the crashing setup module. */
function crashing(times: number): { setup: string; crashes: () => number } {
  const folder = files.next();
  mkdirSync(folder);
  const setup = new URL("./workers/crash.ts", import.meta.url);
  setup.searchParams.set("folder", folder);
  setup.searchParams.set("times", `${times}`);
  return { setup: setup.href, crashes: () => readdirSync(folder).length };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

describe("a sealing pool", () => {
  it("gives the same replica, proofs and pieces as the calling thread", async () => {
    await using pool = createSealingPool({ threads: 1 });
    const there = await pooled(pool, place());
    const disk = openNodeDisk(files.next());
    const here = await openStorage({
      disk,
      dbPath: files.next(),
      prover,
      clock: new SimClock(),
      sectorBytes,
    });
    const results = [];
    for (const storage of [there, here]) {
      await storage.addPiece(pieceOf("a", 300));
      await storage.addPiece(pieceOf("b", 100));
      await storage.sealAllStagedSectors();
      await sealTo(storage, 1, "proved");
      const { proof } = await storage.generatePost("winning", seedAt(4), [1]);
      results.push({
        commitments: (await storage.getSector(1)).commitments,
        sealProof: await storage.readSealProof(1),
        proof,
        piece: await storage.readPieceFromSealedSector("b"),
      });
      expect(await storage.audit()).toMatchObject({ orphans: [], missing: [] });
      await storage.close();
    }
    expect(results[0]).toEqual(results[1]);
    expect(equalBytes(results[0]?.piece ?? new Uint8Array(), pieceOf("b", 100).bytes)).toBe(true);
  });

  it("tells how far it is", async () => {
    await using pool = createSealingPool({ threads: 1 });
    await using storage = await pooled(pool, place(), 16_384);
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    await until(async () => ((await storage.getSector(1)).progress ?? 1) > 0);
    const { state, progress } = await storage.getSector(1);
    if (state === "sealing") expect(progress).toBeLessThanOrEqual(1);
    await reaches(storage, 1, "sealed");
    await storage.whenIdle(1);
    expect((await storage.getSector(1)).progress).toBe(null);
  });

  it("starts a job again when its worker dies", async () => {
    const { setup, crashes } = crashing(2);
    await using pool = createSealingPool({ threads: 1, setup });
    await using storage = await pooled(pool, place());
    await storage.addPiece(pieceOf("a", 300));
    await storage.sealAllStagedSectors();
    await sealTo(storage, 1, "committed");
    expect(crashes()).toBe(2);
    expect((await storage.getSector(1)).state).toBe("committed");
  });

  it("fails a sector whose worker dies again and again, and takes it up on retry", async () => {
    const { setup, crashes } = crashing(3);
    await using pool = createSealingPool({ threads: 1, setup, maxStarts: 3 });
    await using storage = await pooled(pool, place());
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    expect(await reaches(storage, 1, "sealed", "failed")).toMatchObject({ reason: "storage/worker-crashed" });
    expect(crashes()).toBe(3);
    await storage.retrySector(1);
    await sealTo(storage, 1, "proved");
    expect((await storage.getSector(1)).state).toBe("proved");
  });

  it("fails with a code when its setup cannot be loaded", async () => {
    await using pool = createSealingPool({ threads: 1, setup: "file:///none/such.ts" });
    await using storage = await pooled(pool, place());
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    expect(await reaches(storage, 1, "sealed", "failed")).toMatchObject({ reason: "storage/job-failed" });
  });

  it("ends a seal that is called off, and leaves no file of it", async () => {
    await using pool = createSealingPool({ threads: 1 });
    await using storage = await pooled(pool, place(), 65_536);
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    await until(async () => ((await storage.getSector(1)).progress ?? 0) > 0);
    await storage.restartSeal(1, "changed my mind");
    expect(await storage.getSector(1)).toMatchObject({ state: "closing", progress: null });
    await storage.collectGarbage();
    expect((await storage.audit()).fileCount).toBe(0);
    const next = await storage.addCommittedCapacity();
    expect(next).toBe(2);
  });

  it("goes on after a close in the midst of a seal, from the recorded ticket", async () => {
    await using pool = createSealingPool({ threads: 1 });
    const at = place();
    const first = await pooled(pool, at, 16_384);
    await first.addPiece(pieceOf("a", 9_000));
    await first.sealAllStagedSectors();
    await first.startSeal(1, ticketAt(8), identity);
    await until(async () => ((await first.getSector(1)).progress ?? 0) > 0);
    await first.close();
    await using storage = await pooled(pool, at, 16_384);
    await reaches(storage, 1, "sealed");
    expect((await storage.getSector(1)).ticket).toEqual({ epoch: 8, bytes: ticketAt(8).bytes });
    expect(await storage.audit()).toMatchObject({ orphans: [], missing: [] });
  });

  it("has no threads when there is nothing to do", async () => {
    await using pool = createSealingPool({ threads: 1, idleMs: 20 });
    expect(pool.threadCount).toBe(0);
    await using storage = await pooled(pool, place());
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    await until(() => pool.threadCount === 1);
    await reaches(storage, 1, "sealed");
    await until(() => pool.threadCount === 0);
    await storage.proveSeal(1, seedAt(9));
    await reaches(storage, 1, "proved");
  });

  it("refuses a disk whose files no thread can open", async () => {
    await using pool = createSealingPool({ threads: 1 });
    const options = {
      disk: new SimDisk(),
      dbPath: files.next(),
      prover: pool,
      clock: new SimClock(),
      sectorBytes,
    };
    expect(await codeOf(openStorage(options))).toBe("storage/no-native-files");
  });
});

describe("a verifier pool", () => {
  async function statements(): Promise<SealStatement> {
    const disk = openNodeDisk(files.next());
    await using storage = await openStorage({
      disk,
      dbPath: files.next(),
      prover,
      clock: new SimClock(),
      sectorBytes,
    });
    await storage.addCommittedCapacity();
    await sealTo(storage, 1, "proved");
    const { commitments, ticket } = await storage.getSector(1);
    const none = new Uint8Array();
    const { commD = none, commR = none, commRStar = none } = commitments ?? {};
    const bound = { networkId, miner, sectorId: sectorIdOf(1), ticket: ticket?.bytes ?? none, commD };
    const proof = await storage.readSealProof(1);
    return {
      classes: defaultClasses,
      sectorBytes,
      identity: bound,
      commR,
      commRStar,
      seed: seedAt(9),
      proof,
    };
  }

  it("has the verdicts of the verifier, which prime a memo", async () => {
    const good = await statements();
    const bad = { ...good, proof: good.proof.with(100, (good.proof[100] ?? 0) ^ 1) };
    const junk = { ...good, sectorBytes: 7, seed: new Uint8Array(1) };
    await using pool = createVerifierPool({ threads: 2 });
    const verdicts = await Promise.all([good, bad, junk].map((statement) => pool.verifySeal(statement)));
    expect(verdicts).toEqual([true, false, false]);
    const post = {
      classes: defaultClasses,
      kind: "window" as const,
      seed: seedAt(1),
      miner,
      sectors: [],
      proof: new Uint8Array(),
    };
    expect(await pool.verifyPost(post)).toBe(false);
    const memo = createMemoVerifier(createVerifier(), 10);
    memo.remember({ check: "seal", statement: good }, await pool.verify({ check: "seal", statement: good }));
    expect(memo.recall({ check: "seal", statement: { ...good } })).toBe(true);
  });

  it("fails with a code when its workers die, when it is cancelled, and when it is closed", async () => {
    const statement = await statements();
    const pool = createVerifierPool({ threads: 1, maxStarts: 2, setup: crashing(9).setup });
    expect(await codeOf(pool.verifySeal(statement))).toBe("storage/worker-crashed");
    const stop = new AbortController();
    const reason = new RangeError("no longer needed");
    stop.abort(reason);
    await expect(pool.verifySeal(statement, stop.signal)).rejects.toBe(reason);
    await pool[Symbol.asyncDispose]();
    expect(await codeOf(pool.verifySeal(statement))).toBe("storage/closed");
  });
});
