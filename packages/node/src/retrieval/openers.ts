/**
 * Files and folders as they are read by a person: whatever is not here is fetched while it is read, and what is read
 * stays held until the reader has had enough.
 */
import type { Cancel, CID, PeerId } from "@holdfast/base";
import type { Budget } from "./budget.ts";
import { retrievalErrors } from "./errors.ts";
import { entriesOf, type Found, findPath, type TreeEntry, treeEntries } from "./folders.ts";
import type { LocalFiles } from "./local-files.ts";
import { type BlockReader, type ByteRange, closing, type OpenFile, openFileBytes } from "./read-file.ts";
import type { ProgressListener } from "./shared-fetches.ts";
import type { SwarmTools } from "./swarm.ts";
import { type ReadProgress, SwarmReader } from "./swarm-reader.ts";
import { readTreeNode } from "./unixfs.ts";

export interface FetchOptions {
  readonly signal?: Cancel;
  /** After each block that arrives. */
  readonly progress?: ProgressListener;
}

/** Where to read: below `root`, and from whom what is not here. */
export interface ReadOptions {
  readonly signal?: Cancel;
  /** Names from the root down; none for the root itself. */
  readonly path?: readonly string[];
  readonly providers: readonly PeerId[];
  /** What it may cost; default: nothing. */
  readonly budget?: Budget;
  /** After each block that arrives. */
  readonly progress?: (progress: ReadProgress) => void;
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

export function openersOf(tools: SwarmTools, files: LocalFiles): Openers {
  /** `open` calls `close` when what it has opened is not read any more. */
  const reading = async <T>(
    root: CID,
    {
      providers,
      signal,
      progress,
      budget,
      needBytes,
    }: ReadOptions & { readonly needBytes?: number | undefined },
    open: (reader: SwarmReader, close: () => void) => Promise<T>,
  ): Promise<T> => {
    const reader = new SwarmReader(tools, files, {
      root,
      providers,
      signal,
      needBytes,
      progress,
      mayAskOthers: true,
      ...(budget && { budget }),
    });
    try {
      return await open(reader, () => void reader.leave());
    } catch (error) {
      await reader.leave();
      throw error;
    }
  };
  return {
    openFile: (root, { lengthBytes, ...options }) =>
      reading(root, { ...options, needBytes: lengthBytes }, async (reader, close) => {
        const { path = [], signal } = options;
        const { cid } = path.length === 0 ? { cid: root } : await findPath(reader.read, root, path);
        const opened = await openFileBytes(reader.read, cid, { ...options, lengthBytes });
        const bytes = ending(opened.bytes, () => reader.whole());
        return { sizeBytes: opened.sizeBytes, bytes: closing(bytes, close, signal) };
      }),
    openTree: (root, options) =>
      reading(root, options, async (reader, close) => {
        const { read } = reader;
        const { path = [], deep, mostEntries, signal } = options;
        const found = await findPath(read, root, path);
        if (deep && found.node.kind !== "folder") {
          throw retrievalErrors.notAFolder({ cid: found.cid.toString() });
        }
        const entries = deep ? treeEntries(read, root, found, mostEntries) : childrenOf(read, root, found);
        const views = (async function* () {
          for await (const { path: names, ...entry } of entries) yield viewOf(read, names, entry);
          if (deep) await reader.whole();
        })();
        return { at: viewOf(read, [], found), entries: closing(views, close, signal) };
      }),
  };
}

/** The same, and then this, before anybody learns of the end. */
async function* ending<T>(
  source: AsyncIterable<T>,
  last: () => Promise<void>,
): AsyncGenerator<T, void, undefined> {
  yield* source;
  await last();
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
