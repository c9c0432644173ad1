/**
 * Reading fixed layouts: little-endian numbers and byte fields, one after the other, never beyond the end. A field is
 * a view of the input. Errors `attest/malformed`.
 */
import { malformed } from "./errors.ts";

export class Cursor {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(length: number): Uint8Array {
    if (length > this.left)
      throw malformed(`${length} bytes are wanted at ${this.#at}, ${this.left} are left`);
    const field = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return field;
  }

  u8(): number {
    return this.bytes(1)[0] ?? 0;
  }

  u16(): number {
    const [low = 0, high = 0] = this.bytes(2);
    return low + 256 * high;
  }

  u32(): number {
    const low = this.u16();
    return low + 65_536 * this.u16();
  }

  u64(): bigint {
    const low = this.u32();
    return BigInt(low) + (BigInt(this.u32()) << 32n);
  }
}
