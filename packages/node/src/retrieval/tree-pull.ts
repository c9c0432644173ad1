/**
 * A tree fetched block by block from wherever blocks come from: bitswap, a gateway. It is walked depth first like
 * every tree here, while the blocks that come next are already on their way; a bounded number is under way or waits
 * for its turn. What arrived stays when a pull is interrupted: the next one goes on from there.
 */
import { abortable, type Cancel, type CID, verifyCid } from "@holdfast/base";
import { limits } from "../limits.ts";
import { Settling } from "../settling.ts";
import { Writes } from "./car-import.ts";
import { retrievalErrors } from "./errors.ts";
import type { ImportedFile } from "./import.ts";
import type { LocalFiles } from "./local-files.ts";
import { isRawLeaf } from "./unixfs.ts";
import { cidKey, DagWalk } from "./walk.ts";

/** The bytes, not believed unless the options say so, or undefined if nobody gives them. */
export type GetBlock = (cid: CID, signal: Cancel) => Promise<Uint8Array | undefined>;

export interface PullProgress {
  readonly fetchedBlocks: number;
  readonly fetchedBytes: number;
  /** Of the whole file, as soon as its root says it. */
  readonly totalBytes: number | null;
}

export interface PullOptions {
  readonly get: GetBlock;
  /** What `get` gives has been held against its CID; default: it is here. */
  readonly isVerified?: boolean;
  readonly signal: Cancel;
  readonly progress?: (progress: PullProgress) => void;
}

export interface PulledFile extends ImportedFile {
  readonly fetchedBlocks: number;
  readonly fetchedBytes: number;
}

/**
 * `retrieval/no-provider` if a block is not to be had, `retrieval/corrupt-block`, what is refused of a tree,
 * `retrieval/quota-full`, `disk/…`, the signal's reason.
 */
export async function pullTree(files: LocalFiles, root: CID, options: PullOptions): Promise<PulledFile> {
  const walk = new DagWalk(root);
  const before = await files.blocks.readRecord(root);
  await files.begin(root);
  const seen = new Set<string>();
  const claim = files.claim((key) => seen.has(key));
  const release = files.hold(root);
  const { isVerified = false } = options;
  const writes = new Writes();
  const settling = new Settling(files.blocks);
  const ahead = new Ahead(files, options);
  let fetchedBlocks = 0;
  let fetchedBytes = 0;
  try {
    for (let wanted = walk.next(); wanted !== undefined; wanted = walk.next()) {
      options.signal.throwIfAborted();
      const { cid } = wanted;
      const { bytes, isNew } = await ahead.take(cid);
      const { links } = walk.accept(bytes);
      ahead.follow(links.map((link) => link.cid).filter((next) => !walk.visited(cidKey(next))));
      if (!isNew) {
        settling.add(cid); // a pull that was interrupted may have left a copy
        continue;
      }
      fetchedBlocks += 1;
      fetchedBytes += bytes.length;
      seen.add(cidKey(cid));
      await writes.add(async () => {
        await files.put(cid, bytes, { isVerified: isVerified || !isRawLeaf(cid), isCopy: true });
        settling.add(cid);
      });
      options.progress?.({ fetchedBlocks, fetchedBytes, totalBytes: walk.fileBytes ?? null });
    }
    await writes.done();
    await settling.done();
    const [fileBytes, carBytes] = [walk.fileBytes ?? 0, walk.carOffset];
    await claim.keep({ root, imported: true, fileBytes, carBytes });
    return { root, sizeBytes: fileBytes, carBytes, fetchedBlocks, fetchedBytes };
  } catch (error) {
    await writes.settled();
    await settling.ended();
    await claim.drop([], root);
    if (before === undefined && fetchedBlocks === 0) await files.delete(root);
    throw error;
  } finally {
    await ahead.stop();
    release();
  }
}

interface Taken {
  readonly bytes: Uint8Array;
  readonly isNew: boolean;
}

/** Blocks on their way, the next ones of the walk first. */
class Ahead {
  readonly #files: LocalFiles;
  readonly #options: PullOptions;
  readonly #started = new Map<string, Promise<Taken>>();
  /** Those that come next are last. */
  readonly #next: CID[] = [];
  readonly #stop = new AbortController();
  readonly #onAbort: () => void;

  constructor(files: LocalFiles, options: PullOptions) {
    this.#files = files;
    this.#options = options;
    this.#onAbort = () => this.#stop.abort(options.signal.reason);
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  follow(cids: readonly CID[]): void {
    this.#next.push(...cids.toReversed());
    this.#fill();
  }
  async take(cid: CID): Promise<Taken> {
    const key = cidKey(cid);
    const started = this.#started.get(key) ?? this.#get(cid);
    this.#started.delete(key);
    this.#fill();
    return started;
  }
  async stop(): Promise<void> {
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#stop.abort(retrievalErrors.ended({}));
    await Promise.allSettled(this.#started.values());
  }

  #fill(): void {
    while (this.#started.size < limits.pullBlocks && !this.#stop.signal.aborted) {
      const cid = this.#next.pop();
      if (cid === undefined) return;
      const key = cidKey(cid);
      if (this.#started.has(key)) continue;
      const getting = this.#get(cid);
      getting.catch(() => undefined); // looked at when its turn comes
      this.#started.set(key, getting);
    }
  }
  async #get(cid: CID): Promise<Taken> {
    const here = await this.#files.blocks.get(cid);
    if (here !== undefined) return { bytes: here, isNew: false };
    const { signal } = this.#stop;
    const bytes = await abortable(signal, this.#options.get(cid, signal));
    if (bytes === undefined) throw retrievalErrors.noProvider({ cid: cid.toString(), tried: 0, reasons: "" });
    // What the walk reads is checked here; of a leaf it reads the length alone, and the store checks it.
    const isBelieved = this.#options.isVerified === true || isRawLeaf(cid);
    if (!isBelieved && !verifyCid(cid, bytes)) throw retrievalErrors.corruptBlock({ cid: cid.toString() });
    return { bytes, isNew: true };
  }
}
