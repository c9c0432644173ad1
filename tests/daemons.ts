/**
 * Real processes for tests: every node a `holdfast daemon` of its own, on loopback sockets and real
 * disks, which can be killed without warning and started again.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ApiClient, createClient } from "@holdfast/api";

const launcher = fileURLToPath(new URL("../packages/cli/bin/holdfast.js", import.meta.url));
/** Characters of standard error that are kept. */
const keptErrors = 20_000;
/** A node that has said nothing by then hangs. */
const startMs = 90_000;

/** `holdfast …` as a process of its own. */
export function spawnHoldfast(args: readonly string[], program = launcher): ChildProcess {
  return spawn(process.execPath, [program, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

export class Daemon implements AsyncDisposable {
  readonly name: string;
  readonly repo: string;
  #process: ChildProcess | undefined;
  #client: ApiClient | undefined;
  #errors = "";

  constructor(network: string, name: string) {
    this.name = name;
    this.repo = join(network, name);
  }

  /** The API of the running process. */
  get client(): ApiClient {
    if (this.#client === undefined) throw new TypeError(`${this.name} does not run`);
    return this.#client;
  }
  get isRunning(): boolean {
    return this.#client !== undefined;
  }
  get pid(): number | undefined {
    return this.#process?.pid;
  }
  /** What the process that ran last has said on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Resolves when the API answers. Of another program than this checkout's, if its launcher is named. */
  async start(program?: string): Promise<void> {
    const child = spawnHoldfast(["daemon", "--repo", this.repo, "--json"], program);
    this.#process = child;
    this.#errors = "";
    child.stdin?.end();
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-keptErrors);
    });
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    const signal = AbortSignal.timeout(startMs);
    const first = await Promise.race([
      once(lines, "line", { signal }).then(([line]) => String(line)),
      once(child, "exit", { signal }).then(() => {
        throw new TypeError(this.#obituary(child));
      }),
    ]);
    const { api }: { api: string } = JSON.parse(first);
    const token = (await readFile(join(this.repo, "token"), "utf8")).trim();
    this.#client = createClient({ url: api, token });
  }

  /** SIGKILL: no handler runs, nothing is flushed. Throws if it had ended by itself. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#client = undefined;
    this.#process = undefined;
    if (child === undefined) return;
    this.#checkAlive(child);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Throws if the process has ended by itself. */
  checkAlive(): void {
    if (this.#process !== undefined) this.#checkAlive(this.#process);
  }

  #checkAlive(child: ChildProcess): void {
    if (child.exitCode !== null || child.signalCode !== null) throw new TypeError(this.#obituary(child));
  }
  #obituary({ exitCode, signalCode }: ChildProcess): string {
    return `${this.name} ended with ${exitCode ?? signalCode}: ${this.#errors}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
