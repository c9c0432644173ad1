/**
 * The collector deletes nothing alive: whatever happens to volumes and sectors, in whatever order, with garbage thrown
 * in between, every piece can be read and every sector be proven after each collection. Planted bugs are found.
 */
import { type Disk, equalBytes } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ground, Records, Volumes } from "./grounds.ts";
import { identity, pieceOf, readAll, sealTo, seedAt, ticketAt } from "./support.ts";
import { expectExact, VolumeWorld } from "./volume-world.ts";

/** A fault that is planted: in the records after each step, or in the disks. */
interface Sabotage {
  readonly sql?: string;
  readonly disk?: (disk: Disk) => Disk;
}

const kinds = [
  ...(["add", "capacity", "again", "drop"] as const),
  ...(["drain", "open", "reopen", "litter", "zombie"] as const),
] as const;
interface Step {
  readonly what: (typeof kinds)[number];
  readonly n: number;
}
const number = fc.nat(5);
const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ what: fc.constantFrom(...kinds, "add" as const), n: number }),
  { minLength: 6, maxLength: 14 },
);
/** Where each step takes a second: everything once, in any order. */
const eachOnce: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.shuffledSubarray([...kinds], { minLength: kinds.length }),
    fc.array(number, { minLength: kinds.length }),
  )
  .map(([order, numbers]) => order.map((what, at) => ({ what, n: numbers[at] ?? 0 })));
const garbage = [
  "sealed/77",
  "cache/1/aux",
  "work/1-0/sealed",
  "unsealed/9",
  "staged/1.bak",
  "sealed/.1-2-3.part",
];

class World extends VolumeWorld {
  readonly records: Records;
  readonly volumes: Volumes;

  constructor(ground: Ground, { disk = (own) => own }: Sabotage) {
    const [records, volumes] = [ground.records(), ground.volumes()];
    super(records.dbPath, (place) => disk(volumes.openPlace(place)));
    this.records = records;
    this.volumes = volumes;
  }
  placeOf(n: number): string {
    return this.volumes.places[n % 2] ?? "";
  }
}

async function alive(world: World): Promise<void> {
  const { storage } = world;
  for (const { pieceKey, userBytes } of await storage.listPieces()) {
    expect(equalBytes(await readAll(storage.readPiece(pieceKey)), pieceOf(pieceKey, userBytes).bytes)).toBe(
      true,
    );
  }
  const sectors = (await storage.listSectors({ states: ["committed"] })).map(({ sectorId }) => sectorId);
  if (sectors.length > 0) {
    expect((await storage.generatePost("window", seedAt(1), sectors)).proven).toEqual(sectors);
  }
  await expectExact(storage);
}

async function drained({ storage, clock }: World): Promise<void> {
  const left = async () => {
    await clock.advance(1_000);
    const volumes = await storage.volumes.list();
    return volumes.filter(({ mode, fileCount }) => mode === "draining" && fileCount > 0).length;
  };
  await expect.poll(left, { interval: 1 }).toBe(0);
}

async function act({ what, n }: Step, world: World, count: number): Promise<void> {
  const { storage } = world;
  const place = world.placeOf(n);
  switch (what) {
    case "add": {
      const { sectorId } = await storage.addPiece(pieceOf(`k${count}`, 100 + 150 * n));
      if (n % 2 === 0) return;
      await storage.sealStagedSector(sectorId);
      return await sealTo(storage, sectorId, n === 3 ? "proved" : "committed");
    }
    case "capacity":
      return await sealTo(storage, await storage.addCommittedCapacity(), "committed");
    case "again": {
      // A second attempt while the files of the first lie there.
      const sectorId = await storage.addCommittedCapacity();
      await sealTo(storage, sectorId, "sealed");
      await storage.restartSeal(sectorId, "another ticket");
      await storage.startSeal(sectorId, ticketAt(7), identity);
      await storage.whenIdle(sectorId);
      await storage.proveSeal(sectorId, seedAt(9));
      await storage.whenIdle(sectorId);
      return await storage.confirmCommitted(sectorId);
    }
    case "drain":
      await storage.volumes.change(place, { mode: "draining" });
      return await drained(world);
    case "open":
      await storage.volumes.change(place, { mode: "open", weight: 1 + n });
      return;
    case "litter":
      for (const disk of [world.home, world.volumes.diskAt(place)]) {
        const path = garbage[n] ?? "";
        if ((await disk.sizeBytes(path)) === undefined) await disk.writeFile(path, new Uint8Array(7));
      }
      return;
    case "zombie":
      return await writeLate(world, n);
    case "reopen":
      await world.reopen();
      return;
    case "drop": {
      const [sector] = await storage.listSectors({ states: ["committed"], limit: 1 });
      if (sector !== undefined) await storage.dropSector(sector.sectorId);
    }
  }
}

