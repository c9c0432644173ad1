/** Files that rot, vanish or belong to nobody: what is found, named, left out, deleted, and what is not. */
import { DatabaseSync } from "node:sqlite";
import { equalBytes, sectorId as sectorIdOf, utf8Bytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { createVerifier, defaultClasses, type Prover, type RangeCost, sectorProfile } from "@holdfast/proofs";
import type { Storage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import {
  allFiles,
  committedStorage,
  type Fixture,
  filesOn,
  identity,
  miner,
  pieceOf,
  prover,
  reaches,
  readAll,
  scratch,
  sealTo,
  sectorBytes,
  seedAt,
  simStorage,
  ticketAt,
} from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

/** Flips one bit of a file. */
async function rot({ disk }: Fixture, path: string, at = 40): Promise<void> {
  const bytes = (await disk.readFile(path)) ?? new Uint8Array(0);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  await disk.writeFile(path, bytes);
}

describe("rotten files", () => {
  it("before the seal are found by commD, and the good pieces survive the bad one", async () => {
    const fixture = await simStorage(files.next());
    const { storage } = fixture;
    const [a, b] = [pieceOf("a", 300), pieceOf("b", 300)];
    await storage.addPiece(a);
    await storage.addPiece(b);
    await rot(fixture, "staged/1-1");
    await storage.startSeal(1, ticketAt(1), identity);
    expect(await reaches(storage, 1, "sealed", "failed")).toMatchObject({ reason: "storage/staged-corrupt" });
    expect(await storage.verifyPiece("a")).toMatchObject({ intact: false });
    expect(await storage.verifyPiece("b")).toMatchObject({ intact: true });
    await storage.dropPiece("a");
    await storage.retrySector(1);
    await sealTo(storage, 1, "committed");
    expect(equalBytes(await storage.readPieceFromSealedSector("b"), b.bytes)).toBe(true);
    await storage.close();
  });

  it("bytes outside of pieces do not matter", async () => {
    const fixture = await simStorage(files.next());
    const { storage, disk } = fixture;
    await storage.addPiece(pieceOf("a", 100));
    await storage.addPiece(pieceOf("b", 300));
    await rot(fixture, "staged/1-1", 110);
    await sealTo2(storage);
    expect((await storage.getSector(1)).state).toBe("sealed");
    expect(await disk.sizeBytes("staged/1-1")).toBe(808);
    await storage.close();
  });

  it("of the cache fail the seal proof, and a new seal heals it", async () => {
    const fixture = await simStorage(files.next());
    const { storage } = fixture;
    await storage.addPiece(pieceOf("a", 300));
    await sealTo2(storage);
    const aux = (await fixture.disk.readFile("cache/1-1/aux")) ?? new Uint8Array(0);
    await fixture.disk.writeFile(
      "cache/1-1/aux",
      aux.map((byte) => byte ^ 1),
    );
    await storage.proveSeal(1, seedAt(9));
    const event = await reaches(storage, 1, "proved", "failed");
    expect(event.to).toBe("failed");
    expect(event.reason).toMatch(/^proofs\//);
    await storage.retrySector(1);
    expect((await storage.getSector(1)).state).toBe("sealed");
    await storage.restartSeal(1, "damaged cache");
    await sealTo(storage, 1, "committed");
    expect((await storage.getSector(1)).state).toBe("committed");
    await storage.close();
  });

  it("of one sector never spoil the proof of the others", async () => {
    const fixture = await committedStorage(files.next(), 4);
    const { storage, disk } = fixture;
    const tree = (await disk.readFile("cache/1-1/tree")) ?? new Uint8Array(0);
    await disk.writeFile(
      "cache/1-1/tree",
      tree.map((byte, i) => (i % 32 === 0 ? byte ^ 1 : byte)),
    );
    await disk.remove("cache/2-1/tree");
    await disk.writeFile("cache/3-1/tree", tree.subarray(1));
    const unsealed = await storage.addCommittedCapacity();
    const { proof, proven, faults } = await storage.generatePost("window", seedAt(2), [1, 2, 3, 4, unsealed]);
    expect(proven).toEqual([4]);
    expect(faults.map(({ sectorId, code }) => [sectorId, code]).sort()).toEqual([
      [1, "proofs/comm-r-mismatch"],
      [2, "storage/missing-file"],
      [3, "storage/replica-corrupt"],
      [5, "storage/not-sealed"],
    ]);
    const commR = (await storage.getSector(4)).commitments?.commR ?? new Uint8Array();
    const sectors = [{ sectorId: sectorIdOf(4), sectorBytes, commR }];
    expect(
      createVerifier().verifyPost({
        classes: defaultClasses,
        kind: "window",
        seed: seedAt(2),
        miner,
        sectors,
        proof,
      }),
    ).toBe(true);
    expect(await codeOf(storage.generatePost("window", seedAt(2), [2, 3]))).toBe(
      "storage/no-provable-sector",
    );
    expect(await codeOf(storage.generatePost("window", seedAt(2), []))).toBe("storage/no-provable-sector");
    await storage.close();
  });

  it("of the replica never give wrong bytes", async () => {
    const fixture = await committedStorage(files.next(), 1);
    const { storage, disk } = fixture;
    await disk.remove("unsealed/1-1");
    const replica = (await disk.readFile("sealed/1-1")) ?? new Uint8Array(0);
    const codes = new Set<string>();
    for (let at = 0; at < sectorBytes; at += 32) {
      await disk.writeFile("sealed/1-1", replica);
      await rot(fixture, "sealed/1-1", at);
      const code = await codeOf(readAll(storage.readPiece("p1")));
      codes.add(code);
      if (code !== "no error") continue;
      expect(equalBytes(await readAll(storage.readPiece("p1")), pieceOf("p1", 900).bytes)).toBe(true);
    }
    codes.delete("no error"); // behind the piece
    codes.delete("storage/piece-corrupt"); // when the damage happens to look like padded data
    expect([...codes]).toEqual(["storage/replica-corrupt"]);
    await disk.writeFile("sealed/1-1", replica.subarray(1));
    expect(await codeOf(readAll(storage.readPiece("p1")))).toBe("storage/replica-corrupt");
    await disk.remove("sealed/1-1");
    expect(await codeOf(readAll(storage.readPiece("p1")))).toBe("storage/missing-file");
    await disk.writeFile("sealed/1-1", replica);
    expect(equalBytes(await readAll(storage.readPiece("p1")), pieceOf("p1", 900).bytes)).toBe(true);
    await storage.close();
  });
});

describe("an unsealing that gives other data", () => {
  it("is found by commP", async () => {
    const forgetful: Prover = {
      ...prover,
      extractRange: async function* (request, hooks) {
        const chunks = prover.extractRange(request, hooks);
        for (let step = await chunks.next(); ; step = await chunks.next()) {
          if (step.done === true) return step.value;
          yield step.value.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
        }
      },
    };
    const { storage } = await simStorage(files.next(), { prover: forgetful, keepUnsealed: false });
    await storage.addPiece(pieceOf("a", 900));
    await sealTo(storage, 1, "committed");
    expect(await codeOf(storage.readPieceFromSealedSector("a"))).toBe("storage/piece-corrupt");
    expect(await codeOf(readAll(storage.readPiece("a", { offset: 800 })))).toBe("storage/piece-corrupt");
    await storage.close();
  });
});

describe("ranges", () => {
  it("cost what they depend on: a small piece of a sector decodes a part of the keys", async () => {
    const costs: RangeCost[] = [];
    const counting: Prover = {
      ...prover,
      extract: () => Promise.reject(utf8Bytes("the whole sector was unsealed")),
      extractRange: async function* (request, hooks) {
        const cost = yield* prover.extractRange(request, hooks);
        costs.push(cost);
        return cost;
      },
    };
    const large = 16 * 1024;
    const { storage } = await simStorage(files.next(), {
      prover: counting,
      keepUnsealed: false,
      sectorBytes: large,
    });
    await storage.addPiece(pieceOf("small", 100));
    await storage.addPiece(pieceOf("large", 8000));
    await storage.sealAllStagedSectors();
    await sealTo(storage, 1, "committed");
    for (const key of ["small", "large"]) {
      const { bytes } = pieceOf(key, key === "small" ? 100 : 8000);
      expect(equalBytes(await storage.readPieceFromSealedSector(key), bytes)).toBe(true);
    }
    const { nodes, layers } = sectorProfile(large);
    const [small, most] = costs.map(({ decodedNodes }) => decodedNodes / (nodes * layers));
    expect(small).toBeLessThan(0.3);
    expect(most).toBeGreaterThan(0.5);
    await storage.close();
  });

  it("are read from both copies alike, and refused outside of the piece", async () => {
    const { storage, disk } = await committedStorage(files.next(), 1);
    const { bytes } = pieceOf("p1", 900);
    const ranges = [{}, { offset: 900 }, { offset: 899 }, { length: 0 }, { offset: 127, length: 300 }];
    for (const copy of ["plain", "sealed"]) {
      if (copy === "sealed") await disk.remove("unsealed/1-1");
      for (const range of ranges) {
        const { offset = 0, length = 900 - offset } = range as { offset?: number; length?: number };
        const found = await readAll(storage.readPiece("p1", range));
        expect(equalBytes(found, bytes.subarray(offset, offset + length)), copy).toBe(true);
      }
    }
    for (const range of [
      { offset: -1 },
      { offset: 901 },
      { length: 901 },
      { offset: 0.5 },
      { length: Number.NaN },
    ]) {
      expect(await codeOf(readAll(storage.readPiece("p1", range)))).toBe("storage/bad-range");
    }
    await storage.close();
  });
});

describe("a start", () => {
  it("cuts what a half-written piece has left in a staged file", async () => {
    const { storage, disk, dbPath } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 100));
    await storage.close();
    const staged = (await disk.readFile("staged/1-1")) ?? new Uint8Array(0);
    await disk.writeFile("staged/1-1", new Uint8Array([...staged, ...new Uint8Array(300).fill(1)]));
    const again = await simStorage(dbPath, { disk });
    expect(await disk.readFile("staged/1-1")).toEqual(staged);
    await again.storage.close();
  });

  it("finishes with the files of a commit, and takes no stale file for the plain copy", async () => {
    const { storage, disk, dbPath } = await simStorage(files.next());
    await storage.addPiece(pieceOf("p1", 900));
    await sealTo(storage, 1, "proved");
    await storage.close();
    const db = new DatabaseSync(dbPath);
    db.exec("UPDATE sectors SET state = 'committed'");
    db.close();
    await disk.rename("staged/1-1", "unsealed/1-1"); // not recorded yet
    const second = await simStorage(dbPath, { disk });
    expect(await filesOn(disk)).toEqual(["cache/1-1/tree", "sealed/1-1", "unsealed/1-2"]);
    await second.storage.close();
    await disk.writeFile("staged/1-1", new Uint8Array(1016));
    const third = await simStorage(dbPath, { disk });
    await third.storage.audit(); // behind the look at all files, which begins with the opening
    expect(await filesOn(disk)).toEqual(["cache/1-1/tree", "sealed/1-1", "unsealed/1-2"]);
    expect(await third.storage.verifyPiece("p1")).toMatchObject({ intact: true });
    await third.storage.close();
  });

  it("drops plain copies when they are no longer wanted", async () => {
    const { storage, disk, dbPath } = await committedStorage(files.next(), 1);
    await storage.close();
    const again = await simStorage(dbPath, { disk, keepUnsealed: false });
    expect(await filesOn(disk)).toEqual(["cache/1-1/tree", "sealed/1-1"]);
    expect(await again.storage.verifyPiece("p1")).toMatchObject({ intact: true });
    await again.storage.close();
  });
});

describe("the audit and the collector", () => {
  it("name every owner, delete orphans and nothing else", async () => {
    const { storage, disk } = await committedStorage(files.next(), 2);
    await storage.addPiece(pieceOf("staged", 100));
    const alive = await filesOn(disk);
    const orphans = [
      "sealed/77-1",
      "cache/1-1/aux",
      "cache/1-1/proof",
      "unsealed/3-1",
      "sealed/.1-2-3.part",
    ].concat(
      "work/1-0-0/sealed",
      "cache/9-1/tree",
      "cache/9/tree", // as earlier versions named them
      "sealed/1",
      "sealed/1-3-1",
    );
    const foreign = [
      "sealed/1-1.bak",
      "staged/notes.txt",
      "cache/readme",
      "work/my-file",
      "unsealed/deep/er/x",
    ];
    for (const path of [...orphans, ...foreign]) await disk.writeFile(path, utf8Bytes("x"));
    const audit = await storage.audit();
    expect(audit.orphans.map((file) => file.path).sort()).toEqual(orphans.toSorted());
    const all = await allFiles(storage);
    expect(audit).toMatchObject({ fileCount: all.length, orphanCount: orphans.length, missingCount: 0 });
    const kinds = (kind: string) => all.filter(({ owner }) => owner.kind === kind).map(({ path }) => path);
    expect(kinds("foreign").sort()).toEqual(foreign.toSorted());
    expect(kinds("sector").sort()).toEqual(alive);
    expect(all.find((file) => file.path === "sealed/2-1")?.owner).toEqual({
      kind: "sector",
      sectorId: 2,
      role: "sealed",
    });
    const { removed, freedBytes } = await storage.collectGarbage();
    expect(removed.toSorted()).toEqual(orphans.toSorted());
    expect(freedBytes).toBe(orphans.length);
    expect(await filesOn(disk)).toEqual([...alive, ...foreign].sort());
    expect(await storage.collectGarbage()).toEqual({ removed: [], removedCount: 0, freedBytes: 0 });
    await storage.close();
  });

  it("leave the files of a running job alone", async () => {
    const { storage, disk } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 900));
    await storage.startSeal(1, ticketAt(1), identity);
    const kinds = new Set<string>();
    while ((await storage.getSector(1)).state === "sealing") {
      const { removed } = await storage.collectGarbage();
      expect(removed).toEqual([]);
      for await (const file of storage.files()) kinds.add(file.owner.kind);
      expect(kinds.has("orphan")).toBe(false);
    }
    expect((await storage.getSector(1)).state).toBe("sealed");
    expect(await filesOn(disk)).toHaveLength(4);
    await storage.close();
  });

  it("name what a sector lacks", async () => {
    const { storage, disk } = await committedStorage(files.next(), 1);
    await disk.remove("sealed/1-1");
    await disk.remove("unsealed/1-1");
    expect((await storage.audit()).missing).toMatchObject([
      { path: "sealed/1-1", sectorId: 1, role: "sealed" },
    ]);
    await storage.close();
  });
});

async function sealTo2(storage: Storage): Promise<void> {
  await storage.sealAllStagedSectors();
  await sealTo(storage, 1, "sealed");
}
