/**
 * The bounded strict decoder in front of every untrusted byte. Invariant: what it accepts encodes back to
 * the same bytes, it fails with a HoldfastError or not at all, and it never allocates for a length that the
 * input cannot hold. Refused: floats, undefined, indefinite lengths, longer forms than needed, unsorted or
 * repeated keys, keys that are not text, tags other than 42, bytes after the end.
 */
import { utf8Text } from "../bytes.ts";
import { type CID, cidFromBytes } from "../cid.ts";
import { compareKeys } from "./encode.ts";
import { codecErrors } from "./errors.ts";
import {
  type CborLimits,
  type CborValue,
  cidTag,
  defaultCborLimits,
  major,
  simpleFalse,
  simpleFloat64,
  simpleNull,
  simpleTrue,
} from "./value.ts";

/** The value of a canonical encoding; integers are numbers when safe, else bigints. Fails with `codec/…`. */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  const maxBytes = limits.maxBytes ?? defaultCborLimits.maxBytes;
  if (bytes.length > maxBytes) throw codecErrors.tooLarge({ bytes: bytes.length, maxBytes });
  const reader = new Reader(
    bytes,
    limits.maxDepth ?? defaultCborLimits.maxDepth,
    limits.maxItems ?? defaultCborLimits.maxItems,
    limits.floats ?? false,
  );
  const value = reader.value(0);
  const extra = bytes.length - reader.at;
  if (extra > 0) throw codecErrors.trailingBytes({ at: reader.at, extra });
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #maxDepth: number;
  readonly #maxItems: number;
  readonly #floats: boolean;
  #items = 0;
  at = 0;

  constructor(bytes: Uint8Array, maxDepth: number, maxItems: number, floats: boolean) {
    this.#bytes = bytes;
    this.#maxDepth = maxDepth;
    this.#maxItems = maxItems;
    this.#floats = floats;
  }

  value(depth: number): CborValue {
    const start = this.at;
    const first = this.#byte();
    switch (first & 0xe0) {
      case major.unsigned:
        return this.#argument(first, start);
      case major.negative: {
        const argument = this.#argument(first, start);
        if (typeof argument === "number" && argument < Number.MAX_SAFE_INTEGER) return -1 - argument;
        return -1n - BigInt(argument);
      }
      case major.bytes:
        return this.#slice(this.#length(first, start));
      case major.text:
        return utf8Text(this.#view(this.#length(first, start)));
      case major.list:
        return this.#list(this.#count(first, start, 1), depth + 1);
      case major.map:
        return this.#map(this.#count(first, start, 2), depth + 1);
      case major.tag:
        return this.#cid(first, start);
      default:
        return this.#simple(first, start);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw codecErrors.truncated({ at: this.at, needed: 1 });
    this.at++;
    return byte;
  }

  /** The number in the head of an item, in its shortest form only. */
  #argument(first: number, start: number): number | bigint {
    const short = first & 0x1f;
    if (short < 24) return short;
    if (short > 27) throw codecErrors.unsupported({ at: start, what: "an indefinite or reserved length" });
    const width = 1 << (short - 24);
    let value = 0;
    for (let i = 0; i < Math.min(width, 4); i++) value = value * 256 + this.#byte();
    if (width === 8) return this.#wideArgument(value, start);
    const smallest = width === 1 ? 24 : width === 2 ? 0x100 : 0x1_0000;
    if (value < smallest) throw codecErrors.nonMinimal({ at: start });
    return value;
  }

  #wideArgument(high: number, start: number): number | bigint {
    let low = 0;
    for (let i = 0; i < 4; i++) low = low * 256 + this.#byte();
    if (high === 0) throw codecErrors.nonMinimal({ at: start });
    const value = high * 0x1_0000_0000 + low;
    return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
  }

  /** The length of a string, checked against the bytes that are left. */
  #length(first: number, start: number): number {
    return this.#checked(this.#argument(first, start));
  }

  #checked(length: number | bigint): number {
    const left = this.#bytes.length - this.at;
    if (length > left) throw codecErrors.truncated({ at: this.at, needed: toSafeNumber(length) - left });
    return Number(length);
  }

  /** The count of members, each of at least `bytesPerItem`. */
  #count(first: number, start: number, bytesPerItem: number): number {
    const count = this.#argument(first, start);
    const left = this.#bytes.length - this.at;
    const needed = toSafeNumber(count) * bytesPerItem;
    if (needed > left)
      throw codecErrors.truncated({ at: this.at, needed: Math.min(needed - left, 2 ** 53 - 1) });
    this.#items += Number(count);
    if (this.#items > this.#maxItems) {
      throw codecErrors.tooManyItems({ maxItems: this.#maxItems, path: "the encoding" });
    }
    return Number(count);
  }

  #view(length: number): Uint8Array {
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** A copy: a small value must not keep a large input alive, nor change with it. */
  #slice(length: number): Uint8Array {
    return new Uint8Array(this.#view(length)); // not slice(): on a Buffer of Node that is a view
  }

  #list(count: number, depth: number): readonly CborValue[] {
    if (depth > this.#maxDepth) throw codecErrors.tooDeep({ maxDepth: this.#maxDepth });
    const list: CborValue[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(depth));
    return list;
  }

  #map(count: number, depth: number): { readonly [key: string]: CborValue } {
    if (depth > this.#maxDepth) throw codecErrors.tooDeep({ maxDepth: this.#maxDepth });
    const map: { [key: string]: CborValue } = {};
    let before: Uint8Array | undefined;
    for (let i = 0; i < count; i++) {
      const start = this.at;
      const first = this.#byte();
      if ((first & 0xe0) !== major.text) {
        throw codecErrors.unsupported({ at: start, what: "a map key that is not text" });
      }
      const keyBytes = this.#view(this.#length(first, start));
      const key = utf8Text(keyBytes);
      if (before !== undefined && compareKeys(before, keyBytes) >= 0) {
        throw codecErrors.unsortedKeys({ at: start, key: key.slice(0, 80) });
      }
      before = keyBytes;
      const value = this.value(depth);
      if (key === "__proto__") {
        // An assignment would change the prototype of the result instead of adding a key.
        Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      } else {
        map[key] = value;
      }
    }
    return map;
  }

  #cid(first: number, start: number): CID {
    if (this.#argument(first, start) !== cidTag) {
      throw codecErrors.unsupported({ at: start, what: "a tag other than 42" });
    }
    const inner = this.at;
    const head = this.#byte();
    if ((head & 0xe0) !== major.bytes) {
      throw codecErrors.unsupported({ at: inner, what: "a link that is not a byte string" });
    }
    const bytes = this.#view(this.#length(head, inner));
    if (bytes[0] !== 0) throw codecErrors.unsupported({ at: inner, what: "a link without its leading zero" });
    return cidFromBytes(bytes.subarray(1));
  }

  #simple(first: number, start: number): CborValue {
    if (first === simpleFalse) return false;
    if (first === simpleTrue) return true;
    if (first === simpleNull) return null;
    if (first === simpleFloat64 && this.#floats) return this.#float(start);
    const what =
      first >= 0xf9 && first <= 0xfb ? "a floating-point number" : "undefined or another simple value";
    throw codecErrors.unsupported({ at: start, what });
  }

  #float(start: number): number {
    const view = this.#view(this.#checked(8));
    const value = new DataView(view.buffer, view.byteOffset, 8).getFloat64(0);
    if (!Number.isFinite(value)) throw codecErrors.unsupported({ at: start, what: "a number that is none" });
    return value;
  }
}

/** Counts above 2^53 are refused in any case; only their size in a message is lost. */
function toSafeNumber(count: number | bigint): number {
  return typeof count === "number" ? count : Number.MAX_SAFE_INTEGER;
}
