/**
 * A real HTTP server that speaks a node's API with canned answers, and can be told to fail in every way that
 * a node and a network fail.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  carImportPath,
  dealDataPath,
  errorToBody,
  fileBytesHeader,
  type MethodName,
  methodPath,
  methods,
  statusOf,
  streamEnd,
} from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { calls, dealId, fileBytes, fileCid, streams } from "./canned.ts";
import { importedCarOf } from "./canned-ipfs.ts";

export const token = "canned-token";

/** What a call gets instead of the canned answer. */
export type Answer = (params: unknown) => unknown;

export interface CannedNode extends AsyncDisposable {
  readonly url: string;
  /** Every call so far, with its parameters. */
  readonly calls: { readonly name: string; readonly params: unknown }[];
  readonly offsets: number[];
  /** Answers, errors to throw, or `cut` and `garbage`, by method. */
  readonly instead: Map<string, Answer>;
  /** The connection ends after so many bytes of the file. */
  cutFileAfter: number | undefined;
  /** The file that is served is another one of the same length. */
  otherBytes: boolean;
  importedBytes: number;
  /** What came with the import and with each download, of the query. */
  readonly queries: string[];
}

/** The connection ends before the answer is whole. */
export const cut: Answer = () => cutMark;
/** Something that is no JSON of ours. */
export const garbage: Answer = () => garbageMark;
/** A stream that never ends. */
export const endless: Answer = () => endlessMark;
const cutMark = Symbol("cut");
const garbageMark = Symbol("garbage");
const endlessMark = Symbol("endless");

export async function startCannedNode(): Promise<CannedNode> {
  const server = createServer((request, response) => {
    respond(node, request, response).catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) return void response.destroy();
      sendJson(response, statusOf[error.exit], errorToBody(error));
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const node: CannedNode = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    offsets: [],
    instead: new Map(),
    cutFileAfter: undefined,
    otherBytes: false,
    importedBytes: 0,
    queries: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return node;
}

async function respond(node: CannedNode, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  if (request.headers.authorization !== `Bearer ${token}`) return sendJson(response, 401, {});
  if (request.method === "GET" || pathname.endsWith("/import")) node.queries.push(searchParams.toString());
  if (pathname.endsWith("/import") || (pathname === carImportPath && request.method === "POST"))
    return takeFile(node, request, response, pathname === carImportPath);
  if (pathname.startsWith(dealDataPath(""))) {
    for await (const _part of request);
    return sendJson(response, 200, { dealId, pieces: 1, carBytes: 24 });
  }
  if (request.method === "GET") return sendFile(node, Number(searchParams.get("offset")), response);
  const name = (Object.keys(methods) as MethodName[]).find((method) => methodPath(method) === pathname);
  if (name === undefined) return sendJson(response, 404, {});
  const params = methods[name].params.parse(JSON.parse(await textOf(request)));
  node.calls.push({ name, params });
  const instead = node.instead.get(name);
  if (methods[name].stream) return sendStream(response, name, instead?.(params));
  const answer =
    instead === undefined ? (calls as { readonly [name: string]: unknown })[name] : await instead(params);
  if (answer === garbageMark) return void response.writeHead(200).end("<html>what?</html>");
  if (answer === cutMark) {
    response.writeHead(200, { "content-length": "1000" }).write("{");
    return void setImmediate(() => response.destroy());
  }
  sendJson(response, 200, answer);
}

function sendStream(response: ServerResponse, name: string, instead: unknown): void {
  const lines = Array.isArray(instead)
    ? instead
    : (streams as { readonly [name: string]: readonly unknown[] })[name];
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  for (const line of lines ?? []) response.write(`${JSON.stringify(line)}\n`);
  if (instead === endlessMark) return;
  if (instead === cutMark) return void setImmediate(() => response.destroy());
  response.end(`${JSON.stringify(instead instanceof HoldfastError ? errorToBody(instead) : streamEnd)}\n`);
}

async function takeFile(
  node: CannedNode,
  request: IncomingMessage,
  response: ServerResponse,
  isCar: boolean,
): Promise<void> {
  node.importedBytes = 0;
  for await (const chunk of request) node.importedBytes += chunk.length;
  const canned = { cid: fileCid, sizeBytes: node.importedBytes, carBytes: node.importedBytes + 400 };
  if (isCar) return sendJson(response, 200, importedCarOf(fileCid, node.importedBytes));
  const instead = node.instead.get("import");
  sendJson(response, 200, instead === undefined ? canned : instead(canned));
}

function sendFile(node: CannedNode, offset: number, response: ServerResponse): void {
  node.offsets.push(offset);
  response.writeHead(200, { [fileBytesHeader]: String(fileBytes.length) });
  const rest = (node.otherBytes ? fileBytes.toReversed() : fileBytes).subarray(offset);
  const { cutFileAfter } = node;
  if (cutFileAfter === undefined || cutFileAfter >= rest.length) return void response.end(rest);
  response.write(rest.subarray(0, cutFileAfter), () => setImmediate(() => response.destroy()));
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
