/** Random choices that a seed repeats: SHA-256 in counter mode, edges more often than chance has them. */
import { createHash } from "node:crypto";
import { frModulus, frsToBytes } from "../../src/field/index.ts";

export interface Draw {
  /** 0 … below − 1. */
  readonly below: (below: number) => number;
  readonly pick: <T>(from: readonly [T, ...T[]]) => T;
  /** True in one of so many. */
  readonly oneIn: (many: number) => boolean;
  readonly bytes: (length: number) => Uint8Array;
  /** Field elements: whole, small, zero, one, the largest. */
  readonly elements: (count: number) => Uint8Array;
  /** The same bytes in an array of another kind: a view that starts anywhere, memory that threads share. */
  readonly placed: (bytes: Uint8Array) => Uint8Array;
}

const blockBytes = 32;

export function createDraw(seed: string): Draw {
  let counter = 0;
  let block: Uint8Array = new Uint8Array(0);
  const byte = (): number => {
    if (block.length === 0) {
      block = createHash("sha256").update(`${seed}/${counter}`).digest();
      counter += 1;
    }
    const [first = 0] = block;
    block = block.subarray(1);
    return first;
  };
  const word = (): number => byte() * 2 ** 24 + byte() * 2 ** 16 + byte() * 2 ** 8 + byte();
  const below = (limit: number): number => word() % limit;
  const oneIn = (many: number): boolean => below(many) === 0;
  const bytes = (length: number): Uint8Array => {
    const name = `${seed}/${counter}/`;
    counter += 1;
    const all = new Uint8Array(length);
    for (let at = 0; at < length; at += blockBytes) {
      const part = createHash("sha256").update(`${name}${at}`).digest();
      all.set(part.subarray(0, Math.min(blockBytes, length - at)), at);
    }
    return all;
  };
  const element = (): bigint => {
    const kind = below(8);
    if (kind === 0) return BigInt(below(3));
    if (kind === 1) return frModulus - 1n - BigInt(below(2));
    if (kind === 2) return 1n << BigInt(below(254));
    return BigInt(`0x${Buffer.from(bytes(blockBytes)).toString("hex")}`) % frModulus;
  };
  const placed = (given: Uint8Array): Uint8Array => {
    const kind = below(3);
    if (kind === 0) return given;
    const offset = below(9);
    const room = offset + given.length + below(3);
    const buffer = kind === 1 ? new ArrayBuffer(room) : new SharedArrayBuffer(room);
    const view = new Uint8Array(buffer, offset, given.length);
    view.set(given);
    return view;
  };
  return {
    below,
    oneIn,
    bytes,
    placed,
    pick: (from) => from[below(from.length)] ?? from[0],
    elements: (count) => frsToBytes(Array.from({ length: count }, element)),
  };
}
