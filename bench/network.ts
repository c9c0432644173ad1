/**
 * `holdfast up` as a child process: what a user starts, measured from outside. Time until its first line,
 * processor time and memory as the system counts them, and the network's API.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ApiClient, createClient } from "@holdfast/api";
import { assert } from "@holdfast/base";
import { z } from "zod";

export const program = fileURLToPath(new URL("../packages/cli/bin/holdfast.js", import.meta.url));
/** As in the first line of the program, and in `npm start`. */
const flags = ["--max-semi-space-size=16"];
const profiler = new URL("./profiler.ts", import.meta.url).href;

const readyLine = z.object({ readyMs: z.number(), state: z.string() });
const upRecord = z.object({
  nodes: z.array(z.object({ name: z.string(), role: z.string(), api: z.string(), token: z.string() })),
});

export interface UpOptions {
  /** Options of `holdfast up`. */
  readonly args?: readonly string[];
  /** A folder of compiled code; the program's own if left out. */
  readonly compileCache?: string;
  /** Where a profile goes; see profiler.ts. */
  readonly profile?: string;
}

export interface RunningUp extends AsyncDisposable {
  /** From the start of the process to its ready line. */
  readonly wallMs: number;
  /** As the program says it: from the call to the network that answers. */
  readonly readyMs: number;
  readonly pid: number;
  /** HOME of whoever calls its command line. */
  readonly home: string;
  /** The folder of the network, with one for each node. */
  readonly state: string;
  readonly nodes: z.output<typeof upRecord>["nodes"];
  /** The client's API. */
  readonly client: ApiClient;
}

/** Starts a network in a home of its own; the disposal stops it and removes everything. */
export async function startUp(options: UpOptions = {}): Promise<RunningUp> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const startedMs = performance.now();
  const child = spawn(process.execPath, argumentsOf(options), {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      HOME: home,
      ...(options.compileCache === undefined ? {} : { NODE_COMPILE_CACHE: options.compileCache }),
      ...(options.profile === undefined ? {} : { BENCH_PROFILE: options.profile }),
    },
  });
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(home, { recursive: true, force: true });
  };
  try {
    const line = await firstLine(child);
    const wallMs = performance.now() - startedMs;
    const { readyMs, state } = readyLine.parse(JSON.parse(line));
    const record = readFileSync(join(home, ".holdfast", "up.json"), "utf8");
    const { nodes } = upRecord.parse(JSON.parse(record));
    const own = nodes.find(({ role }) => role === "client");
    assert(own !== undefined && child.pid !== undefined, "the network has a client");
    const client = createClient({ url: own.api, token: own.token });
    const { pid } = child;
    return { wallMs, readyMs, pid, home, state, nodes, client, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function argumentsOf({ args = [], profile }: UpOptions): string[] {
  const preload = profile === undefined ? [] : ["--import", profiler];
  return [...flags, ...preload, program, "up", "--port", "0", "--json", ...args];
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert(child.stdout !== null, "the output is piped");
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, "line"), once(child, "exit")]);
  assert(typeof line === "string", "`holdfast up` ended before it was ready");
  return line;
}

const stopLimitMs = 20_000;

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const limit = setTimeout(() => child.kill("SIGKILL"), stopLimitMs);
  await exit;
  clearTimeout(limit);
}

export interface Usage {
  /** Processor time since the start. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** Processor time by name of thread; empty where the system does not tell. */
  readonly threads: ReadonlyMap<string, number>;
}

/** Linux counts in ticks of 10 ms for every program. */
const tickMs = 10;

export function usageOf(pid: number): Usage {
  return process.platform === "linux" ? linuxUsage(pid) : posixUsage(pid);
}

function linuxUsage(pid: number): Usage {
  const threads = new Map<string, number>();
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    const { name, cpuMs } = statOf(`/proc/${pid}/task/${id}/stat`);
    threads.set(name, (threads.get(name) ?? 0) + cpuMs);
  }
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return {
    cpuMs: statOf(`/proc/${pid}/stat`).cpuMs,
    residentBytes: Number(resident ?? 0) * 1024,
    threads,
  };
}

/** Fields of proc(5): the name is in brackets, user and system time are 14 and 15. */
function statOf(path: string): { name: string; cpuMs: number } {
  const text = readFileSync(path, "utf8");
  const [user, system] = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return {
    name: text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")),
    cpuMs: (Number(user) + Number(system)) * tickMs,
  };
}

/** `ps` of macOS and the BSDs: kilobytes, and `[[hours:]minutes:]seconds`. */
function posixUsage(pid: number): Usage {
  const [rss = "0", time = "0"] = execFileSync("ps", ["-o", "rss=,time=", "-p", String(pid)], {
    encoding: "utf8",
  })
    .trim()
    .split(/\s+/);
  const seconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuMs: seconds * 1000, residentBytes: Number(rss) * 1024, threads: new Map() };
}

export const coreCount = availableParallelism();
