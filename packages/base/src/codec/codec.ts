/**
 * A codec says how one TypeScript type is written as CBOR. Every value has one encoding, so that
 * `encode(decode(bytes))` gives the same bytes. A value that breaks a limit fails in both directions with
 * `codec/out-of-range` or `codec/wrong-type`: nothing is written that could not be read.
 */
import { CID } from "../cid.ts";
import { decodeCbor } from "./decode.ts";
import { encodeCbor } from "./encode.ts";
import { codecErrors } from "./errors.ts";
import type { CborLimits, CborValue } from "./value.ts";

export interface Codec<T> {
  /** For messages about wrong input. */
  readonly name: string;
  toCbor(value: T): CborValue;
  /** `path` says where in the whole value this one stands. */
  fromCbor(value: CborValue, path: string): T;
}

/** The type that a codec carries: `type Voucher = Decoded<typeof voucherCodec>`. */
export type Decoded<C> = C extends Codec<infer T> ? T : never;

/** The canonical bytes of a value; a value outside its codec's limits fails with `codec/…`. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return encodeCbor(codec.toCbor(value));
}

/** The value of canonical bytes from anywhere. Fails with an error of this package and never otherwise. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, limits?: CborLimits): T {
  return codec.fromCbor(decodeCbor(bytes, limits), codec.name);
}

/** What a value is, for messages. */
export function describeCbor(value: CborValue): string {
  if (value === null) return "null";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return `a text of ${value.length} characters`;
  if (typeof value === "object") return value instanceof CID ? "a CID" : "a map";
  return `${typeof value} ${value}`;
}

export function wrongType(path: string, expected: string, value: CborValue) {
  return codecErrors.wrongType({ path, expected, found: describeCbor(value) });
}
export function outOfRange(path: string, expected: string, value: CborValue) {
  return codecErrors.outOfRange({ path, expected, found: describeCbor(value) });
}
