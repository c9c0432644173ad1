/**
 * A small world of published parameters for tests: sets of made-up bytes with true digests, a server of files that
 * can be cut, redirect and lie, and an IPFS node's RPC.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { blake2b256, rawCid, toHex } from "@holdfast/base";
import { encodeManifest, encodeMeta, type ManifestEntry, type ParametersMeta } from "@holdfast/proofs";

export interface MadeUpSet {
  readonly id: string;
  /** By name: params, vk and meta. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const digestsOf = (file: Uint8Array) => ({
  sizeBytes: file.length,
  blake2b256: toHex(blake2b256(file)),
  sha256: createHash("sha256").update(file).digest("hex"),
});

/** Bytes that look like no others. */
export function madeUpBytes(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_none, i) => (i * 31 + (i >> 8) * 7 + seed * 13) & 0xff);
}

/** A set with files of these bytes; nothing can be proven with it. */
export function madeUpSet(seed: number, paramsBytes: number): MadeUpSet {
  const params = madeUpBytes(seed, paramsBytes);
  const vk = madeUpBytes(seed + 1, 500);
  const id = `v1-post-${seed.toString(16).padStart(64, "0")}`;
  const meta: ParametersMeta = {
    circuitId: "post{nodes: 64; sectors: 2; challenges: 2}",
    r1csDigest: "11".repeat(32),
    publicCount: 3,
    variableCount: 10,
    constraintCount: 1234,
    domainSize: 16,
    params: digestsOf(params),
    vk: digestsOf(vk),
    transcript: null,
    made: { how: "setup" },
  };
  return {
    id,
    files: new Map([
      [`${id}.params`, params],
      [`${id}.vk`, vk],
      [`${id}.meta`, encodeMeta(meta)],
    ]),
  };
}

export async function writeSet(folder: string, { files }: MadeUpSet): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}

export const cidOf = (bytes: Uint8Array): string => rawCid(bytes).toString();

export function entryOf(bytes: Uint8Array): ManifestEntry {
  return {
    cid: cidOf(bytes),
    digest: toHex(blake2b256(bytes)),
    sizeBytes: bytes.length,
    sectorBytes: 2048,
  };
}

export function listOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return encodeManifest(new Map([...files].map(([name, bytes]) => [name, entryOf(bytes)])));
}

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** Path → bytes. */
  readonly files: Map<string, Uint8Array>;
  /** Method, path and range of each request. */
  readonly asked: string[];
  /** The connection ends after so many bytes of an answer. */
  cutAfter: number | undefined;
  /** The answer stops, but the connection stays, after so many bytes. */
  hangAfter: number | undefined;
  /** Whether the server knows ranges. */
  ranges: boolean;
  /** Where it sends everybody. */
  redirect: string | undefined;
  /** Status of the RPC. */
  rpcStatus: number;
}

export async function startFileServer(): Promise<FileServer> {
  const server = createServer((request, response) => {
    void respond(world, request, response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const world: FileServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files: new Map(),
    asked: [],
    cutAfter: undefined,
    hangAfter: undefined,
    ranges: true,
    redirect: undefined,
    rpcStatus: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return world;
}

async function respond(world: FileServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url ?? "/", world.url);
  world.asked.push([request.method, pathname, request.headers.range].filter(Boolean).join(" "));
  if (request.method === "POST") return addFile(world, `${pathname}${search}`, request, response);
  if (world.redirect !== undefined) return void response.writeHead(302, { location: world.redirect }).end();
  const file = world.files.get(pathname);
  if (file === undefined) return void response.writeHead(404).end();
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
  const from = world.ranges && start !== undefined ? Number(start) : 0;
  if (from >= file.length) return void response.writeHead(416).end();
  const headers = { "content-length": String(file.length - from) };
  const partial = { ...headers, "content-range": `bytes ${from}-${file.length - 1}/${file.length}` };
  response.writeHead(from === 0 ? 200 : 206, from === 0 ? headers : partial);
  const most = world.cutAfter ?? world.hangAfter;
  if (most === undefined || most >= file.length - from) return void response.end(file.subarray(from));
  response.write(file.subarray(from, from + most), () => {
    if (world.cutAfter !== undefined) response.socket?.end();
  });
}

/** `/api/v0/add` of an IPFS node. */
async function addFile(
  world: FileServer,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  if (world.rpcStatus !== 200) return void response.writeHead(world.rpcStatus).end("out of order");
  const body = Buffer.concat(chunks);
  const start = body.indexOf("\r\n\r\n") + 4;
  const boundary = /boundary=(.+)$/.exec(request.headers["content-type"] ?? "")?.[1] ?? "";
  const file = Uint8Array.from(body.subarray(start, body.lastIndexOf(`\r\n--${boundary}--`)));
  world.files.set(`/ipfs/${cidOf(file)}`, file);
  const answer = { Name: "file", Hash: cidOf(file), Size: String(file.length) };
  response.end(path.startsWith("/api/v0/add?") ? `${JSON.stringify(answer)}\n` : "{}");
}
