/**
 * The folder of a set of idle files: it was empty or not there, and is so again unless the set was completed. While
 * it is being filled it has an entry `unfinished`, which is also how one process keeps another out; only one that is
 * killed leaves it there.
 */

import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "@holdfast/storage";
import { offlineErrors } from "./errors.ts";

const mark = "unfinished";

/** Errors of `work`, `proof/folder-in-use`, `proof/folder-failed`. */
export async function filling<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const made = await claimed(folder);
  try {
    const result = await work();
    await rmdir(join(folder, mark));
    return result;
  } catch (cause) {
    const names = made === undefined ? await readdir(folder) : [];
    for (const path of made === undefined ? names.map((name) => join(folder, name)) : [made]) {
      await rm(path, { recursive: true, force: true });
    }
    throw cause;
  }
}

/** The first folder that was not there before, if any. */
async function claimed(folder: string): Promise<string | undefined> {
  const asked = async <Result>(answer: Promise<Result>): Promise<Result> => {
    try {
      return await answer;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      throw offlineErrors.folderFailed({ folder, detail: code ?? message }, cause);
    }
  };
  const made = await asked(makeFolder(folder));
  if ((await asked(readdir(folder))).length > 0) throw offlineErrors.folderInUse({ folder });
  await asked(mkdir(join(folder, mark)));
  return made;
}
