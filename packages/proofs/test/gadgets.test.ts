/** Gadgets: equal to the native functions, as small as they claim, and without any freedom. */
import { blake2s256, concatBytes, sha256 } from "@holdfast/base";
import {
  buildTree,
  frModulus,
  frsFromBytes,
  frToBytes,
  gadgets,
  isSatisfied,
  linear,
  openPath,
  poseidonHash,
  poseidonHasher,
  shapeOf,
  sizeOf,
  witnessOf,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  freedom,
  type GadgetRun,
  gadgetRun,
  looseVariables,
  packedValue,
  without,
} from "./constraint-tests.ts";
import { element, holds, leavesOf } from "./vectors.ts";

const {
  addendOf,
  addWords,
  blake2sGadget,
  constantAddend,
  enforceChosen,
  merkleRootGadget,
  newBits,
  pack,
  poseidonGadget,
  select,
  sha254Gadget,
  sha256Gadget,
  toBits,
  toCanonicalBits,
  withSums,
  xor,
} = gadgets;
type Bit = gadgets.Bit;

/** The outputs for these inputs; the witness satisfies the constraints. */
function run({ circuit, outputs }: GadgetRun, inputs: readonly bigint[]): readonly bigint[] {
  const witness = witnessOf(circuit, inputs);
  const values = outputs();
  expect(isSatisfied(shapeOf(circuit), witness)).toEqual({ ok: true });
  return values;
}

/** Inputs determine every variable, none can be changed alone, and each constraint is needed for that. */
function expectRigid({ circuit }: GadgetRun, inputs: readonly bigint[], constraints: number): void {
  const r1cs = shapeOf(circuit);
  const witness = witnessOf(circuit, inputs);
  expect(r1cs.constraintCount).toBe(constraints);
  expect(sizeOf(circuit)).toMatchObject({ constraintCount: constraints, variableCount: r1cs.variableCount });
  expect(looseVariables(r1cs, witness).filter((variable) => variable > r1cs.publicCount)).toEqual([]);
  expect(freedom(r1cs, witness)).toBe(0);
}

const random = (seed: number): bigint =>
  (0x9e3779b97f4a7c15f39cc0605cedc835n ** 3n * BigInt(seed + 1)) % frModulus;

