/** Folders: the CIDs that Kubo's library gives them, the way along a path, and trees that lie. */
import { type CID, concatBytes, utf8Bytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { createNode, encode as encodeNode } from "@ipld/dag-pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import {
  type FileBlocks,
  memoryBlocks,
  type Retrieval,
  type SourceEntry,
} from "../../src/retrieval/index.ts";
import {
  collect,
  dagPbCid,
  expectSameBytes,
  type FolderVector,
  listOf,
  localRetrieval,
  patternBytes,
  randomBytes,
  sha256Hex,
  streamOf,
  folderVectors as vectors,
  World,
  whyItFails,
} from "./support.ts";

const noPeers = { providers: [] };

function entriesOf({ entries, many }: FolderVector): SourceEntry[] {
  const named = entries.map(({ path, kind, sizeBytes, target }): SourceEntry => {
    const names = path.split("/");
    if (kind === "file") return file(path, patternBytes("mixed", sizeBytes));
    return kind === "folder" ? { kind, path: names } : { kind, path: names, target };
  });
  const rest = Array.from({ length: many }, (_, i) =>
    file(`entry-${String(i).padStart(8, "0")}`, patternBytes("mixed", i % 7)),
  );
  return [...named, ...rest];
}

function file(path: string, bytes: Uint8Array): SourceEntry {
  return { kind: "file", path: path.split("/"), bytes: streamOf(bytes) };
}

async function* each(entries: readonly SourceEntry[]): AsyncGenerator<SourceEntry> {
  yield* entries;
}

async function pathsIn(files: Retrieval, root: CID): Promise<string[]> {
  const { entries } = await files.openTree(root, { ...noPeers, deep: true });
  return (await listOf(entries)).map(({ path }) => path.join("/"));
}

describe("an imported folder has the CID that boxo, Kubo's library, gives it", () => {
  it.each(vectors)("$name", async (vector) => {
    const files = localRetrieval();
    const { root, carBytes } = await files.importFolder(each(entriesOf(vector)), vector);
    expect(root.toString()).toBe(vector.root);
    expect(carBytes).toBe(vector.carBytes);
    expect(await files.carBytes(root)).toBe(vector.carBytes);
    const car = await collect(files.carStream(root));
    expect(sha256Hex(car)).toBe(vector.carSha256);
    const other = localRetrieval();
    await other.importCar(streamOf(car));
    const sizes = (await Promise.all([files.files(), other.files()])).map(([file]) => file?.fileBytes);
    expect(sizes[0]).toBe(sizes[1]);
    const paths = new Set(await pathsIn(files, root));
    for (const { path } of vector.entries) expect(paths).toContain(path);
    expect([...paths].filter((path) => path.startsWith("entry-")).length).toBe(vector.many);
  });
});

/** A tree in whatever order: names of all kinds, files of some bytes. */
const trees = fc
  .uniqueArray(
    fc.tuple(
      fc.array(fc.constantFrom("a", "b", "ü", "10", "9", ".x", "c d"), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 200 }),
    ),
    { minLength: 1, maxLength: 12, selector: ([names]) => names.join("/") },
  )
  // No path leads through a file.
  .map((list) => list.filter(([names]) => !list.some(([other]) => isBelow(other, names))));

function isBelow(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.length > outer.length && outer.every((name, at) => name === inner[at]);
}

type Lookup = (files: Retrieval, root: CID, path: readonly string[]) => Promise<Uint8Array>;

const lookUp: Lookup = async (files, root, path) =>
  collect((await files.openFile(root, { ...noPeers, path })).bytes);

function treeProperty(read: Lookup): Promise<void> {
  return fc.assert(
    fc.asyncProperty(trees, fc.infiniteStream(fc.nat()), async (list, order) => {
      const content = new Map(list.map(([names, size], at) => [names.join("/"), randomBytes(at, size)]));
      const entries = () => [...content].map(([path, bytes]) => file(path, bytes));
      const files = localRetrieval();
      const { root } = await files.importFolder(each(entries()));
      const shuffled = entries().sort(() => (order.next().value % 3) - 1);
      const again = await localRetrieval().importFolder(each(shuffled));
      expect(again.root.toString()).toBe(root.toString());
      for (const [path, bytes] of content) {
        expectSameBytes(await read(files, root, path.split("/")), bytes);
      }
    }),
    { numRuns: 40, seed: 5 },
  );
}

