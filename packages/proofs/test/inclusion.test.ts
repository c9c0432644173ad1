/** Piece inclusion: every honest proof passes; for each way to lie that we know there is a case that fails. */
import { concatBytes, littleEndian, toHex } from "@holdfast/base";
import {
  buildTree,
  commP,
  inclusionOffset,
  layoutPieces,
  openPath,
  type PieceInclusionStatement,
  type PieceInfo,
  provePieceInclusion,
  sha254Hasher,
  verifyPieceInclusion,
  zeroPieceCommitment,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipBit, holds, leavesOf, readVectors } from "./vectors.ts";

const { subtreeCapacity } = readVectors<{ subtreeCapacity: { leaves: number; byPosition: number[] } }>(
  "proofs",
  "pieces",
);

const pieceOf = (units: number, salt: number): PieceInfo => commP(new Uint8Array(units * 127).fill(salt + 1));

/** Sectors of 2 KiB to 8 KiB with some pieces, and one of them. */
const placed = fc
  .record({
    units: fc.array(fc.constantFrom(1, 2, 4, 8), { minLength: 1, maxLength: 5 }),
    height: fc.integer({ min: 6, max: 7 }),
  })
  .chain(({ units, height }) =>
    fc.record({
      pieces: fc.constant(units.map(pieceOf)),
      sectorBytes: fc.constant(128 * 2 ** height),
      index: fc.nat({ max: units.length - 1 }),
    }),
  );
type Placed = { pieces: PieceInfo[]; sectorBytes: number; index: number };

function honestStatement({ pieces, sectorBytes, index }: Placed): PieceInclusionStatement {
  const { commD } = layoutPieces(pieces, sectorBytes);
  const piece = pieces[index] ?? pieceOf(1, 0);
  return {
    commD,
    sectorBytes,
    commP: piece.commitment,
    paddedBytes: piece.paddedBytes,
    proof: provePieceInclusion(pieces, sectorBytes, index),
  };
}

const pathOf = (proof: Uint8Array): Uint8Array => proof.subarray(8);
const withPosition = (leaf: bigint | number, path: Uint8Array): Uint8Array =>
  concatBytes(littleEndian(leaf, 8), path);
const foldPair = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  sha254Hasher.hash(concatBytes(left, right));

/** Ways to lie about an honest statement. Each gives a statement that must be false. */
function forgeriesOf(honest: PieceInclusionStatement): fc.Arbitrary<Partial<PieceInclusionStatement>> {
  const { proof, commP: root, paddedBytes, sectorBytes } = honest;
  const path = pathOf(proof);
  const leaf = (inclusionOffset(proof) ?? 0) / 32;
  const leaves = paddedBytes / 32;
  const isRight = (leaf / leaves) % 2 === 1;
  const sibling = path.subarray(0, 32);
  const parent = isRight ? foldPair(sibling, root) : foldPair(root, sibling);
  const zero32 = new Uint8Array(32);
  const resized = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 192, 0, -128, Number.NaN];
  return fc.oneof(
    fc.nat({ max: proof.length * 8 - 1 }).map((bit) => ({ proof: flipBit(proof, bit) })),
    fc.nat({ max: 255 }).map((bit) => ({ commP: flipBit(root, bit) })),
    fc.nat({ max: 255 }).map((bit) => ({ commD: flipBit(honest.commD, bit) })),
    // The wrong size, of the piece or of the sector, with the proof unchanged.
    fc.constantFrom(...resized.filter((size) => size !== paddedBytes)).map((size) => ({ paddedBytes: size })),
    fc.constantFrom(...resized.filter((size) => size !== sectorBytes)).map((size) => ({ sectorBytes: size })),
    // The piece moved: to another place, past the sector, beyond 2^53, by half its own size.
    fc
      .nat({ max: 2 * (sectorBytes / 32) })
      .map((other) => ({ proof: withPosition(other === leaf ? other + 1 : other, path) })),
    fc.constantFrom(leaf + 1, leaf + leaves / 2, leaf + sectorBytes / 32).map((other) => ({
      proof: withPosition(other, path),
    })),
    fc.constantFrom(2n ** 48n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n).map((other) => ({
      proof: withPosition(other, path),
    })),
    // The path cut, extended, or emptied.
    fc.nat({ max: proof.length - 1 }).map((length) => ({ proof: proof.subarray(0, length) })),
    fc.constantFrom(1, 31, 32, 64).map((more) => ({ proof: concatBytes(proof, new Uint8Array(more)) })),
    fc.constant({ proof: withPosition(leaf, concatBytes(zero32, path)) }),
    // An inner node passed off as the piece: the parent, with the rest of the path.
    fc.constantFrom(paddedBytes, 128).map((size) => ({
      commP: parent,
      paddedBytes: size,
      proof: withPosition(leaf - (leaf % (2 * leaves)), path.subarray(32)),
    })),
    // The sector's root passed off as a piece, with no path.
    fc.constant({ commP: honest.commD, proof: withPosition(0, zero32.subarray(32)) }),
    // The sibling's side swapped.
    fc.constant({ proof: withPosition(isRight ? leaf - leaves : leaf + leaves, path) }),
    // Lengths that are no commitments.
    fc.constantFrom(0, 31, 33, 64).map((length) => ({ commP: new Uint8Array(length) })),
    fc.constantFrom(0, 31, 33, 64).map((length) => ({ commD: new Uint8Array(length) })),
  );
}

