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

export class Daemon implements AsyncDisposable {
  readonly name: string;
  readonly #repo: string;
  #process: ChildProcess | undefined;
  #client: ApiClient | undefined;
  #errors = "";

  constructor(network: string, name: string) {
    this.name = name;
    this.#repo = join(network, name);
  }

  /** The API of the running process. */
  get client(): ApiClient {
    if (this.#client === undefined) throw new TypeError(`${this.name} does not run`);
    return this.#client;
  }
  get isRunning(): boolean {
    return this.#client !== undefined;
  }

  /** Resolves when the API answers. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [launcher, "daemon", "--repo", this.#repo, "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    this.#errors = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-4000);
    });
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    const first = await Promise.race([
      once(lines, "line").then(([line]) => String(line)),
      once(child, "exit").then(([code, signal]) => {
        throw new TypeError(`${this.name} ended with ${code ?? signal}: ${this.#errors}`);
      }),
    ]);
    const { api }: { api: string } = JSON.parse(first);
    const token = (await readFile(join(this.#repo, "token"), "utf8")).trim();
    this.#client = createClient({ url: api, token });
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#client = undefined;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