describe("bits", () => {
  const decompose = gadgetRun(1, (cs, [x = linear.zero]) => toBits(cs, x, 16));
  const canonical = gadgetRun(1, (cs, [x = linear.zero]) => toCanonicalBits(cs, x));

  it("decompose a number, and nothing above it", () => {
    holds(
      fc.property(fc.nat({ max: 65_535 }), (x) => {
        const bits = run(decompose, [BigInt(x)]);
        return bits.every((bit, i) => bit === BigInt((x >> i) & 1));
      }),
      { numRuns: 30 },
    );
    const r1cs = shapeOf(decompose.circuit);
    for (const x of [65_536n, frModulus - 1n]) {
      expect(isSatisfied(r1cs, witnessOf(decompose.circuit, [x])).ok).toBe(false);
    }
    expectRigid(decompose, [0xbeefn], 17);
  });

  it("decompose any field element in one way only", () => {
    for (const x of [0n, 1n, frModulus - 1n, 1n << 254n, random(1)]) {
      const bits = run(canonical, [x]);
      expect(bits.reduceRight((total, bit) => total * 2n + bit, 0n)).toBe(x);
      // At r − 1 itself the bits are bound by squares that are 0, which the derivative does not see.
      if (x !== frModulus - 1n) expectRigid(canonical, [x], 388);
    }
    // Small numbers plus r fit into 255 bits too: the same sum in the field, and not the same bits.
    const r1cs = shapeOf(canonical.circuit);
    holds(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 255n) - 1n - frModulus }), (x) => {
        const honest = witnessOf(canonical.circuit, [x]);
        const alias = x + frModulus;
        const bitsThenProducts = honest.slice();
        let equal = 1n;
        let at = 2;
        for (let i = 254; i >= 0; i -= 1) {
          // The layout of the gadget: a run of ones, then its products, then the zero that follows.
          bitsThenProducts[at] = (alias >> BigInt(i)) & 1n;
          at += 1;
          const next = i === 0 ? 1n : ((frModulus - 1n) >> BigInt(i - 1)) & 1n;
          if (((frModulus - 1n) >> BigInt(i)) & 1n && next === 0n) {
            let length = 0;
            while (((frModulus - 1n) >> BigInt(i + length)) & 1n && i + length < 255) length += 1;
            for (let k = i + length - 1; k >= i; k -= 1) {
              equal *= (alias >> BigInt(k)) & 1n;
              if (k === 254) continue;
              bitsThenProducts[at] = equal;
              at += 1;
            }
          }
        }
        expect(at).toBe(honest.length);
        const found = isSatisfied(r1cs, bitsThenProducts);
        return !found.ok && found.constraint < r1cs.constraintCount - 1;
      }),
      { numRuns: 20 },
    );
  });

  it("canary: bits of which one is no boolean can be exchanged for others", () => {
    const r1cs = shapeOf(decompose.circuit);
    const witness = witnessOf(decompose.circuit, [6n]);
    const forged = witness.with(2, 2n).with(3, 0n); // 6 = 2·1 + 0·2 + 1·4
    expect(isSatisfied(r1cs, forged).ok).toBe(false);
    expect(isSatisfied(without(r1cs, 0), forged).ok).toBe(true);
  });

  it("choose", () => {
    const chosen = gadgetRun(
      4,
      (cs, [bit = linear.zero, a = linear.zero, b = linear.zero, c = linear.zero]) => [
        select(cs, bit as Bit, a, b),
        xor(cs, bit as Bit, c as Bit),
        select(cs, gadgets.oneBit, a, b),
        xor(cs, bit as Bit, gadgets.oneBit),
      ],
    );
    holds(
      fc.property(fc.boolean(), element, element, fc.boolean(), (bit, a, b, c) => {
        const found = run(chosen, [BigInt(bit), a, b, BigInt(c)]);
        expect(found).toEqual([bit ? a : b, BigInt(bit !== c), a, BigInt(!bit)]);
      }),
      { numRuns: 30 },
    );
    expectRigid(chosen, [1n, 5n, 9n, 0n], 2);
  });

  it("choose one of eight, and bind it", () => {
    const mux = gadgetRun(12, (cs, inputs) => {
      enforceChosen(cs, inputs.slice(0, 3) as Bit[], inputs.slice(3, 11), inputs[11] ?? linear.zero);
      return [];
    });
    const r1cs = shapeOf(mux.circuit);
    expect(r1cs.constraintCount).toBe(7);
    const children = Array.from({ length: 8 }, (_none, i) => random(i));
    for (let position = 0; position < 8; position += 1) {
      const bits = [0, 1, 2].map((i) => BigInt((position >> i) & 1));
      for (let child = 0; child < 8; child += 1) {
        const witness = witnessOf(mux.circuit, [...bits, ...children, children[child] ?? 0n]);
        expect(isSatisfied(r1cs, witness).ok).toBe(child === position);
      }
    }
  });
});

describe("the Poseidon gadget", () => {
  const gadgetOf = (arity: number) => gadgetRun(arity, (cs, inputs) => [poseidonGadget(cs, inputs)]);

  it("is Poseidon, for every arity, with three constraints per S-box", () => {
    const counts = [2, 4, 8, 11, 16, 24, 36].map((arity) => {
      const gadget = gadgetOf(arity);
      const inputs = Array.from({ length: arity }, (_none, i) => random(i));
      expect(run(gadget, inputs)).toEqual([poseidonHash(inputs)]);
      return shapeOf(gadget.circuit).constraintCount;
    });
    expect(counts).toEqual([234, 285, 384, 456, 582, 774, 1065]);
  });

  it("is Poseidon on any inputs", () => {
    for (const arity of [2, 8]) {
      const gadget = gadgetOf(arity);
      holds(
        fc.property(
          fc.array(element, { minLength: arity, maxLength: arity }),
          (inputs) => run(gadget, inputs)[0] === poseidonHash(inputs),
        ),
        { numRuns: 10 },
      );
    }
  });

  it("leaves no freedom, and none of its constraints can be missed", () => {
    const gadget = gadgetOf(2);
    expectRigid(gadget, [3n, 4n], 234);
    const r1cs = shapeOf(gadget.circuit);
    const witness = witnessOf(gadget.circuit, [3n, 4n]);
    for (let constraint = 0; constraint < r1cs.constraintCount; constraint += 13) {
      expect(freedom(without(r1cs, constraint), witness)).toBe(1);
    }
  });
});

