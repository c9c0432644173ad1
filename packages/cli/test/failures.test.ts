/**
 * What goes wrong between here and the chain: each class of error has its exit code, an error of the node
 * arrives as it was meant, and a node that is gone, strange or half there is told apart.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExitClass, exitCodes, HoldfastError } from "@holdfast/base";
import { upRecordPath } from "holdfast";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  calls,
  dealId,
  fileBytes,
  fileCid,
  messageCid,
  mined,
  miner,
  putDone,
  putRunning,
} from "./canned.ts";
import { type CannedNode, cut, endless, garbage, startCannedNode, token } from "./canned-node.ts";
import { jsonError, run } from "./run.ts";

let node: CannedNode;
let folder = "";
let photo = "";
beforeAll(async () => {
  node = await startCannedNode();
  folder = await mkdtemp(join(tmpdir(), "holdfast-failures-"));
  photo = join(folder, "photo.jpg");
  await writeFile(photo, fileBytes);
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => {
  node.instead.clear();
  node.calls.length = 0;
});

function throwing(exit: ExitClass, code = `room/${exit}`): () => never {
  return () => {
    throw new HoldfastError({ code, message: `about ${exit}`, fix: "mend it", exit });
  };
}

describe("errors of the node", () => {
  it("keep their code, message and fix, and have the exit code of their class", async () => {
    for (const [exit, exitCode] of Object.entries(exitCodes) as [ExitClass, number][]) {
      node.instead.set("chain.head", throwing(exit));
      const ended = await run(["chain", "head", "--json"], { node });
      expect(ended).toMatchObject({ code: exitCode, out: "" });
      expect(jsonError(ended)).toEqual({ code: `room/${exit}`, message: `about ${exit}`, fix: "mend it" });
    }
  });

  it("of a put have an exit code as well, though a job keeps them as text", async () => {
    const codes: { readonly [code: string]: number } = {
      "market/insufficient-funds": 4,
      "market/price-above-max": 4,
      "market/not-in-time": 7,
      "market/false-claim": 5,
      "market/read-back-failed": 5,
      "market/too-few-miners": 75,
      "market/unreachable": 6,
      "market/no-miner-left": 8,
      "market/duration-out-of-range": 2,
      "market/not-imported": 3,
    };
    for (const [code, exit] of Object.entries(codes)) {
      const error = { code, message: "it failed", fix: "mend it" };
      node.instead.set("put.watch", () => [putRunning, { ...putDone, state: "failed", error }]);
      const ended = await run(["put", photo, "--json"], { node });
      expect({ code, exit: ended.code }).toEqual({ code, exit });
      expect(jsonError(ended)).toEqual(error);
      expect(ended.out.trimEnd().split("\n")).toHaveLength(2);
    }
  });

  it("of one copy speak when the job names none", async () => {
    const error = { code: "market/rejected", message: "no room", fix: "ask another" };
    const copies = putRunning.copies.map((copy) => ({ ...copy, error }));
    node.instead.set("put.watch", () => [{ ...putRunning, state: "failed", copies }]);
    const ended = await run(["put", photo], { node });
    expect(ended).toMatchObject({ code: 8, out: "" });
    expect(ended.err).toContain("no room");
  });

  it("that an unknown subject of `why` is", async () => {
    node.instead.set("why", () => ({ ...calls.why, kind: "unknown", summary: "nobody knows it" }));
    expect(await run(["why", "x"], { node })).toMatchObject({ code: 3 });
  });

  it("that content is which is no CID and no file, or a CID of no size", async () => {
    const nonsense = await run(["pin", "add", "bafynonsense"], { node });
    expect(nonsense).toMatchObject({ code: 3 });
    expect(nonsense.err).toContain("bafynonsense is no CID, and there is no file");
    const unsized = await run(["pin", "add", calls["pinOrder.show"].cid], { node });
    expect(unsized).toMatchObject({ code: 2 });
    expect(unsized.err).toContain("--size");
  });

  it("that there is nothing to claim is", async () => {
    node.instead.set("pinNode.show", () => ({ ...calls["pinNode.show"], earnedFil: "0" }));
    const ended = await run(["pin", "node", "claim", "3"], { node });
    expect(ended).toMatchObject({ code: 8 });
    expect(ended.err).toContain("holdfast pin settle");
  });

  it("that wrong sums of money are", async () => {
    node.instead.set("chain.money", () => ({ ...calls["chain.money"], totalFil: "999", exact: false }));
    const ended = await run(["chain", "money"], { node });
    expect(ended).toMatchObject({ code: 5, out: "" });
    expect(ended.err).toContain("999 FIL");
  });
});

describe("a message that failed on the chain", () => {
  const failed = (exitCode: number): unknown => ({
    ...mined,
    receipt: { exitCode, meaning: `name${exitCode}: why`, returnsHex: "", gasUsed: 5 },
  });
  const commands = [
    ["wallet", "send", miner, "1FIL"],
    ["message", "send", miner, "1FIL", "--method", "x"],
    ["message", "wait", messageCid],
  ];

  it("fails the command: refused, or funds where money is missing", async () => {
    for (const argv of commands) {
      for (const [exitCode, exit] of [
        [11, 8],
        [3, 4],
        [72, 4],
      ] as const) {
        node.instead.set("message.wait", () => failed(exitCode));
        const ended = await run([...argv, "--json"], { node });
        expect({ argv, exitCode, exit: ended.code, out: ended.out }).toEqual({
          argv,
          exitCode,
          exit,
          out: "",
        });
        expect(jsonError(ended).message).toContain(`name${exitCode}: why`);
      }
    }
  });

  it("is not waited for with --no-wait", async () => {
    const ended = await run(["wallet", "send", miner, "1FIL", "--no-wait", "--json"], { node });
    expect(JSON.parse(ended.out)).toEqual({ cid: messageCid, nonce: 7, height: null, gasUsed: null });
    expect(node.calls.map(({ name }) => name)).toEqual(["message.send"]);
  });

  it("may have taken effect when the node went away: nobody is told to send it again", async () => {
    node.instead.set("message.wait", cut);
    const ended = await run(["wallet", "send", miner, "1FIL", "--json"], { node });
    expect(ended.code).toBe(75);
    expect(jsonError(ended)).toMatchObject({ code: "cli/sent-unseen" });
    expect(jsonError(ended).fix).toContain(`holdfast message wait ${messageCid}`);
  });
});

describe("the connection", () => {
  it("no node at all", async () => {
    for (const argv of [
      ["status"],
      ["put", photo],
      ["status", "--node", "miner-1"],
      ["status", "--repo", folder],
    ]) {
      const ended = await run([...argv, "--json"]);
      expect({ argv, code: ended.code }).toEqual({ argv, code: 6 });
      expect(jsonError(ended)).toMatchObject({ code: "cli/no-node" });
    }
  });

  it("nobody listens", async () => {
    const ended = await run(["status", "--api", "http://127.0.0.1:1", "--json"]);
    expect(ended.code).toBe(6);
    expect(jsonError(ended).message).toMatch(/no node answers at http:\/\/127.0.0.1:1: .*ECONNREFUSED/);
    expect((await run(["status", "--api", "http://localhost:1"])).err).toContain("ECONNREFUSED");
  });

  it("somebody listens who speaks something else", async () => {
    await using other = await strangeServer();
    expect(jsonError(await run(["status", "--api", other.url, "--json"]))).toMatchObject({
      code: "api/unreachable",
    });
  });

  it("the wrong token", async () => {
    const ended = await run(["status", "--token", "wrong", "--json"], { node });
    expect(ended.code).toBe(8);
    expect(jsonError(ended)).toMatchObject({ code: "api/unauthorized" });
    expect(jsonError(await run(["put", photo, "--token", "wrong", "--json"], { node })).code).toBe(
      "api/unauthorized",
    );
  });

  it("an answer that is malformed, cut, or of another version", async () => {
    node.instead.set("chain.head", garbage);
    expect(await run(["chain", "head"], { node })).toMatchObject({ code: 6 });
    node.instead.set("chain.head", cut);
    expect(await run(["chain", "head"], { node })).toMatchObject({ code: 75 });
    node.instead.set("chain.head", () => ({ ...calls["chain.head"], height: "high", messages: -0.5 }));
    const ended = await run(["chain", "head", "--json"], { node });
    expect(ended.code).toBe(6);
    expect(jsonError(ended)).toMatchObject({ code: "api/bad-answer" });
    expect(jsonError(ended).message).toMatch(/chain.head .*height: .*; messages: /);
    node.instead.set("import", () => ({ cid: 5 }));
    expect(await run(["put", photo], { node })).toMatchObject({ code: 6 });
  });

  it("the node is gone in the middle of a stream: try again later, with what came printed", async () => {
    node.instead.set("put.watch", cut);
    const ended = await run(["put", photo, "--json"], { node });
    expect(ended.code).toBe(75);
    expect(jsonError(ended)).toMatchObject({ code: "api/stream-cut" });
    for (const line of ended.out.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("copies");
    node.instead.set(
      "put.watch",
      () => new HoldfastError({ code: "a/b", message: "m", fix: "f", exit: "timeout" }),
    );
    expect(await run(["put", photo], { node })).toMatchObject({ code: 7 });
  });

  it("Ctrl-C: interrupted, exit 75; watching just ends", async () => {
    const after = async (argv: readonly string[], name: string) => {
      const stop = new AbortController();
      node.instead.set(name, (params) => {
        setTimeout(() => stop.abort(new DOMException("interrupted", "AbortError")), 20);
        return endless(params);
      });
      return run(argv, { node, signal: stop.signal });
    };
    const ended = await after(["put", photo, "--json"], "put.watch");
    expect(ended.code).toBe(75);
    const fix = expect.stringContaining("the node goes on with it (`holdfast why put-");
    expect(jsonError(ended)).toMatchObject({ code: "cli/interrupted", fix });
    expect(await after(["chain", "watch"], "chain.watch")).toMatchObject({ code: 0, err: "" });
  });
});

describe("finding the node", () => {
  it("by the record of a running `up`, by name, by repo, by environment", async () => {
    const home = await mkdtemp(join(folder, "home-"));
    const env = { HOME: home };
    await mkdir(join(home, ".holdfast"));
    const entry = (name: string, role: string, api: string) => ({ name, role, api, token, repo: "" });
    const record = {
      pid: process.pid,
      nodes: [entry("client", "client", node.url), entry("miner-1", "miner", "http://127.0.0.1:1")],
    };
    await writeFile(upRecordPath(env), JSON.stringify(record));
    expect(await run(["status"], { env })).toMatchObject({ code: 0 });
    expect(await run(["status", "--token", "other"], { env })).toMatchObject({ code: 8 });
    expect(await run(["status", "--node", "miner-1"], { env })).toMatchObject({ code: 6 });
    const unknown = await run(["status", "--node", "miner-9", "--json"], { env });
    expect(unknown.code).toBe(3);
    expect(jsonError(unknown).message).toContain("client, miner-1");

    // A record that a killed process left is not believed; pid 2^22 - 1 is never given out on Linux.
    await writeFile(upRecordPath(env), JSON.stringify({ ...record, pid: 4_194_303 }));
    expect(jsonError(await run(["status", "--json"], { env }))).toMatchObject({ code: "cli/no-node" });
    await writeFile(upRecordPath(env), "{");
    expect(await run(["status"], { env })).toMatchObject({ code: 6 });

    await writeFile(join(folder, "api"), `${node.url}\n`);
    await writeFile(join(folder, "token"), `${token}\n`);
    expect(await run(["status", "--repo", folder])).toMatchObject({ code: 0 });
    expect(await run(["status"], { env: { HOLDFAST_REPO: folder } })).toMatchObject({ code: 0 });
    expect(await run(["status", "--api", node.url, "--repo", folder])).toMatchObject({ code: 0 });
    expect(await run(["status"], { env: { HOLDFAST_API: node.url } })).toMatchObject({ code: 8 });
  });
});

describe("storage migrate", () => {
  it("names the places where records go, before it asks a node", async () => {
    const wrong = await run(["storage", "migrate", "elsewhere.db", "--json"], { node });
    expect([wrong.code, jsonError(wrong).code]).toEqual([2, "cli/bad-value"]);
    expect(jsonError(wrong).message).toMatch(/`files`.*postgres:.*not to elsewhere.db/);
  });

  it("that is called off says that the node goes on", async () => {
    const stop = new AbortController();
    node.instead.set("storage.migrate", () => {
      stop.abort();
      return new Promise(() => undefined);
    });
    const off = await run(["storage", "migrate", "files", "--json"], { node, signal: stop.signal });
    expect([off.code, jsonError(off).code]).toEqual([75, "cli/left-to-node"]);
  });
});

describe("mine terminate without --yes", () => {
  const named = () => node.calls.map(({ name }) => name);
  it("says what it costs and ends nothing before a yes", async () => {
    for (const stdin of ["", "no\n", "y\n", "yes, please\n"]) {
      const refused = await run(["mine", "terminate", "4", "--json"], { node, stdin });
      expect(refused.code).toBe(8);
      expect(refused.err).toContain("0.0002");
      expect(refused.err).toContain("cli/not-confirmed");
      expect(named()).not.toContain("mine.terminate");
    }
    const done = await run(["mine", "terminate", "4", "--no-wait"], { node, stdin: "yes\n" });
    expect(done.code).toBe(0);
    expect(named().filter((name) => name === "mine.terminate")).toHaveLength(1);
  });
});

describe("texts of strangers", () => {
  it("reach a terminal only as printable characters, and JSON without raw marks", async () => {
    const evil = "a\u001b[2Jb\u009bc\u202ed\ne";
    node.instead.set("file.ls", () => [{ ...calls["file.ls"][0], name: evil }]);
    const plain = await run(["ls"], { node, tty: { columns: 200, rows: 50 } });
    expect(plain.out).toContain("a\\u001b[2Jb\\u009bc\\u202ed\\ne");
    const json = await run(["ls", "--json"], { node });
    for (const mark of ["\u001b", "\u009b", "\u202e"]) expect(json.out).not.toContain(mark);
    expect(JSON.parse(json.out)[0].name).toBe(evil);
    node.instead.set("deal.show", throwing("refused", "x/y"));
    node.instead.set("why", () => {
      throw new HoldfastError({ code: "x/y", message: evil, fix: evil, exit: "refused" });
    });
    const failed = await run(["why", dealId], { node });
    expect(failed.err.split("\n")).toHaveLength(4);
    expect(failed.err).not.toContain("\u001b");
  });

  it("may be long: an id is taken from a table with its ellipsis", async () => {
    await run(["deal", "show", "bafy2b…12345678"], { node });
    expect(node.calls[0]?.params).toEqual({ dealId: "12345678" });
    expect(fileCid).not.toContain("…");
  });
});

async function strangeServer(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).resume();
    socket.end("220 mail.example ESMTP\r\n");
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise((done) => server.close(() => done())),
  };
}
