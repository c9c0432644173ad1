/**
 * Data of Solidity's events, decoded strictly: fixed values in their words, text behind an offset, nothing outside of
 * the bytes. Source: the contract ABI specification. Whoever writes a log can put anything into it, so every text is
 * bounded and a malformed one is no event.
 */
import { fromHex, toHex, utf8Text } from "@holdfast/base";

export type AbiType = "bytes32" | "address" | "uint256" | "string";
export type AbiValue = string | bigint;

const wordBytes = 32;
/** CIDs and paths are short. */
const maxTextBytes = 1_024;

/** Bytes of `0x…`, undefined if it is none. */
export function hexBytes(text: unknown, most: number): Uint8Array | undefined {
  if (typeof text !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(text) || text.length > 2 + 2 * most) return;
  return fromHex(text.slice(2).toLowerCase());
}

function number(word: Uint8Array): bigint {
  return BigInt(`0x${toHex(word)}`);
}

function fixed(type: AbiType, word: Uint8Array): AbiValue | undefined {
  if (type === "uint256") return number(word);
  if (type === "bytes32") return `0x${toHex(word)}`;
  const isAddress = word.subarray(0, 12).every((byte) => byte === 0);
  return isAddress ? `0x${toHex(word.subarray(12))}` : undefined;
}

/** The values, undefined if the bytes are not of these types. */
export function decodeAbi(types: readonly AbiType[], data: Uint8Array): readonly AbiValue[] | undefined {
  const values: AbiValue[] = [];
  for (const [index, type] of types.entries()) {
    const word = data.subarray(index * wordBytes, (index + 1) * wordBytes);
    if (word.length !== wordBytes) return undefined;
    const value = type === "string" ? textAt(data, number(word)) : fixed(type, word);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function textAt(data: Uint8Array, offset: bigint): string | undefined {
  if (offset + BigInt(wordBytes) > BigInt(data.length)) return undefined;
  const at = Number(offset);
  const length = number(data.subarray(at, at + wordBytes));
  if (length > BigInt(maxTextBytes) || offset + BigInt(wordBytes) + length > BigInt(data.length))
    return undefined;
  const bytes = data.subarray(at + wordBytes, at + wordBytes + Number(length));
  try {
    return utf8Text(bytes);
  } catch {
    return undefined;
  }
}
