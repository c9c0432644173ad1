/** A stock Kubo (`ipfs` on the PATH, or named by HOLDFAST_KUBO) for tests that stand beside one. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CID, verifyCid } from "@holdfast/base";

const program = process.env.HOLDFAST_KUBO ?? "ipfs";
/** Undefined where there is none. */
export const kuboVersion = (() => {
  try {
    return execFileSync(program, ["version", "--number"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
})();

/** A daemon of its own repo, on free ports of loopback, that talks to nobody by itself. */
export class Kubo {
  /** Empty before it has started: where there is no Kubo, nothing is made that nobody takes away. */
  #folder = "";
  #daemon: ChildProcess | undefined;
  api = "";
  gateway = "";

  async start(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), "holdfast-kubo-"));
    const env = { ...process.env, IPFS_PATH: this.#folder, IPFS_TELEMETRY: "off" };
    const run = (...args: string[]) => execFileSync(program, args, { env, stdio: "ignore" });
    run("init", "--profile=test");
    run("config", "Addresses.Gateway", "/ip4/127.0.0.1/tcp/0");
    run("config", "--json", "Addresses.Swarm", '["/ip4/127.0.0.1/tcp/0"]');
    run("config", "Routing.Type", "none");
    run("config", "--json", "AutoConf.Enabled", "false");
    const daemon = spawn(program, ["daemon"], { env, stdio: ["ignore", "pipe", "inherit"] });
    this.#daemon = daemon;
    let said = "";
    for await (const part of daemon.stdout) {
      said += String(part);
      if (said.includes("Daemon is ready")) break;
    }
    daemon.stdout.resume();
    const url = (file: string): string => {
      const [, , host, , port] = readFileSync(join(this.#folder, file), "utf8").trim().split("/");
      return `http://${host}:${port}`;
    };
    this.api = url("api");
    this.gateway = readFileSync(join(this.#folder, "gateway"), "utf8").trim();
  }
  async call(path: string, body?: FormData): Promise<Response> {
    const response = await fetch(`${this.api}/api/v0/${path}`, {
      method: "POST",
      ...(body === undefined ? {} : { body }),
    });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return response;
  }
  async json<T>(path: string, body?: FormData): Promise<T> {
    return (await this.call(path, body)).json() as Promise<T>;
  }
  /** The CID of the last line: of a folder, the folder. */
  async add(files: ReadonlyMap<string, Uint8Array>, options: string): Promise<string> {
    const form = new FormData();
    for (const [name, bytes] of files)
      form.append("file", new Blob([Buffer.from(bytes)]), encodeURIComponent(name));
    const text = await (await this.call(`add?${options}&quieter=true&progress=false`, form)).text();
    return JSON.parse(text.trim().split("\n").at(-1) ?? "").Hash;
  }
  async put(cid: CID, bytes: Uint8Array): Promise<void> {
    const form = new FormData();
    form.append("data", new Blob([Buffer.from(bytes)]));
    const codec = { 85: "raw", 112: "dag-pb", 113: "dag-cbor" }[cid.code] ?? "raw";
    await this.call(`block/put?cid-codec=${codec}&mhtype=sha2-256&allow-big-block=true`, form);
  }
  /** Takes a block out of the repo behind the daemon's back. */
  lose(cid: CID): void {
    const folder = join(this.#folder, "blocks");
    for (const name of readdirSync(folder, { encoding: "utf8", recursive: true })) {
      const file = join(folder, name);
      if (name.endsWith(".data") && verifyCid(cid, readFileSync(file))) rmSync(file);
    }
  }
  stop(): void {
    this.#daemon?.kill("SIGKILL");
    if (this.#folder !== "") rmSync(this.#folder, { recursive: true, force: true });
  }
}
