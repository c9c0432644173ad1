/**
 * Volumes that come and go under a running storage: every byte has its owner, what a lost disk held is at fault and
 * nothing else, and nothing alive is ever deleted.
 */
import { equalBytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { afterAll, describe, expect, it } from "vitest";
import { identity, pieceOf, reaches, readAll, scratch, sealTo, seedAt, ticketAt } from "./support.ts";
import { committedSector, expectExact, makeReadOnly, VolumeWorld, volumeOf } from "./volume-world.ts";

const files = scratch();
afterAll(() => files.remove());

async function world(): Promise<VolumeWorld> {
  const made = new VolumeWorld(files.next());
  await made.open();
  return made;
}

describe("a volume", () => {
  it("is attached while everything runs, and takes the files of its roles", async () => {
    await using w = await world();
    const { storage } = w;
    const first = await committedSector(storage, "a");
    const fast = await storage.volumes.attach({ place: "/mnt/fast", roles: ["seal"] });
    const large = await storage.volumes.attach({ place: "/mnt/large", roles: ["store"], weight: 9 });
    await storage.volumes.change(0, { roles: [] });
    const { sectorId } = await storage.addPiece(pieceOf("b", 900));
    await storage.sealStagedSector(sectorId);
    await sealTo(storage, sectorId, "proved");
    expect(await volumeOf(storage, sectorId, "staged")).toBe(fast.volumeId);
    expect(await volumeOf(storage, sectorId, "aux")).toBe(fast.volumeId);
    expect(await volumeOf(storage, sectorId, "proof")).toBe(fast.volumeId);
    expect(await volumeOf(storage, sectorId, "tree")).toBe(large.volumeId);
    await expectExact(storage);
    await storage.confirmCommitted(sectorId);
    expect(
      (await storage.volumes.filesOf(sectorId)).map(({ role, volumeId }) => [role, volumeId]).sort(),
    ).toEqual([
      ["sealed", large.volumeId],
      ["tree", large.volumeId],
      ["unsealed", large.volumeId],
    ]);
    expect(await volumeOf(storage, first, "sealed")).toBe(0);
    for (const key of ["a", "b"]) {
      expect(equalBytes(await readAll(storage.readPiece(key)), pieceOf(key, 900).bytes)).toBe(true);
      expect(equalBytes(await storage.readPieceFromSealedSector(key), pieceOf(key, 900).bytes)).toBe(true);
    }
    const post = await storage.generatePost("window", seedAt(1), [first, sectorId]);
    expect(post).toMatchObject({ proven: [first, sectorId], faults: [] });
    await expectExact(storage);
    await w.reopen();
    await expectExact(w.storage);
    expect((await w.storage.volumes.list()).map(({ place, isHere }) => [place, isHere])).toEqual([
      ["/simulated", true],
      ["/mnt/fast", true],
      ["/mnt/large", true],
    ]);
  });

  it("is refused when it is no place of its own", async () => {
    await using w = await world();
    const { storage } = w;
    await w.diskAt("/mnt/full").writeFile("photos/a.jpg", new Uint8Array(3));
    await storage.volumes.attach({ place: "/mnt/a" });
    const refused = (place: string) => codeOf(storage.volumes.attach({ place }));
    expect(await refused("/mnt/a/below")).toBe("storage/volume-taken");
    expect(await refused("/mnt")).toBe("storage/volume-taken");
    expect(await refused("/mnt/full")).toBe("storage/volume-taken");
    expect(await refused("mnt")).toBe("storage/bad-volume-place");
    const other = new VolumeWorld(files.next());
    await using theirs = await other.open();
    other.disks.set("/mnt/x", w.diskAt("/mnt/a"));
    expect(await codeOf(theirs.volumes.attach({ place: "/mnt/x" }))).toBe("storage/volume-taken");
    expect(await codeOf(storage.volumes.detach("/mnt/none"))).toBe("storage/unknown-volume");
    expect(await codeOf(storage.volumes.detach(0))).toBe("storage/volume-home");
    expect(await storage.volumes.list()).toHaveLength(2);
  });

  it("is found again under another mount point", async () => {
    await using w = await world();
    await w.storage.volumes.attach({ place: "/mnt/a", weight: 9 });
    const sectorId = await committedSector(w.storage, "a");
    const disk = w.unmount("/mnt/a");
    w.disks.set("/mnt/b", disk);
    expect(await w.storage.volumes.attach({ place: "/mnt/b" })).toMatchObject({ volumeId: 1, isHere: true });
    expect((await w.storage.generatePost("window", seedAt(1), [sectorId])).faults).toEqual([]);
    await expectExact(w.storage);
  });

  it("is drained while it is read, over a restart, and then detached", async () => {
    await using w = await world();
    const a = await w.storage.volumes.attach({ place: "/mnt/a", weight: 99 });
    const sectors = [await committedSector(w.storage, "a"), await committedSector(w.storage, "b")];
    const { sectorId: staged } = await w.storage.addPiece(pieceOf("c", 300));
    expect(await volumeOf(w.storage, staged, "staged")).toBe(a.volumeId);
    expect(await codeOf(w.storage.volumes.detach("/mnt/a"))).toBe("storage/volume-in-use");
    const reading = w.storage.readPiece("a")[Symbol.asyncIterator]();
    const begun = await reading.next();
    await w.storage.volumes.change("/mnt/a", { mode: "draining" });
    const posting = w.storage.generatePost("window", seedAt(1), sectors);
    expect((await posting).faults).toEqual([]);
    expect(begun.done).toBe(false);
    await reading.return?.(undefined);
    await w.reopen();
    expect(await w.storage.sealAllStagedSectors()).toEqual([staged]);
    const isEmpty = async () => {
      const volume = (await w.storage.volumes.list())[1];
      return volume?.reservedBytes === 0 && volume.fileCount === 0;
    };
    for (let n = 0; n < 50 && !(await isEmpty()); n++) await w.clock.advance(10_000);
    expect((await w.storage.volumes.list())[1]).toMatchObject({
      fileCount: 0,
      usedBytes: 0,
      reservedBytes: 0,
    });
    await w.storage.volumes.detach("/mnt/a");
    expect(await w.diskAt("/mnt/a").list("")).toEqual([]);
    await sealTo(w.storage, staged, "committed");
    expect((await w.storage.generatePost("window", seedAt(2), [...sectors, staged])).faults).toEqual([]);
    await expectExact(w.storage);
  });
});

describe("trouble with disks", () => {
  it("vanished disk: what lay there is at fault and nothing else, and it recovers when the disk is back", async () => {
    await using w = await world();
    const { storage } = w;
    const safe = await committedSector(storage, "safe");
    await storage.volumes.attach({ place: "/mnt/a", weight: 9 });
    const lost = await committedSector(storage, "lost");
    const disk = w.unmount("/mnt/a");
    const post = await storage.generatePost("window", seedAt(1), [safe, lost]);
    expect(post.proven).toEqual([safe]);
    expect(post.faults).toMatchObject([{ sectorId: lost, code: "storage/volume-away" }]);
    expect((await storage.volumes.list())[1]).toMatchObject({
      isHere: false,
      reason: (expect.stringContaining("holdfast-volume") as string | null) ?? "",
    });
    expect(await codeOf(readAll(storage.readPiece("lost")))).toBe("storage/volume-away");
    expect((await storage.audit()).missing).toEqual([]);
    const next = await committedSector(storage, "next");
    expect(await volumeOf(storage, next, "sealed")).toBe(0);
    expect(await w.diskAt("/mnt/a").list("")).toEqual([]);
    await storage.markFaulty(lost, "its disk is away");
    await w.reopen();
    expect((await w.storage.generatePost("window", seedAt(1), [safe, lost])).proven).toEqual([safe]);
    w.disks.set("/mnt/a", disk);
    await w.clock.advance(15_000);
    expect((await w.storage.generatePost("window", seedAt(1), [safe, lost])).faults).toEqual([]);
    await w.storage.markRecovered(lost);
    expect(equalBytes(await readAll(w.storage.readPiece("lost")), pieceOf("lost", 900).bytes)).toBe(true);
    await expectExact(w.storage);
  });

  it("full disk: the seal fails there, says so, and succeeds elsewhere", async () => {
    await using w = await world();
    const { storage } = w;
    const a = await storage.volumes.attach({ place: "/mnt/a", weight: 9 });
    const { sectorId } = await storage.addPiece(pieceOf("a", 900));
    await storage.sealStagedSector(sectorId);
    const disk = w.diskAt("/mnt/a");
    disk.fault = (operation) => (["writeAt", "writeFile"].includes(operation) ? "full" : undefined);
    await storage.startSeal(sectorId, ticketAt(1), identity);
    expect(await reaches(storage, sectorId, "failed", "sealed")).toMatchObject({
      to: "failed",
      reason: "disk/full",
    });
    await storage.retrySector(sectorId);
    await sealTo(storage, sectorId, "committed");
    expect(await volumeOf(storage, sectorId, "sealed")).toBe(0);
    expect((await storage.volumes.list())[1]).toMatchObject({
      volumeId: a.volumeId,
      isHere: true,
      isWritable: false,
    });
    await expectExact(storage);
    disk.fault = () => undefined;
    expect((await storage.volumes.list())[1]).toMatchObject({ isWritable: true, reason: null });
  });

  it("no room anywhere: refused before anything is lost", async () => {
    await using w = await world();
    await w.storage.volumes.change(0, { roles: ["seal"] });
    await w.storage.volumes.attach({ place: "/mnt/a", maxBytes: 100, roles: ["store"] });
    expect(await codeOf(w.storage.addPiece(pieceOf("a", 900)))).toBe("storage/no-volume");
    expect(await codeOf(w.storage.addCommittedCapacity())).toBe("storage/no-volume");
    await w.storage.volumes.change("/mnt/a", { maxBytes: 1_000_000 });
    await committedSector(w.storage, "a");
    await expectExact(w.storage);
  });

  it("read-only disk: what lies there is read and proven, and the next sector goes elsewhere", async () => {
    await using w = await world();
    const { storage } = w;
    const a = await storage.volumes.attach({ place: "/mnt/a", weight: 9 });
    const held = await committedSector(storage, "a");
    expect(await volumeOf(storage, held, "tree")).toBe(a.volumeId);
    await storage.addCommittedCapacity();
    makeReadOnly(w.diskAt("/mnt/a"));
    await storage.startSeal(2, ticketAt(1), identity);
    expect(await reaches(storage, 2, "failed", "sealed")).toMatchObject({ to: "failed" });
    await storage.retrySector(2);
    await sealTo(storage, 2, "committed");
    expect(await volumeOf(storage, 2, "sealed")).toBe(0);
    expect((await storage.generatePost("window", seedAt(1), [held, 2])).faults).toEqual([]);
    expect(equalBytes(await readAll(storage.readPiece("a")), pieceOf("a", 900).bytes)).toBe(true);
    await storage.volumes.change("/mnt/a", { mode: "read-only" });
    await committedSector(storage, "b");
  });

  const rotten = [["sealed"], ["tree"], ["unsealed"], ["sealed", "tree"], ["tree", "unsealed"]] as const;
  it.each(rotten.map((roles) => [roles]))("corrupted sector: %s is found and made anew", async (roles) => {
    await using w = await world();
    const { storage, home } = w;
    const sectorId = await committedSector(storage, "a");
    const before = await storage.volumes.filesOf(sectorId);
    const whole = new Map<string, Uint8Array | undefined>();
    for (const { role, path } of before) whole.set(role, await home.readFile(path));
    expect(await storage.volumes.check(sectorId)).toEqual({ sectorId, troubles: [] });
    for (const { role, path } of before.filter((file) => (roles as readonly string[]).includes(file.role))) {
      if (roles.length > 1) await home.remove(path);
      else
        await home.writeFile(
          path,
          (whole.get(role) ?? new Uint8Array(1)).map((byte) => byte ^ 1),
        );
    }
    const { troubles } = await storage.volumes.check(sectorId);
    expect(troubles.map(({ role }) => role).sort()).toEqual([...roles].sort());
    expect(await storage.volumes.repair(sectorId)).toMatchObject({
      repaired: troubles.map(({ role }) => role),
    });
    for (const { role, path } of before) expect(await home.readFile(path)).toEqual(whole.get(role));
    expect((await storage.volumes.check(sectorId)).troubles).toEqual([]);
    await expectExact(storage);
  });

  it("corrupted tree of a sector without pieces: its whole replica is not given up for the rotten leaves", async () => {
    await using w = await world();
    const { storage, home } = w;
    const sectorId = await storage.addCommittedCapacity();
    await sealTo(storage, sectorId, "committed");
    const files = await storage.volumes.filesOf(sectorId);
    const [tree, sealed] = ["tree", "sealed"].map((role) => files.find((file) => file.role === role)?.path);
    const whole = { tree: await home.readFile(tree ?? ""), sealed: await home.readFile(sealed ?? "") };
    for (let leaf = 0; ; leaf++) {
      const rotten = (whole.tree ?? new Uint8Array()).map((byte, i) => (i === leaf * 32 ? byte ^ 1 : byte));
      await home.writeFile(tree ?? "", rotten);
      const { troubles } = await storage.volumes.check(sectorId);
      if (troubles.every(({ role }) => role !== "tree")) break; // a proof does not open this leaf
    }
    await storage.volumes.repair(sectorId);
    expect(await home.readFile(sealed ?? "")).toEqual(whole.sealed);
    expect(await home.readFile(tree ?? "")).toEqual(whole.tree);
  });

  it("a sector that is moved while pieces come: none of them is lost", async () => {
    await using w = await world();
    const { storage } = w;
    const { sectorId } = await storage.addPiece(pieceOf("a", 100));
    const { volumeId } = await storage.volumes.attach({ place: "/mnt/a" });
    const moving = storage.volumes.move(sectorId, volumeId);
    const adding = ["b", "c", "d"].map((key) => storage.addPiece(pieceOf(key, 100)));
    const [moved] = await Promise.allSettled([moving]);
    await Promise.all(adding);
    expect(moved.status === "fulfilled" || moved.reason.code === "storage/sector-busy").toBe(true);
    for (const key of ["a", "b", "c", "d"])
      expect(await storage.verifyPiece(key)).toMatchObject({ intact: true });
    const twice = [volumeId, volumeId].map((to) => storage.volumes.move(sectorId, to));
    await Promise.all(twice);
    expect(await volumeOf(storage, sectorId, "staged")).toBe(volumeId);
    for (const key of ["a", "b", "c", "d"])
      expect(await storage.verifyPiece(key)).toMatchObject({ intact: true });
    await expectExact(storage);
  });

  it("lost disk: forgotten, what can be made anew is, and what cannot says so", async () => {
    await using w = await world();
    const { storage } = w;
    await storage.volumes.attach({ place: "/mnt/a", weight: 9 });
    const a = await committedSector(storage, "a");
    await storage.addCommittedCapacity();
    await sealTo(storage, 2, "committed");
    w.unmount("/mnt/a");
    await storage.volumes.detach("/mnt/a", { isLost: true });
    expect(await storage.volumes.list()).toHaveLength(1);
    expect(
      (await storage.generatePost("window", seedAt(1), [a, 2]).catch((error: { code: string }) => error)) as {
        code: string;
      },
    ).toMatchObject({ code: "storage/no-provable-sector" });
    expect(await codeOf(storage.volumes.repair(a))).toBe("storage/unrepairable");
    expect(await storage.volumes.repair(2)).toMatchObject({ repaired: ["sealed", "tree"] });
    expect((await storage.generatePost("window", seedAt(1), [a, 2])).proven).toEqual([2]);
    await storage.dropSector(a);
    await expectExact(storage);
  });
});

describe("sectors of several sizes in one storage", () => {
  it("take each piece into the smallest that fits, and are proven together", async () => {
    await using w = new VolumeWorld(files.next());
    const storage = await w.open({ sectorBytes: 4096, otherSectorBytes: [1024] });
    const small = await storage.addPiece(pieceOf("small", 900));
    const large = await storage.addPiece(pieceOf("large", 3000));
    expect(storage.maxUserBytesPerStagedSector()).toBe(4064);
    expect(await codeOf(storage.addPiece(pieceOf("huge", 5000)))).toBe("storage/piece-too-large");
    const bare = await storage.addCommittedCapacity(1024);
    await storage.sealAllStagedSectors();
    const ids = [small.sectorId, large.sectorId, bare];
    for (const sectorId of ids) await sealTo(storage, sectorId, "committed");
    expect((await storage.listSectors()).map(({ sectorBytes }) => sectorBytes)).toEqual([1024, 4096, 1024]);
    expect(await storage.generatePost("window", seedAt(1), ids)).toMatchObject({ proven: ids, faults: [] });
    for (const key of ["small", "large"]) {
      const { bytes } = pieceOf(key, key === "small" ? 900 : 3000);
      expect(equalBytes(await readAll(storage.readPiece(key)), bytes)).toBe(true);
    }
    await expectExact(storage);
  });
});
