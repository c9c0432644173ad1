/**
 * Beside a stock Kubo (`ipfs` on the PATH, or named by HOLDFAST_KUBO): it fetches what we serve and we what it serves,
 * by bitswap and HTTP; CAR files go both ways; the same options give the same CIDs; and the same questions to both
 * gateways the same blocks. Left out where there is no Kubo; `.ci/run` brings one.
 */
import { type CID, parseCid, silentLogger } from "@holdfast/base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCar } from "../../src/car.ts";
import { realClock } from "../../src/clock.ts";
import { openRemoteGateway, type RunningGateway, startGateway } from "../../src/gateway/index.ts";
import { installNativeKernels } from "../../src/kernels.ts";
import { limits } from "../../src/limits.ts";
import { type NetWire, openLibp2pWire } from "../../src/net/index.ts";
import { memoryBlocks, openRetrieval, type Retrieval, type SourceEntry } from "../../src/retrieval/index.ts";
import { type BlockSwap, openBlockSwap } from "../../src/swap/index.ts";
import { Kubo, kuboVersion as version } from "../stock-kubo.ts";

if (version === undefined)
  console.warn("no Kubo here (HOLDFAST_KUBO or `ipfs`): the tests beside it are left out");

/** Contents that differ by their seed, the same in every run. */
function content(seed: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let state = (seed + 1) * 2_654_435_761;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}
async function* entries(files: ReadonlyMap<string, Uint8Array>): AsyncGenerator<SourceEntry> {
  for (const [path, bytes] of files) yield { kind: "file", path: path.split("/"), bytes: once(bytes) };
}
async function all(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** As `toEqual`, which takes a second for a megabyte. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

const kubo = new Kubo();
let wire: NetWire;
let swap: BlockSwap;
let gateway: RunningGateway | undefined;
let ourUrl = "";
let retrieval: Retrieval;
let kuboPeer: string;
const { signal } = new AbortController();
const clock = realClock(0);

/** Another node of ours that has nothing, on the same wire. */
function empty(): Retrieval {
  const nowhere = { open: () => Promise.reject(new Error("no network")), handle: () => () => undefined };
  return openRetrieval({ wire: nowhere, clock, blocks: memoryBlocks(), sources: [], logger: silentLogger });
}

describe.skipIf(version === undefined)(`beside Kubo ${version ?? ""}`, () => {
  beforeAll(async () => {
    await installNativeKernels(); // SHA-256 of many megabytes
    await kubo.start();
    wire = await openLibp2pWire(
      { clock, logger: silentLogger, limits },
      { privateKey: content(1, 32), listen: ["/ip4/127.0.0.1/tcp/0"] },
    );
    const blocks = memoryBlocks();
    retrieval = openRetrieval({ wire, clock, blocks, sources: [], logger: silentLogger });
    swap = openBlockSwap({ wire, clock, logger: silentLogger });
    swap.serve({ find: (cid) => blocks.get(cid), has: (cid) => blocks.has(cid) });
    const dag = (root: CID) => retrieval.dag(root, { get: async () => undefined });
    gateway = await startGateway(
      { logger: silentLogger, dag },
      { listen: "127.0.0.1:0", plain: true, fetch: false },
    );
    ourUrl = gateway.url;
    const [address = ""] = wire.addresses();
    await kubo.call(`swarm/connect?arg=${encodeURIComponent(address)}`);
    kuboPeer = (await kubo.json<{ ID: string }>("id")).ID;
  }, 60_000);
  afterAll(async () => {
    kubo.stop();
    if (gateway === undefined) return;
    await gateway[Symbol.asyncDispose]();
    await swap[Symbol.asyncDispose]();
    await retrieval[Symbol.asyncDispose]();
    await wire[Symbol.asyncDispose]();
  });

  const tree = new Map<string, Uint8Array>([
    ["folder/a.txt", Buffer.from("hello")],
    ["folder/sub/b.bin", content(2, 700_000)],
    ["folder/sub/c.txt", Buffer.from("hello")],
  ]);
  const below = (files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> =>
    new Map([...files].map(([path, bytes]) => [path.split("/").slice(1).join("/"), bytes]));

  it("makes the same CIDs with the same options: files, chunk sizes, folders, sharded folders", async () => {
    const wide = new Map(
      Array.from(
        { length: 1_600 },
        (_, index) =>
          [
            `wide/${"a long name of a ".repeat(10)} file of number ${index}`,
            Buffer.from(`${index}`),
          ] as const,
      ),
    );
    const layouts = [undefined, 0, 1].flatMap((cidVersion) =>
      [undefined, true, false].flatMap((rawLeaves) =>
        [undefined, 1_000, 1_048_576 - (rawLeaves === true ? 0 : 16)].map((chunkBytes) => ({
          ...{ cidVersion: cidVersion as 0 | 1 | undefined, rawLeaves, chunkBytes },
        })),
      ),
    );
    for (const layout of layouts) {
      const { cidVersion = 1, rawLeaves, chunkBytes } = layout;
      const options =
        `only-hash=true&cid-version=${cidVersion}` +
        (rawLeaves === undefined ? "" : `&raw-leaves=${rawLeaves}`) +
        (chunkBytes === undefined ? "" : `&chunker=size-${chunkBytes}`);
      for (const sizeBytes of [1, 1_000, 262_144, 262_145, 1_200_000]) {
        const bytes = content(sizeBytes, sizeBytes);
        const ours = (await empty().importFile(once(bytes), layout)).root.toString();
        expect([options, sizeBytes, ours]).toEqual([
          options,
          sizeBytes,
          await kubo.add(new Map([["x", bytes]]), options),
        ]);
      }
      for (const folder of chunkBytes === undefined ? [tree, wide] : [tree]) {
        const ours = (await empty().importFolder(entries(below(folder)), layout)).root.toString();
        expect([options, ours]).toEqual([options, await kubo.add(folder, options)]);
      }
    }
  }, 120_000);

  it("fetches from us by bitswap what we have: a file of many blocks, a sharded folder", async () => {
    const bytes = content(10, 5_000_000);
    const { root } = await retrieval.importFile(once(bytes));
    expectSame(new Uint8Array(await (await kubo.call(`cat?arg=${root}`)).arrayBuffer()), bytes);
    const long = "a long name that fills a block ".repeat(7);
    const wide = new Map(
      Array.from(
        { length: 1_200 },
        (_, index) => [`our file ${index} of ${long}`, content(index, 50)] as const,
      ),
    );
    const folder = (await retrieval.importFolder(entries(wide))).root;
    await kubo.call(`pin/add?arg=${folder}&recursive=true&progress=false`);
    const path = encodeURIComponent(`${folder}/our file 1134 of ${long}`);
    expect(new Uint8Array(await (await kubo.call(`cat?arg=${path}`)).arrayBuffer())).toEqual(
      content(1134, 50),
    );
    expect(swap.counts().servedBlocks).toBeGreaterThan(1_200);
  }, 60_000);

  it("gives us by bitswap and by HTTP what it has", async () => {
    const bytes = content(20, 4_000_000);
    const file = parseCid(await kubo.add(new Map([["x", bytes]]), "cid-version=1&raw-leaves=false"));
    const folder = parseCid(await kubo.add(tree, "cid-version=0"));
    const remote = openRemoteGateway(kubo.gateway);
    for (const get of [
      (() => {
        const session = swap.session({ peers: [kuboPeer as never] });
        return (cid: CID) => session.get(cid, signal);
      })(),
      (cid: CID) => remote.block(cid, signal),
    ]) {
      const files = empty();
      await files.pull(file, { signal, get });
      expectSame(await all((await files.readFile(file)).bytes), bytes);
      await files.pull(folder, { signal, get });
      const { entries: found } = await files.openTree(folder, { providers: [], deep: true });
      const names: string[] = [];
      for await (const { path } of found) names.push(path.join("/"));
      expect(names).toEqual(["a.txt", "sub", "sub/b.bin", "sub/c.txt"]);
    }
  }, 60_000);

  it("takes our CAR files of both versions, and we its", async () => {
    const { root } = await retrieval.importFolder(entries(below(tree)));
    for (const stream of [retrieval.carStream(root), retrieval.carV2Stream(root)]) {
      const form = new FormData();
      form.append("file", new Blob([Buffer.from(await all(stream))]));
      const text = await (await kubo.call("dag/import?pin-roots=false&stats=true", form)).text();
      expect(JSON.parse(text.split("\n")[0] ?? "").Root?.Cid?.["/"] ?? root.toString()).toBe(root.toString());
      expect(text).toContain('"BlockCount":');
    }
    const made = parseCid(await kubo.add(new Map([["x", content(30, 2_000_000)]]), "cid-version=1"));
    const car = new Uint8Array(
      await (await kubo.call(`dag/export?arg=${made}&progress=false`)).arrayBuffer(),
    );
    const files = empty();
    const { roots } = await files.importCar(once(car));
    expect(roots.map(({ root: one }) => one.toString())).toEqual([made.toString()]);
    expectSame(await all((await files.readFile(made)).bytes), content(30, 2_000_000));
  }, 60_000);

  it("answers the same questions to its gateway with the same blocks and statuses", async () => {
    const { root } = await retrieval.importFolder(entries(below(tree)));
    await kubo.call(`pin/add?arg=${root}&progress=false`);
    const blocksOf = async (base: string, query: string): Promise<readonly string[] | number> => {
      const response = await fetch(`${base}/ipfs/${root}${query}`, { redirect: "manual" });
      if (response.status !== 200 || response.body === null) return response.status;
      const cids: string[] = [];
      for await (const { cid } of (await readCar(response.body as AsyncIterable<Uint8Array>)).blocks)
        cids.push(cid.toString());
      return cids;
    };
    const paths = ["", "/sub", "/sub/b.bin", "/a.txt"];
    const scopes = ["", "&dag-scope=block", "&dag-scope=entity", "&dag-scope=all"];
    const ranges = [
      "&entity-bytes=0:99",
      "&entity-bytes=262144:300000",
      "&entity-bytes=-100:*",
      "&entity-bytes=300000:*",
    ];
    const queries = paths.flatMap((path) =>
      [...scopes, ...(path === "/sub/b.bin" ? ranges : [])].flatMap((part) =>
        ["", "&car-dups=y"].map((dups) => `${path}?format=car${part}${dups}`),
      ),
    );
    for (const query of queries) {
      const [ours, theirs] = await Promise.all([blocksOf(ourUrl, query), blocksOf(kubo.gateway, query)]);
      // Of a range Kubo sends what it has read ahead, too; ours is what the specification asks for, no more.
      const needed = new Set(query.includes("entity-bytes") && Array.isArray(ours) ? ours : undefined);
      const same =
        needed.size > 0 && Array.isArray(theirs) ? theirs.filter((cid) => needed.has(cid)) : theirs;
      expect([query, ours]).toEqual([query, same]);
    }
    const forms = [
      "?format=raw",
      "/a.txt?format=raw",
      "/a.txt",
      "/sub",
      "/sub/",
      "/nothing",
      "/a.txt/x",
      "?format=car&entity-bytes=x",
    ];
    const headers = ["etag", "content-length", "location", "x-ipfs-path", "x-ipfs-roots"] as const;
    for (const form of forms) {
      const [ours, theirs] = await Promise.all(
        [ourUrl, kubo.gateway].map((base) => fetch(`${base}/ipfs/${root}${form}`, { redirect: "manual" })),
      );
      expect([form, ours?.status]).toEqual([form, theirs?.status]);
      if (form.endsWith("/") || (ours?.status ?? 0) >= 400) continue;
      // The page of a redirect is everybody's own.
      const compared = headers.filter((header) => ours?.status === 200 || header !== "content-length");
      for (const header of compared)
        expect([form, header, ours?.headers.get(header)]).toEqual([
          form,
          header,
          theirs?.headers.get(header),
        ]);
    }
  }, 60_000);
});
