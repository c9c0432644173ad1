/** One suite for both twins of the block store, on the disk with faults and crashes too; and its canaries. */
import { bigEndian, CID, parseCid, rawCid, utf8Bytes } from "@holdfast/base";
import { codeOf, failures, runSuite, SeededRandom, SimDisk, type SuiteTools } from "@holdfast/base/testing";
import fc from "fast-check";
import { sha256 } from "multiformats/hashes/sha2";
import { describe, expect, it } from "vitest";
import { type FileBlocks, type FileRecord, memoryBlocks, openDiskBlocks } from "../../src/retrieval/index.ts";
import { listOf, randomBytes } from "./support.ts";

const quotaBytes = 10_000;
const block = (seed: string | number, sizeBytes = 100): Uint8Array => randomBytes(seed, sizeBytes);

function fileBlocksSuite({ describe, it, expect }: SuiteTools, make: () => Promise<FileBlocks>): void {
  const using = (body: (blocks: FileBlocks) => Promise<void>) => async (): Promise<void> => {
    await using blocks = await make();
    await body(blocks);
  };

  describe("file blocks", () => {
    it(
      "give back what was put, and nothing else",
      using(async (blocks) => {
        const bytes = block(1);
        const cid = rawCid(bytes);
        expect(await blocks.get(cid)).toBe(undefined);
        expect(await blocks.has(cid)).toBe(false);
        expect(await blocks.sizeBytes(cid)).toBe(undefined);
        expect(await blocks.put(cid, bytes)).toBe(true);
        expect(await blocks.put(cid, bytes)).toBe(false);
        expect(await blocks.get(cid)).toEqual(block(1));
        expect(await blocks.has(cid)).toBe(true);
        expect(await blocks.sizeBytes(cid)).toBe(100);
        expect(await blocks.get(rawCid(block(2)))).toBe(undefined);
        expect(await blocks.usedBytes()).toBe(100);
      }),
    );
    it(
      "do not change with the array that was handed in",
      using(async (blocks) => {
        const bytes = block(1);
        const cid = rawCid(bytes);
        await blocks.put(cid, bytes);
        bytes.fill(0);
        expect(await blocks.get(cid)).toEqual(block(1));
      }),
    );
    it(
      "keep an empty block",
      using(async (blocks) => {
        const empty = new Uint8Array(0);
        expect(await blocks.put(rawCid(empty), empty)).toBe(true);
        expect(await blocks.get(rawCid(empty))).toEqual(empty);
      }),
    );
    it(
      "know a block by both versions of its CID",
      using(async (blocks) => {
        const bytes = block(1);
        const digest = await sha256.digest(bytes);
        const v0 = CID.createV0(digest);
        await blocks.put(v0, bytes);
        expect(await blocks.put(CID.createV1(0x70, digest), bytes)).toBe(false);
        expect(await blocks.get(parseCid(v0.toString()))).toEqual(bytes);
        expect(await blocks.usedBytes()).toBe(100);
      }),
    );
    it(
      "refuse bytes that do not match the CID",
      using(async (blocks) => {
        const wrong = blocks.put(rawCid(block(1)), block(2));
        expect(await codeOf(wrong)).toBe("retrieval/corrupt-block");
        expect(await blocks.has(rawCid(block(1)))).toBe(false);
        expect(await blocks.usedBytes()).toBe(0);
      }),
    );
    it(
      "refuse a block of more than 1 MiB",
      using(async (blocks) => {
        const large = block(1, 1_048_577);
        expect(await codeOf(blocks.put(rawCid(large), large))).toBe("retrieval/too-large");
      }),
    );
    it(
      "never exceed the quota, and fill it to the last byte",
      using(async (blocks) => {
        const puts = Array.from({ length: 120 }, (_, i) => block(i));
        const results = await Promise.all(puts.map((bytes) => codeOf(blocks.put(rawCid(bytes), bytes))));
        expect(results.filter((code) => code === "no error").length).toBe(100);
        expect(results.filter((code) => code === "retrieval/quota-full").length).toBe(20);
        expect(await blocks.usedBytes()).toBe(quotaBytes);
        expect((await listOf(blocks.list())).length).toBe(100);
      }),
    );
    it(
      "forget what is deleted and have room again",
      using(async (blocks) => {
        const bytes = block(1, quotaBytes);
        await blocks.put(rawCid(bytes), bytes);
        expect(await codeOf(blocks.put(rawCid(block(2)), block(2)))).toBe("retrieval/quota-full");
        expect(await blocks.delete(rawCid(bytes))).toBe(quotaBytes);
        expect(await blocks.delete(rawCid(bytes))).toBe(0);
        expect(await blocks.has(rawCid(bytes))).toBe(false);
        expect(await blocks.put(rawCid(block(2)), block(2))).toBe(true);
      }),
    );
    it(
      "ask at the last moment whether a block may go",
      using(async (blocks) => {
        const cid = rawCid(block(1));
        let wanted = false;
        const put = blocks.put(cid, block(1)).then(() => {
          wanted = true;
        });
        const deleted = blocks.delete(cid, () => wanted);
        await Promise.all([put, deleted]);
        const isThere = await blocks.has(cid);
        expect(isThere || !wanted || (await deleted) > 0).toBe(true);
        expect(await blocks.usedBytes()).toBe(isThere ? 100 : 0);
        await blocks.put(cid, block(1));
        expect(await blocks.delete(cid, () => true)).toBe(0);
        expect(await blocks.has(cid)).toBe(true);
      }),
    );
    it(
      "list every block",
      using(async (blocks) => {
        const cids = Array.from({ length: 50 }, (_, i) => block(i)).map((bytes) => ({
          cid: rawCid(bytes),
          bytes,
        }));
        for (const { cid, bytes } of cids) await blocks.put(cid, bytes);
        const listed = (await listOf(blocks.list())).map(String);
        expect(listed.toSorted()).toEqual(cids.map(({ cid }) => cid.toString()).toSorted());
      }),
    );
    it(
      "keep records of files",
      using(async (blocks) => {
        const root = rawCid(block(1));
        const other = rawCid(block(2));
        const record: FileRecord = {
          version: 1,
          root,
          complete: false,
          imported: true,
          fileBytes: 1,
          carBytes: 2,
          atMs: 3,
        };
        expect(await blocks.readRecord(root)).toBe(undefined);
        await blocks.writeRecord(record);
        await blocks.writeRecord({ ...record, complete: true });
        await blocks.writeRecord({ ...record, root: other });
        expect((await blocks.readRecord(root))?.complete).toBe(true);
        expect((await blocks.listRecords()).length).toBe(2);
        await blocks.removeRecord(root);
        await blocks.removeRecord(root);
        expect(await blocks.readRecord(root)).toBe(undefined);
        expect((await blocks.listRecords()).map(({ root }) => root.toString())).toEqual([other.toString()]);
      }),
    );
  });
}

