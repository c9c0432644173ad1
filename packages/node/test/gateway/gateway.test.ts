/** The gateway over HTTP: forms, parts, pages, statuses and headers of the specifications, and what it does not do. */
import { request } from "node:http";
import {
  attoFil,
  type CID,
  cidFromBytes,
  concatBytes,
  parseCid,
  rawCid,
  sha256,
  silentLogger,
} from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCar } from "../../src/car.ts";
import { openRemoteGateway, type RunningGateway, startGateway } from "../../src/gateway/index.ts";
import { limits } from "../../src/limits.ts";
import { memoryBlocks, openRetrieval, type SourceEntry } from "../../src/retrieval/index.ts";

const blocks = memoryBlocks();
const retrieval = openRetrieval({
  wire: { open: () => Promise.reject(new Error("there is no network")), handle: () => () => undefined },
  clock: new SimClock(),
  blocks,
  sources: [],
  logger: silentLogger,
});
const elsewhere = new Map<string, Uint8Array>();
const gateways: RunningGateway[] = [];

async function open(plain: boolean, fetch: boolean): Promise<RunningGateway> {
  const gateway = await startGateway(
    {
      logger: silentLogger,
      dag: (root, asked) =>
        retrieval.dag(root, {
          get: async (cid) => (asked.fetch ? elsewhere.get(cid.toString()) : undefined),
        }),
    },
    { listen: "127.0.0.1:0", plain, fetch },
  );
  gateways.push(gateway);
  return gateway;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
async function* entries(files: readonly (readonly [string, Uint8Array])[]): AsyncGenerator<SourceEntry> {
  for (const [path, bytes] of files) {
    const content = (async function* () {
      yield bytes;
    })();
    yield { kind: "file", path: path.split("/"), bytes: content };
  }
}

const long = Uint8Array.from({ length: 10_000 }, (_, index) => (index * 7) % 251);
let plain: RunningGateway;
let strict: RunningGateway;
let file: CID;
let folder: CID;
let site: CID;
let wide: CID;

beforeAll(async () => {
  plain = await open(true, true);
  strict = await open(false, false);
  const whole = (async function* () {
    yield long;
  })();
  file = (await retrieval.importFile(whole, { chunkBytes: 1_000 })).root;
  const tree = [
    ["a & <b>.txt", bytesOf("hello")],
    ["sub/again.txt", bytesOf("hello")],
    ["sub/long.bin", long],
    ["ü.svg", bytesOf("<svg xmlns='http://www.w3.org/2000/svg'/>")],
  ] as const;
  folder = (await retrieval.importFolder(entries(tree), { chunkBytes: 1_000 })).root;
  site = (
    await retrieval.importFolder(
      entries([
        ["index.html", bytesOf("<h1>hi</h1>")],
        ["x.css", bytesOf("p{}")],
      ]),
    )
  ).root;
  const many = Array.from(
    { length: 5_000 },
    (_, index) => [`file number ${index}.txt`, bytesOf(`${index}`)] as const,
  );
  wide = (await retrieval.importFolder(entries(many))).root;
});
afterAll(async () => {
  for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
});

const get = (path: string, headers: { readonly [name: string]: string } = {}, method = "GET", at = plain) =>
  fetch(`${at.url}/ipfs/${path}`, { headers, method, redirect: "manual" });
const statusOf = async (path: string, headers = {}, at = plain): Promise<number> =>
  (await get(path, headers, "GET", at)).status;

/** `fetch` tidies a path before it sends it. */
function writtenStatus(path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(plain.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: `/ipfs/${path}` }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

async function carOf(path: string, headers = {}): Promise<{ root: string; cids: string[]; type: string }> {
  const response = await get(path, headers);
  expect(response.status).toBe(200);
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (body === null) throw new TypeError("there is a body");
  const { root, blocks: sent } = await readCar(body);
  const cids: string[] = [];
  for await (const { cid } of sent) cids.push(cid.toString());
  return { root: root.toString(), cids, type: response.headers.get("content-type") ?? "" };
}

describe("the trustless gateway", () => {
  it("gives a block as it is, by a format in the URL or in a header, whole or in part", async () => {
    const leaf = rawCid(bytesOf("hello"));
    for (const [path, headers] of [
      [`${leaf}?format=raw`, {}],
      [`${leaf}`, { accept: "application/vnd.ipld.raw" }],
    ] as const) {
      const response = await get(path, headers, "GET", strict);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe("hello");
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": "application/vnd.ipld.raw",
        "content-disposition": `attachment; filename="${leaf}.bin"`,
        "cache-control": "public, max-age=29030400, immutable",
        "x-content-type-options": "nosniff",
        etag: `"${leaf}.raw"`,
      });
      expect(response.headers.get("content-location")).toBe(
        path.includes("?") ? null : `/ipfs/${leaf}?format=raw`,
      );
    }
    const part = await get(`${leaf}?format=raw`, { range: "bytes=1-2" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 1-2/5",
      "el",
    ]);
    const head = await get(`${leaf}?format=raw`, {}, "HEAD");
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "5", ""]);
    expect(await statusOf(`${leaf}?format=raw`, { "if-none-match": `W/"x", "${leaf}.raw"` })).toBe(304);
  });

  it("gives a tree as a CAR stream, depth first, each block once or as often as it stands there", async () => {
    const all = await carOf(`${folder}?format=car`);
    expect(all.root).toBe(folder.toString());
    expect(all.type).toBe("application/vnd.ipld.car; version=1; order=dfs; dups=n");
    expect(all.cids[0]).toBe(folder.toString());
    expect(new Set(all.cids).size).toBe(all.cids.length);
    const again = await carOf(`${folder}`, { accept: "application/vnd.ipld.car; order=dfs; dups=y" });
    expect(again.type).toContain("dups=y");
    const hello = rawCid(bytesOf("hello")).toString();
    expect(again.cids.filter((cid) => cid === hello)).toHaveLength(2);
    expect(new Set(again.cids)).toEqual(new Set(all.cids));
    // The URL counts more than the header.
    expect(
      (await carOf(`${folder}?format=car&car-dups=n`, { accept: "application/vnd.ipld.car; dups=y" })).type,
    ).toContain("dups=n");
  });

  it("gives of a path the blocks that lead there, and of its end what the scope says", async () => {
    const path = `${folder}/sub/long.bin?format=car`;
    const block = await carOf(`${path}&dag-scope=block`);
    const entity = await carOf(`${path}&dag-scope=entity`);
    expect(block.cids).toHaveLength(3);
    expect(entity.cids.slice(0, 3)).toEqual(block.cids);
    expect(entity.cids).toHaveLength(13);
    expect((await carOf(path)).cids).toEqual(entity.cids);
    const listing = await carOf(`${folder}/sub?format=car&dag-scope=entity`);
    expect(listing.cids).toHaveLength(2);
    // All shards of a large folder, none of its files; by a path, the shards on its way alone.
    const shards = await carOf(`${wide}?format=car&dag-scope=entity`);
    expect(shards.cids.length).toBeGreaterThan(100);
    expect(shards.cids.length).toBeLessThan(1_000);
    const one = await carOf(`${wide}/${encodeURIComponent("file number 4711.txt")}?format=car`);
    expect(one.cids.length).toBeLessThan(5);
    expect(one.cids.at(-1)).toBe(rawCid(bytesOf("4711")).toString());
  });

  it("gives the blocks of a range of bytes and no others", async () => {
    const count = async (range: string): Promise<number> =>
      (await carOf(`${file}?format=car&entity-bytes=${range}`)).cids.length;
    expect(await count("0:*")).toBe(11);
    expect(await count("0:999")).toBe(2);
    expect(await count("999:1000")).toBe(3);
    expect(await count("-1:*")).toBe(2);
    expect(await count("8500:99999")).toBe(3);
    expect(await count("499:-8001")).toBe(3);
    expect(await count("20000:30000")).toBe(1);
    expect(await statusOf(`${file}?format=car&entity-bytes=9:3`)).toBe(400);
    expect(await statusOf(`${file}?format=car&entity-bytes=x`)).toBe(400);
    const etags = await Promise.all(
      ["", "&dag-scope=block", "&entity-bytes=0:9", "&car-dups=y"].map(async (query) =>
        (await get(`${file}?format=car${query}`, {}, "HEAD")).headers.get("etag"),
      ),
    );
    expect(new Set(etags).size).toBe(4);
  });

  it("answers the probe, and refuses what it does not give with a status of its own", async () => {
    const probe = await get("bafkqaaa?format=raw", {}, "GET", strict);
    expect([probe.status, await probe.text()]).toEqual([200, ""]);
    expect((await carOf("bafkqaaa?format=car")).cids).toEqual([]);
    expect(await statusOf(`${file}`, {}, strict)).toBe(400);
    expect(await statusOf(`${folder}?format=tar`, {}, strict)).toBe(400);
    const nobodys = rawCid(bytesOf("nobody has this"));
    for (const format of ["raw", "car"])
      expect(await statusOf(`${nobodys}?format=${format}`, {}, strict)).toBe(404);
    expect(await statusOf(`${nobodys}?format=raw`, { "cache-control": "only-if-cached" })).toBe(412);
    expect(await statusOf("nonsense?format=raw")).toBe(400);
    expect(await statusOf(`${file}?format=exe`)).toBe(400);
    expect(await statusOf(`${file}?format=dag-json`)).toBe(406);
    // A stranger gets nothing for nothing that has a price.
    const stranger = { get: async () => undefined, forOthers: true };
    retrieval.service({ pricePerByte: attoFil(1n) });
    await expect(retrieval.dag(file, stranger).block(file)).rejects.toMatchObject({
      code: "retrieval/missing-block",
    });
    expect((await retrieval.dag(file, { get: stranger.get }).block(file)).length).toBeGreaterThan(0);
    retrieval.service({ pricePerByte: attoFil(0n) });
    // Names that every object of JavaScript has.
    for (const name of ["constructor", "toString", "__proto__"]) {
      expect(await statusOf(`${file}?format=${name}`)).toBe(400);
      expect(await statusOf(`${file}`, { accept: name })).toBe(200);
    }
    expect(await statusOf(`${file}`, { accept: "application/vnd.ipld.car; version=2" })).toBe(406);
    expect(await statusOf(`${file}?format=car&dag-scope=some`)).toBe(400);
    expect(await statusOf(`${folder}/nothing?format=car`)).toBe(404);
    expect((await fetch(`${plain.url}/ipns/example.org`)).status).toBe(406);
    expect((await fetch(`${plain.url}/api/v1/node.status`, { method: "POST" })).status).toBe(405);
    expect((await fetch(plain.url)).status).toBe(400);
    expect(await statusOf(`${file}?format=raw&x=${"y".repeat(limits.gatewayUrlBytes)}`)).toBe(400);
  });

  it("cuts a stream in which a block is missing or is another, after it has begun", async () => {
    const leaf = rawCid(bytesOf("lost"));
    const dir = (await retrieval.importFolder(entries([["lost.txt", bytesOf("lost")]]))).root;
    await blocks.delete(leaf);
    await expect(carOf(`${dir}?format=car`)).rejects.toThrow();
    elsewhere.set(leaf.toString(), bytesOf("other"));
    await expect(carOf(`${dir}?format=car`)).rejects.toThrow();
    elsewhere.set(leaf.toString(), bytesOf("lost"));
    expect((await carOf(`${dir}?format=car`)).cids).toHaveLength(2);
  });

  it("is a place that another node fetches from, and believes nothing of", async () => {
    const remote = openRemoteGateway(`${strict.url}/ipfs/`);
    const { signal } = new AbortController();
    const leaf = rawCid(bytesOf("hello"));
    expect(Buffer.from((await remote.block(leaf, signal)) ?? []).toString()).toBe("hello");
    expect(await remote.block(rawCid(bytesOf("nobody has this")), signal)).toBeUndefined();
    expect(await remote.car(rawCid(bytesOf("nobody has this")), signal)).toBeUndefined();
    expect(() => openRemoteGateway("ftp://127.0.0.1")).toThrow("only http");
    // More at a time than it serves: they wait for their turn.
    const many = Array.from({ length: 3 * limits.gatewayRequests }, () => remote.block(leaf, signal));
    expect((await Promise.all(many)).every((bytes) => bytes?.length === 5)).toBe(true);
  });
});

