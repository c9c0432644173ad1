/**
 * The API on HTTP: the method table of `@holdfast/api` on fastify. Loopback only, a bearer token even
 * there (compared in constant time), a Host check against DNS rebinding, bounded bodies and streams.
 */
import { timingSafeEqual } from "node:crypto";
import { type AddressInfo, isIP } from "node:net";
import { Readable } from "node:stream";
import {
  type ApiHandlers,
  apiErrors,
  type CallName,
  errorToBody,
  fileBytesHeader,
  filePath,
  importPath,
  type MethodName,
  type MethodParams,
  methodPath,
  methods,
  openApiDocument,
  type StreamName,
  snapshotPath,
  statusOf,
  streamEnd,
  tarType,
} from "@holdfast/api";
import { folderFromTar, folderToTar } from "@holdfast/api/folder-tar";
import { HoldfastError, type Logger } from "@holdfast/base";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { limits } from "../limits.ts";
import { addCars } from "./cars.ts";
import { rpcErrors } from "./errors.ts";
import { givenOnce, type ImportQueryText, importRequestOf } from "./import-query.ts";
import type { ArchiveDoor, CarDoor, FileDoor, MetricsDoor, PageFile } from "./needs.ts";
import { addPages } from "./pages.ts";

export interface ServerOptions {
  /** `127.0.0.1:3453`; port 0 takes any free one. */
  readonly listen: string;
  readonly token: string;
  readonly version: string;
  readonly handlers: ApiHandlers;
  readonly files: FileDoor;
  readonly cars: CarDoor;
  readonly archive: ArchiveDoor;
  readonly metrics: MetricsDoor;
  /** Shown without a token: they hold no secret. */
  readonly pages?: readonly PageFile[];
  readonly logger: Logger;
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
}

/** Errors: `rpc/port-in-use`, `rpc/cannot-listen`. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const app = fastify({ logger: false, bodyLimit: limits.apiBodyBytes, forceCloseConnections: true });
  const stopping = new AbortController();
  const pages = options.pages ?? [];
  guard(app, options.token, new Set(pages.map(({ path }) => path)));
  addPages(app, pages);
  addMethods(app, options, stopping.signal);
  addFiles(app, options.files, stopping.signal);
  addCars(app, options.cars, (reply) => AbortSignal.any([stopping.signal, goneSignal(reply)]));
  addSnapshots(app, options.archive);
  addService(app, options);
  app.setErrorHandler((error, _request, reply) => sendFailure(reply, error, options.logger));
  app.setNotFoundHandler((request, reply) =>
    sendFailure(reply, apiErrors.unknownMethod({ method: request.url.slice(0, 100) }), options.logger),
  );
  const { host, port } = splitAddress(options.listen);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (code === "EADDRINUSE") throw rpcErrors.portInUse({ address: options.listen }, cause);
    throw rpcErrors.cannotListen({ address: options.listen, detail: code }, cause);
  }
  const bound = app.server.address() as AddressInfo;
  return {
    url: `http://${isIP(bound.address) === 6 ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async [Symbol.asyncDispose]() {
      stopping.abort(new DOMException("the node stops", "AbortError"));
      await app.close();
    },
  };
}

function splitAddress(listen: string): { host: string; port: number } {
  const at = listen.lastIndexOf(":");
  return { host: listen.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(listen.slice(at + 1)) };
}

function guard(app: FastifyInstance, token: string, open: ReadonlySet<string>): void {
  const expected = Buffer.from(`Bearer ${token}`);
  app.addHook("onRequest", async (request, reply) => {
    if (request.url === "/healthz") return;
    const given = Buffer.from(request.headers.authorization ?? "");
    const matches = given.length === expected.length && timingSafeEqual(given, expected);
    const needsToken = !open.has(request.routeOptions.url ?? "");
    if ((needsToken && !matches) || !isLoopbackHost(request.headers.host ?? "")) {
      await reply.code(401).send(errorToBody(apiErrors.unauthorized({ url: request.url.slice(0, 100) })));
    }
  });
}

/** A page that made a name of its own point at 127.0.0.1 still sends that name as Host. */
function isLoopbackHost(host: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
}

function addMethods(app: FastifyInstance, options: ServerOptions, stopping: AbortSignal): void {
  let openStreams = 0;
  for (const name of Object.keys(methods) as MethodName[]) {
    const spec = methods[name];
    app.post(methodPath(name), async (request, reply) => {
      const params = checkParams(name, request.body);
      const signal = AbortSignal.any([stopping, goneSignal(reply)]);
      if (!spec.stream) return callOf(options.handlers, name as CallName)(params, signal);
      if (openStreams >= limits.apiStreams) throw rpcErrors.tooManyStreams({ limit: limits.apiStreams });
      // A stream that fails before it begins takes no place.
      const values = streamOf(options.handlers, name as StreamName)(params, signal);
      const lines = Readable.from(ndjson(values, options.logger));
      openStreams += 1;
      lines.once("close", () => {
        openStreams -= 1;
      });
      return reply.header("content-type", "application/x-ndjson").send(lines);
    });
  }
}

