/**
 * Reports of pinning nodes and the walks that they answer for: what is signed, what is drawn, and that a walk over the
 * blocks themselves is the same for everybody, ends for any bytes, and is answered by nobody who lacks a block.
 */
import {
  blake2b256,
  CID,
  cidOfCbor,
  concatBytes,
  decode,
  encode,
  encodeCbor,
  equalBytes,
  HoldfastError,
  rawCid,
  utf8Bytes,
} from "@holdfast/base";
import {
  isPinReportSigned,
  linksOf,
  maxWalkBlocks,
  pinAccuracy,
  pinReportCodec,
  pinReportDigest,
  sampledPlace,
  sampleSeed,
  signPinReport,
  type UnsignedPinReport,
  walkBlocks,
  walkPin,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockMap, pbBlock, pbCid } from "./actors/pin-dag.ts";
import { keysOf, testNetworkId } from "./support/world.ts";

const node = keysOf("a pinning node");
const otherNetwork = blake2b256(utf8Bytes("another network"));
const slotHash = blake2b256(utf8Bytes("slot"));
const root = rawCid(utf8Bytes("content"));

const unsigned: UnsignedPinReport = {
  node: 3,
  key: node.address,
  slot: 17,
  slotHash,
  previous: new Uint8Array(32),
  set: cidOfCbor(Uint8Array.of(0x80)),
  count: 1,
  added: [4, 9],
  samples: [
    { pin: 2, root, block: root, answer: new Uint8Array(32).fill(7), bytes: 7, elapsedMs: 12 },
    { pin: 2, root, block: null, answer: new Uint8Array(32), bytes: 0, elapsedMs: 9 },
  ],
  program: "holdfast 0.1.0",
};
const report = signPinReport(node.privateKey, testNetworkId, unsigned);
const draw = { networkId: testNetworkId, slot: 17, slotHash, key: node.address };

/** Runs a walk over a store; the blocks on its way. */
function run(seed: Uint8Array, from: CID, store: BlockMap) {
  const walk = walkPin(seed, from);
  const blocks: Uint8Array[] = [];
  let step = walk.next();
  while (step.done !== true) {
    const block = store.get(step.value);
    if (block === undefined) return { end: undefined, blocks };
    blocks.push(block);
    step = walk.next(block);
  }
  return { end: step.value, blocks };
}

describe("a report of a pinning node", () => {
  it("is read back as it was written", () => {
    expect(decode(pinReportCodec, encode(pinReportCodec, report))).toEqual(report);
    expect(pinAccuracy(report)).toBe(500_000);
    expect(pinAccuracy({ samples: [] })).toBe(0);
  });

  it("is signed for one network and one key, over every field", () => {
    expect(isPinReportSigned(report, testNetworkId)).toBe(true);
    expect(isPinReportSigned(report, otherNetwork)).toBe(false);
    const changes: Partial<UnsignedPinReport>[] = [
      { node: 4 },
      { key: keysOf("another").address },
      { slot: 18 },
      { slotHash: blake2b256(slotHash) },
      { previous: slotHash },
      { set: root },
      { count: 2 },
      { added: [4] },
      { samples: unsigned.samples.slice(1) },
      { program: "other" },
    ];
    for (const change of changes) {
      expect(isPinReportSigned({ ...report, ...change }, testNetworkId), Object.keys(change)[0]).toBe(false);
      expect(equalBytes(pinReportDigest({ ...unsigned, ...change }), pinReportDigest(report))).toBe(false);
    }
  });

  it("is known by what it says and not by who signed it when", () => {
    const otherwise = { ...report, signature: new Uint8Array(65) };
    expect(pinReportDigest(otherwise)).toEqual(pinReportDigest(report));
  });

  it("with any byte changed is refused by the codec or by the signature", () => {
    const bytes = encode(pinReportCodec, report);
    for (let at = 0; at < bytes.length; at += 3) {
      const bent = bytes.slice();
      bent[at] = (bent[at] ?? 0) ^ 1;
      let isAccepted = false;
      try {
        isAccepted = isPinReportSigned(decode(pinReportCodec, bent), testNetworkId);
      } catch (error) {
        expect(error).toBeInstanceOf(HoldfastError);
      }
      expect(isAccepted, `byte ${at}`).toBe(false);
    }
  });
});

