/** Files of this machine: looked at before anything is asked of a node, and read so that failures are typed. */
import { constants } from "node:fs";
import { access, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { cliErrors, systemDetail } from "./errors.ts";
import { isRunning } from "./running.ts";

/** Size of a regular file with at least one byte. Errors: `cli/file-missing`, `cli/not-a-file`, `cli/file-empty`. */
export async function sizeOfFile(path: string): Promise<number> {
  const found = await statOf(path);
  if (found === undefined) throw cliErrors.fileMissing({ path });
  if (!found.isFile) throw cliErrors.notAFile({ path });
  if (found.sizeBytes === 0) throw cliErrors.fileEmpty({ path });
  return found.sizeBytes;
}

export interface Found {
  readonly isFile: boolean;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
}

/** Undefined if nothing has this name; error `cli/unreadable` if that cannot be told. */
export async function statOf(path: string): Promise<Found | undefined> {
  try {
    const found = await stat(path);
    return { isFile: found.isFile(), isFolder: found.isDirectory(), sizeBytes: found.size };
  } catch (cause) {
    const detail = systemDetail(cause);
    if (detail === "ENOENT" || detail === "ENOTDIR") return undefined;
    throw cliErrors.unreadable({ path, detail }, cause);
  }
}

/** The bytes of a file, and how far reading is. Error `cli/unreadable`, also in the middle. */
export async function* readFileBytes(
  path: string,
  onProgress: (readBytes: number) => void,
): AsyncIterable<Uint8Array> {
  let readBytes = 0;
  try {
    await using file = await open(path, "r");
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 262_144 })) {
      readBytes += chunk.length;
      onProgress(readBytes);
      yield chunk;
    }
  } catch (cause) {
    throw cliErrors.unreadable({ path, detail: systemDetail(cause) }, cause);
  }
}

/** Double: one is read into while the other is worked on. */
const chunkBytes = 1_048_576;

/**
 * The bytes of a file of any length in two buffers that are used again: a chunk is gone when the next is asked
 * for. Pipes are files too. Errors `cli/file-missing`, `cli/not-a-file`, `cli/unreadable`.
 */
export async function* fileChunks(
  path: string,
  onProgress: (readBytes: number, sizeBytes: number) => void,
): AsyncIterable<Uint8Array> {
  const found = await statOf(path);
  if (found === undefined) throw cliErrors.fileMissing({ path });
  if (found.isFolder) throw cliErrors.notAFile({ path });
  const buffers = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)] as const;
  try {
    await using file = await open(path, "r");
    let readBytes = 0;
    let next = file.read(buffers[0]);
    for (let turn = 1; ; turn += 1) {
      const { bytesRead, buffer } = await next;
      if (bytesRead === 0) return;
      next = file.read(turn % 2 === 0 ? buffers[0] : buffers[1]);
      next.catch(() => undefined); // it is awaited in its turn
      readBytes += bytesRead;
      onProgress(readBytes, found.sizeBytes);
      yield buffer.subarray(0, bytesRead);
    }
  } catch (cause) {
    throw cliErrors.unreadable({ path, detail: systemDetail(cause) }, cause);
  }
}

/**
 * A whole small file, or standard input for `-`. Errors as `fileChunks`, and `cli/too-large` above `mostBytes`.
 */
export async function readWhole(
  path: string,
  stdin: AsyncIterable<Uint8Array>,
  mostBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of path === "-" ? stdin : fileChunks(path, () => undefined)) {
    size += chunk.length;
    if (size > mostBytes) throw cliErrors.tooLarge({ path: path === "-" ? "the input" : path, mostBytes });
    chunks.push(new Uint8Array(chunk)); // not slice(): on a Buffer that is a view of what is read into again
  }
  return Buffer.concat(chunks);
}

/** Errors: those of `readWhole`, and `cli/evidence-empty`. */
export async function readEvidence(...from: Parameters<typeof readWhole>): Promise<Uint8Array> {
  const evidence = await readWhole(...from);
  if (evidence.length === 0) throw cliErrors.evidenceEmpty({ path: from[0] });
  return evidence;
}

/**
 * Error `cli/file-exists` where what is written cannot take the place of what is there: a folder, a device, a pipe;
 * without `force` anything.
 */
export async function checkReplaceable(path: string, force = true): Promise<void> {
  const found = await statOf(path);
  if (found !== undefined && !(force && found.isFile)) throw cliErrors.fileExists({ path });
}

/** Where a file is until it is complete: beside the place that it is for, so that it can be renamed. */
export function partOf(path: string): string {
  return `${path}.${process.pid}.part`;
}

const partName = /^([1-9]\d*)(?:\.\d+)?\.part$/;

/** Takes away what programs that were killed have left of a file that they were writing, as far as it lets itself. */
export async function clearParts(path: string): Promise<void> {
  const [folder, start] = [dirname(path), `${basename(path)}.`];
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = name.startsWith(start) ? partName.exec(name.slice(start.length))?.[1] : undefined;
    if (pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

/** Writes a whole file under its name only when it is complete. Errors `cli/file-exists`, `cli/unwritable`. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await checkReplaceable(path);
  const part = partOf(path);
  try {
    await writeFile(part, content, { flush: true });
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    throw cliErrors.unwritable({ path, detail: systemDetail(cause) }, cause);
  }
}

/** Error `cli/unwritable`: better now than when the work is done. */
export async function checkFolderWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw cliErrors.unwritable({ path: folder, detail: systemDetail(cause) }, cause);
  }
}

/** Under its name only when it is whole. Errors: `cli/unwritable`, and those of the bytes. */
export async function streamToFile(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  onProgress: (writtenBytes: number) => void,
): Promise<number> {
  const part = `${path}.part`;
  const onDisk = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (cause) {
      throw cliErrors.unwritable({ path: part, detail: systemDetail(cause) }, cause);
    }
  };
  let written = 0;
  try {
    await using file = await onDisk(() => open(part, "w"));
    for await (const chunk of bytes) {
      await onDisk(() => file.writeFile(chunk));
      written += chunk.length;
      onProgress(written);
    }
    await onDisk(() => file.sync());
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await onDisk(() => rename(part, path));
  return written;
}
