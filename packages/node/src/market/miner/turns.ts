/**
 * Turns of transfers, so many at a time. The next one goes to the client that has the fewest; among those to the one
 * whose last turn began longest ago, and of one client to whoever waits longest. So a client with many deals has as
 * many under way as there are turns where nobody else waits, and an equal share where somebody does. Invariant: nobody
 * waits while a turn is free.
 */
import { assert } from "@holdfast/base";

export interface Turn extends Disposable {
  /** Another client waits for a turn. */
  readonly isWanted: boolean;
}

interface Line {
  readonly waiting: (() => void)[];
  taken: number;
  /** Turns that there had been when its last one began, or when it came. */
  last: number;
}

export class FairTurns {
  readonly #most: number;
  /** Of those that have a turn or wait for one. */
  readonly #lines = new Map<string, Line>();
  #taken = 0;
  #begun = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isAnyoneWaiting(): boolean {
    return this.#waits(undefined);
  }

  /** To be disposed of when it is over. Rejects with the signal's reason. */
  async take(client: string, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted();
    if (this.#taken < this.#most) this.#begin(client);
    else await this.#wait(client, signal);
    const turns = this;
    let isOver = false;
    return {
      get isWanted() {
        return turns.#waits(client);
      },
      [Symbol.dispose]() {
        if (!isOver) turns.#end(client);
        isOver = true;
      },
    };
  }

  #lineOf(client: string): Line {
    const known = this.#lines.get(client);
    if (known !== undefined) return known;
    const line: Line = { waiting: [], taken: 0, last: this.#begun };
    this.#lines.set(client, line);
    return line;
  }

  #begin(client: string): void {
    const line = this.#lineOf(client);
    this.#taken += 1;
    this.#begun += 1;
    line.taken += 1;
    line.last = this.#begun;
  }

  #end(client: string): void {
    this.#taken -= 1;
    this.#lineOf(client).taken -= 1;
    this.#forget(client);
    let next: { readonly client: string; readonly line: Line } | undefined;
    for (const [other, line] of this.#lines) {
      if (line.waiting.length === 0) continue;
      if (next === undefined || isBefore(line, next.line)) next = { client: other, line };
    }
    if (next === undefined) return;
    this.#begin(next.client);
    next.line.waiting.shift()?.();
  }

  async #wait(client: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { waiting } = this.#lineOf(client);
    const onAbort = (): void => {
      const at = waiting.indexOf(resolve);
      if (at < 0) return; // it has its turn already
      waiting.splice(at, 1);
      this.#forget(client);
      reject(signal.reason);
    };
    waiting.push(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #forget(client: string): void {
    const line = this.#lines.get(client);
    assert(line === undefined || line.taken >= 0, "a turn ends once");
    if (line?.taken === 0 && line.waiting.length === 0) this.#lines.delete(client);
  }

  #waits(but: string | undefined): boolean {
    for (const [client, { waiting }] of this.#lines) if (client !== but && waiting.length > 0) return true;
    return false;
  }
}

function isBefore(a: Line, b: Line): boolean {
  return a.taken === b.taken ? a.last < b.last : a.taken < b.taken;
}
