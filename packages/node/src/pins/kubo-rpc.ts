/** The wire of Kubo's RPC: one call gives JSON, bytes, or JSON line by line, each bounded in length and in silence. */
import type { Cancel, CID } from "@holdfast/base";
import { limits } from "../limits.ts";
import { pinErrors } from "./errors.ts";

type Arguments = { readonly [name: string]: string | boolean | CID };

export interface KuboAnswer {
  readonly status: number;
  /** What the daemon says about a failure. */
  readonly message: string;
  readonly json: unknown;
}

interface Sent {
  /** One file. */
  readonly body?: Uint8Array;
  readonly signal?: Cancel;
}

export interface KuboRpc extends AsyncDisposable {
  /** Of the daemon's address, without what opens it. */
  readonly origin: string;
  /** `pins/kubo` if it cannot be reached or says what is no JSON. */
  call(path: string, args: Arguments, sent?: Sent): Promise<KuboAnswer>;
  /** A block, or undefined if the daemon has none. */
  bytes(path: string, args: Arguments): Promise<Uint8Array | undefined>;
  /** `pins/kubo`, also for a failure that is told in the middle; the signal's reason. */
  lines(path: string, args: Arguments, signal: Cancel): AsyncIterable<unknown>;
  failed(detail: string, cause?: unknown): Error;
}

export function openKuboRpc(text: string): KuboRpc {
  const isUrl = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isUrl) throw pinErrors.kubo({ url: text, detail: "that is no URL" });
  return new Rpc(new URL(text));
}

interface Bounds {
  readonly maxBytes: number;
  readonly outer?: Cancel | undefined;
  readonly sent?: Uint8Array | undefined;
}

class Rpc implements KuboRpc {
  readonly #base: URL;
  readonly #stop = new AbortController();

  constructor(base: URL) {
    this.#base = base;
  }

  get origin(): string {
    return this.#base.origin;
  }
  failed(detail: string, cause?: unknown): Error {
    return pinErrors.kubo({ url: this.origin, detail: detail.slice(0, 500) }, cause);
  }

  async call(path: string, args: Arguments, { signal: outer, body: sent }: Sent = {}): Promise<KuboAnswer> {
    const bounds = { maxBytes: limits.kuboAnswerBytes, outer, sent };
    const { status, body } = await this.#bounded(path, args, bounds);
    const text = new TextDecoder().decode(body);
    if (status === 200 && text.trim() === "") return { status, message: "", json: {} };
    try {
      const json: unknown = JSON.parse(text);
      const message = typeof json === "object" && json !== null && "Message" in json ? json.Message : "";
      return { status, json, message: status === 200 ? "" : String(message || `HTTP ${status}`) };
    } catch (cause) {
      if (status !== 200) return { status, json: {}, message: `HTTP ${status} ${text.slice(0, 200)}` };
      throw this.failed(`${path} gives no JSON`, cause);
    }
  }

  async bytes(path: string, args: Arguments): Promise<Uint8Array | undefined> {
    const { status, body } = await this.#bounded(path, args, { maxBytes: limits.kuboBlockBytes });
    if (status === 200) return body;
    const text = new TextDecoder().decode(body);
    if (/not found|could not find/i.test(text)) return undefined;
    throw this.failed(`${path}: HTTP ${status} ${text}`);
  }

  async *lines(path: string, args: Arguments, outer: Cancel): AsyncGenerator<unknown, void, undefined> {
    const silence = new AbortController();
    const follow = this.#follow(outer, silence);
    let timer: NodeJS.Timeout | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      const late = this.failed(`${path} made no progress for ${limits.kuboSilenceMs} ms`);
      timer = setTimeout(() => silence.abort(late), limits.kuboSilenceMs);
    };
    try {
      heard();
      const response = await this.#post(path, args, follow.signal);
      let rest = "";
      const decoder = new TextDecoder();
      for await (const part of response.body ?? []) {
        heard();
        rest += decoder.decode(part, { stream: true });
        const found = rest.split("\n");
        rest = found.pop() ?? "";
        if (rest.length > limits.kuboAnswerBytes) throw this.failed(`${path} gives a line without an end`);
        for (const line of found) if (line.trim() !== "") yield this.#line(path, line, response.status);
      }
      if (rest.trim() !== "") yield this.#line(path, rest, response.status);
      if (response.status !== 200) throw this.failed(`${path}: HTTP ${response.status}`);
    } catch (error) {
      throw this.#asOurs(error, outer, silence.signal);
    } finally {
      clearTimeout(timer);
      follow.release();
      silence.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(pinErrors.ended({}));
  }

