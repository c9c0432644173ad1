/**
 * A folder with all that lead to it. Node's own way of doing this asks for ever where a folder takes no new ones and
 * says that it is not there, as those of /proc do: each level is asked for once here.
 */
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** The first folder that was not there before, if any. Throws what the system says. */
export async function makeFolder(folder: string, mode = 0o777): Promise<string | undefined> {
  const missing: string[] = [];
  let at = path.resolve(folder);
  for (; path.dirname(at) !== at && !(await isFolder(at)); at = path.dirname(at)) missing.push(at);
  let first: string | undefined;
  for (const one of missing.reverse()) {
    try {
      await mkdir(one, mode);
      first ??= one;
    } catch (error) {
      // Somebody else may have been quicker.
      if (codeOf(error) !== "EEXIST" || !(await isFolder(one))) throw error;
    }
  }
  return first;
}
