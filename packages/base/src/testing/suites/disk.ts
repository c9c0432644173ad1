/**
 * Every disk keeps what it promised: files are replaced as a whole, synced bytes survive a crash, no path
 * leaves the root, and each failure has its code. The crash cases run where the twin can be crashed.
 */
import { concatBytes, equalBytes, utf8Bytes } from "../../bytes.ts";
import type { Disk, DiskFile } from "../../seams/types.ts";
import { SeededRandom } from "../random.ts";
import { crashCases } from "./disk-crash.ts";
import { codeOf, type SuiteTools } from "./tools.ts";

export interface DiskUnderTest {
  readonly disk: Disk;
  /** Cuts the power and gives what the next process finds; left out on a disk that cannot be crashed. */
  readonly crash?: () => Promise<Disk>;
  /** Leaves room for so many more bytes; left out on a disk whose size cannot be set. */
  readonly fillUpTo?: (freeBytes: number) => void;
  readonly dispose?: () => Promise<void>;
}

export type DiskBody = (disk: Disk, under: DiskUnderTest) => Promise<void>;

export function diskSuite(tools: SuiteTools, make: () => DiskUnderTest | Promise<DiskUnderTest>): void {
  const using = (body: DiskBody) => async (): Promise<void> => {
    const under = await make();
    try {
      await body(under.disk, under);
    } finally {
      await under.dispose?.();
    }
  };
  tools.describe("a disk", () => {
    wholeFileCases(tools, using);
    openFileCases(tools, using);
    folderCases(tools, using);
    pathCases(tools, using);
    fullCases(tools, using);
    crashCases(tools, make);
  });
}

type Using = (body: DiskBody) => () => Promise<void>;

const one = utf8Bytes("one");
const three = utf8Bytes("three");

/** Runs the body with an open file, and closes it. */
async function withFile(
  disk: Disk,
  path: string,
  mode: "read" | "write" | "create",
  body: (file: DiskFile) => Promise<void>,
): Promise<void> {
  await using file = await disk.open(path, mode);
  await body(file);
}

function wholeFileCases({ it, expect }: SuiteTools, using: Using): void {
  it(
    "says undefined of a file that is not there",
    using(async (disk) => {
      expect(await disk.readFile("none")).toBe(undefined);
      expect(await disk.readFile("no/such/folder")).toBe(undefined);
      expect(await disk.sizeBytes("none")).toBe(undefined);
    }),
  );
  it(
    "reads what was written, also nothing at all",
    using(async (disk) => {
      await disk.writeFile("a", one);
      await disk.writeFile("empty", new Uint8Array(0));
      expect(await disk.readFile("a")).toEqual(one);
      expect(await disk.sizeBytes("a")).toBe(3);
      expect(await disk.readFile("empty")).toEqual(new Uint8Array(0));
      expect(await disk.sizeBytes("empty")).toBe(0);
    }),
  );
  it(
    "replaces a file, also a longer one",
    using(async (disk) => {
      await disk.writeFile("a", three);
      await disk.writeFile("a", one);
      expect(await disk.readFile("a")).toEqual(one);
    }),
  );
  it(
    "takes a copy of what it is given and gives a copy of what it holds",
    using(async (disk) => {
      const given = one.slice();
      const write = disk.writeFile("a", given);
      given.fill(0);
      await write;
      (await disk.readFile("a"))?.fill(1);
      expect(await disk.readFile("a")).toEqual(one);
    }),
  );
  it(
    "refuses a folder where a file is meant",
    using(async (disk) => {
      await disk.writeFile("f/a", one);
      expect(await codeOf(disk.readFile("f"))).toBe("disk/not-a-file");
      expect(await codeOf(disk.writeFile("f", one))).toBe("disk/not-a-file");
      expect(await codeOf(disk.open("f", "create"))).toBe("disk/not-a-file");
      expect(await disk.sizeBytes("f")).toBe(undefined);
      expect(await disk.readFile("f/a")).toEqual(one);
    }),
  );
  it(
    "refuses a file where a folder is meant",
    using(async (disk) => {
      await disk.writeFile("a", one);
      expect(await codeOf(disk.writeFile("a/b", one))).toBe("disk/not-a-folder");
      expect(await codeOf(disk.open("a/b", "create"))).toBe("disk/not-a-folder");
      expect(await codeOf(disk.list("a"))).toBe("disk/not-a-folder");
      expect(await disk.readFile("a/b")).toBe(undefined);
    }),
  );
}

