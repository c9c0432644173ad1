/** Merkle trees: roots from the definition, paths by offset, and a verifier that nothing false gets past. */
import { concatBytes, sha256, toHex } from "@holdfast/base";
import {
  buildTree,
  frsFromBytes,
  frToBytes,
  installTreeKernel,
  openPath,
  parseTree,
  pathLength,
  pathRanges,
  plainTreeKernel,
  poseidonHash,
  poseidonHasher,
  rowsLength,
  serializeTree,
  sha254Hasher,
  type TreeHasher,
  treeFromParts,
  verifyPath,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipBit, holds, leavesOf } from "./vectors.ts";

const hashers = [sha254Hasher, poseidonHasher];
const node = (bytes: Uint8Array, index: number): Uint8Array => bytes.subarray(index * 32, index * 32 + 32);

/** Trees are shared between cases: Poseidon rows are slow to build. */
const counts = [1, 2, 4, 8, 16, 32, 64, 128] as const;
const trees = hashers.flatMap((hasher) => counts.map((count) => buildTree(hasher, leavesOf(count))));
const opened = fc
  .constantFrom(...trees)
  .chain((tree) => fc.record({ tree: fc.constant(tree), index: fc.nat({ max: tree.leafCount - 1 }) }));

/** One parent by the plain definition: noble's sha-256, or Poseidon over bigints. */
function parentByDefinition(hasher: TreeHasher, children: Uint8Array): Uint8Array {
  if (hasher === poseidonHasher) return frToBytes(poseidonHash(frsFromBytes(children)));
  const digest = sha256(children).slice();
  digest[31] = (digest[31] ?? 0) & 0x3f;
  return digest;
}

describe("tree shapes", () => {
  it("are the ones of Filecoin's replica trees", () => {
    const shapes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].map((n) =>
      poseidonHasher.shapeOf(n)?.join("-"),
    );
    expect(shapes).toEqual(["", "2", "4", "8", "8-2", "8-4", "8-8", "8-8-2", "8-8-4", "8-8-8", "8-8-8-2"]);
    expect(sha254Hasher.shapeOf(16)).toEqual([2, 2, 2, 2]);
  });

  it("exist for powers of two alone", () => {
    for (const hasher of hashers) {
      for (const count of [0, 3, 6, 12, -2, 0.5, 2.5, Number.NaN, 2 ** 53]) {
        expect(hasher.shapeOf(count)).toBeUndefined();
        expect(() => rowsLength(hasher, count)).toThrow(
          expect.objectContaining({ code: "merkle/bad-leaf-count" }),
        );
      }
      expect(() => buildTree(hasher, new Uint8Array(33))).toThrow(
        expect.objectContaining({ code: "merkle/bad-leaf-count" }),
      );
    }
  });
});

describe("building", () => {
  it("hashes each row from the one below, the root last", () => {
    for (const tree of trees) {
      const all = serializeTree(tree);
      let row = tree.leaves;
      let at = row.length;
      for (const arity of tree.hasher.shapeOf(tree.leafCount) ?? []) {
        const parents: Uint8Array[] = [];
        for (let i = 0; i < row.length; i += arity * 32) {
          parents.push(parentByDefinition(tree.hasher, row.subarray(i, i + arity * 32)));
        }
        row = concatBytes(...parents);
        expect(toHex(all.subarray(at, at + row.length))).toBe(toHex(row));
        at += row.length;
      }
      expect(at).toBe(all.length);
      expect(toHex(tree.root)).toBe(toHex(row));
    }
  });

  it("one leaf is its own root, with an empty path", () => {
    const tree = buildTree(poseidonHasher, leavesOf(1));
    expect(tree.rows.length).toBe(0);
    expect(verifyPath(poseidonHasher, tree.root, 1, 0, leavesOf(1), openPath(tree, 0))).toBe(true);
  });

  it("a stored tree opens the same paths without hashing", () => {
    holds(
      fc.property(opened, ({ tree, index }) => {
        const stored = serializeTree(tree);
        const restore = installTreeKernel({ sha256Pairs: () => stored, poseidonRow: () => stored });
        try {
          const path = toHex(openPath(tree, index));
          expect(toHex(openPath(parseTree(tree.hasher, tree.leafCount, stored), index))).toBe(path);
          expect(toHex(treeFromParts(tree.hasher, tree.leaves, tree.rows).root)).toBe(toHex(tree.root));
          const ranges = pathRanges(tree.hasher, tree.leafCount, index);
          const pieces = ranges.map(({ offset, length }) => stored.subarray(offset, offset + length));
          expect(toHex(concatBytes(...pieces))).toBe(path);
        } finally {
          restore();
        }
      }),
    );
  });

  it("refuses cut trees, bad indices, and nodes that are no field elements", () => {
    const tree = buildTree(sha254Hasher, leavesOf(4));
    const stored = serializeTree(tree);
    const badLength = expect.objectContaining({ code: "merkle/bad-length" });
    expect(() => parseTree(sha254Hasher, 4, stored.subarray(1))).toThrow(badLength);
    expect(() => parseTree(sha254Hasher, 8, stored)).toThrow(badLength);
    expect(() => treeFromParts(sha254Hasher, tree.leaves, tree.rows.subarray(32))).toThrow(badLength);
    for (const index of [-1, 4, 0.5, Number.NaN]) {
      expect(() => openPath(tree, index)).toThrow(expect.objectContaining({ code: "merkle/bad-index" }));
    }
    const leaves = leavesOf(8);
    leaves.fill(0xff, 64, 96);
    expect(() => buildTree(poseidonHasher, leaves)).toThrow(
      expect.objectContaining({ code: "field/not-canonical" }),
    );
  });

  it("a kernel is swapped in, used and put back", () => {
    const calls: string[] = [];
    const restore = installTreeKernel({
      sha256Pairs: (row) => {
        calls.push("sha");
        return plainTreeKernel.sha256Pairs(row);
      },
    });
    const root = toHex(buildTree(sha254Hasher, leavesOf(4)).root);
    restore();
    expect(calls).toEqual(["sha", "sha"]);
    expect(toHex(buildTree(sha254Hasher, leavesOf(4)).root)).toBe(root);
    expect(calls).toHaveLength(2);
  });
});

