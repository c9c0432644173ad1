/** Trees that are pulled block by block. */
import { type CID, parseCid } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import { collect, expectSameBytes, localRetrieval, randomBytes, streamOf } from "./support.ts";

const { signal } = new AbortController();

async function giver(sizeBytes = 500_000) {
  const blocks = memoryBlocks();
  const bytes = randomBytes("pull", sizeBytes);
  const { root } = await localRetrieval(blocks).importFile(streamOf(bytes), { chunkBytes: 1_000 });
  return { blocks, bytes, root };
}

describe("a pull", () => {
  it("keeps a tree, many blocks under way at a time, and asks for each once", async () => {
    const { blocks, bytes, root } = await giver();
    const files = localRetrieval();
    const asked: string[] = [];
    let underWay = 0;
    let most = 0;
    const made = await files.pull(root, {
      signal,
      async get(cid) {
        asked.push(cid.toString());
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return blocks.get(cid);
      },
    });
    expect(made).toMatchObject({ sizeBytes: bytes.length, fetchedBlocks: 504 });
    expectSameBytes(await collect((await files.readFile(root)).bytes), bytes);
    expect(new Set(asked).size).toBe(asked.length);
    expect(most).toBeGreaterThan(limits.pullBlocks / 2);
    expect(most).toBeLessThanOrEqual(limits.pullBlocks + 1);
    expect(await files.localFile(root)).toMatchObject({ imported: true, complete: true });
  });

  it("that is interrupted goes on from what is there; one that began with nothing leaves nothing", async () => {
    const { blocks, root } = await giver();
    const files = localRetrieval();
    let left = 100;
    const get = async (cid: CID) => (left-- > 0 ? blocks.get(cid) : undefined);
    expect(await codeOf(files.pull(root, { signal, get }))).toBe("retrieval/no-provider");
    const { fetchedBlocks } = await files.pull(root, { signal, get: (cid) => blocks.get(cid) });
    expect(fetchedBlocks).toBeLessThan(504 - 30);
    const empty = localRetrieval();
    expect(await codeOf(empty.pull(root, { signal, get: async () => undefined }))).toBe(
      "retrieval/no-provider",
    );
    expect(await empty.files()).toEqual([]);
    const stop = new AbortController();
    const stopped = empty.pull(root, { signal: stop.signal, get: () => new Promise(() => undefined) });
    stop.abort(new Error("enough"));
    await expect(stopped).rejects.toThrow();
  });

  it("believes nobody: other bytes, and identities, are refused", async () => {
    const { root } = await giver();
    const lied = localRetrieval().pull(root, { signal, get: async () => new Uint8Array(9) });
    expect(await codeOf(lied)).toBe("retrieval/corrupt-block");
    const { blocks, root: whole } = await giver();
    const files = localRetrieval();
    const wrong = files.pull(whole, {
      signal,
      get: async (cid) => (cid.code === 0x55 ? new Uint8Array(1_000) : blocks.get(cid)),
    });
    expect(await codeOf(wrong)).toBe("retrieval/corrupt-block");
    expect(await files.hasLocal(whole)).toBe(false);
    const identity = parseCid("bafkqabtborsxg5bk");
    expect(await codeOf(localRetrieval().pull(identity, { signal, get: async () => undefined }))).toBe(
      "retrieval/unsupported-cid",
    );
  });
});
