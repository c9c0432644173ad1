/**
 * A stream of entries becomes the folder that `ipfs add -r` makes of them with the same options: plain folders, sharded
 * ones above 256 KiB of names and links. Content is laid out as it comes; what stays in memory is names. Invariants:
 * a path is given once, no path leads through a file, and the order of the entries does not matter.
 */
import type { CID } from "@holdfast/base";
import { type ImportCandidate, importer } from "ipfs-unixfs-importer";
import { carHeader } from "../car.ts";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";
import type { ImportedFile } from "./import.ts";
import { ImportedBlocks, type ImportLayout, kuboLayout } from "./imported-blocks.ts";
import type { LocalFiles } from "./local-files.ts";
import { nameProblem } from "./unixfs.ts";

/** An entry of a folder that is to be imported; `path` begins below the folder. */
export type SourceEntry =
  | { readonly kind: "file"; readonly path: readonly string[]; readonly bytes: AsyncIterable<Uint8Array> }
  | { readonly kind: "folder"; readonly path: readonly string[] }
  | { readonly kind: "symlink"; readonly path: readonly string[]; readonly target: string };
/** Each entry's bytes are read before the next entry is asked for. */
export type FolderSource = AsyncIterable<SourceEntry>;

interface TreeOptions {
  /** The bytes of an entry, interruptible. */
  readonly bytes: (content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
  readonly layout: ImportLayout;
}

/**
 * `retrieval/bad-layout`, `retrieval/empty-file`, `retrieval/too-large`, `retrieval/bad-name`,
 * `retrieval/bad-entry`, `retrieval/quota-full`, `disk/…`, and whatever the source fails with.
 */
export async function importTree(
  files: LocalFiles,
  source: FolderSource,
  { bytes, layout: wanted }: TreeOptions,
): Promise<ImportedFile> {
  const layout = { ...kuboLayout(wanted), wrapWithDirectory: true, fileImportConcurrency: 1 };
  const blocks = new ImportedBlocks(files, layout);
  const plan = new PathPlan();
  let sizeBytes = 0;
  const counted = async function* (content: AsyncIterable<Uint8Array>) {
    for await (const chunk of bytes(content)) {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.fileBytes) {
        throw retrievalErrors.tooLarge({ what: "bytes", limit: limits.fileBytes });
      }
      yield chunk;
    }
  };
  const candidates = async function* (): AsyncGenerator<ImportCandidate, void, undefined> {
    for await (const entry of source) {
      const path = plan.add(entry);
      if (entry.kind === "file") yield { path, content: counted(entry.bytes) };
      else if (entry.kind === "symlink") yield { path, link: entry.target };
    }
    if (plan.size === 0) throw retrievalErrors.emptyFile({});
    for (const path of plan.emptyFolders()) yield { path };
  };
  try {
    let root: CID | undefined;
    for await (const { cid } of importer(candidates(), blocks.storage, layout)) root = cid; // the last is the root
    if (root === undefined) throw retrievalErrors.emptyFile({});
    const carBytes = carHeader(root).length + blocks.sectionsBytes;
    await blocks.keep({ root, imported: true, fileBytes: blocks.leafBytes, carBytes });
    return { root, sizeBytes, carBytes };
  } catch (error) {
    await blocks.takeBack();
    throw error;
  }
}

/** The paths of an import: none twice, none through a file. */
class PathPlan {
  readonly #kinds = new Map<string, "leaf" | "folder">();
  /** Folders that hold something. */
  readonly #full = new Set<string>();

  get size(): number {
    return this.#kinds.size;
  }

  /** The path as text. A folder that was named before is named again without effect. */
  add({ kind, path: names }: SourceEntry): string {
    const path = names.join("/");
    if (names.length === 0) throw retrievalErrors.badName({ path, reason: "it has no name" });
    if (names.length >= limits.dagDepth / 2)
      throw retrievalErrors.badName({ path, reason: "it lies too deep" });
    for (const name of names) {
      const reason = nameProblem(name);
      if (reason !== undefined) throw retrievalErrors.badName({ path, reason });
    }
    // The importer splits paths again, and takes a slash after a backslash for a part of the name.
    if (names.slice(0, -1).some((name) => name.endsWith("\\")))
      throw retrievalErrors.badName({ path, reason: "a folder's name ends with a backslash" });
    for (let end = names.length - 1, child = true; end > 0 && child; end--) {
      const parent = names.slice(0, end).join("/");
      if (this.#kinds.get(parent) === "leaf") {
        throw retrievalErrors.badEntry({ path, reason: `${parent} is no folder` });
      }
      child = !this.#full.has(parent);
      this.#full.add(parent);
      this.#keep(parent, "folder");
    }
    const before = this.#kinds.get(path);
    if (before !== undefined && !(before === "folder" && kind === "folder")) {
      throw retrievalErrors.badEntry({ path, reason: "there are two of this name" });
    }
    this.#keep(path, kind === "folder" ? "folder" : "leaf");
    return path;
  }

  /** Only these need a candidate of their own; an import writes no block for a folder that others fill. */
  *emptyFolders(): Generator<string, void, undefined> {
    for (const [path, kind] of this.#kinds) if (kind === "folder" && !this.#full.has(path)) yield path;
  }

  #keep(path: string, kind: "leaf" | "folder"): void {
    this.#kinds.set(path, kind);
    if (this.#kinds.size > limits.folderEntries) {
      throw retrievalErrors.tooLarge({ what: "entries", limit: limits.folderEntries });
    }
  }
}
