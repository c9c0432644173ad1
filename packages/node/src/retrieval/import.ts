/**
 * A byte stream becomes the tree that `ipfs add --cid-version=1` makes of it (Kubo's defaults: chunks of
 * 256 KiB, raw leaves, balanced, 174 links, SHA-256), or that it makes with other options, so that a file has the
 * same CID here and in IPFS. Only a few chunks are in memory at a time. An import that fails takes its blocks away
 * again.
 */
import { abortable, type Cancel, type CID } from "@holdfast/base";
import { importFile as layOut } from "ipfs-unixfs-importer";
import { carHeader } from "../car.ts";
import { limits } from "../limits.ts";
import { type ImportedCar, importCar } from "./car-import.ts";
import { retrievalErrors } from "./errors.ts";
import { type FolderSource, importTree } from "./folder-import.ts";
import { ImportedBlocks, type ImportLayout, kuboLayout } from "./imported-blocks.ts";
import type { LocalFiles } from "./local-files.ts";
import { type PulledFile, type PullOptions, pullTree } from "./tree-pull.ts";

export interface ImportedFile {
  readonly root: CID;
  readonly sizeBytes: number;
  readonly carBytes: number;
}

export interface ImportOptions extends ImportLayout {
  readonly signal?: Cancel;
}

/** The imports that are under way; at the end they are called off. */
export class Imports implements AsyncDisposable {
  readonly #files: LocalFiles;
  readonly #stops = new Set<AbortController>();
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(files: LocalFiles) {
    this.#files = files;
  }

  /** Errors as `importFile`, and `retrieval/closed`. */
  file(source: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<ImportedFile> {
    return this.#run(options, (inner) => importFile(this.#files, source, inner));
  }
  /** Errors as `importTree`, and `retrieval/closed`. */
  folder(source: FolderSource, options: ImportOptions = {}): Promise<ImportedFile> {
    return this.#run(options, async (inner) => {
      const { signal, ...layout } = inner;
      const entries = interruptible(source, signal);
      const bytes = (content: AsyncIterable<Uint8Array>) => interruptible(content, signal);
      return importTree(this.#files, entries, { bytes, layout });
    });
  }

  /** Errors as `importCar`, and `retrieval/closed`. */
  car(source: AsyncIterable<Uint8Array>, options: { readonly signal?: Cancel } = {}): Promise<ImportedCar> {
    return this.#run(options, ({ signal }) => importCar(this.#files, interruptible(source, signal)));
  }
  /** Errors as `pullTree`, and `retrieval/closed`. */
  pull(root: CID, { signal, ...options }: PullOptions): Promise<PulledFile> {
    return this.#run({ signal }, (inner) =>
      pullTree(this.#files, root, { ...options, signal: inner.signal ?? signal }),
    );
  }

  async #run<Result>(
    options: ImportOptions,
    start: (options: ImportOptions) => Promise<Result>,
  ): Promise<Result> {
    if (this.#closed) throw retrievalErrors.closed({});
    const { signal } = options;
    signal?.throwIfAborted();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const work = start({ ...options, signal: stop.signal });
    this.#stops.add(stop);
    this.#running.add(work);
    try {
      return await work;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#stops.delete(stop);
      this.#running.delete(work);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops) stop.abort(retrievalErrors.closed({}));
    await Promise.allSettled([...this.#running]);
  }
}

/**
 * `retrieval/bad-layout`, `retrieval/empty-file`, `retrieval/too-large`, `retrieval/quota-full`, `disk/…`, the signal's
 * reason, and whatever the stream fails with.
 */
async function importFile(
  files: LocalFiles,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportedFile> {
  const { signal } = options;
  const layout = kuboLayout(options);
  const blocks = new ImportedBlocks(files, layout);
  let sizeBytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of interruptible(source, signal)) {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.fileBytes) {
        throw retrievalErrors.tooLarge({ what: "bytes", limit: limits.fileBytes });
      }
      yield chunk;
    }
    if (sizeBytes === 0) throw retrievalErrors.emptyFile({});
  };
  try {
    const { cid: root } = await layOut({ content: counted() }, blocks.storage, layout);
    const carBytes = carHeader(root).length + blocks.sectionsBytes;
    await blocks.keep({ root, imported: true, fileBytes: sizeBytes, carBytes });
    return { root, sizeBytes, carBytes };
  } catch (error) {
    await blocks.takeBack();
    throw error;
  }
}

/** What comes from a source that may fall silent: the signal ends it at any time. */
async function* interruptible<T>(
  source: AsyncIterable<T>,
  signal: Cancel | undefined,
): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await abortable(signal, iterator.next());
      ended = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!ended) iterator.return?.().catch(() => undefined); // not awaited: a silent source may never answer
  }
}
