/**
 * The hashes, trees and the padding of the compatibility kind: published vectors, the definition bit by bit
 * as an oracle, and canaries for each trap of the formats.
 */
import { concatBytes, fromHex, littleEndian, readLittleEndian, toHex, utf8Bytes } from "@holdfast/base";
import {
  blake2sEraHasher,
  buildEraTree,
  type EraHasher,
  eraAppend,
  eraKdf,
  eraPad,
  eraPaddedLength,
  eraPathIndex,
  eraProofHolds,
  eraTreeHeight,
  eraUnpad,
  eraUserLength,
  frFromBytes,
  frInvert,
  frModulus,
  frReduce,
  frToBytes,
  isFr,
  openEraTree,
  padUser,
  pedersen,
  pedersenEraHasher,
  pedersenGenerator,
  pedersenMd,
  pedersenPlainHasher,
  pedersenRow,
  serializeEraProof,
  sha256EraHasher,
  zeroEraRoot,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { element, flipBit, holds, leavesOf, readVectors } from "./vectors.ts";

interface Forms<T> {
  era: T;
  unpersonalized: T;
}
interface PedersenVectors {
  generators: { x: string; y: string }[];
  compression: Forms<string> & { text: string };
  stringTree: Forms<{ firstLeaf: string; root: string }> & { texts: string[] };
  kdf: { byte: number; length: number; key: string };
  sha256: { text: string; hash: string; leafFirstBytes: number[]; root: string };
  zeroRoots: (Forms<string> & { paddedBytes: number })[];
}
const vectors = readVectors<PedersenVectors>("proofs", "pedersen-2019");
const hashers = { era: pedersenEraHasher, unpersonalized: pedersenPlainHasher } as const;
const forms = ["era", "unpersonalized"] as const;

// The definition of the hash, as the specification states it: segment scalars times generators, in affine
// coordinates, without tables.
type Point = readonly [x: bigint, y: bigint];
const edwardsD = frReduce(-10240n * frInvert(10241n));
const subgroupOrder = 6554484396890773809930967563523245729705921265872317281365359162392183254199n;

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = frReduce(edwardsD * frReduce(x1 * x2) * frReduce(y1 * y2));
  return [
    frReduce(frReduce(x1 * y2 + x2 * y1) * frInvert(1n + product)),
    frReduce(frReduce(y1 * y2 + x1 * x2) * frInvert(frReduce(1n - product))),
  ];
}

function multiply(scalar: bigint, point: Point): Point {
  let sum: Point = [0n, 1n];
  for (const bit of scalar.toString(2)) {
    sum = add(sum, sum);
    if (bit === "1") sum = add(sum, point);
  }
  return sum;
}

function pedersenByDefinition(bits: readonly number[]): bigint {
  let sum: Point = [0n, 1n];
  for (let segment = 0; segment * 189 < bits.length; segment += 1) {
    const own = bits.slice(segment * 189, (segment + 1) * 189);
    let scalar = 0n;
    for (let chunk = 0; chunk * 3 < own.length; chunk += 1) {
      const [a = 0, b = 0, c = 0] = own.slice(chunk * 3, chunk * 3 + 3);
      scalar += BigInt((1 + a + 2 * b) * (c === 1 ? -1 : 1)) * 16n ** BigInt(chunk);
    }
    const { x, y } = pedersenGenerator(segment);
    const inGroup = ((scalar % subgroupOrder) + subgroupOrder) % subgroupOrder;
    sum = add(sum, multiply(inGroup, [x, y]));
  }
  return sum[0];
}

const bitsOf = (bytes: Uint8Array, count = bytes.length * 8): number[] =>
  Array.from({ length: count }, (_none, i) => ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1);
const heightBits = (height: number): number[] => bitsOf(Uint8Array.of(height), 6);

