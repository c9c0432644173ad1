/**
 * Files, folders and links as browsers show them: bytes with a type, a list of names, the page that a folder brings.
 * Nobody who asks can check these; they are given where the operator wants it.
 */
import type { CID } from "@holdfast/base";
import { limits } from "../limits.ts";
import { gatewayErrors } from "./errors.ts";
import {
  type Answer,
  type Asked,
  disposition,
  forAWeek,
  forEver,
  type HeaderValues,
  htmlAnswer,
  isKnown,
  notModified,
  once,
  shownOf,
  unguessed,
} from "./headers.ts";
import { type ListedEntry, listingPage, listingVersion } from "./listing.ts";
import { mediaType, sniffBytes } from "./media.ts";
import type { GatewayDag, GatewayPlace } from "./needs.ts";
import { isShownNode, nodeAnswer } from "./nodes.ts";
import { partsOf } from "./parts.ts";

export async function plainAnswer(dag: GatewayDag, asked: Asked): Promise<Answer> {
  const { request } = asked;
  const { path, isFolderPath } = request;
  if (asked.header("service-worker") === "script" && path.length === 0 && !isFolderPath)
    throw gatewayErrors.badRequest({ detail: "a service worker belongs below its CID" });
  const place = await dag.find(request.root, path);
  const shown = shownOf(request, place.roots);
  // A file whose content is JSON is a file; but no file is a node of that codec.
  const isCodec = request.form === "dag-json" || request.form === "dag-cbor";
  if (isCodec && place.kind !== "other" && !request.isOneOfSeveral)
    throw gatewayErrors.notServed({ detail: `this is not ${request.form}, and nothing is converted` });
  switch (place.kind) {
    case "file":
      return fileAnswer(dag, asked, { cid: place.cid, name: path.at(-1) ?? "" }, shown);
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
      if (isShownNode(place.cid)) return nodeAnswer(dag, asked, place);
      throw gatewayErrors.notServed({
        detail: "this block is no part of a file: ask for ?format=raw or ?format=car",
      });
  }
}

/** A file, or the one that stands for a folder: that has the folder's tag. */
async function fileAnswer(
  dag: GatewayDag,
  asked: Asked,
  { cid, name, page }: { readonly cid: CID; readonly name: string; readonly page?: CID },
  shown: HeaderValues,
): Promise<Answer> {
  const { request } = asked;
  const etag = `"${page ?? cid}"`;
  if (isKnown(asked, etag)) return notModified(etag);
  const { sizeBytes } = await dag.file(cid, { offsetBytes: 0, lengthBytes: 0 });
  const fileName = request.fileName ?? name;
  const kind = request.isDownload ? "attachment" : "inline";
  const isNamed = request.isDownload || request.fileName !== undefined;
  const named = disposition(kind, fileName === "" ? cid.toString() : fileName);
  return partsOf(
    {
      etag,
      type: mediaType(fileName, await headOf(dag, cid), sizeBytes),
      sizeBytes,
      headers: {
        ...(isNamed ? { "content-disposition": named } : {}),
        ...forEver,
        ...unguessed,
        ...shown,
      },
      read: (first, length) => bytesOf(dag, cid, first, length),
    },
    asked,
  );
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
  shown: HeaderValues,
): Promise<Answer> {
  const { request } = asked;
  if (request.form !== "plain" && !request.isOneOfSeveral)
    throw gatewayErrors.notServed({ detail: `a folder is not given as ${request.form}` });
  if (!request.isFolderPath) {
    const { "x-ipfs-path": written = "" } = shown;
    return { status: 301, headers: { location: `${written}/`, "content-length": "0", ...shown } };
  }
  const entries: ListedEntry[] = [];
  let isCut = false;
  for await (const entry of dag.entries(place.cid)) {
    const { name, cid } = entry;
    if (name === "index.html") return fileAnswer(dag, asked, { cid, name, page: place.cid }, shown);
    if (entries.length < limits.gatewayListed) entries.push(entry);
    else isCut = true;
  }
  const etag = `"DirIndex-${listingVersion}_CID-${place.cid}"`;
  if (isKnown(asked, etag)) return notModified(etag, forAWeek);
  const names = [request.rootText, ...request.path];
  return htmlAnswer(listingPage({ names, cid: place.cid.toString(), entries, isCut }), etag, shown);
}
