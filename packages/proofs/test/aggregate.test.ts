/**
 * Aggregates: bytes and proofs against Filecoin's own implementation, contents against the tree over the real
 * bytes, and for each way to lie that we know a case that fails.
 */
import { c, concatBytes, decode, encode, fromHex, sha256, toHex } from "@holdfast/base";
import {
  type Aggregate,
  type AggregateInclusionStatement,
  aggregateInclusionOffset,
  aggregateParts,
  aggregatePieces,
  commP,
  decodeEntry,
  encodeEntry,
  entryBytes,
  findSegment,
  hashPair,
  indexArea,
  indexBytes,
  maxUserBytes,
  type PieceInfo,
  padUser,
  proveAggregateInclusion,
  readIndex,
  readUserIndex,
  type Segment,
  segmentRange,
  verifyAggregateInclusion,
  zeroPieceCommitment,
} from "@holdfast/proofs";
import * as door from "@holdfast/proofs/verify";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipBit, holds, readVectors } from "./vectors.ts";

interface AggregateVectors {
  areas: { paddedBytes: number; entries: number; startUserBytes: number }[];
  aggregates: {
    name: string;
    paddedBytes: number;
    pieces: { commitment: string; paddedBytes: number }[];
    index: string;
    indexCommitment: string;
    commitment: string;
    inclusions: { piece: number; cbor: string }[];
  }[];
}
const vectors = readVectors<AggregateVectors>("proofs", "aggregate");
const published = vectors.aggregates.map((vector) => {
  const pieces = vector.pieces.map(({ commitment, paddedBytes }) => ({
    commitment: fromHex(commitment),
    paddedBytes,
  }));
  return { vector, pieces, aggregate: aggregatePieces(pieces, vector.paddedBytes) };
});

describe("against go-data-segment", () => {
  it("the index lies at the same place in every size", () => {
    for (const { paddedBytes, entries, startUserBytes } of vectors.areas) {
      expect(indexArea(paddedBytes)).toMatchObject({ entries, startUserBytes });
    }
    expect(vectors.areas.at(-1)?.paddedBytes).toBe(2 ** 36);
  });

  it.each(published)("$vector.name: entries, commitments and proofs are the same bytes", (one) => {
    const { vector, pieces, aggregate } = one;
    expect(toHex(indexBytes(aggregate))).toBe(vector.index);
    expect(toHex(aggregate.commitment)).toBe(vector.commitment);
    const area = indexArea(vector.paddedBytes);
    const height = Math.log2(area.paddedBytes / 32);
    const index = aggregate.tree.nodeAt(height, area.offsetPaddedBytes / area.paddedBytes);
    expect(toHex(index)).toBe(vector.indexCommitment);
    for (const { piece, cbor } of vector.inclusions) {
      const proof = proveAggregateInclusion(aggregate, piece);
      expect(toHex(proof)).toBe(cbor);
      const statement = { aggregate, piece: pieces[piece] as PieceInfo, proof };
      expect(verifyAggregateInclusion(statement)).toBe(true);
      expect(door.verifyAggregateInclusion(statement)).toBe(true);
      expect(aggregateInclusionOffset(statement.piece, proof)).toBe(
        aggregate.segments[piece]?.offsetPaddedBytes,
      );
    }
  });
});

const file = (userBytes: number, salt: number): Uint8Array =>
  Uint8Array.from({ length: userBytes }, (_none, i) => (i * 31 + salt * 17 + (i >> 7)) & 0xff);

/** The user bytes of an aggregate of these files. */
function contentOf(aggregate: Aggregate, files: readonly Uint8Array[]): Uint8Array {
  const parts = [...aggregateParts(aggregate)].map((part) => {
    if (part.kind === "index") return part.bytes;
    const bytes = new Uint8Array(part.userBytes);
    if (part.kind === "piece") bytes.set(files[part.index] ?? []);
    return bytes;
  });
  return concatBytes(...parts);
}

const someFiles = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 9 });

