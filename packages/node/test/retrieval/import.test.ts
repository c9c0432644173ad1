/** Import gives the CIDs that Kubo's library gives, in small memory, and leaves nothing behind when it fails. */
import { concatBytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import {
  chunkBytes,
  collect,
  expectSameBytes,
  fileVectors,
  listOf,
  localRetrieval,
  patternBytes,
  randomBytes,
  sha256Hex,
  streamOf,
} from "./support.ts";

describe("an imported file has the CID that boxo, Kubo's library, gives it", () => {
  it.each(fileVectors)("$name ($sizeBytes bytes of $pattern)", async (vector) => {
    const files = localRetrieval();
    const bytes = patternBytes(vector.pattern, vector.sizeBytes);
    const imported = await files.importFile(streamOf(bytes), vector);
    expect(imported.root.toString()).toBe(vector.root);
    expect(imported.sizeBytes).toBe(vector.sizeBytes);
    expect(imported.carBytes).toBe(vector.carBytes);
    expect(await files.carBytes(imported.root)).toBe(vector.carBytes);
    const car = await collect(files.carStream(imported.root));
    expect(sha256Hex(car)).toBe(vector.carSha256);
    const read = await files.readFile(imported.root);
    expect(read.sizeBytes).toBe(vector.sizeBytes);
    expect(sha256Hex(await collect(read.bytes))).toBe(sha256Hex(bytes));
  });
});

describe("import", () => {
  it("does not depend on how the stream is cut", async () => {
    const bytes = randomBytes("cut", 5_000);
    const { root } = await localRetrieval().importFile(streamOf(bytes), { chunkBytes: 64 });
    const cuts = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(cuts, async (lengths) => {
        const parts: Uint8Array[] = [];
        let at = 0;
        for (const length of [...lengths, bytes.length]) {
          parts.push(bytes.subarray(at, at + length));
          at = Math.min(bytes.length, at + length);
        }
        const source = (async function* () {
          yield* parts;
        })();
        const imported = await localRetrieval().importFile(source, { chunkBytes: 64 });
        expect(imported.root.toString()).toBe(root.toString());
      }),
      { numRuns: 60 },
    );
  });

  it("keeps its own copy of a buffer that the source uses again", async () => {
    const bytes = randomBytes("reused", 3 * chunkBytes);
    const buffer = new Uint8Array(chunkBytes / 2);
    const reusing = (async function* () {
      for (let at = 0; at < bytes.length; at += buffer.length) {
        buffer.set(bytes.subarray(at, at + buffer.length));
        yield buffer;
        buffer.fill(0xee);
      }
    })();
    const files = localRetrieval();
    const { root } = await files.importFile(reusing);
    expectSameBytes(await collect((await files.readFile(root)).bytes), bytes);
  });

  it("refuses chunks that no block can hold", async () => {
    const files = localRetrieval();
    const mostBytes = limits.fileBlockBytes;
    for (const layout of [
      { chunkBytes: 0 },
      { chunkBytes: 1.5 },
      { chunkBytes: mostBytes + 1 },
      { chunkBytes: mostBytes, rawLeaves: false },
      { chunkBytes: mostBytes, cidVersion: 0 },
    ] as const) {
      const bytes = randomBytes("large", 2 * mostBytes);
      expect(await codeOf(files.importFile(streamOf(bytes), layout))).toBe("retrieval/bad-layout");
      const entry = { kind: "file", path: ["x"], bytes: streamOf(bytes) } as const;
      const folder = (async function* () {
        yield entry;
      })();
      expect(await codeOf(files.importFolder(folder, layout))).toBe("retrieval/bad-layout");
    }
    for (const layout of [
      { chunkBytes: mostBytes, cidVersion: 0, rawLeaves: true },
      { chunkBytes: mostBytes - 16, cidVersion: 0 },
    ] as const)
      await files.importFile(streamOf(randomBytes("large", 2 * mostBytes)), layout);
  });

  it("refuses an empty file", async () => {
    const blocks = memoryBlocks();
    const files = localRetrieval(blocks);
    const nothing = (async function* () {
      yield new Uint8Array(0);
    })();
    expect(await codeOf(files.importFile(nothing))).toBe("retrieval/empty-file");
    expect(await codeOf(files.importFile(streamOf(new Uint8Array(0))))).toBe("retrieval/empty-file");
    expect(await listOf(blocks.list())).toEqual([]);
    expect(await files.files()).toEqual([]);
  });

  it("takes its blocks away again when the source fails", async () => {
    const blocks = memoryBlocks();
    const files = localRetrieval(blocks);
    const kept = await files.importFile(streamOf(randomBytes("kept", 3 * chunkBytes)));
    const usedBytes = await blocks.usedBytes();
    const failing = (async function* () {
      yield randomBytes("kept", 3 * chunkBytes); // blocks of the first file: they must stay
      yield randomBytes("new", 40 * chunkBytes);
      throw new Error("the disk of the source is gone");
    })();
    await expect(files.importFile(failing)).rejects.toThrow("the disk of the source is gone");
    expect(await blocks.usedBytes()).toBe(usedBytes);
    expect(await files.hasLocal(kept.root)).toBe(true);
    expect((await collect((await files.readFile(kept.root)).bytes)).length).toBe(3 * chunkBytes);
  });

  it("takes its blocks away again when the room is full", async () => {
    const blocks = memoryBlocks({ quotaBytes: 10 * chunkBytes });
    const files = localRetrieval(blocks);
    const tooMuch = streamOf(randomBytes("too much", 30 * chunkBytes));
    expect(await codeOf(files.importFile(tooMuch))).toBe("retrieval/quota-full");
    expect(await blocks.usedBytes()).toBe(0);
    const fits = await files.importFile(streamOf(randomBytes("fits", 9 * chunkBytes)));
    expect(fits.sizeBytes).toBe(9 * chunkBytes);
  });

  it("stops at the signal, even if the source is silent", async () => {
    const blocks = memoryBlocks();
    const files = localRetrieval(blocks);
    const stop = new AbortController();
    const silent = (async function* () {
      yield randomBytes("silent", 2 * chunkBytes);
      stop.abort(new Error("enough"));
      await new Promise(() => undefined);
    })();
    await expect(files.importFile(silent, { signal: stop.signal })).rejects.toThrow("enough");
    expect(await blocks.usedBytes()).toBe(0);
  });

  it("stops when the node does", async () => {
    const blocks = memoryBlocks();
    const files = localRetrieval(blocks);
    const endless = (async function* () {
      for (let i = 0; ; i++) {
        yield randomBytes(i, chunkBytes);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const imported = codeOf(files.importFile(endless));
    await new Promise((resolve) => setImmediate(resolve));
    await files[Symbol.asyncDispose]();
    expect(await imported).toBe("retrieval/closed");
    expect(await blocks.usedBytes()).toBe(0);
    expect(await codeOf(files.importFile(endless))).toBe("retrieval/closed");
  });

  it("of two files side by side, one of which fails, keeps all blocks of the other", async () => {
    for (let round = 0; round < 10; round++) {
      const blocks = memoryBlocks();
      const files = localRetrieval(blocks);
      const shared = randomBytes(`shared ${round}`, 20 * chunkBytes);
      const failing = (async function* () {
        yield* streamOf(shared, 30_000 + 7_000 * round);
        throw new Error("failed");
      })();
      const [good, bad] = await Promise.allSettled([
        files.importFile(streamOf(concatBytes(shared, new Uint8Array(9)))),
        files.importFile(failing),
      ]);
      expect(bad.status).toBe("rejected");
      if (good.status === "rejected") throw good.reason;
      const read = await files.readFile(good.value.root);
      expect((await collect(read.bytes)).length).toBe(shared.length + 9);
    }
  });

  it("keeps only a few chunks in memory", async () => {
    const blocks = memoryBlocks();
    let inFlight = 0;
    let most = 0;
    const slow = {
      ...blocks,
      async put(...args: Parameters<typeof blocks.put>) {
        inFlight++;
        most = Math.max(most, inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight--;
        return blocks.put(...args);
      },
    };
    let given = 0;
    const lazy = (async function* () {
      for (; given < 200; given++) {
        expect(given - (await blocks.usedBytes()) / chunkBytes).toBeLessThan(40);
        yield randomBytes(given, chunkBytes);
      }
    })();
    await localRetrieval(slow).importFile(lazy);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThan(20);
  });
});
