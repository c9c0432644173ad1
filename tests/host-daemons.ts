/**
 * Nodes on hosts that are network namespaces: each a `holdfast daemon` process of its own. Its API listens on the
 * loopback of its host, where the test is not, so a small relay beside it joins that to a socket in the folder.
 */
import type { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ApiClient, type ApiFetch, createClient } from "@holdfast/api";
import type { Host } from "./namespaces.ts";

const launcher = fileURLToPath(new URL("../packages/cli/bin/holdfast.js", import.meta.url));

/** Of the log of a daemon this much is kept, in characters. */
const logLength = 12_000;

const relayProgram = `
const net = require("node:net");
const [socket, port] = process.argv.slice(1);
net.createServer((near) => {
  const far = net.connect(Number(port), "127.0.0.1");
  near.on("error", () => far.destroy()).pipe(far).on("error", () => near.destroy()).pipe(near);
}).listen(socket, () => console.log("ready"));
process.stdin.on("end", () => process.exit()).resume();
`;

/** Changes the network part of a repo's configuration. */
export async function configureNet(
  repo: string,
  net: { readonly listen: string; readonly bootstrap: readonly string[]; readonly mdns: boolean },
): Promise<void> {
  const path = join(repo, "config.toml");
  const text = await readFile(path, "utf8");
  const list = (values: readonly string[]): string =>
    `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
  const [head = "", tail = ""] = text.split(/^(?=\[net\])/m);
  const changed = tail
    .replace(/^listen = .*$/m, `listen = ${list([net.listen])}`)
    .replace(/^bootstrap = .*$/m, `bootstrap = ${list(net.bootstrap)}`)
    .replace(/^mdns = .*$/m, `mdns = ${net.mdns}`);
  await writeFile(path, head + changed);
}

export class HostDaemon implements AsyncDisposable {
  readonly host: Host;
  readonly repo: string;
  #processes: ChildProcess[] = [];
  #client: ApiClient | undefined;
  #errors = "";
  static readonly #running = new Set<HostDaemon>();

  constructor(host: Host, repo: string) {
    this.host = host;
    this.repo = repo;
  }

  /** What all that run say of themselves, and the last of their logs: for a test that fails. */
  static async report(): Promise<string> {
    const parts = await Promise.all(
      [...HostDaemon.#running].map(async ({ repo, host, client, log }) => {
        const signal = AbortSignal.timeout(10_000);
        const said = await Promise.all(
          (["node.status", "mine.status", "sync.status", "net.peers"] as const).map((method) =>
            client.call(method, {}, signal).then(JSON.stringify, String),
          ),
        );
        return [`-- ${basename(repo)} at ${host.address}`, ...said, log, ""].join("\n");
      }),
    );
    return parts.join("\n");
  }

  get client(): ApiClient {
    if (this.#client === undefined) throw new TypeError(`${this.repo} does not run`);
    return this.#client;
  }
  /** The last of what the process wrote to its log. */
  get log(): string {
    return this.#errors;
  }

  /** Resolves when the API answers. */
  async start(options: readonly string[] = []): Promise<void> {
    const daemon = this.#spawn([
      launcher,
      "daemon",
      "--repo",
      this.repo,
      "--listen",
      "127.0.0.1:0",
      "--json",
      ...options,
    ]);
    const { api }: { api: string } = JSON.parse(await firstLine(daemon, () => this.#errors));
    const socket = join(this.repo, "api.sock");
    const relay = this.#spawn(["-e", relayProgram, socket, new URL(api).port]);
    await firstLine(relay, () => this.#errors);
    const token = (await readFile(join(this.repo, "token"), "utf8")).trim();
    this.#client = createClient({ url: api, token, fetch: socketFetch(socket) });
    HostDaemon.#running.add(this);
  }

  /** Runs a command of the program on this host and gives what it prints. */
  async holdfast(args: readonly string[]): Promise<string> {
    const child = this.#spawn([launcher, ...args]);
    let out = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    const [code] = await once(child, "close");
    if (code !== 0) throw new TypeError(`holdfast ${args[0]} ended with ${code}: ${this.#errors}`);
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client = undefined;
    HostDaemon.#running.delete(this);
    const processes = this.#processes.splice(0);
    await Promise.all(
      processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }),
    );
  }

  #spawn(args: readonly string[]): ChildProcess {
    const child: ReturnType<typeof spawn> = this.host.spawn(process.execPath, args, {
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-logLength);
    });
    this.#processes.push(child);
    return child;
  }
}

async function firstLine(child: ChildProcess, errors: () => string): Promise<string> {
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  return Promise.race([
    once(lines, "line").then(([line]) => String(line)),
    once(child, "exit").then(([code, signal]) => {
      throw new TypeError(`a process ended with ${code ?? signal}: ${errors()}`);
    }),
  ]);
}

/** Calls without streams, over a Unix socket: those lead from any network namespace to any other. */
function socketFetch(socketPath: string): ApiFetch {
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const text = typeof body === "string" ? body : "";
      const sent = requestHttp({
        socketPath,
        path: url.pathname,
        method,
        headers: { ...headers, host: url.host, "content-length": Buffer.byteLength(text) },
        ...(signal === undefined ? {} : { signal }),
      });
      sent.once("error", reject);
      sent.once("response", (response) => {
        const status = response.statusCode ?? 0;
        resolve({
          ok: status >= 200 && status < 300,
          status,
          headers: { get: (name) => String(response.headers[name] ?? "") || null },
          body: response,
          text: async () => {
            const chunks: Buffer[] = [];
            for await (const chunk of response) chunks.push(chunk);
            return Buffer.concat(chunks).toString();
          },
        });
      });
      sent.end(text);
    });
}
