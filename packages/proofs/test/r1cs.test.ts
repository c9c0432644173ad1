/** Constraint systems: shape and witness from one function, satisfaction, digest, exchange formats. */
import { readLittleEndian, toHex, utf8Text } from "@holdfast/base";
import {
  type Circuit,
  ConstraintSystem,
  frModulus,
  isSatisfied,
  type Linear,
  linear,
  matrixTimes,
  r1csDigest,
  shapeOf,
  sizeOf,
  witnessOf,
  writeR1cs,
  writeWtns,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { element, holds } from "./vectors.ts";

/** x³ + x + 5 = y, the textbook's circuit; y is public. */
const cubic: Circuit<{ x: bigint; y?: bigint }> = {
  id: "cubic",
  synthesize(cs, assignment) {
    const y = cs.publicInput(() => assignment?.y ?? (assignment?.x ?? 0n) ** 3n + (assignment?.x ?? 0n) + 5n);
    const x = cs.witness(() => assignment?.x);
    const square = cs.within("square", () => cs.product(x, x));
    cs.within("cube", () => cs.enforce(square, x, linear.subtract(y, linear.add(x, linear.constant(5n)))));
  },
};

describe("linear combinations", () => {
  const variables = 6;
  const combination = fc
    .array(fc.tuple(element, fc.nat({ max: variables })), { maxLength: 8 })
    .map((terms) =>
      linear.sum(terms.map(([factor, variable]) => [factor, linear.ofVariable(variable)] as const)),
    );
  const point = fc.array(element, { minLength: variables + 1, maxLength: variables + 1 });
  const at = (one: Linear, values: readonly bigint[]): bigint =>
    one.variables.reduce(
      (total, variable, i) => total + (one.coefficients[i] ?? 0n) * (values[variable] ?? 0n),
      0n,
    ) % frModulus;
  const mod = (value: bigint): bigint => ((value % frModulus) + frModulus) % frModulus;

  it("are what their terms say, under every operation", () => {
    holds(
      fc.property(combination, combination, element, point, (a, b, factor, values) => {
        const [x, y] = [at(a, values), at(b, values)];
        return (
          at(linear.add(a, b), values) === mod(x + y) &&
          at(linear.subtract(a, b), values) === mod(x - y) &&
          at(linear.scale(a, factor), values) === mod(x * factor) &&
          at(
            linear.sum([
              [factor, a],
              [-3n, b],
              [1n, a],
            ]),
            values,
          ) === mod(x * factor - 3n * y + x)
        );
      }),
    );
  });

  it("have one form: ascending, no zeros, no term twice", () => {
    holds(
      fc.property(combination, combination, (a, b) => {
        for (const one of [
          linear.add(a, b),
          linear.subtract(a, b),
          linear.subtract(a, a),
          linear.sum([
            [1n, b],
            [-1n, b],
          ]),
        ]) {
          expect(one.coefficients).toHaveLength(one.variables.length);
          expect(one.coefficients.every((value) => value > 0n && value < frModulus)).toBe(true);
          expect([...new Set(one.variables)].sort((p, q) => p - q)).toEqual(one.variables);
        }
        expect(linear.subtract(a, a).variables).toEqual([]);
        expect(linear.add(a, b)).toEqual(linear.add(b, a));
      }),
    );
  });
});

describe("a constraint system", () => {
  const r1cs = shapeOf(cubic);

  it("counts ONE, public inputs and witnesses", () => {
    expect(r1cs).toMatchObject({ publicCount: 1, variableCount: 4, constraintCount: 2 });
    expect(r1cs.parts).toEqual([
      { first: 0, part: "square" },
      { first: 1, part: "cube" },
    ]);
  });

  it("is satisfied by the witness of the same function, and by nothing else", () => {
    const witness = witnessOf(cubic, { x: 3n });
    expect(witness).toEqual([1n, 35n, 3n, 9n]);
    expect(isSatisfied(r1cs, witness)).toEqual({ ok: true });
    holds(
      fc.property(element, (x) => isSatisfied(r1cs, witnessOf(cubic, { x })).ok),
      { numRuns: 50 },
    );
    for (let i = 1; i < witness.length; i += 1) {
      const broken = witness.with(i, (witness[i] ?? 0n) + 1n);
      expect(isSatisfied(r1cs, broken).ok).toBe(false);
    }
    expect(isSatisfied(r1cs, witnessOf(cubic, { x: 3n, y: 36n }))).toEqual({
      ok: false,
      constraint: 1,
      note: "cube",
    });
  });

  it("refuses assignments of another form", () => {
    const witness = witnessOf(cubic, { x: 3n });
    expect(isSatisfied(r1cs, witness.slice(1))).toMatchObject({ ok: false, constraint: -1 });
    expect(isSatisfied(r1cs, [...witness, 0n]).ok).toBe(false);
    expect(isSatisfied(r1cs, witness.with(0, 2n)).ok).toBe(false);
    expect(isSatisfied(r1cs, witness.with(2, 3n + frModulus))).toMatchObject({ constraint: -1 });
    expect(isSatisfied(r1cs, witness.with(2, 3n - frModulus)).ok).toBe(false);
  });

  it("multiplies its matrices with a witness", () => {
    const witness = witnessOf(cubic, { x: 3n });
    expect(matrixTimes(r1cs.a, witness)).toEqual([3n, 9n]);
    expect(matrixTimes(r1cs.b, witness)).toEqual([3n, 3n]);
    expect(matrixTimes(r1cs.c, witness)).toEqual([9n, 27n]);
  });

  it("names a value that is missing", () => {
    const lacking: Circuit<{ x?: bigint }> = {
      id: "lacking",
      synthesize(cs, assignment) {
        cs.within("roots", () =>
          cs.product(
            cs.witness(() => assignment?.x),
            linear.one,
          ),
        );
      },
    };
    expect(shapeOf(lacking).constraintCount).toBe(1);
    expect(() => witnessOf(lacking, {})).toThrow(
      expect.objectContaining({ code: "r1cs/missing-value", data: { variable: 1, part: "roots" } }),
    );
  });

  it("can be counted without being made", () => {
    expect(sizeOf(cubic)).toEqual({
      publicCount: 1,
      variableCount: 4,
      constraintCount: 2,
      parts: r1cs.parts,
    });
  });

  it("takes public inputs first only", () => {
    const cs = new ConstraintSystem("shape");
    cs.witness(() => 0n);
    expect(() => cs.publicInput(() => 0n)).toThrow("public inputs come before witnesses");
  });
});

describe("the digest", () => {
  const r1cs = shapeOf(cubic);

  it("is a golden value: parameters of a network depend on it", () => {
    expect(toHex(r1csDigest(r1cs))).toBe("fa9e58bb8349053e2ad02c962632155fe62fd92fc42186dee610c69ec9e6310e");
  });

  it("depends on every constraint and count, and not on the table or the names of parts", () => {
    const digest = toHex(r1csDigest(r1cs));
    const { parts: _parts, ...nameless } = r1cs;
    expect(toHex(r1csDigest(nameless))).toBe(digest);
    const moved = (matrix: typeof r1cs.a) => ({
      ...matrix,
      values: [77n, ...matrix.values],
      coefficients: matrix.coefficients.map((place) => place + 1),
    });
    expect(toHex(r1csDigest({ ...r1cs, a: moved(r1cs.a), c: moved(r1cs.c) }))).toBe(digest);
    for (const other of [
      { ...r1cs, publicCount: 2 },
      { ...r1cs, variableCount: 5 },
      { ...r1cs, a: r1cs.b, b: r1cs.a },
      { ...r1cs, c: { ...r1cs.c, columns: r1cs.c.columns.with(1, 1) } },
      { ...r1cs, c: { ...r1cs.c, values: r1cs.c.values.map((value) => value + 1n) } },
    ]) {
      expect(toHex(r1csDigest(other))).not.toBe(digest);
    }
  });
});

/** Sections of an iden3 file by type. */
function sectionsOf(file: Uint8Array): { magic: string; version: number; sections: Map<number, Uint8Array> } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const sections = new Map<number, Uint8Array>();
  let at = 12;
  for (let left = view.getUint32(8, true); left > 0; left -= 1) {
    const length = Number(view.getBigUint64(at + 4, true));
    sections.set(view.getUint32(at, true), file.subarray(at + 12, at + 12 + length));
    at += 12 + length;
  }
  expect(at).toBe(file.length);
  return { magic: utf8Text(file.subarray(0, 4)), version: view.getUint32(4, true), sections };
}

