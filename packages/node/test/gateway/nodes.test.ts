/**
 * The gateway over nodes that make no file: in their own codec and no other, along their links, shown as pages; and
 * ranges of bytes, one and several. The questions are those of the IPFS specifications for path gateways.
 */
import {
  type CID,
  cidFromBytes,
  concatBytes,
  encodeCbor,
  encodeVarint,
  rawCid,
  sha256,
  silentLogger,
  utf8Bytes,
} from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { encode as encodeDagPb, prepare } from "@ipld/dag-pb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCar } from "../../src/car.ts";
import { type RunningGateway, startGateway } from "../../src/gateway/index.ts";
import { spansOf } from "../../src/gateway/ranges.ts";
import { limits } from "../../src/limits.ts";
import { memoryBlocks, openRetrieval } from "../../src/retrieval/index.ts";

const codecs = { dagPb: 0x70, dagCbor: 0x71, dagJson: 0x0129, json: 0x0200, cbor: 0x51 } as const;
const blocks = new Map<string, Uint8Array>();
const put = (codec: keyof typeof codecs, bytes: Uint8Array): CID => {
  const head = concatBytes(Uint8Array.of(1), encodeVarint(codecs[codec]), Uint8Array.of(0x12, 32));
  const cid = cidFromBytes(concatBytes(head, sha256(bytes)));
  blocks.set(cid.toString(), bytes);
  return cid;
};
const json = (value: unknown): Uint8Array => utf8Bytes(JSON.stringify(value));

const text = utf8Bytes('{ "test": "a file that holds JSON" }\n');
const file = rawCid(text);
blocks.set(file.toString(), text);
const cborEnd = put("dagCbor", encodeCbor({ hello: "no link" }));
const cborMiddle = put("dagCbor", encodeCbor({ bar: cborEnd, list: [1, cborEnd] }));
const cborRoot = put("dagCbor", encodeCbor({ foo: { link: cborMiddle, "<b>": "</pre><script>" }, file }));
const jsonEnd = put("dagJson", json({ hello: "no link" }));
const jsonRoot = put(
  "dagJson",
  json({
    foo: { link: { "/": jsonEnd.toString() }, bytes: { "/": { bytes: "AQID" } } },
    text: { name: "/" },
  }),
);
/** A UnixFS folder that leads to a node. */
const folder = put(
  "dagPb",
  encodeDagPb(
    prepare({
      Data: Uint8Array.of(0x08, 0x01),
      Links: [
        { Name: "document", Hash: cborRoot, Tsize: 100 },
        { Name: "file.txt", Hash: file, Tsize: text.length },
      ],
    }),
  ),
);
const plainJson = put("json", json({ plain: ["json", 1.5] }));
const plainCbor = put("cbor", Uint8Array.of(0xa1, 0x61, 0x78, 0xf9, 0x3c, 0x00));

const retrieval = openRetrieval({
  wire: { open: () => Promise.reject(new Error("there is no network")), handle: () => () => undefined },
  clock: new SimClock(),
  blocks: memoryBlocks(),
  sources: [],
  logger: silentLogger,
});
let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway(
    {
      logger: silentLogger,
      dag: (root) => retrieval.dag(root, { get: async (cid) => blocks.get(cid.toString()) }),
    },
    { listen: "127.0.0.1:0", plain: true, fetch: false },
  );
});
afterAll(() => gateway[Symbol.asyncDispose]());

const get = (path: string, headers: { readonly [name: string]: string } = {}, method = "GET") =>
  fetch(`${gateway.url}/ipfs/${path}`, { headers, method, redirect: "manual" });
const statusOf = async (path: string, headers = {}): Promise<number> => (await get(path, headers)).status;
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

