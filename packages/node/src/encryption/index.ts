/**
 * Files that only their owner can read: encrypted before anything else happens to them (import, CID, CAR, deal), and
 * decrypted after everything else when they are read, with keys that never leave the wallet. The format is that of age
 * (docs/ENCRYPTION.md). It stands between the people's door and the files as they are stored, and passes on untouched
 * whatever `put --encrypt` did not make.
 */
import type { FileQuery, Imported, ImportLayout } from "@holdfast/api";
import type { FolderItem } from "@holdfast/api/folder-tar";
import { type Cancel, fromHex, parseAgeRecipient } from "@holdfast/base";
import { limits } from "../limits.ts";
import { encryptionErrors } from "./errors.ts";
import { makeFileSecrets, type SealedKind, type SealRequest } from "./file-secrets.ts";
import { folderBytes } from "./folder-index.ts";
import type { EncryptionNeeds, OpenedFile, StoredFiles } from "./needs.ts";
import { sealedBytes, withDigest } from "./seal-stream.ts";
import {
  isSealedStart,
  openSealed,
  plainBytesOf,
  type SealedFile,
  sealedPrefixBytes,
} from "./sealed-file.ts";
import { allItems, childrenOf, entriesOf, findEntry, itemsBelow, viewOf } from "./sealed-folder.ts";

export { encryptionErrors } from "./errors.ts";
export type { EncryptionNeeds, FileKeys, StoredFiles } from "./needs.ts";

/** How a file is to be encrypted. */
export interface EncryptRequest {
  /** SHA-256 of the plain bytes in hex, of a folder of its tar: if it is known, the same file has the same CID. */
  readonly sha256?: string | undefined;
  /** `age1…`: who else can open it. */
  readonly recipients?: readonly string[] | undefined;
}

/** Encrypted, or laid out in another way than usual; not both. */
export interface KeepRequest {
  readonly encrypt?: EncryptRequest | undefined;
  readonly layout?: ImportLayout | undefined;
}

export interface OpenQuery extends FileQuery {
  /** The bytes as they are stored. */
  readonly raw?: boolean | undefined;
}

/** The people's door to files; `StoredFiles` with encryption. */
export interface PeoplesFiles extends Omit<StoredFiles, "importFile" | "importFolder" | "openFile"> {
  /** Sizes are of the plain bytes, but for `carBytes`. `encryption/…`, `age/bad-recipient`, `retrieval/…`. */
  importFile(bytes: AsyncIterable<Uint8Array>, signal: Cancel, how?: KeepRequest): Promise<Imported>;
  importFolder(items: AsyncIterable<FolderItem>, signal: Cancel, how?: KeepRequest): Promise<Imported>;
  openFile(cid: string, query: OpenQuery, signal: Cancel): Promise<OpenedFile>;
  /** Whether `put --encrypt` made it, here or elsewhere. */
  isEncrypted(cid: string, signal: Cancel): Promise<boolean>;
}

export function openEncryption(needs: EncryptionNeeds): PeoplesFiles {
  const { files } = needs;
  return {
    async importFile(bytes, signal, how = {}) {
      const { encrypt, layout } = oneOf(how);
      if (encrypt === undefined) return files.importFile(bytes, signal, layout);
      return importSealed(needs, bytes, signal, encrypt);
    },
    async importFolder(items, signal, how = {}) {
      const { encrypt, layout } = oneOf(how);
      if (encrypt === undefined) return files.importFolder(items, signal, layout);
      return importSealedFolder(needs, items, signal, encrypt);
    },
    openFile: (cid, query, signal) => openFile(needs, cid, query, signal),
    allow: (signal, maxPrice) => files.allow(signal, maxPrice),
    async openFolder(cid, path, signal) {
      const sealed = await sealedAt(needs, cid, signal);
      if (sealed === undefined) return files.openFolder(cid, path, signal);
      if (sealed.kind !== "folder") throw encryptionErrors.notAFolder({ cid });
      const names = namesIn(path);
      if (names.length === 0) return allItems(needs, sealed, signal);
      const entries = await entriesOf(needs, sealed, signal);
      if (findEntry(cid, entries, names).kind !== "folder")
        throw encryptionErrors.notAFolder({ cid: `${cid}/${path}` });
      return itemsBelow(needs, sealed, entries, names, signal);
    },
    async *list(cid, path, signal) {
      const sealed = await sealedAt(needs, cid, signal);
      if (sealed === undefined) yield* files.list(cid, path, signal);
      else yield* listSealed(needs, sealed, namesIn(path), signal);
    },
    remove: (cid) => files.remove(cid),
    stat: (cid, signal) => files.stat(cid, signal),
    isEncrypted: (cid, signal) => isSealedAt(needs, cid, signal),
  };
}

