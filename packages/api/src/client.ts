/**
 * The typed client of a node's API, made from the method table. It needs nothing but a `fetch`, checks
 * what it receives, and turns every failure, also in the middle of an answer, into an error of the API.
 */
import { HoldfastError } from "@holdfast/base";
import type { z } from "zod";
import { apiErrors } from "./errors.ts";
import {
  type BroughtData,
  broughtData,
  carImportPath,
  carPath,
  carType,
  dealDataPath,
  errorBody,
  errorFromBody,
  fileBytesHeader,
  filePath,
  type Imported,
  type ImportedCar,
  imported,
  importedCar,
  importPath,
  methodPath,
  snapshotPath,
  tarType,
} from "./http.ts";
import { type CallName, type MethodParams, type MethodResult, methods, type StreamName } from "./methods.ts";

/** What the client asks of a transport; a body of bytes is sent as it comes. */
export interface ApiRequest {
  readonly method: "GET" | "POST";
  readonly headers: { readonly [name: string]: string };
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** The part of `Response` that the client uses. */
export interface ApiResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

export type ApiFetch = (url: URL, request: ApiRequest) => Promise<ApiResponse>;

export interface ClientOptions {
  /** The node's API, such as `http://127.0.0.1:3453`. */
  readonly url: string;
  readonly token: string;
  /** Default: the platform's `fetch`, which gives up after some minutes without an answer. */
  readonly fetch?: ApiFetch;
}

/** Longest single ndjson line that a stream may send. */
const maxLineBytes = 4 * 1024 * 1024;
/** Problems of one answer that are worth reading. */
const shownProblems = 3;

export interface FileDownload {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface ApiClient {
  readonly url: string;
  call<Name extends CallName>(
    name: Name,
    params: MethodParams<Name>,
    signal?: AbortSignal,
  ): Promise<MethodResult<Name>>;
  stream<Name extends StreamName>(
    name: Name,
    params: MethodParams<Name>,
    signal?: AbortSignal,
  ): AsyncIterable<MethodResult<Name>>;
  importFile(bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal, how?: ImportRequest): Promise<Imported>;
  /** A folder, as `folderToTar` writes it. */
  importFolder(tar: AsyncIterable<Uint8Array>, signal?: AbortSignal, how?: ImportRequest): Promise<Imported>;
  /** The files and folders of a CAR file. */
  importCar(car: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<ImportedCar>;
  /** A file or folder as a CAR file. */
  openCar(cid: string, version: 1 | 2, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** The data of a deal that was to be carried to this miner, as a CAR file. */
  bringData(dealId: string, car: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<BroughtData>;
  openFile(cid: string, range: FileQuery, signal?: AbortSignal): Promise<FileDownload>;
  /** All of a folder, for `folderFromTar`. */
  openFolder(
    cid: string,
    path: string,
    signal?: AbortSignal,
    maxPrice?: string,
  ): Promise<AsyncIterable<Uint8Array>>;
  /** The bytes of a snapshot as `chain.snapshot` planned it. */
  openSnapshot(plan: SnapshotQuery, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** How an import is kept: encrypted, or laid out as `ipfs add` does with these options. */
export interface ImportRequest {
  readonly encrypt?: ImportEncryption | undefined;
  readonly layout?: ImportLayout | undefined;
}

export interface ImportLayout {
  /** Default: 1. */
  readonly cidVersion?: 0 | 1 | undefined;
  /** Default: with version 1. */
  readonly rawLeaves?: boolean | undefined;
  /** Default: 256 KiB. */
  readonly chunkBytes?: number | undefined;
}

/** For whom an import is encrypted, beside this node's account. */
export interface ImportEncryption {
  /** Of the bytes, in hex; of a folder, of its tar stream. */
  readonly sha256?: string | undefined;
  readonly recipients?: readonly string[] | undefined;
}

export interface FileQuery {
  readonly offsetBytes: number;
  /** Default: to the end. */
  readonly lengthBytes?: number | undefined;
  /** Names below a folder, with slashes between them; none for the CID itself. */
  readonly path?: string | undefined;
  /** As it is stored, encrypted or not. */
  readonly raw?: boolean | undefined;
  /** What fetching it may cost, such as `0.1FIL`; default: nothing. */
  readonly maxPrice?: string | undefined;
}

export interface SnapshotQuery {
  readonly height: number;
  readonly messageEpochs: number;
}

/**
 * Every method throws what the node answered, or `api/unreachable`, `api/unauthorized`, `api/bad-answer`,
 * `api/stream-cut`; after an abort, the signal's reason.
 */
export function createClient(options: ClientOptions): ApiClient {
  const exchange = exchangeWith(options);
  const post = (name: string, params: unknown, signal?: AbortSignal): Promise<ApiResponse> =>
    exchange(name, methodPath(name), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(params),
      ...(signal === undefined ? {} : { signal }),
    });
  const get = (name: string, path: string, signal?: AbortSignal): Promise<ApiResponse> =>
    exchange(name, path, { method: "GET", headers: {}, ...(signal === undefined ? {} : { signal }) });
  const send = uploadBy(exchange);
  /** The bytes of a route of its own. */
  const bytesOf = async (
    name: string,
    path: string,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> => {
    const response = await get(name, path, signal);
    if (response.body === null) throw apiErrors.badAnswer({ method: name, detail: "no bytes" });
    return wholeBody(response.body, name, signal);
  };
  return {
    url: options.url,
    async call(name, params, signal) {
      const response = await post(name, params, signal);
      return checked(name, await jsonOf(response, name, signal));
    },
    async *stream(name, params, signal) {
      const response = await post(name, params, signal);
      for await (const line of linesOf(response, name, signal)) {
        const value: unknown = safeJson(line);
        const failure = errorBody.safeParse(value);
        if (failure.success) throw errorFromBody(failure.data);
        if (isEnd(value)) return;
        yield checked(name, value);
      }
      throw apiErrors.streamCut({ method: name });
    },
    importFile: (bytes, signal, how) =>
      send(`${importPath}${importQuery(how)}`, imported, bytes, "application/octet-stream", signal),
    importFolder: (tar, signal, how) =>
      send(`${importPath}${importQuery(how)}`, imported, tar, tarType, signal),
    importCar: (car, signal) => send(carImportPath, importedCar, car, carType, signal),
    openCar: (cid, version, signal) => bytesOf("car", `${carPath(cid)}?version=${version}`, signal),
    bringData: (dealId, car, signal) => send(dealDataPath(dealId), broughtData, car, carType, signal),
    async openFile(cid, wanted, signal) {
      const response = await get("file", `${filePath(cid)}?${fileQuery(wanted)}`, signal);
      const header = response.headers.get(fileBytesHeader) ?? "";
      if (!/^\d{1,16}$/.test(header) || response.body === null) {
        throw apiErrors.badAnswer({ method: "file", detail: "no file size" });
      }
      return { sizeBytes: Number(header), bytes: wholeBody(response.body, "file", signal) };
    },
    async openFolder(cid, path, signal, maxPrice) {
      const query = new URLSearchParams({ as: "tar", ...(path === "" ? {} : { path }) });
      if (maxPrice !== undefined) query.set("max", maxPrice);
      return bytesOf("file", `${filePath(cid)}?${query}`, signal);
    },
    async openSnapshot({ height, messageEpochs }, signal) {
      const query = new URLSearchParams({ height: String(height), messages: String(messageEpochs) });
      return bytesOf("snapshot", `${snapshotPath}?${query}`, signal);
    },
  };
}

function fileQuery({ offsetBytes, lengthBytes, path, raw, maxPrice }: FileQuery): URLSearchParams {
  const query = new URLSearchParams({ offset: String(offsetBytes) });
  if (lengthBytes !== undefined) query.set("length", String(lengthBytes));
  if (path !== undefined && path !== "") query.set("path", path);
  if (raw === true) query.set("raw", "1");
  if (maxPrice !== undefined) query.set("max", maxPrice);
  return query;
}

function importQuery({ encrypt, layout = {} }: ImportRequest = {}): string {
  const query = new URLSearchParams();
  const { cidVersion, rawLeaves, chunkBytes } = layout;
  if (encrypt !== undefined) {
    const { sha256, recipients = [] } = encrypt;
    query.set("encrypt", "1");
    if (sha256 !== undefined) query.set("sha256", sha256);
    if (recipients.length > 0) query.set("recipients", recipients.join(","));
  }
  if (cidVersion !== undefined) query.set("cidVersion", String(cidVersion));
  if (rawLeaves !== undefined) query.set("rawLeaves", rawLeaves ? "1" : "0");
  if (chunkBytes !== undefined) query.set("chunkBytes", String(chunkBytes));
  return query.size === 0 ? "" : `?${query}`;
}

/** Sends bytes and checks the answer. */
function uploadBy(exchange: Exchange) {
  return async <Result>(
    path: string,
    result: z.ZodType<Result>,
    body: AsyncIterable<Uint8Array>,
    type: string,
    signal?: AbortSignal,
  ): Promise<Result> => {
    const response = await exchange("import", path, {
      method: "POST",
      headers: { "content-type": type },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
    const parsed = result.safeParse(await jsonOf(response, "import", signal));
    if (!parsed.success) throw badAnswer("import", parsed.error.issues);
    return parsed.data;
  };
}

type Exchange = (name: string, path: string, request: ApiRequest) => Promise<ApiResponse>;

function exchangeWith(options: ClientOptions): Exchange {
  const send = options.fetch ?? platformFetch;
  return async (name, path, request) => {
    const headers = { authorization: `Bearer ${options.token}`, ...request.headers };
    let response: ApiResponse;
    try {
      response = await send(new URL(path, options.url), { ...request, headers });
    } catch (cause) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      const root = rootOf(cause);
      if (root instanceof HoldfastError) throw root; // the bytes that were to be sent could not be read
      throw apiErrors.unreachable({ url: options.url, detail: messageOf(root) }, cause);
    }
    if (!response.ok) throw await failureOf(response, name, options.url);
    return response;
  };
}

/** `fetch` takes bytes as a web stream, and says that it sends before it reads (WHATWG Fetch, `duplex`). */
async function platformFetch(url: URL, { body, ...request }: ApiRequest): Promise<ApiResponse> {
  if (body === undefined || typeof body === "string") {
    return fetch(url, { ...request, ...(body === undefined ? {} : { body }) });
  }
  const init: RequestInit & { duplex: "half" } = {
    ...request,
    body: streamOf(body),
    duplex: "half",
  };
  return fetch(url, init);
}

/** `ReadableStream.from`, which not every browser has. */
function streamOf(bytes: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await source.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel(reason) {
      await source.return?.(reason);
    },
  });
}

async function failureOf(response: ApiResponse, name: string, url: string): Promise<HoldfastError> {
  if (response.status === 401) return apiErrors.unauthorized({ url });
  const parsed = errorBody.safeParse(await jsonOf(response, name));
  if (parsed.success) return errorFromBody(parsed.data);
  return apiErrors.badAnswer({ method: name, detail: `HTTP ${response.status}` });
}

/** The last line of a complete ndjson stream: without it the stream was cut. */
export const streamEnd = { end: true } as const;
function isEnd(value: unknown): boolean {
  return typeof value === "object" && value !== null && "end" in value && value.end === true;
}

function checked<Name extends CallName | StreamName>(name: Name, value: unknown): MethodResult<Name> {
  const result = methods[name].result.safeParse(value);
  if (!result.success) throw badAnswer(name, result.error.issues);
  return result.data as MethodResult<Name>;
}

function badAnswer(
  method: string,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): HoldfastError {
  const problems = issues.slice(0, shownProblems).map(({ path, message }) => {
    const at = path.map(String).join(".");
    return at === "" ? message : `${at}: ${message}`;
  });
  return apiErrors.badAnswer({ method, detail: problems.join("; ") });
}

/** Anything that is no JSON becomes undefined, which no schema accepts. */
async function jsonOf(response: ApiResponse, method: string, signal?: AbortSignal): Promise<unknown> {
  try {
    return safeJson(await response.text());
  } catch (cause) {
    throw cut(method, cause, signal);
  }
}

async function* wholeBody(
  body: AsyncIterable<Uint8Array>,
  method: string,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw cut(method, cause, signal);
  }
}

function cut(method: string, cause: unknown, signal?: AbortSignal): unknown {
  return signal?.aborted === true ? signal.reason : apiErrors.streamCut({ method }, cause);
}

async function* linesOf(response: ApiResponse, method: string, signal?: AbortSignal): AsyncIterable<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of wholeBody(response.body, method, signal)) {
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

/** Of several addresses that were tried, the last one's failure. */
function rootOf(error: unknown): unknown {
  let at: unknown = error;
  while (at instanceof Error) {
    const next: unknown = at instanceof AggregateError ? at.errors.at(-1) : at.cause;
    if (!(next instanceof Error)) break;
    at = next;
  }
  return at;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
