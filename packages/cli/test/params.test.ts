/**
 * Parameters through the command line: listed, published to an IPFS node, fetched from servers that break, lie and
 * redirect, resumed after a kill, verified; and made once when two processes want the same.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fileBytes, fileCid } from "./canned.ts";
import { startCannedNode } from "./canned-node.ts";
import {
  entryOf,
  type FileServer,
  listOf,
  type MadeUpSet,
  madeUpBytes,
  madeUpSet,
  startFileServer,
  writeSet,
} from "./params-world.ts";
import { type Ended, jsonError, type RunOptions, run } from "./run.ts";

let server: FileServer;
let root = "";
let folder = "";
beforeAll(async () => {
  server = await startFileServer();
  root = await mkdtemp(join(tmpdir(), "holdfast-params-"));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(root, "test-"));
});
afterEach(() => {
  Object.assign(server, {
    cutAfter: undefined,
    hangAfter: undefined,
    ranges: true,
    redirect: undefined,
    rpcStatus: 200,
  });
  server.files.clear();
  server.asked.length = 0;
});

const at = (name: string): string => join(folder, name);
const params = (argv: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  run(["params", ...argv, "--json"], { ...options, env: { HOLDFAST_PARAMS: at("cache"), ...options.env } });
const lines = ({ out }: Ended) =>
  out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const failure = (ended: Ended) => ({ exit: ended.code, code: jsonError(ended).code });

/** A list of this set's files, served by name. */
async function published(set: MadeUpSet, path = ""): Promise<string> {
  for (const [name, bytes] of set.files) server.files.set(`${path}/${name}`, bytes);
  await writeFile(at("list.json"), listOf(set.files));
  return at("list.json");
}

describe("params ls", () => {
  it("lists whole sets, says what others lack, and nothing where there is no folder", async () => {
    expect(JSON.parse((await params(["ls"])).out)).toEqual([]);
    const [whole, broken] = [madeUpSet(1, 1000), madeUpSet(2, 1000)];
    await writeSet(at("cache"), whole);
    await writeSet(at("cache"), broken);
    await rm(join(at("cache"), `${broken.id}.vk`));
    const found = JSON.parse((await params(["ls"])).out);
    expect(found).toMatchObject([
      { id: whole.id, sectorBytes: 2048, constraints: 1234, missing: [], made: { how: "setup" } },
      { id: broken.id, missing: [`${broken.id}.vk`] },
    ]);
    expect((await run(["params", "ls", "--dir", at("cache")])).out).toContain("lacks 1 file");
  });
});

describe("params publish", () => {
  const set = madeUpSet(3, 5000);
  beforeEach(() => writeSet(at("cache"), set));
  const publish = (...argv: string[]) => params(["publish", "--json-file", at("list.json"), ...argv]);

  it("adds every file to the IPFS node and to the list, whose other entries stay", async () => {
    const other = madeUpBytes(9, 10);
    const otherName = `v1-other-${"ab".repeat(32)}.vk`;
    await writeFile(at("list.json"), listOf(new Map([[otherName, other]])));
    const ended = await publish("--ipfs-api", server.url);
    expect(ended).toMatchObject({ code: 0, err: "" });
    const expected = [...set.files].map(([name, bytes]) => [name, entryOf(bytes)]);
    const { files } = JSON.parse(ended.out);
    expect(Object.fromEntries(files.map(({ name, ...entry }: { name: string }) => [name, entry]))).toEqual(
      Object.fromEntries(expected),
    );
    const list = JSON.parse(await readFile(at("list.json"), "utf8"));
    expect(list).toEqual({ ...Object.fromEntries(expected), [otherName]: entryOf(other) });
    expect(server.files.get(`/ipfs/${list[`${set.id}.params`].cid}`)).toEqual(
      set.files.get(`${set.id}.params`),
    );
  });

  it("adds through the running node, and leaves the list alone when that fails", async () => {
    await using node = await startCannedNode();
    const ended = await params(["publish", set.id, "--json-file", at("list.json")], { node });
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(ended.out).files.map(({ cid }: { cid: string }) => cid)).toEqual([
      fileCid,
      fileCid,
      fileCid,
    ]);
    await rm(at("list.json"));
    server.rpcStatus = 500;
    expect(failure(await publish("--ipfs-api", server.url))).toEqual({ exit: 6, code: "params/not-added" });
    expect(failure(await publish("--ipfs-api", "ftp://x"))).toEqual({ exit: 2, code: "params/bad-source" });
    expect(failure(await publish("v1-none", "--ipfs-api", server.url))).toEqual({
      exit: 3,
      code: "params/unknown",
    });
    await expect(stat(at("list.json"))).rejects.toThrow("ENOENT");
  });
});

