/** The program as a process: signals, pipes whose reader goes away, exit codes through the launcher. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { calls, fileBytes } from "./canned.ts";
import { type CannedNode, endless, startCannedNode, token } from "./canned-node.ts";
import type { Ended } from "./run.ts";

const program = fileURLToPath(new URL("../bin/holdfast.js", import.meta.url));
let node: CannedNode;
let folder = "";
beforeAll(async () => {
  node = await startCannedNode();
  folder = await mkdtemp(join(tmpdir(), "holdfast-process-"));
  await writeFile(join(folder, "photo.jpg"), fileBytes);
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => node.instead.clear());

function start(file: string, argv: readonly string[]): ChildProcess {
  const env = { ...process.env, HOME: folder, HOLDFAST_API: node.url, HOLDFAST_TOKEN: token };
  return spawn(file, argv, { env, stdio: ["ignore", "pipe", "pipe"], cwd: folder });
}
const holdfast = (...argv: string[]): ChildProcess => start(process.execPath, [program, ...argv]);

async function ended(child: ChildProcess): Promise<Ended & { readonly signal: unknown }> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (err += chunk));
  const [code, signal] = await once(child, "close");
  return { code, signal, out, err };
}

describe("the program", () => {
  it("prints results on standard output, errors on standard error, and exits with the code of the class", async () => {
    expect(await ended(holdfast("chain", "head", "--json"))).toMatchObject({ code: 0, err: "" });
    const bad = await ended(holdfast("address", "inspect", "nonsense", "--json"));
    expect(bad).toMatchObject({ code: 2, out: "" });
    expect(Object.keys(JSON.parse(bad.err).error)).toEqual(["code", "message", "fix"]);
    expect(await ended(holdfast("why"))).toMatchObject({ code: 2, out: "" });
  });

  it("ends quietly when the reader of its output goes away", async () => {
    const [first] = calls["chain.ls"];
    node.instead.set("chain.ls", () => Array.from({ length: 1000 }, (_, height) => ({ ...first, height })));
    const line = `set -o pipefail; "${process.execPath}" "${program}" chain ls --limit 1000 | head -1`;
    const piped = await ended(start("bash", ["-c", line]));
    expect(piped).toMatchObject({ err: "" });
    expect(piped.out).toMatch(/^HEIGHT.*\n$/);
    // A stream that nobody reads any more is not waited for.
    node.instead.set("chain.watch", endless);
    const stream = `"${process.execPath}" "${program}" chain watch --json | head -0`;
    expect((await ended(start("bash", ["-c", `exec 2>&1; ${stream}`]))).out).toBe("");
  });

  it("does not call a result written that the disk had no room for", async (task) => {
    if (!existsSync("/dev/full")) return task.skip();
    const line = `"${process.execPath}" "${program}" chain head --json > /dev/full`;
    const { code, out, err } = await ended(start("bash", ["-c", line]));
    expect({ code, out }).toEqual({ code: 8, out: "" });
    expect(JSON.parse(err).error.code).toBe("cli/unwritable");
  });

  it("ends a network with 0 that is stopped while it starts, and leaves nothing half made", async () => {
    const state = join(folder, "net");
    const up = holdfast("up", "--state", state, "--port", "0", "--miners", "1");
    const result = ended(up);
    await expect.poll(() => existsSync(state), { timeout: 60_000 }).toBe(true);
    up.kill("SIGINT");
    const { code, out, err } = await result;
    expect({ code, err }).toEqual({ code: 0, err: expect.not.stringContaining("error") });
    if (out === "") expect(existsSync(join(state, ".making"))).toBe(false); // else it was faster
  });

  it("ends by the same rule on a signal that comes while it is being loaded", async () => {
    const preload = join(folder, "signal-while-loading.mjs");
    await writeFile(
      preload,
      `import { registerHooks } from "node:module";
      registerHooks({ load(url, context, next) {
        if (url.endsWith("/cli/src/main.ts")) process.kill(process.pid, "SIGINT");
        return next(url, context);
      } });`,
    );
    const early = (...argv: string[]) =>
      ended(start(process.execPath, ["--import", preload, program, ...argv]));
    const put = await early("put", "photo.jpg", "--json");
    expect(put).toMatchObject({ code: 75, signal: null });
    expect(JSON.parse(put.err)).toMatchObject({ error: { code: "cli/interrupted" } });
    const up = await early("up", "--state", join(folder, "never"), "--port", "0");
    expect(up).toMatchObject({ code: 0, signal: null });
  });

  it("ends a put on SIGINT and SIGTERM with 75, and a watch with 0", async () => {
    node.instead.set("put.watch", endless);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const child = holdfast("put", "photo.jpg", "--json");
      const outcome = ended(child);
      child.stdout?.once("data", () => child.kill(signal));
      const result = await outcome;
      expect(result).toMatchObject({ code: 75, signal: null });
      expect(JSON.parse(result.err)).toMatchObject({ error: { code: "cli/interrupted" } });
    }
    node.instead.set("chain.watch", () => calls["chain.ls"]);
    const watch = holdfast("chain", "watch");
    expect(await ended(watch)).toMatchObject({ code: 0, err: "" });
  });
});