function openFileCases({ it, expect }: SuiteTools, using: Using): void {
  it(
    "opens only what is there, unless it creates",
    using(async (disk) => {
      expect(await codeOf(disk.open("none", "read"))).toBe("disk/not-found");
      expect(await codeOf(disk.open("none", "write"))).toBe("disk/not-found");
      expect(await disk.list("")).toEqual([]);
      await withFile(disk, "deep/down/a", "create", (file) => file.sync());
      expect(await disk.readFile("deep/down/a")).toEqual(new Uint8Array(0));
    }),
  );
  it(
    "truncates on create and keeps on write",
    using(async (disk) => {
      await disk.writeFile("a", three);
      await withFile(disk, "a", "write", async (file) => expect(await file.sizeBytes()).toBe(5));
      await withFile(disk, "a", "create", async (file) => expect(await file.sizeBytes()).toBe(0));
    }),
  );
  it(
    "writes at any place, with zeros in the gap",
    using(async (disk) => {
      await withFile(disk, "a", "create", async (file) => {
        await file.writeAt(4, one);
        await file.writeAt(0, utf8Bytes("x"));
        await file.writeAt(6, three);
        await file.writeAt(100, new Uint8Array(0)); // nothing: no gap either
        expect(await file.readAt(0, 100)).toEqual(concatBytes(utf8Bytes("x\0\0\0on"), three));
      });
      expect(await disk.sizeBytes("a")).toBe(11);
    }),
  );
  it(
    "reads into a room that is lent, or beside it, and past no end of either",
    using(async (disk) => {
      await disk.writeFile("a", three);
      await withFile(disk, "a", "read", async (file) => {
        for (const roomBytes of [0, 2, 3, 8]) {
          const room = new Uint8Array(roomBytes).fill(7);
          expect(await file.readAt(1, 3, room)).toEqual(utf8Bytes("hre"));
          expect(room.subarray(3).every((byte) => byte === 7)).toBe(true);
          expect(await file.readAt(3, 3, room)).toEqual(utf8Bytes("ee"));
          expect(await file.readAt(50, 3, room)).toEqual(new Uint8Array(0));
        }
      });
    }),
  );
  it(
    "reads fewer bytes at the end",
    using(async (disk) => {
      await disk.writeFile("a", three);
      await withFile(disk, "a", "read", async (file) => {
        expect(await file.readAt(1, 2)).toEqual(utf8Bytes("hr"));
        expect(await file.readAt(3, 10)).toEqual(utf8Bytes("ee"));
        expect(await file.readAt(5, 1)).toEqual(new Uint8Array(0));
        expect(await file.readAt(50, 1)).toEqual(new Uint8Array(0));
      });
    }),
  );
  it(
    "cuts and lengthens with zeros",
    using(async (disk) => {
      await disk.writeFile("a", three);
      await withFile(disk, "a", "write", async (file) => {
        await file.truncate(2);
        await file.truncate(4);
        expect(await file.readAt(0, 9)).toEqual(utf8Bytes("th\0\0"));
      });
    }),
  );
  it(
    "writes nothing through a file that was opened for reading",
    using(async (disk) => {
      await disk.writeFile("a", one);
      await withFile(disk, "a", "read", async (file) => {
        expect(await codeOf(file.writeAt(0, three))).toBe("disk/read-only");
        expect(await codeOf(file.truncate(0))).toBe("disk/read-only");
      });
      expect(await disk.readFile("a")).toEqual(one);
    }),
  );
  it(
    "does nothing with a closed file",
    using(async (disk) => {
      const file = await disk.open("a", "create");
      await file[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
      expect(await codeOf(file.writeAt(0, one))).toBe("disk/closed");
      expect(await codeOf(file.readAt(0, 1))).toBe("disk/closed");
      expect(await codeOf(file.sizeBytes())).toBe("disk/closed");
      expect(await codeOf(file.sync())).toBe("disk/closed");
    }),
  );
  it(
    "agrees with an array under many random writes",
    using(async (disk) => {
      const random = new SeededRandom("writes");
      let expected = new Uint8Array(0);
      await withFile(disk, "a", "create", async (file) => {
        for (let i = 0; i < 100; i++) {
          const offset = random.below(3_000);
          const bytes = random.bytes(1 + random.below(2_000));
          await file.writeAt(offset, bytes);
          const grown = new Uint8Array(Math.max(expected.length, offset + bytes.length));
          grown.set(expected);
          grown.set(bytes, offset);
          expected = grown;
          if (i % 10 === 0) await file.sync();
        }
        expect(equalBytes(await file.readAt(0, 10_000), expected)).toBe(true);
      });
      expect(equalBytes((await disk.readFile("a")) ?? new Uint8Array(0), expected)).toBe(true);
    }),
  );
}

function folderCases({ it, expect }: SuiteTools, using: Using): void {
  it(
    "lists names in order, and only of the folder itself",
    using(async (disk) => {
      for (const name of ["b/2", "b/10", "b/1", "b/sub/x", "a", "c"]) await disk.writeFile(name, one);
      expect(await disk.list("b")).toEqual(["1", "10", "2", "sub"]);
      expect(await disk.list("")).toEqual(["a", "b", "c"]);
      expect(await disk.list("none")).toEqual([]);
    }),
  );
  it(
    "removes a file, a folder with all it holds, and nothing",
    using(async (disk) => {
      for (const name of ["f/a", "f/sub/b", "g"]) await disk.writeFile(name, one);
      await disk.remove("none");
      await disk.remove("f/a");
      expect(await disk.list("f")).toEqual(["sub"]);
      await disk.remove("f");
      expect(await disk.readFile("f/sub/b")).toBe(undefined);
      expect(await disk.list("")).toEqual(["g"]);
    }),
  );
  it(
    "renames a file over another and into a new folder",
    using(async (disk) => {
      await disk.writeFile("a", one);
      await disk.writeFile("b", three);
      await disk.rename("a", "b");
      expect(await disk.readFile("a")).toBe(undefined);
      expect(await disk.readFile("b")).toEqual(one);
      await disk.rename("b", "new/place");
      expect(await disk.readFile("new/place")).toEqual(one);
      expect(await disk.list("")).toEqual(["new"]);
    }),
  );
  it(
    "renames a folder with all it holds",
    using(async (disk) => {
      await disk.writeFile("f/a", one);
      await disk.writeFile("f/sub/b", three);
      await disk.rename("f", "g");
      expect(await disk.readFile("g/a")).toEqual(one);
      expect(await disk.readFile("g/sub/b")).toEqual(three);
      expect(await disk.list("")).toEqual(["g"]);
    }),
  );
  it(
    "cannot rename what is not there",
    using(async (disk) => {
      await disk.writeFile("b", one);
      expect(await codeOf(disk.rename("none", "b"))).toBe("disk/not-found");
      expect(await disk.readFile("b")).toEqual(one);
    }),
  );
}

function pathCases({ it, expect }: SuiteTools, using: Using): void {
  const bad = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../a",
    "a/../../b",
    "a/..",
    ".",
    "./a",
    "a/./b",
    "a//b",
    "a/",
    "a\0b",
    "a\\b",
    "..\\a",
    "x".repeat(256),
    "ab/".repeat(400).concat("c"),
  ];
  it(
    "refuses every path that is not plainly below the root",
    using(async (disk) => {
      await disk.writeFile("inside", one);
      for (const path of bad) {
        const codes = [
          await codeOf(disk.readFile(path)),
          await codeOf(disk.writeFile(path, one)),
          await codeOf(disk.open(path, "create")),
          await codeOf(disk.remove(path)),
          await codeOf(disk.sizeBytes(path)),
          await codeOf(disk.rename("inside", path)),
          await codeOf(disk.rename(path, "inside")),
          path === "" ? "disk/bad-path" : await codeOf(disk.list(path)),
        ];
        expect(codes, JSON.stringify(path)).toEqual(codes.map(() => "disk/bad-path"));
      }
      expect(await disk.list("")).toEqual(["inside"]);
    }),
  );
  it(
    "takes names with spaces, dots and letters of any script",
    using(async (disk) => {
      for (const path of ["a b", "..a", "a..", "...", "ключ/鍵", "x".repeat(255)]) {
        await disk.writeFile(path, one);
        expect(await disk.readFile(path)).toEqual(one);
      }
    }),
  );
}

function fullCases({ it, expect }: SuiteTools, using: Using): void {
  it(
    "says when it is full, and changes nothing then",
    using(async (disk, { fillUpTo }) => {
      if (fillUpTo === undefined) return;
      await disk.writeFile("old", three);
      fillUpTo(10);
      expect(await disk.freeBytes()).toBe(10);
      expect(await codeOf(disk.writeFile("new", new Uint8Array(11)))).toBe("disk/full");
      expect(await disk.readFile("new")).toBe(undefined);
      expect(await codeOf(disk.writeFile("old", new Uint8Array(16)))).toBe("disk/full");
      expect(await disk.readFile("old")).toEqual(three);
      await withFile(disk, "old", "write", async (file) => {
        expect(await codeOf(file.writeAt(5, new Uint8Array(11)))).toBe("disk/full");
        await file.writeAt(5, new Uint8Array(10));
        expect(await disk.freeBytes()).toBe(0);
        await file.writeAt(0, one); // over what is there: no space is needed
        await file.truncate(5);
      });
      await disk.remove("old");
      expect(await disk.freeBytes()).toBe(15);
    }),
  );
}
