/** Files of this machine: looked at before anything is asked of a node, and read so that failures are typed. */
import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { cliErrors, systemDetail } from "./errors.ts";

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

/** Error `cli/unwritable`: better now than when the work is done. */
export async function checkFolderWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw cliErrors.unwritable({ path: folder, detail: systemDetail(cause) }, cause);
  }
}
