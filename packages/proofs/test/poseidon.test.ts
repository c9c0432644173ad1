/** Poseidon: the published constants and hashes, and the fast form against the paper's form. */
import { toHex } from "@holdfast/base";
import { frToBytes, poseidonConstants, poseidonHash, poseidonMd, poseidonPlain } from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { element, holds, readVectors } from "./vectors.ts";

interface PoseidonVectors {
  hashOfCounting: { arity: number; hash: string }[];
  chained: { count: number; value: number; hash: string }[];
  binaryTree: { leaves: number[]; inner: string; root: string };
  roundConstants: { arity: number; count: number; first: [string, string]; last: [string, string] }[];
}
const vectors = readVectors<PoseidonVectors>("proofs", "poseidon");

describe("Poseidon", () => {
  it("derives the published round constants", () => {
    for (const { arity, count, first, last } of vectors.roundConstants) {
      const constants = poseidonConstants(arity).roundConstants;
      expect(constants).toHaveLength(count);
      for (const [value, [start, end]] of [
        [constants.at(0), first],
        [constants.at(-1), last],
      ] as const) {
        expect(value?.toString(16)).toMatch(new RegExp(`^${start}.*${end}$`));
      }
    }
  });

  it("hashes 0, 1, 2 … as published, in both forms, for every arity", () => {
    for (const { arity, hash } of vectors.hashOfCounting) {
      const inputs = Array.from({ length: arity }, (_none, i) => BigInt(i));
      expect(toHex(frToBytes(poseidonHash(inputs)))).toBe(hash);
      expect(toHex(frToBytes(poseidonPlain(inputs)))).toBe(hash);
    }
  });

  it("chains as published", () => {
    for (const { count, value, hash } of vectors.chained) {
      const inputs = new Array<bigint>(count).fill(BigInt(value));
      expect(toHex(frToBytes(poseidonMd(inputs)))).toBe(hash);
    }
    expect(poseidonMd([7n])).toBe(7n);
  });

  const { binaryTree } = vectors;
  it("makes the published binary tree", () => {
    const [a = 0n, b = 0n, c = 0n, d = 0n] = binaryTree.leaves.map(BigInt);
    const left = poseidonHash([a, b]);
    expect(toHex(frToBytes(left))).toBe(binaryTree.inner);
    expect(toHex(frToBytes(poseidonHash([left, poseidonHash([c, d])])))).toBe(binaryTree.root);
  });

  const inputs = fc
    .constantFrom(2, 4, 8, 11)
    .chain((arity) => fc.array(element, { minLength: arity, maxLength: arity }));
  const equalsPlain = (hash: (inputs: readonly bigint[]) => bigint) =>
    fc.property(inputs, (values) => hash(values) === poseidonPlain(values));

  it("is the paper's form on any inputs", () => {
    holds(
      equalsPlain((values) => poseidonHash(values)),
      { numRuns: 150 },
    );
  });

  it("canary: a hash that mixes up two inputs is caught", () => {
    const broken = ([first = 0n, second = 0n, ...rest]: readonly bigint[]) =>
      poseidonHash([second, first, ...rest]);
    expect(fc.check(equalsPlain(broken)).failed).toBe(true);
  });

  it("canary: a hash that cuts inputs to 254 bits is caught", () => {
    const broken = (values: readonly bigint[]) =>
      poseidonHash(values.map((value) => BigInt.asUintN(254, value)));
    expect(fc.check(equalsPlain(broken)).failed).toBe(true);
  });

  it("refuses an arity without parameters", () => {
    for (const arity of [0, 1, 3, 5, 37]) {
      expect(() => poseidonHash(new Array<bigint>(arity).fill(0n))).toThrow(
        expect.objectContaining({ code: "poseidon/bad-arity" }),
      );
    }
  });
});