describe("the plain gateway", () => {
  it("gives a file with its type, in whole and in part", async () => {
    const whole = await get(`${folder}/sub/long.bin`);
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(long);
    const place = `/ipfs/${folder}/sub/long.bin`;
    expect(whole.headers.get("x-ipfs-path")).toBe(place);
    expect(whole.headers.get("x-ipfs-roots")?.split(",")).toHaveLength(3);
    expect((await get(`${folder}/%C3%BC.svg`)).headers.get("content-type")).toBe("image/svg+xml");
    for (const [range, first, behind] of [
      ["bytes=0-0", 0, 1],
      ["bytes=990-1010", 990, 1_011],
      ["bytes=9990-", 9_990, 10_000],
      ["bytes=-20", 9_980, 10_000],
      ["bytes=9000-99999", 9_000, 10_000],
    ] as const) {
      const part = await get(`${file}`, { range });
      expect([part.status, part.headers.get("content-range")]).toEqual([
        206,
        `bytes ${first}-${behind - 1}/10000`,
      ]);
      expect(new Uint8Array(await part.arrayBuffer())).toEqual(long.subarray(first, behind));
    }
    const outside = await get(`${file}`, { range: "bytes=10000-" });
    expect([outside.status, outside.headers.get("content-range")]).toEqual([416, "bytes */10000"]);
    expect(await statusOf(`${file}`, { range: "bytes=0-1,5-6" })).toBe(206);
    expect(await statusOf(`${file}`, { range: "bytes=0-1", "if-range": '"another"' })).toBe(200);
    expect(await statusOf(`${file}`, { "if-none-match": `"${file}"` })).toBe(304);
  });

  it("names a file for who saves it, whatever letters are in the name", async () => {
    const asked = await get(`${file}?filename=${encodeURIComponent('test"тест.pdf')}&download=true`);
    expect(asked.headers.get("content-disposition")).toBe(
      `attachment; filename="test_____.pdf"; filename*=UTF-8''test%22%D1%82%D0%B5%D1%81%D1%82.pdf`,
    );
    expect(asked.headers.get("content-type")).toBe("application/pdf");
  });

  it("lists a folder under an address with a slash, its names harmless, and shows its page if it has one", async () => {
    const bare = await get(`${folder}/sub`);
    expect([bare.status, bare.headers.get("location")]).toEqual([301, `/ipfs/${folder}/sub/`]);
    const page = await (await get(`${folder}/`)).text();
    expect(page).toContain("a &amp; &lt;b&gt;.txt");
    expect(page).toContain('href="./a%20%26%20%3Cb%3E.txt"');
    expect(page).not.toContain("<b>");
    const index = await get(`${site}/`);
    expect([index.headers.get("content-type"), await index.text()]).toEqual([
      "text/html; charset=utf-8",
      "<h1>hi</h1>",
    ]);
    const large = await (await get(`${wide}/`)).text();
    expect(large.match(/<tr>/g)).toHaveLength(5_000);
    const etag = (await get(`${folder}/`)).headers.get("etag") ?? "";
    expect(etag).toContain("DirIndex");
    expect(await statusOf(`${folder}/`, { "if-none-match": etag })).toBe(304);
  });

  it("gives a tree as a tar stream under the name of its path", async () => {
    const response = await get(`${folder}/sub?format=tar`);
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="sub.tar"');
    const tar = Buffer.from(await response.arrayBuffer());
    const names = [0, 512].map((at) => tar.toString("utf8", at, tar.indexOf(0, at)));
    expect(names).toEqual(["sub/", "sub/again.txt"]);
  });

  it("lets no path lead up, and no script take over a whole tree", async () => {
    const cases = [
      [`${folder}/../x`, 400],
      [`${folder}/%2e%2e/x`, 400],
      [`${folder}/sub/%2E%2E`, 400],
      [`${folder}/sub/.`, 400],
      [`${folder}/%ff`, 400],
      [`${folder}/%00`, 404],
    ] as const;
    for (const [path, status] of cases) expect([path, await writtenStatus(path)]).toEqual([path, status]);
    expect(await statusOf(`${folder}/sub%2Fagain.txt`)).toBe(404);
    expect(await statusOf(`${site}`, { "service-worker": "script" })).toBe(400);
  });
});

