/** Volumes by themselves: how they are named and told apart, how many disks are one, where a new sector goes. */
import { equalBytes, utf8Bytes } from "@holdfast/base";
import { codeOf, diskSuite, SimDisk } from "@holdfast/base/testing";
import {
  chooseVolume,
  copyFile,
  locate,
  markedDisk,
  mountVolumes,
  parsePlace,
  pathOn,
  placeText,
  roomBytes,
  type VolumeRoom,
  type VolumeSpec,
  writeMarker,
} from "@holdfast/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const spec = (volumeId: number, marker = `marker ${volumeId}`): VolumeSpec => ({
  volumeId,
  place: { kind: "folder", path: `/mnt/${volumeId}` },
  marker,
});

async function twoDisks() {
  const [home, other] = [new SimDisk(), new SimDisk()];
  await writeMarker(other, "marker 3");
  const disk = mountVolumes(home);
  disk.mount(spec(3), markedDisk(other, spec(3)));
  return { home, other, disk };
}

describe("the place of a volume", () => {
  it("is a full path or a bucket, and says why it is neither", async () => {
    expect(parsePlace("/mnt/disk 1/")).toEqual({ kind: "folder", path: "/mnt/disk 1" });
    const bucket = parsePlace("s3://bucket/a/b/?endpoint=http://127.0.0.1:9000/");
    const expected = {
      kind: "s3",
      bucket: "bucket",
      prefix: "a/b",
      region: "us-east-1",
      endpoint: "http://127.0.0.1:9000",
    };
    expect(bucket).toEqual(expected);
    expect(parsePlace(placeText(bucket))).toEqual(expected);
    expect(parsePlace("s3://bucket", { AWS_REGION: "eu-west-1" })).toMatchObject({
      endpoint: "https://s3.eu-west-1.amazonaws.com",
    });
    const bad = ["disk", "./disk", "s3://", "s3://B", "s3://key:secret@bucket", "s3://bucket?x=1"];
    for (const text of [...bad, "s3://bucket?endpoint=ftp://x", "s3://bucket?region=A"]) {
      expect(await codeOf(Promise.resolve().then(() => parsePlace(text)))).toBe("storage/bad-volume-place");
    }
  });
});

describe("many volumes as one disk", () => {
  diskSuite({ describe, it, expect }, () => ({ disk: mountVolumes(new SimDisk()) }));

  it("finds each file on its volume", async () => {
    const { home, other, disk } = await twoDisks();
    await disk.writeFile("sealed/1", utf8Bytes("home"));
    await disk.writeFile(pathOn(3, "sealed/1"), utf8Bytes("there"));
    expect(await home.readFile("sealed/1")).toEqual(utf8Bytes("home"));
    expect(await other.readFile("sealed/1")).toEqual(utf8Bytes("there"));
    expect(await disk.list("volumes/3")).toEqual(["sealed"]);
    expect(await disk.list("volumes/3/sealed")).toEqual(["1"]);
    expect(locate("volumes/3/sealed/1")).toEqual({ volumeId: 3, path: "sealed/1" });
    expect(locate("sealed/1")).toEqual({ volumeId: 0, path: "sealed/1" });
    expect(disk.table()).toEqual({ home: null, volumes: [spec(3)] });
  });

  it("moves a file from one volume to another", async () => {
    const { other, disk } = await twoDisks();
    const bytes = new Uint8Array(5 * 2 ** 20).fill(7);
    await disk.writeFile("sealed/1", bytes);
    await disk.rename("sealed/1", "volumes/3/sealed/1");
    expect(await disk.sizeBytes("sealed/1")).toBe(undefined);
    expect(equalBytes((await other.readFile("sealed/1")) ?? new Uint8Array(0), bytes)).toBe(true);
    expect(await copyFile(disk, "volumes/3/sealed/1", "work/x")).toBe(bytes.length);
    expect(await codeOf(copyFile(disk, "none", "work/y"))).toBe("disk/not-found");
    const stop = AbortSignal.abort(new Error("stop"));
    await expect(copyFile(disk, "work/x", "work/y", stop)).rejects.toThrow("stop");
  });

  it("never takes a volume that is away for missing files", async () => {
    const { disk } = await twoDisks();
    disk.unmount(3);
    for (const asked of [
      disk.sizeBytes("volumes/3/sealed/1"),
      disk.readFile("volumes/3/sealed/1"),
      disk.list("volumes/3/sealed"),
      disk.writeFile("volumes/3/sealed/1", utf8Bytes("x")),
      disk.remove("volumes/3/sealed/1"),
      disk.rename("volumes/3/sealed/1", "sealed/1"),
    ]) {
      expect(await codeOf(asked)).toBe("storage/volume-away");
    }
  });
});

