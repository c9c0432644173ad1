/** The API's door: who may enter, what is refused and how it is said. */
import { request } from "node:http";
import type { ApiHandlers } from "@holdfast/api";
import { type FolderItem, folderFromTar, folderToTar } from "@holdfast/api/folder-tar";
import { HoldfastError, silentLogger } from "@holdfast/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { type RunningServer, startServer } from "../../src/rpc/index.ts";

const token = "t".repeat(64);
let server: RunningServer;

async function* folderOf(items: readonly FolderItem[]): AsyncGenerator<FolderItem> {
  yield* items;
}

/** A few methods that answer; the table's others are never called here. */
const handlers = {
  "wallet.new": async () => ({ address: "tf1", f1: "t1", balanceFil: "0", isDefault: true }),
  "wallet.export": async () => {
    throw new HoldfastError({ code: "wallet/unknown-address", message: "no", fix: "do", exit: "not-found" });
  },
  "chain.head": async () => {
    throw new TypeError("a bug");
  },
  "put.watch": () => {
    throw new HoldfastError({ code: "rpc/not-found", message: "no", fix: "do", exit: "not-found" });
  },
  "chain.watch": async function* () {
    yield { height: 1 };
  },
} as unknown as ApiHandlers;

const options = {
  listen: "127.0.0.1:0",
  token,
  version: "1",
  handlers,
  files: {
    importFile: async (bytes: AsyncIterable<Uint8Array>, _signal: unknown, how?: object) => {
      let size = 0;
      for await (const chunk of bytes) size += chunk.length;
      return { cid: `bafy${JSON.stringify(how)}`, sizeBytes: size, carBytes: size };
    },
    remove: async () => true,
    allow: () => undefined,
    importFolder: async (items: AsyncIterable<FolderItem>) => {
      let sizeBytes = 0;
      for await (const item of items) if (item.kind === "file") sizeBytes += item.sizeBytes;
      return { cid: "bafyfolder", sizeBytes, carBytes: sizeBytes };
    },
    openFolder: async () => folderOf([{ kind: "folder", path: ["a"] }]),
    list: async function* () {},
    openFile: async () => ({
      sizeBytes: 3,
      bytes: (async function* () {
        yield new Uint8Array([1, 2, 3]);
      })(),
    }),
    stat: async () => ({ cid: "", sizeBytes: 0, localBytes: 0, providers: [] }),
  },
  cars: {
    importCar: async (bytes: AsyncIterable<Uint8Array>) => {
      let carBytes = 0;
      for await (const chunk of bytes) carBytes += chunk.length;
      return {
        version: 2 as const,
        roots: [{ cid: "bafyroot", sizeBytes: 1, carBytes }],
        blocks: 1,
        leftOut: 0,
      };
    },
    bringData: async (dealId: string, bytes: AsyncIterable<Uint8Array>) => {
      let carBytes = 0;
      for await (const chunk of bytes) carBytes += chunk.length;
      return { dealId, pieces: 1, carBytes };
    },
    openCar: async (_cid: string, version: 1 | 2) => ({
      sizeBytes: null,
      bytes: (async function* () {
        yield new Uint8Array([version]);
      })(),
    }),
  },
  archive: {
    plan: ({ height = 0 }: { height?: number | undefined }) => ({
      height,
      cids: [],
      messageEpochs: 1,
      isFinal: true,
    }),
    snapshot: async function* () {
      yield new Uint8Array([7, 8]);
    },
  } as never,
  metrics: { text: async () => "holdfast_up 1\n" },
  logger: silentLogger,
};

beforeEach(async () => {
  server = await startServer(options);
});
afterEach(() => server[Symbol.asyncDispose]());

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, server.url), {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
  });

async function failure(response: Response): Promise<{ status: number; code: string }> {
  const body: { error: { code: string } } = JSON.parse(await response.text());
  return { status: response.status, code: body.error.code };
}

