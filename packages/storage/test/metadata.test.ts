/** The metadata file: whose it is, what it refuses to hold, and events that every consumer hears once. */
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage, type SealEvent } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import {
  identity,
  pieceOf,
  prover,
  reaches,
  scratch,
  sealTo,
  sectorBytes,
  simStorage,
  ticketAt,
} from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

const openAt = (dbPath: string) =>
  openStorage({ disk: new SimDisk(), dbPath, prover, clock: new SimClock(), sectorBytes });

describe("the metadata file", () => {
  it("that knows no sector is not started with where the folder's own file knows some", async () => {
    const [recordsPath, dbPath, disk] = [files.next(), files.next(), new SimDisk()];
    const beside = (path: string) =>
      openStorage({ disk, dbPath: path, recordsPath, prover, clock: new SimClock(), sectorBytes });
    await (await beside(dbPath)).close(); // there is no such file
    const storage = await beside(recordsPath);
    await storage.close();
    await (await beside(dbPath)).close(); // it knows none either
    const filled = await beside(recordsPath);
    await filled.addCommittedCapacity();
    await filled.close();
    expect(await codeOf(beside(dbPath))).toBe("storage/records-left");
    const again = await beside(recordsPath);
    await again.moveMetadata(dbPath);
    await again.close();
    const moved = await beside(dbPath);
    await moved.dropSector(1); // and has none for good reason
    await moved.close();
    await (await beside(dbPath)).close();
    expect(await codeOf(beside(files.next()))).toBe("storage/database-moved");
  });

  it("of another program is refused and not touched", async () => {
    const dbPath = files.next();
    const db = new DatabaseSync(dbPath);
    db.exec("CREATE TABLE deals (id INTEGER)");
    db.close();
    expect(await codeOf(openAt(dbPath))).toBe("storage/foreign-database");
    const tables = new DatabaseSync(dbPath).prepare("SELECT name FROM sqlite_schema").all();
    expect(tables).toMatchObject([{ name: "deals" }]);
  });

  it("of a newer version is refused", async () => {
    const dbPath = files.next();
    await (await openAt(dbPath)).close();
    const db = new DatabaseSync(dbPath);
    db.exec("PRAGMA user_version = 99");
    db.close();
    expect(await codeOf(openAt(dbPath))).toBe("storage/schema-too-new");
  });

  it("that is no database, or cannot be made, is refused", async () => {
    const dbPath = files.next();
    writeFileSync(dbPath, "this is not SQLite, whatever its name says. ".repeat(50));
    expect(await codeOf(openAt(dbPath))).toBe("storage/database-damaged");
    expect(await codeOf(openAt("/none/such/folder/db"))).toBe("storage/database-damaged");
  });

  it("is opened with an unknown sector size in vain", async () => {
    const dbPath = files.next();
    const options = { disk: new SimDisk(), dbPath, prover, clock: new SimClock(), sectorBytes: 1000 };
    expect(await codeOf(openStorage(options))).toBe("proofs/unknown-sector-size");
    expect(existsSync(dbPath)).toBe(false);
  });

  it("belongs to who opened it last; the older one cannot change it any more", async () => {
    const dbPath = files.next();
    const disk = new SimDisk();
    const old = await simStorage(dbPath, { disk });
    await old.storage.addPiece(pieceOf("a", 300));
    const young = await simStorage(dbPath, { disk });
    expect(await codeOf(old.storage.addPiece(pieceOf("b", 300)))).toBe("storage/taken-over");
    expect(await codeOf(old.storage.addCommittedCapacity())).toBe("storage/taken-over");
    expect(await codeOf(old.storage.saveCursor("x", 1))).toBe("storage/taken-over");
    expect(await young.storage.listPieces()).toHaveLength(1);
    await young.storage.addPiece(pieceOf("b", 300));
    await Promise.all([old.storage.close(), young.storage.close()]);
  });

  it("is a whole copy when it is copied after a close, with all sectors, ids and cursors", async () => {
    const dbPath = files.next();
    const { storage, disk } = await simStorage(dbPath);
    await storage.addPiece(pieceOf("a", 300));
    const capacity = await storage.addCommittedCapacity();
    await storage.dropSector(capacity);
    await storage.saveCursor("node", 2);
    const before = { sectors: await storage.listSectors(), pieces: await storage.listPieces() };
    await storage.close();
    const copy = files.next();
    copyFileSync(dbPath, copy);
    const again = await simStorage(copy, { disk });
    expect({ sectors: await again.storage.listSectors(), pieces: await again.storage.listPieces() }).toEqual(
      before,
    );
    expect(await again.storage.cursorOf("node")).toBe(2);
    expect(await again.storage.addCommittedCapacity()).toBe(capacity + 1); // never an id twice
    await again.storage.close();
  });

  it("cannot hold half a sector", async () => {
    const dbPath = files.next();
    await (await openAt(dbPath)).close();
    const db = new DatabaseSync(dbPath);
    const insert = (state: string, extra: string, values: string) =>
      db.exec(
        `INSERT INTO sectors (sector_id, sector_bytes, origin, state, attempt, opened_ms, changed_ms${extra})
         VALUES (1, 1024, 'pieces', '${state}', 0, 0, 0${values})`,
      );
    for (const state of ["sealing", "sealed", "proving", "proved", "committed", "faulty", "failed", "lost"]) {
      expect(() => insert(state, "", ""), state).toThrow(/CHECK/);
    }
    expect(() => insert("staging", ", comm_d", ", x'00'")).toThrow(/CHECK/);
    insert("staging", "", "");
    const piece = (offset: number, padded: number, user: number) =>
      db.exec(`INSERT INTO sector_pieces VALUES (1, ${offset}, zeroblob(32), ${padded}, ${user}, NULL)`);
    expect(() => piece(128, 256, 100)).toThrow(/CHECK/); // not aligned to its own size
    expect(() => piece(0, 128, 128)).toThrow(/CHECK/); // 127 user bytes at most
    expect(() => piece(0, 64, 1)).toThrow(/CHECK/);
    piece(128, 128, 127);
    db.close();
  });
});