/** Everything that a prover can change about an honest opening. */
interface Opening {
  leafCount: number;
  index: number;
  leaf: Uint8Array;
  path: Uint8Array;
}
type Verify = (hasher: TreeHasher, root: Uint8Array, opening: Opening) => boolean;
const strict: Verify = (hasher, root, { leafCount, index, leaf, path }) =>
  verifyPath(hasher, root, leafCount, index, leaf, path);

const forgery = opened.chain(({ tree, index }) => {
  const honest: Opening = {
    leafCount: tree.leafCount,
    index,
    leaf: node(tree.leaves, index),
    path: openPath(tree, index),
  };
  const size = pathLength(tree.hasher, tree.leafCount);
  const changes: fc.Arbitrary<Partial<Opening>>[] = [
    fc.nat({ max: 255 }).map((bit) => ({ leaf: flipBit(honest.leaf, bit) })),
    fc.nat({ max: 300 }).map((other) => ({ index: other === index ? -1 : other })),
    fc.constantFrom(Number.NaN, 0.5, -1, 2 ** 53, index + tree.leafCount).map((bad) => ({ index: bad })),
    fc
      .constantFrom(...counts, 3, 0, Number.NaN)
      .map((leafCount) => (leafCount === tree.leafCount ? { leafCount: 0 } : { leafCount })),
    fc.constant({ path: concatBytes(honest.path, new Uint8Array(32)) }),
    fc.constant({ path: concatBytes(honest.path, new Uint8Array(1)) }),
    fc.constantFrom(0, 31, 33).map((length) => ({ leaf: new Uint8Array(length) })),
  ];
  if (size > 0) {
    changes.push(
      fc.nat({ max: size * 8 - 1 }).map((bit) => ({ path: flipBit(honest.path, bit) })),
      fc.nat({ max: size - 1 }).map((length) => ({ path: honest.path.subarray(0, length) })),
      // An inner node handed out as a leaf: the node above the leaf, and the path from there.
      fc.constant({
        leaf: node(tree.rows, Math.floor(index / (tree.hasher.shapeOf(tree.leafCount)?.[0] ?? 1))),
        index: Math.floor(index / (tree.hasher.shapeOf(tree.leafCount)?.[0] ?? 1)),
        path: honest.path.subarray(((tree.hasher.shapeOf(tree.leafCount)?.[0] ?? 1) - 1) * 32),
      }),
    );
  }
  return fc.record({ tree: fc.constant(tree), honest: fc.constant(honest), change: fc.oneof(...changes) });
});

const nothingFalsePasses = (verify: Verify) =>
  fc.property(
    forgery,
    ({ tree, honest, change }) => !verify(tree.hasher, tree.root, { ...honest, ...change }),
  );

describe("verifying", () => {
  it("accepts every honest opening", () => {
    holds(
      fc.property(opened, ({ tree, index }) =>
        verifyPath(
          tree.hasher,
          tree.root,
          tree.leafCount,
          index,
          node(tree.leaves, index),
          openPath(tree, index),
        ),
      ),
    );
  });

  it("accepts nothing else", () => {
    holds(nothingFalsePasses(strict), { numRuns: 1000 });
  });

  /** Folds whatever levels the path has bytes for, as a careless verifier does. */
  const careless: Verify = (hasher, root, { leafCount, index, leaf, path }) => {
    let current = leaf;
    let position = index;
    let at = 0;
    for (const arity of hasher.shapeOf(leafCount) ?? []) {
      if (at + (arity - 1) * 32 > path.length) break;
      const siblings = path.subarray(at, at + (arity - 1) * 32);
      const before = (position % arity) * 32;
      current = parentByDefinition(
        hasher,
        concatBytes(siblings.subarray(0, before), current, siblings.subarray(before)),
      );
      at += siblings.length;
      position = Math.floor(position / arity);
    }
    return toHex(current) === toHex(root);
  };

  it("canary: a verifier that does not check the length of a path is caught", () => {
    const broken: Verify = (hasher, root, opening) =>
      hasher === sha254Hasher && Number.isInteger(opening.index) && opening.leaf.length === 32
        ? careless(hasher, root, opening)
        : strict(hasher, root, opening);
    expect(fc.check(nothingFalsePasses(broken), { numRuns: 1000 }).failed).toBe(true);
  });

  it("canary: a verifier that takes the index modulo the leaf count is caught", () => {
    const broken: Verify = (hasher, root, opening) =>
      strict(hasher, root, { ...opening, index: opening.index % opening.leafCount });
    expect(fc.check(nothingFalsePasses(broken), { numRuns: 1000 }).failed).toBe(true);
  });
});
