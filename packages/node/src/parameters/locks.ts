/** One maker per file: whoever comes second waits, and finds what the first has made. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { HoldfastError } from "@holdfast/base";
import { makeFolder } from "./files.ts";
import type { LockFolder, ParameterHooks } from "./needs.ts";

const waitMs = 150;

/** Folders like these stay as they are: nobody makes anything there, so nobody needs to be waited for. */
const readOnly = new Set(["EROFS", "EACCES", "EPERM"]);

/**
 * Runs `work` while this process holds the locks of all names in the folder. They are taken in one order
 * everywhere, so that two that want the same ones never wait for each other.
 */
export async function withLocks<Result>(
  { folder, lock }: { readonly folder: string; readonly lock: LockFolder },
  names: readonly string[],
  { signal, progress }: ParameterHooks,
  work: () => Promise<Result>,
): Promise<Result> {
  await using held = new AsyncDisposableStack();
  for (const name of [...new Set(names)].sort()) {
    const place = join(folder, ".locks", name);
    held.use(await locked(place));
  }
  return await work();

  async function locked(place: string): Promise<AsyncDisposable> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        await makeFolder(place);
        return await lock(place);
      } catch (cause) {
        if (isReadOnly(cause)) return new AsyncDisposableStack();
        const isHeld = cause instanceof HoldfastError && /^repo\/lock/.test(cause.code);
        if (!isHeld) throw cause;
        progress?.(`waiting for process ${cause.data.pid ?? "?"}, which makes the same`);
        await pause(waitMs, undefined, signal === undefined ? {} : { signal });
      }
    }
  }
}

const isReadOnly = (cause: unknown): boolean =>
  cause instanceof HoldfastError &&
  /^(params|repo)\/unwritable$/.test(cause.code) &&
  readOnly.has(String(cause.data.detail));
