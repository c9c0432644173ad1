/**
 * Files of this node and of others: import, the deterministic CAR stream that deals and retrievals are made of,
 * and getting a file, verified, from whoever has it. Content is identified by its CID and nothing else: no peer
 * is trusted with a single byte.
 */
import { abortable, type Cancel, type CID, type PeerId } from "@holdfast/base";
import { readCar } from "../car.ts";
import type { FileRecord } from "./blocks.ts";
import { streamCar } from "./car-plan.ts";
import { type ClientTools, carFrom } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import type { FetchResult } from "./fetch.ts";
import type { FolderSource } from "./folder-import.ts";
import { entriesOf, type Found, findPath, type TreeEntry, treeEntries } from "./folders.ts";
import { type ImportedFile, type ImportOptions, Imports } from "./import.ts";
import { CarPlans, servedCars } from "./local-cars.ts";
import { type Collected, LocalFiles } from "./local-files.ts";
import type { RetrievalNeeds } from "./needs.ts";
import { type BlockReader, type ByteRange, closing, type OpenFile, openFileBytes } from "./read-file.ts";
import { serveRetrieval } from "./server.ts";
import { fetchingReader, type ProgressListener, SharedFetches } from "./shared-fetches.ts";
import { type FileStat, statFile } from "./stat.ts";
import { readTreeNode } from "./unixfs.ts";

export { type FileBlocks, type FileRecord, memoryBlocks } from "./blocks.ts";
export { type CarPlan, type PieceSlice, pieceSlices, planCar, streamCar } from "./car-plan.ts";
export type { ProviderOffer } from "./client.ts";
export { type DiskBlocksOptions, openDiskBlocks } from "./disk-blocks.ts";
export { retrievalErrors } from "./errors.ts";
export type { FetchProgress, FetchResult } from "./fetch.ts";
export type { FolderSource, SourceEntry } from "./folder-import.ts";
export type { ImportedFile, ImportOptions } from "./import.ts";
export type { Collected } from "./local-files.ts";
export type { CarSource, OpenCar, RetrievalNeeds } from "./needs.ts";
export {
  answerCodec,
  frameCodec,
  framedParts,
  readFrame,
  requestCodec,
  retrievalProtocol,
  retrievalStatus,
} from "./protocol.ts";
export type { ProviderFailure } from "./providers.ts";
export type { ByteRange, OpenFile } from "./read-file.ts";
export type { ProgressListener } from "./shared-fetches.ts";
export type { FileStat } from "./stat.ts";
export { dagBlocks, type WalkLimits } from "./walk.ts";

export interface FetchOptions {
  readonly signal?: Cancel;
  /** After each block that arrives. */
  readonly progress?: ProgressListener;
}

/** Where to read: below `root`, and from whom what is not here. */
export interface ReadOptions extends FetchOptions {
  /** Names from the root down; none for the root itself. */
  readonly path?: readonly string[];
  readonly providers: readonly PeerId[];
}

export interface TreeOptions extends ReadOptions {
  /** All below, not the entries alone. */
  readonly deep: boolean;
  /** Of a deep tree; default `limits.folderEntries`. */
  readonly mostEntries?: number;
}

export interface TreeView {
  /** Names from the opened place down. */
  readonly path: readonly string[];
  readonly cid: CID;
  readonly kind: "file" | "folder" | "symlink";
  /** Of a file. */
  readonly sizeBytes: number | null;
  /** Of a symbolic link: text of whoever made it. */
  readonly target: string | null;
  /** Of a file, when it is its turn. */
  read(): Promise<OpenFile>;
}

export interface OpenTree {
  readonly at: TreeView;
  /** The entries of a folder; with `deep` those of its folders too, each after its own. */
  readonly entries: AsyncIterable<TreeView>;
}

