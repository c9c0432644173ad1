/**
 * sha2-256 of many 64-byte messages: the hot loop of data trees. A 64-byte message is one block of data and one
 * block of constant padding, so the second block's key schedule is computed once, and no buffers are made per
 * hash. Result per pair: 32 bytes, for trees of sectors with the two bits above 2^254 cleared.
 * Source: FIPS 180-4. The general implementation of base is the reference that it is tested against.
 */
import { compressBlock, expandBlock, sha256Initial, sha256RoundConstants } from "./sha256-block.ts";

const schedule = new Int32Array(64);
/** Words of the second block (a 1 bit, zeros, the length 512), expanded and with the round constants added. */
const paddingKeys = new Int32Array(64);
paddingKeys[0] = 1 << 31;
paddingKeys[15] = 512;
expandBlock(paddingKeys);
for (let i = 0; i < 64; i += 1)
  paddingKeys[i] = (paddingKeys[i] as number) + (sha256RoundConstants[i] as number);

/** The last word keeps the bits below 2^254: the last byte's two top bits are bits 6 and 7 of the word. */
const lastWordMask = 0xffffff3f;

/** The row above: one trimmed sha2-256 per 64 bytes of `row`. */
export function sha256Pairs(row: Uint8Array): Uint8Array {
  return rowAbove(row, lastWordMask);
}

/** The row above: one whole sha2-256 per 64 bytes of `row`. */
export function sha256WholePairs(row: Uint8Array): Uint8Array {
  return rowAbove(row, -1);
}

function rowAbove(row: Uint8Array, mask: number): Uint8Array {
  const parents = new Uint8Array(row.length / 2);
  const input = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const output = new DataView(parents.buffer);
  const chain = new Int32Array(8);
  for (let start = 0; start + 64 <= row.length; start += 64) {
    for (let i = 0; i < 16; i += 1) schedule[i] = input.getInt32(start + i * 4);
    expandBlock(schedule);
    for (let i = 0; i < 64; i += 1)
      schedule[i] = (schedule[i] as number) + (sha256RoundConstants[i] as number);
    chain.set(sha256Initial);
    compressBlock(chain, schedule);
    compressBlock(chain, paddingKeys);
    const at = start / 2;
    for (let i = 0; i < 7; i += 1) output.setInt32(at + i * 4, chain[i] as number);
    output.setInt32(at + 28, (chain[7] as number) & mask);
  }
  return parents;
}
