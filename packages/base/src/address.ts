/**
 * Addresses: network byte, version byte and a BLAKE2b-160 hash (go-filecoin, early 2019), and their text.
 * Invariant: an `Address` is the canonical text (`fc…` or `tf…`, lower case, right checksum), so that two
 * addresses are the same exactly if `===` says so. The version byte is the upgrade path.
 */
import { addressErrors } from "./address-errors.ts";
import {
  base32Alphabet,
  baseXBytes,
  baseXDigits,
  bech32Alphabet,
  bech32Checksum,
  checksumDigits,
  digitsOf,
  f1Body,
  isBech32ChecksumRight,
  readF1Digits,
  textOf,
} from "./address-text.ts";
import { bigEndian, concatBytes, toHex, utf8Bytes } from "./bytes.ts";
import { blake2b160 } from "./crypto/hash.ts";
import { assert } from "./errors.ts";
import type { Brand, Nonce } from "./units.ts";

export type Address = Brand<string, "Address">;
/** 0 is the main network, 1 a test network. */
export type NetworkByte = 0 | 1;

export const addressBytesLength = 22;
const hashBytes = 20;
const version = 0;
const prefixes = ["fc", "tf"] as const;
const f1Prefixes = ["f1", "t1"] as const;
const maxTextLength = 41;
/** Prefix, version digit and checksum without any payload. */
const minTextLength = 2 + 1 + checksumDigits;
const publicKeyBytes = 65;

/** The address of a hash of 20 bytes. */
export function addressOf(network: NetworkByte, hash: Uint8Array): Address {
  assert(hash.length === hashBytes, "an address holds a hash of 20 bytes");
  const prefix = prefixes[network];
  const digits = [version, ...baseXDigits(hash)];
  return `${prefix}${textOf(bech32Alphabet, [...digits, ...bech32Checksum(prefix, digits)])}` as Address;
}

/** 20 zero bytes: nobody's address. */
export function zeroAddress(network: NetworkByte): Address {
  return addressOf(network, new Uint8Array(hashBytes));
}

/** An account: the hash of its uncompressed secp256k1 key of 65 bytes; `address/bad-public-key`. */
export function accountAddress(network: NetworkByte, publicKey: Uint8Array): Address {
  if (publicKey.length !== publicKeyBytes || publicKey[0] !== 4) {
    throw addressErrors.badPublicKey({ bytes: publicKey.length });
  }
  return addressOf(network, blake2b160(publicKey));
}

/** An actor made at run time: the hash of its creator's address and nonce (8 bytes, big-endian). */
export function createdAddress(creator: Address, nonce: Nonce): Address {
  const preimage = concatBytes(addressBytes(creator), bigEndian(nonce, 8));
  return addressOf(addressNetwork(creator), blake2b160(preimage));
}

/** A built-in actor or a test account: the hash of a name. */
export function seedAddress(network: NetworkByte, seed: string): Address {
  return addressOf(network, blake2b160(utf8Bytes(seed)));
}

/** From 22 bytes: `address/bad-bytes`, `address/unknown-network`, `address/unknown-version`. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== addressBytesLength) throw addressErrors.badBytes({ bytes: bytes.length });
  const [network, versionByte] = bytes;
  if (network !== 0 && network !== 1) throw addressErrors.unknownNetwork({ text: toHex(bytes) });
  if (versionByte !== version) {
    throw addressErrors.unknownVersion({ text: toHex(bytes), version: versionByte ?? 0 });
  }
  const key = String.fromCharCode(...bytes);
  return textsOfBytes.get(key) ?? remember(textsOfBytes, key, addressOf(network, bytes.subarray(2)));
}

/** The same few addresses come in every message and block: both directions of their spelling are remembered. */
const textsOfBytes = new Map<string, Address>();
const bytesOfTexts = new Map<Address, Uint8Array>();
const rememberedAddresses = 8192;

/** Forgets all at once when it is full, so that strangers cannot fill memory. */
function remember<Key, Value>(known: Map<Key, Value>, key: Key, value: Value): Value {
  if (known.size >= rememberedAddresses) known.clear();
  known.set(key, value);
  return value;
}

/** Network byte, version byte, hash: 22 bytes. */
export function addressBytes(address: Address): Uint8Array {
  return (bytesOfTexts.get(address) ?? remember(bytesOfTexts, address, spelledBytes(address))).slice();
}

