/**
 * Pieces whose sender can go on anywhere: what has come of one outlives the process, nothing of it is believed before
 * it was hashed again, and whoever gives it up gets its room back.
 */
import { equalBytes } from "@holdfast/base";
import { codeOf, SeededRandom, SimClock, SimDisk } from "@holdfast/base/testing";
import { type NewPiece, openStorage, type Storage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { mortal } from "./mortal.ts";
import { filesOn, pieceOf, prover, readAll, scratch, sectorBytes, simStorage } from "./support.ts";
import { expectExact, VolumeWorld, volumeOf } from "./volume-world.ts";

const files = scratch();
afterAll(() => files.remove());

const partBytes = 64;
const stepBytes = 25;

interface Sender {
  readonly piece: NewPiece & { readonly bytes: Uint8Array };
  /** Where it was asked to begin, and how many bytes it gave. */
  readonly asked: { from: number; bytes: number }[];
}

/** Gives the bytes from anywhere; stands still for ever after so many, if it is told to. */
function sender(pieceKey: string, userBytes: number, standsAfter = Number.POSITIVE_INFINITY): Sender {
  const asked: Sender["asked"] = [];
  const piece = pieceOf(pieceKey, userBytes);
  const from = async function* (offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    const one = { from: offset, bytes: 0 };
    asked.push(one);
    for (let at = offset; at < userBytes; ) {
      if (one.bytes >= standsAfter) await new Promise(() => undefined);
      const chunk = piece.bytes.subarray(at, at + stepBytes);
      at += chunk.length;
      one.bytes += chunk.length;
      yield chunk;
    }
  };
  return { piece: { ...piece, source: { from } }, asked };
}

/** Half of a piece, as a call-off leaves it. */
async function halfOf(storage: Storage, pieceKey: string, userBytes: number, bytes: number): Promise<void> {
  const stop = new AbortController();
  const { piece, asked } = sender(pieceKey, userBytes, bytes);
  const adding = codeOf(storage.addPiece(piece, stop.signal));
  while ((asked[0]?.bytes ?? 0) < bytes) await new Promise(setImmediate);
  stop.abort();
  expect(await adding).toBe("storage/cancelled");
}

/** A storage whose process dies, as `kill -9` ends it, when so many bytes of a piece have come. */
async function killedAfter(bytes: number, userBytes = 1_000) {
  const dbPath = files.next();
  const disk = new SimDisk();
  const clock = new SimClock();
  const dying = await openStorage({ ...{ disk, dbPath, clock }, prover, sectorBytes, partBytes });
  const first = sender("a", userBytes, bytes);
  void dying.addPiece(first.piece).catch(() => undefined);
  while ((first.asked[0]?.bytes ?? 0) < bytes) await new Promise(setImmediate);
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate); // what has come is written
  return { disk, dbPath, clock };
}

async function adds(storage: Storage): Promise<void> {
  for (const { recorded, found } of await storage.volumes.explain()) {
    const there = (found ?? []).map(({ owner, sizeBytes }) => `${owner} ${sizeBytes}`).sort();
    expect(there).toEqual(recorded.map(({ owner, sizeBytes }) => `${owner} ${sizeBytes}`).sort());
  }
}