describe("nodes that make no file", () => {
  it("come in their own codec, named fully or plainly, with names, tags, types and lengths", async () => {
    for (const [cid, codec, plain, kind] of [
      [cborRoot, "dag-cbor", "cbor", "attachment"],
      [jsonRoot, "dag-json", "json", "inline"],
    ] as const) {
      const bytes = Buffer.from(blocks.get(cid.toString()) ?? []);
      const full = `application/vnd.ipld.${codec}`;
      for (const [query, accept, type, tag] of [
        ["", "*/*", full, codec],
        [`?format=${codec}`, "*/*", full, codec],
        ["", full, full, codec],
        [`?format=${plain}`, "*/*", `application/${plain}`, plain],
        ["", `application/${plain}`, `application/${plain}`, plain],
        // The URL counts more than the header.
        [`?format=${plain}`, "application/vnd.ipld.raw", `application/${plain}`, plain],
      ] as const) {
        for (const method of ["GET", "HEAD"]) {
          const response = await get(`${cid}${query}`, { accept }, method);
          expect(response.status).toBe(200);
          expect(Object.fromEntries(response.headers)).toMatchObject({
            "content-type": type,
            "content-length": String(bytes.length),
            "content-disposition": `${kind}; filename="${cid}.${plain}"`,
            "cache-control": "public, max-age=29030400, immutable",
            "x-content-type-options": "nosniff",
            "x-ipfs-path": `/ipfs/${cid}`,
            "x-ipfs-roots": cid.toString(),
            etag: `"${cid}.${tag}"`,
            vary: "Accept",
          });
          expect(await bytesOf(response)).toEqual(method === "GET" ? bytes : Buffer.alloc(0));
        }
      }
      const known = { accept: full, "if-none-match": `"${cid}.${codec}"` };
      expect(await statusOf(`${cid}`, known)).toBe(304);
      const saved = await get(`${cid}?filename=x.y&download=true`);
      expect(saved.headers.get("content-disposition")).toBe('attachment; filename="x.y"');
    }
    for (const [cid, plain] of [
      [plainJson, "json"],
      [plainCbor, "cbor"],
    ] as const) {
      for (const query of ["", `?format=${plain}`]) {
        const response = await get(`${cid}${query}`);
        expect([response.status, response.headers.get("content-type")]).toEqual([
          200,
          `application/${plain}`,
        ]);
        expect(await bytesOf(response)).toEqual(Buffer.from(blocks.get(cid.toString()) ?? []));
      }
    }
  });

  it("are converted into no other codec, but a header that takes anything gets them as they are", async () => {
    for (const [path, form] of [
      [cborRoot, "dag-json"],
      [cborRoot, "json"],
      [jsonRoot, "dag-cbor"],
      [file, "dag-json"],
      [file, "dag-cbor"],
      [folder, "dag-json"],
      [`${folder}/`, "json"],
      [plainJson, "dag-json"],
      [cborRoot, "ipns-record"],
    ] as const) {
      expect([form, await statusOf(`${path}?format=${form}`)]).toEqual([form, 406]);
    }
    expect(await statusOf(`${cborRoot}`, { accept: "application/json" })).toBe(406);
    const any = await get(`${cborRoot}`, { accept: "application/json, */*" });
    expect(any.headers.get("content-type")).toBe("application/vnd.ipld.dag-cbor");
    // A file that holds JSON is a file.
    for (const [query, accept] of [
      ["", "*/*"],
      ["", "application/json"],
      ["?format=json", "application/vnd.ipld.raw"],
    ] as const) {
      const response = await get(`${file}${query}`, { accept });
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
      expect(await bytesOf(response)).toEqual(Buffer.from(text));
    }
  });

  it("are ways to others along their links, from folders too, and end within none", async () => {
    for (const [path, cid, roots] of [
      [`${cborRoot}/foo/link`, cborMiddle, [cborRoot, cborMiddle]],
      [`${cborRoot}/foo/link/bar`, cborEnd, [cborRoot, cborMiddle, cborEnd]],
      [`${cborRoot}/foo/link/list/1`, cborEnd, [cborRoot, cborMiddle, cborEnd]],
      [`${folder}/document/foo/link/bar`, cborEnd, [folder, cborRoot, cborMiddle, cborEnd]],
      [`${jsonRoot}/foo/link`, jsonEnd, [jsonRoot, jsonEnd]],
    ] as const) {
      const response = await get(path);
      expect([path, response.status, response.headers.get("x-ipfs-roots")]).toEqual([
        path,
        200,
        roots.map(String).join(),
      ]);
      expect(await bytesOf(response)).toEqual(Buffer.from(blocks.get(cid.toString()) ?? []));
    }
    expect(await (await get(`${cborRoot}/file`)).text()).toBe(Buffer.from(text).toString());
    const [inside, nowhere] = [501, 404];
    for (const [path, status] of [
      [`${cborRoot}/foo`, inside],
      [`${cborRoot}/foo?format=raw`, inside],
      [`${cborRoot}/foo?format=car`, inside],
      [`${jsonRoot}/foo/bytes`, inside],
      [`${jsonRoot}/text`, inside],
      [`${cborRoot}/bar`, nowhere],
      [`${cborRoot}/foo/link/list/01`, nowhere],
      [`${cborRoot}/foo/link/list/2`, nowhere],
      [`${cborRoot}/constructor`, nowhere],
      [`${cborRoot}/file/x`, nowhere],
      [`${plainJson}/plain`, nowhere],
    ] as const) {
      expect([path, await statusOf(path)]).toEqual([path, status]);
    }
  });

  it("are in CAR streams with what leads to them, and what they lead to", async () => {
    const carOf = async (path: string): Promise<string[]> => {
      const { body } = await get(path);
      const cids: string[] = [];
      for await (const { cid } of (await readCar(body as AsyncIterable<Uint8Array>)).blocks)
        cids.push(cid.toString());
      return cids;
    };
    const names = (cids: readonly CID[]): string[] => cids.map(String);
    const document = `${folder}/document?format=car`;
    const all = names([folder, cborRoot, file, cborMiddle, cborEnd]);
    expect((await carOf(document)).toSorted()).toEqual(all.toSorted());
    expect(await carOf(`${document}&dag-scope=entity`)).toEqual(names([folder, cborRoot]));
    expect(await carOf(`${jsonRoot}?format=car`)).toEqual(names([jsonRoot, jsonEnd]));
    expect(await carOf(`${jsonRoot}/foo/link?format=car&dag-scope=block`)).toEqual(
      names([jsonRoot, jsonEnd]),
    );
    expect(await carOf(`${folder}/file.txt?format=car`)).toEqual(names([folder, file]));
  });

  it("are pages for people, in which nothing of theirs is run, and folders list them", async () => {
    const browser = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
    const response = await get(`${cborRoot}`, browser);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "public, max-age=604800, stale-while-revalidate=2678400",
      vary: "Accept",
    });
    const etag = response.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"DagIndex-/);
    expect(response.headers.get("content-disposition")).toBeNull();
    const page = await response.text();
    expect(page).toContain(`<a href="/ipfs/${cborMiddle}">`);
    expect(page).not.toMatch(/<script|<b>/);
    expect(page).toContain("&lt;script&gt;");
    expect(await statusOf(`${cborRoot}`, { ...browser, "if-none-match": etag })).toBe(304);
    expect(await (await get(`${jsonRoot}/`, browser)).text()).toContain(`<a href="/ipfs/${jsonEnd}">`);
    expect((await get(`${cborRoot}?download=true`, browser)).headers.get("content-type")).toContain(
      "dag-cbor",
    );
    const list = await (await get(`${folder}/`)).text();
    expect(list).toContain('<a href="./document">document</a>');
    expect(list).toContain(`href="/ipfs/${file}?filename=file.txt"`);
  });

  it("take no more than their block allows, and say when they are not what their codec says", async () => {
    const deep = put("dagJson", utf8Bytes(`${"[".repeat(50_000)}${"]".repeat(50_000)}`));
    const wide = put("dagCbor", encodeCbor(Array.from({ length: 50_000 }, () => "x")));
    const damaged = put("dagCbor", Uint8Array.of(0x82, 0x01));
    const float = put("dagCbor", concatBytes(Uint8Array.of(0x82, 0xfb), new Uint8Array(8), Uint8Array.of(1)));
    const browser = { accept: "text/html" };
    for (const cid of [deep, wide, damaged, float]) {
      const page = await get(`${cid}`, browser);
      expect([page.status, (await page.text()).length < 2 * limits.gatewayShownNode]).toEqual([200, true]);
    }
    expect(await statusOf(`${deep}?format=car`)).toBe(200);
    expect(await statusOf(`${deep}/0/0`)).toBe(422); // deeper than anything that is decoded
    expect(await statusOf(`${damaged}/0`)).toBe(422);
    expect(await statusOf(`${float}/1`)).toBe(501);
    expect(await statusOf(`${damaged}`)).toBe(200);
    // Nodes that are nothing but a link to the next.
    let chain = put("dagCbor", encodeCbor({ end: file }));
    for (let level = 0; level < 5; level++) chain = put("dagCbor", encodeCbor(chain));
    expect(await statusOf(`${chain}/end`)).toBe(200);
    for (let level = 0; level < limits.dagDepth; level++) chain = put("dagCbor", encodeCbor(chain));
    expect(await statusOf(`${chain}/end`)).toBe(413);
  });
});

