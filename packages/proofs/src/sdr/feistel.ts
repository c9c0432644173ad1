/**
 * The permutation behind SDR's expander edges: three Feistel rounds whose round function is BLAKE2b-512 of
 * the half and a key, cut to the half's bits; values outside the domain are permuted again. A half has at
 * most 17 bits, so each round's values are kept as they come up: 8 · 2^18 slots cost 6,144 hashes, not
 * six million.
 * Source: Filecoin specs, SDR, chung expander.
 */
import { concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { blake2b } from "@noble/hashes/blake2.js";

const rounds = 3;
const messageBytes = 16;
const keyOffset = 8;
const keyBytes = 8;
/** A half has at most 17 bits, so this is none. */
const unknown = 0xffff_ffff;

export class SdrFeistel {
  readonly size: number;
  readonly halfBits: number;
  readonly #half: number;
  /** One table of `half` words for each round, one after the other. */
  readonly #tables: Uint32Array;
  readonly #keys: DataView;
  readonly #message = new Uint8Array(messageBytes);
  readonly #view = new DataView(this.#message.buffer);

  /** A permutation of [0, size), 1 < size ≤ 2^34, under the keys of `porepId` (32 bytes). */
  constructor(porepId: Uint8Array, size: number) {
    let halfBits = 1;
    while (4 ** halfBits < size) halfBits += 1;
    this.size = size;
    this.halfBits = halfBits;
    this.#half = 2 ** halfBits;
    this.#tables = new Uint32Array(rounds * this.#half).fill(unknown);
    const keys = sha256(concatBytes(utf8Bytes("Filecoin_Feistel"), porepId));
    this.#keys = new DataView(keys.buffer, keys.byteOffset, keys.length);
  }

  permute(value: number): number {
    let result = value;
    do result = this.#once(result);
    while (result >= this.size);
    return result;
  }

  /** The values of all rounds, every one of them made. */
  tables(): Uint32Array {
    for (let round = 0; round < rounds; round += 1) {
      for (let right = 0; right < this.#half; right += 1) this.#function(round, right);
    }
    return this.#tables;
  }

  #once(value: number): number {
    const half = this.#half;
    let left = Math.floor(value / half);
    let right = value % half;
    for (let round = 0; round < rounds; round += 1) {
      const next = left ^ this.#function(round, right);
      left = right;
      right = next;
    }
    return left * half + right;
  }

  #function(round: number, right: number): number {
    const at = round * this.#half + right;
    const known = this.#tables[at] as number;
    if (known !== unknown) return known;
    this.#view.setUint32(keyOffset - 4, right);
    this.#view.setBigUint64(keyOffset, this.#keys.getBigUint64(round * keyBytes, true));
    const hash = blake2b(this.#message);
    const low = new DataView(hash.buffer, hash.byteOffset).getUint32(4);
    const value = low % this.#half;
    this.#tables[at] = value;
    return value;
  }
}
