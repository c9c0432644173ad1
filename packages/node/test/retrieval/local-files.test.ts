/** Files share blocks: what one needs stays, what nobody needs goes, whatever happens at the same time. */
import { type CID, concatBytes } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCar } from "../../src/car.ts";
import { type FileBlocks, memoryBlocks, type Retrieval } from "../../src/retrieval/index.ts";
import { chunkBytes, collect, listOf, localRetrieval, randomBytes, streamOf, whyItFails } from "./support.ts";

const parts = Array.from({ length: 6 }, (_, i) => randomBytes(`part ${i}`, 64));

/** A file made of some of the parts: files of overlapping parts share blocks. */
function fileOf(ids: readonly number[]): Uint8Array {
  return concatBytes(...ids.map((id) => parts[id] ?? new Uint8Array(0)));
}

async function importParts(files: Retrieval, ids: readonly number[]): Promise<CID> {
  return (await files.importFile(streamOf(fileOf(ids)), { chunkBytes: 64 })).root;
}

async function isReadable(files: Retrieval, root: CID, ids: readonly number[]): Promise<boolean> {
  const bytes = await collect((await files.readFile(root)).bytes);
  return bytes.length === fileOf(ids).length;
}

/** A store in which everything takes its turns, so that operations interleave. */
function slowBlocks(seed: number): FileBlocks {
  const blocks = memoryBlocks();
  const random = new SeededRandom(seed);
  const pause = async (): Promise<void> => {
    for (let turns = random.below(6); turns > 0; turns--) await undefined;
  };
  return {
    ...blocks,
    async get(cid) {
      await pause();
      return blocks.get(cid);
    },
    async put(cid, bytes) {
      await pause();
      const isNew = await blocks.put(cid, bytes);
      await pause();
      return isNew;
    },
    async delete(cid, unless) {
      await pause();
      const freed = await blocks.delete(cid, unless);
      await pause();
      return freed;
    },
    async listRecords() {
      const records = await blocks.listRecords();
      await pause();
      return records;
    },
  };
}

/** Imports that succeed and fail, deletions and collections at the same time leave just what is needed. */
function togetherProperty(makeBlocks: (seed: number) => FileBlocks): Promise<void> {
  const ids = fc.array(fc.integer({ min: 0, max: parts.length - 1 }), { minLength: 2, maxLength: 6 });
  const kind = fc.constantFrom("import", "import", "fail", "delete", "collect");
  const actions = fc.array(fc.record({ ids, kind }), { minLength: 2, maxLength: 12 });
  return fc.assert(
    fc.asyncProperty(actions, fc.integer(), async (together, seed) => {
      const blocks = makeBlocks(seed);
      const files = localRetrieval(blocks);
      await Promise.all(
        together.map(async ({ ids, kind }) => {
          if (kind === "collect") return files.collect();
          if (kind === "import") return importParts(files, ids);
          if (kind === "delete") return files.deleteFile(await importParts(files, ids));
          const failing = (async function* () {
            yield fileOf(ids);
            throw new Error("failed");
          })();
          return files.importFile(failing, { chunkBytes: 64 }).catch(() => undefined);
        }),
      );
      const needed = new Set<string>();
      for (const { root, fileBytes } of await files.files()) {
        const bytes = await collect((await files.readFile(root)).bytes);
        if (bytes.length !== fileBytes) throw new Error("a file is not whole");
        for (const cid of await cidsOf(files, root)) needed.add(cid);
      }
      const kept = (await listOf(blocks.list())).map(String);
      if (kept.toSorted().join() !== [...needed].toSorted().join())
        throw new Error("blocks without an owner");
    }),
    { numRuns: 400 },
  );
}

describe("local files", () => {
  it("are listed, and gone after their deletion with all that only they needed", async () => {
    const blocks = memoryBlocks();
    const files = localRetrieval(blocks);
    const first = await importParts(files, [0, 1, 2]);
    const second = await importParts(files, [2, 3, 0]);
    expect((await files.files()).map(({ root }) => root.toString()).toSorted()).toEqual(
      [first, second].map(String).toSorted(),
    );
    expect(await files.localFile(first)).toMatchObject({ complete: true, imported: true, fileBytes: 192 });
    expect(await files.deleteFile(first)).toBe(true);
    expect(await files.deleteFile(first)).toBe(false);
    expect(await files.hasLocal(first)).toBe(false);
    expect(await isReadable(files, second, [2, 3, 0])).toBe(true);
    expect(await files.deleteFile(second)).toBe(true);
    expect(await listOf(blocks.list())).toEqual([]);
    expect(await blocks.usedBytes()).toBe(0);
  });

  it("stay whole while others come and go beside them", () => togetherProperty(slowBlocks));

  it("canary: a store that deletes without asking is noticed", async () => {
    const broken = (seed: number): FileBlocks => {
      const blocks = slowBlocks(seed);
      return { ...blocks, delete: (cid) => blocks.delete(cid) };
    };
    expect(await whyItFails(togetherProperty(broken))).not.toBe("it holds");
  });

  it("collect removes what a killed import has left, and nothing else", async () => {
    const blocks = memoryBlocks();
    const before = localRetrieval(blocks);
    const kept = await importParts(before, [0, 1]);
    void before.importFile(
      (async function* () {
        yield fileOf([1, 2, 3, 4]);
        await new Promise(() => undefined); // the process is killed here
      })(),
      { chunkBytes: 64 },
    );
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    const files = localRetrieval(blocks); // the next process
    const lost = (await listOf(blocks.list())).length - 3;
    expect(await files.collect()).toEqual({ blocks: lost, bytes: 64 * lost });
    expect(await isReadable(files, kept, [0, 1])).toBe(true);
    expect((await listOf(blocks.list())).length).toBe(3);
  });

  it("that miners hold as wanted make room, the oldest first; those of a deal under way never do", async () => {
    const blocks = memoryBlocks({ quotaBytes: 4 * chunkBytes });
    const worth = new Map<string, "needed" | "stored">();
    const files = localRetrieval(blocks, { worthOf: (root) => worth.get(root.toString()) ?? "unknown" });
    const add = async (name: string): Promise<CID> =>
      (await files.importFile(streamOf(randomBytes(name, chunkBytes)))).root;
    const [first, second, third] = [await add("first"), await add("second"), await add("third")];
    worth.set(first.toString(), "needed").set(second.toString(), "stored").set(third.toString(), "stored");
    await files.importFile(streamOf(randomBytes("large", 2 * chunkBytes - 1_000)));
    expect(await Promise.all([first, second, third].map((root) => files.hasLocal(root)))).toEqual([
      true,
      false,
      true,
    ]);
    worth.delete(third.toString());
    await expect(files.importFile(streamOf(randomBytes("more", 2 * chunkBytes)))).rejects.toMatchObject({
      code: "retrieval/quota-full",
    });
    expect(await files.hasLocal(third)).toBe(true);
  });

  it("that were imported never make room for others", async () => {
    const blocks = memoryBlocks({ quotaBytes: 3 * chunkBytes });
    const files = localRetrieval(blocks);
    const { root } = await files.importFile(streamOf(randomBytes("mine", chunkBytes)));
    await expect(files.importFile(streamOf(randomBytes("more", 3 * chunkBytes)))).rejects.toMatchObject({
      code: "retrieval/quota-full",
    });
    expect(await files.hasLocal(root)).toBe(true);
  });
});

async function cidsOf(files: Retrieval, root: CID): Promise<string[]> {
  const car = await readCar(files.carStream(root));
  return (await listOf(car.blocks)).map(({ cid }) => cid.toString());
}
