/** Files on their way in and out: what `put` sends and leaves, and how `get` resumes, replaces and refuses. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fileBytes, fileCid, putDone, putRunning, receipt } from "./canned.ts";
import { type CannedNode, startCannedNode } from "./canned-node.ts";
import { jsonError, run } from "./run.ts";

let node: CannedNode;
let root = "";
let folder = "";
beforeAll(async () => {
  node = await startCannedNode();
  root = await mkdtemp(join(tmpdir(), "holdfast-files-"));
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(root, "test-"));
});
afterEach(() => {
  node.instead.clear();
  node.calls.length = 0;
  node.offsets.length = 0;
  node.cutFileAfter = undefined;
});

const isWhole = async (path: string): Promise<boolean> => (await readFile(path)).equals(fileBytes);
const at = (name: string): string => join(folder, name);

describe("put", () => {
  beforeEach(() => writeFile(at("photo.jpg"), fileBytes));

  it("sends every byte, asks for what was said, and leaves the receipt", async () => {
    const argv = ["put", at("photo.jpg"), "--copies", "3", "--for", "1h30m", "--max-price", "0.5FIL"];
    const ended = await run(argv, { node });
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toContain(fileCid);
    expect(node.importedBytes).toBe(fileBytes.length);
    expect(node.calls[0]).toEqual({
      name: "put.start",
      params: {
        cid: fileCid,
        name: "photo.jpg",
        copies: 3,
        forMs: 5_400_000,
        maxPrice: "0.5FIL",
        spread: "operators",
        renew: false,
        repair: false,
        allowDuplicates: false,
        transfer: "stream",
      },
    });
    expect(JSON.parse(await readFile(at("photo.jpg.receipt.json"), "utf8"))).toEqual(receipt);
    expect((await readdir(folder)).sort()).toEqual(["photo.jpg", "photo.jpg.receipt.json"]);
  });

  it("asks before it stores chunks that cost a multiple of the file, and tells what they take", async () => {
    const small = ["put", at("photo.jpg"), "--chunk-size", "1"];
    node.importedBytes = 0;
    const refused = await run([...small, "--json"], { node, stdin: "no\n" });
    expect([refused.code, jsonError(refused).code]).toEqual([8, "cli/not-confirmed"]);
    expect(jsonError(refused).message).toContain("up to 86 times its size");
    const piped = await run(["put", "-", "--chunk-size", "1", "--json"], { node, stdin: "yes\n" });
    expect(jsonError(piped).code).toBe("cli/not-confirmed");
    expect([node.importedBytes, node.calls]).toEqual([0, []]);
    node.instead.set("import", (canned) => ({ ...(canned as object), carBytes: 46 * fileBytes.length }));
    for (const argv of [small, [...small, "--yes"]]) {
      const done = await run(argv, { node, stdin: "yes\n", tty: { columns: 100, rows: 24 } });
      expect(done.code).toBe(0);
      expect(done.err.includes("Type yes")).toBe(argv === small);
      expect(done.err).toMatch(/are stored and paid for, 46 times the file/);
    }
    const usual = await run(["put", at("photo.jpg"), "--chunk-size", "100"], { node });
    expect(usual.code).toBe(0);
  });

  it("leaves the receipt of another put of the file where it is, and its own beside it", async () => {
    const put = async () => (await run(["put", at("photo.jpg")], { node })).out;
    const names = async () => (await readdir(folder)).sort();
    await put();
    await put(); // the same deals: it is the same put
    expect(await names()).toEqual(["photo.jpg", "photo.jpg.receipt.json"]);
    const [copy] = receipt.copies;
    const later = (dealId: string) => ({ ...receipt, copies: [{ ...copy, dealId }] });
    node.instead.set("put.receipt", () => later(fileCid));
    expect(await put()).toContain(at(`photo.jpg.${putDone.jobId}.receipt.json`));
    node.instead.set("put.receipt", () => later(receipt.cid.replace(/.$/, "a")));
    expect(await put()).toContain("photo.jpg.baf");
    expect((await names()).length).toBe(4);
    expect(JSON.parse(await readFile(at("photo.jpg.receipt.json"), "utf8"))).toEqual(receipt);
    const told = ["put", at("photo.jpg"), "--receipt", at("photo.jpg.receipt.json")];
    expect((await run(told, { node })).out).toContain("photo.jpg.baf"); // beside it, as the usual one
    await run([...told, "--force"], { node });
    expect(JSON.parse(await readFile(at("photo.jpg.receipt.json"), "utf8"))).not.toEqual(receipt);
    expect((await names()).length).toBe(4);
  });

  it("replaces no file that --receipt names and that is no receipt of this file, and stores nothing then", async () => {
    const put = ["put", at("photo.jpg"), "--json", "--receipt", at("r.json")];
    await writeFile(at("r.json"), "mine");
    const refused = await run(put, { node });
    expect([refused.code, jsonError(refused).code, node.calls]).toEqual([8, "cli/receipt-exists", []]);
    await writeFile(at("r.json"), JSON.stringify({ ...receipt, cid: putDone.copies[0]?.dealId }));
    expect(jsonError(await run(put, { node })).message).toContain("the receipt of another file");
    expect(node.calls.map(({ name }) => name)).not.toContain("put.start");
    expect(await run([...put, "--force"], { node })).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(at("r.json"), "utf8"))).toEqual(receipt);
    expect(await run(put, { node })).toMatchObject({ code: 0 }); // its own
  });

  it("takes several files and folders as one folder, each under its own name", async () => {
    await mkdir(at("sub"));
    await writeFile(at("sub/deep.txt"), "deep");
    await writeFile(at("empty"), "");
    const receiptPath = at("many.json");
    const argv = ["put", at("photo.jpg"), at("sub"), at("empty"), "--receipt", receiptPath];
    node.instead.set("import", (canned) => ({ ...(canned as object), sizeBytes: fileBytes.length + 4 }));
    expect(await run(argv, { node })).toMatchObject({ code: 0 });
    expect(node.calls[0]?.params).toMatchObject({ name: "photo.jpg and 2 more" });
    // A header for each of four entries, contents in whole blocks, two empty blocks at the end.
    const padded = (bytes: number): number => 512 * Math.ceil(bytes / 512);
    expect(node.importedBytes).toBe(4 * 512 + padded(fileBytes.length) + padded(4) + 1_024);
    for (const [argv2, problem] of [
      [["put", at("photo.jpg"), "-"], /stored alone/],
      [["put", at("sub"), join(folder, ".", "sub")], /would both be sub/],
    ] as const) {
      const ended = await run([...argv2, "--json"], { node });
      expect(ended.code).toBe(2);
      expect(jsonError(ended).message).toMatch(problem);
    }
    const missing = await run(["put", at("photo.jpg"), at("none"), "--json"], { node });
    expect(jsonError(missing)).toMatchObject({ code: "cli/file-missing" });
  });

  it("takes standard input, and keeps to the policy that was asked for", async () => {
    const policy = ["--renew", "--repair", "--spread", "miners", "--name", "log"];
    const argv = ["put", "-", "--receipt", at("r.json"), ...policy];
    expect(await run(argv, { node, stdin: "a line\n" })).toMatchObject({ code: 0 });
    expect(node.importedBytes).toBe(7);
    expect(node.calls[0]?.params).toMatchObject({ name: "log", renew: true, repair: true, spread: "miners" });
    expect(await readFile(at("r.json"), "utf8")).toContain(fileCid);
  });

  it("says how it is to be encrypted: with the digest of what can be read twice", async () => {
    node.queries.length = 0;
    const receiptPath = ["--receipt", at("r.json")];
    expect(await run(["put", at("photo.jpg"), "--encrypt", ...receiptPath], { node })).toMatchObject({
      code: 0,
    });
    const sha256 = createHash("sha256").update(fileBytes).digest("hex");
    const friends = ["--recipient", "age1a", "--recipient", "age1b"];
    await run(["put", "-", "--encrypt", ...friends, ...receiptPath], { node, stdin: "x" });
    await mkdir(at("sub"));
    await writeFile(at("sub/x"), "x");
    node.instead.set("import", (canned) => ({ ...(canned as object), sizeBytes: 1 }));
    for (let twice = 0; twice < 2; twice += 1)
      await run(["put", at("sub"), "--encrypt", ...receiptPath], { node });
    const [file, input, folder1, folder2] = node.queries;
    expect(file).toBe(`encrypt=1&sha256=${sha256}`);
    expect(input).toBe("encrypt=1&recipients=age1a%2Cage1b");
    expect(folder1).toMatch(/^encrypt=1&sha256=[0-9a-f]{64}$/);
    expect(folder2).toBe(folder1);
    const ended = await run(["put", at("photo.jpg"), "--recipient", "age1a", "--json"], { node });
    expect(ended.code).toBe(2);
    expect(jsonError(ended).message).toMatch(/--encrypt/);
  });

  it("lays a file out as `ipfs add` is told to, in its words or ours, and nothing that is encrypted", async () => {
    node.queries.length = 0;
    const put = (...options: string[]) =>
      run(["put", at("photo.jpg"), "--receipt", at("r.json"), "--json", ...options], { node });
    await put("--cid-version", "0", "--raw-leaves=true", "--chunk-size", "size-1000");
    await put("--cid-version=1", "--raw-leaves", "false", "--chunk-size", "512KiB");
    await put("--chunk-size", "1000");
    await put();
    expect(node.queries).toEqual([
      "cidVersion=0&rawLeaves=1&chunkBytes=1000",
      "cidVersion=1&rawLeaves=0&chunkBytes=524288",
      "chunkBytes=1000",
      "",
    ]);
    for (const options of [
      ["--cid-version", "2"],
      ["--raw-leaves", "yes"],
      ["--chunk-size", "rabin-1-2-3"],
      ["--chunk-size", "size-1x"],
      ["--chunk-size", "1000", "--encrypt"],
    ])
      expect(await put(...options)).toMatchObject({ code: 2 });
    expect(node.queries.length).toBe(4);
  });

  it("streams the job at every change, and the outcome as the last line", async () => {
    const ended = await run(["put", at("photo.jpg"), "--json", "--receipt", at("r.json")], { node });
    const lines = ended.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      putRunning,
      putDone,
      { jobId: "put-1", cid: fileCid, receiptPath: at("r.json"), receipt, kind: "file" },
    ]);
  });

  it("notices a file that grew or shrank while it was read", async () => {
    node.instead.set("import", (canned) => ({ ...(canned as object), sizeBytes: 5 }));
    const ended = await run(["put", at("photo.jpg"), "--json"], { node });
    expect(ended.code).toBe(75);
    expect(jsonError(ended)).toMatchObject({ code: "cli/file-changed" });
    expect(node.calls).toEqual([]);
  });

  it("says that the receipt cannot be written, after the job and with its cause", async () => {
    await mkdir(at("photo.jpg.receipt.json"));
    const ended = await run(
      ["put", at("photo.jpg"), "--json", "--force", "--receipt", at("photo.jpg.receipt.json")],
      {
        node,
      },
    );
    expect(ended.code).toBe(8);
    expect(jsonError(ended).message).toMatch(/receipt.json cannot be written: EISDIR/);
  });

  it("says that the file cannot be read", async () => {
    const ended = await run(["put", at("x".repeat(300)), "--json"], { node }); // longer than any name
    expect(ended.code).toBe(8);
    expect(jsonError(ended)).toMatchObject({ code: "cli/unreadable" });
  });

  it("draws its checklist on a terminal, and takes it as the last word there", async () => {
    const ended = await run(["put", at("photo.jpg")], { node, tty: { columns: 100, rows: 40 } });
    const last = ended.err.slice(ended.err.lastIndexOf("photo.jpg"));
    expect(last).toContain("copy 1");
    expect(last).toContain("100 %");
    expect(last.match(/✓/g)).toHaveLength(9);
    expect(ended.out).not.toContain("✓");
  });
});

describe("get", () => {
  it("asks for the bytes as they are stored only if that is wanted, and mixes up no parts", async () => {
    node.queries.length = 0;
    node.cutFileAfter = 70_000;
    await run(["get", fileCid, "-o", at("out")], { node });
    node.cutFileAfter = undefined;
    expect(await run(["get", fileCid, "--raw", "-o", at("out")], { node })).toMatchObject({ code: 0 });
    expect(node.queries.map((query) => query.includes("raw=1"))).toEqual([false, true]);
    expect(node.offsets).toEqual([0, 0]);
  });
  const get = (...argv: string[]) => run(["get", fileCid, "--json", ...argv], { node });

  it("writes the file under its name only when it is whole", async () => {
    const ended = await get("-o", at("out"));
    expect(JSON.parse(ended.out)).toEqual({
      cid: fileCid,
      path: at("out"),
      sizeBytes: fileBytes.length,
      resumedBytes: 0,
    });
    expect(await isWhole(at("out"))).toBe(true);
    expect(await readdir(folder)).toEqual(["out"]);
  });

  it("goes on from where the connection was cut, as often as it takes", async () => {
    node.cutFileAfter = 70_000;
    const results = [];
    do results.push(await get("-o", at("out")));
    while (results.at(-1)?.code !== 0 && results.length < 20);
    expect(results.length).toBeGreaterThan(2);
    for (const cut of results.slice(0, -1)) {
      expect(cut.code).toBe(75);
      expect(jsonError(cut)).toMatchObject({ code: "api/stream-cut" });
    }
    expect(node.offsets[0]).toBe(0);
    expect(node.offsets.at(-1)).toBeGreaterThan(70_000);
    expect(JSON.parse(results.at(-1)?.out ?? "").resumedBytes).toBe(node.offsets.at(-1));
    expect(await isWhole(at("out"))).toBe(true);
    expect(await readdir(folder)).toEqual(["out"]);
  });

  it("begins anew after a part that is longer than the file, and never continues another file's part", async () => {
    await writeFile(at(`out.${fileCid.slice(-12)}.part`), new Uint8Array(fileBytes.length + 1));
    await writeFile(at("out.otherfile123.part"), "something else");
    const ended = await get("-o", at("out"));
    expect(JSON.parse(ended.out).resumedBytes).toBe(0);
    expect(await isWhole(at("out"))).toBe(true);
  });

  it("never continues the part of another path, however alike the two are", async () => {
    const long = "long/".repeat(30);
    for (const [one, other] of [
      [`${fileCid}/a b`, `${fileCid}/a_b`],
      [`${fileCid}/1/${long}x`, `${fileCid}/2/${long}x`],
    ] as const) {
      node.cutFileAfter = 70_000;
      expect(await run(["get", one, "-o", at("out"), "--json"], { node })).toMatchObject({ code: 75 });
      node.cutFileAfter = undefined;
      const ended = await run(["get", other, "-o", at("out"), "--json"], { node });
      expect(JSON.parse(ended.out).resumedBytes).toBe(0);
      await rm(at("out"));
    }
  });

  it("is done at once when the part is whole already", async () => {
    await writeFile(at(`out.${fileCid.slice(-12)}.part`), fileBytes);
    const ended = await get("-o", at("out"));
    expect(JSON.parse(ended.out).resumedBytes).toBe(fileBytes.length);
    expect(await isWhole(at("out"))).toBe(true);
  });

  it("keeps what is there unless --force says otherwise", async () => {
    await writeFile(at("out"), "mine");
    const refused = await get("-o", at("out"));
    expect(refused.code).toBe(8);
    expect(jsonError(refused)).toMatchObject({ code: "cli/file-exists" });
    expect(await readFile(at("out"), "utf8")).toBe("mine");
    expect(await get("-o", at("out"), "--force")).toMatchObject({ code: 0 });
    expect(await isWhole(at("out"))).toBe(true);
  });

  it("takes a folder as the place for a file named by its CID", async () => {
    expect(JSON.parse((await get("-o", folder)).out).path).toBe(at(fileCid));
    expect((await get("-o", folder)).code).toBe(8);
    await mkdir(at(`sub/${fileCid}`), { recursive: true });
    const inTheWay = await get("-o", at("sub"), "--force");
    expect({ code: inTheWay.code, error: jsonError(inTheWay).code }).toEqual({
      code: 8,
      error: "cli/in-the-way",
    });
    await rmdir(at(`sub/${fileCid}`));
    expect(await get("-o", at("sub"), "--force")).toMatchObject({ code: 0 });
  });

  it("keeps the part when the disk fails, and says what failed", async () => {
    const missing = await get("-o", at("no/such/folder/out"));
    expect(missing.code).toBe(8);
    expect(jsonError(missing).message).toMatch(/cannot be written: ENOENT/);
    // A device on which every write finds the disk full.
    const part = at(`out.${fileCid.slice(-12)}.part`);
    if (
      await stat("/dev/full").then(
        () => true,
        () => false,
      )
    ) {
      await symlink("/dev/full", part);
      const full = await get("-o", at("out"));
      expect(full.code).toBe(8);
      expect(jsonError(full)).toMatchObject({ code: "cli/unwritable" });
      expect(jsonError(full).message).toContain("ENOSPC");
      await rm(part);
      expect(await get("-o", at("out"))).toMatchObject({ code: 0 });
    }
  });

  it("writes to standard output with -o -, and nothing but the bytes", async () => {
    const ended = await run(["get", fileCid, "-o", "-"], { node });
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toBe(Buffer.from(fileBytes).toString("utf8"));
    node.cutFileAfter = 10;
    expect(await run(["get", fileCid, "-o", "-"], { node })).toMatchObject({ code: 75 });
  });
});
