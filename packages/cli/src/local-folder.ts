/**
 * Folders of this machine, there and back. Names are taken in order, so that the same folder gives the same stream.
 * Invariants: what is written lies in one folder that did not exist before, under names that were checked; a
 * symbolic link is stored as what it says, and never made or followed when a folder is fetched.
 */
import { lstat, mkdir, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { FolderItem } from "@holdfast/api/folder-tar";
import { cliErrors, systemDetail } from "./errors.ts";
import { readFileBytes } from "./local-file.ts";

export interface FolderOptions {
  /** Leave out what begins with a dot, as `ipfs add` does. */
  readonly skipHidden: boolean;
}

export interface FolderSize {
  readonly files: number;
  readonly sizeBytes: number;
}

interface Seen {
  readonly path: readonly string[];
  readonly kind: "file" | "folder" | "symlink";
  readonly sizeBytes: number;
}

/** Errors `cli/unreadable`, `cli/special-file`. */
export async function measureFolder(folder: string, options: FolderOptions): Promise<FolderSize> {
  let files = 0;
  let sizeBytes = 0;
  for await (const seen of below(folder, [], options)) {
    if (seen.kind === "file") files += 1;
    sizeBytes += seen.sizeBytes;
  }
  return { files, sizeBytes };
}

/** Errors as `measureFolder`, also in the middle of a file. */
export async function* readFolder(
  folder: string,
  options: FolderOptions,
  onProgress: (readBytes: number) => void,
): AsyncGenerator<FolderItem, void, undefined> {
  let before = 0;
  for await (const { path, kind, sizeBytes } of below(folder, [], options)) {
    const at = join(folder, ...path);
    if (kind === "folder") yield { kind, path };
    else if (kind === "symlink") yield { kind, path, target: await onDisk(at, () => readlink(at)) };
    else {
      const start = before;
      const bytes =
        sizeBytes === 0 ? nothing() : readFileBytes(at, (readBytes) => onProgress(start + readBytes));
      yield { kind, path, sizeBytes, bytes };
      before += sizeBytes;
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

async function* below(
  folder: string,
  path: readonly string[],
  options: FolderOptions,
): AsyncGenerator<Seen, void, undefined> {
  const here = join(folder, ...path);
  const names = await onDisk(here, () => readdir(here));
  for (const name of names.sort()) {
    if (options.skipHidden && name.startsWith(".")) continue;
    const at = join(here, name);
    const found = await onDisk(at, () => lstat(at));
    const next = [...path, name];
    if (found.isDirectory()) {
      yield { path: next, kind: "folder", sizeBytes: 0 };
      yield* below(folder, next, options);
    } else if (found.isSymbolicLink()) yield { path: next, kind: "symlink", sizeBytes: 0 };
    else if (found.isFile()) yield { path: next, kind: "file", sizeBytes: found.size };
    else throw cliErrors.specialFile({ path: at });
  }
}

export interface WrittenFolder extends FolderSize {
  /** Symbolic links, which are not made. */
  readonly leftOut: readonly string[];
}

/** `folder` must not exist. Errors `cli/unwritable`, `cli/unsafe-name`, and those of the items. */
export async function writeFolder(
  items: AsyncIterable<FolderItem>,
  folder: string,
  onProgress: (writtenBytes: number) => void,
): Promise<WrittenFolder> {
  await onDisk(folder, () => mkdir(folder), "unwritable");
  const leftOut: string[] = [];
  let files = 0;
  let sizeBytes = 0;
  for await (const item of items) {
    const unsafe = item.path.length === 0 || item.path.some(isUnsafe);
    if (unsafe) throw cliErrors.unsafeName({ path: item.path.join("/") });
    const at = join(folder, ...item.path);
    if (item.kind === "symlink") leftOut.push(item.path.join("/"));
    else if (item.kind === "folder") await onDisk(at, () => mkdir(at), "unwritable");
    else {
      const { bytes } = item;
      await using file = await onDisk(at, () => open(at, "wx"), "unwritable");
      for await (const chunk of bytes) {
        await onDisk(at, () => file.writeFile(chunk), "unwritable");
        sizeBytes += chunk.length;
        onProgress(sizeBytes);
      }
      files += 1;
    }
  }
  return { files, sizeBytes, leftOut };
}

/** Names that lead elsewhere on some system. */
function isUnsafe(name: string): boolean {
  return name === "" || name === "." || name === ".." || /[/\\\0]/.test(name);
}

async function onDisk<Result>(
  path: string,
  work: () => Promise<Result>,
  failure: "unreadable" | "unwritable" = "unreadable",
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw cliErrors[failure]({ path, detail: systemDetail(cause) }, cause);
  }
}
