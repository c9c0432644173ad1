/**
 * The compiled kernels of every back end that is here against the reference and against arithmetic in the
 * exponent: any size, zeros, ones, equal and opposite points, infinity. The properties are functions of a kernel,
 * so that planted bugs (a lost carry, a lost window, a forgotten case of addition) show that they would be found.
 */
import { concatBytes, equalBytes, fromHex, toHex } from "@holdfast/base";
import {
  type CurveKernel,
  createGraph,
  createSdrGraph,
  frModulus,
  frReduce,
  frsFromBytes,
  frsToBytes,
  type LayerKernel,
  plainCessKernel,
  plainCurveKernel,
  plainEraGraph,
  plainEraPass,
  plainLabelPass,
  plainPairPass,
  plainParents,
  plainPedersenRow,
  plainSdrParents,
  plainSpaceKernel,
  plainTreeKernel,
  plainZigzagPass,
  type TreeKernel,
} from "@holdfast/proofs";
import { answersOf, expectedAnswers } from "@holdfast/proofs/kernels";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  curveVectors,
  dot,
  type GroupKernel,
  generatorG1,
  generatorG2,
  groupsOf,
  infinityOf,
  pointsOf,
  terms,
} from "./curve-fixtures.ts";
import { backends, kernelsOf } from "./kernel-backends.ts";
import { element, holds } from "./vectors.ts";

const plain = groupsOf(plainCurveKernel);

/** A sum of points is the sum in the exponent. */
function sums(group: GroupKernel, maxTerms: number) {
  return fc.property(terms(maxTerms), (pairs) => {
    const points = pointsOf(
      group,
      pairs.map(([point]) => point),
    );
    const scalars = frsToBytes(pairs.map(([, by]) => by));
    return equalBytes(group.msm(points, scalars), group.fixedBase(group.generator, frsToBytes([dot(pairs)])));
  });
}

/** Separate multiples are those in the exponent. */
function multiples(group: GroupKernel, maxTerms: number) {
  return fc.property(terms(maxTerms), (pairs) => {
    const points = pointsOf(
      group,
      pairs.map(([point]) => point),
    );
    const scaled = group.scale(points, frsToBytes(pairs.map(([, by]) => by)));
    return equalBytes(
      scaled,
      pointsOf(
        group,
        pairs.map((pair) => dot([pair])),
      ),
    );
  });
}

/** Any function of a group gives the bytes of the reference. */
function asReference(group: GroupKernel, reference: GroupKernel, maxTerms: number) {
  return fc.property(terms(maxTerms), (pairs) => {
    const scalars = frsToBytes(pairs.map(([, by]) => by));
    const points = pointsOf(
      group,
      pairs.map(([point]) => point),
    );
    return (
      equalBytes(group.fixedBase(group.generator, scalars), reference.fixedBase(group.generator, scalars)) &&
      equalBytes(group.msm(points, scalars), reference.msm(points, scalars)) &&
      equalBytes(group.scale(points, scalars), reference.scale(points, scalars))
    );
  });
}

const sameRow = (row: TreeKernel["poseidonRow"]) =>
  fc.property(
    fc.constantFrom(2, 4, 8, 11, 16, 24, 36),
    fc.integer({ min: 1, max: 3 }),
    fc.array(element, { minLength: 108, maxLength: 108 }),
    (arity, groups, elements) => {
      const bytes = frsToBytes(elements.slice(0, arity * groups));
      return equalBytes(row(bytes, arity), plainTreeKernel.poseidonRow(bytes, arity));
    },
  );

const vectorOf = (log: number): fc.Arbitrary<Uint8Array> =>
  fc.array(element, { minLength: 2 ** log, maxLength: 2 ** log }).map(frsToBytes);
const sameTransforms = ({ fft, quotient }: Pick<CurveKernel, "fft" | "quotient">) =>
  fc.property(
    fc.integer({ min: 0, max: 8 }).chain((log) => fc.tuple(vectorOf(log), vectorOf(log), vectorOf(log))),
    fc.boolean(),
    fc.boolean(),
    ([a, b, c], inverse, coset) =>
      equalBytes(fft(a, { inverse, coset }), plainCurveKernel.fft(a, { inverse, coset })) &&
      equalBytes(quotient(a, b, c), plainCurveKernel.quotient(a, b, c)),
  );

it("the reference gives the known answers", () => {
  const layers: LayerKernel = {
    zigzag: plainZigzagPass,
    sdr: plainLabelPass,
    sdrPair: plainPairPass,
    zigzagParents:
      ({ seed, nodes }) =>
      (reversed, low, into) =>
        plainParents(createGraph(seed, nodes), reversed ? "reversed" : "forward", low, into),
    // The seed is not the porep id; the questions are about one.
    sdrParents:
      ({ nodes, legacy }) =>
      (low, into) =>
        plainSdrParents(createSdrGraph(nodes, new Uint8Array(32).fill(7), legacy ? "1.0" : "1.1"), low, into),
    zigzag2019: (layer) => plainEraPass(layer),
    eraGraph: plainEraGraph,
  };
  const { poseidonRow } = plainTreeKernel;
  const reference = {
    poseidonRow,
    pedersenRow: plainPedersenRow,
    curve: plainCurveKernel,
    layers,
    space: plainSpaceKernel,
    cess: plainCessKernel,
  };
  expect(answersOf(reference)).toEqual(expectedAnswers);
});

