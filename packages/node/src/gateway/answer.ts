/**
 * The answer to a request: status, headers and bytes, before anything is sent, so that whatever is found out in time
 * has a status of its own. Here the forms that whoever asks can check, and trees as tar streams; files and pages are in
 * pages.ts, nodes that make no file in nodes.ts.
 */
import { folderToTar } from "@holdfast/api/folder-tar";
import type { CID } from "@holdfast/base";
import { carHeader, carSectionHead } from "../car.ts";
import { gatewayErrors } from "./errors.ts";
import {
  type Answer,
  type Asked,
  disposition,
  forEver,
  isKnown,
  located,
  notModified,
  once,
  shownOf,
  unguessed,
} from "./headers.ts";
import type { GatewayCar, GatewayDag, GatewayPlace } from "./needs.ts";
import { plainAnswer } from "./pages.ts";
import { partsOf } from "./parts.ts";
import type { ContentRequest } from "./request.ts";

export type { Answer, Asked } from "./headers.ts";

/** Errors: `gateway/…`, and those of the tree. */
export async function answerTo(dag: GatewayDag, asked: Asked): Promise<Answer> {
  switch (asked.request.form) {
    case "raw":
      return rawAnswer(dag, asked);
    case "car":
      return carAnswer(dag, asked);
    case "tar":
      return tarAnswer(dag, asked);
    default:
      return plainAnswer(dag, asked);
  }
}

/** The bytes of one block, or of spans of it. */
async function rawAnswer(dag: GatewayDag, asked: Asked): Promise<Answer> {
  const { request } = asked;
  const { root, path } = request;
  const { cid, roots } = path.length === 0 ? { cid: root, roots: [root] } : await dag.find(root, path);
  const bytes = await dag.block(cid);
  return partsOf(
    {
      etag: `"${cid}.raw"`,
      type: "application/vnd.ipld.raw",
      sizeBytes: bytes.length,
      headers: {
        "content-disposition": disposition("attachment", request.fileName ?? `${cid}.bin`),
        ...forEver,
        ...unguessed,
        ...located(request),
        ...shownOf(request, roots),
      },
      read: (first, length) => once(bytes.subarray(first, first + length)),
    },
    asked,
  );
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
  const { request } = asked;
  return partsOf(
    {
      etag: `"${request.root}.car.whole"`,
      type: "application/vnd.ipld.car; version=1; order=dfs; dups=n",
      sizeBytes,
      headers: {
        "content-disposition": disposition("attachment", request.fileName ?? `${request.root}.car`),
        ...forEver,
        ...unguessed,
        ...located(request),
      },
      read: (first, length) => firstOf(read(first), length),
    },
    asked,
  );
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
