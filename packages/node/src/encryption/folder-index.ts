/**
 * The list behind an encrypted folder's tar stream: where in the plain bytes each file begins, so that one file, or a
 * range of it, is read without the others. Programs that know only tar stop before it. It is
 *
 *   list (DAG-CBOR) ‖ "hfindex1" ‖ length of the list (8 bytes, big-endian)
 *
 * and is believed as the tar stream is: both lie under the same key.
 */
import { type FolderItem, folderToTar } from "@holdfast/api/folder-tar";
import {
  bigEndian,
  c,
  concatBytes,
  type Decoded,
  decode,
  encode,
  equalBytes,
  readBigEndian,
  utf8Bytes,
} from "@holdfast/base";
import { limits } from "../limits.ts";
import { encryptionErrors } from "./errors.ts";

const mark = utf8Bytes("hfindex1");
export const trailerBytes = mark.length + 8;
/** The two empty blocks that end a tar stream. */
const tarEndBytes = 1_024;

export const entryKinds = ["file", "folder", "symlink"] as const;
export type EntryKind = (typeof entryKinds)[number];

const entryCodec = c.tuple("FolderEntry", {
  /** Names with slashes between them. */
  path: c.text(limits.dagDepth * (limits.entryNameBytes + 1)),
  kind: c.uint(entryKinds.length - 1),
  /** In the plain bytes; 0 of what has none. */
  offsetBytes: c.uint(),
  sizeBytes: c.uint(),
  /** Of a symbolic link. */
  target: c.text(limits.linkTargetBytes),
});
const indexCodec = c.list(entryCodec, limits.folderEntries);
const indexBounds = { maxBytes: limits.folderIndexBytes };

export interface FolderEntry {
  readonly path: readonly string[];
  readonly kind: EntryKind;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly target: string;
}

/**
 * The plain bytes of a folder. `encryption/bad-name`, `encryption/too-many-entries`, `encryption/empty-input`,
 * `api/bad-folder`, and what the items fail with.
 */
export async function* folderBytes(
  items: AsyncIterable<FolderItem>,
  nameProblem: (name: string) => string | undefined,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly isIndex: boolean }, void, undefined> {
  const entries: Decoded<typeof entryCodec>[] = [];
  const paths = new Map<string, "leaf" | "folder">();
  let sentBytes = 0;
  const noted = async function* (): AsyncGenerator<FolderItem, void, undefined> {
    for await (const item of items) {
      const path = checkedPath(item, nameProblem);
      if (item.kind === "folder" && paths.get(path) === "folder") continue; // named again without effect
      takePlace(paths, path, item.kind === "folder" ? "folder" : "leaf");
      const entry = { path, kind: entryKinds.indexOf(item.kind), offsetBytes: 0, sizeBytes: 0, target: "" };
      if (item.kind === "symlink") entry.target = item.target;
      entries.push(entry);
      if (item.kind !== "file") yield item;
      else {
        entry.sizeBytes = item.sizeBytes;
        // Its first bytes are asked for when its header is on its way.
        const bytes = beginning(item.bytes, () => (entry.offsetBytes = sentBytes));
        yield { ...item, bytes };
      }
    }
    if (entries.length === 0) throw encryptionErrors.emptyInput({});
  };
  for await (const bytes of folderToTar(noted())) {
    sentBytes += bytes.length;
    yield { bytes, isIndex: false };
  }
  const list = encode(indexCodec, entries);
  yield { bytes: concatBytes(list, mark, bigEndian(list.length, 8)), isIndex: true };
}

/** A path is given once, and none leads through a file. */
function takePlace(paths: Map<string, "leaf" | "folder">, path: string, kind: "leaf" | "folder"): void {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const parent = path.slice(0, end);
    if (paths.get(parent) === "leaf")
      throw encryptionErrors.badName({ path, reason: `${parent} is no folder` });
    if (paths.has(parent)) break;
    paths.set(parent, "folder");
  }
  if (paths.has(path)) throw encryptionErrors.badName({ path, reason: "there are two of this name" });
  paths.set(path, kind);
  if (paths.size > limits.folderEntries) {
    throw encryptionErrors.tooManyEntries({ limit: limits.folderEntries });
  }
}

async function* beginning<T>(
  source: AsyncIterable<T>,
  onStart: () => void,
): AsyncGenerator<T, void, undefined> {
  onStart();
  yield* source;
}

function checkedPath(item: FolderItem, nameProblem: (name: string) => string | undefined): string {
  const { path: names } = item;
  const path = names.join("/");
  if (names.length === 0) throw encryptionErrors.badName({ path, reason: "it has no name" });
  if (names.length >= limits.dagDepth / 2)
    throw encryptionErrors.badName({ path, reason: "it lies too deep" });
  for (const name of names) {
    const reason = nameProblem(name);
    if (reason !== undefined) throw encryptionErrors.badName({ path, reason });
  }
  if (item.kind === "symlink" && utf8Bytes(item.target).length > limits.linkTargetBytes) {
    throw encryptionErrors.badName({ path, reason: "it is a link to a name that is too long" });
  }
  return path;
}

/** The length of the list, from the last bytes of a folder. `encryption/bad-index`. */
export function indexBytesIn(cid: string, trailer: Uint8Array, plainBytes: number): number {
  if (trailer.length !== trailerBytes || !equalBytes(trailer.subarray(0, mark.length), mark)) {
    throw encryptionErrors.badIndex({ cid, reason: "there is none" });
  }
  const length = readBigEndian(trailer.subarray(mark.length));
  if (length > BigInt(Math.min(limits.folderIndexBytes, plainBytes - trailerBytes - tarEndBytes))) {
    throw encryptionErrors.badIndex({ cid, reason: "it claims to be longer than it can be" });
  }
  return Number(length);
}

/** `encryption/bad-index`, also for entries that lie where nothing can be. */
export function readIndex(cid: string, list: Uint8Array, plainBytes: number): FolderEntry[] {
  try {
    return decode(indexCodec, list, indexBounds).map(({ path, kind, offsetBytes, sizeBytes, target }) => {
      if (offsetBytes + sizeBytes > plainBytes) throw new RangeError(`${path} lies outside`);
      return { path: path.split("/"), kind: entryKinds[kind] ?? "file", offsetBytes, sizeBytes, target };
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw encryptionErrors.badIndex({ cid, reason }, cause);
  }
}
