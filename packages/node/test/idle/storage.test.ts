/**
 * Idle space beside sectors, on the volumes of a real storage: one sum of both, and a piece that finds no room gets
 * what idle space gives back.
 */
import { silentLogger } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { commP, createProver } from "@holdfast/proofs";
import { openStorage, type Storage } from "@holdfast/storage";
import { afterEach, expect, it } from "vitest";
import { makingRoom } from "../../src/compose-idle-space.ts";
import { openDatabase } from "../../src/database.ts";
import { type Idle, inlineMaker, openIdle } from "../../src/idle/index.ts";
import { miner, networkId, SimChain, tiny } from "./world.ts";

const quotaBytes = 200_000;
let storage: Storage;
let idle: Idle;
const chain = new SimChain();
afterEach(async () => {
  await idle[Symbol.asyncDispose]();
  await storage.close();
});

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 4_000 && !isSo(); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 20 === 19) chain.tick();
  }
  expect(isSo()).toBe(true);
}

const piece = (name: string, userBytes: number) => {
  const source = new Uint8Array(userBytes).fill(name.length);
  const { commitment, paddedBytes } = commP(source);
  return { pieceKey: name, commP: commitment, paddedBytes, userBytes, source };
};

it("fills what is free, is in the one view of the disk, and gives way to a piece", async () => {
  const options = { disk: new SimDisk(), dbPath: ":memory:", prover: createProver(), clock: new SimClock() };
  storage = await openStorage({ ...options, sectorBytes: 1024, maxBytes: quotaBytes });
  const volumes = storage.volumes.idle;
  const upkeep = { clock: { nowMs: () => 0 }, patrolMs: 0 };
  const needs = { networkId, miner, profile: tiny, network: chain, volumes, ...upkeep, logger: silentLogger };
  idle = openIdle({ ...needs, maker: inlineMaker(volumes.disk), database: openDatabase(":memory:") });
  const wrapped = makingRoom(storage, idle);
  idle.fill({});
  await until(() => idle.status().totalBytes > quotaBytes - 30_000 && idle.status().layers.made === 0);
  await until(() => idle.status().underWay === null && idle.status().layers.making === 0);
  const [home] = await storage.volumes.explain();
  const used = idle.status().totalBytes;
  expect(home?.found).toContainEqual({ owner: "idle", fileCount: expect.any(Number), sizeBytes: used });
  expect((await storage.volumes.list())[0]).toMatchObject({ usedBytes: used, reservedBytes: used });

  for (let n = 0; n < 3; n += 1) await wrapped.addCommittedCapacity();
  const added = wrapped.addPiece(piece("a", 900));
  await until(() => (chain.state?.front ?? 0) > 0);
  expect(await added).toMatchObject({ pieceKey: "a" });
  const [volume] = await storage.volumes.list();
  expect(volume?.reservedBytes).toBeLessThanOrEqual(quotaBytes);
  for (const { volumeId, usedBytes, reservedBytes } of await storage.volumes.list()) {
    const share = (await volumes.shares()).get(volumeId);
    expect(usedBytes).toBeGreaterThanOrEqual(share?.usedBytes ?? 0);
    expect(reservedBytes).toBeGreaterThan(share?.reservedBytes ?? 0);
  }
});
