/**
 * The API client's transport on node:http. It waits as long as the caller does (Node's `fetch` gives up
 * after five minutes without an answer, and a first proof may take longer) and starts quicker.
 */
import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { Readable } from "node:stream";
import type { ApiFetch, ApiRequest, ApiResponse } from "@holdfast/api";

export const nodeFetch: ApiFetch = (url, request) =>
  new Promise((resolve, reject) => {
    const { method, headers, body, signal } = request;
    const secure = url.protocol === "https:";
    // One connection per request: a kept one may be closed just when it is used again. It is announced as
    // kept all the same, so that a server that refuses an upload reads on instead of cutting its own answer.
    const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    const open = secure ? requestHttps : requestHttp;
    const sent = open(url, {
      method,
      agent,
      headers: { ...headers, ...lengthOf(body) },
      ...(signal === undefined ? {} : { signal }),
    });
    const stopUpload = sendBody(sent, body, reject);
    sent.once("error", reject);
    sent.once("close", () => agent.destroy());
    sent.once("response", (response) => {
      // The answer may come before the body is sent; from here on only the answer counts.
      sent.off("error", reject).on("error", () => undefined);
      if ((response.statusCode ?? 0) >= 400) stopUpload();
      response.once("close", () => sent.destroy());
      resolve(answerOf(response));
    });
  });

function lengthOf(body: ApiRequest["body"]): { readonly [name: string]: string } {
  return typeof body === "string" ? { "content-length": String(Buffer.byteLength(body)) } : {};
}

/** Gives a function that ends an upload early. */
function sendBody(sent: ClientRequest, body: ApiRequest["body"], fail: (cause: unknown) => void): () => void {
  if (body === undefined || typeof body === "string") {
    sent.end(body);
    return () => undefined;
  }
  const source = Readable.from(body, { objectMode: false });
  source.once("error", (cause) => {
    fail(cause);
    sent.destroy();
  });
  sent.once("close", () => source.destroy());
  source.pipe(sent);
  return () => source.unpipe(sent).destroy();
}

function answerOf(response: IncomingMessage): ApiResponse {
  const status = response.statusCode ?? 0;
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name) => response.headersDistinct[name]?.join(", ") ?? null },
    body: response,
    async text() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of response) chunks.push(chunk);
      return Buffer.concat(chunks).toString("utf8");
    },
  };
}
