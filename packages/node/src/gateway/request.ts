/**
 * What a request asks for (IPFS specifications, path gateway and trustless gateway): a content path, a form of the
 * answer, and which blocks. A form in the URL counts more than one in a header, so that caches tell them apart.
 */
import { type CID, HoldfastError, parseCid } from "@holdfast/base";
import { limits } from "../limits.ts";
import { gatewayErrors } from "./errors.ts";
import type { GatewayQuery } from "./needs.ts";

export type Form = "plain" | "raw" | "car" | "tar" | "dag-json" | "dag-cbor" | "json" | "cbor";

export interface ContentRequest {
  readonly root: CID;
  /** As it was written, for links and headers. */
  readonly rootText: string;
  readonly path: readonly string[];
  /** The path ends with a slash. */
  readonly isFolderPath: boolean;
  readonly form: Form;
  /** The form was asked for by a header alone: caches are told where the answer has its own place. */
  readonly location: string | undefined;
  /** The header named other forms too: where this one does not fit, the content may come as it is. */
  readonly isOneOfSeveral: boolean;
  /** Whoever asks shows pages. */
  readonly isPageWanted: boolean;
  readonly query: GatewayQuery;
  readonly fileName: string | undefined;
  readonly isDownload: boolean;
  readonly onlyIfCached: boolean;
}

const mediaTypes: ReadonlyMap<string, Form> = new Map([
  ["application/vnd.ipld.raw", "raw"],
  ["application/vnd.ipld.car", "car"],
  ["application/x-tar", "tar"],
  ["application/vnd.ipld.dag-json", "dag-json"],
  ["application/vnd.ipld.dag-cbor", "dag-cbor"],
  ["application/json", "json"],
  ["application/cbor", "cbor"],
]);
const formats: ReadonlyMap<string, Form> = new Map(
  [...mediaTypes.values()].map((form) => [form as string, form]),
);
/** A form of the specifications that is not given here. */
const otherFormat = "ipns-record";
const otherType = "application/vnd.ipfs.ipns-record";

export type Headers = { readonly [name: string]: string | readonly string[] | undefined };

/** `gateway/bad-request`, `gateway/not-served`. */
export function readRequest(url: string, headers: Headers): ContentRequest {
  if (url.length > limits.gatewayUrlBytes) throw bad("the URL is too long");
  const [pathText = "", queryText = ""] = splitOnce(url, "?");
  const names = pathText.split("/").slice(1);
  const [namespace, rootText = "", ...rest] = names;
  if (namespace === "ipns") throw gatewayErrors.notServed({ detail: "this gateway resolves no names" });
  if (namespace !== "ipfs") throw bad("only paths below /ipfs/ are served");
  const isFolderPath = rest.at(-1) === "";
  const path = rest.map(decoded).filter((name) => name !== "");
  if (path.length > limits.dagDepth) throw bad("the path has too many names");
  const params = new URLSearchParams(queryText);
  const accept = headerOf(headers, "accept");
  const accepted = acceptedForm(accept);
  const named = formOf(params);
  const form = named ?? accepted?.form ?? "plain";
  const written = `/ipfs/${rootText}${rest.map((name) => `/${name}`).join("")}`;
  return {
    root: rootOf(rootText),
    rootText,
    path,
    isFolderPath,
    form,
    location: named === undefined && form !== "plain" ? locationOf(written, form, params) : undefined,
    isOneOfSeveral: named === undefined && accept.includes(","),
    isPageWanted: /\btext\/html\b/i.test(accept),
    query: queryOf(path, params, form === "car" ? carParams(params, accepted?.params) : undefined),
    fileName: params.get("filename") ?? undefined,
    isDownload: params.get("download") === "true",
    onlyIfCached: /\bonly-if-cached\b/.test(headerOf(headers, "cache-control")),
  };
}

export function headerOf(headers: Headers, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : (value?.join(", ") ?? "");
}

