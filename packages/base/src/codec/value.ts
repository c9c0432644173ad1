/**
 * The data model of canonical DAG-CBOR without floats, and the limits of decoding. Source: the DAG-CBOR
 * specification of IPLD, RFC 8949 §4.2 (shortest forms) and RFC 7049 §3.9 (map order: shorter key first).
 */
import type { CID } from "multiformats/cid";

export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | CID
  | readonly CborValue[]
  | { readonly [key: string]: CborValue };

export interface CborLimits {
  /** Lists and maps inside each other. */
  readonly maxDepth?: number;
  /** Length of the whole encoding. */
  readonly maxBytes?: number;
  /** Members of all lists and maps together. */
  readonly maxItems?: number;
  /** For nodes of others, which are only read: floats of 64 bits become numbers. They do not encode back. */
  readonly floats?: boolean;
}

/** What a decoder accepts if its caller does not say. `putObject` writes nothing that this would refuse. */
export const defaultCborLimits = { maxDepth: 128, maxBytes: 1 << 20, maxItems: 1 << 20 } as const;

/** The integers of CBOR have 64 bits and a sign. */
export const maxCborInt = 2n ** 64n - 1n;
export const minCborInt = -(2n ** 64n);

/** The major types, already shifted into the upper three bits of the first byte. */
export const major = {
  unsigned: 0x00,
  negative: 0x20,
  bytes: 0x40,
  text: 0x60,
  list: 0x80,
  map: 0xa0,
  tag: 0xc0,
  simple: 0xe0,
} as const;

export const simpleFalse = 0xf4;
export const simpleTrue = 0xf5;
export const simpleNull = 0xf6;
export const simpleFloat64 = 0xfb;
/** The only tag of DAG-CBOR: a byte string 0x00 ‖ binary CID. */
export const cidTag = 42;
/** The multicodec of this encoding in CIDs. */
export const dagCborCode = 0x71;
