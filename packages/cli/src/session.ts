/**
 * Which node a command talks to. `--token` is always believed. In order: `--api`; `--repo`; HOLDFAST_API with
 * HOLDFAST_TOKEN; HOLDFAST_REPO; the network that `holdfast up` runs (`--node` picks one of its
 * nodes); the node of the default repo.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ApiClient, createClient } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import type { Environment } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { nodeFetch } from "./transport.ts";
import { defaultRepo, readUpRecord, type UpRecord } from "./up-record.ts";

export interface SessionOptions {
  readonly api?: string;
  readonly token?: string;
  readonly repo?: string;
  readonly node?: string;
}

export async function findNode(options: SessionOptions, env: Environment): Promise<ApiClient> {
  if (options.api !== undefined) return fromUrl(options.api, options, env);
  if (options.repo !== undefined) return fromRepo(options.repo, options.token);
  if (options.node === undefined) {
    if (set(env.HOLDFAST_API)) return fromUrl(env.HOLDFAST_API, options, env);
    if (set(env.HOLDFAST_REPO)) return fromRepo(env.HOLDFAST_REPO, options.token);
  }
  const up = await readUpRecord(env);
  if (up !== undefined) return fromUp(up, options);
  if (options.node !== undefined) {
    throw cliErrors.noNode({ looked: `no \`holdfast up\` runs, so there is no node ${options.node}` });
  }
  try {
    return await fromRepo(defaultRepo(env), options.token);
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause;
    throw cliErrors.noNode({ looked: `no \`holdfast up\` runs, and no node on ${defaultRepo(env)}` }, cause);
  }
}

const set = (text: string | undefined): text is string => text !== undefined && text !== "";

/** A token that is not given is read from the repo, if one is named. */
async function fromUrl(url: string, options: SessionOptions, env: Environment): Promise<ApiClient> {
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw cliErrors.badValue({ problem: `the API ${url} is not a URL such as http://127.0.0.1:3453` });
  }
  const repo = options.repo ?? env.HOLDFAST_REPO;
  const fromFile = set(repo) ? await readText(join(repo, "token")) : undefined;
  return createClient({
    url,
    token: options.token ?? env.HOLDFAST_TOKEN ?? fromFile ?? "",
    fetch: nodeFetch,
  });
}

async function fromRepo(repo: string, given: string | undefined): Promise<ApiClient> {
  const url = await readText(join(repo, "api"));
  const token = given ?? (await readText(join(repo, "token")));
  if (url === undefined || token === undefined) {
    throw cliErrors.noNode({ looked: `no node runs on the repo ${repo}` });
  }
  return createClient({ url, token, fetch: nodeFetch });
}

function fromUp(up: UpRecord, { node: name, token }: SessionOptions): ApiClient {
  const node = up.nodes.find((entry) => (name === undefined ? entry.role === "client" : entry.name === name));
  if (node === undefined) {
    const known = up.nodes.map((entry) => entry.name).join(", ");
    throw cliErrors.noSuchNode({ name: name ?? "client", known });
  }
  return createClient({ url: node.api, token: token ?? node.token, fetch: nodeFetch });
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return undefined;
  }
}
