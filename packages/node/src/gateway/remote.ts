/**
 * Another program's gateway as a place to fetch from: single blocks, or a whole tree as a CAR stream. What comes is not
 * believed; whoever asks here checks it. Bounded in length and in time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Cancel, type CID, concatBytes, HoldfastError } from "@holdfast/base";
import { limits } from "../limits.ts";
import { gatewayErrors } from "./errors.ts";

export interface RemoteGateway {
  readonly url: string;
  /** The bytes, unchecked, or undefined if it does not have the block. `gateway/remote-failed`, the signal's reason. */
  block(cid: CID, signal: Cancel): Promise<Uint8Array | undefined>;
  /** A CAR stream of the tree, unchecked, or undefined if it does not have it. Errors as `block`, also later. */
  car(root: CID, signal: Cancel): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** Statuses that say that it is not there, or not given. */
const missing = new Set([400, 404, 406, 410, 412, 451]);
/** Statuses that say that it may be given later. */
const busy = new Set([429, 502, 503, 504]);

/** Errors: `gateway/bad-url`. */
export function openRemoteGateway(text: string): RemoteGateway {
  if (!URL.canParse(text)) throw gatewayErrors.badUrl({ url: text, problem: "it is no URL" });
  const base = new URL(text);
  if (base.protocol !== "http:" && base.protocol !== "https:")
    throw gatewayErrors.badUrl({ url: text, problem: "only http and https are spoken" });
  return new Remote(base.origin + base.pathname.replace(/\/+$/, "").replace(/\/ipfs$/, ""));
}

class Remote implements RemoteGateway {
  readonly url: string;
  readonly #turns = new Turns(limits.gatewayAsked);

  constructor(url: string) {
    this.url = url;
  }

  async block(cid: CID, outer: Cancel): Promise<Uint8Array | undefined> {
    await this.#turns.take();
    const { signal, release } = follow(outer);
    try {
      return await this.#failing(outer, async () => {
        const late = AbortSignal.timeout(limits.swapBlockMs);
        const response = await this.#patiently(cid, AbortSignal.any([signal, late]));
        return response === undefined ? undefined : await bounded(response, this.url);
      });
    } finally {
      release();
      this.#turns.give();
    }
  }

  async car(root: CID, outer: Cancel): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { signal, release } = follow(outer);
    try {
      const response = await this.#failing(outer, () => this.#get(root, "car", signal));
      if (response?.ok === false) throw answered(this.url, response);
      const body: AsyncIterable<Uint8Array> | null | undefined = response?.body;
      if (body !== null && body !== undefined) return this.#read(body, outer, release);
    } catch (error) {
      release();
      throw error;
    }
    release();
    return undefined;
  }

  async *#read(
    body: AsyncIterable<Uint8Array>,
    outer: Cancel,
    release: () => void,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const source = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#failing(outer, () => source.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      release();
      await source.return?.();
    }
  }

  /** A gateway that is busy is asked again a few times. */
  async #patiently(cid: CID, signal: AbortSignal): Promise<Response | undefined> {
    for (let tries = 1; ; tries += 1) {
      const response = await this.#get(cid, "raw", signal);
      if (response === undefined || response.ok) return response;
      if (tries === limits.retrievalAttempts) throw answered(this.url, response);
      await sleep(tries * limits.retrievalRetryMs, undefined, { signal });
    }
  }

  /** Undefined if it is not there; an answer that is not fine says that it may be given later. */
  async #get(cid: CID, format: "raw" | "car", signal: AbortSignal): Promise<Response | undefined> {
    const place = `${this.url}/ipfs/${cid}?format=${format}${format === "car" ? "&dag-scope=all" : ""}`;
    const response = await fetch(place, { headers: { accept: `application/vnd.ipld.${format}` }, signal });
    if (response.ok) return response;
    await response.body?.cancel();
    if (missing.has(response.status)) return undefined;
    if (busy.has(response.status)) return response;
    throw answered(this.url, response);
  }

  async #failing<Result>(signal: Cancel, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HoldfastError) throw error;
      throw gatewayErrors.remoteFailed({ url: this.url, detail: detailOf(error) }, error);
    }
  }
}

function answered(url: string, { status }: Response): Error {
  return gatewayErrors.remoteFailed({ url, detail: `HTTP ${status}` });
}

/** So many at a time, the others in their order. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }
  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

async function bounded(response: Response, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > limits.fileBlockBytes)
      throw gatewayErrors.remoteFailed({
        url,
        detail: `a block of more than ${limits.fileBlockBytes} bytes`,
      });
    parts.push(part);
  }
  return concatBytes(...parts);
}

/** The platform's kind of signal. */
function follow(outer: Cancel): { readonly signal: AbortSignal; readonly release: () => void } {
  const own = new AbortController();
  const onAbort = (): void => own.abort(outer.reason);
  if (outer.aborted) onAbort();
  else outer.addEventListener("abort", onAbort, { once: true });
  return { signal: own.signal, release: () => outer.removeEventListener("abort", onAbort) };
}

function detailOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  const at = cause instanceof Error ? cause : error;
  if (!(at instanceof Error)) return String(at);
  return "code" in at && at.message === "" ? String(at.code) : at.message;
}
