/**
 * The links of an IPLD block, in their order: dag-pb by its two messages, dag-cbor by its CIDs, raw none. Total: what
 * is no such block has no links, on every machine alike. Source: the specs of dag-pb and dag-cbor.
 */
import type { CborValue, CID } from "@holdfast/base";
import { CID as CidClass, c, cidFromBytes, decode, HoldfastError } from "@holdfast/base";

export interface DagLink {
  readonly cid: CID;
  /** Bytes below it as the link states, which nobody has checked; at least 1. */
  readonly weight: bigint;
}

const dagPb = 0x70;
const dagCbor = 0x71;

export function linksOf(cid: CID, bytes: Uint8Array): readonly DagLink[] {
  if (cid.code !== dagPb && cid.code !== dagCbor) return [];
  try {
    return cid.code === dagPb ? pbLinks(bytes) : cborLinks(bytes);
  } catch (error) {
    if (error instanceof HoldfastError || error instanceof Malformed) return [];
    throw error;
  }
}

class Malformed extends Error {}

function cborLinks(bytes: Uint8Array): readonly DagLink[] {
  const links: DagLink[] = [];
  const collect = (value: CborValue): void => {
    if (value instanceof CidClass) links.push({ cid: value, weight: 1n });
    else if (Array.isArray(value)) for (const member of value) collect(member);
    else if (value !== null && typeof value === "object" && !(value instanceof Uint8Array)) {
      for (const member of Object.values(value)) collect(member);
    }
  };
  collect(decode(c.cbor, bytes));
  return links;
}

interface Field {
  readonly number: number;
  /** Bytes of a length-delimited field, or a number. */
  readonly value: Uint8Array | bigint;
}

const lengthDelimited = 2;

function* pbFields(bytes: Uint8Array): IterableIterator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Malformed("it ends inside a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Malformed("a number has more than 64 bits");
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 0) yield { number, value: varint() };
    else if (wire !== lengthDelimited) throw new Malformed("a field of another type");
    else {
      const length = Number(varint());
      if (length > bytes.length - at) throw new Malformed("it ends inside a field");
      yield { number, value: bytes.subarray(at, at + length) };
      at += length;
    }
  }
}

/** PBNode: links are field 2, data field 1. PBLink: hash 1, name 2, size 3. */
function pbLinks(bytes: Uint8Array): readonly DagLink[] {
  const links: DagLink[] = [];
  for (const { number, value } of pbFields(bytes)) {
    if (number === 1 && value instanceof Uint8Array) continue;
    if (number !== 2 || typeof value === "bigint") throw new Malformed("a field that no node has");
    links.push(pbLink(value));
  }
  return links;
}

function pbLink(bytes: Uint8Array): DagLink {
  let cid: CID | undefined;
  let weight = 0n;
  for (const { number, value } of pbFields(bytes)) {
    if (number === 1 && value instanceof Uint8Array) cid = cidFromBytes(new Uint8Array(value));
    else if (number === 3 && typeof value === "bigint") weight = value;
    else if (number !== 2 || typeof value === "bigint") throw new Malformed("a field that no link has");
  }
  if (cid === undefined) throw new Malformed("a link without a hash");
  return { cid, weight: weight > 0n ? weight : 1n };
}