  /** A daemon that fails after it has begun says so in a line. */
  #line(path: string, text: string, status: number): unknown {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw this.failed(`${path} gives no JSON: ${text.slice(0, 100)}`, cause);
    }
    const isFailure = typeof value === "object" && value !== null && "Message" in value && "Type" in value;
    if (isFailure || status !== 200) {
      const said = isFailure ? String((value as { readonly Message: unknown }).Message) : text;
      throw this.failed(`${path}: ${said}`);
    }
    return value;
  }

  async #bounded(
    path: string,
    args: Arguments,
    { maxBytes, outer, sent }: Bounds,
  ): Promise<{ readonly status: number; readonly body: Uint8Array }> {
    const silence = new AbortController();
    const late = this.failed(`${path} did not answer in ${limits.kuboCallMs} ms`);
    const timer = setTimeout(() => silence.abort(late), limits.kuboCallMs);
    const follow = this.#follow(outer, silence);
    try {
      const response = await this.#post(path, args, follow.signal, sent);
      const parts: Uint8Array[] = [];
      let length = 0;
      for await (const part of response.body ?? []) {
        length += part.length;
        if (length > maxBytes) throw this.failed(`${path} gives more than ${maxBytes} bytes`);
        parts.push(part);
      }
      return { status: response.status, body: new Uint8Array(Buffer.concat(parts)) };
    } catch (error) {
      throw this.#asOurs(error, outer, silence.signal);
    } finally {
      clearTimeout(timer);
      follow.release();
      silence.abort();
    }
  }

  #post(path: string, args: Arguments, signal: AbortSignal, sent?: Uint8Array): Promise<Response> {
    const form = new FormData();
    if (sent !== undefined) form.append("data", new Blob([sent.slice()]));
    const query = new URLSearchParams(
      Object.entries(args).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const prefix = this.#base.pathname.replace(/\/+$/, "");
    const url = `${this.#base.origin}${prefix}/api/v0/${path}?${query}`;
    const authorization =
      this.#base.username === ""
        ? {}
        : {
            authorization: `Basic ${Buffer.from(`${this.#base.username}:${this.#base.password}`).toString("base64")}`,
          };
    const body = sent === undefined ? {} : { body: form };
    return fetch(url, { method: "POST", headers: authorization, signal, redirect: "error", ...body });
  }

  /** Aborts with the caller, with the room, and with the silence of the daemon. */
  #follow(outer: Cancel | undefined, silence: AbortController) {
    const own = new AbortController();
    const onAbort = (): void => own.abort(outer?.reason);
    if (outer?.aborted === true) onAbort();
    outer?.addEventListener("abort", onAbort, { once: true });
    return {
      signal: AbortSignal.any([own.signal, this.#stop.signal, silence.signal]),
      release: () => outer?.removeEventListener("abort", onAbort),
    };
  }

  #asOurs(error: unknown, outer: Cancel | undefined, silence: AbortSignal): unknown {
    if (outer?.aborted === true) return outer.reason;
    if (this.#stop.signal.aborted) return this.#stop.signal.reason;
    if (silence.aborted) return silence.reason;
    if (error instanceof Error && error.name === "HoldfastError") return error;
    const cause = error instanceof Error ? error.cause : undefined;
    return this.failed(String(cause instanceof Error ? cause.message : error), error);
  }
}
