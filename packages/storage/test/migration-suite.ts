/** Metadata on its way from one database to another, of whatever engines, while the storage works. */
import { symlinkSync } from "node:fs";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage, type Storage } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import type { FreshAddress } from "./metadata-suite.ts";
import { miner, pieceOf, prover, reaches, sealTo, sectorBytes } from "./support.ts";

const open = (dbPath: string, disk: SimDisk) =>
  openStorage({ disk, dbPath, prover, clock: new SimClock(), sectorBytes });
const contents = async (storage: Storage) => ({
  sectors: await storage.listSectors(),
  pieces: await storage.listPieces(),
  totals: await storage.countSectors(),
  cursor: await storage.cursorOf("mine"),
  usage: await storage.usage(),
});
/** A storage with something in every table. */
const filled = async (dbPath: string, disk: SimDisk): Promise<Storage> => {
  const storage = await open(dbPath, disk);
  for (const key of ["a", "b", "é", "c"]) await storage.addPiece(pieceOf(key, 500));
  await storage.dropPiece("b");
  await storage.sealAllStagedSectors();
  await sealTo(storage, 1, "committed");
  for (let count = 0; count < 20; count++) await storage.addCommittedCapacity();
  await storage.dropSector(4);
  await storage.saveCursor("mine", 7);
  return storage;
};

export function migrationSuite(name: string, first: FreshAddress, second: FreshAddress): void {
  describe(name, () => {
    it("moves there and back with every row, and the one that was left refuses to be opened", async () => {
      const [here, there] = [first(), second()];
      const disk = new SimDisk();
      await using storage = await filled(here, disk);
      const before = await contents(storage);
      const gone = await storage.moveMetadata(there);
      expect(gone.rowCount).toBeGreaterThan(80);
      expect(await contents(storage)).toEqual(before);
      expect(await codeOf(open(here, disk))).toBe("storage/database-moved");
      await storage.addPiece(pieceOf("late", 900));
      await storage.dropSector(5);
      const after = await contents(storage);
      await storage.close();
      await using again = await open(there, disk);
      expect(await contents(again)).toEqual(after);
      await again.moveMetadata(here); // onto the old copy
      expect(await contents(again)).toEqual(after);
      expect(await codeOf(open(there, disk))).toBe("storage/database-moved");
      await again.close();
      await using home = await open(here, disk);
      expect(await contents(home)).toEqual(after);
      expect(await home.addCommittedCapacity()).toBe(24); // never an id twice
    });

    it("stays where it is when it is told to go there, under another name too", async () => {
      const [here, disk] = [first(), new SimDisk()];
      await using storage = await filled(here, disk);
      const isUrl = here.includes("://");
      const linked = isUrl ? `${here}&connect_timeout=9` : `${here}-link`;
      if (!isUrl) symlinkSync(here, linked);
      for (const name of [here, linked]) {
        expect(await codeOf(storage.moveMetadata(name))).toBe("storage/same-database");
      }
      await storage.close();
      await using again = await open(here, disk);
      expect((await contents(again)).cursor).toBe(7);
    });

    it("loses nothing of what is done meanwhile, and consumers of events go on", async () => {
      const disk = new SimDisk();
      await using storage = await filled(first(), disk);
      const there = second();
      const moving = storage.moveMetadata(there);
      const sealing = sealTo(storage, 6, "committed");
      const added = await Promise.all(
        Array.from(
          { length: 12 },
          async (_, at) => (await storage.addPiece(pieceOf(`p${at}`, 100))).pieceKey,
        ),
      );
      await Promise.all([moving, sealing]);
      await reaches(storage, 6, "committed");
      const after = await contents(storage);
      await storage.close();
      await using again = await open(there, disk);
      expect(await contents(again)).toEqual(after);
      for (const key of added) expect((await again.verifyPiece(key)).intact).toBe(true);
      let cursor = 0;
      const stop = new AbortController();
      for await (const event of again.events(0, stop.signal)) {
        expect(event.cursor).toBe(cursor + 1); // none is missing and none twice
        cursor = event.cursor;
        if (event.sectorId === 6 && event.to === "committed") stop.abort();
      }
    });
  });
}

/** Of a storage at work, or of one that must not move. */
export function migrationTroubles(name: string, first: FreshAddress, second: FreshAddress): void {
  describe(`${name}, in trouble`, () => {
    busyCase(first, second);
    refusalCases(first, second);
  });
}

function busyCase(first: FreshAddress, second: FreshAddress): void {
  it("comes to an end although sectors and pieces come and go all the time", async () => {
    const disk = new SimDisk();
    await using storage = await filled(first(), disk);
    const there = second();
    let isOver = false;
    const moving = storage.moveMetadata(there).finally(() => (isOver = true));
    for (let count = 0; !isOver; count++) {
      await storage.addCommittedCapacity();
      const { pieceKey } = await storage.addPiece(pieceOf(`busy ${count}`, 100));
      if (count % 2 === 0) await storage.dropPiece(pieceKey);
      await new Promise(setImmediate); // no disk is waited for here, but sockets need their turn
    }
    await moving;
    const after = await contents(storage);
    await storage.close();
    await using again = await open(there, disk);
    expect(await contents(again)).toEqual(after);
  });
}

function refusalCases(first: FreshAddress, second: FreshAddress): void {
  it("never goes over another storage's metadata, nor on from one that was taken over", async () => {
    const disk = new SimDisk();
    const other = second();
    await (await filled(other, new SimDisk())).close();
    const here = first();
    await using storage = await filled(here, disk);
    await expect(storage.moveMetadata(other)).rejects.toMatchObject({
      code: "storage/others-records",
      data: { owner: `miner ${miner}` },
    });
    await using young = await open(here, disk);
    expect(await codeOf(storage.moveMetadata(second()))).toBe("storage/taken-over");
    expect((await young.moveMetadata(second())).rowCount).toBeGreaterThan(80);
  });
}
