/**
 * The real twin of the disk seam: files below one root of a local file system.
 * Invariant: what a resolved promise calls durable survives a power cut. A whole file is replaced by
 * temp, fsync, rename, fsync of the folder; a folder that was made is synced into its parent. A temp file
 * starts with a dot and ends with `.part`, so that a collector knows it after a crash.
 */
import { constants as fsConstants } from "node:fs";
import {
  type FileHandle,
  open,
  opendir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
} from "node:fs/promises";
import path from "node:path";
import { threadId } from "node:worker_threads";
import { type Disk, type DiskFile, diskErrors, diskPathSegments, type OpenHints } from "@holdfast/base";
import { makeFolder } from "./make-folder.ts";
import { OpenFile, writeAll } from "./open-file.ts";
import { guarded, isMissing, systemCode } from "./system-errors.ts";
import { type OpenDirect, openDirect, UncachedFile } from "./uncached-file.ts";

/**
 * What is synced side by side: the system writes their data down together and commits its journal once for all of them,
 * while one by one it commits for each. One of the four threads of the pool is left to others.
 */
const syncsAtOnce = 3;
/** Names that are read from a folder at once. */
const namesAtOnce = 256;

export interface NodeDisk extends Disk {
  /** The absolute path of the root. */
  readonly root: string;
}

export interface NodeDiskOptions {
  /** The way past the cache of files; that of the system if left out. */
  readonly openDirect?: OpenDirect;
}

/**
 * A disk whose root is the folder `root`; the folder is made with the first file in it.
 * Fails as the seam says: disk/bad-path, not-found, not-a-file, not-a-folder, full, io, read-only, closed.
 */
export function openNodeDisk(root: string, options: NodeDiskOptions = {}): NodeDisk {
  return new RootedDisk(path.resolve(root), options.openDirect ?? openDirect);
}

/** Whether a name is that of a half-written file of this disk. */
export function isPartName(name: string): boolean {
  return name.startsWith(".") && name.endsWith(".part");
}

let partCount = 0;

class RootedDisk implements NodeDisk {
  readonly root: string;
  readonly #openDirect: OpenDirect;

  constructor(root: string, direct: OpenDirect) {
    this.root = root;
    this.#openDirect = direct;
  }

