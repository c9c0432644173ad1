/**
 * The collector deletes nothing alive: whatever happens to volumes and sectors, in whatever order, with garbage thrown
 * in between, every piece can be read and every sector be proven after each collection. Planted bugs are found.
 */
import { equalBytes } from "@holdfast/base";
import type { Storage } from "@holdfast/storage";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { pieceOf, readAll, scratch, sealTo, seedAt } from "./support.ts";
import { expectExact, VolumeWorld } from "./volume-world.ts";

const files = scratch();
afterAll(() => files.remove());

const places = ["/mnt/a", "/mnt/b"];
const garbage = [
  "sealed/77",
  "cache/1/aux",
  "work/1-0/sealed",
  "unsealed/9",
  "staged/1.bak",
  "sealed/.1-2-3.part",
];
type Sabotage = (world: VolumeWorld) => Promise<void>;

type Step = {
  readonly what: "add" | "drain" | "open" | "litter" | "reopen" | "drop" | "capacity";
  readonly n: number;
};
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom("add", "add", "drain", "open", "litter", "reopen", "drop", "capacity"),
  n: fc.nat(5),
});

async function alive(world: VolumeWorld): Promise<void> {
  const { storage } = world;
  for (const { pieceKey, userBytes } of await storage.listPieces()) {
    expect(equalBytes(await readAll(storage.readPiece(pieceKey)), pieceOf(pieceKey, userBytes).bytes)).toBe(
      true,
    );
  }
  const sectors = (await storage.listSectors({ states: ["committed"] })).map(({ sectorId }) => sectorId);
  if (sectors.length > 0) {
    expect((await storage.generatePost("window", seedAt(1), sectors)).proven).toEqual(sectors);
  }
  await expectExact(storage);
}

async function settled(storage: Storage, world: VolumeWorld): Promise<void> {
  for (let n = 0; n < 20; n++) {
    const draining = (await storage.volumes.list()).filter(
      ({ mode, fileCount }) => mode === "draining" && fileCount > 0,
    );
    if (draining.length === 0) return;
    await world.clock.advance(10_000);
  }
}

async function act({ what, n }: Step, world: VolumeWorld, count: number): Promise<void> {
  const { storage } = world;
  const place = places[n % 2] ?? "";
  switch (what) {
    case "add": {
      const { sectorId } = await storage.addPiece(pieceOf(`k${count}`, 100 + 150 * n));
      if (n % 2 === 0) return;
      await storage.sealStagedSector(sectorId);
      return await sealTo(storage, sectorId, n === 3 ? "proved" : "committed");
    }
    case "capacity":
      return await sealTo(storage, await storage.addCommittedCapacity(), "committed");
    case "drain":
      await storage.volumes.change(place, { mode: "draining" });
      return await settled(storage, world);
    case "open":
      await storage.volumes.change(place, { mode: "open", weight: 1 + n });
      return;
    case "litter":
      for (const disk of [world.home, world.diskAt(place)]) {
        const path = garbage[n] ?? "";
        if ((await disk.sizeBytes(path)) === undefined) await disk.writeFile(path, new Uint8Array(7));
      }
      return;
    case "reopen":
      await world.reopen();
      return;
    case "drop": {
      const [sector] = await storage.listSectors({ states: ["committed"], limit: 1 });
      if (sector !== undefined) await storage.dropSector(sector.sectorId);
    }
  }
}

async function check(sabotage: Sabotage, numRuns: number): Promise<boolean> {
  const property = fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 14 }), async (steps) => {
    await using world = new VolumeWorld(files.next());
    await world.open();
    for (const place of places) await world.storage.volumes.attach({ place });
    for (const [count, one] of steps.entries()) {
      await act(one, world, count);
      await sabotage(world);
      await world.storage.collectGarbage();
      await alive(world);
    }
  });
  return (await fc.check(property, { numRuns, seed: 20_190_301, endOnFailure: true })).failed;
}

describe("the collector, whatever happens to volumes", () => {
  it("deletes nothing alive and leaves nothing dead", async () => {
    expect(await check(async () => undefined, 6)).toBe(false);
  });
  it("canary: a row that is forgotten while its file is alive is found", async () => {
    const forget: Sabotage = async ({ dbPath }) => {
      const { DatabaseSync } = await import("node:sqlite");
      const db = new DatabaseSync(dbPath);
      db.exec("DELETE FROM sector_files WHERE role = 'tree' AND sector_id % 2 = 1");
      db.close();
    };
    expect(await check(forget, 12)).toBe(true);
  });
  it("canary: a counter that drifts is found", async () => {
    const drift: Sabotage = async ({ dbPath }) => {
      const { DatabaseSync } = await import("node:sqlite");
      const db = new DatabaseSync(dbPath);
      db.exec("UPDATE volumes SET used_bytes = used_bytes + 1");
      db.close();
    };
    expect(await check(drift, 2)).toBe(true);
  });
});
