/**
 * Files and folders as they are read by a person: whatever is not here is fetched while it is read, and what is read
 * stays held until the reader has had enough.
 */
import type { Cancel, CID, PeerId } from "@holdfast/base";
import { retrievalErrors } from "./errors.ts";
import { entriesOf, type Found, findPath, type TreeEntry, treeEntries } from "./folders.ts";
import type { LocalFiles } from "./local-files.ts";
import { type BlockReader, type ByteRange, closing, type OpenFile, openFileBytes } from "./read-file.ts";
import { fetchingReader, type ProgressListener, type SharedFetches } from "./shared-fetches.ts";
import { readTreeNode } from "./unixfs.ts";

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

export interface Openers {
  /** See `Retrieval.openFile`. */
  openFile(root: CID, options: ReadOptions & ByteRange): Promise<OpenFile>;
  /** See `Retrieval.openTree`. */
  openTree(root: CID, options: TreeOptions): Promise<OpenTree>;
}

export function openersOf(fetches: SharedFetches, files: LocalFiles): Openers {
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
