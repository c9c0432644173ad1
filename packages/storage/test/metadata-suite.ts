/**
 * What the metadata of a storage promises, on every engine: a storage is opened on an address, and whoever opens it
 * later finds what was acknowledged and has taken it over.
 */
import { addressOf } from "@holdfast/base";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { checkRecords, openStorage, type SealEvent, type Storage, sectorStates } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { filesOn, miner, pieceOf, prover, reaches, readAll, sealTo, sectorBytes } from "./support.ts";

/** The address of metadata that does not exist yet. */
export type FreshAddress = () => string;

export function metadataSuite(name: string, fresh: FreshAddress): void {
  describe(name, () => {
    lifeCases(fresh);
    takeoverCases(fresh);
    pageCases(fresh);
    eventCases(fresh);
  });
}

async function open(dbPath: string, disk = new SimDisk(), own: { miner?: string } = {}): Promise<Storage> {
  return await openStorage({ disk, dbPath, prover, clock: new SimClock(), sectorBytes, ...own });
}

function lifeCases(fresh: FreshAddress): void {
  it("keeps a sector from its first piece to its end, over restarts between all steps", async () => {
    const dbPath = fresh();
    const disk = new SimDisk();
    const piece = pieceOf("a", 300);
    const after = async <T>(step: (storage: Storage) => Promise<T>): Promise<T> => {
      await using storage = await open(dbPath, disk);
      return await step(storage);
    };
    const { sectorId } = await after((storage) => storage.addPiece(piece));
    await after((storage) => storage.sealAllStagedSectors());
    await after((storage) => sealTo(storage, sectorId, "proved"));
    const { commitments, ticket } = await after((storage) => storage.getSector(sectorId));
    expect(commitments?.commR).toBeInstanceOf(Uint8Array);
    expect(Buffer.isBuffer(ticket?.bytes)).toBe(false);
    await after((storage) => storage.confirmCommitted(sectorId));
    const bytes = await after((storage) => storage.readPieceFromSealedSector("a"));
    expect(Buffer.from(bytes)).toEqual(Buffer.from(piece.bytes));
    await after((storage) => storage.markFaulty(sectorId, "test"));
    await after((storage) => storage.markRecovered(sectorId));
    const found = await after((storage) => storage.getSector(sectorId));
    expect(found).toMatchObject({
      state: "committed",
      commitments,
      ticket,
      pieceCount: 1,
      filledPaddedBytes: 512,
    });
    expect(await after((storage) => readAll(storage.readPiece("a")))).toEqual(Buffer.from(piece.bytes));
    await after((storage) => storage.dropSector(sectorId));
    expect(await filesOn(disk)).toEqual([]);
    expect(await after((storage) => storage.addCommittedCapacity())).toBe(sectorId + 1); // never an id twice
  });

  it("undoes what a failed change has begun", async () => {
    await using storage = await open(fresh());
    const bad = { ...pieceOf("a", 300), source: new Uint8Array(300) };
    expect(await codeOf(storage.addPiece(bad))).toBe("storage/piece-mismatch");
    expect(await storage.listPieces()).toEqual([]);
    expect(await codeOf(storage.proveSeal(1, new Uint8Array(32)))).toBe("storage/wrong-state");
    expect(await storage.countSectors()).toEqual([{ sectorBytes, state: "staging", sectorCount: 1 }]);
    expect((await storage.addPiece(pieceOf("a", 300))).sectorId).toBe(1);
  });

  it("takes many pieces at a time, none twice and none over another", async () => {
    await using storage = await open(fresh());
    const pieces = Array.from({ length: 24 }, (_, at) => pieceOf(`p${at % 20}`, 100));
    const stored = await Promise.all(pieces.map((piece) => storage.addPiece(piece)));
    const places = new Set(
      stored.map(({ sectorId, offsetPaddedBytes }) => `${sectorId}+${offsetPaddedBytes}`),
    );
    expect(places.size).toBe(20);
    await Promise.all([storage.sealAllStagedSectors(), storage.sealAllStagedSectors()]);
    for (const { pieceKey } of await storage.listPieces()) {
      expect((await storage.verifyPiece(pieceKey)).intact).toBe(true);
    }
    expect(await storage.listPieces()).toHaveLength(20);
    expect((await storage.listSectors({ states: ["staging"] })).length).toBe(0);
  });
}