describe("exchange formats", () => {
  const r1cs = shapeOf(cubic);

  it("writes constraints as iden3 r1cs, version 1", () => {
    const { magic, version, sections } = sectionsOf(writeR1cs(r1cs));
    expect([magic, version, [...sections.keys()]]).toEqual(["r1cs", 1, [1, 2, 3]]);
    const header = sections.get(1) ?? new Uint8Array();
    expect(header).toHaveLength(64);
    expect(readLittleEndian(header.subarray(4, 36))).toBe(frModulus);
    const counts = [0, 36, 40, 44, 48, 60].map((offset) =>
      readLittleEndian(header.subarray(offset, offset + 4)),
    );
    expect(counts).toEqual([32n, 4n, 0n, 1n, 2n, 2n]);
    expect(readLittleEndian(header.subarray(52, 60))).toBe(4n);
    const labels = sections.get(3) ?? new Uint8Array();
    expect([0, 8, 16, 24].map((offset) => readLittleEndian(labels.subarray(offset, offset + 8)))).toEqual([
      0n,
      1n,
      2n,
      3n,
    ]);
    const rows: [number, bigint][][] = [];
    const body = sections.get(2) ?? new Uint8Array();
    const word = (at: number): number => Number(readLittleEndian(body.subarray(at, at + 4)));
    for (let at = 0; at < body.length; ) {
      const terms = word(at);
      at += 4;
      const row: [number, bigint][] = [];
      for (let term = 0; term < terms; term += 1, at += 36) {
        row.push([word(at), readLittleEndian(body.subarray(at + 4, at + 36))]);
      }
      rows.push(row);
    }
    expect(rows).toEqual([
      [[2, 1n]],
      [[2, 1n]],
      [[3, 1n]],
      [[3, 1n]],
      [[2, 1n]],
      [
        [0, frModulus - 5n],
        [1, 1n],
        [2, frModulus - 1n],
      ],
    ]);
  });

  it("writes a witness as wtns, version 2", () => {
    const { magic, version, sections } = sectionsOf(writeWtns(witnessOf(cubic, { x: 3n })));
    expect([magic, version, [...sections.keys()]]).toEqual(["wtns", 2, [1, 2]]);
    const header = sections.get(1) ?? new Uint8Array();
    expect([header.length, readLittleEndian(header.subarray(36, 40))]).toEqual([40, 4n]);
    expect(readLittleEndian(header.subarray(4, 36))).toBe(frModulus);
    const values = sections.get(2) ?? new Uint8Array();
    expect([0, 1, 2, 3].map((i) => readLittleEndian(values.subarray(i * 32, i * 32 + 32)))).toEqual([
      1n,
      35n,
      3n,
      9n,
    ]);
  });
});
