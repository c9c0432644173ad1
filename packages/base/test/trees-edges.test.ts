/** HAMT and AMT: errors, limits, what is written, and nodes that no canonical tree can have. */
import {
  Amt,
  BufferedBlockstore,
  type CborValue,
  type CID,
  c,
  cidOfCbor,
  encodeCbor,
  Hamt,
  installCryptoKernel,
  MemoryBlockstore,
  rawCid,
  utf8Bytes,
} from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accepts, codeOf } from "./support.ts";

const keyOf = (key: number): Uint8Array => utf8Bytes(`key-${key}`);

describe("a HAMT", () => {
  it("refuses keys whose hashes collide in every level, and is unchanged", () => {
    const restore = installCryptoKernel({ sha256: () => new Uint8Array(32) });
    try {
      const tree = Hamt.empty(new MemoryBlockstore(), c.uint());
      for (let key = 0; key < 3; key++) tree.set(keyOf(key), key);
      const root = tree.flush();
      expect(codeOf(() => tree.set(keyOf(3), 3))).toBe("tree/too-deep");
      expect(tree.flush().equals(root)).toBe(true);
      expect([...tree.entries()]).toHaveLength(3);
    } finally {
      restore();
    }
  });
  it("writes only what changed", () => {
    const below = new MemoryBlockstore();
    const tree = Hamt.empty(below, c.uint());
    for (let key = 0; key < 2000; key++) tree.set(keyOf(key), key);
    const root = tree.flush();
    const written = below.blockCount;
    const buffer = new BufferedBlockstore(below);
    const again = Hamt.load(buffer, c.uint(), root);
    expect(again.get(keyOf(7))).toBe(7);
    expect(again.delete(keyOf(5000))).toBe(false);
    expect(again.flush().equals(root)).toBe(true);
    again.set(keyOf(7), 8);
    again.flush();
    buffer.flush();
    expect(below.blockCount - written).toBeLessThanOrEqual(4);
  });
  it("keeps what it was given", () => {
    const tree = Hamt.empty(new MemoryBlockstore(), c.uint());
    const key = keyOf(1);
    tree.set(key, 1);
    key.fill(0);
    expect(tree.get(keyOf(1))).toBe(1);
    expect(codeOf(() => tree.set(keyOf(2), -1))).toBe("codec/out-of-range");
    expect(tree.has(keyOf(2))).toBe(false);
  });
  it("does not change while it is iterated", () => {
    const tree = Hamt.empty(new MemoryBlockstore(), c.uint());
    for (let key = 0; key < 10; key++) tree.set(keyOf(key), key);
    expect(() => {
      for (const [key] of tree.entries()) tree.delete(key);
    }).toThrow("broken invariant");
  });
  it("names a missing block", () => {
    const store = new MemoryBlockstore();
    expect(codeOf(() => Hamt.load(store, c.uint(), rawCid(keyOf(1))))).toBe("store/missing-block");
    const tree = Hamt.empty(store, c.uint());
    for (let key = 0; key < 200; key++) tree.set(keyOf(key), key);
    const root = tree.flush();
    const partial = new MemoryBlockstore();
    partial.put(root, store.get(root) ?? new Uint8Array(0));
    const loaded = Hamt.load(partial, c.uint(), root);
    const codes = new Set<string>();
    for (let key = 0; key < 200; key++) {
      if (!accepts(() => loaded.get(keyOf(key)))) codes.add(codeOf(() => loaded.get(keyOf(key))));
    }
    expect([...codes]).toEqual(["store/missing-block"]);
  });
});

const link = cidOfCbor(new Uint8Array(0));
const pair = (key: string, value: CborValue = 1): CborValue => [utf8Bytes(key), value];
const field = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

const badHamtNodes: readonly (readonly [what: string, node: CborValue])[] = [
  ["no tuple", 7],
  ["a tuple of three", [field(), [], 1]],
  ["a bit field with a leading zero", [field(0, 1), [[pair("a")]]]],
  ["a bit field of five bytes", [field(1, 0, 0, 0, 0), [[pair("a")]]]],
  ["a bit field that is text", ["", []]],
  ["more bits than pointers", [field(3), [[pair("a")]]]],
  ["more pointers than bits", [field(1), [[pair("a")], [pair("b")]]]],
  ["pointers that are no list", [field(), 0]],
  ["an empty bucket", [field(1), [[]]]],
  ["a bucket of four", [field(1), [[pair("a"), pair("b"), pair("c"), pair("d")]]]],
  ["a bucket out of order", [field(1), [[pair("b"), pair("a")]]]],
  ["a repeated key", [field(1), [[pair("a"), pair("a")]]]],
  ["a key that is text", [field(1), [[["a", 1]]]]],
  ["an entry of three", [field(1), [[[field(1), 1, 1]]]]],
  ["a pointer that is a number", [field(1), [1]]],
  ["a pointer that is a map", [field(1), [{ "/": "x", bytes: "x" }]]],
  ["a link to raw bytes", [field(1), [rawCid(field())]]],
];

