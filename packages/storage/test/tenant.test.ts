/**
 * Room for idle space beside sectors: neither is promised what the other has, both are in one sum, and nobody deletes
 * the other's files.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { pieceOf } from "./support.ts";
import { committedSector, expectExact, VolumeWorld } from "./volume-world.ts";

const folder = mkdtempSync(join(tmpdir(), "tenant-"));
let world: VolumeWorld;
let count = 0;
const fresh = async (maxBytes?: number) => {
  world = new VolumeWorld(join(folder, `${count++}.db`));
  return await world.open(maxBytes === undefined ? {} : { maxBytes });
};
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  if (count === 4) rmSync(folder, { recursive: true });
});

const share = (reservedBytes: number, usedBytes = 0, fileCount = 0) => ({
  reservedBytes,
  usedBytes,
  fileCount,
});

describe("a tenant of the volumes", () => {
  it("has no room that sectors have, and sectors none that it has", async () => {
    const storage = await fresh(100_000);
    const { idle } = storage.volumes;
    const [room] = await idle.rooms();
    expect(room).toEqual({ volumeId: 0, roomBytes: 100_000 });
    await idle.setShare(0, share(100_000));
    expect(await idle.rooms()).toEqual([{ volumeId: 0, roomBytes: 0 }]);
    await expect(storage.addPiece(pieceOf("a", 900))).rejects.toMatchObject({ code: "storage/full" });
    await expect(idle.setShare(0, share(100_001))).rejects.toMatchObject({ code: "storage/full" });
    await idle.setShare(0, share(10_000));
    await storage.addPiece(pieceOf("a", 900));
    const [left] = await idle.rooms();
    expect(left?.roomBytes).toBeLessThan(90_000);
    await expect(idle.setShare(0, share(100_000))).rejects.toMatchObject({ code: "storage/full" });
    await idle.setShare(0, share(10_000 + (left?.roomBytes ?? 0)));
    await idle.setShare(0, share(0));
  });

  it("is in the one view of the disk, which adds up", async () => {
    const storage = await fresh();
    const { idle } = storage.volumes;
    await committedSector(storage, "a");
    await idle.setShare(0, share(500));
    await storage.volumes.idle.disk.writeFile(idle.path(0, "7/0"), new Uint8Array(300));
    await idle.setShare(0, share(500, 300, 1));
    await expectExact(storage);
    const [home] = await storage.volumes.explain();
    expect(home?.found).toContainEqual({ owner: "idle", fileCount: 1, sizeBytes: 300 });
    expect(await idle.shares()).toEqual(new Map([[0, share(500, 300, 1)]]));
    expect(await storage.collectGarbage()).toMatchObject({ removed: [] });
    expect(await idle.disk.sizeBytes(idle.path(0, "7/0"))).toBe(300);
  });

  it("is remembered, and keeps a volume from being detached", async () => {
    const storage = await fresh();
    const { volumeId } = await storage.volumes.attach({ place: "/mnt/a" });
    await storage.volumes.idle.setShare(volumeId, share(500, 300, 2));
    const again = await world.reopen();
    expect(await again.volumes.idle.shares()).toEqual(new Map([[volumeId, share(500, 300, 2)]]));
    await expect(again.volumes.detach(volumeId)).rejects.toMatchObject({ code: "storage/volume-in-use" });
    await again.volumes.idle.setShare(volumeId, share(0));
    await again.volumes.detach(volumeId);
    expect(await again.volumes.idle.shares()).toEqual(new Map());
  });

  it("lies on open folders only", async () => {
    const storage = await fresh();
    const { volumeId } = await storage.volumes.attach({ place: "/mnt/b" });
    await storage.volumes.change(0, { mode: "read-only" });
    expect((await storage.volumes.idle.rooms()).map((room) => room.volumeId)).toEqual([volumeId]);
    await storage.volumes.change(volumeId, { roles: ["seal"] });
    expect(await storage.volumes.idle.rooms()).toEqual([]);
    expect(await storage.volumes.idle.present()).toEqual([0, volumeId]);
    world.unmount("/mnt/b");
    expect(await storage.volumes.idle.present()).toEqual([0]);
  });
});
