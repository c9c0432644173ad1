/**
 * The API client's transport on node:http. It waits as long as the caller does (Node's `fetch` gives up
 * after five minutes without an answer, and a first proof may take longer) and starts quicker.
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { Readable } from "node:stream";
import type { ApiFetch, ApiRequest, ApiResponse } from "@holdfast/api";

export const nodeFetch: ApiFetch = (url, request) =>
  new Promise((resolve, reject) => {
    const { method, headers, body, signal } = request;
    const open = url.protocol === "https:" ? requestHttps : requestHttp;
    const sent = open(url, {
      method,
      headers: { ...headers, ...lengthOf(body) },
      agent: false, // one connection per request: a kept one may be closed just when it is used again
      ...(signal === undefined ? {} : { signal }),
    });
    sent.once("error", reject);
    sent.once("response", (response) => {
      // The answer may come before the body is sent; from here on only the answer counts.
      sent.off("error", reject).on("error", () => undefined);
      resolve(answerOf(response));
    });
    sendBody(sent, body, reject);
  });

function lengthOf(body: ApiRequest["body"]): { readonly [name: string]: string } {
  return typeof body === "string" ? { "content-length": String(Buffer.byteLength(body)) } : {};
}

function sendBody(
  sent: ReturnType<typeof requestHttp>,
  body: ApiRequest["body"],
  fail: (cause: unknown) => void,
): void {
  if (body === undefined || typeof body === "string") {
    sent.end(body);
    return;
  }
  const source = Readable.from(body, { objectMode: false });
  source.once("error", (cause) => {
    fail(cause);
    sent.destroy();
  });
  sent.once("close", () => source.destroy());
  source.pipe(sent);
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