/** The CID of what is encrypted is met by no other program's. */
function oneOf(how: KeepRequest): KeepRequest {
  if (how.encrypt === undefined || how.layout === undefined) return how;
  const problem = "what is encrypted is laid out in one way: its CID equals no other program's";
  throw encryptionErrors.badRequest({ problem });
}

function namesIn(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

function requestOf(kind: SealedKind, { sha256, recipients = [] }: EncryptRequest): SealRequest {
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw encryptionErrors.badRequest({ problem: "the SHA-256 of the content is 64 digits of hex" });
  }
  if (recipients.length > limits.fileRecipients) {
    const problem = `a file can be for ${limits.fileRecipients} recipients at most`;
    throw encryptionErrors.badRequest({ problem });
  }
  return {
    kind,
    sha256: sha256 === undefined ? undefined : fromHex(sha256),
    recipients: recipients.map(parseAgeRecipient),
  };
}

async function importSealed(
  needs: EncryptionNeeds,
  bytes: AsyncIterable<Uint8Array>,
  signal: Cancel,
  encrypt: EncryptRequest,
): Promise<Imported> {
  const request = requestOf("file", encrypt);
  let sizeBytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of withDigest(bytes, request.sha256)) {
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  const made = await needs.files.importFile(sealedBytes(counted(), makeFileSecrets(needs, request)), signal);
  return { ...made, sizeBytes };
}

async function importSealedFolder(
  needs: EncryptionNeeds,
  items: AsyncIterable<FolderItem>,
  signal: Cancel,
  encrypt: EncryptRequest,
): Promise<Imported> {
  const request = requestOf("folder", encrypt);
  let sizeBytes = 0;
  const counted = async function* (): AsyncGenerator<FolderItem, void, undefined> {
    for await (const item of items) {
      if (item.kind === "file") sizeBytes += item.sizeBytes;
      yield item;
    }
  };
  let index: Uint8Array | undefined;
  const tar = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const { bytes, isIndex } of folderBytes(counted(), needs.nameProblem)) {
      if (isIndex) index = bytes;
      else yield bytes;
    }
  };
  const plain = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    // The list follows from the tar stream, so the digest of that says all.
    yield* withDigest(tar(), request.sha256);
    if (index !== undefined) yield index;
  };
  const made = await needs.files.importFile(sealedBytes(plain(), makeFileSecrets(needs, request)), signal);
  return { ...made, sizeBytes };
}

/** The file as a person wants it. Where it is not encrypted, it is opened once. */
async function openFile(
  needs: EncryptionNeeds,
  cid: string,
  query: OpenQuery,
  signal: Cancel,
): Promise<OpenedFile> {
  const { raw = false, ...range } = query;
  const { offsetBytes, lengthBytes, path = "" } = range;
  if (raw) return needs.files.openFile(cid, range, signal);
  const names = namesIn(path);
  if (names.length === 0 && offsetBytes === 0 && (lengthBytes ?? sealedPrefixBytes) >= sealedPrefixBytes) {
    const plain = await unlessSealed(await needs.files.openFile(cid, range, signal));
    if (plain !== undefined) return plain;
  }
  const sealed = await sealedAt(needs, cid, signal);
  if (sealed === undefined) return needs.files.openFile(cid, range, signal);
  const place = await placeIn(needs, sealed, names, signal);
  const { sizeBytes } = place;
  if (offsetBytes > sizeBytes) throw encryptionErrors.badOffset({ offsetBytes, sizeBytes });
  const part = {
    offsetBytes: place.offsetBytes + offsetBytes,
    lengthBytes: Math.min(lengthBytes ?? sizeBytes, sizeBytes - offsetBytes),
  };
  return { sizeBytes, bytes: plainBytesOf(needs, sealed, part, signal) };
}