describe("an aggregate", () => {
  it("is the piece of its parts' bytes, and each file is found by reading the index", () => {
    holds(
      fc.property(someFiles, (sizes) => {
        const files = sizes.map(file);
        const pieces = files.map(commP);
        const aggregate = aggregatePieces(pieces);
        const content = contentOf(aggregate, files);
        expect(content).toHaveLength(maxUserBytes(aggregate.paddedBytes));
        expect(toHex(commP(content).commitment)).toBe(toHex(aggregate.commitment));
        const area = indexArea(aggregate.paddedBytes);
        const found = readUserIndex(content.subarray(area.startUserBytes), aggregate.paddedBytes);
        expect(found).toEqual(aggregate.segments);
        for (const [i, piece] of pieces.entries()) {
          const { startUserBytes, userBytes } = segmentRange(findSegment(found, piece) as Segment);
          expect(userBytes).toBe(maxUserBytes(piece.paddedBytes));
          expect(content.subarray(startUserBytes, startUserBytes + (sizes[i] ?? 0))).toEqual(files[i]);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("is as small as it can be, unless another size is asked for", () => {
    expect(aggregatePieces([commP(file(100, 1))]).paddedBytes).toBe(512);
    expect(aggregatePieces([1, 2, 3].map((salt) => commP(file(100, salt)))).paddedBytes).toBe(1024);
    // Five files do not fit into the four entries of a small index.
    const five = [1, 2, 3, 4, 5].map((salt) => commP(file(100, salt)));
    expect(aggregatePieces(five).paddedBytes).toBe(2 ** 20);
    const code = (expected: string) => expect.objectContaining({ code: expected });
    expect(() => aggregatePieces(five, 4096)).toThrow(code("aggregate/too-many-pieces"));
    expect(() => aggregatePieces([commP(file(400, 1))], 512)).toThrow(code("aggregate/too-large"));
    expect(() => aggregatePieces([])).toThrow(code("aggregate/empty"));
    for (const size of [1000, 128, 256]) {
      expect(() => aggregatePieces(five.slice(0, 1), size)).toThrow(code("pieces/bad-size"));
    }
    expect(() => aggregatePieces([{ commitment: new Uint8Array(31), paddedBytes: 128 }])).toThrow(
      code("pieces/bad-commitment"),
    );
    expect(() => proveAggregateInclusion(aggregatePieces(five), 5)).toThrow(code("aggregate/no-such-piece"));
  });
});

describe("an index entry", () => {
  const segment: Segment = { commitment: sha254(1), paddedBytes: 1024, offsetPaddedBytes: 4096 };

  it("comes back, and no changed bit of it does", () => {
    const entry = encodeEntry(segment);
    expect(entry).toHaveLength(entryBytes);
    expect(decodeEntry(entry)).toEqual(segment);
    for (let bit = 0; bit < entryBytes * 8; bit += 1) {
      expect(decodeEntry(flipBit(entry, bit))).toBeUndefined();
    }
    expect(decodeEntry(entry.subarray(1))).toBeUndefined();
    expect(decodeEntry(new Uint8Array(entryBytes))).toBeUndefined();
  });

  it("is none with a size or a place that no piece has, though the checksum is right", () => {
    const bad: Partial<Segment>[] = [
      { paddedBytes: 0, offsetPaddedBytes: 0 },
      { paddedBytes: 64 },
      { paddedBytes: 384, offsetPaddedBytes: 384 },
      { offsetPaddedBytes: 512 },
      { paddedBytes: 2 ** 50, offsetPaddedBytes: 0 },
      { commitment: new Uint8Array(32).fill(0xff) },
    ];
    for (const change of bad) expect(decodeEntry(encodeEntry({ ...segment, ...change }))).toBeUndefined();
  });

  it("that is bad hides no other one", () => {
    const good = encodeEntry(segment);
    const inIndex = encodeEntry({ ...segment, paddedBytes: 256, offsetPaddedBytes: 8192 - 256 });
    const outside = encodeEntry({ ...segment, offsetPaddedBytes: 8192 });
    const index = concatBytes(flipBit(good, 3), outside, inIndex, good);
    expect(readIndex(index, 8192)).toEqual([segment]);
    const code = expect.objectContaining({ code: "aggregate/bad-index-length" });
    expect(() => readIndex(index.subarray(1), 8192)).toThrow(code);
    expect(() => readUserIndex(index, 8192)).toThrow(code);
  });
});

function sha254(salt: number): Uint8Array {
  const digest = sha256(Uint8Array.of(salt));
  digest[31] = (digest[31] ?? 0) & 0x3f;
  return digest;
}

const path = c.tuple("path", { index: c.uint(), siblings: c.list(c.fixedBytes(32), 60) });
const codec = c.tuple("proof", { segment: path, entry: path });

/** Ways to lie about a proof. Each gives a statement that must be false. */
function liesAbout(honest: AggregateInclusionStatement): AggregateInclusionStatement[] {
  const { aggregate, piece, proof } = honest;
  const parsed = decode(codec, proof);
  const lie = (change: Partial<typeof parsed>): AggregateInclusionStatement => ({
    ...honest,
    proof: encode(codec, { ...parsed, ...change }),
  });
  const { segment, entry } = parsed;
  const sibling = segment.siblings[0] ?? piece.commitment;
  const isRight = segment.index % 2 === 1;
  const parent = isRight ? hashPair(sibling, piece.commitment) : hashPair(piece.commitment, sibling);
  return [
    lie({ segment: { ...segment, index: segment.index + 1 } }),
    lie({ segment: { ...segment, index: segment.index + 2 ** segment.siblings.length } }),
    lie({ entry: { ...entry, index: entry.index ^ 1 } }),
    lie({ entry: { ...entry, index: entry.index + 2 ** entry.siblings.length } }),
    lie({ entry: { ...entry, index: 0 } }),
    lie({ segment: { ...segment, siblings: segment.siblings.slice(1) } }),
    lie({ segment: { ...segment, siblings: [...segment.siblings, zeroPieceCommitment(128)] } }),
    lie({ entry: { ...entry, siblings: entry.siblings.slice(0, -1) } }),
    lie({ segment: entry, entry: segment }),
    lie({ segment: { index: 2 ** 52, siblings: [] } }),
    // The inner node above the file passed off as a file of twice the size.
    {
      ...honest,
      piece: { commitment: parent, paddedBytes: piece.paddedBytes * 2 },
      proof: encode(codec, {
        segment: { index: Math.floor(segment.index / 2), siblings: segment.siblings.slice(1) },
        entry,
      }),
    },
    { ...honest, piece: { ...piece, paddedBytes: piece.paddedBytes * 2 } },
    { ...honest, piece: { ...piece, commitment: flipBit(piece.commitment, 7) } },
    { ...honest, aggregate: { ...aggregate, paddedBytes: aggregate.paddedBytes * 2 } },
    { ...honest, aggregate: { ...aggregate, paddedBytes: aggregate.paddedBytes / 2 } },
    ...[Number.NaN, 0, 128, 256, 2 ** 60].map((paddedBytes) => ({
      ...honest,
      aggregate: { ...aggregate, paddedBytes },
    })),
    { ...honest, aggregate: { ...aggregate, commitment: piece.commitment } },
    { ...honest, aggregate: { ...aggregate, commitment: new Uint8Array(31) } },
    { ...honest, proof: new Uint8Array(0) },
    { ...honest, proof: concatBytes(proof, Uint8Array.of(0)) },
    { ...honest, proof: new Uint8Array(100_000).fill(0x9f) },
  ];
}

describe("a proof of inclusion", () => {
  const files = [700, 90, 127, 254, 1500].map(file);
  const pieces = files.map(commP);
  const aggregate = aggregatePieces(pieces);
  const statements = pieces.map((piece, i) => ({
    aggregate,
    piece,
    proof: proveAggregateInclusion(aggregate, i),
  }));

  it("passes for every file, and no lie about it does", () => {
    for (const statement of statements) {
      expect(verifyAggregateInclusion(statement)).toBe(true);
      for (const lie of liesAbout(statement)) expect(verifyAggregateInclusion(lie)).toBe(false);
    }
  });

  it("fails with any bit changed, cut or exchanged with another file's", () => {
    const [first, second] = statements.slice(0, 2) as AggregateInclusionStatement[] as [
      AggregateInclusionStatement,
      AggregateInclusionStatement,
    ];
    for (let bit = 0; bit < first.proof.length * 8; bit += 3) {
      expect(verifyAggregateInclusion({ ...first, proof: flipBit(first.proof, bit) })).toBe(false);
    }
    for (let length = 0; length < first.proof.length; length += 7) {
      expect(verifyAggregateInclusion({ ...first, proof: first.proof.subarray(0, length) })).toBe(false);
    }
    expect(verifyAggregateInclusion({ ...first, proof: second.proof })).toBe(false);
  });

  it("fails for a file that lies there without an entry, or with an entry elsewhere in the data", () => {
    // The aggregator writes the second entry over with the first file's: the second file is not in the index.
    const content = padUser(contentOf(aggregate, files));
    const { offsetPaddedBytes } = indexArea(aggregate.paddedBytes);
    content.set(
      content.slice(offsetPaddedBytes, offsetPaddedBytes + entryBytes),
      offsetPaddedBytes + entryBytes,
    );
    const rows: Uint8Array[] = [];
    for (let row = content; row.length >= 32; ) {
      rows.push(row);
      if (row.length === 32) break;
      const above = new Uint8Array(row.length / 2);
      for (let at = 0; at < above.length; at += 32) {
        above.set(hashPair(row.subarray(2 * at, 2 * at + 32), row.subarray(2 * at + 32, 2 * at + 64)), at);
      }
      row = above;
    }
    const forged = { commitment: rows.at(-1) as Uint8Array, paddedBytes: aggregate.paddedBytes };
    const pathOf = (height: number, index: number): { index: number; siblings: Uint8Array[] } => ({
      index,
      siblings: rows.slice(height, -1).map((row, i) => {
        const at = Math.floor(index / 2 ** i) ^ 1;
        return row.slice(at * 32, at * 32 + 32);
      }),
    });
    const claim = (piece: number, entry: number): AggregateInclusionStatement => {
      const { paddedBytes, offsetPaddedBytes: offset } = aggregate.segments[piece] as Segment;
      const proof = encode(codec, {
        segment: pathOf(Math.log2(paddedBytes / 32), offset / paddedBytes),
        entry: pathOf(1, entry),
      });
      return { aggregate: forged, piece: pieces[piece] as PieceInfo, proof };
    };
    const entries = offsetPaddedBytes / entryBytes;
    expect(verifyAggregateInclusion(claim(0, entries))).toBe(true);
    expect(verifyAggregateInclusion(claim(0, entries + 1))).toBe(true);
    expect(verifyAggregateInclusion(claim(1, entries + 1))).toBe(false);
    expect(verifyAggregateInclusion(claim(1, entries))).toBe(false);
  });

  it("canary: a verifier that takes an entry anywhere accepts one that is a file's data", () => {
    const piece = pieces[1] as PieceInfo;
    const entry = encodeEntry({ ...piece, offsetPaddedBytes: 1024 });
    const zeros = hashPair(new Uint8Array(32), new Uint8Array(32));
    const entryNode = hashPair(entry.slice(0, 32), entry.slice(32));
    const trap = { commitment: hashPair(entryNode, zeros), paddedBytes: 128 };
    const trapped = aggregatePieces([trap, commP(file(300, 1)), piece], 2 ** 20);
    expect(trapped.segments[2]?.offsetPaddedBytes).toBe(1024);
    const segment = { index: 8, siblings: trapped.tree.path(2, 8) };
    const inData = { index: 0, siblings: [zeros, ...trapped.tree.path(2, 0)] };
    const fold = (start: Uint8Array, index: number, siblings: readonly Uint8Array[]): Uint8Array =>
      siblings.reduce(
        (node, sibling, level) =>
          (index >> level) % 2 === 0 ? hashPair(node, sibling) : hashPair(sibling, node),
        start,
      );
    expect(fold(piece.commitment, 8, segment.siblings)).toEqual(trapped.commitment);
    expect(fold(entryNode, 0, inData.siblings)).toEqual(trapped.commitment);
    const proof = encode(codec, { segment, entry: inData });
    expect(verifyAggregateInclusion({ aggregate: trapped, piece, proof })).toBe(false);
    const honest = proveAggregateInclusion(trapped, 2);
    expect(verifyAggregateInclusion({ aggregate: trapped, piece, proof: honest })).toBe(true);
  });
});
