/**
 * Sectors on a bucket: sealed, read, proven and repaired there, under names that carry the attempt; on a server of the
 * tests, over HTTP.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, equalBytes } from "@holdfast/base";
import { SimDisk } from "@holdfast/base/testing";
import { BucketClient, openBucketDisk, openStorage, type VolumePlace } from "@holdfast/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BucketServer, bucketKeys } from "./bucket-server.ts";
import {
  identity,
  pieceOf,
  prover,
  readAll,
  scratch,
  sealTo,
  sectorBytes,
  seedAt,
  ticketAt,
} from "./support.ts";
import { committedSector, expectExact } from "./volume-world.ts";

const files = scratch();
const server = new BucketServer();
let endpoint = "";
beforeAll(async () => {
  endpoint = await server.listen();
});
afterAll(async () => {
  files.remove();
  await server[Symbol.asyncDispose]();
});

const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal: signal as AbortSignal }),
};

async function open(home: SimDisk, dbPath: string) {
  const scratchDisk = { disk: home, folder: "work/spool" };
  const openPlace = (place: VolumePlace) => {
    if (place.kind !== "s3") throw new Error("only buckets here");
    return openBucketDisk({
      client: new BucketClient(place, bucketKeys, clock),
      scratch: scratchDisk,
      clock,
    });
  };
  return await openStorage({ disk: home, dbPath, prover, clock, sectorBytes, openPlace });
}

describe("a bucket as a volume", () => {
  it("holds everything of a sector but its staged pieces, under names with attempt and generation", async () => {
    const home = new SimDisk();
    const dbPath = files.next();
    const storage = await open(home, dbPath);
    const place = `s3://bucket/miner?endpoint=${endpoint}`;
    await storage.volumes.attach({ place, weight: 9 });
    await storage.volumes.change(0, { roles: [] });
    const sectorId = await committedSector(storage, "a");
    const names = (await storage.volumes.filesOf(sectorId)).map(
      ({ volumeId, path }) => `${volumeId} ${path}`,
    );
    expect(names.sort()).toEqual([
      expect.stringMatching(/^1 cache\/1-1-1\/tree$/),
      expect.stringMatching(/^1 sealed\/1-1-1$/),
      expect.stringMatching(/^1 unsealed\/1-\d-1$/),
    ]);
    expect(await home.list("sealed")).toEqual([]);
    const { bytes } = pieceOf("a", 900);
    expect(
      equalBytes(
        await readAll(storage.readPiece("a", { offset: 100, length: 50 })),
        bytes.subarray(100, 150),
      ),
    ).toBe(true);
    expect(equalBytes(await storage.readPieceFromSealedSector("a"), bytes)).toBe(true);
    expect(await storage.generatePost("window", seedAt(1), [sectorId])).toMatchObject({
      proven: [sectorId],
      faults: [],
    });
    await expectExact(storage);
    const { sectorId: third } = await storage.addPiece(pieceOf("b", 300));
    await storage.sealStagedSector(third);
    expect((await storage.volumes.filesOf(third)).map(({ role, volumeId }) => [role, volumeId])).toEqual([
      ["staged", 0],
    ]);
    await sealTo(storage, third, "proved");
    expect((await storage.volumes.filesOf(third)).every(({ volumeId }) => volumeId === 1)).toBe(true);
    expect(equalBytes(await readAll(storage.readPiece("b")), pieceOf("b", 300).bytes)).toBe(true);
    await expectExact(storage);
    await storage.addCommittedCapacity();
    await sealTo(storage, 3, "sealed");
    await storage.restartSeal(3, "another ticket");
    await storage.startSeal(3, ticketAt(7), identity);
    await storage.whenIdle(3);
    const [sealed] = (await storage.volumes.filesOf(3)).filter(({ role }) => role === "sealed");
    expect(sealed?.path).toMatch(/^sealed\/3-[2-9]-1$/);
    await expectExact(storage);
    for (const [key, { bytes: stored }] of server.objects) {
      if (key.includes("/sealed/1-"))
        server.put(
          key,
          stored.map((byte) => byte ^ 1),
        );
    }
    expect((await storage.volumes.check(sectorId)).troubles).toMatchObject([{ role: "sealed" }]);
    expect(await storage.volumes.repair(sectorId)).toMatchObject({ repaired: ["sealed"] });
    await storage.volumes.change(0, { roles: ["seal", "store"] });
    await storage.volumes.move(sectorId, 0);
    expect((await storage.volumes.filesOf(sectorId)).every(({ volumeId }) => volumeId === 0)).toBe(true);
    expect((await storage.generatePost("window", seedAt(2), [sectorId])).faults).toEqual([]);
    await expectExact(storage);
    await storage.close();
  });
});
