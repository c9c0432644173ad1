/** What an operator is told of volumes that are being emptied: `storage ls` and `why storage` name cause and remedy. */
import type { HoldfastError } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import {
  type Chores,
  type DrainJob,
  type LackingReport,
  type LackingSector,
  type Storage,
  storageErrors,
  type VolumeInfo,
} from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { storageDoorOf } from "../../src/compose-volumes.ts";
import { explainStorage } from "../../src/rpc/handlers/explain-storage.ts";
import type { HandlerNeeds, StorageDoor } from "../../src/rpc/index.ts";

const never = new AbortController().signal;
const volume: VolumeInfo = {
  ...{ volumeId: 0, place: "/home", kind: "folder", roles: ["seal", "store"], mode: "open", weight: 1 },
  ...{ maxBytes: null, usedBytes: 5, reservedBytes: 5, fileCount: 2, attachedMs: 0, checkedMs: 0 },
  ...{ freeBytes: 9, isHere: true, isWritable: true, reason: null },
};
const emptied: VolumeInfo = { ...volume, volumeId: 1, place: "/mnt/a", mode: "draining" };

const whole: LackingReport = { sectors: [], sectorCount: 0, fileCount: 0, lookedCount: 3, lookedTo: null };

function doorOf(
  all: readonly VolumeInfo[],
  drain: DrainJob | undefined,
  refusal: HoldfastError | undefined = undefined,
  lacking: LackingReport = whole,
): StorageDoor {
  const volumes = { list: async () => all, lacking: async () => lacking };
  const storage = { volumes, refusal: async () => refusal } as unknown as Storage;
  const chores = { drainOf: async (volumeId: number) => (volumeId === 1 ? drain : undefined) };
  return storageDoorOf(storage, undefined, chores as unknown as Chores);
}
const reasons = async (door: StorageDoor) =>
  (await door["storage.ls"]({ check: false, lacking: false }, never)).volumes.map(({ reason }) => reason);
const why = (storage: StorageDoor | undefined) =>
  explainStorage({ storage, name: "miner-1" } as HandlerNeeds, never);