/** The table's types are per method; here a method is only a name, its params already checked. */
function callOf(
  handlers: ApiHandlers,
  name: CallName,
): (params: unknown, signal: AbortSignal) => Promise<unknown> {
  return handlers[name] as (params: unknown, signal: AbortSignal) => Promise<unknown>;
}
function streamOf(
  handlers: ApiHandlers,
  name: StreamName,
): (p: unknown, s: AbortSignal) => AsyncIterable<unknown> {
  return handlers[name] as (params: unknown, signal: AbortSignal) => AsyncIterable<unknown>;
}

function checkParams(name: MethodName, body: unknown): unknown {
  const result = methods[name].params.safeParse(body ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `${issue.path.join(".") || "params"}: ${issue.message}`,
  );
  throw apiErrors.badParams({ method: name, problems: problems.join("; ") });
}

async function* ndjson(values: AsyncIterable<unknown>, logger: Logger): AsyncIterable<string> {
  try {
    for await (const value of values) yield `${JSON.stringify(value)}\n`;
    yield `${JSON.stringify(streamEnd)}\n`;
  } catch (error) {
    yield `${JSON.stringify(errorToBody(asFailure(error, logger)))}\n`;
  }
}

interface FileQueryText {
  readonly offset?: string;
  readonly length?: string;
  readonly path?: string;
  readonly as?: string;
  readonly raw?: string;
  readonly max?: string;
}

function byteNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw rpcErrors.badOffset({ offset: text.slice(0, 32) });
  return Number(text);
}

function addFiles(app: FastifyInstance, files: FileDoor, stopping: AbortSignal): void {
  // Uploads are streams of any length: the parser hands the raw request on without reading it.
  app.addContentTypeParser("application/octet-stream", (_request, payload, done) => done(null, payload));
  app.addContentTypeParser(tarType, (_request, payload, done) => done(null, payload));
  const options = { bodyLimit: Number.MAX_SAFE_INTEGER };
  app.post<{ Querystring: ImportQueryText }>(importPath, options, async (request, reply) => {
    const { body } = request;
    const how = importRequestOf(request.query);
    if (!(body instanceof Readable)) throw rpcErrors.notBytes({});
    const signal = AbortSignal.any([stopping, goneSignal(reply)]);
    if (request.headers["content-type"] !== tarType) return files.importFile(body, signal, how);
    return files.importFolder(folderFromTar(body), signal, how);
  });
  app.get<{ Params: { cid: string }; Querystring: FileQueryText }>(
    decodeURIComponent(filePath(":cid")),
    async (request, reply) => {
      const { offset = "0", length, path = "", as, raw, max } = givenOnce(request.query);
      const signal = AbortSignal.any([stopping, goneSignal(reply)]);
      if (max !== undefined) files.allow(signal, max);
      if (as === "tar") {
        const items = await files.openFolder(request.params.cid, path, signal);
        return reply.header("content-type", tarType).send(Readable.from(folderToTar(items)));
      }
      const offsetBytes = byteNumber(offset);
      const lengthBytes = length === undefined ? undefined : byteNumber(length);
      const query = { offsetBytes, lengthBytes, path, raw: raw === "1" };
      const file = await files.openFile(request.params.cid, query, signal);
      return reply
        .header("content-type", "application/octet-stream")
        .header(fileBytesHeader, String(file.sizeBytes))
        .send(Readable.from(file.bytes));
    },
  );
}

function addSnapshots(app: FastifyInstance, archive: ArchiveDoor): void {
  app.get<{ Querystring: { height?: string; messages?: string } }>(snapshotPath, async (request, reply) => {
    const { height = "", messages = "" } = request.query;
    const query = { height: Number(height || -1), messageEpochs: Number(messages || -1) };
    const plan = archive.plan(checkParams("chain.snapshot", query) as MethodParams<"chain.snapshot">);
    const bytes = archive.snapshot({ height: plan.height, messageEpochs: plan.messageEpochs });
    return reply.header("content-type", "application/vnd.ipld.car").send(Readable.from(bytes));
  });
}

function addService(app: FastifyInstance, options: ServerOptions): void {
  app.get("/healthz", async () => ({ ok: true }));
  app.get("/openapi.json", async () => openApiDocument(options.version));
  app.get("/metrics", async (_request, reply) => {
    const text = await options.metrics.text();
    return reply.header("content-type", "text/plain; version=0.0.4; charset=utf-8").send(text);
  });
}

/** Aborts when the answer is sent or the caller is gone, whichever comes first. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort(new DOMException("the caller is gone", "AbortError")));
  return gone.signal;
}

function asFailure(error: unknown, logger: Logger): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (isFastifyError(error) && error.statusCode < 500) {
    return apiErrors.badParams({ method: "request", problems: error.message }, error);
  }
  // The caller has left, or the node ends while it waits: neither is a fault of the node.
  if (error instanceof DOMException && error.name === "AbortError") return rpcErrors.stopping({}, error);
  const detail = error instanceof Error ? error.message : String(error);
  logger.error("api method failed", { detail, stack: error instanceof Error ? (error.stack ?? "") : "" });
  return apiErrors.internal({ detail }, error);
}

function isFastifyError(error: unknown): error is Error & { statusCode: number } {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number";
}

function sendFailure(reply: FastifyReply, error: unknown, logger: Logger): FastifyReply {
  const failure = asFailure(error, logger);
  return reply.code(statusOf[failure.exit]).send(errorToBody(failure));
}