describe("params fetch", () => {
  const set = madeUpSet(4, 300_000);
  const name = `${set.id}.params`;
  const whole = set.files.get(name) ?? new Uint8Array();
  const fetchFrom = (list: string, ...sources: string[]) =>
    params(["fetch", "--json-file", list, ...sources.flatMap((source) => ["--from", source])]);
  const isWhole = async (): Promise<boolean> => (await readFile(join(at("cache"), name))).equals(whole);
  const kept = async (): Promise<string[]> =>
    (await readdir(at("cache"))).filter((entry) => /invalid|part/.test(entry)).sort();

  it("fetches by name from a server and from a folder, by CID from a gateway, and only what is missing", async () => {
    const list = await published(set, "/mirror");
    const ended = await fetchFrom(list, `${server.url}/mirror`);
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(lines(ended)).toMatchObject(
      [...set.files.keys()].sort().map((file) => ({ name: file, state: "fetched" })),
    );
    expect(await isWhole()).toBe(true);
    expect(lines(await fetchFrom(list, server.url)).every(({ state }) => state === "present")).toBe(true);

    await rm(join(at("cache"), name));
    for (const [file, bytes] of set.files)
      server.files.set(`/ipfs/${entryOf(bytes).cid}`, set.files.get(file) ?? bytes);
    const [, fetched] = lines(await fetchFrom(list, `${server.url}/ipfs/`));
    expect(fetched).toMatchObject({ name, state: "fetched", from: `${server.url}/ipfs` });

    await rm(join(at("cache"), name));
    await writeSet(at("folder"), set);
    const [, copied] = lines(await fetchFrom(list, at("nowhere"), at("folder")));
    expect(copied).toMatchObject({ name, state: "fetched", from: at("folder") });
    expect(await isWhole()).toBe(true);
  });

  it("fetches from the running node where no source is named", async () => {
    await using node = await startCannedNode();
    await writeFile(at("list.json"), listOf(new Map([[name, fileBytes]])));
    const ended = await params(["fetch", "--json-file", at("list.json")], { node });
    expect(lines(ended)).toMatchObject([{ name, state: "fetched", from: "the running node" }]);
    expect(node.offsets).toEqual([0]);
    await rm(join(at("cache"), name));
    expect(failure(await params(["fetch", "--json-file", at("list.json")]))).toEqual({
      exit: 6,
      code: "cli/no-node",
    });
  });

  it("goes on where the connection was cut, and begins anew where a server knows no ranges", async () => {
    const list = await published(set);
    server.cutAfter = 100_000;
    expect(lines(await fetchFrom(list, server.url))).toHaveLength(3);
    // What a connection carried when it broke may be lost, so the offsets are only known to grow.
    const asked = server.asked.filter((line) => line.includes(".params"));
    expect(asked.length).toBeGreaterThanOrEqual(3);
    expect(asked[0]).toBe(`GET /${name}`);
    expect(asked.at(-1)).toMatch(/bytes=2\d{5}-$/);
    expect(await isWhole()).toBe(true);
    await rm(join(at("cache"), name));
    await writeFile(join(at("cache"), `${name}.part`), whole.subarray(0, 50_000));
    Object.assign(server, { ranges: false, cutAfter: undefined });
    const [, again] = lines(await fetchFrom(list, server.url));
    expect(again).toMatchObject({ name, state: "fetched", resumedBytes: 50_000 });
    expect(await isWhole()).toBe(true);
    expect(await kept()).toEqual([]);
  });

  it("resumes after it was killed", async () => {
    const list = await published(set);
    server.hangAfter = 120_000;
    const child = start(["params", "fetch", "--json-file", list, "--from", server.url, name]);
    await eventually(async () => (await stat(join(at("cache"), `${name}.part`))).size === 120_000);
    child.kill("SIGKILL");
    await once(child, "close");
    server.hangAfter = undefined;
    const ended = await params(["fetch", name, "--json-file", list, "--from", server.url]);
    expect(lines(ended)).toMatchObject([{ name, state: "fetched", resumedBytes: 120_000 }]);
    expect(server.asked.at(-1)).toBe(`GET /${name} bytes=120000-`);
    expect(await isWhole()).toBe(true);
  });

  it("keeps what has another digest under another name, and asks the next source", async () => {
    const list = await published(set, "/good");
    const wrong = whole.map((byte) => byte ^ 1);
    for (const [file, bytes] of set.files) server.files.set(`/bad/${file}`, file === name ? wrong : bytes);
    expect(failure(await fetchFrom(list, `${server.url}/bad`))).toEqual({
      exit: 5,
      code: "params/wrong-digest",
    });
    expect(await kept()).toEqual([`${name}-invalid-digest`]);
    expect((await readFile(join(at("cache"), `${name}-invalid-digest`))).equals(wrong)).toBe(true);

    await writeFile(join(at("cache"), name), "mine");
    const ended = await fetchFrom(list, `${server.url}/bad`, `${server.url}/good`);
    expect(ended.code).toBe(0);
    expect(await isWhole()).toBe(true);
    expect(await kept()).toEqual([
      `${name}-invalid-digest`,
      `${name}-invalid-digest-2`,
      `${name}-invalid-digest-3`,
    ]);
    // The beginning that a liar has left does not spoil what an honest source gives.
    await rm(join(at("cache"), name));
    await writeFile(join(at("cache"), `${name}.part`), wrong.subarray(0, 1000));
    expect((await fetchFrom(list, `${server.url}/good`)).code).toBe(0);
    expect(await isWhole()).toBe(true);
  });

  it("takes no byte more than the list says, and no redirect into a private network", async () => {
    const list = await published(set);
    server.files.set(`/${name}`, madeUpBytes(1, whole.length + 1));
    expect(failure(await fetchFrom(list, server.url))).toEqual({ exit: 6, code: "params/not-fetched" });
    server.redirect = `http://localhost:${new URL(server.url).port}/${name}`;
    const away = await fetchFrom(list, server.url);
    expect(failure(away)).toEqual({ exit: 6, code: "params/not-fetched" });
    expect(jsonError(away).message).toContain("private network");
    server.redirect = "file:///etc/passwd";
    expect(jsonError(await fetchFrom(list, server.url)).message).toContain("redirects to no URL");
    server.redirect = `${server.url}/again`;
    expect(jsonError(await fetchFrom(list, server.url)).message).toContain("more than 5 times");
  });

  it("refuses lists that are none, and names that lead elsewhere", async () => {
    await writeFile(
      at("list.json"),
      '{"../../evil": {"cid": "x", "digest": "00", "sizeBytes": 1, "sectorBytes": 0}}',
    );
    expect(failure(await fetchFrom(at("list.json"), at("folder")))).toEqual({
      exit: 2,
      code: "parameters/malformed-manifest",
    });
    expect(failure(await fetchFrom(at("none.json"), at("folder")))).toEqual({
      exit: 3,
      code: "params/no-list",
    });
    const list = await published(set);
    expect(failure(await fetchFrom(list, "ftp://example.org"))).toEqual({
      exit: 2,
      code: "params/bad-source",
    });
    expect(failure(await params(["fetch", "v9", "--json-file", list]))).toEqual({
      exit: 3,
      code: "cli/not-listed",
    });
  });

  it("is done once when two processes want the same", async () => {
    const list = await published(set);
    const argv = ["params", "fetch", "--json-file", list, "--from", server.url, "--json"];
    const both = await Promise.all([ended(start(argv)), ended(start(argv))]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const states = both.flatMap((one) => lines(one).map(({ state }) => state)).sort();
    expect(states).toEqual(["fetched", "fetched", "fetched", "present", "present", "present"]);
    expect(await isWhole()).toBe(true);
  });

  // Root writes wherever it likes.
  it.skipIf(process.getuid?.() === 0)("finds what is there in a folder that it cannot write", async () => {
    const list = await published(set);
    await fetchFrom(list, server.url);
    await rm(join(at("cache"), ".locks"), { recursive: true });
    await chmod(at("cache"), 0o555);
    expect(lines(await fetchFrom(list, server.url)).map(({ state }) => state)).toEqual([
      "present",
      "present",
      "present",
    ]);
    await chmod(at("cache"), 0o755);
    await rm(join(at("cache"), name));
    await chmod(at("cache"), 0o555);
    const ended = await fetchFrom(list, server.url);
    await chmod(at("cache"), 0o755);
    expect(failure(ended)).toEqual({ exit: 8, code: "params/unwritable" });
  });
});

describe("params cache and verify", () => {
  it("makes the same set once for two processes, verifies it, keeps what it replaces, finds changes", async () => {
    const argv = ["params", "cache", "--circuit", "winning", "--json"];
    const both = await Promise.all([ended(start(argv)), ended(start(argv))]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const made = both.flatMap(({ out }) => JSON.parse(out));
    expect(made.map(({ madeNow }) => madeNow).sort()).toEqual([false, true]);
    const [{ madeNow: _now, use, ...set }, { id }] = made;
    expect({ use, sectorBytes: set.sectorBytes, made: set.made }).toEqual({
      use: "winning",
      sectorBytes: 2048,
      made: { how: "setup" },
    });
    expect(id).toBe(set.id);
    expect(JSON.parse((await params(["ls"])).out)).toEqual([set]);
    expect(failure(await params(["cache", "--circuit", "winning", "--contributors", "alice,bob"]))).toEqual({
      exit: 8,
      code: "params/other-maker",
    });
    const path = join(at("cache"), `${id}.params`);
    const bytes = await readFile(path);
    await rm(join(at("cache"), `${id}.vk`));
    expect((await params(["cache", "--circuit", "winning"])).code).toBe(0);
    expect((await readFile(`${path}-replaced`)).equals(bytes)).toBe(true);
    const changed = await readFile(path);
    changed[1000] = (changed[1000] ?? 0) ^ 1;
    await writeFile(path, changed);
    expect(failure(await params(["verify", path]))).toEqual({ exit: 5, code: "params/not-proven" });
    await rm(path);
    expect(failure(await params(["verify", "--all"]))).toEqual({ exit: 3, code: "params/unknown" });
  });
});

const program = fileURLToPath(new URL("../bin/holdfast.js", import.meta.url));

function start(argv: readonly string[]): ChildProcess {
  const env = { ...process.env, HOME: folder, HOLDFAST_PARAMS: at("cache") };
  return spawn(process.execPath, [program, ...argv], { env, stdio: ["ignore", "pipe", "pipe"] });
}

async function ended(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (err += chunk));
  const [code] = await once(child, "close");
  return { code, out, err };
}

/** Looks again and again; the test's own limit ends it. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) await new Promise((next) => setImmediate(next));
}
