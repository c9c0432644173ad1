/** Plain copies that turn out to be damaged when somebody reads them: the reader is served, the copy is made anew. */
import type { SimDisk } from "@holdfast/base/testing";
import { afterAll, describe, expect, it } from "vitest";
import { pieceOf, readAll, scratch } from "./support.ts";
import { committedSector, expectExact, VolumeWorld } from "./volume-world.ts";

const files = scratch();
afterAll(() => files.remove());

const hourMs = 3_600_000;
const piece = pieceOf("p", 900);

/** A committed sector whose files lie at home; its plain copy is `unsealed/1-1`. */
async function worldWithSector(): Promise<VolumeWorld> {
  const world = new VolumeWorld(files.next());
  await world.open();
  await committedSector(world.storage, "p");
  return world;
}

const plainName = "unsealed/1-1";

async function rot(disk: SimDisk, name: string): Promise<void> {
  const bytes = await disk.readFile(name);
  if (bytes === undefined) throw new Error(`there is no ${name}`);
  await disk.writeFile(name, bytes.fill(7, 100, 120));
}

const same = (bytes: Uint8Array, from = 0, to = bytes.length + from): boolean =>
  Buffer.from(bytes).equals(piece.bytes.subarray(from, to));

describe("a damaged plain copy", () => {
  it("that a reader has found is read no more, comes out of the replica, and is made anew", async () => {
    await using world = await worldWithSector();
    const { storage, home } = world;
    await rot(home, plainName);
    expect(same(await readAll(storage.readPiece("p")))).toBe(false);
    expect(await storage.doubtPiece("p")).toBe(true);
    expect(await storage.hasPlainCopy("p")).toBe(false);
    expect(same(await readAll(storage.readPiece("p", { offset: 90, length: 50 })), 90, 140)).toBe(true);
    await expect.poll(() => storage.hasPlainCopy("p")).toBe(true);
    expect(same((await home.readFile(plainName))?.subarray(0, 900) ?? new Uint8Array())).toBe(true);
    expect(same(await readAll(storage.readPiece("p")))).toBe(true);
    await expectExact(storage);
  });

  it("that the disk does not give is read on out of the replica in the midst of a read", async () => {
    await using world = await worldWithSector();
    const { storage, home } = world;
    const told: number[] = [];
    using _listening = storage.onDoubt((sectorId) => void told.push(sectorId));
    home.fault = (operation, path) => (operation === "readAt" && path === plainName ? "io" : undefined);
    expect(same(await readAll(storage.readPiece("p", { offset: 10, length: 800 })), 10, 810)).toBe(true);
    expect(told).toEqual([1]);
    home.fault = () => undefined;
    // Whoever listens repairs; until then the replica is read.
    expect(await storage.hasPlainCopy("p")).toBe(false);
    await storage.volumes.repair(1);
    expect(await storage.hasPlainCopy("p")).toBe(true);
  });

  it("that was cut off under a reader is no error either", async () => {
    await using world = await worldWithSector();
    const { storage, home } = world;
    const reading = storage.readPiece("p")[Symbol.asyncIterator]();
    {
      await using plain = await home.open(plainName, "write");
      await plain.truncate(0);
    }
    const { value } = await reading.next();
    expect(same(value)).toBe(true);
  });

  it("is looked at once an hour, however often a whole one is doubted", async () => {
    await using world = await worldWithSector();
    const { storage, clock } = world;
    const told: number[] = [];
    using _listening = storage.onDoubt((sectorId) => void told.push(sectorId));
    expect(await storage.doubtPiece("p")).toBe(true);
    expect(await storage.doubtPiece("p")).toBe(true);
    await storage.volumes.repair(1);
    expect(await storage.doubtPiece("p")).toBe(false);
    expect(await storage.hasPlainCopy("p")).toBe(true);
    await clock.advance(hourMs);
    expect(await storage.doubtPiece("p")).toBe(true);
    expect(told).toEqual([1, 1]);
  });

  it("that a check finds whole is read again", async () => {
    await using world = await worldWithSector();
    const { storage } = world;
    using _listening = storage.onDoubt(() => undefined); // nobody repairs
    expect(await storage.doubtPiece("p")).toBe(true);
    expect(await storage.hasPlainCopy("p")).toBe(false);
    expect((await storage.volumes.check(1)).troubles).toEqual([]);
    expect(await storage.hasPlainCopy("p")).toBe(true);
  });

  it("that a check finds damaged stays in doubt", async () => {
    await using world = await worldWithSector();
    const { storage, home } = world;
    using _listening = storage.onDoubt(() => undefined);
    await rot(home, plainName);
    expect(await storage.doubtPiece("p")).toBe(true);
    expect((await storage.volumes.check(1)).troubles).toMatchObject([{ role: "unsealed" }]);
    expect(await storage.hasPlainCopy("p")).toBe(false);
  });

  it("is given as it is where nothing better is left, and one that is not sealed yet is not doubted", async () => {
    await using world = await worldWithSector();
    const { storage, home } = world;
    await rot(home, plainName);
    await rot(home, "sealed/1-1");
    await rot(home, "tree/1").catch(() => undefined);
    for (const name of await home.list("cache/1-1").catch(() => [])) await rot(home, `cache/1-1/${name}`);
    expect(await storage.doubtPiece("p")).toBe(true);
    await expect.poll(() => storage.hasPlainCopy("p")).toBe(true);
    expect(await readAll(storage.readPiece("p"))).toHaveLength(900);
    await storage.addPiece(pieceOf("q", 300));
    expect(await storage.doubtPiece("q")).toBe(false);
  });
});
