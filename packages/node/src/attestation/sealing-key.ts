/** Keys for sealing: what a device or a machine gives, made 32 bytes that are of one use. */
import { hkdfSync } from "node:crypto";

/** HKDF-SHA256; another use, or another `of`, is another key. */
export function stretchedKey(
  material: Uint8Array,
  use: string,
  of: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", material, of, `holdfast/sealed-identity/1/${use}`, 32));
}
