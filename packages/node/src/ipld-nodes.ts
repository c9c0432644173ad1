/**
 * Nodes that are no part of a file: values with links to other nodes in them (IPLD specifications, DAG-CBOR and
 * DAG-JSON). They are read for their links and the ways to these, and shown; never written here. Invariant: nothing
 * takes more than its block allows, however deep a value is nested.
 */
import { type CborValue, CID, decodeCbor, HoldfastError } from "@holdfast/base";
import { decodeDagJson } from "./dag-json.ts";
import { limits } from "./limits.ts";

/** Codes of the multicodec table. */
const dagCborCode = 0x71;
const dagJsonCode = 0x0129;

/** Links and bytes stand as such in both codecs, however these write them. */
export type NodeValue = CborValue;

/** Whether its block may hold links of this kind. */
export function isLinkedNode({ code }: CID): boolean {
  return code === dagCborCode || code === dagJsonCode;
}

/** Undefined if the block is not what its codec says. */
export function readNode({ code }: CID, bytes: Uint8Array): NodeValue | undefined {
  try {
    if (code === dagCborCode) return decodeCbor(bytes, { maxBytes: limits.fileBlockBytes, floats: true });
    return bytes.length > limits.fileBlockBytes ? undefined : decodeDagJson(bytes);
  } catch (error) {
    if (error instanceof HoldfastError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The CID that a value stands for, if it is a link. */
export function linkOf(value: NodeValue | undefined): CID | undefined {
  return value instanceof CID ? value : undefined;
}

/** The maps of a value: no bytes, no links. */
export function isMap(value: NodeValue | undefined): value is { readonly [key: string]: NodeValue } {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && !(value instanceof Uint8Array) && !(value instanceof CID);
}

/** All links of a value, in its order. */
export function linksIn(value: NodeValue): CID[] {
  const links: CID[] = [];
  const waiting: NodeValue[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const link = linkOf(next);
    if (link !== undefined) links.push(link);
    else if (isList(next)) for (const part of next.toReversed()) waiting.push(part);
    else if (isMap(next)) for (const part of Object.values(next).toReversed()) waiting.push(part);
  }
  return links;
}

/** Where names lead: to a link after so many of them, to a value of this node, or nowhere. */
export type NodeStep =
  | { readonly kind: "link"; readonly cid: CID; readonly names: number }
  | { readonly kind: "value" }
  | { readonly kind: "nowhere" };

export function followNames(value: NodeValue, path: readonly string[]): NodeStep {
  let at: NodeValue | undefined = value;
  for (let names = 0; ; names += 1) {
    const cid = linkOf(at);
    if (cid !== undefined) return { kind: "link", cid, names };
    const name = path[names];
    if (name === undefined) return { kind: "value" };
    if (isList(at)) at = /^(0|[1-9]\d{0,9})$/.test(name) ? at[Number(name)] : undefined;
    else at = isMap(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    if (at === undefined) return { kind: "nowhere" };
  }
}

export function isList(value: NodeValue | undefined): value is readonly NodeValue[] {
  return Array.isArray(value);
}