describe("a folder", () => {
  it("does not depend on the order of its entries, and every path leads to its file", () =>
    treeProperty(lookUp));

  it("canary: a lookup that takes the last name alone is noticed", async () => {
    const broken: Lookup = (files, root, path) => lookUp(files, root, path.slice(-1));
    expect(await whyItFails(treeProperty(broken))).not.toBe("it holds");
  });

  it("with shards finds each name by its hash, reading a block for each level, and no others", async () => {
    const vector = vectors.find(({ name }) => name === "shards");
    expect(vector).toBeDefined();
    if (vector === undefined) return;
    const blocks = memoryBlocks();
    const { root } = await localRetrieval(blocks).importFolder(each(entriesOf(vector)));
    let reads = 0;
    const counting: FileBlocks = {
      ...blocks,
      get: (cid) => {
        reads++;
        return blocks.get(cid);
      },
    };
    const files = localRetrieval(counting);
    for (let i = 0; i < vector.many; i += 331) {
      const path = [`entry-${String(i).padStart(8, "0")}`];
      expectSameBytes(await lookUp(files, root, path), patternBytes("mixed", i % 7));
    }
    expect(reads).toBeLessThan(22 * 6);
    expect(await codeOf(lookUp(files, root, ["entry-99999999"]))).toBe("retrieval/no-entry");
  });

  it("is listed with kinds and sizes; links are shown, not followed", async () => {
    const files = localRetrieval();
    const entries: SourceEntry[] = [
      file("b", randomBytes("b", 300_000)),
      { kind: "symlink", path: ["l"], target: "/etc/passwd" },
      { kind: "folder", path: ["e"] },
    ];
    const { root } = await files.importFolder(each(entries));
    const tree = await files.openTree(root, { ...noPeers, deep: false });
    const shown = (await listOf(tree.entries)).map(({ path, kind, sizeBytes, target }) => ({
      path,
      kind,
      sizeBytes,
      target,
    }));
    expect(shown).toEqual([
      { path: ["b"], kind: "file", sizeBytes: 300_000, target: null },
      { path: ["e"], kind: "folder", sizeBytes: null, target: null },
      { path: ["l"], kind: "symlink", sizeBytes: null, target: "/etc/passwd" },
    ]);
    expect(await codeOf(files.openFile(root, noPeers))).toBe("retrieval/is-a-folder");
    expect(await codeOf(lookUp(files, root, ["b", "c"]))).toBe("retrieval/not-a-folder");
    expect(await codeOf(lookUp(files, root, ["l"]))).toBe("retrieval/not-a-file");
    expect(await codeOf(files.openTree(root, { ...noPeers, path: ["b"], deep: true }))).toBe(
      "retrieval/not-a-folder",
    );
  });

  it("gives ranges of its files", async () => {
    const bytes = randomBytes("range", 5_000);
    const files = localRetrieval();
    const { root } = await files.importFolder(each([file("a/b", bytes)]), { chunkBytes: 64 });
    const range = async (offsetBytes: number, lengthBytes: number): Promise<Uint8Array> =>
      collect((await files.openFile(root, { ...noPeers, path: ["a", "b"], offsetBytes, lengthBytes })).bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 5_000 }), fc.nat({ max: 6_000 }), async (offset, length) => {
        expectSameBytes(await range(offset, length), bytes.subarray(offset, offset + length));
      }),
      { numRuns: 60 },
    );
  });

  it("comes over the network like a file, and both sides know the same of it", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const same = randomBytes("same", 2_000);
    const source = [file("x/1", same), file("x/2", same), file("y", randomBytes("y", 600_000))];
    const { root } = await provider.retrieval.importFolder(each(source));
    const options = { providers: [provider.peer], path: ["x", "2"] };
    const opened = await world.run(client.retrieval.openFile(root, options));
    expectSameBytes(await world.run(collect(opened.bytes)), same);
    await world.run(client.retrieval.ensureLocal(root, [provider.peer]));
    const [theirs, ours] = [await provider.retrieval.localFile(root), await client.retrieval.localFile(root)];
    expect(ours?.fileBytes).toBe(602_000);
    expect(ours?.fileBytes).toBe(theirs?.fileBytes);
    expect(ours?.carBytes).toBe(theirs?.carBytes);
    expect(await client.retrieval.deleteFile(root)).toBe(true);
    expect(await client.blocks.usedBytes()).toBe(0);
  });
});

