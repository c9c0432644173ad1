/**
 * One connection that only listens. A notification is a hint and no message: what it tells of are rows, and whoever
 * is woken reads them from its own cursor. So a connection that was lost costs nothing but a wake when there is
 * a new one. A silent connection is asked now and then whether it is alive, and then all who listen look by themselves.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Cancel } from "@holdfast/base";
import type { Client } from "pg";
import type { Answers } from "./silence.ts";

/** Between two tries to connect, and between two looks whether the connection lives. */
const times = { retryMs: 1_000, checkMs: 15_000 } as const;

type Wake = (word?: string) => void;

export class PostgresListener implements AsyncDisposable {
  readonly #connect: () => Promise<Client>;
  readonly #answers: Answers;
  readonly #wakes = new Map<string, Set<Wake>>();
  readonly #end = new AbortController();
  #client: Client | undefined;
  #loop: Promise<void> | undefined;

  constructor(connect: () => Promise<Client>, answers: Answers) {
    this.#connect = connect;
    this.#answers = answers;
  }

  listen(channel: string, wake: Wake, signal: Cancel): void {
    if (signal.aborted || this.#end.signal.aborted) return;
    const wakes = this.#wakes.get(channel) ?? new Set();
    this.#wakes.set(channel, wakes);
    wakes.add(wake);
    signal.addEventListener("abort", () => wakes.delete(wake), { once: true });
    if (this.#loop === undefined) this.#loop = this.#run();
    else if (wakes.size === 1) this.#subscribe(channel);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#client?.end().catch(() => undefined);
    await this.#loop;
  }

  #subscribe(channel: string): void {
    // When it fails, the connection does, and the next one listens to all channels.
    this.#client?.query(`LISTEN "${channel}"`).then(
      () => this.#wake(channel),
      () => undefined,
    );
  }

  #wake(channel: string, word?: string): void {
    for (const wake of [...(this.#wakes.get(channel) ?? [])]) wake(word);
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        await this.#hear(signal);
      } catch {
        // It is tried again: whoever writes is told of what is wrong with the database.
      }
      this.#client = undefined;
      await sleep(times.retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #connected(): Promise<Client> {
    try {
      const client = await this.#connect();
      this.#answers.answered();
      return client;
    } catch (error) {
      this.#answers.failed(error);
      throw error;
    }
  }

  /** Ends or throws when the connection does. */
  async #hear(signal: AbortSignal): Promise<void> {
    const client = await this.#connected();
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    client.on("error", () => resolve());
    client.on("end", () => resolve());
    client.on("notification", ({ channel, payload }) => this.#wake(channel, payload));
    try {
      for (const channel of this.#wakes.keys()) await client.query(`LISTEN "${channel}"`);
      this.#client = client;
      for (const channel of this.#wakes.keys()) {
        await client.query(`LISTEN "${channel}"`); // those that came meanwhile, too
        this.#wake(channel);
      }
      while (!signal.aborted) {
        const pause = sleep(times.checkMs, "due", { signal, ref: false });
        if ((await Promise.race([lost, pause])) !== "due") return;
        await client.query("SELECT 1");
        this.#answers.answered();
        for (const channel of this.#wakes.keys()) this.#wake(channel); // whoever was to tell may have ended before
      }
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
