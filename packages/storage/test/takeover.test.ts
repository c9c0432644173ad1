/**
 * A process that was taken over and comes late: it stood still between its last look at an orphan and the deletion, and
 * its successor has put files in place since. And names of files as earlier versions gave them.
 */
import { DatabaseSync } from "node:sqlite";
import { type Disk, utf8Bytes } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage, type Storage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { filesOn, pieceOf, prover, scratch, sealTo, sectorBytes, seedAt } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

const open = (disk: Disk, dbPath: string): Promise<Storage> =>
  openStorage({ disk, dbPath, prover, clock: new SimClock(), sectorBytes });

/** A sector with a piece, on the chain. */
async function filled(storage: Storage): Promise<void> {
  await storage.addPiece(pieceOf("a", 900));
  await sealTo(storage, 1, "committed");
}

async function expectWhole(storage: Storage): Promise<void> {
  expect(await storage.audit()).toMatchObject({ orphans: [], missing: [] });
  expect((await storage.volumes.check(1)).troubles).toEqual([]);
  expect((await storage.generatePost("window", seedAt(3), [1])).faults).toEqual([]);
  expect(await storage.hasPlainCopy("a")).toBe(true);
}

/** A disk on which the removal of a file waits. */
function standing(disk: SimDisk, file: string): { disk: Disk; reached: Promise<void>; go: () => void } {
  const [reached, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = new Proxy(disk, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      if (name !== "remove") return typeof own === "function" ? own.bind(target) : own;
      return async (path: string) => {
        if (path === file) {
          reached.resolve();
          await gone.promise;
        }
        await target.remove(path);
      };
    },
  });
  return { disk: slow, reached: reached.promise, go: () => gone.resolve() };
}

describe("a process that was taken over", () => {
  it("deletes nothing of its successor, however late it comes", async () => {
    const example = new SimDisk();
    const one = await open(example, files.next());
    await filled(one);
    await one.close();
    const names = await filesOn(example);
    expect(names).toHaveLength(3);
    for (const name of names) {
      const [disk, dbPath] = [new SimDisk(), files.next()];
      const late = standing(disk, name);
      const zombie = await open(late.disk, dbPath);
      await disk.writeFile(name, utf8Bytes("of a seal that was never recorded"));
      const collecting = zombie.collectGarbage();
      collecting.catch(() => undefined); // that it was taken over
      await late.reached;
      const heir = await open(disk, dbPath);
      await filled(heir);
      late.go();
      await collecting.catch(() => undefined);
      await expectWhole(heir);
      await heir.close();
      await zombie.close().catch(() => undefined);
    }
  });
});

describe("files with names of earlier versions", () => {
  it("are read, proven, repaired and let go", async () => {
    const [disk, dbPath] = [new SimDisk(), files.next()];
    const before = await open(disk, dbPath);
    await filled(before);
    await before.close();
    const db = new DatabaseSync(dbPath);
    for (const name of await filesOn(disk)) {
      const bare = name.replace("1-1", "1");
      await disk.rename(name, bare);
      db.prepare("UPDATE sector_files SET path = ? WHERE path = ?").run(bare, name);
    }
    db.close();
    await disk.writeFile("sealed/2", utf8Bytes("an orphan"));
    const storage = await open(disk, dbPath);
    await expectWhole(storage);
    expect(await filesOn(disk)).toEqual(["cache/1/tree", "sealed/1", "unsealed/1"]);
    await disk.remove("sealed/1");
    expect(await storage.volumes.repair(1)).toMatchObject({ repaired: ["sealed"] });
    await expectWhole(storage);
    expect(await filesOn(disk)).toEqual(["cache/1/tree", "sealed/1-2", "unsealed/1"]);
    await storage.dropSector(1);
    expect(await filesOn(disk)).toEqual([]);
    expect(await disk.list("cache")).toEqual([]);
    await storage.close();
  });
});
