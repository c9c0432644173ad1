/**
 * Which providers give blocks. All are asked, some at a time; those that are free take a seat as they answer, one that
 * wants money only when no free one is there. One that failed is asked again after a pause, at most a few times in a
 * row; one that broke the rules never.
 */
import {
  type AttoFil,
  attoFil,
  type Cancel,
  type CID,
  filText,
  HoldfastError,
  maxAtto,
  minAtto,
  type PeerId,
} from "@holdfast/base";
import { limits } from "../limits.ts";
import { BlockStream } from "./block-stream.ts";
import { type BlocksTerms, blocksStatus, freeHello } from "./blocks-protocol.ts";
import type { Budget } from "./budget.ts";
import { isTransient } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import { named } from "./find.ts";
import { printable } from "./protocol.ts";
import type { ProviderFailure } from "./providers.ts";
import type { SwarmTools } from "./swarm.ts";

export interface SeatRequest {
  readonly root: CID;
  readonly providers: readonly PeerId[];
  readonly budget: Budget;
  /** How much is likely to be fetched; undefined: all below the root. */
  readonly needBytes?: number | undefined;
  /** Providers may fetch it from others. */
  readonly mayFetch?: boolean;
  /** attoFIL; a provider that asks more is not paid. */
  readonly mostPerByte?: AttoFil;
}

interface Provider {
  readonly peer: PeerId;
  state: "waiting" | "asking" | "ready" | "priced" | "seated" | "dropped";
  stream: BlockStream | undefined;
  terms: BlocksTerms | undefined;
  failuresInARow: number;
  /** Not before this time. */
  notBeforeMs: number;
}

/** Around a range: whole blocks at both ends, and what leads to them. */
const rangeOverheadBytes = 1_048_576;

