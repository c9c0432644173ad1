/**
 * One fetch per file, however many want it. Each user may leave at any time; a fetch that nobody wants any more
 * stops (what arrived is kept).
 */
import type { CID, PeerId } from "@holdfast/base";
import type { ClientTools } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import { Fetch, type FetchProgress, type FetchResult } from "./fetch.ts";
import type { LocalFiles } from "./local-files.ts";

export type ProgressListener = (progress: FetchProgress) => void;

/** A user's hold on a fetch. */
export interface JoinedFetch {
  readonly done: Promise<FetchResult>;
  leave(): void;
}

interface Running {
  readonly fetch: Fetch;
  readonly stop: AbortController;
  readonly done: Promise<FetchResult>;
  readonly listeners: Set<ProgressListener>;
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
    const events = {
      progress: (progress: FetchProgress): void => {
        for (const listener of listeners) listener(progress);
      },
    };
    const fetch = new Fetch(this.#tools, this.#files, root, events, stop.signal);
    const release = this.#files.hold(root);
    // Starts after its first user has named the providers.
    const done = Promise.resolve().then(() => fetch.run());
    const running: Running = { fetch, stop, done, listeners, users: 0, ended: false };
    this.#running.set(name, running);
    const end = (): void => {
      running.ended = true;
      this.#forget(name, running);
      release();
      stop.abort(retrievalErrors.ended({})); // calls off the questions that are still open
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
