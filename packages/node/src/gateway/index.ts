/**
 * Files over plain HTTP, as the web and the field's other programs ask for them: blocks and CAR streams that whoever
 * asks checks itself (trustless gateway), and where the operator wants it bytes and pages that this node has checked
 * (path gateway). Invariants: nothing is served that does not have its CID; without leave only what is here; so many
 * requests at a time, and none for ever: a reader that takes nothing is cut off.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { pipeline } from "node:stream/promises";
import { errorToBody, statusOf } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { notNeeded } from "../framing.ts";
import { limits } from "../limits.ts";
import { type Answer, answerTo } from "./answer.ts";
import { gatewayErrors } from "./errors.ts";
import type { GatewayNeeds } from "./needs.ts";
import { headerOf, readRequest } from "./request.ts";

export { gatewayErrors } from "./errors.ts";
export type { GatewayBlock, GatewayDag, GatewayNeeds, GatewayPlace, GatewayQuery } from "./needs.ts";
export { openRemoteGateway, type RemoteGateway } from "./remote.ts";

export interface GatewayOptions {
  /** `127.0.0.1:8080`; port 0 takes any free one. */
  readonly listen: string;
  /** Whether bytes and pages are given too, which whoever asks cannot check. */
  readonly plain: boolean;
  /** Whether what is not here is fetched for whoever asks. */
  readonly fetch: boolean;
}

export interface RunningGateway extends AsyncDisposable {
  readonly url: string;
  readonly plain: boolean;
  readonly fetch: boolean;
  counts(): { readonly requests: number; readonly running: number; readonly sentBytes: number };
}

