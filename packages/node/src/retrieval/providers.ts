/**
 * Whom to ask next. All providers of a file are asked at once (a few at a time) and the fastest answer is used
 * first. One that failed is tried again after a pause, at most a few times in a row; one that broke the rules
 * never.
 */
import { type Cancel, type CID, type Clock, HoldfastError, type PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import { askProvider, type ClientTools, isTransient, type ProviderOffer } from "./client.ts";

export interface ProviderFailure {
  readonly peer: PeerId;
  readonly code: string;
  readonly message: string;
}

interface Provider {
  readonly peer: PeerId;
  state: "waiting" | "asking" | "ready" | "dropped";
  offer: ProviderOffer | undefined;
  failuresInARow: number;
  /** Not before this time. */
  notBeforeMs: number;
}

export class Providers {
  readonly #tools: ClientTools;
  readonly #payload: CID;
  readonly #signal: Cancel;
  readonly #providers = new Map<PeerId, Provider>();
  readonly #failures: ProviderFailure[] = [];
  #asking = 0;
  #changed = Promise.withResolvers<void>();

  constructor(tools: ClientTools, payload: CID, signal: Cancel) {
    this.#tools = tools;
    this.#payload = payload;
    this.#signal = signal;
  }

  add(peers: readonly PeerId[]): void {
    for (const peer of peers) {
      if (this.#providers.has(peer) || this.#providers.size >= limits.retrievalProviders) continue;
      this.#providers.set(peer, {
        peer,
        state: "waiting",
        offer: undefined,
        failuresInARow: 0,
        notBeforeMs: 0,
      });
    }
    this.#ask();
  }

  get count(): number {
    return this.#providers.size;
  }
  /** What went wrong, in its order. */
  get failures(): readonly ProviderFailure[] {
    return this.#failures;
  }

  /** The best that is left; waits for answers and pauses; undefined when nobody is left. */
  async next(): Promise<ProviderOffer | undefined> {
    for (;;) {
      this.#signal.throwIfAborted();
      this.#ask();
      const nowMs = this.#tools.clock.nowMs();
      const all = [...this.#providers.values()];
      const offers = all.filter(({ state, notBeforeMs }) => state === "ready" && notBeforeMs <= nowMs);
      const best = offers.sort((a, b) => a.failuresInARow - b.failuresInARow || answerMs(a) - answerMs(b))[0];
      if (best?.offer !== undefined) return best.offer;
      const later = all.filter(({ state }) => state === "ready" || state === "waiting");
      if (later.length === 0 && this.#asking === 0) return undefined;
      await this.#change(Math.min(...later.map(({ notBeforeMs }) => notBeforeMs)) - nowMs);
    }
  }

  /** The provider moved something: its failures are forgiven. */
  praise(peer: PeerId): void {
    const provider = this.#providers.get(peer);
    if (provider !== undefined) provider.failuresInARow = 0;
  }
  blame(peer: PeerId, error: unknown): void {
    const provider = this.#providers.get(peer);
    if (provider === undefined) return;
    const known = error instanceof HoldfastError;
    const code = known ? error.code : "internal";
    this.#failures.push({ peer, code, message: known ? error.message : String(error) });
    if (this.#failures.length > limits.retrievalProviders) this.#failures.shift();
    provider.failuresInARow++;
    if (!isTransient(error) || provider.failuresInARow >= limits.retrievalAttempts) {
      provider.state = "dropped";
      return;
    }
    const pauseMs = limits.retrievalRetryMs * 2 ** (provider.failuresInARow - 1);
    provider.notBeforeMs = this.#tools.clock.nowMs() + pauseMs;
  }

  #ask(): void {
    const nowMs = this.#tools.clock.nowMs();
    for (const provider of this.#providers.values()) {
      if (this.#asking >= limits.retrievalQuestions) return;
      if (provider.state !== "waiting" || provider.notBeforeMs > nowMs) continue;
      provider.state = "asking";
      this.#asking++;
      void this.#question(provider);
    }
  }
  async #question(provider: Provider): Promise<void> {
    try {
      provider.offer = await askProvider(this.#tools, provider.peer, this.#payload, this.#signal);
      provider.state = "ready";
    } catch (error) {
      provider.state = "waiting";
      if (!this.#signal.aborted) this.blame(provider.peer, error);
    } finally {
      this.#asking--;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  /** Until an answer has come or `ms` have passed. */
  async #change(ms: number): Promise<void> {
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(this.#signal.reason);
    this.#signal.addEventListener("abort", onAbort, { once: true });
    try {
      const waits = [this.#changed.promise, sleepOf(this.#tools.clock, ms, stop.signal)];
      await Promise.race(waits);
    } finally {
      this.#signal.removeEventListener("abort", onAbort);
      stop.abort();
    }
  }
}

/** For an infinite time too: then only the signal ends it. Never rejects. */
async function sleepOf(clock: Clock, ms: number, signal: Cancel): Promise<void> {
  if (Number.isFinite(ms)) return clock.sleep(ms, signal).catch(() => undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

function answerMs(provider: Provider): number {
  return provider.offer?.answerMs ?? Number.POSITIVE_INFINITY;
}
