/**
 * Several hosts on one machine: a network namespace for each, joined by bridges that stand in a namespace of their
 * own, so that nothing of the machine's own network is touched. Needs root and `ip` of iproute2 (ip-netns(8)).
 * Everything is removed by disposal; what a killed run has left goes with the next one.
 */
import { execFile, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const prefix = "holdfast";

/** Why there can be no hosts here; undefined where there can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux'";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const probe = `${prefix}-probe-${process.pid}`;
  try {
    ip("netns", "add", probe);
    ip("-n", probe, "link", "add", "br0", "type", "bridge");
    return undefined;
  } catch (cause) {
    return `ip(8) makes no namespace or bridge here: ${cause instanceof Error ? cause.message.split("\n")[0] : ""}`;
  } finally {
    try {
      ip("netns", "del", probe);
    } catch {
      // there is none
    }
  }
}

function ip(...words: readonly string[]): string {
  return execFileSync("ip", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Runs a program on this host. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ReturnType<typeof spawn>;
}

export class Lan implements AsyncDisposable {
  readonly hosts: readonly Host[];
  readonly #switch: string;
  readonly #namespaces: string[] = [];

  constructor(count: number) {
    removeLeftovers();
    this.#switch = this.#add("switch");
    try {
      for (const bridge of ["br0", "br1"]) {
        this.#onSwitch("link", "add", bridge, "type", "bridge");
        this.#onSwitch("link", "set", bridge, "up");
      }
      this.hosts = Array.from({ length: count }, (_, index) => this.#addHost(index));
    } catch (error) {
      this.#removeAll();
      throw error;
    }
  }

  /** Hosts of the second group hang on a bridge of their own; all others stay together. */
  split(others: readonly number[]): void {
    for (const [index] of this.hosts.entries()) {
      this.#onSwitch("link", "set", portOf(index), "master", others.includes(index) ? "br1" : "br0");
    }
  }
  heal(): void {
    this.split([]);
  }
  /** What `from` sends to `to` does not arrive; the other direction goes on. */
  silence(from: number, to: number, on: boolean): void {
    const words = ["route", on ? "add" : "del", "blackhole", addressOf(to)];
    ip("-n", this.#nameOf(from), ...words);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#removeAll();
  }

  #addHost(index: number): Host {
    const name = this.#add(String(index));
    const port = portOf(index);
    this.#onSwitch("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name);
    this.#onSwitch("link", "set", port, "master", "br0", "up");
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "addr", "add", `${addressOf(index)}/24`, "brd", "+", "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
    ip("-n", name, "route", "add", "224.0.0.0/4", "dev", "eth0"); // for mDNS
    return {
      name,
      address: addressOf(index),
      spawn: (command, args, options) => spawn("ip", ["netns", "exec", name, command, ...args], options),
    };
  }
  #nameOf(index: number): string {
    return this.hosts[index]?.name ?? "";
  }
  #add(part: string): string {
    const name = `${prefix}-${process.pid}-${part}`;
    ip("netns", "add", name);
    this.#namespaces.push(name);
    return name;
  }
  #onSwitch(...words: readonly string[]): void {
    ip("-n", this.#switch, ...words);
  }
  #removeAll(): void {
    for (const name of this.#namespaces.splice(0).reverse()) {
      try {
        ip("netns", "del", name);
      } catch {
        // the others go all the same
      }
    }
  }
}

const addressOf = (index: number): string => `10.77.0.${index + 1}`;
const portOf = (index: number): string => `port${index}`;

/** Namespaces of runs whose process is gone. */
function removeLeftovers(): void {
  for (const line of ip("netns", "list").split("\n")) {
    const [, name = "", pid = ""] = /^(holdfast-(?:probe-)?(\d+)\S*)/.exec(line) ?? [];
    if (name !== "" && !existsSync(`/proc/${pid}`)) ip("netns", "del", name);
  }
}

/** Resolves with the standard output; for short programs. */
export async function runOn(host: Host, command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run("ip", ["netns", "exec", host.name, command, ...args], { maxBuffer: 1 << 24 });
  return stdout;
}
