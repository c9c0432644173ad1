/** Bytes in JSON: base64 of RFC 4648 with padding, each byte string in exactly one spelling. */
import { base64pad } from "multiformats/bases/base64";

export function toBase64(bytes: Uint8Array): string {
  return base64pad.baseEncode(bytes);
}

/** Undefined if it is not what `toBase64` writes. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    const bytes = base64pad.baseDecode(text);
    return base64pad.baseEncode(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