describe("API server", () => {
  it("answers with the token, and not without, with a part, or with another", async () => {
    expect((await post("/api/v1/wallet.new", "{}")).status).toBe(200);
    for (const authorization of [
      "",
      "Bearer ",
      `Bearer ${"t".repeat(63)}`,
      `Bearer ${"u".repeat(64)}`,
      token,
    ]) {
      expect((await post("/api/v1/wallet.new", "{}", { authorization })).status).toBe(401);
    }
    expect((await fetch(new URL("/metrics", server.url))).status).toBe(401);
    expect((await fetch(new URL("/healthz", server.url))).status).toBe(200);
  });

  it("refuses the name of another host: a page cannot rebind its own name to this machine", async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(
        new URL("/api/v1/wallet.new", server.url),
        { method: "POST", headers: { host: "evil.example", authorization: `Bearer ${token}` } },
        (answer) => resolve(answer.statusCode ?? 0),
      );
      sent.once("error", reject);
      sent.end("{}");
    });
    expect(status).toBe(401);
  });

  it("says what is wrong with a call", async () => {
    expect(await failure(await post("/api/v1/wallet.export", "{}"))).toEqual({
      status: 400,
      code: "api/bad-params",
    });
    expect(await failure(await post("/api/v1/wallet.new", "{"))).toEqual({
      status: 400,
      code: "api/bad-params",
    });
    expect(await failure(await post("/api/v1/no.such", "{}"))).toEqual({
      status: 400,
      code: "api/unknown-method",
    });
    const unknown = await post("/api/v1/wallet.export", JSON.stringify({ address: "tf1" }));
    expect(await failure(unknown)).toEqual({ status: 404, code: "wallet/unknown-address" });
    expect(await failure(await post("/api/v1/chain.head", "{}"))).toEqual({
      status: 500,
      code: "api/internal",
    });
    const long = JSON.stringify({ address: "x".repeat(2 ** 21) });
    expect((await failure(await post("/api/v1/wallet.export", long))).code).toBe("api/bad-params");
  });

  it("takes files of any length and gives them back from an offset", async () => {
    const sent = await post("/api/v1/import", "x".repeat(3_000_000), {
      "content-type": "application/octet-stream",
    });
    expect(await sent.json()).toEqual({ cid: "bafy{}", sizeBytes: 3_000_000, carBytes: 3_000_000 });
    const headers = { authorization: `Bearer ${token}` };
    const got = await fetch(new URL("/api/v1/file/bafy?offset=0", server.url), { headers });
    expect(got.headers.get("x-file-bytes")).toBe("3");
    expect(new Uint8Array(await got.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
    const json = await post("/api/v1/import", "{}");
    expect(await failure(json)).toEqual({ status: 400, code: "rpc/not-bytes" });
    const bad = await fetch(new URL("/api/v1/file/bafy?offset=-1", server.url), { headers });
    expect(await failure(bad)).toEqual({ status: 400, code: "rpc/bad-offset" });
    for (const twice of ["offset=0&offset=1", "length=1&length=2", "path=a&path=b", "as=tar&path=a&path=b"]) {
      const refused = await fetch(new URL(`/api/v1/file/bafy?${twice}`, server.url), { headers });
      expect(await failure(refused)).toEqual({ status: 400, code: "api/bad-params" });
    }
  });

  it("takes folders as tar streams and gives them back as such", async () => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/x-tar" };
    const bytes = (async function* () {
      yield new Uint8Array(1_000);
    })();
    const file: FolderItem = { kind: "file", path: ["a", "b"], sizeBytes: 1_000, bytes };
    const parts: Uint8Array[] = [];
    for await (const part of folderToTar(folderOf([file]))) parts.push(part);
    const importUrl = new URL("/api/v1/import", server.url);
    const sent = await fetch(importUrl, { method: "POST", headers, body: Buffer.concat(parts) });
    expect(await sent.json()).toEqual({ cid: "bafyfolder", sizeBytes: 1_000, carBytes: 1_000 });
    const junk = await fetch(importUrl, { method: "POST", headers, body: "x".repeat(600) });
    expect(await failure(junk)).toEqual({ status: 400, code: "api/bad-folder" });
    const got = await fetch(new URL("/api/v1/file/bafy?as=tar&path=x", server.url), { headers });
    const items: string[] = [];
    for await (const { kind, path } of folderFromTar(got.body ?? folderToTar(folderOf([])))) {
      items.push(`${kind} ${path.join("/")}`);
    }
    expect(items).toEqual(["folder a"]);
  });

  it("encrypts what it is told to, and stores nothing in clear when that is misspelt", async () => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" };
    const send = (query: string): Promise<Response> =>
      fetch(new URL(`/api/v1/import?${query}`, server.url), { method: "POST", headers, body: "x" });
    const sent = await send("encrypt=1&sha256=ab&recipients=age1a,age1b");
    const told = { sha256: "ab", recipients: ["age1a", "age1b"] };
    expect(await sent.json()).toMatchObject({ cid: `bafy${JSON.stringify({ encrypt: told })}` });
    expect(await (await send("")).json()).toMatchObject({ cid: "bafy{}" });
    for (const [query, layout] of [
      ["cidVersion=0", { cidVersion: 0 }],
      ["cidVersion=1&rawLeaves=0&chunkBytes=1000", { cidVersion: 1, rawLeaves: false, chunkBytes: 1_000 }],
      ["rawLeaves=1", { rawLeaves: true }],
    ] as const)
      expect(await (await send(query)).json()).toMatchObject({ cid: `bafy${JSON.stringify({ layout })}` });
    for (const query of [
      "encrypt=yes",
      "encrypt=",
      "encryption=1",
      "sha256=ab",
      "recipients=age1a",
      "encrypt=1&encrypt=1",
      "cidVersion=2",
      "cidVersion=",
      "rawLeaves=true",
      "chunkBytes=-1",
      "chunkBytes=1e3",
      "rawleaves=1",
      "chunkBytes=1&chunkBytes=2",
    ]) {
      expect(await failure(await send(query)), query).toEqual({ status: 400, code: "api/bad-params" });
    }
  });

  it("keeps no place for a stream that failed before it began", async () => {
    for (let i = 0; i <= limits.apiStreams; i += 1) {
      const refused = await post("/api/v1/put.watch", '{"jobId":"none"}');
      expect(await failure(refused)).toEqual({ status: 404, code: "rpc/not-found" });
    }
    const watched = await post("/api/v1/chain.watch", "{}");
    expect((await watched.text()).split("\n")[0]).toBe('{"height":1}');
  });

  it("tells that the port is in use", async () => {
    const listen = new URL(server.url).host;
    await expect(startServer({ ...options, listen })).rejects.toMatchObject({
      code: "rpc/port-in-use",
      exit: "refused",
    });
  });

  it("describes itself", async () => {
    const headers = { authorization: `Bearer ${token}` };
    const document: { openapi: string; paths: object } = JSON.parse(
      await (await fetch(new URL("/openapi.json", server.url), { headers })).text(),
    );
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toContain("/api/v1/put.start");
  });
});
