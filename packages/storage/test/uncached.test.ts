/**
 * Files past the system's cache: the same bytes, lengths and failures as by the ordinary way, whatever blocks the disk
 * takes, refuses or takes a part of.
 */
import { constants, statfsSync } from "node:fs";
import { type FileHandle, mkdtemp, open, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Disk } from "@holdfast/base";
import { codeOf, diskSuite } from "@holdfast/base/testing";
import { type DirectHandle, type OpenDirect, openNodeDisk } from "@holdfast/storage";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const blockBytes = 4096;
let root = "";
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "holdfast-uncached-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));
const name = (): string => `${made++}`;

function takesBlocks(): boolean {
  if (process.platform !== "linux") return false;
  const { type } = statfsSync(root);
  return type === 0xef53 || type === 0x58465342; // ext4, XFS
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Opens a second time by number, with or without the flag of the system. */
async function again(descriptor: number, isWritable: boolean, flag = 0): Promise<FileHandle | undefined> {
  const flags = (isWritable ? constants.O_RDWR : constants.O_RDONLY) | flag;
  return await open(`/proc/self/fd/${descriptor}`, flags).catch(() => undefined);
}

interface Call {
  readonly room: Uint8Array;
  readonly bytes: number;
  readonly offset: number;
  readonly go: (bytes?: number) => Promise<number>;
}

/** A way by blocks, told of each call and free to do something else. */
function byBlocks(write: (call: Call) => Promise<number>, flag = 0): OpenDirect {
  return async (descriptor, isWritable) => {
    const handle = await again(descriptor, isWritable, flag);
    if (handle === undefined) return undefined;
    const change = async (room: Uint8Array, at: number, bytes: number, offset: number) => {
      expect([at, bytes % blockBytes, offset % blockBytes]).toEqual([0, 0, 0]);
      const go = async (some = bytes) => (await handle.write(room, 0, some, offset)).bytesWritten;
      return { bytesWritten: await write({ room, bytes, offset, go }), buffer: room };
    };
    return {
      write: change as DirectHandle["write"],
      read: handle.read.bind(handle),
      close: () => handle.close(),
    };
  };
}

interface Change {
  readonly kind: "write" | "truncate";
  readonly offset: number;
  readonly length: number;
}

const changes = fc.array(
  fc.record({
    kind: fc.constantFrom("write", "write", "write", "write", "truncate"),
    offset: fc.oneof(
      fc.nat({ max: 400_000 }),
      fc.nat({ max: 90 }).map((block) => block * blockBytes),
    ),
    length: fc.oneof(
      { arbitrary: fc.nat({ max: 300_000 }), weight: 6 },
      { arbitrary: fc.constantFrom(4_300_000, 2 ** 22), weight: 1 },
    ),
  }) satisfies fc.Arbitrary<Change>,
  { minLength: 1, maxLength: 8 },
);

/** As an array has it. */
function asArray(bytes: Uint8Array, { kind, offset, length }: Change, fill: number): Uint8Array {
  const end = kind === "truncate" ? offset : length === 0 ? bytes.length : offset + length;
  const after = new Uint8Array(kind === "truncate" ? end : Math.max(end, bytes.length));
  after.set(bytes.subarray(0, after.length));
  if (kind === "write") after.fill(fill, offset, offset + length);
  return after;
}

/** Half of the changes are asked for at once, before any of them has happened. */
async function changed(disk: Disk, file: string, all: readonly Change[]): Promise<Uint8Array> {
  let expected = new Uint8Array(0) as Uint8Array;
  await using opened = await disk.open(file, "create", { isUncached: true });
  const half = all.length >> 1;
  const asked: Promise<void>[] = [];
  for (const [i, change] of all.entries()) {
    const { kind, offset, length } = change;
    expected = asArray(expected, change, i + 1);
    const bytes = new Uint8Array(length).fill(i + 1);
    const done = kind === "write" ? opened.writeAt(offset, bytes) : opened.truncate(offset);
    if (i < half) asked.push(done);
    else await done;
  }
  await Promise.all(asked);
  for (const [offset, length] of [
    [0, expected.length],
    [33, expected.length],
    [blockBytes, 200_000],
    [expected.length, 100_000],
  ] as const) {
    const room = new Uint8Array(length + 5).fill(99);
    const found = await opened.readAt(offset, length, room);
    expect(Buffer.compare(found, expected.subarray(offset, offset + length))).toBe(0);
    expect(room.subarray(length).every((byte) => byte === 99)).toBe(true);
  }
  await opened.sync();
  expect(await opened.sizeBytes()).toBe(expected.length);
  return expected;
}

async function holds(openDirect: OpenDirect | undefined, runs = 25): Promise<void> {
  const disk = openNodeDisk(root, openDirect === undefined ? {} : { openDirect });
  await fc.assert(
    fc.asyncProperty(changes, async (all) => {
      const file = name();
      const expected = await changed(disk, file, all);
      expect(Buffer.compare((await disk.readFile(file)) ?? new Uint8Array(0), expected)).toBe(0);
      await disk.remove(file);
    }),
    { numRuns: runs, seed: 3, endOnFailure: true },
  );
}

describe("a disk whose files are all uncached", () => {
  diskSuite({ describe, it, expect }, async () => {
    const disk = openNodeDisk(path.join(root, name()));
    const open = disk.open.bind(disk);
    return {
      disk: Object.assign(disk, {
        open: (file, mode) => open(file, mode, { isUncached: true }),
      } satisfies Partial<Disk>),
    };
  });
});

describe("an uncached file", () => {
  it("holds what an array would, by the system's own way", () => holds(undefined));
  it("holds it where there is no way past the cache", () => holds(async () => undefined));
  it("holds it where blocks are refused, at once or later", async () => {
    for (const code of ["EINVAL", "EOPNOTSUPP"]) {
      let calls = 0;
      const refusing = byBlocks(async ({ go }) => {
        calls += 1;
        if (calls % 3 === 0) throw failure(code);
        return await go();
      });
      await holds(refusing, 15);
    }
  });
  it("holds it where the disk takes less than it is given", () => {
    let calls = 0;
    return holds(
      byBlocks(({ bytes, go }) => {
        calls += 1;
        return go(calls % 2 === 0 ? bytes : [0, blockBytes, 1000][calls % 3]);
      }),
    );
  });

  it("would be caught with a block at the wrong place", async () => {
    let isHarmed = false;
    const harming = byBlocks(async ({ room, bytes, go }) => {
      room.copyWithin(blockBytes, 0, 16);
      room.fill(98, bytes - 16, bytes - 15);
      isHarmed = true;
      return await go();
    });
    await expect(holds(harming)).rejects.toThrow();
    expect(isHarmed || process.platform !== "linux").toBe(true);
  });

  it("is open past the cache where the disk takes blocks", async () => {
    if (!takesBlocks()) return;
    const [folder, file] = [path.join(root, name()), name()];
    await using _opened = await openNodeDisk(folder).open(file, "create", { isUncached: true });
    const ways: boolean[] = [];
    for (const descriptor of await readdir("/proc/self/fd")) {
      const to = await readlink(`/proc/self/fd/${descriptor}`).catch(() => "");
      if (to !== path.join(folder, file)) continue;
      const flags = /^flags:\s*([0-7]+)$/m.exec(await readFile(`/proc/self/fdinfo/${descriptor}`, "utf8"));
      ways.push((Number.parseInt(flags?.[1] ?? "0", 8) & constants.O_DIRECT) !== 0);
    }
    expect(ways.toSorted()).toEqual([false, true]);
  });

  it("gives its blocks out of memory that the system takes", async () => {
    if (!takesBlocks()) return;
    let taken = 0;
    const counting = byBlocks(async ({ go }) => {
      const bytes = await go();
      taken += bytes;
      return bytes;
    }, constants.O_DIRECT);
    await using file = await openNodeDisk(root, { openDirect: counting }).open(name(), "create", {
      isUncached: true,
    });
    await file.writeAt(100, new Uint8Array(3_000_000));
    expect(taken).toBe(Math.floor((100 + 3_000_000) / blockBytes) * blockBytes - blockBytes);
  });

  it("says what an ordinary one says of a full and of a broken disk, and is closed in between", async () => {
    if (process.platform !== "linux") return;
    for (const [code, said] of [
      ["ENOSPC", "disk/full"],
      ["EIO", "disk/io"],
    ] as const) {
      const failing = openNodeDisk(root, {
        openDirect: byBlocks(() => Promise.reject(failure(code))),
      });
      await using file = await failing.open(name(), "create", { isUncached: true });
      expect(await codeOf(file.writeAt(5, new Uint8Array(200_000)))).toBe(said);
      await file.writeAt(5, new Uint8Array(2000).fill(1));
      expect(await file.sizeBytes()).toBeGreaterThanOrEqual(2005);
    }
    let close: () => unknown = () => undefined;
    const closing = byBlocks(({ go }) => {
      close();
      return go();
    });
    const file = await openNodeDisk(root, { openDirect: closing }).open(name(), "create", {
      isUncached: true,
    });
    let closed: Promise<void> | undefined;
    close = () => {
      closed ??= Promise.resolve(file[Symbol.asyncDispose]());
    };
    const [long, late] = [file.writeAt(0, new Uint8Array(9_000_000)), file.writeAt(0, new Uint8Array(9))];
    expect([await codeOf(long), await codeOf(late)]).toEqual(["disk/closed", "disk/closed"]);
    await closed;
  });
});
