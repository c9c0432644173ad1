/** Both twins of the disk keep the seam's promises; and what only a real file system can get wrong. */
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Disk, utf8Bytes } from "@holdfast/base";
import { codeOf, diskSuite, failures, runSuite, SeededRandom, SimDisk } from "@holdfast/base/testing";
import { openNodeDisk } from "@holdfast/storage";
import { describe, expect, it } from "vitest";

async function realDisk() {
  const root = await mkdtemp(path.join(tmpdir(), "holdfast-disk-"));
  const dispose = () => rm(root, { recursive: true, force: true });
  return { disk: openNodeDisk(root), root, dispose };
}

const tools = { describe, it, expect };

describe("the disk of the operating system", () => {
  diskSuite(tools, realDisk);
});

describe("the simulated disk", () => {
  let run = 0;
  diskSuite(tools, () => {
    const disk = new SimDisk({ random: new SeededRandom(`twin ${run++}`) });
    return { disk, crash: async () => disk.crash() };
  });
});

describe("files of the operating system", () => {
  it("leaves no half-written file beside the whole one", async () => {
    const { disk, root, dispose } = await realDisk();
    await Promise.all(Array.from({ length: 20 }, (_, i) => disk.writeFile("f/a", utf8Bytes(`version ${i}`))));
    expect(await readdir(path.join(root, "f"))).toEqual(["a"]);
    await dispose();
  });

  it("has a root that it makes by itself, also deep down", async () => {
    const { root, dispose } = await realDisk();
    const disk = openNodeDisk(path.join(root, "not/yet"));
    expect(await disk.freeBytes()).toBeGreaterThan(0);
    await disk.writeFile("a/b/c", utf8Bytes("x"));
    expect(disk.nativePath("a/b/c")).toBe(path.join(root, "not/yet/a/b/c"));
    expect(disk.nativePath("")).toBe(path.join(root, "not/yet"));
    await dispose();
  });

  it("says that the disk is full when the system does", async () => {
    const disk = openNodeDisk("/dev");
    const full = await disk.open("full", "write").catch(() => undefined);
    if (full === undefined) return; // not Linux
    expect(await codeOf(full.writeAt(0, utf8Bytes("x")))).toBe("disk/full");
  });

  it("names a refusal of the system", async () => {
    if (process.getuid?.() === 0) return; // root may do everything
    const { disk, root, dispose } = await realDisk();
    await mkdir(path.join(root, "locked"));
    await chmod(path.join(root, "locked"), 0o500);
    expect(await codeOf(disk.writeFile("locked/a", utf8Bytes("x")))).toBe("disk/io");
    await chmod(path.join(root, "locked"), 0o700);
    await dispose();
  });

  it("writes copies of what others have as whole files too, and leaves nothing half-written beside them", async () => {
    const { disk, dispose } = await realDisk();
    await disk.writeCopy?.("blocks/a", utf8Bytes("a block"));
    await disk.writeCopy?.("blocks/a", utf8Bytes("another"));
    expect(await disk.readFile("blocks/a")).toEqual(utf8Bytes("another"));
    expect(await disk.list("blocks")).toEqual(["a"]);
    await disk.settle?.(["blocks/a", "blocks/gone"]);
    expect(await disk.readFile("blocks/a")).toEqual(utf8Bytes("another"));
    await dispose();
  });

  it("follows a folder that the operator has linked to another volume", async () => {
    const { disk, root, dispose } = await realDisk();
    const other = await realDisk();
    await symlink(other.root, path.join(root, "sealed"));
    await disk.writeFile("sealed/1", utf8Bytes("x"));
    expect(await other.disk.readFile("1")).toEqual(utf8Bytes("x"));
    await Promise.all([dispose(), other.dispose()]);
  });
});

describe("canaries: the suite catches a broken disk", () => {
  const broken = async (breakIt: (disk: Disk, root: string) => Disk): Promise<string[]> => {
    const results = await runSuite(expect, (given) =>
      diskSuite(given, async () => {
        const { disk, root, dispose } = await realDisk();
        return { disk: breakIt(disk, root), dispose };
      }),
    );
    return failures(results);
  };
  /** The disk with some methods replaced. */
  const withMethods = (disk: Disk, methods: Partial<Disk>): Disk =>
    Object.assign(Object.create(disk), bound(disk), methods);

  it("one that follows .. out of its root", async () => {
    const failed = await broken((disk, root) =>
      withMethods(disk, {
        writeFile: (relative, bytes) =>
          relative.includes("..") && !relative.includes("\0") && relative.length < 200
            ? writeFile(path.join(root, "inner", relative.replaceAll("..", "x")), bytes)
            : disk.writeFile(relative, bytes),
      }),
    );
    expect(failed).toContain("refuses every path that is not plainly below the root");
  });

  it("one that lists in the order of the system", async () => {
    const failed = await broken((disk) =>
      withMethods(disk, { list: async (folder) => (await disk.list(folder)).reverse() }),
    );
    expect(failed).toContain("lists names in order, and only of the folder itself");
  });

  it("one that keeps the caller's array", async () => {
    const failed = await broken((disk) =>
      withMethods(disk, {
        writeFile: async (relative, bytes) => {
          await undefined;
          await disk.writeFile(relative, bytes);
        },
      }),
    );
    expect(failed).toContain("takes a copy of what it is given and gives a copy of what it holds");
  });
});

function bound(disk: Disk): Disk {
  return {
    readFile: (p) => disk.readFile(p),
    writeFile: (p, bytes) => disk.writeFile(p, bytes),
    open: (p, mode) => disk.open(p, mode),
    list: (p) => disk.list(p),
    remove: (p) => disk.remove(p),
    rename: (from, to) => disk.rename(from, to),
    sizeBytes: (p) => disk.sizeBytes(p),
    freeBytes: () => disk.freeBytes(),
    nativePath: (p) => disk.nativePath(p),
  };
}
