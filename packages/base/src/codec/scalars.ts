/**
 * Codecs of single values. An amount is one sign byte (0 or 1) and its shortest big-endian magnitude, zero is
 * no bytes, as in Filecoin's state today; there is no negative zero and no leading zero byte.
 */
import { type Address, addressBytes, addressFromBytes } from "../address.ts";
import { concatBytes, minimalBigEndian, readBigEndian, utf8Bytes } from "../bytes.ts";
import { CID } from "../cid.ts";
import type { AttoFil, Brand } from "../units.ts";
import { type Codec, outOfRange, wrongType } from "./codec.ts";
import type { CborValue } from "./value.ts";

/** Magnitudes below 2^128: 10^20 times all FIL there will ever be. */
const maxAmountBytes = 16;
const defaultMaxBigBytes = 32;

function checked<T extends CborValue>(name: string, check: (value: CborValue, path: string) => T): Codec<T> {
  return { name, toCbor: (value) => check(value, name), fromCbor: check };
}

/** Whole numbers from 0 to `max`. */
export function uint(max: number = Number.MAX_SAFE_INTEGER): Codec<number> {
  return uintNamed<number>("uint", max);
}

function uintNamed<T extends number>(name: string, max: number = Number.MAX_SAFE_INTEGER): Codec<T> {
  return checked(name, (value, path) => {
    if (typeof value !== "number") throw wrongType(path, "a whole number", value);
    if (!(Number.isInteger(value) && value >= 0 && value <= max)) {
      throw outOfRange(path, `a whole number from 0 to ${max}`, value);
    }
    return value as T;
  });
}

/** Whole numbers between -(2^53 - 1) and 2^53 - 1. */
export const int: Codec<number> = checked("int", (value, path) => {
  if (typeof value !== "number") throw wrongType(path, "a whole number", value);
  if (!Number.isSafeInteger(value)) throw outOfRange(path, "a safe whole number", value);
  return value;
});

export const bool: Codec<boolean> = checked("bool", (value, path) => {
  if (typeof value !== "boolean") throw wrongType(path, "true or false", value);
  return value;
});

/** Text of at most `maxBytes` bytes of UTF-8. */
export function text(maxBytes: number): Codec<string> {
  return checked("text", (value, path) => {
    if (typeof value !== "string") throw wrongType(path, "a text", value);
    const tooLong =
      value.length > maxBytes || (value.length * 3 > maxBytes && utf8Bytes(value).length > maxBytes);
    if (tooLong) throw outOfRange(path, `at most ${maxBytes} bytes of text`, value);
    return value;
  });
}

/** At most `maxBytes` bytes. */
export function bytes(maxBytes: number): Codec<Uint8Array> {
  return checked("bytes", (value, path) => {
    if (!(value instanceof Uint8Array)) throw wrongType(path, "a byte string", value);
    if (value.length > maxBytes) throw outOfRange(path, `at most ${maxBytes} bytes`, value);
    return value;
  });
}

/** Exactly `length` bytes. */
export function fixedBytes(length: number): Codec<Uint8Array> {
  return checked("bytes", (value, path) => {
    if (!(value instanceof Uint8Array)) throw wrongType(path, "a byte string", value);
    if (value.length !== length) throw outOfRange(path, `exactly ${length} bytes`, value);
    return value;
  });
}

export const cid: Codec<CID> = checked("cid", (value, path) => {
  if (!(value instanceof CID)) throw wrongType(path, "a CID", value);
  return value;
});

/** 22 bytes. */
export const address: Codec<Address> = {
  name: "address",
  toCbor: addressBytes,
  fromCbor(value, path) {
    if (!(value instanceof Uint8Array)) throw wrongType(path, "an address of 22 bytes", value);
    return addressFromBytes(value);
  },
};

/** A sign byte and the shortest magnitude below 2^128; zero is no bytes. Negative ones are differences. */
export const attoFil: Codec<AttoFil> = {
  name: "attoFil",
  toCbor(value) {
    if (value === 0n) return new Uint8Array(0);
    const magnitude = minimalBigEndian(value < 0n ? -value : value);
    if (magnitude.length > maxAmountBytes) throw outOfRange("attoFil", "an amount below 2^128", value);
    return concatBytes(Uint8Array.of(value < 0n ? 1 : 0), magnitude);
  },
  fromCbor(value, path) {
    if (!(value instanceof Uint8Array)) throw wrongType(path, "an amount", value);
    if (value.length === 0) return 0n as AttoFil;
    const [sign, first] = value;
    const canonical = (sign === 0 || sign === 1) && first !== undefined && first !== 0;
    if (!canonical || value.length > 1 + maxAmountBytes) {
      throw outOfRange(path, "a sign byte and the shortest magnitude below 2^128", value);
    }
    const magnitude = readBigEndian(value.subarray(1));
    return (sign === 1 ? -magnitude : magnitude) as AttoFil;
  },
};

/** A non-negative number as its shortest big-endian bytes, at most `maxBytes` of them. */
export function bigUint(maxBytes: number = defaultMaxBigBytes): Codec<bigint> {
  const expected = `a whole number of at most ${maxBytes} bytes in its shortest form`;
  return {
    name: "bigUint",
    toCbor(value) {
      if (value < 0n || value >= 1n << BigInt(8 * maxBytes)) throw outOfRange("bigUint", expected, value);
      return minimalBigEndian(value);
    },
    fromCbor(value, path) {
      if (!(value instanceof Uint8Array)) throw wrongType(path, "a whole number as bytes", value);
      if (value.length > maxBytes || value[0] === 0) throw outOfRange(path, expected, value);
      return readBigEndian(value);
    },
  };
}

/** A branded whole number from 0 to 2^53 - 1. */
export function count<Name extends string>(name: Name): Codec<Brand<number, Name>> {
  return uintNamed<Brand<number, Name>>(name);
}

/** Exactly this value. */
export function literal<const V extends number | string | boolean | null>(only: V): Codec<V> {
  return checked("literal", (value, path) => {
    if (value !== only) throw outOfRange(path, JSON.stringify(only), value);
    return only;
  });
}

/** Any value of canonical CBOR, undecoded. */
export const cbor: Codec<CborValue> = checked("cbor", (value) => value);
