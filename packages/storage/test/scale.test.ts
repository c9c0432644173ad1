/** What does not grow with the number of stored sectors: what an opening looks at, and what a report holds. */
import { DatabaseSync } from "node:sqlite";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Disk, type Logger, silentLogger } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { prover, scratch, sectorBytes, simStorage } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Committed sectors in the metadata alone: their files are all missing. */
async function metadataOf(count: number): Promise<string> {
  const dbPath = files.next();
  await (await simStorage(dbPath)).storage.close();
  const db = new DatabaseSync(dbPath);
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  db.exec(`${numbers} INSERT INTO sectors SELECT i, ${sectorBytes}, 'capacity', 'committed', 0, 0, 0, 1,
    zeroblob(32), zeroblob(32), 'tf', zeroblob(32), zeroblob(32), zeroblob(32), NULL, NULL, NULL, NULL FROM n`);
  for (const [role, name] of [
    ["sealed", "'sealed/' || i"],
    ["tree", "'cache/' || i || '/tree'"],
  ]) {
    db.exec(`${numbers} INSERT INTO sector_files SELECT i, '${role}', 0, ${name}, 1 FROM n`);
  }
  db.close();
  return dbPath;
}

describe("a storage with many sectors", () => {
  it("opens with as many looks at its disk as one with few, and tells of what is missing afterwards", async () => {
    const looksAt = async (count: number) => {
      const disk = new SimDisk();
      let looks = 0;
      const counting = new Proxy(disk, {
        get: (target, name) => {
          const found: unknown = Reflect.get(target, name, target);
          if (typeof found !== "function") return found;
          return (...given: unknown[]) => {
            looks += 1;
            return found.apply(target, given);
          };
        },
      }) as Disk;
      const errors: string[] = [];
      const logger: Logger = { ...silentLogger, error: (text) => void errors.push(text) };
      const dbPath = await metadataOf(count);
      const storage = await openStorage({
        disk: counting,
        dbPath,
        prover,
        clock: new SimClock(),
        sectorBytes,
        logger,
      });
      const atOpening = looks;
      const audit = await storage.audit();
      await storage.close();
      return { atOpening, audit, errors };
    };
    const few = await looksAt(3);
    const many = await looksAt(700);
    expect(many.atOpening).toBe(few.atOpening);
    expect(few.audit).toMatchObject({ missingCount: 6, fileCount: 0 });
    expect(many.audit.missingCount).toBe(1_400);
    expect(many.audit.missing).toHaveLength(1_000);
    expect(many.errors).toHaveLength(21); // twenty by name, and how many there are
  });

  it("is opened and gone through page by page in the memory of a page, however many there are", async () => {
    const heldBytes = async (count: number): Promise<number> => {
      const dbPath = await metadataOf(count);
      const [disk, clock] = [new SimDisk(), new SimClock()];
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      const storage = await openStorage({ disk, dbPath, prover, clock, sectorBytes });
      let seen = 0;
      let heldMost = 0;
      for (let after = 0; ; ) {
        const page = await storage.listSectors({ after, limit: 1_000 });
        seen += page.length;
        after = page.at(-1)?.sectorId ?? after;
        if (page.length === 0 || seen % 10_000 === 0) {
          collectGarbage();
          heldMost = Math.max(heldMost, process.memoryUsage().heapUsed - before);
        }
        if (page.length === 0) break;
      }
      expect(seen).toBe(count);
      await storage.close();
      return heldMost;
    };
    await heldBytes(1_000); // what is compiled and prepared once
    const few = await heldBytes(1_000);
    const many = await heldBytes(50_000);
    // One object a sector would be 5 MB and more.
    expect(many - few).toBeLessThan(3 * 2 ** 20);
  });
});