type Verify = (statement: PieceInclusionStatement) => boolean;
const noForgeryPasses = (verify: Verify) =>
  fc.property(
    placed.chain((sector) => {
      const honest = honestStatement(sector);
      return fc.record({ honest: fc.constant(honest), lie: forgeriesOf(honest) });
    }),
    ({ honest, lie }) => !verify({ ...honest, ...lie }),
  );

/** A careless verifier: folds what is there, and leaves out the named checks. */
const careless =
  (without: "length" | "alignment" | "range"): Verify =>
  ({ commD, sectorBytes, commP: root, paddedBytes, proof }) => {
    const offset = inclusionOffset(proof);
    if (offset === undefined || root.length !== 32 || paddedBytes < 128 || sectorBytes < 128) return false;
    if (without !== "alignment" && offset % paddedBytes !== 0) return false;
    if (without !== "range" && offset + paddedBytes > sectorBytes) return false;
    const path = pathOf(proof);
    if (without !== "length" && path.length !== Math.log2(sectorBytes / paddedBytes) * 32) return false;
    let node = root;
    let position = Math.floor(offset / paddedBytes);
    for (let at = 0; at + 32 <= path.length; at += 32) {
      const sibling = path.subarray(at, at + 32);
      node = position % 2 === 0 ? foldPair(node, sibling) : foldPair(sibling, node);
      position = Math.floor(position / 2);
    }
    return toHex(node) === toHex(commD);
  };

describe("piece inclusion", () => {
  it("is proven for every piece of every layout, at its own place", () => {
    holds(
      fc.property(placed, (sector) => {
        const statement = honestStatement(sector);
        expect(verifyPieceInclusion(statement)).toBe(true);
        const { placements } = layoutPieces(sector.pieces, sector.sectorBytes);
        expect(inclusionOffset(statement.proof)).toBe(placements[sector.index]?.offsetPaddedBytes);
      }),
    );
  });

  it("of a piece that fills the sector needs no siblings", () => {
    const piece = pieceOf(16, 1);
    const statement = honestStatement({ pieces: [piece], sectorBytes: piece.paddedBytes, index: 0 });
    expect(statement.proof.length).toBe(8);
    expect(verifyPieceInclusion(statement)).toBe(true);
  });

  it("accepts no forgery", () => {
    holds(noForgeryPasses(verifyPieceInclusion), { numRuns: 2000 });
  });

  it("canary: a verifier without any one of its checks is caught", () => {
    for (const check of ["length", "alignment", "range"] as const) {
      const result = fc.check(noForgeryPasses(careless(check)), { numRuns: 3000 });
      expect([check, result.failed]).toEqual([check, true]);
    }
  });

  it("a commitment stored as a leaf is no piece", () => {
    const secret = pieceOf(8, 5);
    const data = new Uint8Array(2048);
    data.set(secret.commitment, 512);
    const tree = buildTree(sha254Hasher, data);
    const proof = withPosition(512 / 32, openPath(tree, 512 / 32));
    for (const paddedBytes of [32, 64, 128, secret.paddedBytes]) {
      const statement = { commD: tree.root, sectorBytes: 2048, commP: secret.commitment, paddedBytes, proof };
      expect(verifyPieceInclusion(statement)).toBe(false);
    }
  });

  it("holds exactly at the positions where the subtree exists", () => {
    const tree = buildTree(sha254Hasher, leavesOf(16).fill(7));
    const rowNode = (index: number): Uint8Array => tree.rows.subarray(index * 32, index * 32 + 32);
    const [inner, sibling, upper] = [rowNode(8), rowNode(9), rowNode(12)]; // equal leaves: equal rows
    subtreeCapacity.byPosition.forEach((capacity, leaf) => {
      const proof = withPosition(leaf, concatBytes(sibling, upper));
      const statement = { commD: tree.root, sectorBytes: 512, commP: inner, paddedBytes: 128, proof };
      expect([leaf, verifyPieceInclusion(statement)]).toEqual([leaf, capacity >= 4]);
    });
    expect(subtreeCapacity.leaves).toBe(16);
  });

  it("is not proven for a piece that is not there", () => {
    const pieces = [pieceOf(1, 0)];
    for (const index of [1, -1, 0.5]) {
      expect(() => provePieceInclusion(pieces, 2048, index)).toThrow(
        expect.objectContaining({ code: "pieces/no-such-piece" }),
      );
    }
    expect(() => provePieceInclusion([...pieces, pieceOf(16, 0)], 2048, 0)).toThrow(
      expect.objectContaining({ code: "pieces/too-large" }),
    );
  });

  it("never throws on arbitrary bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const sizes = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(128, 2048));
    holds(
      fc.property(bytes, bytes, bytes, sizes, sizes, (commD, root, proof, sectorBytes, paddedBytes) => {
        expect(verifyPieceInclusion({ commD, commP: root, proof, sectorBytes, paddedBytes })).toBe(false);
      }),
    );
    const zeros = { commD: zeroPieceCommitment(2048), sectorBytes: 2048, commP: zeroPieceCommitment(128) };
    expect(verifyPieceInclusion({ ...zeros, paddedBytes: 128, proof: new Uint8Array(0) })).toBe(false);
  });
});