/** A worker of another attempt brings its replica beside that of a sector which is alive. */
async function writeLate(world: World, n: number): Promise<void> {
  const sectors = await world.storage.listSectors({ states: ["committed", "proved"], limit: 9 });
  const sector = sectors[n % Math.max(1, sectors.length)];
  if (sector === undefined) return;
  for (const { role, volumeId, path } of await world.storage.volumes.filesOf(sector.sectorId)) {
    if (role !== "sealed") continue;
    const disk = volumeId === 0 ? world.home : world.volumes.diskAt(world.placeOf(volumeId - 1));
    await disk.writeFile(`${path.replace(/-\d+$/, "")}-${900 + n}`, new Uint8Array(9));
  }
}

/** Whether a history was found in which something alive was lost, or something dead left. */
async function isCaught(ground: Ground, runs: number, sabotage: Sabotage = {}): Promise<boolean> {
  const isSound = Object.keys(sabotage).length === 0;
  const property = fc.asyncProperty(isSound && ground.isBucket ? eachOnce : anySteps, async (steps) => {
    await using world = new World(ground, sabotage);
    await world.open();
    for (const place of world.volumes.places) await world.storage.volumes.attach({ place });
    for (const [count, one] of steps.entries()) {
      await act(one, world, count);
      if (sabotage.sql !== undefined) await world.records.run(sabotage.sql);
      await world.storage.collectGarbage();
      await alive(world);
    }
  });
  const found = await fc.check(property, { numRuns: runs, seed: 20_190_301, endOnFailure: true });
  if (found.failed && isSound) console.log(fc.defaultReportMessage(found));
  return found.failed;
}

/** Deletes with a replica those of the sector's other attempts. */
function takesSiblings(disk: Disk): Disk {
  const remove = async (path: string): Promise<void> => {
    const sectorId = /^sealed\/(\d+)-/.exec(path)?.[1];
    const names = sectorId === undefined ? [] : await disk.list("sealed");
    for (const name of names) if (name.startsWith(`${sectorId}-`)) await disk.remove(`sealed/${name}`);
    await disk.remove(path);
  };
  return new Proxy(disk, {
    get: (target, name) => {
      const value: unknown = name === "remove" ? remove : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const onRecords: readonly (readonly [string, Sabotage])[] = [
  [
    "a row that is forgotten while its file is alive",
    { sql: "DELETE FROM sector_files WHERE role = 'tree' AND sector_id % 2 = 1" },
  ],
  ["a counter that drifts", { sql: "UPDATE volumes SET used_bytes = used_bytes + 1" }],
];
const onVolumes: readonly (readonly [string, Sabotage])[] = [
  ["a deletion that takes the file of another attempt with it", { disk: takesSiblings }],
];
/** Within so many histories a planted fault is found. */
const canaryRuns = 12;

/** Faults of records are planted beside disks only: the records do not know what a volume is. */
export function collectorSuite(
  name: string,
  make: () => Promise<Ground>,
  options: { readonly runs: number; readonly isOfRecords: boolean },
): void {
  describe(`the collector, whatever happens to volumes (${name})`, () => {
    it("deletes nothing alive and leaves nothing dead", async () => {
      await using ground = await make();
      expect(await isCaught(ground, options.runs)).toBe(false);
    });
    for (const [fault, sabotage] of options.isOfRecords ? [...onRecords, ...onVolumes] : onVolumes) {
      it(`canary: ${fault} is found`, async () => {
        await using ground = await make();
        expect(await isCaught(ground, canaryRuns, sabotage)).toBe(true);
      });
    }
  });
}
