/**
 * The group of the delay function: the invertible numbers modulo N, a number and its negative taken as one (the
 * quotient by ±1). An element is the smaller of the two, so it has one encoding: modulusBytes bytes, big-endian.
 *
 * N is RSA-2048 of the RSA factoring challenge. What has to be trusted: that the two primes were destroyed when
 * RSA Laboratories drew them in 1991, as they said, and that nobody has factored N since. Whoever has the factors
 * knows the order of the group, computes any delay at once and can prove false results. Nobody of this project
 * has a part in that setup, and there is no way to check it.
 * The quotient is needed: −1 is an element whose order everybody knows, and with it y could be exchanged for −y.
 * Source: Wesolowski 2019, Boneh, Bünz and Fisch 2018 (the quotient); RFC 8017 §4 for integers as bytes.
 */
import { bigEndian, concatBytes, readBigEndian, sha256, utf8Bytes } from "@holdfast/base";

export interface VdfGroup {
  /** Bound into every hash. */
  readonly id: string;
  readonly modulus: bigint;
  /** Bytes of an encoded element. */
  readonly modulusBytes: number;
}

const rsa2048Hex = [
  "c7970ceedcc3b0754490201a7aa613cd73911081c790f5f1a8726f463550bb5b",
  "7ff0db8e1ea1189ec72f93d1650011bd721aeeacc2acde32a04107f0648c2813",
  "a31f5b0b7765ff8b44b4b6ffc93384b646eb09c7cf5e8592d40ea33c80039f35",
  "b4f14a04b51f7bfd781be4d1673164ba8eb991c2c4d730bbbe35f592bdef524a",
  "f7e8daefd26c66fc02c479af89d64d373f442709439de66ceb955f3ea37d5159",
  "f6135809f85334b5cb1813addc80cd05609f10ac6a95ad65872c909525bdad32",
  "bc729592642920f24c61dc5b3c3b7923e56b16a4d9d373d8721f24a3fc0f1b31",
  "31f55615172866bccc30f95054c824e733a5eb6817f7bc16399d48c6361cc7e5",
].join("");

/** RSA-2048: 617 digits, factors unknown. */
export const rsa2048: VdfGroup = Object.freeze({
  id: "RSA-2048",
  modulus: BigInt(`0x${rsa2048Hex}`),
  modulusBytes: 256,
});

/** The element of a number that is no multiple of N. */
export function elementOf({ modulus }: VdfGroup, value: bigint): bigint {
  const rest = value % modulus;
  const negative = modulus - rest;
  return rest < negative ? rest : negative;
}

export function encodeElement({ modulusBytes }: VdfGroup, element: bigint): Uint8Array {
  return bigEndian(element, modulusBytes);
}

/** The element of its one encoding; `undefined` for all other bytes, those of zero among them. */
export function decodeElement({ modulus, modulusBytes }: VdfGroup, bytes: Uint8Array): bigint | undefined {
  if (bytes.length !== modulusBytes) return undefined;
  const value = readBigEndian(bytes);
  return value > 0n && value <= modulus / 2n ? value : undefined;
}

const domain = utf8Bytes("holdfast vdf element 1\n");
/** Bits beyond the modulus: the remainder is uniform but for 2^-128. */
const surplusBytes = 16;

/** A random element: SHA-256 in counter mode over `input`, reduced. */
export function hashToElement(group: VdfGroup, input: Uint8Array): bigint {
  const wanted = group.modulusBytes + surplusBytes;
  const seed = concatBytes(domain, sha256(concatBytes(utf8Bytes(`${group.id}\n`), input)));
  const blocks: Uint8Array[] = [];
  for (let i = 0; i * 32 < wanted; i += 1) blocks.push(sha256(concatBytes(seed, bigEndian(i, 4))));
  const element = elementOf(group, readBigEndian(concatBytes(...blocks).subarray(0, wanted)));
  // Zero comes up once in 2^2048 inputs; it is no element.
  return element === 0n ? 1n : element;
}
