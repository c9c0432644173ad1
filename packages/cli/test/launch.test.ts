/**
 * The commands that become a node, with real nodes on this machine: `up` finds itself, stops on Ctrl-C,
 * leaves nothing, goes on where it was; `init` and `daemon` join it. One short story, since each start costs
 * seconds.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandTable, upRecordPath } from "holdfast";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { run } from "./run.ts";

const program = fileURLToPath(new URL("../bin/holdfast.js", import.meta.url));
let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-launch-"));
});
/** A test that fails leaves no node behind. */
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
});
afterAll(() => rm(home, { recursive: true, force: true }));

interface Running {
  readonly child: ChildProcess;
  /** The first line of `--json`. */
  readonly first: Promise<string>;
  readonly ended: Promise<{ readonly code: unknown; readonly out: string; readonly err: string }>;
}

function launch(...argv: string[]): Running {
  // A temporary folder of its own, to see what is left behind.
  const env = { ...process.env, HOME: home, TMPDIR: home };
  const child = spawn(process.execPath, [program, ...argv, "--json"], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let out = "";
  let err = "";
  const line = Promise.withResolvers<string>();
  child.stdout?.on("data", (chunk) => {
    out += chunk;
    if (out.includes("\n")) line.resolve(out.slice(0, out.indexOf("\n")));
  });
  child.stderr?.on("data", (chunk) => (err += chunk));
  const ended = once(child, "close").then(([code]) => {
    line.resolve(out);
    return { code, out, err };
  });
  return { child, first: line.promise, ended };
}

async function resultSchema(name: string) {
  const spec = commandTable.commands.find(({ path }) => path.join(" ") === name);
  if (spec === undefined) throw new TypeError(name);
  return (await spec.action()).result;
}

const env = (): { readonly HOME: string } => ({ HOME: home });

describe("up, init and daemon", () => {
  const state = (): string => join(home, "net");
  const upArgv = ["up", "--port", "0", "--miners", "1", "--round", "500ms", "--sector", "2KiB"];

  it("up is found by the other commands, refuses a second one, and stops on Ctrl-C without a trace", async () => {
    const up = launch(...upArgv);
    const ready = JSON.parse(await up.first);
    expect((await resultSchema("up")).parse(ready)).toEqual(ready);
    expect(ready.nodes.map(({ name }: { name: string }) => name)).toEqual(["bootstrap", "miner-1", "client"]);
    expect(JSON.stringify(ready)).not.toContain("token");
    const status = await run(["status", "--json"], { env: env() });
    expect(JSON.parse(status.out)).toMatchObject({ name: "client", network: ready.network, roundMs: 500 });
    const mine = await run(["mine", "status", "--node", "miner-1", "--json"], { env: env() });
    expect(mine.code).toBe(0);

    const port = new URL(ready.nodes.at(-1).api).port;
    const second = await launch("up", "--port", port, "--miners", "1").ended;
    expect({ code: second.code, ...JSON.parse(second.err).error }).toMatchObject({ code: "rpc/port-in-use" });

    // Commands find the network that was started last, and this one again when that has stopped.
    const later = launch(...upArgv);
    const found = async () => JSON.parse((await run(["status", "--json"], { env: env() })).out).network;
    const { network } = JSON.parse(await later.first);
    expect(await found()).toBe(network);
    later.child.kill("SIGINT");
    expect(await later.ended).toMatchObject({ code: 0 });
    expect(await found()).toBe(ready.network);

    up.child.kill("SIGINT");
    expect(await up.ended).toMatchObject({ code: 0, err: "" });
    expect(existsSync(upRecordPath(env()))).toBe(false);
    expect((await readdir(home)).filter((name) => name !== ".holdfast" && !name.startsWith("node-"))).toEqual(
      [],
    );
    expect(await run(["status"], { env: env() })).toMatchObject({ code: 6 });
  });

  it("up --state goes on where it was, daemon runs one of its nodes, init and daemon join", async () => {
    const first = launch(...upArgv, "--state", state());
    const before = JSON.parse(await first.first);
    const locked = await launch("up", "--state", state(), "--port", "0").ended;
    expect(locked.code).toBe(8);
    first.child.kill("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0 });

    const again = launch(...upArgv, "--state", state());
    const after = JSON.parse(await again.first);
    expect(after.network).toBe(before.network);
    expect(after.nodes.map(({ address }: { address: string }) => address)).toEqual(
      before.nodes.map(({ address }: { address: string }) => address),
    );
    const status = JSON.parse((await run(["status", "--json", "--node", "bootstrap"], { env: env() })).out);

    const joiner = join(home, "joiner");
    const genesis = join(state(), "client", "genesis.car");
    const init = ["init", "--repo", joiner, "--genesis", genesis, "--bootstrap", status.addresses[0]];
    const made = await launch(...init).ended;
    expect(made.code).toBe(0);
    expect((await resultSchema("init")).parse(JSON.parse(made.out))).toMatchObject({ repo: joiner });
    expect(JSON.parse((await launch(...init).ended).err).error.code).toBe("repo/exists");

    const daemon = launch("daemon", "--repo", joiner, "--listen", "127.0.0.1:0");
    const view = (await resultSchema("daemon")).parse(JSON.parse(await daemon.first));
    expect(view).toMatchObject({ name: "holdfast" });
    const joined = await run(["net", "connect", status.addresses[0], "--repo", joiner, "--json"]);
    expect(JSON.parse(joined.out)).toEqual({ peerId: status.peerId });
    daemon.child.kill("SIGINT");
    expect(await daemon.ended).toMatchObject({ code: 0 });
    again.child.kill("SIGINT");
    expect(await again.ended).toMatchObject({ code: 0 });
  });

  it("sdr has a sector size of its own kind", async () => {
    const sdr = launch("up", "--port", "0", "--porep", "sdr", "--miners", "1");
    expect(JSON.parse(await sdr.first)).toMatchObject({ network: expect.any(String) });
    sdr.child.kill("SIGINT");
    expect((await sdr.ended).code).toBe(0);
  }, 60_000);

  it("errors of a start keep their class", async () => {
    const file = join(home, "file");
    await writeFile(file, "");
    const notAFolder = await launch("up", "--port", "0", "--state", file).ended;
    expect({ code: notAFolder.code, error: JSON.parse(notAFolder.err).error.code }).toEqual({
      code: 8,
      error: "repo/unwritable",
    });
    const missing = await launch("daemon", "--repo", join(home, "nothing")).ended;
    expect({ code: missing.code, error: JSON.parse(missing.err).error.code }).toEqual({
      code: 3,
      error: "repo/not-found",
    });
    const size = await launch("up", "--port", "0", "--sector", "100KiB").ended;
    expect({ code: size.code, error: JSON.parse(size.err).error.code }).toEqual({
      code: 2,
      error: "proofs/unknown-sector-size",
    });
  });
});