describe("a marked volume", () => {
  it("is not its mount point: nothing is written there, and nothing is called missing", async () => {
    const empty = new SimDisk();
    const disk = markedDisk(empty, spec(1));
    for (const asked of [
      disk.sizeBytes("sealed/1"),
      disk.readFile("sealed/1"),
      disk.open("sealed/1", "read"),
      disk.open("sealed/1", "create"),
      disk.list("sealed"),
      disk.remove("sealed/1"),
      disk.writeFile("sealed/1", utf8Bytes("x")),
      disk.freeBytes(),
    ]) {
      expect(await codeOf(asked)).toBe("storage/volume-away");
    }
    expect(await empty.list("")).toEqual([]);
    await writeMarker(empty, "marker of another");
    expect(await codeOf(disk.sizeBytes("sealed/1"))).toBe("storage/volume-away");
    await writeMarker(empty, "marker 1");
    expect(await disk.sizeBytes("sealed/1")).toBe(undefined);
    expect(await codeOf(disk.open("sealed/1", "read"))).toBe("disk/not-found");
    await disk.writeFile("sealed/1", utf8Bytes("x"));
    expect(await disk.list("")).toEqual(["sealed"]);
  });
});

describe("where a new sector goes", () => {
  const volume = (volumeId: number, change: Partial<VolumeRoom> = {}): VolumeRoom => ({
    volumeId,
    roles: ["seal", "store"],
    mode: "open",
    isWritable: true,
    weight: 1,
    maxBytes: null,
    usedBytes: 0,
    reservedBytes: 0,
    freeBytes: 1_000,
    ...change,
  });

  it("is the volume with the most room times its weight, of those that may take it", () => {
    const volumes = [volume(0), volume(1, { freeBytes: 3_000 }), volume(2, { freeBytes: 2_000, weight: 2 })];
    expect(chooseVolume(volumes, "store", 500)).toEqual({ volumeId: 2 });
    const refused = [
      volume(0, { roles: ["seal"] }),
      volume(1, { mode: "draining" }),
      volume(2, { mode: "read-only" }),
      volume(3, { isWritable: false }),
      volume(4, { weight: 0 }),
      volume(5, { maxBytes: 499 }),
      volume(6, { freeBytes: 700, usedBytes: 100, reservedBytes: 400 }),
    ];
    const choice = chooseVolume(refused, "store", 500);
    expect("reasons" in choice ? [...choice.reasons.values()] : []).toEqual([
      "is not there to store",
      "is being drained",
      "is read-only",
      "is away or takes no writes",
      "has the weight 0",
      "has 499 bytes left",
      "has 400 bytes left",
    ]);
  });

  it("never promises more than there is, in whatever order sectors come and grow", () => {
    const sizes = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 400 }), fc.double({ min: 0, max: 1, noNaN: true })),
      { maxLength: 30 },
    );
    const property = fc.property(
      sizes,
      fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 4 }),
      (sectors, disks) => {
        const rooms = disks.map((freeBytes, id) =>
          volume(id, { freeBytes, maxBytes: id % 2 === 0 ? null : 600 }),
        );
        const whole = disks.slice();
        for (const [bytes, written] of sectors) {
          const choice = chooseVolume(rooms, "store", bytes);
          if (!("volumeId" in choice)) continue;
          const room = rooms[choice.volumeId];
          if (room === undefined) throw new Error("no such volume");
          const used = Math.floor(bytes * written);
          rooms[choice.volumeId] = {
            ...room,
            reservedBytes: room.reservedBytes + bytes,
            usedBytes: room.usedBytes + used,
            freeBytes: room.freeBytes - used,
          };
        }
        for (const [id, room] of rooms.entries()) {
          expect(room.reservedBytes).toBeLessThanOrEqual(whole[id] ?? 0);
          if (room.maxBytes !== null) expect(room.reservedBytes).toBeLessThanOrEqual(room.maxBytes);
          expect(roomBytes(room)).toBeGreaterThanOrEqual(0);
        }
      },
    );
    fc.assert(property, { seed: 20_190_301 });
  });
});
