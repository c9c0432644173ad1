/** The field's byte form and Fr32: published vectors, round trips, and that chunking never shows. */
import { concatBytes, fromHex, toHex } from "@holdfast/base";
import {
  assertFrs,
  Fr32Padder,
  Fr32Unpadder,
  frFromBytes,
  frInvert,
  frModulus,
  frReduce,
  frsFromBytes,
  frsToBytes,
  frToBytes,
  isFr,
  paddedLength,
  padUser,
  padUserInto,
  unpadUser,
  userCapacity,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { element, holds, readVectors } from "./vectors.ts";

interface Fr32Vectors {
  cases: { name: string; user: string; padded: string }[];
  starts: { name: string; user: string; paddedStart: string }[];
  sizes: [user: number, padded: number][];
  elements: { bytes: string; canonical: boolean }[];
}
const vectors = readVectors<Fr32Vectors>("proofs", "fr32");

/** The definition, bit by bit: 254 bits, two zeros. */
function padByBits(user: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((user.length * 8) / 254) * 32);
  for (let bit = 0; bit < user.length * 8; bit += 1) {
    const at = Math.floor(bit / 254) * 256 + (bit % 254);
    const value = ((user[bit >> 3] ?? 0) >> (bit & 7)) & 1;
    padded[at >> 3] = (padded[at >> 3] ?? 0) | (value << (at & 7));
  }
  return padded;
}

const userBytes = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc.uint8Array({ minLength: 120, maxLength: 135 }),
);
/** User bytes and the sizes of the chunks that they come in. */
const chunked = fc.tuple(userBytes, fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 12 }));

function chunksOf(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  chunks.push(bytes.subarray(Math.min(at, bytes.length)));
  return chunks;
}

interface Stream {
  push(bytes: Uint8Array): Uint8Array;
  finish(): Uint8Array;
}
const streamed = (stream: Stream, chunks: readonly Uint8Array[]): Uint8Array =>
  concatBytes(...chunks.map((chunk) => stream.push(chunk)), stream.finish());

describe("field", () => {
  it("takes exactly the canonical bytes", () => {
    for (const { bytes, canonical } of vectors.elements) expect(isFr(fromHex(bytes))).toBe(canonical);
    expect(isFr(frToBytes(frModulus - 1n))).toBe(true);
    expect(isFr(frToBytes(frModulus))).toBe(false);
    expect(() => frFromBytes(frToBytes(frModulus))).toThrow(
      expect.objectContaining({ code: "field/not-canonical" }),
    );
    expect(() => frFromBytes(new Uint8Array(31))).toThrow(
      expect.objectContaining({ code: "field/bad-length" }),
    );
    expect(() => frsFromBytes(new Uint8Array(33))).toThrow(
      expect.objectContaining({ code: "field/bad-length" }),
    );
    expect(() => assertFrs(concatBytes(new Uint8Array(32), new Uint8Array(32).fill(255)))).toThrow(
      expect.objectContaining({ code: "field/not-canonical", data: { index: 1, hex: "ff".repeat(32) } }),
    );
  });

  it("goes through bytes unchanged, single and in runs", () => {
    holds(
      fc.property(fc.array(element, { maxLength: 9 }), (values) => {
        const bytes = frsToBytes(values);
        expect(frsFromBytes(bytes)).toEqual(values);
        values.forEach((value, i) => {
          expect(frFromBytes(bytes.subarray(i * 32, i * 32 + 32))).toBe(value);
        });
      }),
    );
  });

  it("orders like numbers at the edge of the modulus", () => {
    holds(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (near) => {
        const value = frModulus + near;
        expect(isFr(frToBytes(value))).toBe(value < frModulus);
      }),
    );
  });

  it("inverts", () => {
    holds(fc.property(element, (value) => frReduce(value * frInvert(value)) === (value === 0n ? 0n : 1n)));
  });
});

