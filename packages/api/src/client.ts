/**
 * The typed client of a node's API, made from the method table. It needs nothing but `fetch`, checks
 * what it receives, and turns every failure into the error that the node meant.
 */
import type { HoldfastError } from "@holdfast/base";
import { apiErrors } from "./errors.ts";
import { errorBody, errorFromBody, fileBytesHeader, filePath, type Imported, imported, importPath, methodPath } from "./http.ts";
import { type CallName, type MethodParams, type MethodResult, methods, type StreamName } from "./methods.ts";

export interface ClientOptions {
  /** The node's API, such as `http://127.0.0.1:3453`. */
  readonly url: string;
  readonly token: string;
  readonly fetch?: typeof fetch;
}

/** Longest single ndjson line that a stream may send. */
const maxLineBytes = 4 * 1024 * 1024;

export interface FileDownload {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface ApiClient {
  readonly url: string;
  call<Name extends CallName>(name: Name, params: MethodParams<Name>, signal?: AbortSignal): Promise<MethodResult<Name>>;
  stream<Name extends StreamName>(
    name: Name,
    params: MethodParams<Name>,
    signal?: AbortSignal,
  ): AsyncIterable<MethodResult<Name>>;
  importFile(bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Imported>;
  openFile(cid: string, offsetBytes: number, signal?: AbortSignal): Promise<FileDownload>;
}

export function createClient(options: ClientOptions): ApiClient {
  const send = options.fetch ?? fetch;

  async function request(path: string, init: RequestInit): Promise<Response> {
    const headers = { authorization: `Bearer ${options.token}`, ...init.headers };
    let response: Response;
    try {
      response = await send(new URL(path, options.url), { ...init, headers });
    } catch (cause) {
      if (init.signal?.aborted) throw init.signal.reason;
      throw apiErrors.unreachable({ url: options.url, detail: rootMessage(cause) }, cause);
    }
    if (!response.ok) throw await failureOf(response);
    return response;
  }

  async function failureOf(response: Response): Promise<HoldfastError> {
    if (response.status === 401) return apiErrors.unauthorized({ url: options.url });
    const text = await response.text();
    const parsed = errorBody.safeParse(safeJson(text));
    if (parsed.success) return errorFromBody(parsed.data);
    return apiErrors.badAnswer({ method: response.url, detail: `HTTP ${response.status}` });
  }

  const post = (name: string, params: unknown, signal?: AbortSignal): Promise<Response> =>
    request(methodPath(name), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(params),
      ...(signal === undefined ? {} : { signal }),
    });

  return {
    url: options.url,
    async call(name, params, signal) {
      const response = await post(name, params, signal);
      return checked(name, await response.json());
    },
    async *stream(name, params, signal) {
      const response = await post(name, params, signal);
      let ended = false;
      for await (const line of linesOf(response, name)) {
        const value: unknown = safeJson(line);
        const failure = errorBody.safeParse(value);
        if (failure.success) throw errorFromBody(failure.data);
        if (isEnd(value)) {
          ended = true;
          break;
        }
        yield checked(name, value);
      }
      if (!ended) throw apiErrors.streamCut({ method: name });
    },
    async importFile(bytes, signal) {
      const body = ReadableStream.from(bytes);
      const init: RequestInit & { duplex: "half" } = {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body,
        duplex: "half",
        ...(signal === undefined ? {} : { signal }),
      };
      const response = await request(importPath, init);
      return imported.parse(await response.json());
    },
    async openFile(cid, offsetBytes, signal) {
      const response = await request(`${filePath(cid)}?offset=${offsetBytes}`, {
        method: "GET",
        ...(signal === undefined ? {} : { signal }),
      });
      const sizeBytes = Number(response.headers.get(fileBytesHeader));
      if (!Number.isSafeInteger(sizeBytes) || response.body === null) {
        throw apiErrors.badAnswer({ method: "file", detail: "no file size" });
      }
      return { sizeBytes, bytes: response.body };
    },
  };
}

/** The last line of a complete ndjson stream: without it the stream was cut. */
export const streamEnd = { end: true } as const;
function isEnd(value: unknown): boolean {
  return typeof value === "object" && value !== null && "end" in value && value.end === true;
}

function checked<Name extends CallName | StreamName>(name: Name, value: unknown): MethodResult<Name> {
  const result = methods[name].result.safeParse(value);
  if (!result.success) throw apiErrors.badAnswer({ method: name, detail: result.error.message });
  return result.data as MethodResult<Name>;
}

async function* linesOf(response: Response, method: string): AsyncIterable<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineBytes) throw apiErrors.badAnswer({ method, detail: "a line is too long" });
    yield* lines.filter((line) => line !== "");
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function rootMessage(error: unknown): string {
  let at: unknown = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at instanceof Error ? at.message : String(at);
}
