/**
 * Byte strings in SCALE, each behind its length, up to the end of the bytes: how chains of Substrate write a bundle of
 * collateral. Source: SCALE codec of Substrate, "compact integers".
 */
import { Cursor } from "./cursor.ts";
import { malformed } from "./errors.ts";
import { attestLimits } from "./limits.ts";

/** Error `attest/malformed`. */
export function readScaleParts(bytes: Uint8Array): readonly Uint8Array[] {
  const at = new Cursor(bytes);
  const parts: Uint8Array[] = [];
  while (at.left > 0) {
    if (parts.length === attestLimits.collateralItems) throw malformed("too many parts");
    parts.push(at.bytes(compactNumber(at)));
  }
  return parts;
}

/** The two lowest bits say in how many bytes a number stands: one, two or four; each in the least. */
function compactNumber(at: Cursor): number {
  const [first = 0] = at.bytes(1);
  if ((first & 3) === 0) return first >> 2;
  if ((first & 3) === 3) throw malformed("a length of more than 30 bits");
  const more = at.bytes((first & 3) === 1 ? 1 : 3);
  const value = [first, ...more].reduceRight((sum, byte) => sum * 256 + byte, 0);
  const length = Math.floor(value / 4);
  if (length < ((first & 3) === 1 ? 2 ** 6 : 2 ** 14)) throw malformed("a length that is written too long");
  return length;
}
