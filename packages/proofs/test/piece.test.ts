/** Pieces: published commitments, streams, CIDs, and layouts against a tree over the real bytes. */
import { CID, concatBytes, fromHex, parseCid, toHex } from "@holdfast/base";
import {
  buildTree,
  CommPStream,
  commP,
  layoutPieces,
  maxUserBytes,
  type PieceInfo,
  paddedPieceBytes,
  padUser,
  pieceAlignment,
  pieceCid,
  pieceCommitment,
  placePieces,
  sha254Hasher,
  zeroPieceCommitment,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holds, readVectors } from "./vectors.ts";

interface PieceVectors {
  zeroCommitments: { paddedBytes: number; commitment: string }[];
  ffPieces: { userBytes: number; commitment: string }[];
  alignment: { written: number; size: number; left: number; right: number }[];
  sectorLayout: { unitBytes: number; sectorUnits: number; pieceUnits: number[]; offsetsUnits: number[] };
}
const vectors = readVectors<PieceVectors>("proofs", "pieces");

/** commP by the definition: pad, fill with zeros, one whole tree. */
function commPByTree(user: Uint8Array, paddedBytes: number): Uint8Array {
  const leaves = new Uint8Array(paddedBytes);
  leaves.set(padUser(user));
  return buildTree(sha254Hasher, leaves).root;
}
const filled = (length: number, salt: number): Uint8Array =>
  Uint8Array.from({ length }, (_none, i) => (i * 7 + (i >> 8) * 13 + salt) & 0xff);

describe("commP", () => {
  it("is the published commitment of zeros and of 0xff", () => {
    for (const { paddedBytes, commitment } of vectors.zeroCommitments.filter(
      (row) => row.paddedBytes >= 128,
    )) {
      expect(toHex(zeroPieceCommitment(paddedBytes))).toBe(commitment);
    }
    for (const { userBytes, commitment } of vectors.ffPieces) {
      const piece = commP(new Uint8Array(userBytes).fill(0xff));
      expect(toHex(piece.commitment)).toBe(commitment);
      expect(maxUserBytes(piece.paddedBytes)).toBe(userBytes);
    }
  });

  const lengths = fc.oneof(
    fc.integer({ min: 1, max: 3000 }),
    fc.constantFrom(1, 126, 127, 128, 254, 255, 65_024, 65_025, 65_023, 130_048, 130_049, 200_000),
  );
  const written = fc.record({
    length: lengths,
    salt: fc.nat(255),
    cuts: fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 6 }),
  });
  interface Stream {
    write(user: Uint8Array): void;
    finish(): PieceInfo;
  }
  const streamIsTree = (make: () => Stream) =>
    fc.property(written, ({ length, salt, cuts }) => {
      const user = filled(length, salt);
      const stream = make();
      let at = 0;
      for (const cut of [...cuts, length]) {
        stream.write(user.subarray(at, at + cut));
        at += cut;
      }
      const { commitment, paddedBytes } = stream.finish();
      return (
        paddedBytes === paddedPieceBytes(length) &&
        toHex(commitment) === toHex(commPByTree(user, paddedBytes))
      );
    });

  it("of a stream in any chunks is the root of the whole tree", () => {
    holds(streamIsTree(() => new CommPStream()));
  });

  it("canary: a stream that forgets empty space to the right is caught", () => {
    const broken = (): Stream => {
      const parts: Uint8Array[] = [];
      return {
        write: (user) => parts.push(user.slice()),
        finish: () => {
          const user = concatBytes(...parts);
          const { paddedBytes } = commP(user);
          return {
            paddedBytes,
            commitment: commP(user.subarray(0, maxUserBytes(paddedBytes) / 2)).commitment,
          };
        },
      };
    };
    expect(fc.check(streamIsTree(broken)).failed).toBe(true);
  });

  it("sizes are 128·2^k and as small as possible", () => {
    holds(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (userBytes) => {
        const padded = paddedPieceBytes(userBytes);
        expect(Number.isInteger(Math.log2(padded / 128))).toBe(true);
        expect(maxUserBytes(padded)).toBeGreaterThanOrEqual(userBytes);
        if (padded > 128) expect(maxUserBytes(padded / 2)).toBeLessThan(userBytes);
      }),
    );
  });

  it("does not exist for no bytes", () => {
    const empty = expect.objectContaining({ code: "pieces/empty" });
    expect(() => commP(new Uint8Array(0))).toThrow(empty);
    expect(() => new CommPStream().finish()).toThrow(empty);
    expect(() => paddedPieceBytes(0)).toThrow(empty);
  });
});

