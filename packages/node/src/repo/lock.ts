/**
 * The lock of a repo: a file that names its holder. A live holder refuses others and says how to reach
 * it; a stale one (the process is gone, or its number was given to another process) heals by itself.
 * Made by link(2), which is atomic: two starting nodes cannot both win.
 */
import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { repoErrors } from "./errors.ts";

const holderSchema = z.object({ pid: z.int().min(1), started: z.string(), api: z.string() });
export type LockHolder = z.output<typeof holderSchema>;

export interface RepoLock extends AsyncDisposable {
  /** Tells others where the API of the holder listens. */
  announce(api: string): Promise<void>;
}

const lockName = "lock";
/** Looks at a lock that is stale, or healed by another program just now, before it gives up. */
const healAttempts = 20;
/** Healing is two calls of the file system. */
const healPauseMs = 20;

/** Errors: `repo/locked` with the holder's pid and API, `repo/lock-contended`, `repo/unwritable`. */
export async function lockRepo(path: string): Promise<RepoLock> {
  const lockPath = join(path, lockName);
  const { started = "" } = await statOf(process.pid);
  const mine: LockHolder = { pid: process.pid, started, api: "" };
  for (let attempt = 0; attempt < healAttempts; attempt += 1) {
    if (await tryLock(path, lockPath, mine)) return heldLock(path, lockPath, mine);
    const holder = await readHolder(lockPath);
    if (holder === "gone") continue;
    if (holder !== "unreadable" && (await isAlive(holder))) {
      throw repoErrors.locked({ path, pid: holder.pid, api: holder.api });
    }
    await heal(path, lockPath, mine);
  }
  throw repoErrors.lockContended({ path });
}

/** The live holder of a repo's lock, if there is one. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const holder = await readHolder(join(path, lockName));
  if (holder === "gone" || holder === "unreadable") return undefined;
  return (await isAlive(holder)) ? holder : undefined;
}

function heldLock(path: string, lockPath: string, mine: LockHolder): RepoLock {
  return {
    async announce(api) {
      const next = temporary(path);
      await writeFile(next, JSON.stringify({ ...mine, api }));
      await rename(next, lockPath);
    },
    async [Symbol.asyncDispose]() {
      const holder = await readHolder(lockPath);
      const ours = holder !== "gone" && holder !== "unreadable" && holder.pid === mine.pid;
      if (ours) await unlink(lockPath);
    },
  };
}

async function tryLock(path: string, lockPath: string, holder: LockHolder): Promise<boolean> {
  const candidate = temporary(path);
  try {
    await writeFile(candidate, JSON.stringify(holder));
    await link(candidate, lockPath);
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw repoErrors.unwritable({ path, detail: codeOf(cause) }, cause);
  } finally {
    await rm(candidate, { force: true });
  }
}

/**
 * Removes a stale lock. Under a lock of its own: between reading a stale lock and removing it another
 * program may have healed it and hold it by now.
 */
async function heal(path: string, lockPath: string, mine: LockHolder): Promise<void> {
  const healing = `${lockPath}.healing`;
  if (await tryLock(path, healing, mine)) {
    try {
      if (await isStale(lockPath)) await rm(lockPath, { force: true });
    } finally {
      await rm(healing, { force: true });
    }
  } else if (await isStale(healing)) {
    await rm(healing, { force: true });
  } else {
    await pause(healPauseMs);
  }
}

async function isStale(lockPath: string): Promise<boolean> {
  const holder = await readHolder(lockPath);
  return holder === "unreadable" || (holder !== "gone" && !(await isAlive(holder)));
}

async function readHolder(lockPath: string): Promise<LockHolder | "gone" | "unreadable"> {
  let text: string;
  try {
    text = await readFile(lockPath, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return "gone";
    throw cause;
  }
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return "unreadable";
  }
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (cause) {
    if (codeOf(cause) !== "EPERM") return false;
  }
  const { state = "", started = "" } = await statOf(holder.pid);
  // Dead, only its parent has not asked for its exit code; in a container often nobody ever does.
  if (state === "Z" || state === "X") return false;
  return started === "" || holder.started === "" || started === holder.started;
}

/** State, and start time in clock ticks since boot (proc(5), fields 3 and 22); nothing without /proc. */
async function statOf(pid: number): Promise<{ readonly state?: string; readonly started?: string }> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", started: fields[19] ?? "" };
  } catch {
    return {};
  }
}

const temporary = (path: string): string =>
  join(path, `.lock-${process.pid}-${randomBytes(6).toString("hex")}`);

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
