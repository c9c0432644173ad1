/** The simulated disk keeps the promises of the seam and breaks all else; broken disks fail the suite. */
import { concatBytes, type Disk, type DiskFile, equalBytes, toHex, utf8Bytes } from "@holdfast/base";
import {
  codeOf,
  diskSuite,
  drainMicrotasks,
  failures,
  runSuite,
  SeededRandom,
  SimDisk,
} from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

let made = 0;
const newDisk = (): SimDisk => new SimDisk({ random: new SeededRandom(`disk ${made++}`) });
const underTest = (disk: SimDisk, shown: (disk: SimDisk) => Disk = (same) => same) => ({
  disk: shown(disk),
  crash: async () => shown(disk.crash()),
  fillUpTo: (freeBytes: number) => {
    disk.capacityBytes = disk.usedBytes + freeBytes;
  },
});
diskSuite({ describe, it, expect }, () => underTest(newDisk()));

describe("the disk suite", () => {
  /** The simulated disk with one fault. */
  const broken: Record<string, (disk: SimDisk) => Partial<Disk>> = {
    "replaces a file in place, so that a crash tears it": (disk) => ({
      writeFile: async (path, bytes) => {
        await using file = await disk.open(path, "create");
        await file.writeAt(0, bytes);
        await file.sync();
      },
    }),
    "replaces a file without making it durable": (disk) => ({
      writeFile: async (path, bytes) => {
        await using file = await disk.open(path, "create");
        await file.writeAt(0, bytes);
      },
    }),
    "only says that it syncs": (disk) => ({
      open: async (path, mode) => withFile(await disk.open(path, mode), { sync: async () => undefined }),
    }),
    "syncs everything at once": (disk) => ({
      open: async (path, mode) => {
        const file = await disk.open(path, mode);
        const writeAt = async (at: number, bytes: Uint8Array): Promise<void> => {
          await file.writeAt(at, bytes);
          await file.sync();
        };
        return mode === "read" ? file : withFile(file, { writeAt });
      },
    }),
    "copies instead of renaming": (disk) => ({
      rename: async (from, to) => {
        await disk.writeFile(to, (await disk.readFile(from)) ?? new Uint8Array(0));
        await disk.remove(from);
      },
    }),
    "follows .. up to the root": (disk) => ({
      readFile: (path) => disk.readFile(path.replaceAll("../", "")),
      writeFile: (path, bytes) => disk.writeFile(path.replaceAll("../", ""), bytes),
    }),
    "lists names as they come": (disk) => ({ list: async (path) => (await disk.list(path)).reverse() }),
    "hands out its own bytes": (disk) => {
      const cache = new Map<string, Uint8Array>();
      return {
        readFile: async (path) => {
          const found = cache.get(path) ?? (await disk.readFile(path));
          if (found !== undefined) cache.set(path, found);
          return found;
        },
      };
    },
    "keeps the tail of a longer file": (disk) => ({
      writeFile: async (path, bytes) => {
        const old = (await disk.readFile(path)) ?? new Uint8Array(0);
        await disk.writeFile(path, concatBytes(bytes, old.subarray(bytes.length)));
      },
    }),
    "cannot tell a missing file from an empty one": (disk) => ({
      readFile: async (path) => (await disk.readFile(path)) ?? new Uint8Array(0),
    }),
    "pads reads with zeros": (disk) => ({
      open: async (path, mode) => {
        const file = await disk.open(path, mode);
        const readAt = async (at: number, length: number): Promise<Uint8Array> => {
          const padded = new Uint8Array(length);
          padded.set(await file.readAt(at, length));
          return padded;
        };
        return withFile(file, { readAt });
      },
    }),
    "writes half of what does not fit": (disk) => ({
      writeFile: async (path, bytes) => {
        if (bytes.length > (await disk.freeBytes())) await disk.writeFile(path, bytes.subarray(0, 1));
        await disk.writeFile(path, bytes);
      },
    }),
    "goes on with a closed file": (disk) => ({
      open: async (path, mode) =>
        withFile(await disk.open(path, mode), { [Symbol.asyncDispose]: async () => undefined }),
    }),
  };
  const withFile = (file: DiskFile, changes: Partial<DiskFile>): DiskFile => ({
    readAt: (at, length) => file.readAt(at, length),
    writeAt: (at, bytes) => file.writeAt(at, bytes),
    sizeBytes: () => file.sizeBytes(),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    ...changes,
  });
  const faulty = (disk: SimDisk, change: (disk: SimDisk) => Partial<Disk>): Disk => ({
    readFile: (path) => disk.readFile(path),
    writeFile: (path, bytes) => disk.writeFile(path, bytes),
    open: (path, mode) => disk.open(path, mode),
    list: (folder) => disk.list(folder),
    remove: (path) => disk.remove(path),
    rename: (from, to) => disk.rename(from, to),
    sizeBytes: (path) => disk.sizeBytes(path),
    freeBytes: () => disk.freeBytes(),
    nativePath: (path) => disk.nativePath(path),
    ...change(disk),
  });
  for (const [fault, change] of Object.entries(broken)) {
    it(`canary: catches a disk that ${fault}`, async () => {
      const results = await runSuite(expect, (tools) =>
        diskSuite(tools, () => underTest(newDisk(), (disk) => faulty(disk, change))),
      );
      expect(failures(results).length).toBeGreaterThan(0);
    });
  }
  it("passes the disk that the canaries are made of", async () => {
    const results = await runSuite(expect, (tools) =>
      diskSuite(tools, () => underTest(newDisk(), (disk) => faulty(disk, () => ({})))),
    );
    expect(failures(results)).toEqual([]);
  });
});