describe("the Pedersen hash of 2019", () => {
  it("derives the published generators, of prime order", () => {
    vectors.generators.forEach(({ x, y }, i) => {
      const point = pedersenGenerator(i);
      expect([point.x, point.y]).toEqual([BigInt(`0x${x}`), BigInt(`0x${y}`)]);
      expect(multiply(subgroupOrder, [point.x, point.y])).toEqual([0n, 1n]);
    });
  });

  it.each(forms)("passes the published hashes and trees: %s", (form) => {
    const text = utf8Bytes(vectors.compression.text);
    expect(toHex(pedersen(text, form))).toBe(vectors.compression[form]);
    const hasher = hashers[form];
    const leaves = vectors.stringTree.texts.map((one) => hasher.stringLeaf(utf8Bytes(one)));
    const tree = buildEraTree(hasher, concatBytes(...leaves));
    expect(toHex(leaves[0] ?? text)).toBe(vectors.stringTree[form].firstLeaf);
    expect(toHex(tree.root)).toBe(vectors.stringTree[form].root);
    expect(openEraTree(tree, 0).path.map(({ isRight }) => isRight)).toEqual([false, false]);
    for (const zero of vectors.zeroRoots) {
      const levels = Math.log2(zero.paddedBytes / 32);
      expect([zero.paddedBytes, toHex(zeroEraRoot(levels, hasher))]).toEqual([zero.paddedBytes, zero[form]]);
    }
  });

  const messages = fc.uint8Array({ minLength: 1, maxLength: 120 });

  it("is its definition, for any number of bits, segments and tails", () => {
    holds(
      fc.property(messages, (data) => {
        const value = pedersenByDefinition([1, 1, 1, 1, 1, 1, ...bitsOf(data)]);
        expect(frFromBytes(pedersen(data))).toBe(value);
        expect(frFromBytes(pedersen(data, "unpersonalized"))).toBe(pedersenByDefinition(bitsOf(data)));
      }),
      { numRuns: 15 },
    );
  });

  /** The row function against the definition with a given number of bits of each node. */
  const rowIsDefinition = (bitsOfNode: number, personalized: (height: number) => number[]) =>
    fc.property(element, element, fc.integer({ min: 0, max: 62 }), (left, right, height) => {
      const nodes = [frToBytes(left), frToBytes(right)];
      const bits = nodes.flatMap((node) => bitsOf(node, bitsOfNode));
      const value = frFromBytes(pedersenRow(concatBytes(...nodes), height));
      return value === pedersenByDefinition([...personalized(height), ...bits]);
    });

  it("hashes 255 bits of each node in trees, after the height", () => {
    holds(rowIsDefinition(255, heightBits), { numRuns: 15 });
  });

  it("canaries: 256 bits of each node, and a fixed personalization, are noticed", () => {
    expect(fc.check(rowIsDefinition(256, heightBits), { numRuns: 15 }).failed).toBe(true);
    expect(
      fc.check(
        rowIsDefinition(255, () => heightBits(63)),
        { numRuns: 15 },
      ).failed,
    ).toBe(true);
  });

  it("chains blocks, and hashes long rows as it hashes pairs", () => {
    const data = leavesOf(600);
    const first = pedersen(data.subarray(0, 64));
    expect(pedersenMd(data.subarray(0, 64))).toEqual(first);
    expect(pedersenMd(data.subarray(0, 96))).toEqual(pedersen(concatBytes(first, data.subarray(64, 96))));
    const row = pedersenRow(data, 5);
    for (const pair of [0, 255, 256, 299]) {
      const one = pedersenRow(data.subarray(pair * 64, pair * 64 + 64), 5);
      expect(row.subarray(pair * 32, pair * 32 + 32)).toEqual(one);
    }
    expect(isFr(row.subarray(0, 32))).toBe(true);
  });
});