describe("a gateway under attack", () => {
  /** A dag-pb block of links to one block, many times over. */
  function fan(to: CID, count: number): Uint8Array {
    const link = concatBytes(Uint8Array.of(0x0a, to.bytes.length), to.bytes);
    const one = concatBytes(Uint8Array.of(0x12, link.length), link);
    return concatBytes(...Array.from({ length: count }, () => one), Uint8Array.of(0x0a, 0x02, 0x08, 0x01));
  }
  const put = async (bytes: Uint8Array): Promise<CID> => {
    const cid = cidFromBytes(concatBytes(Uint8Array.of(1, 0x70, 0x12, 32), sha256(bytes)));
    await blocks.put(cid, bytes);
    return cid;
  };

  it("sends a tree that refers to itself over and over once, and gives up where it is too deep", async () => {
    let bomb = await put(fan(rawCid(bytesOf("hello")), 100));
    for (let level = 0; level < 20; level++) bomb = await put(fan(bomb, 100));
    const { cids } = await carOf(`${bomb}?format=car`);
    expect(cids).toHaveLength(22);
    for (let level = 20; level < limits.dagDepth + 2; level++) bomb = await put(fan(bomb, 1));
    await expect(carOf(`${bomb}?format=car`)).rejects.toThrow();
  });

  it("stops when its reader has gone, however often the blocks stand there", async () => {
    let bomb = await put(fan(rawCid(bytesOf("hello")), 100));
    for (let level = 0; level < 20; level++) bomb = await put(fan(bomb, 100));
    const reader = new AbortController();
    const response = await fetch(`${plain.url}/ipfs/${bomb}?format=car&car-dups=y`, {
      signal: reader.signal,
    });
    await response.body?.getReader().read();
    reader.abort();
    for (let turn = 0; plain.counts().running > 0 && turn < 1_000; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(plain.counts().running).toBe(0);
  });

  it("does no work for identities and foreign hashes", async () => {
    expect(await statusOf("bafkqabtborsxg5bk?format=raw")).toBe(200);
    expect(parseCid("bafkqaaa").multihash.code).toBe(0);
    expect(
      await statusOf(
        "bafkrgqhhyivzstcz3hhswshfjgy6ertgmnqeleynhwt4dlfsthi4hn7zgh4uvlsb5xncykzapi3ocd4lzogukir6ksdy6wzrnz6ohnv4aglcs?format=raw",
        {},
        strict,
      ),
    ).toBe(404);
  });
});