export interface Retrieval extends AsyncDisposable {
  /**
   * Stores a stream of bytes as a file, with the CID that Kubo gives it. `retrieval/empty-file`, `/too-large`,
   * `/quota-full`, `disk/…`; a failed import leaves nothing behind.
   */
  importFile(source: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImportedFile>;
  /**
   * Stores a folder, with the CID that Kubo gives it. Errors as `importFile`, and `retrieval/bad-name`, `/bad-entry`.
   */
  importFolder(source: FolderSource, options?: ImportOptions): Promise<ImportedFile>;
  /** Asks all providers. `retrieval/no-provider` if neither they nor this node have the file. */
  stat(root: CID, providers: readonly PeerId[], signal?: Cancel): Promise<FileStat>;
  /**
   * Resolves when all of the file is here. An interrupted call goes on next time. `retrieval/no-provider`,
   * `/quota-full`, `/not-a-file`, `/dag-too-big`, `/unsupported-cid`, `disk/…`, or the signal's reason.
   */
  ensureLocal(root: CID, providers: readonly PeerId[], options?: FetchOptions): Promise<FetchResult>;
  /**
   * The file from an offset on, fetched from the providers as far as it is not here; the first bytes come as
   * soon as they are verified. Read `bytes` or abort the signal, else the file stays held. Errors, of the call
   * and of the stream, as `ensureLocal`, and `retrieval/bad-offset`.
   */
  openFile(root: CID, options: ReadOptions & ByteRange): Promise<OpenFile>;
  /** The file from an offset on, from local blocks only. `retrieval/missing-block`, `retrieval/bad-offset`. */
  readFile(root: CID, offsetBytes?: number): Promise<OpenFile>;
  /**
   * What is at the end of a path, and if it is a folder, its entries. Read them or abort, as with `openFile`; errors as
   * there, and `retrieval/no-entry`; with `deep` also `/not-a-folder`.
   */
  openTree(root: CID, options: TreeOptions): Promise<OpenTree>;
  /** The CAR stream of a local file from an offset on. `retrieval/missing-block`, `retrieval/bad-offset`. */
  carStream(root: CID, options?: { readonly skipBytes?: number }): AsyncIterable<Uint8Array>;
  /** The length of the CAR stream of a local file. `retrieval/missing-block`. */
  carBytes(root: CID): Promise<number>;
  /** The CAR stream as this peer sends it now, unverified and never from local blocks. */
  carFrom(peer: PeerId, payload: CID, signal: Cancel): AsyncIterable<Uint8Array>;
  /** Whether all of the file is here. */
  hasLocal(root: CID): Promise<boolean>;
  /** What is remembered of a file that is wholly here. */
  localFile(root: CID): Promise<FileRecord | undefined>;
  /** All files, those among them that were fetched only in part. */
  files(): Promise<readonly FileRecord[]>;
  /** Whether there was such a file; blocks that other files need stay. */
  deleteFile(root: CID): Promise<boolean>;
  /** Removes blocks that no file needs, left by a process that was killed. Reads the trees of all files. */
  collect(): Promise<Collected>;
}

/** Serves retrievals at once. */
export function openRetrieval(needs: RetrievalNeeds): Retrieval {
  const { wire, clock, blocks, logger } = needs;
  const files = new LocalFiles({ blocks, clock, logger });
  const tools: ClientTools = { wire, clock, logger, readCar: needs.readCar ?? readCar };
  const fetches = new SharedFetches(tools, files);
  const imports = new Imports(files);
  const plans = new CarPlans(blocks);
  const server = serveRetrieval({ wire, clock, logger, open: servedCars(files, plans, needs.sources) });
  let closed = false;
  /** `open` calls its last argument when what it has opened is not read any more. */
  const reading = async <T>(
    root: CID,
    { providers, signal, progress }: ReadOptions,
    open: (read: BlockReader, closed: () => void) => Promise<T>,
  ): Promise<T> => {
    const release = files.hold(root);
    const request = { root, providers, signal, ...(progress === undefined ? {} : { progress }) };
    const reader = fetchingReader(fetches, files, request);
    const close = (): void => {
      reader.leave();
      release();
    };
    try {
      return await open(reader.read, close);
    } catch (error) {
      close();
      throw error;
    }
  };

  return {
    importFile: (source, options) => imports.file(source, options),
    importFolder: (source, options) => imports.folder(source, options),
    stat: (root, providers, signal) => statFile({ tools, files, root, providers, signal }),
    async ensureLocal(root, providers, { signal, progress } = {}) {
      signal?.throwIfAborted();
      const record = await files.complete(root);
      if (record !== undefined) return alreadyHere(record);
      const joined = fetches.join(root, providers, progress);
      try {
        return await abortable(signal, joined.done);
      } finally {
        joined.leave();
      }
    },
    openFile: (root, options) =>
      reading(root, options, async (read, closed) => {
        const { path = [], signal } = options;
        const { cid } = path.length === 0 ? { cid: root } : await findPath(read, root, path);
        const { sizeBytes, bytes } = await openFileBytes(read, cid, options);
        return { sizeBytes, bytes: closing(bytes, closed, signal) };
      }),
    openTree: (root, options) =>
      reading(root, options, async (read, closed) => {
        const { path = [], deep, mostEntries, signal } = options;
        const found = await findPath(read, root, path);
        if (deep && found.node.kind !== "folder") {
          throw retrievalErrors.notAFolder({ cid: found.cid.toString() });
        }
        const entries = deep ? treeEntries(read, root, found, mostEntries) : childrenOf(read, root, found);
        const views = (async function* () {
          for await (const { path: names, ...entry } of entries) yield viewOf(read, names, entry);
        })();
        return { at: viewOf(read, [], found), entries: closing(views, closed, signal) };
      }),
    readFile: (root, offsetBytes = 0) => openFileBytes(localReader(files, root), root, { offsetBytes }),
    async *carStream(root, { skipBytes = 0 } = {}) {
      yield* streamCar(blocks, await plans.of(root), skipBytes);
    },
    carBytes: async (root) => (await files.complete(root))?.carBytes ?? (await plans.of(root)).carBytes,
    carFrom: (peer, payload, signal) => carFrom(tools, peer, payload, signal),
    hasLocal: async (root) => (await files.complete(root)) !== undefined,
    localFile: (root) => files.complete(root),
    files: () => files.list(),
    async deleteFile(root) {
      plans.forget(root);
      return files.delete(root);
    },
    collect: () => files.collect(),
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      await server[Symbol.asyncDispose]();
      await imports[Symbol.asyncDispose]();
      await fetches[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

function viewOf(read: BlockReader, path: readonly string[], { cid, node }: Found): TreeView {
  return {
    path,
    cid,
    kind: node.kind,
    sizeBytes: node.kind === "file" ? node.fileBytes : null,
    target: node.kind === "symlink" ? node.target : null,
    read: () => openFileBytes(read, cid),
  };
}

async function* childrenOf(read: BlockReader, root: CID, { node }: Found): AsyncGenerator<TreeEntry> {
  if (node.kind !== "folder") return;
  for await (const { name, cid } of entriesOf(read, root, node)) {
    yield { path: [name], cid, node: readTreeNode(cid, await read(cid)) };
  }
}

function alreadyHere({ root, fileBytes, carBytes }: FileRecord): FetchResult {
  return { root, fileBytes, carBytes, from: [], failures: [] };
}

function localReader(files: LocalFiles, root: CID): BlockReader {
  return async (cid) => {
    const bytes = await files.blocks.get(cid);
    if (bytes !== undefined) return bytes;
    throw retrievalErrors.missingBlock({ root: root.toString(), cid: cid.toString() });
  };
}
