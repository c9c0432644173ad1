/** Reading a local file from any offset. */
import { equalBytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryBlocks, type Retrieval } from "../../src/retrieval/index.ts";
import { collect, localRetrieval, randomBytes, streamOf, whyItFails } from "./support.ts";

type Read = (files: Retrieval, ...request: Parameters<Retrieval["readFile"]>) => Promise<Uint8Array>;

function readProperty(read: Read): Promise<void> {
  const request = fc.record({
    sizeBytes: fc.integer({ min: 1, max: 60_000 }),
    chunkBytes: fc.constantFrom(16, 100, 1_000, 60_000),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  return fc.assert(
    fc.asyncProperty(request, async ({ sizeBytes, chunkBytes, part }) => {
      const bytes = randomBytes(sizeBytes, sizeBytes);
      const files = localRetrieval();
      const { root } = await files.importFile(streamOf(bytes), { chunkBytes });
      const offset = Math.round(part * sizeBytes);
      if (!equalBytes(await read(files, root, offset), bytes.subarray(offset))) {
        throw new Error(`other bytes from ${offset} on`);
      }
    }),
    { numRuns: 100, seed: 11 },
  );
}

describe("reading a file", () => {
  it("from any offset gives the rest of it", () =>
    readProperty(async (files, root, offset) => collect((await files.readFile(root, offset)).bytes)));

  it("canary: a reader that begins at a whole chunk is noticed", async () => {
    const broken: Read = async (files, root, offset = 0) =>
      collect((await files.readFile(root, offset - (offset % 16))).bytes);
    expect(await whyItFails(readProperty(broken))).toMatch("other bytes from");
  });

  it("reads only what lies behind the offset", async () => {
    const blocks = memoryBlocks();
    const { root } = await localRetrieval(blocks).importFile(streamOf(randomBytes(1, 64_000)), {
      chunkBytes: 64,
    });
    let reads = 0;
    const counting = {
      ...blocks,
      get: (...args: Parameters<typeof blocks.get>) => {
        reads++;
        return blocks.get(...args);
      },
    };
    const { bytes, sizeBytes } = await localRetrieval(counting).readFile(root, 63_990);
    expect(sizeBytes).toBe(64_000);
    expect((await collect(bytes)).length).toBe(10);
    expect(reads).toBe(3);
  });

  it("refuses offsets outside of the file", async () => {
    const files = localRetrieval();
    const { root } = await files.importFile(streamOf(randomBytes(1, 10)));
    for (const offset of [11, -1, 0.5]) {
      expect(await codeOf(files.readFile(root, offset))).toBe("retrieval/bad-offset");
    }
    expect((await collect((await files.readFile(root, 10)).bytes)).length).toBe(0);
  });

  it("can be left at any time", async () => {
    const files = localRetrieval();
    const { root } = await files.importFile(streamOf(randomBytes(1, 10_000)), { chunkBytes: 100 });
    for await (const part of (await files.readFile(root)).bytes) {
      expect(part.length).toBe(100);
      break;
    }
  });
});
