/**
 * What a put stores: a file, a folder, several of both in one, or standard input. Each is one stream of bytes, the last
 * but two of them as tar; what is on a disk can be read twice, so that its digest is known before it is encrypted.
 */
import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import { type FolderItem, folderToTar } from "@holdfast/api/folder-tar";
import { cliErrors } from "./errors.ts";
import { readFileBytes, sizeOfFile, statOf } from "./local-file.ts";
import { type FolderOptions, measureFolder, readFolder } from "./local-folder.ts";

export interface PutSource {
  /** Under which the node knows it. */
  readonly name: string;
  /** For messages. */
  readonly label: string;
  /** Where its receipt goes if nobody says where; undefined if there is no file to lay it beside. */
  readonly receiptPath: string | undefined;
  /** Of all contents; undefined of a stream whose end nobody knows. */
  readonly sizeBytes: number | undefined;
  /** How the bytes are to be read: as those of a file, or as a folder's tar stream. */
  readonly kind: "file" | "folder";
  /** From the beginning, as often as it is asked for; of standard input once. */
  open(onProgress: (readBytes: number) => void): AsyncIterable<Uint8Array>;
}

export interface SourceOptions extends FolderOptions {
  /** Instead of the file's own. */
  readonly name?: string | undefined;
}

/** Errors: `cli/file-missing`, `cli/not-a-file`, `cli/file-empty`, `cli/special-file`, `cli/bad-value`. */
export async function putSource(
  paths: readonly string[],
  stdin: AsyncIterable<Uint8Array>,
  options: SourceOptions,
): Promise<PutSource> {
  const [path = "", ...more] = paths;
  if (more.length > 0) return manySource(paths, options);
  if (path === "-") return inputSource(stdin, options);
  const at = resolve(path);
  const name = options.name ?? basename(at);
  const receiptPath = `${path.replace(/\/+$/, "")}.receipt.json`;
  const found = await statOf(at);
  if (found?.isFolder !== true) {
    const sizeBytes = await sizeOfFile(path);
    const open: PutSource["open"] = (onProgress) => readFileBytes(at, onProgress);
    return { name, label: at, receiptPath, sizeBytes, kind: "file", open };
  }
  const { sizeBytes } = await measureFolder(at, options);
  const open: PutSource["open"] = (onProgress) => folderToTar(readFolder(at, options, onProgress));
  return { name, label: at, receiptPath, sizeBytes, kind: "folder", open };
}

function inputSource(stdin: AsyncIterable<Uint8Array>, { name = "stdin" }: SourceOptions): PutSource {
  const open = async function* (onProgress: (readBytes: number) => void): AsyncGenerator<Uint8Array> {
    let readBytes = 0;
    for await (const chunk of stdin) {
      readBytes += chunk.length;
      onProgress(readBytes);
      yield Uint8Array.from(chunk); // its buffer is read into again
    }
  };
  const label = "standard input";
  return { name, label, receiptPath: undefined, sizeBytes: undefined, kind: "file", open };
}

/** Each under its own name, in one folder. */
async function manySource(paths: readonly string[], options: SourceOptions): Promise<PutSource> {
  const seen = new Map<string, string>();
  let sizeBytes = 0;
  for (const path of paths) {
    if (path === "-") throw cliErrors.badValue({ problem: "standard input is stored alone" });
    const name = basename(resolve(path));
    const other = seen.get(name);
    if (other !== undefined) {
      throw cliErrors.badValue({
        problem: `${other} and ${path} would both be ${name}: they go into one folder`,
      });
    }
    seen.set(name, path);
    const found = await statOf(path);
    const isFolder = found?.isFolder === true;
    // Beside others an empty file is something.
    const fileBytes = found?.isFile === true ? found.sizeBytes : undefined;
    sizeBytes += isFolder
      ? (await measureFolder(path, options)).sizeBytes
      : (fileBytes ?? (await sizeOfFile(path)));
  }
  const [first = ""] = seen.keys();
  return {
    name: options.name ?? `${first} and ${paths.length - 1} more`,
    label: `${paths.length} files`,
    receiptPath: undefined,
    sizeBytes,
    kind: "folder",
    open: (onProgress) => folderToTar(itemsOf(paths, options, onProgress)),
  };
}

async function* itemsOf(
  paths: readonly string[],
  options: FolderOptions,
  onProgress: (readBytes: number) => void,
): AsyncGenerator<FolderItem, void, undefined> {
  let before = 0;
  for (const path of paths) {
    const start = before;
    const at = resolve(path);
    const name = basename(at);
    const found = await statOf(at);
    if (found?.isFolder !== true) {
      const sizeBytes = found?.sizeBytes ?? (await sizeOfFile(path));
      before += sizeBytes;
      yield {
        kind: "file",
        path: [name],
        sizeBytes,
        bytes: readFileBytes(at, (readBytes) => onProgress(start + readBytes)),
      };
      continue;
    }
    yield { kind: "folder", path: [name] };
    let last = 0;
    const below = readFolder(at, options, (readBytes) => {
      last = readBytes;
      onProgress(start + readBytes);
    });
    for await (const item of below) yield { ...item, path: [name, ...item.path] };
    before = start + last;
  }
}

/** SHA-256 in hex of what `open` gives; undefined for what can be read once only. */
export async function digestOf(
  source: PutSource,
  onProgress: (readBytes: number) => void,
): Promise<string | undefined> {
  if (source.sizeBytes === undefined) return undefined;
  const hash = createHash("sha256");
  for await (const chunk of source.open(onProgress)) hash.update(chunk);
  return hash.digest("hex");
}
