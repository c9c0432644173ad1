/**
 * Files beside other programs of IPFS, in one run on one machine: a file is put into one node and fetched by another
 * over loopback, each with its blocks on the disk. Ours, a stock Kubo, helia; and ours with Kubo in both directions.
 * Two processes each. Files are new in each round, so that nobody has them already.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert } from "@holdfast/base";
import type { Bench, Figure } from "../figure.ts";
import { median } from "../measure.ts";
import { kuboProgram } from "../peers.ts";

interface FileNode extends AsyncDisposable {
  /** For peers, and for HTTP. */
  readonly address: string;
  readonly gateway: string;
  add(path: string): Promise<{ readonly cid: string; readonly ms: number }>;
  get(cid: string, from: string): Promise<{ readonly ms: number }>;
}

/** As the program starts, by the first line of `holdfast.js` and in it. */
const ourFlags = ["--max-semi-space-size=16", "--external-memory-accounted-in-global-limit"];

/** A program that is told by lines what to do. */
async function lineNode(program: string, folder: string, flags: readonly string[] = []): Promise<FileNode> {
  const child: ChildProcess = spawn(process.execPath, [...flags, program, folder], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { stdin, stdout } = child;
  assert(stdin !== null && stdout !== null, "the streams are piped");
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Record<string, never>> => {
    const { value, done } = await lines.next();
    assert(done !== true, `${program} has ended`);
    const said = JSON.parse(value);
    assert(said.problem === undefined, String(said.problem));
    return said;
  };
  const told = (order: object) => {
    stdin.write(`${JSON.stringify(order)}\n`);
    return answer();
  };
  const { addresses, gateway = "" } = (await answer()) as { addresses?: readonly string[]; gateway?: string };
  return {
    address: addresses?.[0] ?? "",
    gateway,
    add: (path) => told({ add: path }) as never,
    get: (cid, from) => told({ get: cid, from }) as never,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** A Kubo daemon that knows nobody; told over its own API. */
async function kuboNode(program: string, folder: string): Promise<FileNode> {
  const env = { ...process.env, IPFS_PATH: folder, IPFS_TELEMETRY: "off" };
  const run = (...args: string[]) => execFileSync(program, args, { env, stdio: "ignore" });
  run("init", "--profile=test");
  run("config", "Addresses.Gateway", "/ip4/127.0.0.1/tcp/0");
  run("config", "--json", "Addresses.Swarm", '["/ip4/127.0.0.1/tcp/0"]');
  run("config", "Routing.Type", "none");
  run("config", "--json", "AutoConf.Enabled", "false");
  const daemon = spawn(program, ["daemon"], { env, stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  for await (const part of daemon.stdout) {
    said += String(part);
    if (said.includes("Daemon is ready")) break;
  }
  daemon.stdout.resume();
  const [, , host, , port] = (await readFile(join(folder, "api"), "utf8")).trim().split("/");
  const call = async (path: string, body?: FormData): Promise<Response> => {
    const url = `http://${host}:${port}/api/v0/${path}`;
    const response = await fetch(url, { method: "POST", ...(body === undefined ? {} : { body }) });
    assert(response.ok, `Kubo does ${path}`);
    return response;
  };
  const { Addresses } = (await (await call("id")).json()) as { Addresses: readonly string[] };
  return {
    address: Addresses[0] ?? "",
    gateway: (await readFile(join(folder, "gateway"), "utf8")).trim(),
    async add(path) {
      const form = new FormData();
      form.append("file", new Blob([await readFile(path)]));
      const startedMs = performance.now();
      const { Hash } = JSON.parse(await (await call("add?cid-version=1&progress=false", form)).text());
      return { cid: Hash, ms: performance.now() - startedMs };
    },
    async get(cid, from) {
      await call(`swarm/connect?arg=${encodeURIComponent(from)}`);
      const startedMs = performance.now();
      await (await call(`pin/add?arg=${cid}&progress=false`)).text();
      return { ms: performance.now() - startedMs };
    },
    async [Symbol.asyncDispose]() {
      daemon.kill("SIGKILL");
      await once(daemon, "exit");
    },
  };
}

/** Where helia is installed; undefined if it cannot be. */
function heliaProgram(say: (text: string) => void): string | undefined {
  const folder = fileURLToPath(new URL("../peers/helia", import.meta.url));
  const target = join(folder, "target");
  try {
    if (!existsSync(join(target, "node_modules/helia"))) {
      execFileSync("mkdir", ["-p", target]);
      for (const file of ["package.json", "node.mjs"]) execFileSync("cp", [join(folder, file), target]);
      execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"], {
        cwd: target,
      });
    }
    return join(target, "node.mjs");
  } catch (error) {
    say(`helia is left out: ${String(error).split("\n")[0]}`);
    return undefined;
  }
}

export const ipfsBench: Bench = {
  name: "ipfs",
  about: "files beside other programs of IPFS, put and fetched over loopback",
  onlyIfNamed: true,
  async run({ quick, say }) {
    await using stack = new AsyncDisposableStack();
    const root = await mkdtemp(join(tmpdir(), "holdfast-bench-ipfs-"));
    stack.defer(() => rm(root, { recursive: true, force: true }));
    const rounds = quick ? 1 : 3;
    const bytes = quick ? 2 ** 24 : 2 ** 26;
    const folder = (): Promise<string> => mkdtemp(join(root, "node-"));
    const pair = async (open: (folder: string) => Promise<FileNode>) =>
      [stack.use(await open(await folder())), stack.use(await open(await folder()))] as const;
    const program = fileURLToPath(new URL("../ipfs-node.ts", import.meta.url));
    const ours = await pair((at) => lineNode(program, at, ourFlags));
    const built = kuboProgram();
    if ("problem" in built) say(`Kubo is left out: ${built.problem}`);
    const kubo = "path" in built ? await pair((at) => kuboNode(built.path, at)) : undefined;
    const helia = heliaProgram(say);
    const theirs = helia === undefined ? undefined : await pair((at) => lineNode(helia, at));
    const rates = new Map<string, number[]>();
    const note = (name: string, ms: number): void => {
      const rate = bytes / 1e6 / (ms / 1000);
      rates.set(name, [...(rates.get(name) ?? []), rate]);
      say(`${name}: ${rate.toFixed(0)} MB/s`);
    };
    const way = async (name: string, from: FileNode, to: FileNode, by: "address" | "gateway" = "address") => {
      const path = join(root, "file.bin");
      await writeFile(path, randomBytes(bytes));
      const { cid, ms } = await from.add(path);
      note(`put ${name}`, ms);
      note(`get ${name}`, (await to.get(cid, from[by])).ms);
    };
    for (let round = 0; round < rounds; round += 1) {
      await way("ours, bitswap", ours[0], ours[1]);
      await way("ours, HTTP", ours[0], ours[1], "gateway");
      if (kubo !== undefined) {
        await way("Kubo, bitswap", kubo[0], kubo[1]);
        await way("Kubo to us, bitswap", kubo[0], ours[1]);
        await way("Kubo to us, HTTP", kubo[0], ours[1], "gateway");
        await way("us to Kubo, bitswap", ours[0], kubo[1]);
      }
      if (theirs !== undefined) await way("helia, bitswap", theirs[0], theirs[1]);
    }
    return figuresOf(rates);
  },
};

function figuresOf(rates: ReadonlyMap<string, readonly number[]>): Figure[] {
  const of = (name: string): number | undefined => {
    const found = rates.get(name);
    return found === undefined ? undefined : median([...found]);
  };
  const figures: Figure[] = [];
  for (const verb of ["put", "get"]) {
    const peer = of(`${verb} Kubo, bitswap`);
    for (const [name] of rates) {
      const isPut = verb === "put" && !/^put (ours, bitswap|Kubo, bitswap|helia)/.test(name);
      if (!name.startsWith(`${verb} `) || isPut) continue;
      const isPeer = name === `${verb} Kubo, bitswap`;
      figures.push({
        name: verb,
        by: verb === "put" ? name.slice(4).replace(", bitswap", "") : name.slice(4),
        value: of(name) ?? 0,
        unit: "MB/s",
        ...(peer === undefined || isPeer ? {} : { peer: { name: "Kubo", value: peer } }),
      });
    }
  }
  return figures;
}
