/**
 * Which node a command talks to. In order: `--api` with `--token`; `--repo`; HOLDFAST_API with
 * HOLDFAST_TOKEN; HOLDFAST_REPO; the network that `holdfast up` runs (`--node` picks one of its
 * nodes); the node of the default repo.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ApiClient, createClient } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { z } from "zod";
import { cliErrors } from "./errors.ts";

export interface SessionOptions {
  readonly api?: string;
  readonly token?: string;
  readonly repo?: string;
  readonly node?: string;
}

type Environment = { readonly [name: string]: string | undefined };

/** What `holdfast up` leaves for other commands while it runs; the file is removed when it stops. */
export const upRecord = z.object({
  pid: z.int(),
  nodes: z.array(z.object({ name: z.string(), role: z.string(), api: z.string(), token: z.string(), repo: z.string() })),
});
export type UpRecord = z.output<typeof upRecord>;

export function defaultRepo(env: Environment): string {
  return join(env.HOME ?? homedir(), ".holdfast");
}
export function upRecordPath(env: Environment): string {
  return join(defaultRepo(env), "up.json");
}

export async function findNode(options: SessionOptions, env: Environment): Promise<ApiClient> {
  const api = options.api ?? (options.repo === undefined ? env.HOLDFAST_API : undefined);
  if (api !== undefined) {
    return createClient({ url: checkedUrl(api), token: options.token ?? env.HOLDFAST_TOKEN ?? "" });
  }
  const repo = options.repo ?? env.HOLDFAST_REPO;
  if (repo !== undefined) return fromRepo(repo);
  const up = await readUpRecord(env);
  if (up !== undefined) return fromUp(up, options.node);
  try {
    return await fromRepo(defaultRepo(env));
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause;
    throw cliErrors.noNode({ looked: `no \`holdfast up\` runs; ${cause.message}` }, cause);
  }
}

function fromUp(up: UpRecord, name: string | undefined): ApiClient {
  const node = up.nodes.find((entry) => (name === undefined ? entry.role === "client" : entry.name === name));
  if (node === undefined) {
    throw cliErrors.noSuchNode({ name: name ?? "client", known: up.nodes.map((entry) => entry.name).join(", ") });
  }
  return createClient({ url: node.api, token: node.token });
}

async function fromRepo(repo: string): Promise<ApiClient> {
  const api = await readText(join(repo, "api"));
  const token = await readText(join(repo, "token"));
  if (api === undefined || token === undefined) throw cliErrors.noNode({ looked: `no node runs on the repo ${repo}` });
  return createClient({ url: api, token });
}

export async function readUpRecord(env: Environment): Promise<UpRecord | undefined> {
  const text = await readText(upRecordPath(env));
  if (text === undefined) return undefined;
  try {
    const record = upRecord.parse(JSON.parse(text));
    return isRunning(record.pid) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return undefined;
  }
}

function checkedUrl(text: string): string {
  if (!URL.canParse(text)) throw cliErrors.usage({ problem: `--api ${text} is not a URL such as http://127.0.0.1:3453` });
  return text;
}
