/**
 * A queue that may be exchanged for another while it is used: its jobs went there (carry.ts). Whoever changes something
 * meanwhile waits and is served by the new one; whoever waits for news looks again.
 */
import { type Cancel, HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import type { MovableQueue } from "./carry.ts";
import type { JobListener, JobQueue } from "./types.ts";

/**
 * Where the jobs of a closed queue are: the queue that has them, or undefined where it may be asked again. Throws
 * storage/queue-moved where nobody knows; the reason of `signal` when nobody asks any more.
 */
export type FollowQueue = (left: MovableQueue, signal: Cancel) => Promise<MovableQueue | undefined>;

export class SwitchQueue implements JobQueue {
  #now: MovableQueue;
  readonly #follow: FollowQueue;
  #following: Promise<void> | undefined;
  readonly #listeners = new Set<JobListener>();
  #listening: Disposable | undefined;
  readonly #end = new AbortController();

  constructor(first: MovableQueue, follow: FollowQueue) {
    this.#now = first;
    this.#follow = follow;
  }

  get current(): MovableQueue {
    return this.#now;
  }

  /** From now on everything goes to the other one. Ends the old one; after the end, the new one. */
  async switchTo(next: MovableQueue): Promise<void> {
    if (this.#end.signal.aborted) return await next[Symbol.asyncDispose]();
    const before = this.#now;
    this.#now = next;
    this.#listening?.[Symbol.dispose]();
    this.#listening = undefined;
    this.#listen();
    this.#announce(undefined);
    await before[Symbol.asyncDispose]();
  }

  enqueue: JobQueue["enqueue"] = (...args) => this.#ask((queue) => queue.enqueue(...args));
  claim: JobQueue["claim"] = (...args) => this.#ask((queue) => queue.claim(...args));
  claimSome: JobQueue["claimSome"] = (...args) => this.#ask((queue) => queue.claimSome(...args));
  peek: JobQueue["peek"] = (...args) => this.#ask((queue) => queue.peek(...args));
  heartbeat: JobQueue["heartbeat"] = (...args) => this.#ask((queue) => queue.heartbeat(...args));
  done: JobQueue["done"] = (...args) => this.#ask((queue) => queue.done(...args));
  doneAll: JobQueue["doneAll"] = (...args) => this.#ask((queue) => queue.doneAll(...args));
  fail: JobQueue["fail"] = (...args) => this.#ask((queue) => queue.fail(...args));
  release: JobQueue["release"] = (...args) => this.#ask((queue) => queue.release(...args));
  cancel: JobQueue["cancel"] = (...args) => this.#ask((queue) => queue.cancel(...args));
  prioritise: JobQueue["prioritise"] = (...args) => this.#ask((queue) => queue.prioritise(...args));
  taken: JobQueue["taken"] = (...args) => this.#ask((queue) => queue.taken(...args));
  retry: JobQueue["retry"] = (...args) => this.#ask((queue) => queue.retry(...args));
  expire: JobQueue["expire"] = () => this.#ask((queue) => queue.expire());
  bury: JobQueue["bury"] = (...args) => this.#ask((queue) => queue.bury(...args));
  job: JobQueue["job"] = (...args) => this.#ask((queue) => queue.job(...args));
  list: JobQueue["list"] = (...args) => this.#ask((queue) => queue.list(...args));
  counts: JobQueue["counts"] = () => this.#ask((queue) => queue.counts());
  cordon: JobQueue["cordon"] = (...args) => this.#ask((queue) => queue.cordon(...args));
  uncordon: JobQueue["uncordon"] = (...args) => this.#ask((queue) => queue.uncordon(...args));
  cordons: JobQueue["cordons"] = () => this.#ask((queue) => queue.cordons());
  announce: JobQueue["announce"] = (...args) => this.#ask((queue) => queue.announce(...args));
  leave: JobQueue["leave"] = (...args) => this.#ask((queue) => queue.leave(...args));
  workers: JobQueue["workers"] = () => this.#ask((queue) => queue.workers());
  shareVolumes: JobQueue["shareVolumes"] = (...args) => this.#ask((queue) => queue.shareVolumes(...args));
  volumes: JobQueue["volumes"] = () => this.#ask((queue) => queue.volumes());
  events: JobQueue["events"] = (...args) => this.#ask((queue) => queue.events(...args));
  eventsOf: JobQueue["eventsOf"] = (...args) => this.#ask((queue) => queue.eventsOf(...args));
  lastCursor: JobQueue["lastCursor"] = () => this.#ask((queue) => queue.lastCursor());
  cursorOf: JobQueue["cursorOf"] = (...args) => this.#ask((queue) => queue.cursorOf(...args));
  saveCursor: JobQueue["saveCursor"] = (...args) => this.#ask((queue) => queue.saveCursor(...args));
  prune: JobQueue["prune"] = (...args) => this.#ask((queue) => queue.prune(...args));

  onChange(listener: JobListener): Disposable {
    const own: JobListener = (jobId) => listener(jobId); // the same listener twice is two
    this.#listeners.add(own);
    this.#listen();
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(storageErrors.closed({}));
    await this.#now[Symbol.asyncDispose]();
    await this.#following?.catch(() => undefined);
  }

  async #ask<T>(run: (queue: JobQueue) => Promise<T>): Promise<T> {
    for (;;) {
      const queue = this.#now;
      try {
        return await run(queue);
      } catch (error) {
        const isLeft = this.#now !== queue && isCode(error, "storage/closed");
        if (!isLeft && !isCode(error, "storage/queue-moved")) throw error;
        if (this.#now !== queue) continue;
        this.#following ??= this.#find(queue).finally(() => {
          this.#following = undefined;
        });
        await this.#following;
      }
    }
  }

  async #find(left: MovableQueue): Promise<void> {
    this.#end.signal.throwIfAborted();
    const found = await this.#follow(left, this.#end.signal);
    if (found !== undefined && found !== this.#now) await this.switchTo(found);
  }

  #listen(): void {
    if (this.#listeners.size === 0) return;
    this.#listening ??= this.#now.onChange((jobId) => this.#announce(jobId));
  }

  #announce(jobId: number | undefined): void {
    for (const listener of [...this.#listeners]) listener(jobId);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof HoldfastError && error.code === code;
}