describe("events", () => {
  const take = async (source: AsyncIterable<SealEvent>, count: number): Promise<SealEvent[]> => {
    const seen: SealEvent[] = [];
    for await (const event of source) if (seen.push(event) === count) break;
    return seen;
  };
  const line = ({ sectorId, from, to }: SealEvent) => `${sectorId}: ${from} → ${to}`;

  it("reach several consumers at their own pace, old ones first, each once", async () => {
    const { storage } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 1016));
    const early = take(storage.events(0), 5);
    const late = take(storage.events(2), 3);
    await sealTo(storage, 1, "proved");
    const all = await early;
    expect(all.map(line)).toEqual([
      "1: null → staging",
      "1: staging → closing",
      "1: closing → sealing",
      "1: sealing → sealed",
      "1: sealed → proving",
    ]);
    expect(await late).toEqual(all.slice(2));
    const cursors = all.map((event) => event.cursor);
    expect(cursors).toEqual(cursors.toSorted((a, b) => a - b));
    await storage.close();
  });

  it("go on after a restart from the saved cursor, with what happened in between", async () => {
    const dbPath = files.next();
    const first = await simStorage(dbPath);
    await first.storage.addCommittedCapacity();
    const [seen] = await take(first.storage.events(await first.storage.cursorOf("mine")), 1);
    await first.storage.saveCursor("mine", seen?.cursor ?? -1);
    await first.storage.addCommittedCapacity();
    await first.storage.close();
    const { storage } = await simStorage(dbPath, { disk: first.disk });
    const rest = await take(storage.events(await storage.cursorOf("mine")), 1);
    expect(rest.map(line)).toEqual(["2: null → closing"]);
    await storage.close();
  });

  it("come in any number, also more than one batch of rows", async () => {
    const { storage } = await simStorage(files.next());
    for (let i = 0; i < 150; i++) await storage.addCommittedCapacity();
    const seen = await take(storage.events(0), 150);
    expect(new Set(seen.map((event) => event.sectorId)).size).toBe(150);
    await storage.close();
  });

  it("end with the consumer's signal and with the storage, also while nothing happens", async () => {
    const { storage } = await simStorage(files.next());
    const stop = new AbortController();
    const bySignal = take(storage.events(0, stop.signal), 99);
    const byClose = take(storage.events(0), 99);
    await new Promise(setImmediate);
    stop.abort();
    expect(await bySignal).toEqual([]);
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    await reaches(storage, 1, "sealed");
    await storage.close();
    expect((await byClose).length).toBeGreaterThanOrEqual(3);
  });

  it("tell of a failure with its code", async () => {
    const { storage, disk } = await simStorage(files.next());
    await storage.addCommittedCapacity();
    disk.fault = (operation) => (operation === "writeAt" ? "full" : undefined);
    await storage.startSeal(1, ticketAt(1), identity);
    expect(await reaches(storage, 1, "failed")).toMatchObject({ from: "sealing", reason: "disk/full" });
    await storage.close();
  });
});

describe("a piece whose reservation could not be taken back", () => {
  it("comes again, while the storage runs", async () => {
    const dbPath = files.next();
    const { storage } = await simStorage(dbPath);
    await storage.addPiece(pieceOf("a", 300));
    const other = new DatabaseSync(dbPath);
    other.exec("UPDATE pieces SET stage = 'writing'");
    other.close();
    await storage.addPiece(pieceOf("a", 300));
    expect(await storage.verifyPiece("a")).toMatchObject({ intact: true });
    await storage.close();
  });
});