describe("the path gadget", () => {
  /** Inputs: the index's bits, the leaf; then siblings as witnesses. */
  const pathOf = (leafCount: number, siblings: () => readonly (readonly bigint[])[]) =>
    gadgetRun(Math.log2(leafCount) + 1, (cs, inputs) => {
      const index = inputs.slice(0, -1) as Bit[];
      const leaf = inputs.at(-1) ?? linear.zero;
      return [merkleRootGadget(cs, leafCount, index, leaf, (level, i) => siblings()[level]?.[i])];
    });

  function open(leafCount: number, index: number) {
    const leaves = leavesOf(leafCount, BigInt(index));
    const tree = buildTree(poseidonHasher, leaves);
    const nodes = frsFromBytes(openPath(tree, index));
    const siblings = (poseidonHasher.shapeOf(leafCount) ?? []).map((arity) => nodes.splice(0, arity - 1));
    const bits = Array.from({ length: Math.log2(leafCount) }, (_none, i) => BigInt((index >> i) & 1));
    const leaf = frsFromBytes(leaves)[index] ?? 0n;
    return { siblings, inputs: [...bits, leaf], root: frsFromBytes(tree.root)[0] };
  }

  it("finds the root of trees with tops of 2, 4 and 8", () => {
    for (const [leafCount, index] of [
      [2, 1],
      [4, 2],
      [8, 5],
      [16, 11],
      [32, 30],
      [64, 0],
    ] as const) {
      const { siblings, inputs, root } = open(leafCount, index);
      expect(
        run(
          pathOf(leafCount, () => siblings),
          inputs,
        ),
      ).toEqual([root]);
    }
  });

  it("costs a hash and one choice per other child and level", () => {
    const count = (leafCount: number) => shapeOf(pathOf(leafCount, () => []).circuit).constraintCount;
    expect([2, 4, 8, 16, 32, 64].map(count)).toEqual([235, 288, 391, 626, 679, 782]);
  });

  it("refuses a leaf at another index and any other sibling's place", () => {
    const { siblings, inputs } = open(8, 5);
    const path = pathOf(8, () => siblings);
    const witness = witnessOf(path.circuit, inputs);
    const r1cs = shapeOf(path.circuit);
    expect(looseVariables(r1cs, witness)).toEqual([]);
    for (const bit of [1, 2, 3]) {
      expect(isSatisfied(r1cs, witness.with(bit, 1n - (witness[bit] ?? 0n))).ok).toBe(false);
    }
  });
});

/** Bytes as bits of witnesses, and the packed halves of 256 bits of output. */
const bytesGadget = (length: number, hash: (cs: Parameters<typeof newBits>[0], bits: Bit[]) => Bit[]) => {
  let message = new Uint8Array(length);
  const gadget = gadgetRun(0, (cs) => {
    const bits = [...message].flatMap((byte) => newBits(cs, () => BigInt(byte), 8));
    const digest = hash(cs, bits);
    return [packedValue(digest.slice(0, 128)), packedValue(digest.slice(128))];
  });
  return (bytes: Uint8Array, check: boolean): Uint8Array => {
    message = bytes.slice();
    const witness = witnessOf(gadget.circuit, []);
    const [low = 0n, high = 0n] = gadget.outputs();
    if (check) expect(isSatisfied(shapeOf(gadget.circuit), witness)).toEqual({ ok: true });
    return concatBytes(frToBytes(low).subarray(0, 16), frToBytes(high).subarray(0, 16));
  };
};

describe("words", () => {
  it("add up modulo 2^32, with constants", () => {
    const sum = gadgetRun(2, (cs, [x = linear.zero, y = linear.zero]) => {
      const [a, b] = [toBits(cs, x, 32), toBits(cs, y, 32)];
      return withSums(cs, (sums) => [
        pack(addWords(sums, [addendOf(a), addendOf(b)])),
        pack(addWords(sums, [addendOf(a), addendOf(b), addendOf(a), constantAddend(0xffff_ffff)])),
        pack(addWords(sums, [constantAddend(7), constantAddend(0xffff_fffe)])),
      ]);
    });
    const word = fc.nat({ max: 0xffff_ffff });
    holds(
      fc.property(word, word, (a, b) => {
        const found = run(sum, [BigInt(a), BigInt(b)]);
        expect(found).toEqual([(a + b) % 2 ** 32, (2 * a + b + 0xffff_ffff) % 2 ** 32, 5].map(BigInt));
      }),
      { numRuns: 20 },
    );
    expectRigid(sum, [0xffff_ffffn, 0xffff_fffen], 2 * 33 + 33 + 34 + 1);
  });
});

