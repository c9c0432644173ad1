/**
 * The IPFS Pinning Service API over HTTP, as its specification and the public compliance checks ask for it
 * (ipfs.github.io/pinning-services-api-spec, ipfs-shipyard/pinning-service-compliance): what each asks is asked here.
 */
import { silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { openDatabase } from "../../src/database.ts";
import { openEmbedded, openPins, type PinServer, type Pins, startPinServer } from "../../src/pins/index.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import { Crowd, content, treeOf } from "./support.ts";

let pins: Pins;
let server: PinServer;
let token = "";
const crowd = new Crowd();
const trees = Array.from({ length: 24 }, (_, index) => treeOf([content(index, 100)]));
const cidAt = (index: number): string => (trees[index] ?? treeOf([])).root.toString();

beforeAll(async () => {
  const database = openDatabase(":memory:");
  const backend = openEmbedded({
    ...{ blocks: memoryBlocks(), database, fetch: crowd.fetch },
    addresses: () => ["/ip4/127.0.0.1/tcp/6000/p2p/12D3KooW"],
  });
  const random = new SeededRandom("service");
  pins = openPins({ backend, database, clock: realClock(), random, logger: silentLogger });
  server = await startPinServer(pins, silentLogger, {
    listen: "127.0.0.1:0",
    mayMove: false,
    routes: [(_method, path) => (path === "/hello" ? { status: 200, body: { hello: true } } : undefined)],
  });
  token = pins.grant("alice").token;
  crowd.has(...trees);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await pins[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a stranger's program finds in an answer
  readonly body: any;
}

async function ask(method: string, path: string, body?: unknown, bearer = token): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(bearer === "" ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}
async function pinned(cid: string, more: object = {}): Promise<Answer> {
  const made = await ask("POST", "/pins", { cid, ...more });
  for (let tries = 0; tries < 500; tries += 1) {
    const now = await ask("GET", `/pins/${made.body.requestid}`);
    if (now.body.status === "pinned") return now;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`${cid} is not pinned`);
}
const errorOf = (reason: string) => ({ error: { reason, details: expect.any(String) } });
const any = "status=queued,pinning,pinned,failed";

describe("the IPFS Pinning Service API", () => {
  it("refuses who has no token, an empty or a wrong one", async () => {
    for (const bearer of ["", "wrong", `${token}x`])
      expect(await ask("GET", "/pins", undefined, bearer)).toEqual({
        status: 401,
        body: errorOf("UNAUTHORIZED"),
      });
  });

  it("takes a pin with 202 and says of it what the schema asks for", async () => {
    const meta = { app_id: "99986338-1113-4706-8302-4420da6158aa" };
    const made = await ask("POST", "/pins", {
      cid: cidAt(0),
      name: "first",
      origins: ["/dns4/x/tcp/1"],
      meta,
    });
    expect(made.status).toBe(202);
    expect(made.body).toMatchObject({
      requestid: expect.stringMatching(/^[0-9a-f]{32}$/),
      status: expect.stringMatching(/^(queued|pinning|pinned)$/),
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      pin: { cid: cidAt(0), name: "first", origins: ["/dns4/x/tcp/1"], meta },
      delegates: ["/ip4/127.0.0.1/tcp/6000/p2p/12D3KooW"],
    });
    expect(await ask("GET", `/pins/${made.body.requestid}`)).toMatchObject({
      status: 200,
      body: { pin: { name: "first" } },
    });
  });

  it("finds pins by CID, name in four ways, status and meta; without a status those that are pinned", async () => {
    await pinned(cidAt(1), { name: "Holiday", meta: { app: "a", kind: "x" } });
    await pinned(cidAt(2), { name: "holiday 2", meta: { app: "a" } });
    const names = async (query: string): Promise<string[]> =>
      (await ask("GET", `/pins?${query}`)).body.results.map((one: Answer["body"]) => one.pin.name).sort();
    expect(await names("name=Holiday")).toEqual(["Holiday"]);
    expect(await names("name=holiday&match=iexact")).toEqual(["Holiday"]);
    expect(await names("name=oliday&match=partial")).toEqual(["Holiday", "holiday 2"]);
    expect(await names("name=HOLI&match=ipartial")).toEqual(["Holiday", "holiday 2"]);
    expect(await names("name=HOLI&match=partial")).toEqual([]);
    expect(await names(`cid=${cidAt(1)},${cidAt(2)}`)).toEqual(["Holiday", "holiday 2"]);
    expect(await names(`meta=${encodeURIComponent('{"app":"a"}')}`)).toEqual(["Holiday", "holiday 2"]);
    expect(await names(`meta=${encodeURIComponent('{"app":"a","kind":"x"}')}`)).toEqual(["Holiday"]);
    expect(await names("status=failed")).toEqual([]);
    const nobody = treeOf([content(999, 10)]).root.toString();
    await ask("POST", "/pins", { cid: nobody, name: "lost" });
    expect(await names("name=lost")).toEqual([]);
    expect(await names(`name=lost&${any}`)).toEqual(["lost"]);
  });

  it("gives pages, newest first, that end between two pins", async () => {
    for (let index = 3; index < 15; index += 1)
      await ask("POST", "/pins", { cid: cidAt(index), name: "page" });
    const first = (await ask("GET", `/pins?name=page&${any}`)).body;
    expect([first.count, first.results.length]).toEqual([12, 10]);
    const created = first.results.map((one: Answer["body"]) => one.created);
    expect(created).toEqual([...created].sort().reverse());
    const rest = (await ask("GET", `/pins?name=page&${any}&before=${created.at(-1)}`)).body;
    expect(rest.results).toHaveLength(2);
    expect((await ask("GET", `/pins?name=page&${any}&limit=3`)).body.results).toHaveLength(3);
    expect((await ask("GET", `/pins?name=page&${any}&after=${created[2]}`)).body.count).toBe(2);
  });

  it("puts another root in the place of one, under another id", async () => {
    const old = await pinned(cidAt(15), { name: "old" });
    const made = await ask("POST", `/pins/${old.body.requestid}`, { cid: cidAt(16), name: "new" });
    expect(made).toMatchObject({ status: 202, body: { pin: { cid: cidAt(16), name: "new" } } });
    expect(made.body.requestid).not.toBe(old.body.requestid);
    expect((await ask("GET", `/pins/${old.body.requestid}`)).status).toBe(404);
    expect((await ask("POST", "/pins/none", { cid: cidAt(16) })).status).toBe(404);
  });

  it("ends a pin with 202, and knows it no more", async () => {
    const made = await pinned(cidAt(17));
    expect(await ask("DELETE", `/pins/${made.body.requestid}`)).toEqual({ status: 202, body: undefined });
    for (const method of ["GET", "DELETE"])
      expect(await ask(method, `/pins/${made.body.requestid}`)).toEqual({
        status: 404,
        body: errorOf("NOT_FOUND"),
      });
    expect((await ask("GET", `/pins?${any}&cid=${cidAt(17)}`)).body.count).toBe(0);
  });

  it("shows nobody the pins of another, and lets nobody end them", async () => {
    const made = await pinned(cidAt(18));
    const { token: other } = pins.grant("bob");
    expect((await ask("GET", `/pins?${any}`, undefined, other)).body).toEqual({ count: 0, results: [] });
    for (const method of ["GET", "DELETE", "POST"])
      expect(
        (
          await ask(
            method,
            `/pins/${made.body.requestid}`,
            method === "POST" ? { cid: cidAt(1) } : undefined,
            other,
          )
        ).status,
      ).toBe(404);
    expect((await ask("GET", `/pins/${made.body.requestid}`)).status).toBe(200);
  });

  it.each([
    ["no JSON", "POST", "/pins", "{"],
    ["no CID", "POST", "/pins", { name: "x" }],
    ["a CID that is none", "POST", "/pins", { cid: "Qm" }],
    ["too many origins", "POST", "/pins", { cid: cidAt(0), origins: Array(21).fill("/ip4/1.2.3.4/tcp/1") }],
    ["a long name", "POST", "/pins", { cid: cidAt(0), name: "x".repeat(256) }],
    ["a body without an end", "POST", "/pins", `{"cid":"${"x".repeat(300_000)}"}`],
    ["a limit of none", "GET", "/pins?limit=0", undefined],
    ["a limit too high", "GET", "/pins?limit=1001", undefined],
    ["a status that is none", "GET", "/pins?status=lost", undefined],
    ["a match that is none", "GET", "/pins?match=like", undefined],
    ["a time that is none", "GET", "/pins?before=yesterday", undefined],
    ["meta that is no JSON", "GET", "/pins?meta=x", undefined],
    ["eleven CIDs", "GET", `/pins?cid=${Array(11).fill(cidAt(0)).join(",")}`, undefined],
    ["another method", "PUT", "/pins", { cid: cidAt(0) }],
  ])("refuses %s with words", async (_name, method, path, body) => {
    const { status, body: answer } = await ask(method, path, body);
    expect(status === 400 || (method === "PUT" && status === 404)).toBe(true);
    expect(answer.error.details.length).toBeGreaterThan(5);
  });

  it("answers pages of other origins, and the routes beside it", async () => {
    const preflight = await fetch(`${server.url}/pins`, { method: "OPTIONS" });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(await ask("GET", "/hello", undefined, "")).toEqual({ status: 200, body: { hello: true } });
  });
});

describe("a pinning service as a client sees it", () => {
  const { signal } = new AbortController();

  it("is asked to pin, to list and to end", async () => {
    pins.addService({ name: "self", url: `${server.url}/`, token });
    const remote = pins.remote("self");
    const made = await remote.add({ cid: cidAt(20), name: "far", origins: ["/ip4/1.2.3.4/tcp/1"] }, signal);
    expect(made).toMatchObject({ cid: cidAt(20), name: "far" });
    const { count, pins: found } = await remote.list(
      { name: "far", states: ["queued", "pinning", "pinned"], limit: 5 },
      signal,
    );
    expect([count, found[0]?.id]).toEqual([1, made.id]);
    expect((await remote.find(made.id, signal)).cid).toBe(cidAt(20));
    await remote.remove(made.id, signal);
    await expect(remote.find(made.id, signal)).rejects.toMatchObject({
      code: "pins/service-failed",
      data: { status: 404, reason: "NOT_FOUND" },
    });
  });

  it("that refuses, is gone, or says what is no answer gives an error that names it", async () => {
    pins.addService({ name: "wrong", url: server.url, token: "wrong" });
    await expect(pins.remote("wrong").find("x", signal)).rejects.toMatchObject({ data: { status: 401 } });
    pins.addService({ name: "gone", url: "http://127.0.0.1:1", token });
    await expect(pins.remote("gone").find("x", signal)).rejects.toMatchObject({
      code: "pins/service-unreachable",
    });
    pins.addService({ name: "odd", url: `${server.url}/hello?`, token });
    await expect(pins.remote("odd").find("x", signal)).rejects.toMatchObject({
      code: "pins/service-unreachable",
    });
    expect(() => pins.remote("none")).toThrow(/no pinning service/);
    expect(() => pins.addService({ name: "bad", url: "file:///etc", token })).toThrow(/no URL/);
    pins.removeService("odd");
    expect(pins.services().map(({ name }) => name)).toEqual(["gone", "self", "wrong"]);
  });
});
