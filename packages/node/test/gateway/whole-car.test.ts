/** The gateway gives a tree that lies there as a whole as a web server gives a file: a transfer that broke goes on. */
import { silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningGateway, startGateway } from "../../src/gateway/index.ts";
import { memoryBlocks, openRetrieval, type SourceEntry } from "../../src/retrieval/index.ts";

const retrieval = openRetrieval({
  wire: { open: () => Promise.reject(new Error("there is no network")), handle: () => () => undefined },
  clock: new SimClock(),
  blocks: memoryBlocks(),
  sources: [],
  logger: silentLogger,
});
const long = Uint8Array.from({ length: 10_000 }, (_, index) => (index * 7) % 251);
let gateway: RunningGateway;
let folder: string;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
async function* entries(): AsyncGenerator<SourceEntry> {
  yield { kind: "file", path: ["a.txt"], bytes: once(new TextEncoder().encode("hello")) };
  yield { kind: "file", path: ["sub", "long.bin"], bytes: once(long) };
}

beforeAll(async () => {
  const dag = (root: Parameters<typeof retrieval.dag>[0]) =>
    retrieval.dag(root, { get: async () => undefined });
  gateway = await startGateway(
    { logger: silentLogger, dag },
    { listen: "127.0.0.1:0", plain: false, fetch: false },
  );
  folder = (await retrieval.importFolder(entries(), { chunkBytes: 1_000 })).root.toString();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const get = (path: string, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${gateway.url}/ipfs/${path}`, { headers });
const statusOf = async (path: string, headers = {}): Promise<number> => (await get(path, headers)).status;

describe("the trustless gateway", () => {
  it("gives what lies here as a whole as a CAR file with a length and ranges, always the same bytes", async () => {
    const path = `${folder}?format=car`;
    const whole = await get(path);
    const bytes = new Uint8Array(await whole.arrayBuffer());
    const etag = whole.headers.get("etag") ?? "";
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      "accept-ranges": "bytes",
      "content-length": String(bytes.length),
      etag: `"${folder}.car.whole"`,
    });
    for (const [range, from, to] of [
      ["bytes=0-99", 0, 99],
      ["bytes=1234-", 1_234, bytes.length - 1],
      ["bytes=-10", bytes.length - 10, bytes.length - 1],
      [`bytes=5000-${10 * bytes.length}`, 5_000, bytes.length - 1],
    ] as const) {
      const part = await get(path, { range, "if-range": etag });
      expect([part.status, part.headers.get("content-range")]).toEqual([
        206,
        `bytes ${from}-${to}/${bytes.length}`,
      ]);
      expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(from, to + 1));
    }
    expect(await statusOf(path, { range: `bytes=${bytes.length}-` })).toBe(416);
    expect(await statusOf(path, { range: "bytes=5-9", "if-range": '"another"' })).toBe(200);
    expect(await statusOf(path, { "if-none-match": etag })).toBe(304);
    // A part of it has no length before it has been walked.
    for (const other of [`${folder}?format=car&dag-scope=entity`, `${folder}/sub?format=car`])
      expect((await get(other)).headers.get("accept-ranges")).toBe("none");
  });
});
