/**
 * The encoder of canonical DAG-CBOR: one value has one encoding, and `decodeCbor` accepts all that this
 * writes. One growing buffer, no intermediate pieces: block and state encoding is on the hot path.
 */
import { CID } from "multiformats/cid";
import { compareBytes, concatBytes, utf8Bytes } from "../bytes.ts";
import { codecErrors } from "./errors.ts";
import {
  type CborValue,
  cidTag,
  defaultCborLimits,
  major,
  maxCborInt,
  minCborInt,
  simpleFalse,
  simpleNull,
  simpleTrue,
} from "./value.ts";

/** The canonical encoding. `codec/unencodable` for floats and the like, `codec/too-deep` past 128 levels. */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new Writer(spare ?? new Uint8Array(firstBytes));
  spare = undefined;
  writer.value(value, 0);
  spare = writer.buffer.length <= spareBytesMax ? writer.buffer : undefined;
  return writer.bytes();
}

const firstBytes = 4096;
const spareBytesMax = 65_536;
/** The last buffer, for the next encoding; absent while one is under way. What leaves here is a copy. */
let spare: Uint8Array | undefined;

type CborMap = { readonly [key: string]: CborValue };

class Writer {
  #buffer: Uint8Array;
  #length = 0;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
  }

  get buffer(): Uint8Array {
    return this.#buffer;
  }

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  value(value: CborValue, depth: number): void {
    if (typeof value === "number") this.#number(value);
    else if (typeof value === "bigint") this.#bigint(value);
    else if (typeof value === "string") this.#string(major.text, utf8Bytes(value));
    else if (typeof value === "boolean") this.#byte(value ? simpleTrue : simpleFalse);
    else if (value === null) this.#byte(simpleNull);
    else if (value instanceof Uint8Array) this.#string(major.bytes, value);
    else if (Array.isArray(value)) this.#list(value, depth + 1);
    else if (typeof value === "object") this.#cidOrMap(value as CID | CborMap, depth);
    else throw codecErrors.unencodable({ what: `a value of type ${typeof value}` });
  }

  #cidOrMap(value: CID | CborMap, depth: number): void {
    // Not CID.asCID: it takes any map with equal "/" and "bytes" for a CID, and a sender can make one.
    if (value instanceof CID) {
      this.#head(major.tag, cidTag);
      this.#string(major.bytes, concatBytes(Uint8Array.of(0), value.bytes));
      return;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw codecErrors.unencodable({ what: "an instance of a class" });
    }
    this.#map(value, depth + 1);
  }

  #list(list: readonly CborValue[], depth: number): void {
    checkDepth(depth);
    this.#head(major.list, list.length);
    for (let i = 0; i < list.length; i++) this.value(list[i] as CborValue, depth);
  }

  #map(map: CborMap, depth: number): void {
    checkDepth(depth);
    const entries = Object.keys(map).map((key) => ({ key, bytes: utf8Bytes(key) }));
    entries.sort((a, b) => compareKeys(a.bytes, b.bytes));
    this.#head(major.map, entries.length);
    for (const { key, bytes } of entries) {
      this.#string(major.text, bytes);
      this.value(map[key] as CborValue, depth);
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) throw codecErrors.unencodable({ what: `the number ${value}` });
    if (value >= 0) this.#head(major.unsigned, value);
    else this.#head(major.negative, -1 - value);
  }

  #bigint(value: bigint): void {
    if (value > maxCborInt || value < minCborInt) {
      throw codecErrors.unencodable({ what: "an integer of more than 64 bits" });
    }
    const type = value >= 0n ? major.unsigned : major.negative;
    const magnitude = value >= 0n ? value : -1n - value;
    if (magnitude <= Number.MAX_SAFE_INTEGER) {
      this.#head(type, Number(magnitude));
      return;
    }
    this.#byte(type | 27);
    this.#uint32(Number(magnitude >> 32n));
    this.#uint32(Number(magnitude & 0xffff_ffffn));
  }

  #string(type: number, bytes: Uint8Array): void {
    this.#head(type, bytes.length);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The shortest head for `argument`, a whole number below 2^53. */
  #head(type: number, argument: number): void {
    if (argument < 24) {
      this.#byte(type | argument);
    } else if (argument < 0x100) {
      this.#byte(type | 24);
      this.#byte(argument);
    } else if (argument < 0x1_0000) {
      this.#byte(type | 25);
      this.#byte(argument >> 8);
      this.#byte(argument & 0xff);
    } else if (argument < 0x1_0000_0000) {
      this.#byte(type | 26);
      this.#uint32(argument);
    } else {
      this.#byte(type | 27);
      this.#uint32(Math.floor(argument / 0x1_0000_0000));
      this.#uint32(argument % 0x1_0000_0000);
    }
  }

  #uint32(value: number): void {
    this.#byte(value >>> 24);
    this.#byte((value >>> 16) & 0xff);
    this.#byte((value >>> 8) & 0xff);
    this.#byte(value & 0xff);
  }

  #byte(byte: number): void {
    if (this.#length === this.#buffer.length) this.#reserve(1);
    this.#buffer[this.#length++] = byte;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

/** The reader's limit holds for the writer too: what is stored can be read, and cycles end here. */
function checkDepth(depth: number): void {
  const { maxDepth } = defaultCborLimits;
  if (depth > maxDepth) throw codecErrors.tooDeep({ maxDepth });
}

/** The order of map keys: shorter first, then bytewise. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return a.length === b.length ? compareBytes(a, b) : a.length - b.length;
}
