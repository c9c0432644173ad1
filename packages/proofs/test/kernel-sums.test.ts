/**
 * Sums and multiples where the compiled kernels leave their straight path, on every back end: points that are equal,
 * opposite or infinite anywhere in a batch, scalars of one kind, scalars at the edges of the endomorphisms' parts,
 * counts around the lanes of a vector, strangers' points at every place.
 */
import { bigEndian, concatBytes, fromHex } from "@holdfast/base";
import { frModulus, frReduce, frsToBytes } from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { curveVectors, dot, type GroupKernel, generatorG1, infinityOf, pointsOf } from "./curve-fixtures.ts";
import { backends, kernelsOf } from "./kernel-backends.ts";

/** −z, of which the endomorphisms multiply by the square (G1) and by itself (G2). */
const parameter = 0xd201000000010000n;
const half = (frModulus - 1n) / 2n;

/** Scalars at which a part changes its sign, carries or is 0. */
const edges: readonly bigint[] = [
  0n,
  1n,
  2n,
  ...[half - 1n, half, half + 1n, frModulus - 2n, frModulus - 1n],
  ...[parameter - 1n, parameter, parameter + 1n, parameter / 2n, parameter / 2n + 1n],
  ...[parameter ** 2n - 1n, parameter ** 2n, parameter ** 2n + 1n, parameter ** 2n / 2n + 1n],
  ...[parameter ** 3n - 1n, parameter ** 3n, frModulus - parameter, frModulus - parameter ** 2n],
  ...[63n, 64n, 127n, 128n, 253n, 254n].flatMap((bits) => [(1n << bits) - 1n, 1n << bits]),
];

const spread = (count: number): bigint[] =>
  Array.from({ length: count }, (_none, i) => frReduce(BigInt(i + 3) ** 97n));

/** Σ scalarᵢ·(logᵢ·G) is (Σ scalarᵢ·logᵢ)·G. */
function expectSum(group: GroupKernel, logs: readonly bigint[], by: readonly bigint[]): void {
  const points = pointsOf(group, logs);
  const expected = dot(logs.map((log, i) => [log, by[i] ?? 0n]));
  const sum = group.msm(points, frsToBytes(by));
  expect(sum).toEqual(group.fixedBase(group.generator, frsToBytes([expected])));
}

const repeated = (value: bigint, count: number): bigint[] => new Array<bigint>(count).fill(value);

describe.each(backends)("$name kernels", ({ loaded }) => {
  const { curve, g1, g2 } = kernelsOf(loaded);
  const both = [
    [g1, 400],
    [g2, 130],
  ] as const;

  it("sum equal, opposite and infinite points", () => {
    for (const [group, count] of both) {
      const by = spread(count);
      expectSum(group, repeated(5n, count), by);
      expectSum(group, repeated(5n, count), repeated(by[0] ?? 1n, count));
      expectSum(
        group,
        by.map((_log, i) => (i % 2 === 0 ? 9n : frModulus - 9n)),
        by,
      );
      expectSum(
        group,
        by.map((log, i) => (i % 3 === 0 ? 0n : log)),
        by,
      );
    }
  });

  it("sum with scalars of one kind", () => {
    for (const [group, count] of both) {
      const logs = spread(count);
      for (const kind of [0n, 1n, frModulus - 1n, parameter ** 2n, half]) {
        expectSum(group, logs, repeated(kind, count));
      }
      expectSum(
        group,
        logs,
        logs.map((_log, i) => BigInt(i % 2)),
      );
      expectSum(
        group,
        logs,
        logs.map((log) => log & 0xffffn),
      );
    }
  });

  it("sum any number of points", () => {
    const logs = spread(80);
    for (const count of [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 80]) {
      expectSum(g1, logs.slice(0, count), logs.slice(80 - count));
      if (count < 20) expectSum(g2, logs.slice(0, count), logs.slice(80 - count));
    }
  });

  it("multiply at the edges of the parts", () => {
    for (const [group] of both) {
      const scalars = frsToBytes(edges);
      const points = pointsOf(group, repeated(7n, edges.length));
      const expected = pointsOf(
        group,
        edges.map((edge) => frReduce(7n * edge)),
      );
      expect(group.scale(points, scalars)).toEqual(expected);
      expect(group.fixedBase(points.subarray(0, points.length / edges.length), scalars)).toEqual(expected);
      edges.forEach((edge, i) => {
        if (group === g1 || i % 5 === 0) expectSum(group, [7n, 11n], [edge, 1n]);
      });
      expectSum(group, spread(edges.length), edges);
    }
  });

  it("find a stranger's point wherever it stands", () => {
    const sound = pointsOf(g1, spread(19));
    const many = pointsOf(g1, spread(70));
    const outside = fromHex(curveVectors.outsideG1);
    const third = concatBytes(bigEndian(0n, 48), bigEndian(2n, 48)); // (0, 2) has order 3
    for (const bad of [outside, third, generatorG1.slice().fill(0xff, 90)]) {
      for (const at of [0, 7, 8, 18]) {
        const points = sound.slice();
        points.set(bad, 96 * at);
        expect(curve.firstBadG1(points)).toBe(at);
        points.set(infinityOf(96), 96 * at);
        expect(curve.firstBadG1(points)).toBe(-1);
      }
      const points = many.slice();
      points.set(bad, 96 * 66);
      expect(curve.firstBadG1(points)).toBe(66);
    }
    const twisted = pointsOf(g2, spread(9));
    for (const at of [0, 7, 8]) {
      const points = twisted.slice();
      points.set(fromHex(curveVectors.outsideG2), 192 * at);
      expect(curve.firstBadG2(points)).toBe(at);
    }
    expect(curve.firstBadG2(twisted)).toBe(-1);
  });
});