/** Where in the plain bytes the file lies. */
async function placeIn(
  needs: EncryptionNeeds,
  sealed: SealedFile,
  names: readonly string[],
  signal: Cancel,
): Promise<{ readonly offsetBytes: number; readonly sizeBytes: number }> {
  const { cid } = sealed;
  if (sealed.kind === "file") {
    if (names.length > 0) throw encryptionErrors.notAFolder({ cid });
    return { offsetBytes: 0, sizeBytes: sealed.plainBytes };
  }
  if (names.length === 0) throw encryptionErrors.isAFolder({ cid });
  const entry = findEntry(cid, await entriesOf(needs, sealed, signal), names);
  if (entry.kind === "folder") throw encryptionErrors.isAFolder({ cid: `${cid}/${names.join("/")}` });
  if (entry.kind === "symlink")
    throw encryptionErrors.noEntry({ root: cid, path: `${names.join("/")}, but a link` });
  return entry;
}

async function* listSealed(
  needs: EncryptionNeeds,
  sealed: SealedFile,
  names: readonly string[],
  signal: Cancel,
) {
  const { cid, kind, plainBytes } = sealed;
  if (kind === "file") {
    if (names.length > 0) throw encryptionErrors.notAFolder({ cid });
    const file = { path: [], kind, offsetBytes: 0, sizeBytes: plainBytes, target: "" } as const;
    yield viewOf(cid, "", file);
    return;
  }
  const entries = await entriesOf(needs, sealed, signal);
  const at = names.length === 0 ? undefined : findEntry(cid, entries, names);
  if (at === undefined || at.kind === "folder") yield* childrenOf(sealed, entries, names);
  else yield viewOf(cid, names.at(-1) ?? "", at);
}

/** The same file, if its first bytes are not those of an encrypted one. */
async function unlessSealed({ sizeBytes, bytes }: OpenedFile): Promise<OpenedFile | undefined> {
  const iterator = bytes[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let length = 0;
  while (length < sealedPrefixBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    seen.push(next.value);
    length += next.value.length;
  }
  if (isSealedStart(Buffer.concat(seen))) {
    await iterator.return?.();
    return undefined;
  }
  return { sizeBytes, bytes: rejoined(seen, iterator) };
}

function rejoined(seen: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  const stream = {
    async next(): Promise<IteratorResult<Uint8Array, undefined>> {
      const first = seen.shift();
      if (first !== undefined) return { done: false, value: first };
      const next = await rest.next();
      return next.done === true ? { done: true, value: undefined } : next;
    },
    async return(): Promise<IteratorResult<Uint8Array, undefined>> {
      await rest.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => stream };
}

async function isSealedAt({ files }: EncryptionNeeds, cid: string, signal: Cancel): Promise<boolean> {
  try {
    const { bytes } = await files.openFile(cid, { offsetBytes: 0, lengthBytes: sealedPrefixBytes }, signal);
    const parts: Uint8Array[] = [];
    for await (const part of bytes) parts.push(part);
    return isSealedStart(Buffer.concat(parts));
  } catch (error) {
    if (isFolder(error)) return false;
    throw error;
  }
}

/** Only a whole root is ever encrypted: what lies in a plain folder is passed on as it is. */
async function sealedAt(
  needs: EncryptionNeeds,
  cid: string,
  signal: Cancel,
): Promise<SealedFile | undefined> {
  return (await isSealedAt(needs, cid, signal)) ? openSealed(needs, cid, signal) : undefined;
}

function isFolder(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "retrieval/is-a-folder";
}
