/**
 * A byte stream becomes the tree that `ipfs add --cid-version=1` makes of it (Kubo's defaults: chunks of
 * 256 KiB, raw leaves, balanced, 174 links, SHA-256), so that a file has the same CID here and in IPFS. Only a
 * few chunks are in memory at a time. An import that fails takes its blocks away again.
 */
import { abortable, assert, type Cancel, type CID } from "@holdfast/base";
import { importFile as layOut, type WritableStorage } from "ipfs-unixfs-importer";
import { balanced } from "ipfs-unixfs-importer/layout";
import { carHeader } from "../car.ts";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";
import type { Claim, LocalFiles, WholeFile } from "./local-files.ts";
import { cidKey, sectionBytes } from "./walk.ts";

/** Kubo's defaults. */
const kuboChunkBytes = 262_144;
const kuboLinks = 174;
/** Chunks that are hashed and written side by side. */
const writesAtOnce = 16;

export interface ImportedFile {
  readonly root: CID;
  readonly sizeBytes: number;
  readonly carBytes: number;
}

export interface ImportOptions {
  readonly signal?: Cancel;
  /** Another size of the chunks, to equal `ipfs add --chunker=size-…`. */
  readonly chunkBytes?: number;
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
  async run(source: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<ImportedFile> {
    if (this.#closed) throw retrievalErrors.closed({});
    const { signal } = options;
    signal?.throwIfAborted();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const work = importFile(this.#files, source, { ...options, signal: stop.signal });
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
 * `retrieval/empty-file`, `retrieval/too-large`, `retrieval/quota-full`, `disk/…`, the signal's reason, and
 * whatever the stream fails with.
 */
async function importFile(
  files: LocalFiles,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportedFile> {
  const { signal, chunkBytes = kuboChunkBytes } = options;
  const blocks = new ImportedBlocks(files);
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
    const { cid: root } = await layOut({ content: counted() }, blocks.storage, {
      cidVersion: 1,
      rawLeaves: true,
      reduceSingleLeafToSelf: true,
      chunker: (bytes) => chunksOf(bytes, chunkBytes),
      layout: balanced({ maxChildrenPerNode: kuboLinks }),
      blockWriteConcurrency: writesAtOnce,
    });
    const carBytes = carHeader(root).length + blocks.sectionsBytes;
    await blocks.keep({ root, imported: true, fileBytes: sizeBytes, carBytes });
    return { root, sizeBytes, carBytes };
  } catch (error) {
    await blocks.takeBack();
    throw error;
  }
}

/** What one import has put into the store. */
class ImportedBlocks {
  readonly storage: WritableStorage;
  /** Bytes of the CAR sections of the distinct blocks. */
  sectionsBytes = 0;
  readonly #files: LocalFiles;
  readonly #claim: Claim;
  readonly #seen = new Set<string>();
  readonly #writes = new Set<Promise<CID>>();
  #failed = false;

  constructor(files: LocalFiles) {
    this.#files = files;
    this.#claim = files.claim((key) => this.#seen.has(key));
    this.storage = {
      put: (cid, bytes) => {
        assert(bytes instanceof Uint8Array, "the importer hands over whole blocks");
        const write = this.#put(cid, bytes);
        this.#writes.add(write);
        const done = (): unknown => this.#writes.delete(write);
        write.then(done, done);
        return write;
      },
    };
  }

  keep(file: WholeFile): Promise<void> {
    return this.#claim.keep(file);
  }
  /** Removes what nobody else uses. */
  async takeBack(): Promise<void> {
    this.#failed = true; // blocks that are still being hashed do not come any more
    await Promise.allSettled([...this.#writes]);
    await this.#claim.drop(this.#seen);
  }

  async #put(cid: CID, bytes: Uint8Array): Promise<CID> {
    const key = cidKey(cid);
    if (this.#failed || this.#seen.has(key)) return cid;
    if (this.#seen.size >= limits.dagBlocks) {
      throw retrievalErrors.tooLarge({ what: "blocks", limit: limits.dagBlocks });
    }
    this.#seen.add(key);
    this.sectionsBytes += sectionBytes(cid, bytes.length);
    await this.#files.put(cid, bytes);
    return cid;
  }
}

/** Full chunks in arrays of their own, whatever lengths the source has and however it uses its buffers. */
async function* chunksOf(
  source: AsyncIterable<Uint8Array>,
  chunkBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = new Uint8Array(chunkBytes);
  let filled = 0;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + chunkBytes - filled);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < chunkBytes) continue;
      yield chunk;
      chunk = new Uint8Array(chunkBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.slice(0, filled);
}

/** The chunks of a stream that may fall silent: the signal ends it at any time. */
async function* interruptible(
  source: AsyncIterable<Uint8Array>,
  signal: Cancel | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
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
