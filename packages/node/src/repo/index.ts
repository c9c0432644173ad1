/**
 * A node's folder on disk: version, configuration, lock, token, keys and stores. Whoever holds the
 * lock owns the folder; everybody else talks to its API with the token that lies in it.
 */
import { randomBytes } from "node:crypto";
import { chmod, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { utf8Text } from "@holdfast/base";
import { makeFolder } from "@holdfast/storage";
import { defaultConfig, type NodeConfig, readConfig, writeConfig } from "./config.ts";
import { repoErrors } from "./errors.ts";
import { lockHolder, lockRepo, type RepoLock } from "./lock.ts";

export { configSchema, defaultConfig, type NodeConfig, readConfig } from "./config.ts";
export { repoErrors } from "./errors.ts";
export { lockHolder, lockRepo, type RepoLock } from "./lock.ts";
export type { RepoNeeds } from "./needs.ts";

/** Layout of the folder; a change that older programs cannot read raises it. */
export const repoVersion = "1";

export interface RepoPaths {
  readonly root: string;
  readonly chain: string;
  readonly database: string;
  readonly keystore: string;
  readonly storage: string;
  readonly genesis: string;
}

export interface Repo extends AsyncDisposable {
  readonly paths: RepoPaths;
  readonly config: NodeConfig;
  readonly token: string;
  /** The network's genesis file. Error `repo/part-missing`. */
  genesis(): Promise<Uint8Array>;
  /** Called when the API listens: writes the `api` file and the lock's note. */
  announce(api: string): Promise<void>;
}

export function repoPaths(root: string): RepoPaths {
  return {
    root,
    chain: join(root, "chain"),
    database: join(root, "node.db"),
    keystore: join(root, "keystore"),
    storage: join(root, "sectors"),
    genesis: join(root, "genesis.car"),
  };
}

/** Error `repo/exists`; whoever makes a repo with much work before asks first. */
export async function checkVacant(root: string): Promise<void> {
  if (await exists(join(root, "version"))) throw repoErrors.exists({ path: root });
}

/** Makes a repo; errors `repo/exists`, `repo/unwritable`. */
export async function initRepo(
  root: string,
  content: { readonly config?: NodeConfig; readonly genesis: Uint8Array },
): Promise<void> {
  await checkVacant(root);
  try {
    await makeFolder(root, 0o700);
    await makeFolder(join(root, "keystore"), 0o700);
    await makeFolder(join(root, "sectors"));
    await writeWhole(join(root, "config.toml"), writeConfig(content.config ?? defaultConfig()));
    await writeWhole(join(root, "genesis.car"), content.genesis);
    await writeWhole(join(root, "token"), randomBytes(32).toString("hex"), 0o600);
    // Written last: a folder with a version is complete.
    await writeWhole(join(root, "version"), `${repoVersion}\n`);
  } catch (cause) {
    throw repoErrors.unwritable(
      { path: root, detail: cause instanceof Error ? cause.message : String(cause) },
      cause,
    );
  }
}

/** Errors: `repo/not-found`, `repo/wrong-version`, `repo/locked`, `repo/bad-config`, `repo/part-missing`. */
export async function openRepo(root: string): Promise<Repo> {
  await checkVersion(root);
  const lock: RepoLock = await lockRepo(root);
  try {
    const paths = repoPaths(root);
    const configPath = join(root, "config.toml");
    const config = readConfig(utf8Text(await readPart(root, "config.toml")), configPath);
    const token = utf8Text(await readPart(root, "token")).trim();
    return {
      paths,
      config,
      token,
      genesis: () => readPart(root, "genesis.car"),
      async announce(api) {
        await writeWhole(join(root, "api"), `${api}\n`);
        await lock.announce(api);
      },
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** Where the running node of a repo listens; errors `repo/not-found`, `repo/unknown-node`. */
export async function runningNode(root: string): Promise<{ readonly api: string; readonly token: string }> {
  await checkVersion(root);
  const holder = await lockHolder(root);
  if (holder === undefined || holder.api === "") throw repoErrors.unknownNode({ path: root });
  return { api: holder.api, token: utf8Text(await readPart(root, "token")).trim() };
}

/** A file without which a folder is no repo. Errors: `repo/part-missing`, `repo/unreadable`. */
async function readPart(root: string, part: keyof typeof partFixes): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(join(root, part)));
  } catch (cause) {
    const path = join(root, part);
    const detail = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (detail !== "ENOENT") throw repoErrors.unreadable({ path, detail }, cause);
    throw repoErrors.partMissing({ path, fix: partFixes[part] }, cause);
  }
}

const partFixes = {
  "config.toml":
    "restore it from a backup, or copy the one of a fresh `holdfast init` and set its keys again",
  token:
    "write a new one, which only you can read: `(umask 077; openssl rand -hex 32 > token)` in that folder",
  "genesis.car": "copy it from any node of the network: it is the same for all",
} as const;

async function checkVersion(root: string): Promise<void> {
  let found: string;
  try {
    found = (await readFile(join(root, "version"), "utf8")).trim();
  } catch (cause) {
    throw repoErrors.notFound({ path: root }, cause);
  }
  if (found !== repoVersion) {
    throw repoErrors.wrongVersion({ path: root, found: found.slice(0, 32), expected: repoVersion });
  }
}

async function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const next = `${path}.next`;
  await writeFile(next, content, { mode, flush: true });
  await chmod(next, mode);
  await rename(next, path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