describe("piece CIDs", () => {
  it("are the ones of Filecoin's tools, both ways", () => {
    const zero = zeroPieceCommitment(2048);
    const cid = pieceCid(zero);
    expect(cid.code).toBe(0xf101);
    expect(cid.multihash.code).toBe(0x1012);
    expect(cid.toString()).toBe("baga6ea4seaqpy7usqklokfx2vxuynmupslkeutzexe2uqurdg5vhtebhxqmpqmy");
    expect(toHex(pieceCommitment(parseCid(cid.toString())))).toBe(toHex(zero));
  });

  it("are refused for other CIDs and other bytes", () => {
    const badCid = expect.objectContaining({ code: "pieces/bad-cid" });
    const { multihash } = pieceCid(zeroPieceCommitment(128));
    expect(() => pieceCommitment(CID.createV1(0x55, multihash))).toThrow(badCid);
    expect(() =>
      pieceCommitment(parseCid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")),
    ).toThrow(badCid);
    const badCommitment = expect.objectContaining({ code: "pieces/bad-commitment" });
    expect(() => pieceCid(new Uint8Array(31))).toThrow(badCommitment);
    expect(() => pieceCid(new Uint8Array(0))).toThrow(badCommitment);
    expect(() => pieceCid(new Uint8Array(32).fill(0xff))).toThrow(badCommitment);
  });
});

const unit = 127;
const pieceOfUnits = (units: number, salt: number): { info: PieceInfo; user: Uint8Array } => {
  const user = filled(units * unit, salt);
  return { info: commP(user), user };
};

describe("layout", () => {
  it("aligns as published", () => {
    for (const { written, size, left, right } of vectors.alignment) {
      expect(pieceAlignment(written, size)).toEqual({ left, right });
    }
    const { unitBytes, sectorUnits, pieceUnits, offsetsUnits } = vectors.sectorLayout;
    const pieces = pieceUnits.map((units, i) => pieceOfUnits(units, i).info);
    const { placements } = layoutPieces(pieces, sectorUnits * unitBytes);
    expect(placements).toEqual(
      offsetsUnits.map((units, index) => ({ index, offsetPaddedBytes: units * unitBytes })),
    );
  });

  it("gives one commD however four units are cut into pieces", () => {
    const user = filled(4 * unit, 3);
    const part = (from: number, to: number): PieceInfo => commP(user.subarray(from * unit, to * unit));
    const [a, b, c, d] = [part(0, 1), part(1, 2), part(2, 3), part(3, 4)];
    const [e, f, g] = [part(0, 2), part(2, 4), part(0, 4)];
    const lists = [[a, b, c, d], [e, c, d], [e, f], [a, b, f], [g]];
    const roots = lists.map((list) => toHex(layoutPieces(list, 512).commD));
    expect(new Set(roots)).toEqual(new Set([toHex(g.commitment)]));
  });

  const sector = fc.record({
    units: fc.array(fc.constantFrom(1, 1, 2, 2, 4, 8), { maxLength: 8 }),
    height: fc.integer({ min: 0, max: 6 }),
  });
  const layoutIsTree = (layout: typeof layoutPieces) =>
    fc.property(sector, ({ units, height }) => {
      const sectorBytes = 128 * 2 ** height;
      const pieces = units.map((count, i) => pieceOfUnits(count, i));
      const data = new Uint8Array(sectorBytes);
      let end = 0;
      let fits = true;
      for (const { info, user } of pieces) {
        while (end % info.paddedBytes !== 0) end += 128;
        fits &&= end + info.paddedBytes <= sectorBytes;
        if (fits) data.set(padUser(user), end);
        end += info.paddedBytes;
      }
      const infos = pieces.map(({ info }) => info);
      if (!fits) {
        expect(() => layout(infos, sectorBytes)).toThrow(
          expect.objectContaining({ code: "pieces/too-large" }),
        );
        return true;
      }
      return toHex(layout(infos, sectorBytes).commD) === toHex(buildTree(sha254Hasher, data).root);
    });

  it("folds to the root of the tree over the real bytes, or says that it does not fit", () => {
    holds(layoutIsTree((pieces, sectorBytes) => layoutPieces(pieces, sectorBytes)));
  });

  it("canary: a layout that places the largest pieces first is caught", () => {
    const broken: typeof layoutPieces = (pieces, sectorBytes) =>
      layoutPieces(
        pieces.toSorted((a, b) => b.paddedBytes - a.paddedBytes),
        sectorBytes,
      );
    expect(fc.check(layoutIsTree(broken)).failed).toBe(true);
  });

  it("an empty sector is all zeros", () => {
    expect(toHex(layoutPieces([], 2048).commD)).toBe(toHex(zeroPieceCommitment(2048)));
  });

  it("refuses sizes that are no subtrees and bytes that are no commitments", () => {
    const commitment = zeroPieceCommitment(128);
    for (const paddedBytes of [0, 64, 127, 129, 384, -128, 128.5, Number.NaN]) {
      const badSize = expect.objectContaining({ code: "pieces/bad-size" });
      expect(() => layoutPieces([{ commitment, paddedBytes }], 2048)).toThrow(badSize);
      const badSector = expect.objectContaining({ code: "pieces/bad-sector-size" });
      expect(() => placePieces([], paddedBytes)).toThrow(badSector);
    }
    expect(() => layoutPieces([{ commitment: fromHex("00"), paddedBytes: 128 }], 2048)).toThrow(
      expect.objectContaining({ code: "pieces/bad-commitment" }),
    );
  });
});
