/**
 * Paths in Merkle trees of Poseidon. Per level all children are variables, the position's bits choose one of
 * them, and that one is the node from below: arity − 1 choices and one hash. No sibling is moved about.
 */
import { assert } from "@holdfast/base";
import { exactLog2, poseidonHasher } from "../merkle/index.ts";
import type { ConstraintSystem, Linear } from "../r1cs/index.ts";
import { type Bit, enforceChosen } from "./bits.ts";
import { poseidonGadget } from "./poseidon.ts";

/** Bits of the index of a leaf; the tree must have at least two. */
export function indexBits(leafCount: number): number {
  const bits = exactLog2(leafCount);
  assert(bits !== undefined && bits > 0, "a tree has 2, 4, 8 … leaves");
  return bits;
}

/**
 * The root above a leaf. `index`: the leaf's index, least significant bit first. `siblings`: per level from the
 * leaves up, in order, without the node itself; asked for only while a witness is made.
 * Source: the tree of `merkle/poseidon-tree.ts` (arity 8, and one top level of 2 or 4).
 */
export function merkleRootGadget(
  cs: ConstraintSystem,
  leafCount: number,
  index: readonly Bit[],
  leaf: Linear,
  siblings: (level: number, sibling: number) => bigint | undefined,
): Linear {
  assert(index.length === indexBits(leafCount), "an index has one bit per binary level");
  let node = leaf;
  let at = 0;
  (poseidonHasher.shapeOf(leafCount) ?? []).forEach((arity, level) => {
    const below = node;
    const bits = index.slice(at, at + indexBits(arity));
    at += bits.length;
    const position = (): number => bits.reduce((total, bit, i) => total + (Number(bit.value) << i), 0);
    const children = Array.from({ length: arity }, (_none, child) =>
      cs.witness(() => {
        const own = position();
        return child === own ? below.value : siblings(level, child < own ? child : child - 1);
      }),
    );
    enforceChosen(cs, bits, children, below);
    node = poseidonGadget(cs, children);
  });
  return node;
}