describe.each(backends)("$name kernels", ({ backend, loaded }) => {
  const { curve, poseidonRow, g1, g2 } = kernelsOf(loaded);

  it("load", () => {
    expect(loaded.reason).toBeUndefined();
    expect(loaded.backend).toBe(backend);
  });

  it("Poseidon of every arity", () => holds(sameRow(poseidonRow), { numRuns: 40 }));

  it("Poseidon of a row longer than the buffer, and its errors", () => {
    const row = frsToBytes(Array.from({ length: 8400 }, (_none, i) => BigInt(i) ** 20n % frModulus));
    const parents = poseidonRow(row, 2);
    for (const at of [0, 4095, 4096, 4199]) {
      const pair = row.subarray(64 * at, 64 * (at + 1));
      expect(parents.subarray(32 * at, 32 * (at + 1))).toEqual(plainTreeKernel.poseidonRow(pair, 2));
    }
    row.fill(0xff, 32 * 8300, 32 * 8301);
    const code = (act: () => unknown): unknown => codeOf(act);
    expect(code(() => poseidonRow(row, 2))).toEqual(code(() => plainTreeKernel.poseidonRow(row, 2)));
    expect(code(() => poseidonRow(row.subarray(0, 96), 3))).toBe("poseidon/bad-arity");
    expect(code(() => poseidonRow(row.subarray(0, 96), 2))).toBe("poseidon/bad-arity");
    expect(poseidonRow(new Uint8Array(0), 8)).toEqual(new Uint8Array(0));
  });

  it("transforms and quotients", () => holds(sameTransforms(curve), { numRuns: 40 }));

  it("a large transform and back", () => {
    const values = frsToBytes(Array.from({ length: 2 ** 13 }, (_none, i) => frReduce(-(BigInt(i) ** 19n))));
    const there = curve.fft(values, { inverse: false, coset: true });
    expect(curve.fft(there, { inverse: true, coset: true })).toEqual(values);
    expect(there).not.toEqual(values);
  });

  it("known multiples", () => {
    for (const { scalar: by, uncompressed } of curveVectors.multiplesG1)
      expect(toHex(curve.msmG1(generatorG1, frsToBytes([BigInt(by)])))).toBe(uncompressed);
    for (const { scalar: by, uncompressed } of curveVectors.multiplesG2)
      expect(toHex(curve.msmG2(generatorG2, frsToBytes([BigInt(by)])))).toBe(uncompressed);
  });

  it("the bytes of the reference in G1", () => holds(asReference(g1, plain.g1, 6), { numRuns: 10 }));
  it("the bytes of the reference in G2", () => holds(asReference(g2, plain.g2, 3), { numRuns: 6 }));
  it("sums in G1", () => holds(sums(g1, 300), { numRuns: 30 }));
  it("sums in G2", () => holds(sums(g2, 150), { numRuns: 10 }));
  it("separate multiples", () => {
    holds(multiples(g1, 12), { numRuns: 10 });
    holds(multiples(g2, 6), { numRuns: 5 });
  });

  it("a sum of thousands of points, in several passes and batches", () => {
    const logs = Array.from({ length: 3000 }, (_none, i) => frReduce(BigInt(i + 1) ** 31n));
    const by = logs.map((log, i) => (i % 3 === 0 ? 1n : frReduce(log * log)));
    const points = g1.fixedBase(g1.generator, frsToBytes(logs));
    const expected = dot(logs.map((log, i) => [log, by[i] ?? 0n]));
    expect(g1.msm(points, frsToBytes(by))).toEqual(g1.fixedBase(g1.generator, frsToBytes([expected])));
    expect(g1.firstBad(points.subarray(0, 96 * 20))).toBe(-1);
  });

  it("Lagrange points of a ceremony, as the reference and in the exponent", () => {
    const logs = [5n, 0n, frModulus - 5n, 1n];
    for (const [group, reference] of [
      [g1, plain.g1],
      [g2, plain.g2],
    ] as const) {
      const points = pointsOf(group, logs);
      expect(group.lagrange(points)).toEqual(reference.lagrange(points));
      expect(group.lagrange(group.generator)).toEqual(group.generator);
    }
    const powers = Array.from({ length: 16 }, (_none, i) => frReduce(123456789n ** BigInt(i * 9)));
    const inverse = frsFromBytes(plainCurveKernel.fft(frsToBytes(powers), { inverse: true, coset: false }));
    expect(g1.lagrange(pointsOf(g1, powers))).toEqual(pointsOf(g1, inverse));
  });
});