describe("the trees of 2019", () => {
  it("has the digest hashers and the key derivation of the source", () => {
    const { sha256, kdf } = vectors;
    expect(toHex(sha256EraHasher.hash(utf8Bytes(sha256.text)))).toBe(sha256.hash);
    const leaves = sha256.leafFirstBytes.map((first) => littleEndian(first, 32));
    expect(toHex(buildEraTree(sha256EraHasher, concatBytes(...leaves)).root)).toBe(sha256.root);
    expect(toHex(eraKdf(new Uint8Array(kdf.length).fill(kdf.byte)))).toBe(kdf.key);
    expect([pedersenEraHasher, sha256EraHasher, blake2sEraHasher].map(({ name }) => name)).toEqual([
      "PedersenHasher",
      "DigestHasher<Sha256>",
      "Blake2sHasher",
    ]);
  });

  const everyHasher: [string, EraHasher][] = [
    ["Pedersen", pedersenEraHasher],
    ["SHA-256", sha256EraHasher],
    ["BLAKE2s", blake2sEraHasher],
  ];

  it.each(everyHasher)("opens every leaf of every size: %s", (_name, hasher) => {
    for (const count of [2, 3, 5, 8, 10]) {
      const tree = buildEraTree(hasher, leavesOf(count));
      for (let index = 0; index < count; index += 1) {
        const proof = openEraTree(tree, index);
        expect(proof.path.length).toBe(eraTreeHeight(count));
        expect(eraPathIndex(proof.path)).toBe(index);
        expect(eraProofHolds(hasher, proof, index)).toBe(true);
        expect(eraProofHolds(hasher, proof, index ^ 1)).toBe(false);
        expect(eraProofHolds(hasher, { ...proof, leaf: flipBit(proof.leaf, 3) }, index)).toBe(false);
        expect(eraProofHolds(hasher, { ...proof, root: flipBit(proof.root, 3) }, index)).toBe(false);
        expect(serializeEraProof(proof).length).toBe(33 * proof.path.length + 64);
      }
    }
  });

  it("repeats the last node of an odd row", () => {
    const three = leavesOf(3);
    const four = concatBytes(three, three.subarray(64));
    expect(buildEraTree(pedersenEraHasher, three).root).toEqual(buildEraTree(pedersenEraHasher, four).root);
  });

  it("refuses what is no tree and no leaf", () => {
    for (const length of [0, 32, 65]) {
      expect(() => buildEraTree(pedersenEraHasher, new Uint8Array(length))).toThrow(
        expect.objectContaining({ code: "zigzag2019/bad-leaf-count" }),
      );
    }
    const tree = buildEraTree(sha256EraHasher, leavesOf(3));
    for (const index of [-1, 3, 0.5]) {
      expect(() => openEraTree(tree, index)).toThrow(
        expect.objectContaining({ code: "zigzag2019/bad-index" }),
      );
    }
  });
});

describe("the Fr32 writer of 2019", () => {
  interface Fr32Vectors {
    cases: { name: string; user: string; paddedStart: string; paddedBytes: number }[];
    text: { user: string; repeated: number; elements: number };
  }
  const fr32 = readVectors<Fr32Vectors>("proofs", "fr32-2019");

  it.each(fr32.cases)("passes the published case: $name", ({ user, paddedStart, paddedBytes }) => {
    const padded = eraPad(fromHex(user));
    expect(padded.length).toBe(paddedBytes);
    expect(eraPaddedLength(user.length / 2)).toBe(paddedBytes);
    expect(eraUserLength(paddedBytes)).toBe(user.length / 2);
    expect(toHex(padded).startsWith(paddedStart)).toBe(true);
    expect(toHex(eraUnpad(padded, 3, 11))).toBe(user.slice(6, 28));
  });

  it("takes text that is whole elements as it is", () => {
    const { user, repeated, elements } = fr32.text;
    const bytes = fromHex(user.repeat(repeated));
    const values = Array.from({ length: elements }, (_none, i) => bytes.subarray(i * 32, i * 32 + 32));
    for (const value of values) expect(frToBytes(frFromBytes(value))).toEqual(value);
    expect(values.map((value) => readLittleEndian(value) < frModulus)).toEqual([true, true, true]);
  });

  const split = (append: (padded: Uint8Array, userBytes: number, more: Uint8Array) => Uint8Array) =>
    fc.property(fc.uint8Array({ minLength: 90, maxLength: 400 }), fc.nat({ max: 400 }), (user, cut) => {
      const at = Math.min(cut, user.length);
      const written = append(eraPad(user.subarray(0, at)), at, user.subarray(at));
      return toHex(written) === toHex(eraPad(user));
    });

  it("appends at the exact bit, and counts both ways", () => {
    holds(split(eraAppend));
    holds(
      fc.property(fc.nat({ max: 5000 }), (length) => {
        const padded = eraPaddedLength(length);
        expect(eraUserLength(padded)).toBe(length);
        expect(padUser(new Uint8Array(length)).length - padded).toBeLessThan(32);
      }),
    );
    expect(() => eraUnpad(eraPad(new Uint8Array(10)), 5, 6)).toThrow(
      expect.objectContaining({ code: "fr32/too-short" }),
    );
    expect(() => eraAppend(new Uint8Array(9), 10, new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: "zigzag2019/bad-length" }),
    );
  });

  it("canary: appending at the next whole byte is noticed", () => {
    const careless = split((padded, _userBytes, more) => concatBytes(padded, eraPad(more)));
    expect(fc.check(careless).failed).toBe(true);
  });
});
