/**
 * The HTTP that pins are asked for by, on an address of its own: the Pinning Service API with a token for each name,
 * and whatever else is routed here. Bounded in connections, in the length of a body and in time.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import type { Logger } from "@holdfast/base";
import { limits } from "../limits.ts";
import { pinErrors } from "./errors.ts";
import type { Pins } from "./index.ts";
import { answerPsa, failure, type PsaAnswer } from "./psa.ts";

/** Undefined: another route is tried. */
export type Route = (
  method: string,
  path: string,
  body: unknown,
) => Promise<PsaAnswer | undefined> | PsaAnswer | undefined;

export interface PinServerOptions {
  /** `127.0.0.1:3482`; port 0 takes any free one. */
  readonly listen: string;
  /** Takes any free port if that is taken. */
  readonly mayMove: boolean;
  /** Asked before the API of pins, without a token. */
  readonly routes?: readonly Route[];
}

export interface PinServer extends AsyncDisposable {
  readonly url: string;
}

/** Errors: `pins/cannot-listen`. */
export async function startPinServer(
  pins: Pins,
  logger: Logger,
  { listen, mayMove, routes = [] }: PinServerOptions,
): Promise<PinServer> {
  const options = { requestTimeout: limits.requestTimeoutMs, headersTimeout: limits.requestTimeoutMs };
  const server = createServer(options, (request, response) => {
    answer(pins, routes, request).then(
      (made) => send(response, made),
      (error: unknown) => {
        logger.error("a request about pins failed", { detail: String(error) });
        send(response, failure(error));
      },
    );
  });
  server.maxConnections = limits.psaConnections;
  const at = listen.lastIndexOf(":");
  const host = listen.slice(0, at).replace(/^\[|\]$/g, "");
  try {
    await bind(server, host, Number(listen.slice(at + 1)));
  } catch (cause) {
    const detail = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (!mayMove || detail !== "EADDRINUSE") throw pinErrors.cannotListen({ address: listen, detail }, cause);
    logger.warn("the port of the pinning service is taken: it listens on another", { address: listen });
    await bind(server, host, 0);
  }
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${isIP(bound.address) === 6 ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function answer(pins: Pins, routes: readonly Route[], request: IncomingMessage): Promise<PsaAnswer> {
  const { method = "GET", url = "/", headers } = request;
  const { pathname: path, searchParams: query } = new URL(url, "http://here");
  if (method === "OPTIONS") return { status: 204, body: undefined };
  const body = await bodyOf(request);
  for (const route of routes) {
    const made = await route(method, path, body);
    if (made !== undefined) return made;
  }
  return answerPsa(pins, { method, path, query, authorization: headers.authorization, body });
}

/** Undefined if it is no JSON; a body that is too long is refused like one. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > limits.psaBodyBytes) return undefined;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Programs in pages of other origins may use it: it takes nothing but the token for a proof. */
const shared = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
  "access-control-allow-headers": "Authorization, Content-Type",
  "access-control-max-age": "86400",
  "x-content-type-options": "nosniff",
};

function send(response: ServerResponse, { status, body }: PsaAnswer): void {
  if (response.destroyed) return;
  const text = body === undefined ? "" : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...shared,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(status === 204 ? {} : { "content-length": String(Buffer.byteLength(text)) }),
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
  });
  response.end(text);
}
