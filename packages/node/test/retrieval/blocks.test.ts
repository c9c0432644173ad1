/** One suite for both twins of the block store, on the disk with faults and crashes too; and its canaries. */
import { bigEndian, type CID, rawCid, utf8Bytes } from "@holdfast/base";
import { codeOf, failures, runSuite, SeededRandom, SimDisk } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FileBlocks, memoryBlocks, openDiskBlocks } from "../../src/retrieval/index.ts";
import { block, fileBlocksSuite, quotaBytes } from "./blocks-suite.ts";
import { listOf } from "./support.ts";

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