describe("a piece that a kill has cut off", () => {
  it("goes on behind what was durable, and is whole", async () => {
    const killed = await killedAfter(700);
    const again = await simStorage(killed.dbPath, { ...killed, partBytes });
    const [half] = await again.storage.unfinishedPieces();
    // After each 75 bytes it was written down: no more than that is asked for twice.
    expect(half).toMatchObject({ pieceKey: "a", userBytes: 1_000, durableBytes: 675 });
    expect(await again.storage.getPiece("a")).toBe(undefined);
    expect(await codeOf(readAll(again.storage.readPiece("a")))).toBe("storage/unknown-piece");
    await adds(again.storage);
    expect((await again.storage.volumes.explain())[0]?.unfinished).toEqual({
      pieceCount: 1,
      durableBytes: 675,
    });
    expect((await again.storage.collectGarbage()).removedCount).toBe(0);
    const second = sender("a", 1_000);
    await again.storage.addPiece(second.piece);
    expect(second.asked).toEqual([{ from: 675, bytes: 325 }]);
    expect(equalBytes(await readAll(again.storage.readPiece("a")), second.piece.bytes)).toBe(true);
    expect(await again.storage.unfinishedPieces()).toEqual([]);
    expect((await again.storage.getSector(1)).state).toBe("closing"); // it is full now
    await adds(again.storage);
    await again.storage.close();
  });

  it("does so over any number of kills, and after a close and a call-off too", async () => {
    const killed = await killedAfter(300);
    let { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
    const called = sender("a", 1_000, 100);
    const stop = new AbortController();
    const adding = codeOf(storage.addPiece(called.piece, stop.signal));
    while ((called.asked[0]?.bytes ?? 0) < 100) await new Promise(setImmediate);
    stop.abort();
    expect(await adding).toBe("storage/cancelled");
    expect(called.asked).toEqual([{ from: 300, bytes: 100 }]);
    const closed = sender("a", 1_000, 50);
    const closing = codeOf(storage.addPiece(closed.piece));
    while ((closed.asked[0]?.bytes ?? 0) < 50) await new Promise(setImmediate);
    await storage.close();
    expect(await closing).toBe("storage/closed");
    ({ storage } = await simStorage(killed.dbPath, { ...killed, partBytes }));
    const last = sender("a", 1_000);
    await storage.addPiece(last.piece);
    expect(closed.asked[0]?.from).toBe(400);
    expect(last.asked).toEqual([{ from: 450, bytes: 550 }]);
    expect(await storage.verifyPiece("a")).toMatchObject({ intact: true });
    await storage.close();
  });

  it("whose half was damaged meanwhile comes anew, once, and is whole", async () => {
    const killed = await killedAfter(700);
    const [path] = await filesOn(killed.disk);
    await using file = await killed.disk.open(path ?? "", "write");
    const [byte = 0] = await file.readAt(100, 1);
    await file.writeAt(100, Uint8Array.of(byte ^ 1));
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
    const second = sender("a", 1_000);
    await storage.addPiece(second.piece);
    expect(second.asked).toEqual([
      { from: 675, bytes: 325 },
      { from: 0, bytes: 1_000 },
    ]);
    expect(await storage.verifyPiece("a")).toMatchObject({ intact: true });
    await storage.close();
  });

  it("whose half is gone or shorter than it was comes anew", async () => {
    for (const left of [0, 400]) {
      const killed = await killedAfter(700);
      const [path] = await filesOn(killed.disk);
      await using file = await killed.disk.open(path ?? "", "write");
      await file.truncate(left);
      const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
      const second = sender("a", 1_000);
      await storage.addPiece(second.piece);
      expect(second.asked).toEqual([{ from: 0, bytes: 1_000 }]);
      expect(await storage.verifyPiece("a")).toMatchObject({ intact: true });
      await storage.close();
    }
  });

  it("is refused as any other where what comes is not what was announced, and leaves nothing", async () => {
    const killed = await killedAfter(700);
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
    const liar = sender("a", 1_000);
    const source = {
      async *from(at: number) {
        yield pieceOf("b", 1_000).bytes.subarray(at);
      },
    };
    expect(await codeOf(storage.addPiece({ ...liar.piece, source }))).toBe("storage/piece-mismatch");
    expect(await storage.unfinishedPieces()).toEqual([]);
    await storage.addPiece(liar.piece);
    expect(liar.asked).toEqual([{ from: 0, bytes: 1_000 }]);
    await storage.close();
  });

  it("comes anew where its sender begins at the start only, or where it is another piece", async () => {
    const killed = await killedAfter(300, 400);
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
    const other = sender("b", 400);
    await storage.addPiece({ ...other.piece, pieceKey: "a" });
    expect(other.asked).toEqual([{ from: 0, bytes: 400 }]);
    await storage.dropPiece("a");
    await storage.addPiece(pieceOf("a", 400));
    expect(await storage.verifyPiece("a")).toMatchObject({ intact: true });
    await storage.close();
  });
});

describe("half a piece", () => {
  it("holds its place until it is given up, which frees its bytes", async () => {
    const killed = await killedAfter(300, 508);
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
    expect((await storage.addPiece(pieceOf("b", 508))).offsetPaddedBytes).toBe(512);
    expect((await storage.getSector(1)).state).toBe("staging"); // full, and it waits for the half
    expect(await storage.usage()).toMatchObject({ sectorCount: 1 });
    await storage.dropUnfinished("a");
    await storage.dropUnfinished("a");
    await storage.dropUnfinished("b"); // it is whole
    expect(await storage.unfinishedPieces()).toEqual([]);
    expect(await storage.addPiece(pieceOf("c", 254))).toMatchObject({ sectorId: 1, offsetPaddedBytes: 0 });
    await adds(storage);
    await storage.close();
  });

  it("behind the other pieces is cut off the file when it is given up", async () => {
    const dbPath = files.next();
    const { storage, disk } = await simStorage(dbPath, { partBytes });
    await storage.addPiece(pieceOf("b", 508));
    await halfOf(storage, "a", 508, 300);
    await adds(storage);
    const [path = ""] = await filesOn(disk);
    expect(await disk.sizeBytes(path)).toBe(808);
    await storage.dropUnfinished("a");
    expect(await disk.sizeBytes(path)).toBe(508);
    await halfOf(storage, "a", 254, 200);
    expect(await storage.sealAllStagedSectors()).toEqual([1]);
    expect(await disk.sizeBytes(path)).toBe(508); // whoever closes the sector gives it up too
    await adds(storage);
    await storage.close();
  });

  it("that comes now is not given up behind its sender's back", async () => {
    const { storage } = await simStorage(files.next(), { partBytes });
    const whole = sender("a", 508, 300);
    const stop = new AbortController();
    const adding = codeOf(storage.addPiece(whole.piece, stop.signal));
    while ((whole.asked[0]?.bytes ?? 0) < 300) await new Promise(setImmediate);
    await storage.dropUnfinished("a");
    expect(await storage.unfinishedPieces()).toMatchObject([{ pieceKey: "a", durableBytes: 300 }]);
    stop.abort();
    expect(await adding).toBe("storage/cancelled");
    await storage.close();
  });

  it("on a disk that is away begins anew on another one, and leaves nothing there", async () => {
    await using w = new VolumeWorld(files.next());
    const storage = await w.open({ partBytes });
    await storage.volumes.attach({ place: "/mnt/a", weight: 9 });
    await halfOf(storage, "a", 900, 300);
    expect(await volumeOf(storage, 1, "staged")).toBe(1);
    const disk = w.unmount("/mnt/a");
    await storage.volumes.list();
    const second = sender("a", 900);
    const { sectorId } = await storage.addPiece(second.piece);
    expect(second.asked).toEqual([{ from: 0, bytes: 900 }]);
    expect(await volumeOf(storage, sectorId, "staged")).toBe(0);
    w.disks.set("/mnt/a", disk);
    await w.reopen({ partBytes });
    expect(await w.storage.unfinishedPieces()).toEqual([]);
    expect(await disk.sizeBytes("staged/1-1")).toBe(0);
    await expectExact(w.storage);
  });

  it("moves with its sector to another disk, and goes on there", async () => {
    await using w = new VolumeWorld(files.next());
    const storage = await w.open({ partBytes });
    await storage.addPiece(pieceOf("b", 127));
    await halfOf(storage, "a", 508, 300);
    await storage.volumes.attach({ place: "/mnt/a" });
    await storage.volumes.move(1, "/mnt/a");
    await expectExact(storage);
    const second = sender("a", 508);
    expect((await storage.addPiece(second.piece)).sectorId).toBe(1);
    expect(second.asked).toEqual([{ from: 300, bytes: 208 }]);
    for (const key of ["a", "b"]) expect(await storage.verifyPiece(key)).toMatchObject({ intact: true });
    await expectExact(storage);
  });

  it("keeps its sector open of itself, and begins anew elsewhere when somebody closes it", async () => {
    const killed = await killedAfter(300, 508);
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes, maxStagedSectors: 1 });
    await storage.addPiece(pieceOf("b", 254));
    await storage.addPiece(pieceOf("c", 1_016)); // fits nowhere: the fullest one is to close
    expect((await storage.getSector(1)).state).toBe("staging");
    expect((await storage.addPiece(pieceOf("d", 10))).sectorId).toBe(3); // and takes no more
    expect(await storage.sealStagedSector(1)).toBe(true);
    expect(await storage.getSector(1)).toMatchObject({ state: "closing", pieceCount: 1 });
    const second = sender("a", 508);
    expect((await storage.addPiece(second.piece)).sectorId).toBe(3);
    expect(second.asked).toEqual([{ from: 0, bytes: 508 }]);
    await storage.close();
  });

  it("has its sector closed when it is whole, if it was to close", async () => {
    const killed = await killedAfter(300, 508);
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes, maxStagedSectors: 1 });
    await storage.addPiece(pieceOf("c", 1_016));
    const second = sender("a", 508);
    expect((await storage.addPiece(second.piece)).sectorId).toBe(1);
    expect(second.asked).toEqual([{ from: 300, bytes: 208 }]);
    expect((await storage.getSector(1)).state).toBe("closing");
    await storage.close();
  });

  it("alone in a sector leaves nothing to close", async () => {
    const killed = await killedAfter(300, 508);
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
    expect(await storage.sealAllStagedSectors()).toEqual([]);
    expect(await storage.unfinishedPieces()).toEqual([]);
    await storage.close();
  });

  it("goes with its sector", async () => {
    const killed = await killedAfter(300, 508);
    const { storage, disk } = await simStorage(killed.dbPath, { ...killed, partBytes });
    await storage.dropSector(1);
    expect(await storage.unfinishedPieces()).toEqual([]);
    expect(await filesOn(disk)).toEqual([]);
    await storage.close();
  });

  it("is given up by a full disk, and what else is there stays", async () => {
    const killed = await killedAfter(300, 508);
    killed.disk.capacityBytes = 320;
    const { storage } = await simStorage(killed.dbPath, { ...killed, partBytes });
    expect(await codeOf(storage.addPiece(sender("a", 508).piece))).toBe("storage/full");
    expect(await storage.unfinishedPieces()).toEqual([]);
    killed.disk.capacityBytes = 100_000;
    await storage.addPiece(sender("a", 508).piece);
    expect(await storage.verifyPiece("a")).toMatchObject({ intact: true });
    await storage.close();
  });
});

