/** The suite that every store of file blocks must pass. */
import { parseCid, rawCid } from "@holdfast/base";
import { codeOf, type SuiteTools } from "@holdfast/base/testing";
import type { FileBlocks, FileRecord } from "../../src/retrieval/index.ts";
import { dagPbCid, listOf, randomBytes } from "./support.ts";

/** Every store under test has this much room. */
export const quotaBytes = 10_000;
export const block = (seed: string | number, sizeBytes = 100): Uint8Array => randomBytes(seed, sizeBytes);

type Using = (body: (blocks: FileBlocks) => Promise<void>) => () => Promise<void>;

export function fileBlocksSuite(tools: SuiteTools, make: () => Promise<FileBlocks>): void {
  const using: Using = (body) => async () => {
    await using blocks = await make();
    await body(blocks);
  };
  tools.describe("file blocks", () => {
    contentCases(tools, using);
    copyCases(tools, using);
    roomCases(tools, using);
    recordCases(tools, using);
  });
}

/** Durable later, and together. */
function copyCases({ it, expect }: SuiteTools, using: Using): void {
  it(
    "settle copies, and pass over what is not there",
    using(async (blocks) => {
      const [kept, gone] = [block(1), block(2)];
      await blocks.put(rawCid(kept), kept, { isCopy: true });
      await blocks.settle([rawCid(kept), rawCid(gone)]);
      await blocks.settle([]);
      expect(await blocks.get(rawCid(kept))).toEqual(kept);
      expect(await blocks.has(rawCid(gone))).toBe(false);
    }),
  );
}

/** What is kept is what was given, and matches its CID. */
function contentCases({ it, expect }: SuiteTools, using: Using): void {
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
      const v0 = dagPbCid(bytes).toV0();
      await blocks.put(v0, bytes);
      expect(await blocks.put(dagPbCid(bytes), bytes)).toBe(false);
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
}

/** Quota, removal and listing. */
function roomCases({ it, expect }: SuiteTools, using: Using): void {
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
}

/** The records of files. */
function recordCases({ it, expect }: SuiteTools, using: Using): void {
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
}
