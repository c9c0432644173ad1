/**
 * Files of the parameter folder. A file appears under its name only when it is whole and on the disk; what turns
 * out wrong is put aside under another name and never deleted: it may be the only evidence.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createBLAKE2b } from "hash-wasm";
import { paramsErrors } from "./errors.ts";

/** Size and digests of a file, in lower-case hex. */
export interface Digests {
  readonly sizeBytes: number;
  readonly blake2b256: string;
  readonly sha256: string;
}

const chunkBytes = 1_048_576;

export const detailOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);

/** Undefined if there is none. Error `params/unreadable`. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if (detailOf(cause) === "ENOENT") return undefined;
    throw paramsErrors.unreadable({ path, detail: detailOf(cause) }, cause);
  }
}

/**
 * Undefined if there is none. A plain array: the `slice` of a Buffer would share its bytes, and pure code takes it
 * for a copy. Error `params/unreadable`.
 */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    const { buffer, byteOffset, length } = await readFile(path);
    return new Uint8Array(buffer, byteOffset, length);
  } catch (cause) {
    if (detailOf(cause) === "ENOENT") return undefined;
    throw paramsErrors.unreadable({ path, detail: detailOf(cause) }, cause);
  }
}

/** Of a file of any size, in one pass. Error `params/unreadable`. */
export async function digestsOfFile(path: string, signal?: AbortSignal): Promise<Digests> {
  const blake = (await createBLAKE2b(256)).init();
  const sha = createHash("sha256");
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let sizeBytes = 0;
  try {
    await using file = await open(path, "r");
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      blake.update(chunk);
      sha.update(chunk);
      sizeBytes += bytesRead;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw paramsErrors.unreadable({ path, detail: detailOf(cause) }, cause);
  }
  return { sizeBytes, blake2b256: blake.digest("hex"), sha256: sha.digest("hex") };
}

/** Makes the folder if it is not there. Error `params/unwritable`. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw paramsErrors.unwritable({ path, detail: await reasonOfNone(path, cause) }, cause);
  }
}

/** Node says ENOENT of any folder that cannot be made; the reason lies in the first one above that exists. */
async function reasonOfNone(path: string, cause: unknown): Promise<string> {
  for (let at = dirname(path); detailOf(cause) === "ENOENT"; at = dirname(at)) {
    try {
      await access(at, constants.W_OK);
      break;
    } catch (found) {
      if (detailOf(found) !== "ENOENT" || at === dirname(at)) return detailOf(found);
    }
  }
  return detailOf(cause);
}

/** The whole content under its name, on the disk when this returns. Error `params/unwritable`. */
export async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const making = `${path}.making-${process.pid}`;
  try {
    await using file = await open(making, "w");
    await writeAll(file, content);
    await file.sync();
    await rename(making, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(making, { force: true });
    throw paramsErrors.unwritable({ path, detail: detailOf(cause) }, cause);
  }
}

/** Removes what this process began to write and did not finish. */
export async function removeUnfinished(folder: string): Promise<void> {
  const ending = `.making-${process.pid}`;
  for (const name of await readdir(folder)) {
    if (name.endsWith(ending)) await rm(join(folder, name), { force: true });
  }
}

export async function writeAll(file: FileHandle, content: Uint8Array): Promise<void> {
  for (let at = 0; at < content.length; ) at += (await file.write(content, at)).bytesWritten;
}

/** A finished part takes its name. */
export async function finishPart(part: string, path: string): Promise<void> {
  try {
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw paramsErrors.unwritable({ path, detail: detailOf(cause) }, cause);
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

/** Renames a file that is not what it should be, and gives its new name. Error `params/unwritable`. */
export function putAside(path: string, as = path): Promise<string> {
  return renameFreely(path, `${as}-invalid-digest`);
}

/**
 * Keeps a file, if it is there, whose place another is about to take: a network of this machine may live on the
 * proving key that is in it. Error `params/unwritable`.
 */
export async function keepReplaced(path: string): Promise<void> {
  if ((await sizeOf(path)) !== undefined) await renameFreely(path, `${path}-replaced`);
}

/** Renames to the first free name of a row, and gives it. */
async function renameFreely(path: string, as: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const aside = number === 1 ? as : `${as}-${number}`;
    if ((await sizeOf(aside)) !== undefined) continue;
    try {
      await rename(path, aside);
      return basename(aside);
    } catch (cause) {
      throw paramsErrors.unwritable({ path: aside, detail: detailOf(cause) }, cause);
    }
  }
}
