/**
 * Certificates and lists as files hold them: PEM blocks one after the other, DER alone or several in a row. Between
 * blocks there is white space at most; zero bytes may end the text, as they do in quotes. Source: RFC 7468.
 */
import { fromBase64 } from "@holdfast/base";
import { readDerAt } from "../der/reader.ts";
import { malformed } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import { readOnce } from "../remembered.ts";

export type PemLabel = "CERTIFICATE" | "X509 CRL";

const block = /-----BEGIN ([A-Z0-9 ]+)-----\s([A-Za-z0-9+/=\s]*)-----END \1-----/g;

/** Undefined if a byte is none of ASCII. */
export function asciiText(bytes: Uint8Array): string | undefined {
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The DER of every block with the label. Error `attest/malformed`. */
export function pemBlocks(text: string, label: PemLabel): Uint8Array[] {
  const found: Uint8Array[] = [];
  let behind = 0;
  for (const match of text.matchAll(block)) {
    if (text.slice(behind, match.index).trim() !== "") throw malformed("text between PEM blocks");
    behind = match.index + match[0].length;
    if (match[1] !== label) throw malformed(`a PEM block with ${match[1]} instead of ${label}`);
    const der = fromBase64((match[2] ?? "").replace(/\s/g, ""));
    if (der === undefined) throw malformed("a PEM block that is not base64");
    found.push(der);
    if (found.length > attestLimits.collateralItems) throw malformed("too many PEM blocks");
  }
  if (!/^[\s\0]*$/.test(text.slice(behind))) throw malformed("text behind PEM blocks");
  return found;
}

/** The DER of each certificate in a chain, PEM or DER. Error `attest/malformed`. */
export const splitCertificates = readOnce(split);

function split(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes[0] !== 0x30) {
    const text = asciiText(bytes);
    const found = text === undefined ? [] : pemBlocks(text, "CERTIFICATE");
    if (found.length === 0) throw malformed("neither PEM nor DER");
    return found;
  }
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length && bytes[at] === 0x30; ) {
    const { raw } = readDerAt(bytes, at);
    found.push(raw);
    at += raw.length;
    if (found.length > attestLimits.collateralItems) throw malformed("too many certificates");
    if (bytes.subarray(at).every((byte) => byte === 0)) return found;
  }
  throw malformed("bytes behind the certificates");
}