function takeoverCases(fresh: FreshAddress): void {
  it("belongs to who opened it last: the older one reads and changes nothing more", async () => {
    const dbPath = fresh();
    const disk = new SimDisk();
    await using old = await open(dbPath, disk);
    await old.addPiece(pieceOf("a", 300));
    await using young = await open(dbPath, disk);
    const over = "storage/taken-over";
    expect(await codeOf(old.addPiece(pieceOf("b", 300)))).toBe(over);
    expect(await codeOf(old.addCommittedCapacity())).toBe(over);
    expect(await codeOf(old.sealAllStagedSectors())).toBe(over);
    expect(await codeOf(old.dropSector(1))).toBe(over);
    expect(await codeOf(old.saveCursor("x", 1))).toBe(over);
    await young.addPiece(pieceOf("b", 300));
    expect(await young.listPieces()).toHaveLength(2);
  });

  it("is not taken over for another miner: whoever has it goes on", async () => {
    const dbPath = fresh();
    const disk = new SimDisk();
    await using storage = await open(dbPath, disk, { miner });
    await storage.addPiece(pieceOf("a", 300));
    await storage.sealAllStagedSectors();
    await sealTo(storage, 1, "sealed");
    const stranger = addressOf(1, new Uint8Array(20).fill(99));
    await expect(open(dbPath, new SimDisk(), { miner: stranger })).rejects.toMatchObject({
      code: "storage/others-records",
      data: { owner: `miner ${miner}` },
    });
    await expect(checkRecords({ dbPath, miner: stranger })).rejects.toMatchObject({
      code: "storage/others-records",
    });
    await checkRecords({ dbPath, miner }); // a look takes nothing over
    await storage.addPiece(pieceOf("b", 300));
    expect((await storage.getSector(1)).state).toBe("sealed");
    await storage.close();
    await using again = await open(dbPath, disk, { miner });
    expect(await again.listPieces()).toHaveLength(2);
  });

  it("is taken over in the midst of changes: each of them is whole or was refused", async () => {
    const dbPath = fresh();
    const disk = new SimDisk();
    await using old = await open(dbPath, disk);
    const adding = Array.from({ length: 12 }, async (_, at) => [
      at,
      await codeOf(old.addPiece(pieceOf(`k${at}`, 100))),
    ]);
    await using young = await open(dbPath, disk);
    const acknowledged = (await Promise.all(adding)).filter(([, code]) => code === "no error");
    for (const [at] of acknowledged) expect((await young.getPiece(`k${at}`))?.userBytes).toBe(100);
    await young.addPiece(pieceOf("mine", 100));
    expect(await young.listPieces()).toHaveLength(acknowledged.length + 1);
  });
}

function pageCases(fresh: FreshAddress): void {
  it("lists sectors in pages by id, of some states or of all, and counts without reading them", async () => {
    await using storage = await open(fresh());
    for (let count = 0; count < 130; count++) await storage.addCommittedCapacity();
    for (let id = 3; id <= 130; id += 3) await storage.dropSector(id);
    const ids = async (query: Parameters<Storage["listSectors"]>[0]) =>
      (await storage.listSectors(query)).map(({ sectorId }) => sectorId);
    expect(await ids({})).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(await ids({ after: 100 })).toEqual(Array.from({ length: 30 }, (_, at) => at + 101));
    expect(await ids({ states: ["removed"], after: 5, limit: 3 })).toEqual([6, 9, 12]);
    expect(await ids({ states: ["removed", "closing", "closing"], after: 7, limit: 4 })).toEqual([
      8, 9, 10, 11,
    ]);
    expect(await ids({ states: [], limit: 4 })).toEqual([]);
    expect(await ids({ limit: 0 })).toEqual([]);
    const all: number[] = [];
    for await (const { sectorId } of storage.everySector(sectorStates)) all.push(sectorId);
    expect(all).toEqual(Array.from({ length: 130 }, (_, at) => at + 1));
    expect(await storage.countSectors()).toEqual([
      { sectorBytes, state: "closing", sectorCount: 87 },
      { sectorBytes, state: "removed", sectorCount: 43 },
    ]);
    expect((await storage.usage()).sectorCount).toBe(87);
  });

  it("lists pieces in pages by the bytes of their keys", async () => {
    await using storage = await open(fresh());
    for (const key of ["é", "b", "Z", "a1", "a", "z", "𐍈"]) await storage.addPiece(pieceOf(key, 100));
    const keys = async (query: Parameters<Storage["listPieces"]>[0]) =>
      (await storage.listPieces(query)).map(({ pieceKey }) => pieceKey);
    expect(await keys({})).toEqual(["Z", "a", "a1", "b", "z", "é", "𐍈"]);
    expect(await keys({ after: "a1", limit: 3 })).toEqual(["b", "z", "é"]);
    expect(await keys({ sectorId: 1 })).toEqual(["é", "b", "Z", "a1", "a", "z", "𐍈"]);
  });
}

function eventCases(fresh: FreshAddress): void {
  const take = async (source: AsyncIterable<SealEvent>, count: number): Promise<SealEvent[]> => {
    const seen: SealEvent[] = [];
    for await (const event of source) if (seen.push(event) === count) break;
    return seen;
  };

  it("tells who was away what it has missed, from its own cursor, each event once", async () => {
    const dbPath = fresh();
    const disk = new SimDisk();
    await using first = await open(dbPath, disk);
    await first.addPiece(pieceOf("a", 1016));
    const seen = await take(first.events(await first.cursorOf("mine")), 2);
    await first.saveCursor("mine", seen.at(-1)?.cursor ?? -1);
    await sealTo(first, 1, "sealed");
    await first.close();
    await using second = await open(dbPath, disk);
    const missed = take(second.events(await second.cursorOf("mine")), 3);
    await second.proveSeal(1, new Uint8Array(32));
    expect((await missed).map(({ from, to }) => `${from} → ${to}`)).toEqual([
      "closing → sealing",
      "sealing → sealed",
      "sealed → proving",
    ]);
    await reaches(second, 1, "proved");
    const cursors = (await take(second.events(0), 6)).map((event) => event.cursor);
    expect(cursors).toEqual([1, 2, 3, 4, 5, 6]);
  });
}