describe("a crash of the simulated disk", () => {
  it("leaves the old disk dead and its files closed", async () => {
    const disk = newDisk();
    await disk.writeFile("a", utf8Bytes("a"));
    const file = await disk.open("a", "write");
    const late = codeOf(disk.writeFile("b", utf8Bytes("b")));
    const next = disk.crash();
    expect(disk.crash()).toBe(next);
    expect(await late).toBe("disk/closed");
    expect(await codeOf(disk.readFile("a"))).toBe("disk/closed");
    expect(await codeOf(file.readAt(0, 1))).toBe("disk/closed");
    expect(await next.readFile("a")).toEqual(utf8Bytes("a"));
    expect(next.usedBytes).toBe(1 + ((await next.sizeBytes("b")) ?? 0));
  });
  it("repeats exactly for the same seed", async () => {
    const ending = async (seed: string): Promise<string> => {
      const disk = new SimDisk({ random: new SeededRandom(seed) });
      await using file = await disk.open("a", "create");
      await file.sync();
      for (let i = 0; i < 20; i++) await file.writeAt(i * 700, new Uint8Array(1_000).fill(i));
      return toHex((await disk.crash().readFile("a")) ?? new Uint8Array(0));
    };
    const seeds = Array.from({ length: 20 }, (_, i) => `seed ${i}`);
    const endings = await Promise.all(seeds.map(ending));
    expect(await Promise.all(seeds.map(ending))).toEqual(endings);
    expect(new Set(endings).size).toBeGreaterThan(8);
  });
  it("comes in the midst of the change that was named", async () => {
    const found: string[] = [];
    for (let n = 1; n <= 4; n++) {
      const disk = newDisk();
      disk.crashAtChange(n);
      let done = 0;
      try {
        for (const name of ["a", "b", "c"]) {
          await disk.writeFile(name, utf8Bytes(name));
          done++;
        }
      } catch {
        expect(disk.crashed).toBe(true);
      }
      expect(done).toBe(Math.min(n - 1, 3));
      const names = await disk.crash().list("");
      expect(names.slice(0, done)).toEqual(["a", "b", "c"].slice(0, done));
      expect(names.length).toBeLessThanOrEqual(done + 1);
      found.push(names.join(""));
    }
    expect(found.at(-1)).toBe("abc");
  });
  it("never loses what was durable, under any program of operations", async () => {
    const name = fc.constantFrom("a", "b", "f/a", "f/b");
    const step = fc.oneof(
      fc.record({ kind: fc.constant("writeFile" as const), name, size: fc.nat(2_000) }),
      fc.record({ kind: fc.constant("append" as const), name, size: fc.nat(2_000), sync: fc.boolean() }),
      fc.record({ kind: fc.constant("rename" as const), name, to: name }),
      fc.record({ kind: fc.constant("remove" as const), name }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.nat(), async (steps, seed) => {
        const disk = new SimDisk({ random: new SeededRandom(seed) });
        /** What each name must hold after a crash at this point, where that is certain. */
        const certain = new Map<string, Uint8Array>();
        let fill = 0;
        for (const each of steps) {
          fill = (fill + 1) % 256;
          const bytes = new Uint8Array("size" in each ? each.size : 0).fill(fill);
          if (each.kind === "writeFile") {
            await disk.writeFile(each.name, bytes);
            certain.set(each.name, bytes);
          } else if (each.kind === "append") {
            const before = (await disk.readFile(each.name)) ?? new Uint8Array(0);
            await using file = await disk.open(
              each.name,
              (await disk.sizeBytes(each.name)) === undefined ? "create" : "write",
            );
            await file.writeAt(before.length, bytes);
            if (each.sync) {
              await file.sync();
              certain.set(each.name, concatBytes(before, bytes));
            }
          } else if (each.kind === "remove") {
            await disk.remove(each.name);
            certain.delete(each.name);
          } else if ((await disk.sizeBytes(each.name)) !== undefined) {
            await disk.rename(each.name, each.to);
            const moved = certain.get(each.name);
            if (each.name === each.to) continue;
            certain.delete(each.name);
            certain.delete(each.to);
            if (moved !== undefined) certain.set(each.to, moved);
          }
        }
        const next = disk.crash();
        for (const [path, bytes] of certain) {
          const found = (await next.readFile(path)) ?? new Uint8Array(0);
          expect(equalBytes(found.subarray(0, bytes.length), bytes), path).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("planted faults", () => {
  it("fail the named operation and nothing else", async () => {
    const disk = newDisk();
    await disk.writeFile("a", utf8Bytes("old"));
    disk.fault = (operation, path) => (operation === "writeFile" && path === "a" ? "io" : undefined);
    expect(await codeOf(disk.writeFile("a", utf8Bytes("new")))).toBe("disk/io");
    await disk.writeFile("b", utf8Bytes("new"));
    expect(await disk.readFile("a")).toEqual(utf8Bytes("old"));
    disk.fault = (operation) => (operation === "sync" ? "full" : undefined);
    await using file = await disk.open("c", "create");
    expect(await codeOf(file.sync())).toBe("disk/full");
  });
  it("do not hold up operations in order", async () => {
    const disk = newDisk();
    const log: number[] = [];
    const all = [1, 2, 3].map((n) => disk.writeFile("a", new Uint8Array([n])).then(() => log.push(n)));
    await drainMicrotasks();
    await Promise.all(all);
    expect(log).toEqual([1, 2, 3]);
    expect(await disk.readFile("a")).toEqual(new Uint8Array([3]));
  });
});
