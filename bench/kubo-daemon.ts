/** A Kubo daemon that knows nobody, for benchmarks beside it. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "@holdfast/base";

export interface KuboDaemon extends AsyncDisposable {
  /** Of its RPC. */
  readonly url: string;
  /** Multiaddr for peers. */
  readonly address: string;
  call(path: string, body?: FormData): Promise<Response>;
}

export async function startKubo(program: string, folder: string): Promise<KuboDaemon> {
  const env = { ...process.env, IPFS_PATH: folder, IPFS_TELEMETRY: "off" };
  const run = (...args: string[]) => execFileSync(program, args, { env, stdio: "ignore" });
  run("init", "--profile=test");
  run("config", "Routing.Type", "none");
  run("config", "--json", "Addresses.Swarm", '["/ip4/127.0.0.1/tcp/0"]');
  run("config", "--json", "AutoConf.Enabled", "false");
  const daemon = spawn(program, ["daemon"], { env, stdio: ["ignore", "pipe", "ignore"] });
  for await (const part of daemon.stdout.iterator({ destroyOnReturn: false }))
    if (String(part).includes("Daemon is ready")) break;
  daemon.stdout.resume();
  const [, , host, , port] = readFileSync(join(folder, "api"), "utf8").trim().split("/");
  const url = `http://${host}:${port}`;
  const call = async (path: string, body?: FormData): Promise<Response> => {
    const response = await fetch(`${url}/api/v0/${path}`, {
      method: "POST",
      ...(body === undefined ? {} : { body }),
    });
    assert(response.ok, `Kubo does ${path}`);
    return response;
  };
  const { Addresses } = (await (await call("id")).json()) as { Addresses: readonly string[] };
  return {
    url,
    address: Addresses[0] ?? "",
    call,
    async [Symbol.asyncDispose]() {
      daemon.kill("SIGKILL");
      await once(daemon, "exit");
    },
  };
}