export class Seats {
  readonly #tools: SwarmTools;
  readonly #request: SeatRequest;
  readonly #signal: Cancel;
  readonly #providers: Provider[];
  readonly #failures: ProviderFailure[] = [];
  #isSearched = false;
  #pricedSinceMs: number | undefined;
  #dearest: { readonly asked: AttoFil; readonly what: string } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(tools: SwarmTools, request: SeatRequest, signal: Cancel) {
    this.#tools = tools;
    this.#request = request;
    this.#signal = signal;
    this.#providers = [...new Set(request.providers)].slice(0, limits.retrievalProviders).map(newProvider);
  }

  /**
   * One more that gives blocks, ready to be asked; undefined when nobody is left, and while `isEnough` also when only
   * those are left that want money.
   */
  async next(isEnough: () => boolean): Promise<BlockStream | undefined> {
    for (;;) {
      this.#signal.throwIfAborted();
      this.#ask();
      const free = this.#providers.find(({ state }) => state === "ready");
      if (free?.stream !== undefined) {
        free.state = "seated";
        return free.stream;
      }
      const isExtra = isEnough();
      const paid = isExtra && !this.#maySpread() ? undefined : await this.#payCheapest(isExtra);
      if (paid !== undefined) return paid;
      const waiting = this.#providers.filter(({ state }) => state === "waiting");
      const isAsking = this.#providers.some(({ state }) => state === "asking");
      if (waiting.length === 0 && !isAsking && (isEnough() || !(await this.#search()))) return undefined;
      if (waiting.length === 0 && !isAsking) continue; // the table has named some
      const nowMs = this.#tools.clock.nowMs();
      const times = [...waiting.map(({ notBeforeMs }) => notBeforeMs), this.#freeWaitEndMs()];
      await this.#change(Math.min(...times.filter((timeMs) => timeMs > nowMs)));
    }
  }

  /** It has nothing to give now and has done nothing wrong. */
  release(peer: PeerId): void {
    const provider = this.#of(peer);
    if (provider === undefined || provider.state === "dropped") return;
    provider.state = "waiting";
    provider.stream = undefined;
    this.#wake();
  }
  praise(peer: PeerId): void {
    const provider = this.#of(peer);
    if (provider !== undefined) provider.failuresInARow = 0;
  }
  blame(peer: PeerId, error: unknown): void {
    const provider = this.#of(peer);
    if (provider === undefined) return;
    const known = error instanceof HoldfastError;
    this.#failures.push({
      peer,
      code: known ? error.code : "internal",
      message: known ? error.message : String(error),
    });
    if (this.#failures.length > limits.retrievalProviders) this.#failures.shift();
    provider.failuresInARow++;
    provider.stream = undefined;
    this.#wake();
    if (!isTransient(error) || provider.failuresInARow >= limits.retrievalAttempts) {
      provider.state = "dropped";
      return;
    }
    provider.state = "waiting";
    const pauseMs = limits.retrievalRetryMs * 2 ** (provider.failuresInARow - 1);
    provider.notBeforeMs = this.#tools.clock.nowMs() + pauseMs;
  }

  /** Whether a provider is left that may have what these do not. */
  canAnyGive(missedBy: ReadonlySet<PeerId>): boolean {
    return this.#providers.some(({ peer, state }) => state !== "dropped" && !missedBy.has(peer));
  }
  get failures(): readonly ProviderFailure[] {
    return this.#failures;
  }
  nobodyLeft(): Error {
    const cid = this.#request.root.toString();
    if (this.#dearest !== undefined) {
      const { asked, what } = this.#dearest;
      const maxFil = filText(this.#request.budget.most);
      return retrievalErrors.priceAboveMax({ cid, what, askedFil: filText(asked), maxFil });
    }
    const reasons = this.#failures.slice(-limits.retrievalQuestions).map(({ message }) => message);
    return retrievalErrors.noProvider({ cid, tried: this.#providers.length, reasons: reasons.join("; ") });
  }

  /** All that may be spent was spent. */
  spent(): Error {
    const { root, budget } = this.#request;
    const maxFil = filText(budget.most);
    const askedFil = `more than ${maxFil}`;
    return retrievalErrors.priceAboveMax({ cid: root.toString(), what: "it", askedFil, maxFil });
  }

  /** Whether the network's table names more; it is asked once. */
  async #search(): Promise<boolean> {
    const before = this.#providers.length;
    if (this.#isSearched || this.#tools.routing === undefined) return false;
    this.#isSearched = true;
    const { root } = this.#request;
    await named(this.#tools, root, this.#tools.routing, this.#signal, (peer) => {
      if (this.#of(peer) === undefined && this.#providers.length < limits.retrievalProviders) {
        this.#providers.push(newProvider(peer));
      }
    });
    return this.#providers.length > before;
  }
  get #mayFetch(): boolean {
    return this.#request.mayFetch ?? true;
  }
  #of(peer: PeerId): Provider | undefined {
    return this.#providers.find((provider) => provider.peer === peer);
  }

  #ask(): void {
    const nowMs = this.#tools.clock.nowMs();
    let asking = this.#providers.filter(({ state }) => state === "asking").length;
    for (const provider of this.#providers) {
      if (asking >= limits.retrievalQuestions) return;
      if (provider.state !== "waiting" || provider.notBeforeMs > nowMs) continue;
      provider.state = "asking";
      asking++;
      void this.#question(provider);
    }
  }
  async #question(provider: Provider): Promise<void> {
    const { peer } = provider;
    try {
      const hello = freeHello(this.#request.root, this.#mayFetch);
      const stream = await BlockStream.open(this.#tools, peer, hello, this.#signal);
      const { terms } = stream;
      provider.terms = terms;
      if (terms.status === blocksStatus.success && terms.pricePerByte === 0n) {
        provider.stream = stream;
        provider.state = "ready";
        return;
      }
      stream.end(retrievalErrors.ended({}));
      if (terms.status !== blocksStatus.payment) throw refusalOf(peer, terms);
      provider.state = "priced";
      this.#pricedSinceMs ??= this.#tools.clock.nowMs();
    } catch (error) {
      provider.state = "waiting";
      if (!this.#signal.aborted) this.blame(peer, error);
    } finally {
      this.#wake();
    }
  }
  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #freeWaitEndMs(): number {
    if (this.#pricedSinceMs === undefined || this.#dearest !== undefined) return Number.POSITIVE_INFINITY;
    return this.#pricedSinceMs + limits.retrievalFreeWaitMs;
  }

  /** Whether several are paid: for much, if nobody gives it for nothing. */
  #maySpread(): boolean {
    const seated = this.#providers.filter(({ state }) => state === "seated");
    const [first] = seated;
    const bytes = this.#request.needBytes ?? first?.terms?.carBytes ?? 0;
    const arePaid = seated.length > 0 && seated.every((one) => priceOf(one) > 0n);
    return arePaid && seated.length < limits.paidSeats && bytes >= limits.paidSpreadBytes;
  }

  /** Of those that are paid already. */
  #isNotMuchDearer(provider: Provider): boolean {
    const prices = this.#providers.filter(({ state }) => state === "seated").map(priceOf);
    const most = prices.reduce((least, price) => (price < least ? price : least), prices[0] ?? 0n);
    return priceOf(provider) * 100n <= most * BigInt(limits.paidSpreadPercent);
  }

  /**
   * The cheapest of those that want money, paid for; undefined while a free one may still answer. `isExtra`: beside
   * others that are enough.
   */
  async #payCheapest(isExtra: boolean): Promise<BlockStream | undefined> {
    const isWaiting = this.#providers.some(({ state, failuresInARow }) => {
      return state === "asking" || (state === "waiting" && failuresInARow === 0);
    });
    const nowMs = this.#tools.clock.nowMs();
    if (isWaiting && nowMs < (this.#pricedSinceMs ?? Number.POSITIVE_INFINITY) + limits.retrievalFreeWaitMs)
      return;
    for (;;) {
      const [cheapest] = this.#providers
        .filter((one) => one.state === "priced" && (!isExtra || this.#isNotMuchDearer(one)))
        .sort((a, b) => Number(priceOf(a) - priceOf(b)));
      if (cheapest === undefined) return undefined;
      try {
        const stream = await this.#paid(cheapest, isExtra);
        if (stream === undefined) return undefined;
        cheapest.state = "seated";
        cheapest.stream = stream;
        return stream;
      } catch (error) {
        this.#signal.throwIfAborted();
        this.blame(cheapest.peer, error);
      }
    }
  }

  /** Undefined if it costs more than is allowed. */
  async #paid({ peer, terms }: Provider, isExtra: boolean): Promise<BlockStream | undefined> {
    const { budget, root, needBytes } = this.#request;
    const { purse } = this.#tools;
    if (terms === undefined || terms.target === null) return undefined;
    const price = terms.pricePerByte;
    const wanted = Math.min(needBytes ?? Number.MAX_SAFE_INTEGER, terms.carBytes ?? Number.MAX_SAFE_INTEGER);
    const least = wanted === Number.MAX_SAFE_INTEGER ? 1 : wanted;
    const asked = attoFil(price * BigInt(least));
    const isTooDear = price > (this.#request.mostPerByte ?? price);
    if (isTooDear || asked > budget.left() || budget.left() === 0n) {
      if (isExtra) return undefined;
      this.#dearest = tooDear(terms, asked, budget.most === 0n);
      return undefined;
    }
    if (purse === undefined) throw retrievalErrors.noWallet({});
    // Each of several gets a share into its channel, and more when that is spent.
    const share = isExtra ? Math.ceil(least / limits.paidSeats) : least;
    const most = least === 1 ? budget.left() : attoFil(price * BigInt(share + rangeOverheadBytes));
    const payment = await purse.paying(terms.target, minAtto(most, budget.left()), this.#signal);
    const { channel } = payment;
    const hello = { root, channel, proof: payment.proof(), mayFetch: this.#mayFetch };
    const stream = await BlockStream.open(this.#tools, peer, hello, this.#signal);
    try {
      if (stream.terms.status !== blocksStatus.success) throw refusalOf(peer, stream.terms);
      if (stream.terms.pricePerByte > price) {
        throw retrievalErrors.badStream({ peer, detail: "it asks more than it has said" });
      }
      stream.payWith(payment, budget);
      return stream;
    } catch (error) {
      stream.end(retrievalErrors.ended({}));
      throw error;
    }
  }

  /** Until an answer has come, or this time. */
  async #change(untilMs: number): Promise<void> {
    const { clock } = this.#tools;
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    this.#signal.addEventListener("abort", onAbort, { once: true });
    const ms = untilMs - clock.nowMs();
    const stopped = new Promise<void>((resolve) => {
      stop.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const slept = Number.isFinite(ms)
      ? clock.sleep(Math.max(0, ms), stop.signal).catch(() => undefined)
      : stopped;
    try {
      await Promise.race([this.#changed.promise, slept]);
    } finally {
      this.#signal.removeEventListener("abort", onAbort);
      stop.abort();
    }
  }
}

function newProvider(peer: PeerId): Provider {
  return {
    ...{ peer, state: "waiting", stream: undefined, terms: undefined },
    ...{ failuresInARow: 0, notBeforeMs: 0 },
  };
}

const gibibyte = 2n ** 30n;

/**
 * What somebody has to allow. Whoever allows nothing is told what all of it costs: that is asked for next, though a
 * look at its first bytes came to its end here.
 */
function tooDear({ pricePerByte, carBytes }: BlocksTerms, asked: AttoFil, isNothingAllowed: boolean) {
  if (carBytes === null) return { asked: attoFil(pricePerByte * gibibyte), what: "a GiB of it" };
  const all = attoFil(pricePerByte * BigInt(carBytes));
  if (isNothingAllowed || asked >= all) return { asked: maxAtto(asked, all), what: "all of it" };
  return { asked: maxAtto(asked, attoFil(pricePerByte)), what: "this part of it" };
}

function priceOf({ terms }: Provider): bigint {
  return terms?.pricePerByte ?? 0n;
}

/** What a provider that gives nothing has said. */
export function refusalOf(peer: PeerId, { status, message }: BlocksTerms): Error {
  if (status === blocksStatus.notFound)
    return retrievalErrors.refused({ peer, reason: "it has no such file" });
  if (status === blocksStatus.payment) return retrievalErrors.unpaid({ peer, reason: printable(message) });
  return retrievalErrors.refused({ peer, reason: printable(message) });
}