/** Errors: `gateway/cannot-listen`. */
export async function startGateway(needs: GatewayNeeds, options: GatewayOptions): Promise<RunningGateway> {
  const gateway = new Gateway(needs, options);
  const server = createServer({ requestTimeout: limits.requestTimeoutMs }, (request, response) => {
    void gateway.serve(request, response);
  });
  server.maxConnections = limits.gatewayConnections;
  const { host, port } = splitAddress(options.listen);
  try {
    await listen(server, host, port);
  } catch (cause) {
    const detail = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw gatewayErrors.cannotListen({ address: options.listen, detail }, cause);
  }
  const bound = server.address() as AddressInfo;
  const { plain, fetch } = options;
  return {
    url: `http://${isIP(bound.address) === 6 ? `[${bound.address}]` : bound.address}:${bound.port}`,
    ...{ plain, fetch },
    counts: () => gateway.counts(),
    async [Symbol.asyncDispose]() {
      gateway.stop();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(address.slice(at + 1)) };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** What pages of other origins may do: read, which is what gateways are for. */
const shared = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, HEAD, OPTIONS",
  "access-control-allow-headers": "Content-Type, Range, User-Agent, X-Requested-With",
  "access-control-expose-headers":
    "Content-Length, Content-Range, X-Chunked-Output, X-Ipfs-Path, X-Ipfs-Roots, X-Stream-Output",
};

class Gateway {
  readonly #needs: GatewayNeeds;
  readonly #options: GatewayOptions;
  readonly #stop = new AbortController();
  #requests = 0;
  #running = 0;
  #sentBytes = 0;

  constructor(needs: GatewayNeeds, options: GatewayOptions) {
    this.#needs = needs;
    this.#options = options;
  }

  stop(): void {
    this.#stop.abort(new DOMException("the node stops", "AbortError"));
  }
  counts() {
    return { requests: this.#requests, running: this.#running, sentBytes: this.#sentBytes };
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#requests += 1;
    if (this.#running >= limits.gatewayRequests) {
      return this.#refuse(response, gatewayErrors.busy({ requests: this.#running }));
    }
    this.#running += 1;
    const gone = new AbortController();
    response.once("close", () => {
      const isOver = response.writableFinished;
      gone.abort(isOver ? notNeeded : new DOMException("the caller is gone", "AbortError"));
    });
    response.setTimeout(limits.gatewayStallMs, () => response.destroy());
    try {
      await this.#answer(request, response, AbortSignal.any([gone.signal, this.#stop.signal]));
    } catch (error) {
      // What has begun cannot get another status: it is cut, and whoever reads it sees that.
      if (response.headersSent) response.destroy();
      else this.#refuse(response, error);
    } finally {
      this.#running -= 1;
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { method = "GET", url = "/", headers } = request;
    if (method === "OPTIONS") {
      response.writeHead(204, { ...shared, "content-length": "0" }).end();
      return;
    }
    if (method !== "GET" && method !== "HEAD") {
      response.writeHead(405, { ...shared, allow: "GET, HEAD, OPTIONS", "content-length": "0" }).end();
      return;
    }
    const asked = readRequest(url, headers);
    if (asked.form !== "raw" && asked.form !== "car" && !this.#options.plain) {
      throw gatewayErrors.badRequest({
        detail: "this gateway gives blocks and CAR streams alone: ask for ?format=raw or ?format=car",
      });
    }
    const fetch = this.#options.fetch && !asked.onlyIfCached;
    const dag = this.#needs.dag(asked.root, { fetch, signal });
    const answer = await this.#cached(asked.onlyIfCached, asked.root.toString(), () =>
      answerTo(dag, { request: asked, header: (name) => headerOf(headers, name) }),
    );
    await this.#send(response, answer, method === "HEAD");
  }

  /** What is asked for only if it is here has a status of its own if it is not. */
  async #cached(only: boolean, cid: string, work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      const isMissing = error instanceof HoldfastError && error.code === "retrieval/missing-block";
      if (only && isMissing) throw gatewayErrors.notHere({ cid }, error);
      throw error;
    }
  }

  async #send(response: ServerResponse, answer: Answer, isHead: boolean): Promise<void> {
    const { status, headers, body } = answer;
    response.writeHead(status, { ...shared, ...headers });
    if (isHead || body === undefined) {
      response.end();
      return;
    }
    const count = (bytes: Uint8Array): void => {
      this.#sentBytes += bytes.length;
    };
    await pipeline(async function* () {
      for await (const bytes of body) {
        count(bytes);
        yield bytes;
      }
    }, response);
  }

  #refuse(response: ServerResponse, error: unknown): void {
    if (response.destroyed) return;
    const failure =
      error instanceof HoldfastError
        ? error
        : gatewayErrors.badRequest({ detail: "the request failed" }, error);
    const isOurs = !(error instanceof HoldfastError);
    if (isOurs) this.#needs.logger.error("a request of the gateway failed", { detail: String(error) });
    const text = Buffer.from(`${JSON.stringify(errorToBody(failure))}\n`);
    const status = isOurs ? 500 : statusFor(failure);
    response.writeHead(status, {
      ...shared,
      "content-type": "application/json",
      "content-length": String(text.length),
      "x-content-type-options": "nosniff",
      ...(status === 429 || status === 503 || status === 504 ? { "retry-after": "5" } : {}),
    });
    response.end(text);
  }
}

/** Statuses of the specifications, where those of the API are others. */
const statuses: { readonly [code: string]: number } = {
  "gateway/not-here": 412,
  "gateway/not-served": 406,
  "gateway/busy": 429,
  "retrieval/missing-block": 404,
  "retrieval/no-entry": 404,
  "retrieval/not-a-folder": 404,
  "retrieval/not-a-file": 422,
  "retrieval/unsupported-cid": 406,
  "retrieval/inside-node": 501,
  "retrieval/bad-node": 422,
  "retrieval/is-a-folder": 400,
  "retrieval/dag-too-big": 413,
  "retrieval/corrupt-block": 502,
};
function statusFor({ code, exit }: HoldfastError): number {
  return statuses[code] ?? statusOf[exit];
}
