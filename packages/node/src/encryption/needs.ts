/** What encryption needs: the files as they are stored, and the keys of the wallet. */
import type { FileQuery, Imported, ImportLayout, MethodResult } from "@holdfast/api";
import type { FolderItem } from "@holdfast/api/folder-tar";
import type { Address, AgeStanza, Cancel } from "@holdfast/base";

export interface OpenedFile {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The files of this node as they are stored. */
export interface StoredFiles {
  importFile(bytes: AsyncIterable<Uint8Array>, signal: Cancel, layout?: ImportLayout): Promise<Imported>;
  importFolder(items: AsyncIterable<FolderItem>, signal: Cancel, layout?: ImportLayout): Promise<Imported>;
  /** A folder is `retrieval/is-a-folder`. */
  openFile(cid: string, range: FileQuery, signal: Cancel): Promise<OpenedFile>;
  /** What the request with this signal may spend, in all. */
  allow(signal: Cancel, maxPrice: string): void;
  openFolder(cid: string, path: string, signal: Cancel): Promise<AsyncIterable<FolderItem>>;
  list(cid: string, path: string, signal: Cancel): AsyncIterable<MethodResult<"folder.ls">>;
  /** Whether there was a copy here. */
  remove(cid: string): Promise<boolean>;
  stat(cid: string, signal: Cancel): Promise<MethodResult<"file.stat">>;
}

/** The wallet's part in it; private keys stay there. */
export interface FileKeys {
  payer(): Address;
  fileRecipient(address: Address): Uint8Array;
  fileSecret(address: Address, purpose: Uint8Array): Uint8Array;
  newFileSecret(): Uint8Array;
  openFileKey(stanzas: readonly AgeStanza[]): Uint8Array | undefined;
}

export interface EncryptionNeeds {
  readonly files: StoredFiles;
  readonly keys: FileKeys;
  /** Why a name cannot stand in a folder. */
  readonly nameProblem: (name: string) => string | undefined;
}