describe("a folder that cannot be stored leaves nothing behind", () => {
  const good = (): SourceEntry => file("good", randomBytes(1, 100_000));
  const deep = Array.from({ length: limits.dagDepth / 2 }, () => "d");
  const cases: readonly (readonly [string, readonly SourceEntry[], string])[] = [
    ["nothing in it", [], "retrieval/empty-file"],
    ["a name that leads up", [good(), file("../x", Uint8Array.of(1))], "retrieval/bad-name"],
    ["an empty name", [good(), { kind: "folder", path: ["a", ""] }], "retrieval/bad-name"],
    ["no name", [good(), { kind: "folder", path: [] }], "retrieval/bad-name"],
    ["a zero in a name", [good(), file("a\0b", Uint8Array.of(1))], "retrieval/bad-name"],
    ["a slash in a name", [good(), { kind: "folder", path: ["a/b"] }], "retrieval/bad-name"],
    ["half a character", [good(), file("\ud800", Uint8Array.of(1))], "retrieval/bad-name"],
    ["a long name", [good(), file("n".repeat(256), Uint8Array.of(1))], "retrieval/bad-name"],
    ["depth", [good(), { kind: "folder", path: deep }], "retrieval/bad-name"],
    [
      "a folder whose name would join the next",
      [good(), file("a\\/x", Uint8Array.of(1))],
      "retrieval/bad-name",
    ],
    ["a path twice", [good(), file("good", Uint8Array.of(1))], "retrieval/bad-entry"],
    ["a path through a file", [good(), file("good/x", Uint8Array.of(1))], "retrieval/bad-entry"],
    ["a file where a folder is", [file("good/x", Uint8Array.of(1)), good()], "retrieval/bad-entry"],
  ];
  it.each(cases)("%s", async (_name, entries, code) => {
    const blocks = memoryBlocks();
    expect(await codeOf(localRetrieval(blocks).importFolder(each(entries)))).toBe(code);
    expect(await blocks.usedBytes()).toBe(0);
    expect(await blocks.listRecords()).toEqual([]);
  });
});

/** UnixFS `Data` of a folder (1) or shard (5). */
function folderData(kind: number, extra: readonly number[] = []): Uint8Array {
  return Uint8Array.of(8, kind, ...extra);
}
const shardOf = (bits: readonly number[], fanout = 8): Uint8Array =>
  concatBytes(
    folderData(5),
    Uint8Array.of(0x12, bits.length, ...bits),
    Uint8Array.of(0x28, 0x22, 0x30, fanout),
  );

async function put(
  blocks: FileBlocks,
  data: Uint8Array,
  links: readonly (readonly [string, CID])[],
): Promise<CID> {
  const bytes = encodeNode(
    createNode(
      data,
      links.map(([Name, Hash]) => ({ Name, Hash, Tsize: 1 })),
    ),
  );
  await blocks.put(dagPbCid(bytes), bytes);
  return dagPbCid(bytes);
}

