/**
 * The answer to a request: status, headers and bytes, before anything is sent, so that whatever is found out in time
 * has a status of its own. Headers are those of the IPFS specifications (path gateway, trustless gateway).
 */
import { folderToTar } from "@holdfast/api/folder-tar";
import type { CID } from "@holdfast/base";
import { carHeader, carSectionHead } from "../car.ts";
import { limits } from "../limits.ts";
import { gatewayErrors } from "./errors.ts";
import { listingPage, listingVersion } from "./listing.ts";
import { mediaType, sniffBytes } from "./media.ts";
import type { GatewayCar, GatewayDag, GatewayPlace } from "./needs.ts";
import { spanOf } from "./ranges.ts";
import type { ContentRequest } from "./request.ts";

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** Read only if the caller wants the bytes. */
  readonly body?: AsyncIterable<Uint8Array>;
}

export interface Asked {
  readonly request: ContentRequest;
  /** The headers that matter: `range`, `if-range`, `if-none-match`, `service-worker`. */
  header(name: string): string;
}

const forEver = { "cache-control": "public, max-age=29030400, immutable" };
const unguessed = { "x-content-type-options": "nosniff" };

/** Errors: `gateway/…`, and those of the tree. */
export async function answerTo(dag: GatewayDag, asked: Asked): Promise<Answer> {
  const { request } = asked;
  switch (request.form) {
    case "raw":
      return rawAnswer(dag, asked);
    case "car":
      return carAnswer(dag, asked);
    case "tar":
      return tarAnswer(dag, asked);
    case "plain":
      return plainAnswer(dag, asked);
  }
}

/** Whether the caller has it already (RFC 9110, section 13.1.2: compared weakly). */
function isKnown({ header }: Asked, etag: string): boolean {
  const given = header("if-none-match");
  if (given.trim() === "*") return true;
  const bare = (tag: string): string => tag.trim().replace(/^W\//, "");
  return given.split(",").some((tag) => bare(tag) === bare(etag) && bare(tag) !== "");
}

function notModified(etag: string): Answer {
  return { status: 304, headers: { etag, ...forEver } };
}

/** `filename*` where the name is not plain ASCII (RFC 6266). */
function disposition(kind: "inline" | "attachment", name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\]/g, "_");
  const wide =
    ascii === name ? "" : `; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, hexOf)}`;
  return `${kind}; filename="${ascii}"${wide}`;
}
const hexOf = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

function located({ location }: ContentRequest): { readonly [name: string]: string } {
  return location === undefined ? {} : { "content-location": location };
}

type Shown = { readonly [name: string]: string };