describe("the draw of samples", () => {
  it("depends on network, slot, its hash, the key and the sample", () => {
    const seeds = [
      sampleSeed(draw, 0),
      sampleSeed(draw, 1),
      sampleSeed({ ...draw, slot: 18 }, 0),
      sampleSeed({ ...draw, slotHash: blake2b256(slotHash) }, 0),
      sampleSeed({ ...draw, key: keysOf("another").address }, 0),
      sampleSeed({ ...draw, networkId: otherNetwork }, 0),
    ].map((seed) => seed.join());
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  it("comes to every order of a set", () => {
    const places = Array.from({ length: 200 }, (_, index) => sampledPlace(sampleSeed(draw, index), 7));
    expect(new Set(places)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  });
});

describe("a walk", () => {
  const store = new BlockMap();
  const { root: file } = store.file("a file", 20);

  it("ends at a leaf, by the same blocks for everybody, and comes to all leaves", () => {
    const ends = new Set<string>();
    for (let sample = 0; sample < 300; sample++) {
      const seed = sampleSeed(draw, sample);
      const { end, blocks } = run(seed, file, store);
      expect(end?.bytes).toBe(100);
      expect(walkBlocks(seed, file, blocks)).toEqual(end);
      ends.add(String(end?.block));
    }
    expect(ends.size).toBe(20);
  });

  it("is not answered with a block too few, too many, changed or of another order", () => {
    const seed = sampleSeed(draw, 0);
    const { blocks } = run(seed, file, store);
    expect(walkBlocks(seed, file, blocks.slice(0, -1))).toBeUndefined();
    expect(walkBlocks(seed, file, [...blocks, utf8Bytes("more")])).toBeUndefined();
    expect(walkBlocks(seed, file, [])).toBeUndefined();
    const bent = blocks.map((block, index) => (index === 1 ? block.slice(1) : block));
    expect(walkBlocks(seed, file, bent)).toBeUndefined();
    expect(walkBlocks(seed, rawCid(utf8Bytes("another")), blocks)).toBeUndefined();
  });

  it("has another answer for each draw at the same block", () => {
    const leaf = store.leaf(utf8Bytes("alone"));
    const answers = [0, 1, 2].map((sample) => run(sampleSeed(draw, sample), leaf, store).end?.answer.join());
    expect(new Set(answers).size).toBe(3);
  });

  it("goes where the bytes are: a link of nine tenths is taken about nine times in ten", () => {
    const [small, large] = [store.leaf(utf8Bytes("small")), store.leaf(utf8Bytes("large"))];
    const block = pbBlock([
      { cid: small, size: 100 },
      { cid: large, size: 900 },
    ]);
    const top = store.put(pbCid(block), block);
    const ends = Array.from({ length: 400 }, (_, index) => run(sampleSeed(draw, index), top, store).end);
    const taken = ends.filter((end) => end?.block.equals(large) === true).length;
    expect(taken).toBeGreaterThan(330);
    expect(taken).toBeLessThan(390);
  });

  it("stops where the chain could not check the next block, and after so many blocks", () => {
    const unchecked = CID.decode(concatBytes(Uint8Array.of(1, 0x55, 0x16, 32), new Uint8Array(32)));
    const block = pbBlock([{ cid: unchecked, size: 5 }]);
    const top = store.put(pbCid(block), block);
    expect(run(sampleSeed(draw, 0), top, store).end?.block.equals(top)).toBe(true);
    let deep = store.leaf(utf8Bytes("deep"));
    for (let depth = 0; depth < 2 * maxWalkBlocks; depth++) {
      const above = pbBlock([{ cid: deep, size: 1 }]);
      deep = store.put(pbCid(above), above);
    }
    expect(run(sampleSeed(draw, 0), deep, store).blocks).toHaveLength(maxWalkBlocks);
  });
});

describe("links of a block", () => {
  const leaf = rawCid(utf8Bytes("leaf"));

  it("are those of dag-pb and dag-cbor in their order, and none of raw", () => {
    const pb = pbBlock([
      { cid: leaf, size: 4, name: "a" },
      { cid: root, size: 0, name: "b" },
    ]);
    expect(linksOf(pbCid(pb), pb).map(({ cid, weight }) => [cid.toString(), weight])).toEqual([
      [leaf.toString(), 4n],
      [root.toString(), 1n],
    ]);
    const cbor = encodeCbor({ a: [leaf, 1], b: { c: root } });
    expect(linksOf(cidOfCbor(cbor), cbor).map(({ cid }) => cid.toString())).toEqual([
      leaf.toString(),
      root.toString(),
    ]);
    expect(linksOf(leaf, pb)).toEqual([]);
  });

  it("are none of bytes that are no such block, and reading any bytes ends without an error", () => {
    const pb = pbBlock([{ cid: leaf, size: 4 }]);
    expect(linksOf(pbCid(pb), pb.slice(0, -3))).toEqual([]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isPb) => {
        const cid = isPb ? pbCid(bytes) : cidOfCbor(bytes);
        expect(Array.isArray(linksOf(cid, bytes))).toBe(true);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.nat({ max: pb.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bent = pb.slice();
        bent[at] = (bent[at] ?? 0) ^ mask;
        expect(linksOf(pbCid(bent), bent).length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 300 },
    );
  });
});