const onDisk = (disk: SimDisk): Promise<FileBlocks> => openDiskBlocks({ disk, folder: "files", quotaBytes });

describe("in memory", () =>
  fileBlocksSuite({ describe, it, expect }, async () => memoryBlocks({ quotaBytes })));
describe("on disk", () => fileBlocksSuite({ describe, it, expect }, () => onDisk(new SimDisk())));

describe("canaries of the suite", () => {
  const brokenTwins: readonly { name: string; change: (blocks: FileBlocks) => Partial<FileBlocks> }[] = [
    {
      name: "one that does not check what it is given",
      change: (blocks) => ({
        put: async (cid, bytes) => (await codeOf(blocks.put(cid, bytes))) === "no error",
      }),
    },
    {
      name: "one that answers too early",
      change: (blocks) => {
        const known = new Set<string>();
        return {
          async put(cid, bytes) {
            const isNew = !known.has(cid.toString());
            known.add(cid.toString());
            setImmediate(() => blocks.put(cid, bytes).catch(() => undefined));
            return isNew;
          },
        };
      },
    },
    {
      name: "one that does not ask before it deletes",
      change: (blocks) => ({ delete: (cid) => blocks.delete(cid) }),
    },
    {
      name: "one that miscounts",
      change: (blocks) => ({ usedBytes: async () => (await blocks.usedBytes()) + 1 }),
    },
  ];
  it.each(brokenTwins)("$name is noticed", async ({ change }) => {
    const results = await runSuite(expect, (tools) =>
      fileBlocksSuite(tools, async () => {
        const blocks = memoryBlocks({ quotaBytes });
        return { ...blocks, ...change(blocks) };
      }),
    );
    expect(failures(results).length).toBeGreaterThan(0);
  });
});