const bad = (detail: string): Error => gatewayErrors.badRequest({ detail });

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(name: string): string {
  let text: string;
  try {
    text = decodeURIComponent(name);
  } catch {
    throw bad("a name in the path is not well encoded");
  }
  if (text === "." || text === "..") throw bad("a path leads down, never up");
  return text;
}

function rootOf(text: string): CID {
  try {
    return parseCid(decodeURIComponent(text));
  } catch (error) {
    if (error instanceof HoldfastError || error instanceof URIError) throw bad("this is no CID");
    throw error;
  }
}

function formOf(params: URLSearchParams): Form | undefined {
  const format = params.get("format");
  if (format === null || format === "") return undefined;
  const form = formats.get(format);
  if (form !== undefined) return form;
  if (format === otherFormat) throw gatewayErrors.notServed({ detail: `${format} is not given here` });
  throw bad("there is no such format");
}

interface Accepted {
  readonly form: Form;
  readonly params: ReadonlyMap<string, string>;
}

/** The first form of ours with the highest weight; undefined if the header leaves it to us. */
function acceptedForm(header: string): Accepted | undefined {
  let best: (Accepted & { readonly weight: number }) | undefined;
  for (const part of header.split(",")) {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const params = new Map(rest.map((piece) => splitOnce(piece, "=")));
    const weight = Number(params.get("q") ?? 1);
    const form = mediaTypes.get(type);
    if (type === otherType && header.indexOf(",") === -1)
      throw gatewayErrors.notServed({ detail: `${type} is not given here` });
    if (form === undefined || !(weight > 0) || (best !== undefined && best.weight >= weight)) continue;
    if (form === "car" && !isKnownCar(params)) continue;
    best = { form, params, weight };
  }
  if (best === undefined && header.toLowerCase().includes("application/vnd.ipld.car"))
    throw gatewayErrors.notServed({ detail: "only CAR version 1 in depth-first or any order is given" });
  return best;
}

function isKnownCar(params: ReadonlyMap<string, string>): boolean {
  const [version, order, dups] = [params.get("version"), params.get("order"), params.get("dups")];
  return (
    (version === undefined || version === "1") &&
    (order === undefined || order === "dfs" || order === "unk" || order === "") &&
    (dups === undefined || dups === "y" || dups === "n")
  );
}

/** From the URL, else from the header. */
function carParams(
  params: URLSearchParams,
  accepted: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> {
  const found = new Map(accepted ?? []);
  for (const name of ["version", "order", "dups"]) {
    const value = params.get(`car-${name}`);
    if (value !== null) found.set(name, value);
  }
  if (!isKnownCar(found))
    throw bad("only CAR version 1 in depth-first order is given, with dups=y or dups=n");
  return found;
}

function queryOf(
  path: readonly string[],
  params: URLSearchParams,
  car: ReadonlyMap<string, string> | undefined,
): GatewayQuery {
  const scope = params.get("dag-scope") ?? "all";
  if (scope !== "block" && scope !== "entity" && scope !== "all")
    throw bad("dag-scope is block, entity or all");
  const bytes = entityBytes(params.get("entity-bytes"));
  const repeats = car?.get("dups") === "y";
  // A range is one of the entity, whatever else was asked for.
  return { path, scope: bytes === undefined || scope === "block" ? scope : "entity", bytes, repeats };
}

function entityBytes(text: string | null): GatewayQuery["bytes"] {
  if (text === null) return undefined;
  const match = /^(-?\d{1,15}):(-?\d{1,15}|\*)$/.exec(text);
  if (match === null) throw bad("entity-bytes is FROM:TO, such as 0:1023, -1024:* or 0:*");
  const [from, to] = [Number(match[1]), match[2] === "*" ? undefined : Number(match[2])];
  const isEmpty = to !== undefined && from >= 0 === to >= 0 && to < from;
  if (isEmpty) throw bad("the range of entity-bytes ends before it begins");
  return { from, to };
}

function locationOf(written: string, form: Form, params: URLSearchParams): string {
  const all = new URLSearchParams(params);
  all.set("format", form);
  return `${written}?${all}`;
}