describe("files that are gone", () => {
  const lacks = (
    sectorId: number,
    roles: readonly ("sealed" | "tree" | "unsealed")[],
    isRepairable: boolean,
  ) => ({
    ...{ sectorId, state: "committed" as const, isRepairable },
    isProvable: roles.every((role) => role === "unsealed"),
    missing: roles.map((role) => ({ role, volumeId: 0, path: `${role}/${sectorId}-1` })),
  });
  const gone = (sectors: LackingSector[], more: Partial<LackingReport> = {}): LackingReport => ({
    ...{ sectors, sectorCount: sectors.length, fileCount: sectors.length, lookedCount: 50, lookedTo: null },
    ...more,
  });

  it("are named by why storage: which sector, which file, what follows, what to do", async () => {
    const sectors = [
      lacks(80, ["sealed", "tree"], true),
      lacks(81, ["unsealed"], true),
      lacks(82, ["sealed"], false),
    ];
    const found = await why(doorOf([volume], undefined, undefined, gone(sectors, { fileCount: 4 })));
    expect(found).toMatchObject({
      ...{ light: "failing", state: "lacking", summary: "4 files of 3 sectors are gone" },
      fix: expect.stringContaining("`holdfast storage repair --all`"),
    });
    const lost = await why(doorOf([volume], undefined, undefined, gone(sectors.slice(2))));
    expect(lost.fix).not.toContain("repair");
    expect(found.causes).toEqual([
      expect.stringMatching(
        /^sector 80 lacks sealed \(volume 0, sealed\/80-1\), tree .*cannot be proven.*`holdfast storage repair 80`/,
      ),
      expect.stringMatching(/^sector 81 lacks unsealed .*out of its replica.*`holdfast storage repair 81`/),
      expect.stringMatching(/^sector 82 .*nothing is left.*`holdfast mine terminate 82`/),
    ]);
  });

  it("of a sector whose seal is not final are made anew when it is, or matter to nobody", async () => {
    const young = (
      roles: LackingSector["missing"][number]["role"][],
      state: "proved" | "sealed" = "proved",
    ) => ({
      ...{ sectorId: 7, state, isProvable: false, isRepairable: true },
      missing: roles.map((role) => ({ role, volumeId: 0, path: `${role}/7-1` })),
    });
    const told = async (sector: LackingSector) =>
      (await why(doorOf([volume], undefined, undefined, gone([sector])))).causes[0];
    expect(await told(young(["sealed"]))).toMatch(/cannot be proven.* makes it anew when its seal is final/);
    const proven = { ...young(["sealed"]), isProvable: true };
    expect(await told(proven)).toMatch(/still proven, by its tree alone/);
    expect(await told(young(["aux", "proof"]))).toMatch(/proven without/);
    expect(await told(young(["tree"], "sealed"))).toMatch(/cannot be sealed as it is/);
  });

  it("are counted where they are too many to name, and said beside what is wrong with volumes", async () => {
    const many = Array.from({ length: 100 }, (_, index) => lacks(index, ["sealed"], true));
    const lacking = gone(many, { sectorCount: 250, fileCount: 250 });
    const away = { ...volume, volumeId: 1, isHere: false, reason: "it is away" };
    const found = await why(doorOf([volume, away], undefined, undefined, lacking));
    expect(found.summary).toBe("250 files of 250 sectors are gone, and 1 of 2 volumes want something");
    expect([found.causes[0], found.causes.length, found.causes.at(-1)]).toEqual([
      ...["volume 1 (/home): it is away", 22],
      "and 230 more sectors",
    ]);
    const some = await why(doorOf([volume], undefined, undefined, gone([], { lookedTo: 49 })));
    expect(some.summary).toContain("first 50 sectors");
  });
});

describe("a volume that is being emptied", () => {
  it("whose job has failed says why, and what tries it again", async () => {
    const { code, message } = storageErrors.full({ neededBytes: 7, availableBytes: 1, limit: "disk" });
    const failure = { code, message, detail: "{}" };
    const door = doorOf([volume, emptied], { jobId: 12, state: "failed", progress: 0.5, failure });
    const reason = `its job 12 has failed: ${message}; \`holdfast storage drain 1\` tries it again`;
    expect(await reasons(door)).toEqual([null, reason]);
    expect(await why(door)).toMatchObject({
      ...{ kind: "storage", light: "failing", state: "troubled" },
      causes: [`volume 1 (/mnt/a): ${reason}`],
    });
    expect((await door["storage.ls"]({ check: false, lacking: false }, never)).volumes[1]?.drain).toEqual({
      ...{ jobId: 12, state: "failed", progress: 0.5 },
    });
  });

  it("says how far it is while nothing is wrong, and then that all is well", async () => {
    const drain = { jobId: 12, state: "running", progress: 0.25, failure: null } as const;
    expect(await why(doorOf([volume, emptied], drain))).toMatchObject({
      ...{ light: "waiting", state: "draining", fix: null },
      causes: ["volume 1 (/mnt/a) is being emptied, 25 % (job 12, running); 2 files are left"],
    });
    expect(await why(doorOf([volume], undefined))).toMatchObject({ light: "ok", state: "here", causes: [] });
  });

  it("are too few or slow for more sectors: the reason and what helps come first", async () => {
    const refusal = storageErrors.full({ neededBytes: 7, availableBytes: 1, limit: "time" });
    expect(await why(doorOf([volume], undefined, refusal))).toMatchObject({
      ...{ state: "refusing", light: "failing", causes: [refusal.message], fix: refusal.fix },
    });
  });

  it("is nothing of a node without a miner", async () => {
    expect(await codeOf(why(undefined))).toBe("rpc/no-sectors");
  });
});