function spelledBytes(address: Address): Uint8Array {
  const hash = baseXBytes(digitsOf(bech32Alphabet, address.slice(3, -checksumDigits)));
  return concatBytes(Uint8Array.of(addressNetwork(address), version), hash);
}

/** The 20 bytes of the hash. */
export function addressHash(address: Address): Uint8Array {
  return addressBytes(address).subarray(2);
}

export function addressNetwork(address: Address): NetworkByte {
  return address.startsWith(prefixes[0]) ? 0 : 1;
}

/**
 * An address that a person typed, in either spelling: `fc…`, `tf…`, or `f1…`, `t1…` for an account. All upper
 * case is accepted. Fails with `address/…`; with `network` also with `address/wrong-network`.
 */
export function parseAddress(text: string, expected: { readonly network?: NetworkByte } = {}): Address {
  if (text.length < minTextLength) throw addressErrors.tooShort({ text });
  const address = /^[ft][0-9]/i.test(text) ? parseFilecoinSpelling(text) : parseOwnSpelling(text);
  if (expected.network !== undefined && addressNetwork(address) !== expected.network) {
    throw addressErrors.wrongNetwork({ text, expected: prefixes[expected.network] });
  }
  return address;
}

/** The order of the checks is go-filecoin's, so that the same mistake gets the same name. */
function parseOwnSpelling(text: string): Address {
  if (text.length > maxTextLength) throw addressErrors.tooLong({ text: `${text.slice(0, maxTextLength)}…` });
  const lower = unmixed(text);
  for (const position of [0, 1]) {
    const code = lower.charCodeAt(position);
    if (code < 33 || code > 126) throw addressErrors.badCharacter({ text, position });
  }
  const prefix = lower.slice(0, 2);
  const digits = allDigits(bech32Alphabet, lower, text);
  if (!isBech32ChecksumRight(prefix, digits)) throw addressErrors.badChecksum({ text });
  const hash = baseXBytes(digits.slice(1, -checksumDigits));
  if (hash.length !== hashBytes) throw addressErrors.badPayload({ text });
  const network = prefixes.indexOf(prefix as (typeof prefixes)[number]);
  if (network !== 0 && network !== 1) throw addressErrors.unknownNetwork({ text });
  const versionDigit = digits[0] ?? 0;
  if (versionDigit !== version) throw addressErrors.unknownVersion({ text, version: versionDigit });
  return lower as Address;
}

function parseFilecoinSpelling(text: string): Address {
  const lower = unmixed(text);
  const network = f1Prefixes.findIndex((known) => lower.startsWith(known));
  const shown = text.slice(0, 90);
  if (network !== 0 && network !== 1) throw addressErrors.notAnAccountKey({ text: shown });
  if (text.length > maxTextLength) throw addressErrors.tooLong({ text: shown });
  if (text.length < maxTextLength) throw addressErrors.tooShort({ text });
  const hash = readF1Digits(allDigits(base32Alphabet, lower, text), hashBytes);
  if (hash === "payload") throw addressErrors.badPayload({ text });
  if (hash === "checksum") throw addressErrors.badChecksum({ text });
  return addressOf(network, hash);
}

/** ASCII only: other letters have lower cases too (the Kelvin sign is one of k), and must stay wrong. */
function unmixed(text: string): string {
  const hasUpperCase = /[A-Z]/.test(text);
  if (hasUpperCase && /[a-z]/.test(text)) throw addressErrors.mixedCase({ text });
  return hasUpperCase ? text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
}

/** The digits after the prefix; a character outside the alphabet is `address/bad-character`. */
function allDigits(alphabet: string, lower: string, text: string): number[] {
  const digits = digitsOf(alphabet, lower.slice(2));
  const wrong = digits.indexOf(-1);
  if (wrong >= 0) throw addressErrors.badCharacter({ text, position: wrong + 2 });
  return digits;
}

/** Filecoin's spelling of the same key hash: `f1…` on the main network, `t1…` on a test network. */
export function f1Text(address: Address): string {
  return `${f1Prefixes[addressNetwork(address)]}${f1Body(addressHash(address))}`;
}

export interface AddressParts {
  readonly network: NetworkByte;
  readonly version: number;
  /** 40 hexadecimal characters. */
  readonly hash: string;
  readonly text: Address;
  readonly f1: string;
}

/** The parts and both spellings of an address that a person typed; `address/…`. */
export function inspectAddress(text: string): AddressParts {
  const address = parseAddress(text);
  return {
    network: addressNetwork(address),
    version,
    hash: toHex(addressHash(address)),
    text: address,
    f1: f1Text(address),
  };
}