const codeOf = (act: () => unknown): unknown => {
  try {
    act();
    return "no error";
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe.each(backends)("what is no point, scalar or domain to $name kernels", ({ loaded }) => {
  const { curve } = kernelsOf(loaded);

  it("is found where it stands: off the curve, outside the subgroup, not below the modulus", () => {
    const [outer1, outer2] = [fromHex(curveVectors.outsideG1), fromHex(curveVectors.outsideG2)];
    const beside = generatorG1.slice();
    beside[95] = (beside[95] ?? 0) ^ 1;
    const high = generatorG1.slice().fill(0x1f, 0, 1).fill(0xff, 1, 48);
    const flagged = generatorG1.slice().fill(0x80 | (generatorG1[0] ?? 0), 0, 1);
    for (const bad of [outer1, beside, high, flagged, infinityOf(96).fill(1, 95)]) {
      for (const { firstBadG1 } of [curve, plainCurveKernel]) {
        expect(firstBadG1(concatBytes(generatorG1, infinityOf(96), bad))).toBe(2);
      }
    }
    for (const { firstBadG2 } of [curve, plainCurveKernel]) {
      expect(firstBadG2(concatBytes(outer2, generatorG2))).toBe(0);
      expect(firstBadG2(concatBytes(generatorG2, infinityOf(192)))).toBe(-1);
    }
  });

  it("is refused with the same code as by the reference", () => {
    const one = frsToBytes([1n]);
    const above = new Uint8Array(32).fill(0xff);
    const high = new Uint8Array(96).fill(0x1f);
    const options = { inverse: false, coset: false };
    const attempts: ((kernel: CurveKernel) => unknown)[] = [
      (kernel) => kernel.msmG1(generatorG1, above),
      (kernel) => kernel.msmG1(high, one),
      (kernel) => kernel.msmG1(generatorG1, new Uint8Array(64)),
      (kernel) => kernel.msmG1(generatorG1.subarray(1), one),
      (kernel) => kernel.fixedBaseG2(generatorG2, above),
      (kernel) => kernel.fixedBaseG2(generatorG1, one),
      (kernel) => kernel.scaleG1(generatorG1, one.subarray(1)),
      (kernel) => kernel.fft(new Uint8Array(96), options),
      (kernel) => kernel.fft(above, options),
      (kernel) => kernel.quotient(one, one, new Uint8Array(0)),
      (kernel) => kernel.quotient(one, one, above),
      (kernel) => kernel.lagrangeG1(concatBytes(generatorG1, generatorG1, generatorG1)),
    ];
    for (const attempt of attempts) {
      const code = codeOf(() => attempt(curve));
      expect(code, attempt.toString()).toMatch(/^(curve|field)\//);
      expect(code, attempt.toString()).toBe(codeOf(() => attempt(plainCurveKernel)));
    }
  });
});

describe("canaries", () => {
  const { curve, poseidonRow, g1 } = kernelsOf(backends[0].loaded);
  const fails = <Ts>(property: fc.IProperty<Ts>, numRuns = 60): boolean =>
    (fc.check(property as fc.IRawProperty<Ts>, { numRuns, seed: 7, endOnFailure: true }) as fc.RunDetails<Ts>)
      .failed;
  const planted = (change: (scalar: bigint) => bigint): GroupKernel => ({
    ...g1,
    msm: (points, scalars) => g1.msm(points, frsToBytes(frsFromBytes(scalars).map(change))),
  });

  it("a lost window, a lost carry and a forgotten case of addition are found", () => {
    expect(fails(sums(g1, 20), 20)).toBe(false);
    expect(
      fails(
        sums(
          planted((k) => k & ((1n << 250n) - 1n)),
          20,
        ),
      ),
    ).toBe(true);
    expect(
      fails(
        sums(
          planted((k) => ((k & 0xffn) === 0x80n ? k ^ 0x100n : k)),
          20,
        ),
      ),
    ).toBe(true);
    const forgetful: GroupKernel = {
      ...g1,
      msm: (points, scalars) => {
        const halves = [points.subarray(0, 96), points.subarray(96, 192)] as const;
        const equal = points.length === 192 && equalBytes(...halves);
        return equal ? infinityOf(96) : g1.msm(points, scalars);
      },
    };
    expect(fails(sums(forgetful, 2), 100)).toBe(true);
  });

  it("a transform with a wrong order and a Poseidon that skips the last element are found", () => {
    const swapped: CurveKernel["fft"] = (values, options) => {
      const result = curve.fft(values, options);
      if (result.length > 64) result.set(result.slice(32, 64), 64);
      return result;
    };
    expect(fails(sameTransforms({ fft: swapped, quotient: curve.quotient }), 20)).toBe(true);
    const skipping: TreeKernel["poseidonRow"] = (row, arity) =>
      poseidonRow(row.slice().fill(0, row.length - 32), arity);
    expect(fails(sameRow(skipping), 20)).toBe(true);
  });
});