const badAmtRoots: readonly (readonly [what: string, root: CborValue])[] = [
  ["no tuple", 7],
  ["a tuple of three", [3, 0, 0]],
  ["a bit width of 0", [0, 0, 0, [field(0), [], []]]],
  ["a bit width of 9", [9, 0, 0, [new Uint8Array(64), [], []]]],
  ["a negative height", [3, -1, 0, [field(0), [], []]]],
  ["a height beyond all indexes", [3, 18, 1, [field(2), [link], []]]],
  ["a huge height", [3, 2 ** 50, 1, [field(2), [link], []]]],
  ["a count that is too low", [3, 0, 1, [field(3), [], [1, 2]]]],
  ["a count that is too high", [3, 0, 3, [field(3), [], [1, 2]]]],
  ["a count beyond the height", [3, 1, 65, [field(3), [link, link], []]]],
  ["a count of 0 with values", [3, 0, 0, [field(1), [], [1]]]],
  ["an empty tree with a height", [3, 1, 0, [field(0), [], []]]],
  ["more bits than values", [3, 0, 2, [field(3), [], [1]]]],
  ["more values than bits", [3, 0, 2, [field(1), [], [1, 2]]]],
  ["a bitmap of two bytes", [3, 0, 1, [field(1, 0), [], [1]]]],
  ["a bit beyond the width", [2, 0, 1, [field(16), [], [1]]]],
  ["links in a leaf", [3, 0, 1, [field(1), [link], []]]],
  ["values above the leaves", [3, 1, 1, [field(2), [], [1]]]],
  ["links and values", [3, 1, 1, [field(2), [link], [1]]]],
  ["a link that is a number", [3, 1, 1, [field(2), [1], []]]],
  ["a link to raw bytes", [3, 1, 1, [field(2), [rawCid(field())], []]]],
  ["a tree that is too high", [3, 1, 1, [field(1), [link], []]]],
];

describe("malformed nodes are refused:", () => {
  const store = new MemoryBlockstore();
  const put = (value: CborValue): CID => {
    const bytes = encodeCbor(value);
    store.put(cidOfCbor(bytes), bytes);
    return cidOfCbor(bytes);
  };
  it.each(badHamtNodes)("HAMT, %s", (_what, node) => {
    expect(codeOf(() => Hamt.load(store, c.uint(), put(node)))).toBe("tree/malformed");
  });
  it("HAMT, a child that should be a bucket of its parent", () => {
    const small = put([field(3), [[pair("a")], [pair("b"), pair("c")]]]);
    const all = [...Array(32).keys()].map(() => small);
    const root = Hamt.load(store, c.uint(), put([field(255, 255, 255, 255), all]));
    expect(codeOf(() => root.get(utf8Bytes("a")))).toBe("tree/malformed");
    expect(codeOf(() => [...root.entries()])).toBe("tree/malformed");
  });
  it("HAMT, a value of another type", () => {
    const root = put([field(255, 255, 255, 255), [...Array(32).keys()].map((i) => [pair(`k${i}`, "text")])]);
    expect(codeOf(() => [...Hamt.load(store, c.uint(), root).entries()])).toBe("codec/wrong-type");
  });
  it.each(badAmtRoots)("AMT, %s", (_what, root) => {
    expect(codeOf(() => Amt.load(store, c.uint(), put(root)))).toBe("tree/malformed");
  });
  it("AMT, an empty child", () => {
    const empty = put([field(0), [], []]);
    const tree = Amt.load(store, c.uint(), put([3, 1, 1, [field(2), [empty], []]]));
    expect(codeOf(() => tree.get(8))).toBe("tree/malformed");
  });
  it("AMT, whatever bytes a root has", () => {
    const small = fc.oneof(
      fc.nat(4),
      fc.constantFrom<CborValue>(link, null, "x"),
      fc.uint8Array({ maxLength: 2 }),
    );
    const node = fc.tuple(
      fc.uint8Array({ maxLength: 2 }),
      fc.array(small, { maxLength: 3 }),
      fc.array(small, { maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.tuple(fc.nat(4), fc.nat(3), fc.nat(5), node), (root) => {
        const cid = put(root as CborValue);
        if (!accepts(() => Amt.load(store, c.cbor, cid))) return;
        expect(Amt.load(store, c.cbor, cid).flush().equals(cid)).toBe(true);
        accepts(() => [...Amt.load(store, c.cbor, cid).entries()]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("an AMT", () => {
  it("has indexes from 0 to 2^53 - 2", () => {
    const tree = Amt.empty(new MemoryBlockstore(), c.uint());
    for (const index of [-1, 0.5, Number.NaN, 2 ** 53 - 1, Number.POSITIVE_INFINITY]) {
      expect(codeOf(() => tree.get(index))).toBe("tree/index-out-of-range");
      expect(codeOf(() => tree.set(index, 1))).toBe("tree/index-out-of-range");
      expect(codeOf(() => tree.delete(index))).toBe("tree/index-out-of-range");
    }
    tree.set(2 ** 53 - 2, 7);
    expect(tree.get(2 ** 53 - 2)).toBe(7);
    expect(codeOf(() => tree.push(1))).toBe("tree/index-out-of-range");
    expect(() => Amt.empty(new MemoryBlockstore(), c.uint(), 9)).toThrow("broken invariant");
  });
  it("is unchanged by a value that its codec refuses", () => {
    const tree = Amt.empty(new MemoryBlockstore(), c.uint());
    const empty = tree.flush();
    expect(codeOf(() => tree.set(1000, -1))).toBe("codec/out-of-range");
    expect(tree.flush().equals(empty)).toBe(true);
  });
  it("writes only what changed", () => {
    const below = new MemoryBlockstore();
    const tree = Amt.empty(below, c.uint());
    for (let i = 0; i < 1000; i++) tree.push(i);
    const root = tree.flush();
    const written = below.blockCount;
    const again = Amt.load(below, c.uint(), root);
    expect(again.get(999)).toBe(999);
    expect(again.flush().equals(root)).toBe(true);
    again.set(500, 1);
    again.flush();
    expect(below.blockCount - written).toBeLessThanOrEqual(4);
  });
});
