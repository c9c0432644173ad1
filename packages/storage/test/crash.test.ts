/**
 * Power cuts at every change to the disk. The simulated disk keeps what was durable and draws what else
 * survives; the "killed" process stands still. Whatever the cut: every acknowledged piece is there, no sector
 * is lost, nothing is left over, and the work goes on to its end.
 */
import { equalBytes, HoldfastError } from "@holdfast/base";
import { SeededRandom, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage, type Storage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { type Lies, mortal } from "./mortal.ts";
import { pieceOf, prover, scratch, sectorBytes } from "./support.ts";
import { drive, pieceSpecs } from "./workers/drive.ts";

const files = scratch();
afterAll(() => files.remove());

const specs = pieceSpecs("crash", 3, 1016);

interface Run {
  /** Whether the power was cut before the work was done. */
  readonly cut: boolean;
  readonly complaints: readonly string[];
}

/** Works until the power is cut at the n-th change, then starts again and works to the end. */
async function runWithCut(changes: number, seed: string, lies: Lies = {}): Promise<Run> {
  const dbPath = files.next();
  const first = new SimDisk({ random: new SeededRandom(seed) });
  const acknowledged = new Set<string>();
  const complaints: string[] = [];
  const work = async (disk: SimDisk, onDeath: () => void): Promise<void> => {
    const clock = new SimClock();
    const storage = await openStorage({
      disk: mortal(disk, onDeath, lies),
      dbPath,
      prover,
      clock,
      sectorBytes,
    });
    complaints.push(...(await wrongWith(storage, acknowledged)));
    await drive(storage, specs, (pieceKey) => acknowledged.add(pieceKey));
    complaints.push(...(await wrongWith(storage, acknowledged)));
    await storage.close();
  };
  const death = Promise.withResolvers<true>();
  first.crashAtChange(changes);
  const cut = await Promise.race([work(first, () => death.resolve(true)).then(() => false), death.promise]);
  if (cut) {
    try {
      await work(first.crash(), () => complaints.push("the second disk died"));
    } catch (error) {
      complaints.push(String(error));
    }
  }
  return { cut, complaints };
}

/** What a storage has lost or left over. */
async function wrongWith(storage: Storage, acknowledged: ReadonlySet<string>): Promise<string[]> {
  const complaints: string[] = [];
  for (const { pieceKey, userBytes } of specs) {
    const piece = await storage.getPiece(pieceKey);
    if (piece === undefined) {
      if (acknowledged.has(pieceKey)) complaints.push(`lost ${pieceKey}`);
      continue;
    }
    if (!(await storage.verifyPiece(pieceKey)).intact) complaints.push(`rotten ${pieceKey}`);
    if ((await storage.getSector(piece.sectorId)).state !== "committed") continue;
    const bytes = await storage.readPieceFromSealedSector(pieceKey);
    if (!equalBytes(bytes, pieceOf(pieceKey, userBytes).bytes)) complaints.push(`wrong ${pieceKey}`);
  }
  const { orphans, missing } = await storage.audit();
  const idle = (await storage.listSectors({ states: ["sealing", "proving"] })).length === 0;
  if (idle) complaints.push(...orphans.map((file) => `orphan ${file.path}`));
  complaints.push(...missing.map((claim) => `missing ${claim.path}`));
  for (const { sectorId, failure } of await storage.listSectors({ states: ["failed"] })) {
    complaints.push(`sector ${sectorId} failed: ${failure?.code}`);
  }
  return complaints;
}

/** Works on while the n-th operation of the disk fails once; the caller tries again. */
async function runWithFault(
  operations: number,
  fault: "io" | "full",
): Promise<Run & { readonly faults: number }> {
  const disk = new SimDisk();
  const acknowledged = new Set<string>();
  const complaints: string[] = [];
  let left = operations;
  let faults = 0;
  disk.fault = () => {
    if (--left !== 0) return undefined;
    faults++;
    return fault;
  };
  const dbPath = files.next();
  const few = specs.slice(0, 2);
  for (let tries = 0; tries < 3; tries++) {
    try {
      const storage = await openStorage({ disk, dbPath, prover, clock: new SimClock(), sectorBytes });
      try {
        await drive(storage, few, (pieceKey) => acknowledged.add(pieceKey));
        await storage.collectGarbage();
        complaints.push(...(await wrongWith(storage, acknowledged)));
        if (acknowledged.size < few.length) complaints.push("not all pieces were taken");
        return { cut: faults > 0, complaints, faults };
      } finally {
        await storage.close();
      }
    } catch (error) {
      const expected = error instanceof HoldfastError && /^(disk|storage)\/(io|full)$/.test(error.code);
      if (!expected) complaints.push(String(error));
    }
  }
  return { cut: true, complaints: [...complaints, "it never got through"], faults };
}

describe("one failing operation of the disk", () => {
  it.each(["io", "full"] as const)("(%s), whichever it is, loses nothing", async (fault) => {
    let operations = fault === "io" ? 1 : 4;
    for (let hit = true; hit; operations += 9) {
      const run = await runWithFault(operations, fault);
      expect(run.complaints, `${fault} at operation ${operations}`).toEqual([]);
      hit = run.faults > 0;
    }
    expect(operations).toBeGreaterThan(100);
  });
});

describe("a power cut", () => {
  it("at any change to the disk loses nothing that was acknowledged", async () => {
    let changes = 1;
    for (let cut = true; cut; changes++) {
      const run = await runWithCut(changes, `cut at ${changes}`);
      expect(run.complaints, `power cut at change ${changes}`).toEqual([]);
      cut = run.cut;
    }
    expect(changes).toBeGreaterThan(30);
  });

  it("canary: is noticed on a disk that only pretends to sync", async () => {
    const found: string[] = [];
    for (let changes = 12, cut = true; cut && found.length === 0; changes++) {
      const run = await runWithCut(changes, `lie ${changes}`, { sync: true });
      found.push(...run.complaints);
      cut = run.cut;
    }
    expect(found.join()).toMatch(/lost|rotten|Error/);
  });

  it("canary: is noticed when a wrong file is deleted", async () => {
    const run = await runWithCut(1_000, "collector", { remove: (path) => path.replace("/aux", "/tree") });
    expect(run.complaints.join()).toMatch(/missing|Error/);
  });
});
