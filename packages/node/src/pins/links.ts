/**
 * The blocks that a block leads to, whatever the tree is made of: raw blocks lead nowhere, dag-pb and dag-cbor say it.
 * Input is untrusted: every length is checked, depth and number are bounded, and nothing is built but the list.
 */
import { type CID, cidFromBytes } from "@holdfast/base";
import { decode as decodeNode } from "@ipld/dag-pb";
import { limits } from "../limits.ts";
import { pinErrors } from "./errors.ts";

/** Codes of the multicodec table. */
const rawCode = 0x55;
const dagPbCode = 0x70;
const dagCborCode = 0x71;
const hashCodes: ReadonlySet<number> = new Set([0x12, 0xb220]); // sha2-256, blake2b-256
const identityCode = 0x00;
const digestBytes = 32;
/** Of DAG-CBOR: what a CID stands behind. */
const linkTag = 42;
const maxDepth = 128;

/** `pins/unsupported` for what this node could not check or follow. */
export function checkPinCid(cid: CID): void {
  const refuse = (reason: string) => pinErrors.unsupported({ cid: cid.toString(), reason });
  if (cid.code !== rawCode && cid.code !== dagPbCode && cid.code !== dagCborCode)
    throw refuse(`its codec 0x${cid.code.toString(16)} is none of raw, dag-pb and dag-cbor`);
  const { code, digest } = cid.multihash;
  const isKnown = (hashCodes.has(code) && digest.length === digestBytes) || code === identityCode;
  if (!isKnown) throw refuse("its hash is neither SHA-256 nor BLAKE2b-256");
}

/** In their order, with repeats. `pins/unsupported`. */
export function linksOf(cid: CID, bytes: Uint8Array): readonly CID[] {
  if (cid.code === rawCode) return [];
  let links: readonly CID[];
  try {
    links =
      cid.code === dagPbCode
        ? decodeNode(bytes).Links.map(({ Hash }) => cidFromBytes(Hash.bytes))
        : cborLinks(bytes);
  } catch (cause) {
    const codec = cid.code === dagPbCode ? "dag-pb" : "dag-cbor";
    throw pinErrors.unsupported({ cid: cid.toString(), reason: `its block is no valid ${codec}` }, cause);
  }
  for (const link of links) checkPinCid(link);
  return links;
}

const majors = { uint: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6, other: 7 } as const;

class Malformed extends Error {}

/** Reads the heads alone; other content than links is stepped over. */
function cborLinks(bytes: Uint8Array): CID[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const links: CID[] = [];
  let at = 0;
  const skip = (count: number): number => {
    const from = at;
    if (count > bytes.length - at) throw new Malformed("it ends within a value");
    at += count;
    return from;
  };
  const head = (): { readonly major: number; readonly value: number } => {
    const first = view.getUint8(skip(1));
    const [major, extra] = [first >> 5, first & 31];
    if (extra < 24) return { major, value: extra };
    if (extra === 24) return { major, value: view.getUint8(skip(1)) };
    if (extra === 25) return { major, value: view.getUint16(skip(2)) };
    if (extra === 26) return { major, value: view.getUint32(skip(4)) };
    if (extra === 27) return { major, value: Number(view.getBigUint64(skip(8))) };
    throw new Malformed("it has a length of no form");
  };
  const value = (depth: number): void => {
    if (depth > maxDepth) throw new Malformed("it is too deep");
    const { major, value: count } = head();
    if (major === majors.bytes || major === majors.text) skip(count);
    else if (major === majors.list || major === majors.map) {
      const parts = major === majors.map ? 2 * count : count;
      if (parts > bytes.length - at) throw new Malformed("it ends within a list");
      for (let part = 0; part < parts; part += 1) value(depth + 1);
    } else if (major === majors.tag) {
      const inner = head();
      if (count !== linkTag || inner.major !== majors.bytes || inner.value < 2)
        throw new Malformed("it has a tag that is no link");
      const from = skip(inner.value);
      if (bytes[from] !== 0) throw new Malformed("a link does not begin with 0");
      if (links.length >= limits.pinLinksPerBlock) throw new Malformed("it has too many links");
      links.push(cidFromBytes(bytes.subarray(from + 1, at)));
    }
  };
  value(0);
  if (at !== bytes.length) throw new Malformed("something stands behind it");
  return links;
}
