/**
 * What a running `holdfast up` leaves for other commands, so that they find its nodes without being told:
 * `up.json` in the default repo, readable by its owner only. It is removed when the network stops; one that
 * was left by a killed process is not believed.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Environment } from "./command.ts";
import { cliErrors, systemDetail } from "./errors.ts";
import { isRunning } from "./running.ts";

const upRecord = z.object({
  pid: z.int(),
  nodes: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      api: z.string(),
      token: z.string(),
      repo: z.string(),
    }),
  ),
});
export type UpRecord = z.output<typeof upRecord>;

export function defaultRepo(env: Environment): string {
  return join(env.HOME ?? homedir(), ".holdfast");
}
export function upRecordPath(env: Environment): string {
  return join(defaultRepo(env), "up.json");
}

/** The record of a network that runs now. */
export async function readUpRecord(env: Environment): Promise<UpRecord | undefined> {
  try {
    const record = upRecord.parse(JSON.parse(await readFile(upRecordPath(env), "utf8")));
    return isRunning(record.pid) ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The latest network is the one that commands find; when it stops, the one before it, if that still runs.
 * Each takes back only its own record. Error `cli/unwritable`.
 */
export async function leaveUpRecord(env: Environment, nodes: UpRecord["nodes"]): Promise<AsyncDisposable> {
  const path = upRecordPath(env);
  const earlier = await readUpRecord(env);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeRecord(path, { pid: process.pid, nodes });
  } catch (cause) {
    throw cliErrors.unwritable({ path, detail: systemDetail(cause) }, cause);
  }
  return {
    async [Symbol.asyncDispose]() {
      const found = await readUpRecord(env);
      if (found?.pid !== process.pid) return;
      if (earlier !== undefined && isRunning(earlier.pid)) await writeRecord(path, earlier);
      else await rm(path, { force: true });
    },
  };
}

async function writeRecord(path: string, record: UpRecord): Promise<void> {
  const next = `${path}.${process.pid}`;
  await writeFile(next, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(next, path);
}