/** Where the content was asked for, and the CID at each name of the way. */
function shownOf({ rootText, path }: ContentRequest, roots: readonly CID[]): Shown {
  return {
    "x-ipfs-path": `/ipfs/${[rootText, ...path.map(encodeURIComponent)].join("/")}`,
    "x-ipfs-roots": roots.map(String).join(","),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The bytes of one block, or of a span of it. */
async function rawAnswer(dag: GatewayDag, asked: Asked): Promise<Answer> {
  const { request } = asked;
  const { root, path } = request;
  const { cid, roots } = path.length === 0 ? { cid: root, roots: [root] } : await dag.find(root, path);
  const etag = `"${cid}.raw"`;
  const bytes = await dag.block(cid);
  if (isKnown(asked, etag)) return notModified(etag);
  const span = spanOf(asked.header("range"), bytes.length);
  if (span === "outside") return outside(bytes.length);
  const headers = {
    "content-type": "application/vnd.ipld.raw",
    "content-disposition": disposition("attachment", request.fileName ?? `${cid}.bin`),
    "accept-ranges": "bytes",
    etag,
    ...forEver,
    ...unguessed,
    ...located(request),
    ...shownOf(request, roots),
  };
  if (span === undefined) {
    return {
      status: 200,
      headers: { ...headers, "content-length": String(bytes.length) },
      body: once(bytes),
    };
  }
  const part = bytes.subarray(span.first, span.last + 1);
  const range = `bytes ${span.first}-${span.last}/${bytes.length}`;
  return {
    status: 206,
    headers: { ...headers, "content-range": range, "content-length": String(part.length) },
    body: once(part),
  };
}

function outside(sizeBytes: number): Answer {
  return { status: 416, headers: { "content-range": `bytes */${sizeBytes}`, "content-length": "0" } };
}

/** The header stands for the path's root, so that a stream can begin before all of the path is known. */
async function carAnswer(dag: GatewayDag, asked: Asked): Promise<Answer> {
  const { request } = asked;
  const { root, query } = request;
  const whole = isWhole(query) ? await dag.wholeCar?.() : undefined;
  if (whole !== undefined) return wholeCarAnswer(whole, asked);
  const { cid } = query.path.length === 0 ? { cid: root } : await dag.find(root, query.path);
  if (query.path.length === 0) await dag.block(root); // what is not to be had has a status
  const dups = query.repeats ? "y" : "n";
  const range = query.bytes === undefined ? "" : `.${query.bytes.from}:${query.bytes.to ?? "*"}`;
  const etag = `W/"${root}${query.path.length === 0 ? "" : `.${cid}`}.car.${query.scope}${range}.${dups}"`;
  if (isKnown(asked, etag)) return notModified(etag);
  return {
    status: 200,
    headers: {
      "content-type": `application/vnd.ipld.car; version=1; order=dfs; dups=${dups}`,
      "content-disposition": disposition("attachment", request.fileName ?? `${root}.car`),
      "accept-ranges": "none",
      etag,
      ...forEver,
      ...unguessed,
      ...located(request),
    },
    body: carBytes(dag, root, asked),
  };
}

/** All of a tree: what a web server would have as a file. */
function isWhole({ path, scope, bytes, repeats }: ContentRequest["query"]): boolean {
  return path.length === 0 && scope === "all" && bytes === undefined && !repeats;
}

/** Byte for byte the same each time, so it has a length and ranges: a transfer that broke goes on where it was. */
function wholeCarAnswer({ carBytes: sizeBytes, read }: GatewayCar, asked: Asked): Answer {
  const { request, header } = asked;
  const etag = `"${request.root}.car.whole"`;
  if (isKnown(asked, etag)) return notModified(etag);
  const ifRange = header("if-range");
  const span = ifRange === "" || ifRange === etag ? spanOf(header("range"), sizeBytes) : undefined;
  if (span === "outside") return outside(sizeBytes);
  const [first, length] = span === undefined ? [0, sizeBytes] : [span.first, span.last - span.first + 1];
  const range = { "content-range": `bytes ${first}-${first + length - 1}/${sizeBytes}` };
  return {
    status: span === undefined ? 200 : 206,
    headers: {
      "content-type": "application/vnd.ipld.car; version=1; order=dfs; dups=n",
      "content-disposition": disposition("attachment", request.fileName ?? `${request.root}.car`),
      "accept-ranges": "bytes",
      "content-length": String(length),
      ...(span === undefined ? {} : range),
      etag,
      ...forEver,
      ...unguessed,
      ...located(request),
    },
    body: firstOf(read(first), length),
  };
}

async function* firstOf(source: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const bytes of source) {
    const part = bytes.subarray(0, left);
    left -= part.length;
    yield part;
    if (left === 0) return;
  }
}

async function* carBytes(dag: GatewayDag, root: CID, { request }: Asked): AsyncGenerator<Uint8Array> {
  yield carHeader(root);
  for await (const { cid, bytes } of dag.blocks(root, request.query)) {
    yield carSectionHead(cid, bytes.length);
    yield bytes;
  }
}

/** The tree under the last name of its path. */
async function tarAnswer(dag: GatewayDag, asked: Asked): Promise<Answer> {
  const { request } = asked;
  const place = await dag.find(request.root, request.path);
  if (place.kind === "other") throw gatewayErrors.badRequest({ detail: "this is no file or folder" });
  const name = request.path.at(-1) ?? place.cid.toString();
  const etag = `W/"${place.cid}.x-tar"`;
  if (isKnown(asked, etag)) return notModified(etag);
  return {
    status: 200,
    headers: {
      "content-type": "application/x-tar",
      "content-disposition": disposition("attachment", request.fileName ?? `${name}.tar`),
      etag,
      ...forEver,
      ...unguessed,
      ...located(request),
    },
    body: folderToTar(itemsOf(dag, place, name)),
  };
}

async function* itemsOf(dag: GatewayDag, { cid, kind, target }: GatewayPlace, name: string) {
  if (kind === "file") yield { kind, path: [name], ...(await dag.file(cid)) } as const;
  else if (kind === "symlink") yield { kind, path: [name], target: target ?? "" } as const;
  else yield { kind: "folder", path: [name] } as const;
  if (kind !== "folder") return;
  for await (const { path: below, cid: at, node } of dag.tree(cid)) {
    const path = [name, ...below];
    if (node.kind === "file") yield { kind: "file", path, ...(await dag.file(at)) } as const;
    else if (node.kind === "symlink") yield { kind: "symlink", path, target: node.target ?? "" } as const;
    else yield { kind: "folder", path } as const;
  }
}

async function plainAnswer(dag: GatewayDag, asked: Asked): Promise<Answer> {
  const { request } = asked;
  const { path, isFolderPath } = request;
  if (asked.header("service-worker") === "script" && path.length === 0 && !isFolderPath)
    throw gatewayErrors.badRequest({ detail: "a service worker belongs below its CID" });
  const place = await dag.find(request.root, path);
  const shown = shownOf(request, place.roots);
  switch (place.kind) {
    case "file":
      return fileAnswer(dag, asked, { cid: place.cid, name: request.fileName ?? path.at(-1) ?? "" }, shown);
    case "symlink": {
      const bytes = Buffer.from(place.target ?? "");
      const headers = {
        "content-type": "inode/symlink",
        etag: `"${place.cid}"`,
        ...forEver,
        ...unguessed,
        ...shown,
      };
      return {
        status: 200,
        headers: { ...headers, "content-length": String(bytes.length) },
        body: once(bytes),
      };
    }
    case "folder":
      return folderAnswer(dag, asked, place, shown);
    default:
      throw gatewayErrors.notServed({
        detail: "this block is no part of a file: ask for ?format=raw or ?format=car",
      });
  }
}

async function fileAnswer(
  dag: GatewayDag,
  asked: Asked,
  { cid, name }: { readonly cid: CID; readonly name: string },
  shown: Shown,
): Promise<Answer> {
  const { request, header } = asked;
  const etag = `"${cid}"`;
  if (isKnown(asked, etag)) return notModified(etag);
  const { sizeBytes } = await dag.file(cid, { offsetBytes: 0, lengthBytes: 0 });
  const ifRange = header("if-range");
  const span = ifRange === "" || ifRange === etag ? spanOf(header("range"), sizeBytes) : undefined;
  if (span === "outside") return outside(sizeBytes);
  const head = await headOf(dag, cid);
  const kind = request.isDownload ? "attachment" : "inline";
  const isNamed = request.isDownload || request.fileName !== undefined;
  const headers = {
    "content-type": mediaType(name, head),
    ...(isNamed ? { "content-disposition": disposition(kind, name === "" ? cid.toString() : name) } : {}),
    "accept-ranges": "bytes",
    etag,
    ...forEver,
    ...unguessed,
    ...shown,
  };
  const [first, length] = span === undefined ? [0, sizeBytes] : [span.first, span.last - span.first + 1];
  return {
    status: span === undefined ? 200 : 206,
    headers: {
      ...headers,
      "content-length": String(length),
      ...(span === undefined ? {} : { "content-range": `bytes ${span.first}-${span.last}/${sizeBytes}` }),
    },
    body: bytesOf(dag, cid, first, length),
  };
}

async function* bytesOf(dag: GatewayDag, cid: CID, offsetBytes: number, lengthBytes: number) {
  yield* (await dag.file(cid, { offsetBytes, lengthBytes })).bytes;
}

async function headOf(dag: GatewayDag, cid: CID): Promise<Uint8Array> {
  const { bytes } = await dag.file(cid, { offsetBytes: 0, lengthBytes: sniffBytes });
  for await (const part of bytes) return part;
  return new Uint8Array(0);
}

/** Its `index.html` if it has one; under an address with a slash at the end, so that links in it lead below it. */
async function folderAnswer(
  dag: GatewayDag,
  asked: Asked,
  place: GatewayPlace,
  shown: Shown,
): Promise<Answer> {
  const { request } = asked;
  if (!request.isFolderPath) {
    const { "x-ipfs-path": written = "" } = shown;
    return { status: 301, headers: { location: `${written}/`, "content-length": "0", ...shown } };
  }
  const entries: { readonly name: string; readonly sizeBytes: number | null }[] = [];
  let isCut = false;
  for await (const { name, cid, sizeBytes } of dag.entries(place.cid)) {
    if (name === "index.html") return fileAnswer(dag, asked, { cid, name }, shown);
    if (entries.length < limits.gatewayListed) entries.push({ name, sizeBytes });
    else isCut = true;
  }
  const etag = `"DirIndex-${listingVersion}_CID-${place.cid}"`;
  if (isKnown(asked, etag)) return notModified(etag);
  const names = [request.rootText, ...request.path];
  const page = Buffer.from(listingPage({ names, cid: place.cid.toString(), entries, isCut }));
  return {
    status: 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-length": String(page.length),
      // The page is this program's, not the content's: caches ask again.
      "cache-control": "public, max-age=604800, stale-while-revalidate=2678400",
      etag,
      ...unguessed,
      ...shown,
    },
    body: once(page),
  };
}
