/** Where a node keeps the records of its sectors, and how they move: the folder's configuration follows. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/base";
import type { Storage, StorageOptions } from "@holdfast/storage";
import type { NodeJobs } from "./repo-jobs.ts";
import type { MoveRecords } from "./rpc/index.ts";

/** Stands for the node's own folder. */
const files = "files";

/** The file of the records in a node's folder. */
export function recordsFile(repo: string): string {
  return join(repo, "storage.db");
}

/** Where the records are, and where they were if no database had been named. */
export function placesOfRecords(
  repo: string,
  database: string,
): Pick<StorageOptions, "dbPath" | "recordsPath"> {
  const recordsPath = recordsFile(repo);
  return { dbPath: database === "" ? recordsPath : database, recordsPath };
}

/**
 * The jobs go the way of the records, after them: what is done again if they do not is jobs, and never a sector. One
 * move at a time; who asks for the one that is under way, its asker having gone, hears how it ends.
 */
export function recordsMover(
  repo: string,
  storage: Storage,
  jobs?: Pick<NodeJobs, "database" | "leave" | "moveTo">,
): MoveRecords {
  const move = async (to: string): Promise<MovedRecords> => {
    const database = to === files ? "" : to;
    await jobs?.leave(database);
    const report = await moveRows(storage, to === files ? recordsFile(repo) : to);
    // A kill before this line is told at the next start: the old database refuses, and names the key to change.
    await nameDatabase(join(repo, "config.toml"), database);
    await jobs?.moveTo(database);
    return report;
  };
  let last: { readonly to: string; readonly moved: Promise<MovedRecords> } | undefined;
  return async (to) => {
    if (last?.to === to) return await last.moved;
    const before = last?.moved;
    const moved = (async () => {
      await before?.catch(() => undefined); // its own asker is told
      return await move(to);
    })();
    const own = { to, moved };
    last = own;
    try {
      return await moved;
    } finally {
      if (last === own) last = undefined;
    }
  };
}

type MovedRecords = Awaited<ReturnType<MoveRecords>>;

/** Records that are there already are no error: their name may be another, and the jobs may have to follow still. */
async function moveRows(storage: Storage, to: string): Promise<MovedRecords> {
  try {
    return { ...(await storage.moveMetadata(to)), wasThere: false };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "storage/same-database") throw error;
    const place = String(error.data.dbPath);
    return { from: place, place, rowCount: 0, passCount: 0, wasThere: true };
  }
}

/** Changes one line of the configuration and leaves a person's other lines as they are. */
async function nameDatabase(path: string, database: string): Promise<void> {
  const line = `database = ${JSON.stringify(database)}`;
  const text = await readFile(path, "utf8");
  const [before = "", section = "", after = ""] = splitSection(text, "mining");
  const known = /^database *=.*$/m;
  const changed = known.test(section)
    ? section.replace(known, () => line)
    : section.replace(/^\[mining\].*$/m, (head) => `${head}\n${line}`);
  await writeFile(`${path}.new`, before + changed + after, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** What comes before a section, the section with its head, and what follows. */
function splitSection(text: string, name: string): readonly string[] {
  const start = text.search(new RegExp(`^\\[${name}\\]`, "m"));
  if (start < 0) return [`${text.trimEnd()}\n\n`, `[${name}]\n`, ""];
  const next = text.slice(start + 1).search(/^\[/m);
  const end = next < 0 ? text.length : start + 1 + next;
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}
