/** Trees of replicas that are not kept: the same proofs from half the disk, the same faults, and a dial that turns. */
import { codeOf } from "@holdfast/base/testing";
import { storageErrors } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { pieceOf, scratch, seedAt } from "./support.ts";
import { committedSector, expectExact, VolumeWorld } from "./volume-world.ts";

const files = scratch();
afterAll(() => files.remove());

async function worldWith(options: { keepTrees: boolean }): Promise<VolumeWorld> {
  const world = new VolumeWorld(files.next());
  await world.open(options);
  for (const key of ["a", "b"]) await committedSector(world.storage, key);
  return world;
}

const rolesOf = async (world: VolumeWorld, sectorId: number): Promise<string[]> =>
  (await world.storage.volumes.filesOf(sectorId)).map(({ role }) => role).sort();

describe("a storage that keeps no trees", () => {
  it("makes the same proofs of spacetime, byte for byte, and takes less of the disk", async () => {
    await using kept = await worldWith({ keepTrees: true });
    await using lean = await worldWith({ keepTrees: false });
    expect(await rolesOf(kept, 1)).toEqual(["sealed", "tree", "unsealed"]);
    expect(await rolesOf(lean, 1)).toEqual(["sealed", "unsealed"]);
    for (const kind of ["window", "winning", "check"] as const) {
      const asked = kind === "winning" ? [2] : [1, 2];
      const [one, other] = await Promise.all(
        [kept, lean].map(({ storage }) => storage.generatePost(kind, seedAt(3), asked)),
      );
      expect(other).toEqual(one);
      expect(other?.faults).toEqual([]);
    }
    const used = async ({ storage }: VolumeWorld) => {
      const [home] = await storage.volumes.list();
      return { used: home?.usedBytes ?? 0, reserved: home?.reservedBytes ?? 0 };
    };
    const [before, after] = [await used(kept), await used(lean)];
    // Replica and tree are 2 1/7 sectors, or one.
    expect(before.used - after.used).toBeGreaterThan(2 * 1_024);
    expect(before.reserved - after.reserved).toBe(before.used - after.used);
    await expectExact(lean.storage);
  });

  it("names a replica that has rotted or was cut off, and proves the others", async () => {
    await using world = await worldWith({ keepTrees: false });
    const { storage, home } = world;
    const good = (await home.readFile("sealed/1-1")) ?? new Uint8Array();
    await home.writeFile("sealed/1-1", good.slice().fill(0, 100, 132));
    const rotten = await storage.generatePost("window", seedAt(4), [1, 2]);
    expect(rotten).toMatchObject({ proven: [2], faults: [{ sectorId: 1, code: "proofs/comm-r-mismatch" }] });
    await home.writeFile("sealed/1-1", good.subarray(0, 900));
    const short = await storage.generatePost("window", seedAt(4), [1, 2]);
    expect(short).toMatchObject({ proven: [2], faults: [{ sectorId: 1, code: "storage/replica-corrupt" }] });
    await home.remove("sealed/1-1");
    const gone = await storage.generatePost("window", seedAt(4), [1, 2]);
    expect(gone).toMatchObject({ proven: [2], faults: [{ sectorId: 1, code: "storage/missing-file" }] });
  });

  it("opens no more sectors than it is told that can be proven, of pieces or without, and says why", async () => {
    await using world = new VolumeWorld(files.next());
    const tooMany = storageErrors.full({ neededBytes: 3, availableBytes: 2, limit: "time" });
    const checkSectors = (totals: readonly { readonly sectorCount: number }[]): void => {
      if (totals.reduce((sum, { sectorCount }) => sum + sectorCount, 0) > 2) throw tooMany;
    };
    const storage = await world.open({ keepTrees: false, checkSectors });
    await committedSector(storage, "a");
    expect(await storage.refusal()).toBeUndefined();
    await storage.addCommittedCapacity();
    expect(await storage.refusal()).toBe(tooMany);
    expect(await codeOf(storage.addPiece(pieceOf("b", 900)))).toBe("storage/full");
    expect(await codeOf(storage.addCommittedCapacity())).toBe("storage/full");
    expect((await storage.listSectors()).length).toBe(2);
    await expectExact(storage);
  });

  it("that is called off while it hashes a tree finds no fault in its sector", async () => {
    await using world = await worldWith({ keepTrees: false });
    const { storage, home } = world;
    const stop = new AbortController();
    home.fault = (operation, path) => {
      if (operation === "readAt" && path === "sealed/1-1")
        stop.abort(storageErrors.cancelled({ job: "a check" }));
      return undefined;
    };
    expect(await codeOf(storage.generatePost("window", seedAt(7), [1], stop.signal))).toBe(
      "storage/cancelled",
    );
    home.fault = () => undefined;
    expect((await storage.generatePost("window", seedAt(7), [1, 2])).faults).toEqual([]);
  });

  it("finds by a check what no proof has opened, and makes the replica anew out of the pieces", async () => {
    await using world = await worldWith({ keepTrees: false });
    const { storage, home } = world;
    expect(await storage.volumes.check(1)).toEqual({ sectorId: 1, troubles: [] });
    const good = (await home.readFile("sealed/1-1")) ?? new Uint8Array();
    await home.writeFile("sealed/1-1", good.slice().fill(0, 640, 672));
    expect((await storage.volumes.check(1)).troubles).toMatchObject([{ role: "sealed" }]);
    expect(await storage.volumes.repair(1)).toMatchObject({ repaired: ["sealed"] });
    expect(Buffer.from((await home.readFile("sealed/1-1")) ?? []).equals(good)).toBe(true);
    expect(await rolesOf(world, 1)).toEqual(["sealed", "unsealed"]);
    expect((await storage.generatePost("window", seedAt(5), [1, 2])).faults).toEqual([]);
    await expectExact(storage);
  });

  it("can be turned either way: what has no tree is proven without, until a repair makes it", async () => {
    await using world = await worldWith({ keepTrees: false });
    await world.reopen({ keepTrees: true });
    const { proven, faults } = await world.storage.generatePost("window", seedAt(6), [1, 2]);
    expect({ proven, faults }).toEqual({ proven: [1, 2], faults: [] });
    expect((await world.storage.volumes.check(1)).troubles).toMatchObject([{ role: "tree" }]);
    expect(await world.storage.volumes.repair(1)).toMatchObject({ repaired: ["tree"] });
    expect(await rolesOf(world, 1)).toEqual(["sealed", "tree", "unsealed"]);
    const again = await world.storage.generatePost("window", seedAt(6), [1, 2]);
    expect(again.faults).toEqual([]);
    await world.reopen({ keepTrees: false });
    await world.storage.audit(); // after the look at everything that an opening begins
    expect(await rolesOf(world, 1)).toEqual(["sealed", "unsealed"]);
    expect((await world.storage.generatePost("window", seedAt(6), [1, 2])).faults).toEqual([]);
    const bytes = await world.storage.readPieceFromSealedSector("a");
    expect(Buffer.from(bytes).equals(pieceOf("a", 900).bytes)).toBe(true);
    await expectExact(world.storage);
  });
});
