/** An encrypted folder as it is read: all of it as the tar stream that it is, one place by the list behind it. */
import type { MethodResult } from "@holdfast/api";
import { type FolderItem, folderFromTar } from "@holdfast/api/folder-tar";
import { type Cancel, concatBytes } from "@holdfast/base";
import { encryptionErrors } from "./errors.ts";
import { type FolderEntry, indexBytesIn, readIndex, trailerBytes } from "./folder-index.ts";
import type { EncryptionNeeds } from "./needs.ts";
import { plainBytesOf, type SealedFile } from "./sealed-file.ts";

type Tools = Pick<EncryptionNeeds, "files">;

/** `encryption/bad-index`, `age/damaged`, `retrieval/…`. */
export async function entriesOf(tools: Tools, file: SealedFile, signal: Cancel): Promise<FolderEntry[]> {
  const { cid, plainBytes } = file;
  const part = async (offsetBytes: number, lengthBytes: number): Promise<Uint8Array> => {
    const parts: Uint8Array[] = [];
    const range = { offsetBytes, lengthBytes };
    for await (const bytes of plainBytesOf(tools, file, range, signal)) parts.push(bytes);
    return concatBytes(...parts);
  };
  const trailer = await part(Math.max(0, plainBytes - trailerBytes), trailerBytes);
  const length = indexBytesIn(cid, trailer, plainBytes);
  return readIndex(cid, await part(plainBytes - trailerBytes - length, length), plainBytes);
}

/** The entry at the end of a path; a folder may be there only by what is in it. `encryption/no-entry`. */
export function findEntry(
  cid: string,
  entries: readonly FolderEntry[],
  path: readonly string[],
): FolderEntry {
  const text = path.join("/");
  const exact = entries.find((entry) => entry.path.join("/") === text);
  if (exact !== undefined) return exact;
  if (entries.some((entry) => isBelow(entry, path))) {
    return { path, kind: "folder", offsetBytes: 0, sizeBytes: 0, target: "" };
  }
  throw encryptionErrors.noEntry({ root: cid, path: text });
}

function isBelow(entry: FolderEntry, path: readonly string[]): boolean {
  return entry.path.length > path.length && path.every((name, index) => entry.path[index] === name);
}

/** What lies directly in a folder, in the order of names. */
export function childrenOf(
  { cid }: SealedFile,
  entries: readonly FolderEntry[],
  path: readonly string[],
): MethodResult<"folder.ls">[] {
  const names = new Map<string, FolderEntry>();
  for (const entry of entries) {
    if (!isBelow(entry, path)) continue;
    const name = entry.path[path.length] ?? "";
    const isHere = entry.path.length === path.length + 1;
    if (isHere) names.set(name, entry);
    else if (!names.has(name)) names.set(name, { ...entry, kind: "folder" });
  }
  const sorted = [...names].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, entry]) => viewOf(cid, name, entry));
}

/** An entry of an encrypted folder has no CID of its own: that of the folder stands for it. */
export function viewOf(cid: string, name: string, entry: FolderEntry): MethodResult<"folder.ls"> {
  const { kind, sizeBytes, target } = entry;
  return {
    name,
    kind,
    cid,
    sizeBytes: kind === "file" ? sizeBytes : null,
    target: kind === "symlink" ? target : null,
  };
}

/** All of a folder, in the order in which it was stored. `api/bad-folder`, `age/damaged`. */
export function allItems(tools: Tools, file: SealedFile, signal: Cancel): AsyncIterable<FolderItem> {
  const range = { offsetBytes: 0, lengthBytes: file.plainBytes };
  return folderFromTar(plainBytesOf(tools, file, range, signal));
}

/** What is below a path, without it. */
export async function* itemsBelow(
  tools: Tools,
  file: SealedFile,
  entries: readonly FolderEntry[],
  path: readonly string[],
  signal: Cancel,
): AsyncGenerator<FolderItem, void, undefined> {
  for (const entry of entries) {
    if (!isBelow(entry, path)) continue;
    const { kind, sizeBytes, offsetBytes, target } = entry;
    const below = entry.path.slice(path.length);
    if (kind === "folder") yield { kind, path: below };
    else if (kind === "symlink") yield { kind, path: below, target };
    else {
      const range = { offsetBytes, lengthBytes: sizeBytes };
      yield { kind, path: below, sizeBytes, bytes: plainBytesOf(tools, file, range, signal) };
    }
  }
}