describe("stacked equations", () => {
  const widths = [34, 33, 36, 64, 52];
  const stacked = gadgetRun(2 * widths.length, (cs, inputs) =>
    withSums(cs, (sums) => {
      widths.forEach((width, i) => {
        sums.equal(inputs[2 * i] ?? linear.zero, inputs[2 * i + 1] ?? linear.zero, width);
      });
      return [];
    }),
  );
  const r1cs = shapeOf(stacked.circuit);
  const below = (width: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n });
  const numbers = fc.tuple(...widths.map(below));

  it("hold together exactly when each of them holds", () => {
    expect(r1cs.constraintCount).toBe(1);
    const pair = (a: readonly bigint[], b: readonly bigint[]) => a.flatMap((value, i) => [value, b[i] ?? 0n]);
    holds(
      fc.property(numbers, numbers, fc.nat({ max: widths.length - 1 }), (a, b, at) => {
        expect(isSatisfied(r1cs, [1n, ...pair(a, a)]).ok).toBe(true);
        const one = a.with(at, b[at] ?? 0n);
        expect(isSatisfied(r1cs, [1n, ...pair(a, one)]).ok).toBe(a[at] === b[at]);
        const carried = a
          .with(at, 0n)
          .with((at + 1) % widths.length, (a[(at + 1) % widths.length] ?? 0n) ^ 1n);
        return !isSatisfied(r1cs, [1n, ...pair(a, carried)]).ok;
      }),
    );
  });
});

describe("hashes of bytes", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

  it("SHA-256 is SHA-256, across the borders of blocks", () => {
    for (const length of [0, 55, 56, 64, 119]) {
      const hash = bytesGadget(length, sha256Gadget);
      holds(
        fc.property(bytes(length), (message) => {
          expect(hash(message, false)).toEqual(sha256(message));
        }),
        { numRuns: 3 },
      );
    }
    bytesGadget(64, sha256Gadget)(new Uint8Array(64).fill(0xa5), true);
  });

  it("BLAKE2s is BLAKE2s, across the borders of blocks", () => {
    for (const length of [0, 1, 64, 65, 128, 480]) {
      const hash = bytesGadget(length, blake2sGadget);
      holds(
        fc.property(bytes(length), (message) => {
          expect(hash(message, false)).toEqual(blake2s256(message));
        }),
        { numRuns: 3 },
      );
    }
    bytesGadget(65, blake2sGadget)(new Uint8Array(65).fill(0xa5), true);
  });

  it("leave no freedom", () => {
    for (const hash of [sha256Gadget, blake2sGadget]) {
      // Only the first 16 bits are unknown; the rest of the block is folded as far as it goes.
      const gadget = gadgetRun(1, (cs, [x = linear.zero]) =>
        hash(cs, [...toBits(cs, x, 16), ...new Array<Bit>(496).fill(gadgets.zeroBit)]),
      );
      const witness = witnessOf(gadget.circuit, [0xa53cn]);
      const r1cs = shapeOf(gadget.circuit);
      expect(isSatisfied(r1cs, witness)).toEqual({ ok: true });
      expect(freedom(r1cs, witness)).toBe(0);
      expect(looseVariables(r1cs, witness)).toEqual([]);
    }
  });

  it("cost what they cost", () => {
    const cost = (length: number, hash: (cs: Parameters<typeof newBits>[0], bits: Bit[]) => Bit[]) => {
      const { circuit } = gadgetRun(0, (cs) =>
        hash(
          cs,
          newBits(cs, () => 0n, length * 8),
        ),
      );
      return sizeOf(circuit).constraintCount - length * 8;
    };
    expect([64, 128, 192].map((length) => cost(length, blake2sGadget))).toEqual([21_002, 42_392, 63_782]);
    expect([55, 64, 128, 192].map((length) => cost(length, sha254Gadget))).toEqual([
      25_649, 44_999, 71_257, 97_516,
    ]);
  });
});
