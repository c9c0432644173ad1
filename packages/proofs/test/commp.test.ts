/**
 * commP of large streams in bounded memory, and the rest of the published tables of pieces: padding sequences,
 * start bytes, subtree capacities.
 */
import { fromHex, toHex } from "@holdfast/base";
import {
  CommPStream,
  commP,
  hashPair,
  installTreeKernel,
  layoutPieces,
  maxUserBytes,
  type PieceInfo,
  paddedPieceBytes,
  pieceAlignment,
  placePieces,
  TreeFold,
  treeKernel,
  zeroNode,
  zeroPieceCommitment,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holds, readVectors } from "./vectors.ts";

interface PieceVectors {
  zeroCommitments: { paddedBytes: number; commitment: string }[];
  ffPieces: { userBytes: number; commitment: string }[];
  startUserBytes: { pieces: number[]; starts: number[] };
  subtreeCapacity: { leaves: number; byPosition: number[] };
  sectorLayout: {
    unitBytes: number;
    sectorUnits: number;
    pieceUnits: number[];
    sequence: string;
    commitments: string[];
    commD: string;
  };
}
const vectors = readVectors<PieceVectors>("proofs", "pieces");

/** A stream of `parts`: bytes as they are, a number is so many zero bytes. */
function streamed(parts: readonly (Uint8Array | number)[]): PieceInfo {
  const stream = new CommPStream();
  for (const part of parts) {
    if (typeof part === "number") stream.writeZeros(part);
    else stream.write(part);
  }
  return stream.finish();
}

describe("a stream of zeros", () => {
  it("has every commitment of the published ladder up to 64 GiB", () => {
    for (const { paddedBytes, commitment } of vectors.zeroCommitments) {
      if (paddedBytes < 128) continue;
      const piece = streamed([maxUserBytes(paddedBytes)]);
      expect([piece.paddedBytes, toHex(piece.commitment)]).toEqual([paddedBytes, commitment]);
    }
  });

  it("in front, between and behind bytes is the same as bytes that are zero", () => {
    const part = fc.oneof(
      fc.integer({ min: 0, max: 200_000 }),
      fc.constantFrom(0, 1, 127, 65_023, 65_024, 65_025, 130_048),
      fc.uint8Array({ maxLength: 300 }),
    );
    holds(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const plain = parts.map((one) => (typeof one === "number" ? new Uint8Array(one) : one));
        if (plain.every(({ length }) => length === 0)) return;
        expect(streamed(parts)).toEqual(streamed(plain));
      }),
      { numRuns: 12 },
    );
  });

  it("leaves one marked byte where it is, at either end of 64 GiB", () => {
    const whole = maxUserBytes(2 ** 36);
    const block = commP(new Uint8Array(127).fill(0xff));
    let left = block.commitment;
    let right = block.commitment;
    for (let height = 2; height < 31; height += 1) {
      left = hashPair(left, zeroNode(height));
      right = hashPair(zeroNode(height), right);
    }
    const ones = new Uint8Array(127).fill(0xff);
    expect(toHex(streamed([ones, whole - 127]).commitment)).toBe(toHex(left));
    expect(toHex(streamed([whole - 127, ones]).commitment)).toBe(toHex(right));
    expect(streamed([ones, whole - 127]).paddedBytes).toBe(2 ** 36);
    expect(paddedPieceBytes(whole)).toBe(2 ** 36);
  });
});

describe("the memory of a stream", () => {
  it("does not grow: the kernel gets rows of at most 64 KiB, however large the chunks are", () => {
    const kernel = treeKernel;
    const rows: number[] = [];
    const restore = installTreeKernel({
      sha256Pairs: (row) => {
        rows.push(row.length);
        return kernel.sha256Pairs(row);
      },
    });
    try {
      const user = new Uint8Array(1_000_000).fill(7);
      const stream = new CommPStream();
      stream.write(user);
      expect(Math.max(...rows)).toBe(65_536);
      // Leaves go through whole rows: the calls for single pairs are those of the fold, fewer than two a batch.
      expect(rows.filter((length) => length === 65_536)).toHaveLength(15);
      expect(rows.length).toBeLessThan(15 * 13);
      expect(stream.userBytes).toBe(1_000_000);
    } finally {
      restore();
    }
  });

  it("0xff at every published size, in one chunk and byte by byte", () => {
    for (const { userBytes, commitment } of vectors.ffPieces) {
      const stream = new CommPStream();
      for (let i = 0; i < userBytes; i += 1) stream.write(Uint8Array.of(0xff));
      expect(toHex(stream.finish().commitment)).toBe(commitment);
    }
  });
});

describe("pieces in a sector", () => {
  it("start at the published bytes", () => {
    const { pieces, starts } = vectors.startUserBytes;
    let end = 0;
    const found = pieces.map((userBytes) => {
      const { left, right } = pieceAlignment(end, userBytes);
      const start = end + left;
      end = start + userBytes + right;
      return start;
    });
    expect(found).toEqual(starts);
  });

  it("get the published sequence of zero pieces between and behind them, and its commD", () => {
    const { unitBytes, sectorUnits, pieceUnits, sequence, commitments, commD } = vectors.sectorLayout;
    const sectorBytes = sectorUnits * unitBytes;
    const sizes = pieceUnits.map((units) => units * unitBytes);
    const letters: string[] = [];
    let end = 0;
    for (const { index, offsetPaddedBytes } of placePieces(sizes, sectorBytes)) {
      for (; end < offsetPaddedBytes; end += unitBytes) letters.push("P");
      letters.push("ABCD"[index] ?? "");
      end += sizes[index] ?? 0;
    }
    for (; end < sectorBytes; end += unitBytes) letters.push("P");
    expect(letters.join(" ")).toBe(sequence);
    const pieces = commitments.map((hex, i) => ({ commitment: fromHex(hex), paddedBytes: sizes[i] ?? 0 }));
    expect(toHex(layoutPieces(pieces, sectorBytes).commD)).toBe(commD);
    // The same with the zero pieces written out.
    const pad = { commitment: zeroPieceCommitment(unitBytes), paddedBytes: unitBytes };
    const written = letters.map((letter) => pieces["ABCD".indexOf(letter)] ?? pad);
    expect(toHex(layoutPieces(written, sectorBytes).commD)).toBe(commD);
  });

  it("lie in subtrees of the published capacities", () => {
    const { leaves, byPosition } = vectors.subtreeCapacity;
    // A subtree of `capacity` leaves starts at a position exactly if the fold takes it there without filling up.
    for (const [position, capacity] of byPosition.entries()) {
      for (let height = 0; 2 ** height <= leaves; height += 1) {
        const fold = new TreeFold();
        fold.fillTo(position);
        fold.align(height);
        expect(fold.leaves === position && position + 2 ** height <= leaves).toBe(2 ** height <= capacity);
      }
    }
  });
});