describe("a power cut", () => {
  interface Outcome {
    readonly isCut: boolean;
    /** Bytes that the second life was given. */
    readonly givenAgain: number;
    readonly complaints: readonly string[];
  }

  /** Two pieces side by side, cut off at the n-th change to the disk, and taken to their ends by a second life. */
  async function cutAt(change: number, liesOfSyncs = false): Promise<Outcome> {
    const dbPath = files.next();
    const first = new SimDisk({ random: new SeededRandom(`half ${change}`) });
    const complaints: string[] = [];
    const given = [0, 0];
    const work = async (disk: SimDisk, life: number, onDeath: () => void): Promise<void> => {
      const lies = { sync: liesOfSyncs && life === 0 };
      const options = { disk: mortal(disk, onDeath, lies), dbPath, clock: new SimClock() };
      const storage = await openStorage({ ...options, prover, sectorBytes, partBytes });
      const senders = [sender("a", 508), sender("b", 400)];
      await Promise.all(
        senders.map(async ({ piece, asked }) => {
          try {
            await storage.addPiece(piece);
          } finally {
            given[life] = (given[life] ?? 0) + asked.reduce((sum, { bytes }) => sum + bytes, 0);
          }
        }),
      );
      for (const { piece } of senders) {
        const bytes = await readAll(storage.readPiece(piece.pieceKey));
        if (!equalBytes(bytes, piece.bytes)) complaints.push(`${piece.pieceKey} is not what it was`);
        if (life === 1 && asksAnew(senders)) complaints.push("a half was not what it was");
      }
      const { orphans, missing } = await storage.audit();
      complaints.push(...orphans.map(({ path }) => `orphan ${path}`));
      complaints.push(...missing.map(({ path }) => `missing ${path}`));
      if ((await storage.unfinishedPieces()).length > 0) complaints.push("half a piece is left");
      await adds(storage);
      await storage.close();
    };
    const asksAnew = (senders: readonly Sender[]) => senders.some(({ asked }) => asked.length > 1);
    const death = Promise.withResolvers<true>();
    first.crashAtChange(change);
    const isCut = await Promise.race([
      work(first, 0, () => death.resolve(true)).then(() => false),
      death.promise,
    ]);
    if (isCut) {
      const again = work(first.crash(), 1, () => complaints.push("the second disk died"));
      await again.catch((error: unknown) => complaints.push(String(error)));
    }
    return { isCut, givenAgain: given[1] ?? 0, complaints };
  }

  it("at any change to the disk loses no more than what was not durable yet", async () => {
    const asked: number[] = [];
    let change = 1;
    for (let isCut = true; isCut; change++) {
      const outcome = await cutAt(change);
      expect(outcome.complaints, `power cut at change ${change}`).toEqual([]);
      isCut = outcome.isCut;
      if (isCut) asked.push(outcome.givenAgain);
    }
    expect(change).toBeGreaterThan(30);
    // The later the cut, the less is asked for in the second life, down to nothing.
    expect(asked[0]).toBe(908);
    expect(asked.at(-1)).toBeLessThan(100);
    expect(asked).toEqual(asked.toSorted((a, b) => b - a));
  });

  it("canary: is noticed on a disk that only pretends to sync", async () => {
    const found: string[] = [];
    for (let change = 1, isCut = true; isCut && found.length === 0; change++) {
      const outcome = await cutAt(change, true);
      found.push(...outcome.complaints);
      isCut = outcome.isCut;
    }
    expect(found.join()).toMatch(/a half was not what it was/);
  });
});
