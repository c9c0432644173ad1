/**
 * One fetch per file, however many want it. Each user may leave at any time; a fetch that nobody wants any more
 * stops (what arrived is kept). Readers wait here for the blocks that are still on their way.
 */
import { abortable, type Cancel, type CID, type PeerId } from "@holdfast/base";
import type { ClientTools } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import { Fetch, type FetchProgress, type FetchResult } from "./fetch.ts";
import type { LocalFiles } from "./local-files.ts";
import type { BlockReader } from "./read-file.ts";
import { cidKey } from "./walk.ts";

export type ProgressListener = (progress: FetchProgress) => void;

/** A user's hold on a fetch. */
export interface JoinedFetch {
  readonly done: Promise<FetchResult>;
  /** Resolves when the block was stored after the call, or when the fetch has ended, in whatever way. */
  arrival(cid: CID): Promise<void>;
  leave(): void;
}

interface Running {
  readonly fetch: Fetch;
  readonly stop: AbortController;
  readonly done: Promise<FetchResult>;
  readonly listeners: Set<ProgressListener>;
  readonly waiting: Map<string, PromiseWithResolvers<void>>;
  users: number;
  ended: boolean;
}

export class SharedFetches implements AsyncDisposable {
  readonly #tools: ClientTools;
  readonly #files: LocalFiles;
  readonly #running = new Map<string, Running>();
  readonly #settled = new Set<Promise<unknown>>();
  #closed = false;

  constructor(tools: ClientTools, files: LocalFiles) {
    this.#tools = tools;
    this.#files = files;
  }

  /** Joins the running fetch of the file or starts one. `retrieval/closed`, `retrieval/unsupported-cid`. */
  join(root: CID, providers: readonly PeerId[], listener?: ProgressListener): JoinedFetch {
    if (this.#closed) throw retrievalErrors.closed({});
    const name = root.toString();
    const running = this.#running.get(name) ?? this.#start(root, name);
    running.fetch.addProviders(providers);
    running.users++;
    if (listener !== undefined) running.listeners.add(listener);
    let joined = true;
    return {
      done: running.done,
      arrival: (cid) => {
        if (running.ended) return Promise.resolve();
        const key = cidKey(cid);
        const waiter = running.waiting.get(key) ?? Promise.withResolvers<void>();
        running.waiting.set(key, waiter);
        return waiter.promise;
      },
      leave: () => {
        if (!joined) return;
        joined = false;
        if (listener !== undefined) running.listeners.delete(listener);
        running.users--;
        if (running.users > 0 || running.ended) return;
        this.#forget(name, running); // the next user starts anew, as this one is about to end
        running.stop.abort(retrievalErrors.ended({}));
      },
    };
  }

  /** Stops all fetches and waits for their last writes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { stop } of this.#running.values()) stop.abort(retrievalErrors.closed({}));
    await Promise.all(this.#settled);
  }

  #start(root: CID, name: string): Running {
    const stop = new AbortController();
    const listeners = new Set<ProgressListener>();
    const waiting = new Map<string, PromiseWithResolvers<void>>();
    const events = {
      stored: (key: string): void => {
        waiting.get(key)?.resolve();
        waiting.delete(key);
      },
      progress: (progress: FetchProgress): void => {
        for (const listener of listeners) listener(progress);
      },
    };
    const fetch = new Fetch(this.#tools, this.#files, root, events, stop.signal);
    const release = this.#files.hold(root);
    // Starts after its first user has named the providers.
    const done = Promise.resolve().then(() => fetch.run());
    const running: Running = { fetch, stop, done, listeners, waiting, users: 0, ended: false };
    this.#running.set(name, running);
    const end = (): void => {
      running.ended = true;
      this.#forget(name, running);
      release();
      stop.abort(retrievalErrors.ended({})); // calls off the questions that are still open
      for (const waiter of waiting.values()) waiter.resolve();
      this.#settled.delete(settled);
    };
    const settled: Promise<void> = done.then(end, end);
    this.#settled.add(settled);
    return running;
  }
  #forget(name: string, running: Running): void {
    if (this.#running.get(name) === running) this.#running.delete(name);
  }
}

export interface FetchingReader {
  readonly read: BlockReader;
  leave(): void;
}

/**
 * Reads blocks of a file that may still be missing: the first missing one starts (or joins) a fetch, and each
 * block is given as soon as it is here. Errors of `read`: those of the fetch, `retrieval/missing-block`, or
 * the signal's reason.
 */
export function fetchingReader(
  fetches: SharedFetches,
  files: LocalFiles,
  request: {
    readonly root: CID;
    readonly providers: readonly PeerId[];
    readonly signal: Cancel | undefined;
    readonly progress?: ProgressListener;
  },
): FetchingReader {
  const { root, providers, signal, progress } = request;
  let joined: JoinedFetch | undefined;
  const awaited = async (cid: CID, current: JoinedFetch): Promise<Uint8Array | undefined> => {
    const arrival = current.arrival(cid);
    const bytes = await files.blocks.get(cid); // it may have come before the arrival was awaited
    if (bytes !== undefined) return bytes;
    await abortable(signal, arrival);
    return files.blocks.get(cid);
  };
  const read = async (cid: CID): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    const here = await files.blocks.get(cid);
    if (here !== undefined) return here;
    for (let attempt = 0; attempt < 2; attempt++) {
      const current: JoinedFetch = joined ?? fetches.join(root, providers, progress);
      joined = current;
      const bytes = await awaited(cid, current);
      if (bytes !== undefined) return bytes;
      await abortable(signal, current.done); // throws what the fetch failed with
      // It has ended, and this block has been lost since (a bad disk): once more.
      if (joined === current) {
        current.leave();
        joined = undefined;
      }
    }
    throw retrievalErrors.missingBlock({ root: root.toString(), cid: cid.toString() });
  };
  return { read, leave: () => joined?.leave() };
}
