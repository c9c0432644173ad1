/** What an operator is told of volumes that are being emptied: `storage ls` and `why storage` name cause and remedy. */
import type { HoldfastError } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { type Chores, type DrainJob, type Storage, storageErrors, type VolumeInfo } from "@holdfast/storage";
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

function doorOf(
  all: readonly VolumeInfo[],
  drain: DrainJob | undefined,
  refusal: HoldfastError | undefined = undefined,
): StorageDoor {
  const storage = { volumes: { list: async () => all }, refusal: async () => refusal } as unknown as Storage;
  const chores = { drainOf: async (volumeId: number) => (volumeId === 1 ? drain : undefined) };
  return storageDoorOf(storage, undefined, chores as unknown as Chores);
}
const reasons = async (door: StorageDoor) =>
  (await door["storage.ls"]({ check: false }, never)).volumes.map(({ reason }) => reason);
const why = (storage: StorageDoor | undefined) =>
  explainStorage({ storage, name: "miner-1" } as HandlerNeeds, never);

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
    expect((await door["storage.ls"]({ check: false }, never)).volumes[1]?.drain).toEqual({
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