describe("a tree that lies", () => {
  const walked = async (blocks: FileBlocks, root: CID): Promise<string> => {
    const codes = [
      await codeOf(localRetrieval(blocks).carBytes(root)),
      await codeOf(pathsIn(localRetrieval(blocks), root)),
    ];
    return codes.find((code) => code !== "no error") ?? "no error";
  };
  const leafIn = async (blocks: FileBlocks): Promise<CID> =>
    (await localRetrieval(blocks).importFile(streamOf(Uint8Array.of(7)))).root;

  it("is refused for names that no disk takes, and for two of one name", async () => {
    const blocks = memoryBlocks();
    const leaf = await leafIn(blocks);
    for (const name of ["", ".", "..", "a/b", "\0", "x".repeat(256)]) {
      expect(await walked(blocks, await put(blocks, folderData(1), [[name, leaf]]))).toBe(
        "retrieval/not-a-file",
      );
    }
    const twice = await put(blocks, folderData(1), [
      ["a", leaf],
      ["a", leaf],
    ]);
    expect(await walked(blocks, twice)).toBe("retrieval/not-a-file");
    expect(await walked(blocks, await put(blocks, folderData(1), [["a", leaf]]))).toBe("no error");
  });

  it("is refused for shards that are none", async () => {
    const blocks = memoryBlocks();
    const leaf = await leafIn(blocks);
    const shard = async (data: Uint8Array, ...links: (readonly [string, CID])[]): Promise<string> =>
      walked(blocks, await put(blocks, data, links));
    const inner = await put(blocks, shardOf([0]), []);
    const wide = await put(blocks, shardOf([], 16), []);
    const slots = await Promise.all(
      [..."01234567"].map((slot) => shard(shardOf([1 << Number(slot)]), [`${slot}name`, leaf])),
    );
    expect(slots.filter((code) => code === "no error").length).toBe(1); // where its hash belongs
    for (const code of slots) expect(["no error", "retrieval/not-a-file"]).toContain(code);
    const bad = [
      shard(shardOf([3]), ["0name", leaf]), // more bits than links
      shard(shardOf([2]), ["0name", leaf]),
      shard(shardOf([1], 7), ["0name", leaf]), // no power of two
      shard(shardOf([1], 4), ["0name", leaf]),
      shard(concatBytes(folderData(5), Uint8Array.of(0x28, 0x12, 0x30, 8))), // another hash
      shard(shardOf([1]), ["8name", leaf]),
      shard(shardOf([1]), ["g", leaf]),
      shard(shardOf([1]), ["0", leaf]), // a file for a shard
      shard(shardOf([1]), ["0", wide]),
      shard(shardOf([0, 3]), ["0", inner], ["0", inner]), // a place twice
    ];
    for (const code of await Promise.all(bad)) expect(code).toBe("retrieval/not-a-file");
  });

  it("costs its blocks and not its entries if it is doubled over and over, and a listing of it ends", async () => {
    const blocks = memoryBlocks();
    let folder = await put(blocks, folderData(1), []);
    for (let level = 0; level < 60; level++) {
      folder = await put(blocks, folderData(1), [
        ["a", folder],
        ["b", folder],
      ]);
    }
    expect(await codeOf(localRetrieval(blocks).carBytes(folder))).toBe("no error");
    const tree = await localRetrieval(blocks).openTree(folder, {
      ...noPeers,
      deep: true,
      mostEntries: 1_000,
    });
    expect(await codeOf(listOf(tree.entries))).toBe("retrieval/dag-too-big");
  });

  it("is refused for shards without a name, which few blocks make endless", async () => {
    const blocks = memoryBlocks();
    let shard = await put(blocks, shardOf([]), []);
    expect(await walked(blocks, shard)).toBe("no error"); // a folder of which all names were taken
    for (let level = 0; level < 16; level++) {
      const same = shard;
      shard = await put(
        blocks,
        shardOf([255]),
        [..."01234567"].map((slot) => [slot, same] as const),
      );
      const tree = await localRetrieval(blocks).openTree(shard, { ...noPeers, deep: level % 2 === 0 });
      expect(await codeOf(listOf(tree.entries))).toBe("retrieval/not-a-file");
    }
  });

  it("is refused if a part of a file is a folder", async () => {
    const blocks = memoryBlocks();
    const folder = await put(blocks, folderData(1), []);
    const data = Uint8Array.of(8, 2, 0x18, 5, 0x20, 5);
    expect(await walked(blocks, await put(blocks, data, [["", folder]]))).toBe("retrieval/not-a-file");
  });

  it("never makes the reader fail in another way", async () => {
    const leafBlocks = memoryBlocks();
    const leaf = await leafIn(leafBlocks);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 4, 5),
        fc.uint8Array({ maxLength: 24 }),
        fc.array(fc.oneof(fc.string({ maxLength: 6 }), fc.stringMatching(/^[0-9A-F]{1,3}[a-z]?$/)), {
          maxLength: 4,
        }),
        async (kind, tail, names) => {
          const blocks = memoryBlocks();
          await blocks.put(leaf, Uint8Array.of(7));
          const sorted = names.toSorted((a, b) => Buffer.compare(utf8Bytes(a), utf8Bytes(b)));
          const root = await put(
            blocks,
            folderData(kind, [...tail]),
            sorted.map((name) => [name, leaf] as const),
          );
          expect(["no error", "retrieval/not-a-file", "retrieval/not-a-folder"]).toContain(
            await walked(blocks, root),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