describe("Fr32", () => {
  it("fills a place of whatever content, wherever user bytes and place begin, with zeros behind them", () => {
    const ends = fc.integer({ min: 0, max: 3 });
    holds(
      fc.property(
        fc.uint8Array({ minLength: 400, maxLength: 2_400 }),
        ends,
        ends,
        fc.integer({ min: 0, max: 300 }),
        (user, userStart, placeStart, left) => {
          const moved = new Uint8Array(userStart + user.length);
          moved.set(user, userStart);
          const expected = padByBits(user);
          const room = new Uint8Array(placeStart + expected.length + left).fill(0xff);
          padUserInto(moved.subarray(userStart), room.subarray(placeStart));
          expect(room.subarray(placeStart)).toEqual(concatBytes(expected, new Uint8Array(left)));
          expect(room.subarray(0, placeStart).every((byte) => byte === 0xff)).toBe(true);
        },
      ),
    );
  });

  it("passes the published vectors", () => {
    for (const { user, padded } of vectors.cases) {
      expect(toHex(padUser(fromHex(user)))).toBe(padded);
      expect(toHex(unpadUser(fromHex(padded), user.length / 2))).toBe(user);
    }
    for (const { user, paddedStart } of vectors.starts) {
      expect(toHex(padUser(fromHex(user))).startsWith(paddedStart)).toBe(true);
    }
    for (const [user, padded] of vectors.sizes) {
      expect(paddedLength(user)).toBe(padded);
      expect(userCapacity(padded)).toBe(user);
    }
  });

  it("is the definition bit by bit, canonical, and reversible", () => {
    holds(
      fc.property(userBytes, (user) => {
        const padded = padUser(user);
        expect(toHex(padded)).toBe(toHex(padByBits(user)));
        expect(padded.length).toBe(paddedLength(user.length));
        assertFrs(padded);
        expect(toHex(unpadUser(padded, user.length))).toBe(toHex(user));
      }),
      { numRuns: 300 },
    );
  });

  const anySplit = (makePadder: () => Stream) =>
    fc.property(
      chunked,
      ([user, sizes]) => toHex(streamed(makePadder(), chunksOf(user, sizes))) === toHex(padUser(user)),
    );

  it("gives the same bytes for any split", () => {
    holds(anySplit(() => new Fr32Padder()));
  });

  it("canary: a padder that pads each chunk by itself is caught", () => {
    const broken = () => ({ push: padUser, finish: () => new Uint8Array(0) });
    expect(fc.check(anySplit(broken)).failed).toBe(true);
  });

  it("canary: a padder that drops the bytes held at the end is caught", () => {
    const broken = () => {
      const padder = new Fr32Padder();
      return { push: (user: Uint8Array) => padder.push(user), finish: () => new Uint8Array(0) };
    };
    expect(fc.check(anySplit(broken)).failed).toBe(true);
  });

  it("unpads a stream in any split and drops the fill", () => {
    holds(
      fc.property(chunked, fc.integer({ min: 0, max: 9 }), ([user, sizes], fill) => {
        const padded = concatBytes(padUser(user), new Uint8Array(32 * fill));
        const out = streamed(new Fr32Unpadder(user.length), chunksOf(padded, sizes));
        expect(toHex(out)).toBe(toHex(user));
      }),
    );
  });

  it("refuses what is no padded data", () => {
    const top = new Uint8Array(64);
    top[63] = 0x40;
    expect(() => unpadUser(top)).toThrow(
      expect.objectContaining({ code: "fr32/not-padded", data: { index: 1 } }),
    );
    expect(() => unpadUser(new Uint8Array(31))).toThrow(expect.objectContaining({ code: "fr32/bad-length" }));
    expect(() => unpadUser(new Uint8Array(32), 32)).toThrow(
      expect.objectContaining({ code: "fr32/too-short" }),
    );
    expect(() => unpadUser(new Uint8Array(32), -1)).toThrow(
      expect.objectContaining({ code: "fr32/too-short" }),
    );
    const short = new Fr32Unpadder(128);
    short.push(new Uint8Array(128));
    expect(() => short.finish()).toThrow(expect.objectContaining({ code: "fr32/too-short" }));
  });
});
