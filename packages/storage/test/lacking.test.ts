/** Files of sectors that are recorded and gone: they are named, with what is left to make them of. */
import { codeOf } from "@holdfast/base/testing";
import { afterAll, describe, expect, it } from "vitest";
import { committedStorage, pieceOf, scratch, sealTo, simStorage } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

const upTo = (mostSectors: number) => ({ mostSectors, mostMs: 1_000, signal: new AbortController().signal });

describe("files that somebody has deleted", () => {
  it("are named with their sector, and what can be made anew of what is left", async () => {
    const fixture = await committedStorage(files.next(), 4);
    const { storage, disk } = fixture;
    await storage.addPiece(pieceOf("on its way", 300));
    await storage.addCommittedCapacity();
    const none = { sectors: [], sectorCount: 0, fileCount: 0, lookedTo: null };
    expect(await storage.volumes.lacking(upTo(9))).toMatchObject({ ...none, lookedCount: 6 });
    for (const gone of ["sealed/1-1", "cache/1-1/tree", "unsealed/2-1", "staged/5-1"])
      await disk.remove(gone);
    for (const gone of ["sealed/4-1", "cache/4-1/tree", "unsealed/4-1"]) await disk.remove(gone);
    const found = await storage.volumes.lacking(upTo(9));
    expect(found).toMatchObject({ sectorCount: 4, fileCount: 7, lookedCount: 6, lookedTo: null });
    const told = found.sectors.map(({ sectorId, isProvable, isRepairable, missing }) => [
      ...[sectorId, isProvable, isRepairable],
      missing.map(({ role }) => role).sort(),
    ]);
    expect(told).toEqual([
      [1, false, true, ["sealed", "tree"]],
      [2, true, true, ["unsealed"]],
      [4, false, false, ["sealed", "tree", "unsealed"]],
      [5, false, false, ["staged"]],
    ]);
    expect(await storage.volumes.lacking(upTo(3))).toMatchObject({
      sectorCount: 2,
      lookedCount: 3,
      lookedTo: 3,
    });
    const rest = await storage.volumes.lacking({ ...upTo(3), after: 3 });
    expect(rest).toMatchObject({ sectorCount: 2, lookedCount: 3, lookedTo: null });
    const late = await storage.volumes.lacking({ ...upTo(9), mostMs: -1 });
    expect(late).toMatchObject({ lookedCount: 1, lookedTo: 1 }); // who asks on comes to an end
    const signal = AbortSignal.abort(new Error("nobody waits"));
    await expect(storage.volumes.lacking({ ...upTo(9), signal })).rejects.toThrow("nobody waits");
    for (const sectorId of [1, 2]) await storage.volumes.repair(sectorId);
    expect(await codeOf(storage.volumes.repair(4))).toBe("storage/unrepairable");
    expect((await storage.volumes.lacking(upTo(9))).sectors.map(({ sectorId }) => sectorId)).toEqual([4, 5]);
    await storage.close();
  });
});

describe("a report that cannot name all", () => {
  it("names what can be made anew before what is lost", async () => {
    const { storage, disk } = await simStorage(files.next());
    const [named, last] = [100, 103];
    for (let sector = 1; sector <= last; sector++) await storage.addPiece(pieceOf(`p${sector}`, 900));
    await sealTo(storage, last, "committed");
    await disk.remove(`unsealed/${last}-1`);
    for (let sector = 1; sector < last; sector++) await disk.remove(`staged/${sector}-1`);
    const { sectors, sectorCount } = await storage.volumes.lacking(upTo(last));
    expect([sectors.length, sectorCount]).toEqual([named, last]);
    expect(sectors.filter(({ isRepairable }) => isRepairable)).toMatchObject([{ sectorId: last }]);
    await storage.close();
  });
});

describe("a sector whose seal is not final", () => {
  it("is made anew when it is, of what it was sealed from", async () => {
    const { storage, disk } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 900));
    await sealTo(storage, 1, "proved");
    for (const gone of ["sealed/1-1", "cache/1-1/tree"]) await disk.remove(gone);
    expect((await storage.volumes.lacking(upTo(9))).sectors).toMatchObject([
      { state: "proved", isRepairable: true },
    ]);
    expect(await codeOf(storage.volumes.repair(1))).toBe("storage/not-final");
    await storage.confirmCommitted(1);
    expect((await storage.volumes.repair(1)).repaired).toEqual(expect.arrayContaining(["sealed", "tree"]));
    expect((await storage.volumes.lacking(upTo(9))).fileCount).toBe(0);
    await storage.close();
  });
});