describe("file blocks on a disk", () => {
  const path = (cid: CID): string => `files/blocks/${cid.toString().slice(-3, -1)}/${cid}`;

  it("are there again after a restart, counted without looking at them", async () => {
    const disk = new SimDisk();
    {
      await using blocks = await onDisk(disk);
      for (let i = 0; i < 20; i++) await blocks.put(rawCid(block(i)), block(i));
    }
    const listed: string[] = [];
    disk.fault = (operation, at) => {
      if (operation === "list") listed.push(at);
      return undefined;
    };
    const blocks = await onDisk(disk);
    expect(await blocks.usedBytes()).toBe(2_000);
    expect(await blocks.get(rawCid(block(7)))).toEqual(block(7));
    expect(listed).toEqual([]);
  });

  it("are removed when the disk has damaged them, and can come again", async () => {
    const disk = new SimDisk();
    const blocks = await onDisk(disk);
    const cid = rawCid(block(1));
    for (const damaged of [block(2), block(1).subarray(0, 40), new Uint8Array(0)]) {
      await blocks.put(cid, block(1));
      await disk.writeFile(path(cid), damaged);
      expect(await blocks.get(cid)).toBe(undefined);
      expect(await blocks.has(cid)).toBe(false);
      expect(await blocks.put(cid, block(1))).toBe(true);
      expect(await blocks.get(cid)).toEqual(block(1));
    }
  });

  it("are written again over damaged ones, which nobody has read since", async () => {
    const disk = new SimDisk();
    const blocks = await onDisk(disk);
    const cid = rawCid(block(1));
    for (const damaged of [block(2), block(1).subarray(0, 40), new Uint8Array(0)]) {
      await blocks.put(cid, block(1));
      await disk.writeFile(path(cid), damaged);
      expect(await blocks.put(cid, block(1))).toBe(true);
      expect(await blocks.get(cid)).toEqual(block(1));
    }
  });

  it("are not there, and not counted, when the disk refuses them", async () => {
    const disk = new SimDisk();
    const blocks = await onDisk(disk);
    disk.fault = (operation) => (operation === "writeFile" ? "full" : undefined);
    expect(await codeOf(blocks.put(rawCid(block(1)), block(1)))).toBe("disk/full");
    disk.fault = () => undefined;
    expect(await blocks.usedBytes()).toBe(0);
    expect(await blocks.put(rawCid(block(1)), block(1))).toBe(true);
  });

  it("removes half-written files of a process that is gone", async () => {
    const disk = new SimDisk();
    await disk.writeFile("files/blocks/ab/.123-0-0-x.part", utf8Bytes("half"));
    const blocks = await onDisk(disk);
    expect(await blocks.usedBytes()).toBe(0);
    expect(await disk.list("files/blocks/ab")).toEqual([]);
  });

  it("survive a crash at any change: what was acknowledged is there, and the count is right", async () => {
    const steps = fc.array(
      fc.record({ action: fc.constantFrom("put", "put", "delete"), id: fc.integer({ min: 0, max: 12 }) }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.integer({ min: 1, max: 40 }),
        fc.integer(),
        async (actions, crashAt, seed) => {
          const disk = new SimDisk({ random: new SeededRandom(seed) });
          const before = await onDisk(disk);
          const certain = new Map<number, boolean>();
          disk.crashAtChange(crashAt);
          for (const { action, id } of actions) {
            const bytes = block(id);
            certain.delete(id); // from here on until it is acknowledged it may be either way
            try {
              if (action === "put") await before.put(rawCid(bytes), bytes);
              else await before.delete(rawCid(bytes));
              if (action === "put") certain.set(id, true);
            } catch {
              break;
            }
          }
          const after = await onDisk(disk.crash());
          for (const id of certain.keys()) expect(await after.get(rawCid(block(id)))).toEqual(block(id));
          const left = await listOf(after.list());
          const sizes = await Promise.all(left.map((cid) => after.sizeBytes(cid)));
          expect(await after.usedBytes()).toBe(sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0));
          for (const cid of left) expect((await after.get(cid))?.length).toBe(100);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("spreads blocks over folders", async () => {
    const disk = new SimDisk();
    const blocks = await onDisk(disk);
    for (let i = 0; i < 60; i++) {
      const bytes = bigEndian(i, 8);
      await blocks.put(rawCid(bytes), bytes);
    }
    expect((await disk.list("files/blocks")).length).toBeGreaterThan(30);
  });
});
