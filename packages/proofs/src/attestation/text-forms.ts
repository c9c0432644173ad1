/**
 * Bytes as people hand them over: raw, in hex or in base64. Text that could be both is hex; what is neither is raw.
 */
import { fromBase64, fromHex } from "@holdfast/base";
import { asciiText } from "./x509/pem.ts";

const hexForm = /^(0x)?([0-9a-fA-F]{2})+$/;
const base64Form = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Undefined if the text, without its white space, is neither hex nor base64. */
export function bytesOfText(text: string): Uint8Array | undefined {
  const dense = text.replace(/[\s\0]+/g, "");
  if (hexForm.test(dense)) return fromHex(dense.replace(/^0x/, ""));
  if (!base64Form.test(dense)) return undefined;
  const standard = dense.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  return fromBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
}

/** The bytes that a file stands for. */
export function rawBytes(bytes: Uint8Array): Uint8Array {
  const text = asciiText(bytes);
  return (text === undefined ? undefined : bytesOfText(text)) ?? bytes;
}