describe("ranges of bytes", () => {
  it("come alone, or several in one answer with a length", async () => {
    const body = Buffer.from(text);
    for (const path of [`${file}`, `${file}?format=raw`, `${plainJson}`]) {
      const whole = await bytesOf(await get(path));
      const one = await get(path, { range: "bytes=6-16" });
      expect([one.status, one.headers.get("content-range")]).toEqual([206, `bytes 6-16/${whole.length}`]);
      expect(await bytesOf(one)).toEqual(whole.subarray(6, 17));
      const several = await get(path, { range: "bytes=6-16, 0-4,-3" });
      const type = several.headers.get("content-type") ?? "";
      const [, boundary = ""] = /^multipart\/byteranges; boundary=([0-9a-f]{64})$/.exec(type) ?? [];
      expect([several.status, boundary.length]).toEqual([206, 64]);
      const parts = (await several.clone().text()).split(`\r\n--${boundary}`);
      expect(String((await bytesOf(several)).length)).toBe(several.headers.get("content-length"));
      expect(parts.slice(1, -1).map((part) => part.split("\r\n\r\n")[1])).toEqual([
        whole.subarray(6, 17).toString(),
        whole.subarray(0, 5).toString(),
        whole.subarray(-3).toString(),
      ]);
      expect(parts[1]).toContain(`Content-Range: bytes 6-16/${whole.length}`);
      expect(parts.at(-1)).toBe("--\r\n");
    }
    const part = await get(`${file}`, { range: "bytes=500-, 0-1" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 0-1/${body.length}`]);
    expect(await statusOf(`${file}`, { range: "bytes=500-,600-" })).toBe(416);
    expect(await statusOf(`${file}`, { range: "bytes=0-1,3-4", "if-range": '"another"' })).toBe(200);
  });

  it("are as if not asked for where they are no ranges, too many, or more than there is", () => {
    for (const header of ["", "bytes=", "bytes=a-b", "bytes=-", "bytes=5-3", "lines=1-2", "bytes=0-1,x"])
      expect([header, spansOf(header, 100)]).toEqual([header, undefined]);
    expect(spansOf("bytes=0-99,0-0", 100)).toBeUndefined();
    const many = (count: number): string =>
      `bytes=${Array.from({ length: count }, (_, at) => `${at}-${at}`).join()}`;
    expect(spansOf(many(limits.gatewayRanges), 1_000)).toHaveLength(limits.gatewayRanges);
    expect(spansOf(many(limits.gatewayRanges + 1), 1_000)).toBeUndefined();
    expect(spansOf("bytes=-0", 100)).toBe("outside");
    expect(spansOf("BYTES= 98-200 ,, -1", 100)).toEqual([
      { first: 98, last: 99 },
      { first: 99, last: 99 },
    ]);
  });
});