  async readFile(relative: string): Promise<Uint8Array | undefined> {
    const full = this.#full(relative);
    return await guarded("reading", relative, async () => {
      try {
        const bytes = await readFile(full);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  writeFile(relative: string, bytes: Uint8Array): Promise<void> {
    // The caller may change its array as soon as the call returns.
    return this.#replace(relative, bytes.slice(), true);
  }
  writeCopy(relative: string, bytes: Uint8Array): Promise<void> {
    return this.#replace(relative, bytes, false);
  }
  async settle(files: readonly string[]): Promise<void> {
    const folders = new Map(files.map((relative) => [path.dirname(this.#full(relative)), relative]));
    await someAtOnce(files, (relative) => guarded("syncing", relative, () => syncPath(this.#full(relative))));
    await someAtOnce([...folders], ([folder, relative]) =>
      guarded("syncing", relative, () => syncFolder(folder)),
    );
  }

  async #replace(relative: string, bytes: Uint8Array, isDurable: boolean): Promise<void> {
    const full = this.#full(relative);
    const folder = path.dirname(full);
    const part = path.join(folder, `.${process.pid}-${threadId}-${partCount++}-${shortName(full)}.part`);
    await guarded("writing", relative, async () => {
      try {
        const handle = await openIn(folder, part);
        try {
          await writeAll(handle, bytes, 0);
          if (isDurable) await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(part, full);
      } catch (error) {
        await rm(part, { force: true }).catch(() => undefined);
        throw error;
      }
      if (isDurable) await syncFolder(folder);
    });
  }

  async open(relative: string, mode: "read" | "write" | "create", hints: OpenHints = {}): Promise<DiskFile> {
    const full = this.#full(relative);
    return await guarded("opening", relative, async () => {
      const handle = await (mode === "create" ? created(full) : opened(full, relative, mode));
      const isWritable = mode !== "read";
      const file = new OpenFile(relative, handle, isWritable);
      if (hints.isUncached !== true) return file;
      return new UncachedFile(relative, file, await this.#openDirect(handle.fd, isWritable));
    });
  }

  async list(folder: string): Promise<string[]> {
    const full = this.#full(folder, { folder: true });
    return await guarded("listing", folder, async () => {
      try {
        return (await readdir(full)).sort();
      } catch (error) {
        if (systemCode(error) === "ENOENT") return [];
        throw error;
      }
    });
  }

  async *names(folder: string): AsyncGenerator<string, void, undefined> {
    const full = this.#full(folder, { folder: true });
    const found = await guarded("listing", folder, async () => {
      try {
        return await opendir(full, { bufferSize: namesAtOnce });
      } catch (error) {
        if (systemCode(error) === "ENOENT") return undefined;
        throw error;
      }
    });
    if (found === undefined) return;
    await using folderHandle = found;
    for (;;) {
      const entry = await guarded("listing", folder, () => folderHandle.read());
      if (entry === null) return;
      yield entry.name;
    }
  }

  async remove(relative: string): Promise<void> {
    const full = this.#full(relative);
    await guarded("removing", relative, async () => {
      try {
        await rm(full, { recursive: true, force: true });
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#full(from);
    const target = this.#full(to);
    await guarded("renaming", from, async () => {
      const kind = await kindOf(source);
      if (kind === undefined) throw diskErrors.notFound({ path: from });
      if (source === target) return;
      if (to.startsWith(`${from}/`)) throw diskErrors.badPath({ path: to, reason: `lies below "${from}"` });
      const inTheWay = await kindOf(target);
      if (inTheWay === "folder") throw diskErrors.notAFile({ path: to });
      if (inTheWay === "file" && kind === "folder") throw diskErrors.notAFolder({ path: to });
      await makeDurable(path.dirname(target));
      await rename(source, target);
      await syncFolder(path.dirname(target));
      if (path.dirname(source) !== path.dirname(target)) await syncFolder(path.dirname(source));
    });
  }

  async sizeBytes(relative: string): Promise<number | undefined> {
    const full = this.#full(relative);
    return await guarded("measuring", relative, async () => {
      try {
        const found = await stat(full);
        return found.isFile() ? found.size : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async freeBytes(): Promise<number> {
    return await guarded("measuring", "", async () => {
      await makeDurable(this.root);
      const found = await statfs(this.root);
      return found.bavail * found.bsize;
    });
  }

  nativePath(relative: string): string {
    return this.#full(relative, { folder: true });
  }

  #full(relative: string, options?: { readonly folder: boolean }): string {
    return path.join(this.root, ...diskPathSegments(relative, options));
  }
}

async function opened(full: string, relative: string, mode: "read" | "write"): Promise<FileHandle> {
  const handle = await open(full, mode === "read" ? "r" : "r+");
  try {
    if ((await handle.stat()).isFile()) return handle;
    throw diskErrors.notAFile({ path: relative });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function created(full: string): Promise<FileHandle> {
  const folder = path.dirname(full);
  await makeDurable(folder);
  const handle = await open(full, fsConstants.O_RDWR | fsConstants.O_CREAT | fsConstants.O_TRUNC, 0o644);
  try {
    await syncFolder(folder);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function kindOf(full: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(full)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Makes a folder and makes each new level durable in the level above it. */
async function makeDurable(folder: string): Promise<void> {
  const first = await makeFolder(folder);
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) {
    await syncFolder(path.dirname(made));
  }
}

/** A new file for writing; most of the time its folder is there, and is not asked for first. */
async function openIn(folder: string, file: string): Promise<FileHandle> {
  try {
    return await open(file, "w");
  } catch (error) {
    if (!isMissing(error)) throw error;
    await makeDurable(folder);
    return await open(file, "w");
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // Windows has no handle to sync on a folder; NTFS journals names
  await syncPath(folder);
}

/** Ends when none is under way any more, with the first failure. */
async function someAtOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  const turns = Array.from({ length: syncsAtOnce }, async () => {
    for (const item of rest) await work(item);
  });
  for (const turn of await Promise.allSettled(turns)) if (turn.status === "rejected") throw turn.reason;
}

/** What is gone meanwhile need not stay. */
async function syncPath(full: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(full, process.platform === "win32" ? "r+" : "r");
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A temp name must fit beside a file whose own name is as long as names may be. */
function shortName(full: string): string {
  return Array.from(path.basename(full)).slice(-40).join("");
}
