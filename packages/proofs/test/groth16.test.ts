/**
 * Groth16 through the public door: what is true verifies, and everything else does not: other inputs, other keys,
 * changed bytes, points that are none, batches that hide one bad proof behind another.
 */
import {
  checkProvingKey,
  decodeProof,
  encodeProof,
  frModulus,
  prove,
  r1csDigest,
  setup,
  verifyProof,
  verifyProofs,
} from "@holdfast/proofs";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  entropyOf,
  inputsOf,
  plantedSystem,
  productWitness,
  provenProduct,
  systemOf,
} from "./groth16-fixtures.ts";
import { acceptsOutsideSubgroup, acceptsWithEqualPowers, codeOf, smallOrderPoint } from "./groth16-oracle.ts";

const { r1cs, provingKey, vk, witness, inputs, proof } = await provenProduct();

const { G1, G2 } = bls12_381;
type PointBytes = { a: Uint8Array; b: Uint8Array; c: Uint8Array };

function points(): PointBytes {
  const decoded = decodeProof(proof);
  if (decoded === undefined) throw new Error("the proof of the test does not decode");
  return decoded;
}

describe("proofs", () => {
  it("any satisfied system proves and verifies", () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 1, max: 8 }),
      inputs: fc.integer({ min: 0, max: 3 }),
      hidden: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(fc.nat(), shapes, (seed, shape) => {
        const planted = plantedSystem(seed, shape);
        const made = setup(planted.r1cs, entropyOf(`setup ${seed}`)).provingKey;
        const bytes = prove(made, planted.r1cs, planted.witness, entropyOf(`proof ${seed}`));
        expect(checkProvingKey(made, planted.r1cs)).toEqual({ ok: true });
        expect(verifyProof(made.verifyingKey, inputsOf(planted.r1cs, planted.witness), bytes)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it("a witness that breaks a constraint gives an error, and a proof that is forced from it does not verify", () => {
    const wrong = [...witness];
    wrong[1] = 106n;
    expect(codeOf(() => prove(provingKey, r1cs, wrong, entropyOf("x")))).toBe("groth16/unsatisfied");
    // Constraints of the same form that this witness satisfies, and the old key that claims to be theirs.
    const other = systemOf(2, 7, [
      { a: [[3, 1n]], b: [[4, 1n]], c: [[6, 1n]] },
      {
        a: [[6, 1n]],
        b: [[5, 1n]],
        c: [
          [0, -1n],
          [1, 1n],
        ],
      },
      {
        a: [
          [0, -1n],
          [3, 1n],
        ],
        b: [[0, 1n]],
        c: [
          [0, -1n],
          [3, 1n],
        ],
      },
    ]);
    const relabelled = { ...provingKey, circuitDigest: r1csDigest(other) };
    const forced = prove(relabelled, other, wrong, entropyOf("x"));
    expect(decodeProof(forced)).toBeDefined();
    expect(verifyProof(vk, inputsOf(r1cs, wrong), forced)).toBe(false);
    expect(verifyProof(vk, inputs, forced)).toBe(false);
  });

  it("the same arguments give the same proof; entropy, inputs and witness change it", () => {
    const again = prove(provingKey, r1cs, witness, entropyOf("proof"));
    expect(again).toEqual(proof);
    const blinded = prove(provingKey, r1cs, witness, entropyOf("other"));
    expect(verifyProof(vk, inputs, blinded)).toBe(true);
    const commuted = prove(provingKey, r1cs, productWitness(5n, 3n, 7n), entropyOf("proof"));
    expect(verifyProof(vk, inputs, commuted)).toBe(true);
    for (const part of ["a", "b", "c"] as const) {
      const all = [proof, blinded, commuted].map((bytes) => decodeProof(bytes)?.[part].join());
      expect(new Set(all).size).toBe(3);
    }
  });

  it("refuses short entropy, a witness of another form and constraints of another circuit", () => {
    expect(codeOf(() => prove(provingKey, r1cs, witness, new Uint8Array(31)))).toBe("groth16/short-entropy");
    expect(codeOf(() => setup(r1cs, new Uint8Array(31)))).toBe("groth16/short-entropy");
    const misfits = [witness.slice(1), [...witness, 0n], witness.with(0, 2n), witness.with(3, frModulus)];
    for (const misfit of [...misfits, witness.with(3, -1n)]) {
      expect(codeOf(() => prove(provingKey, r1cs, misfit, entropyOf("x")))).toBe("groth16/bad-witness");
    }
    const { r1cs: other, witness: its } = plantedSystem(1, { rows: 3, inputs: 2, hidden: 4 });
    expect(codeOf(() => prove(provingKey, other, its, entropyOf("x")))).toBe("groth16/wrong-circuit");
  });
});

describe("what a verifier is given", () => {
  it("public inputs are exactly those of the proof", () => {
    const [out = 0n, unused = 0n] = inputs;
    expect(verifyProof(vk, [out, unused], proof)).toBe(true);
    const wrong = [
      [out + 1n, unused],
      [out, unused + 1n], // no constraint uses it; the row of the input itself binds it
      [unused, out],
      [out],
      [],
      [out, unused, 0n],
      [out + frModulus, unused],
      [out, unused + frModulus],
      [out, unused - frModulus],
    ];
    for (const inputsOfOthers of wrong) expect(verifyProof(vk, inputsOfOthers, proof)).toBe(false);
    const numbers = [Number(out), Number(unused)] as unknown as bigint[];
    expect(verifyProof(vk, numbers, proof)).toBe(false);
  });

  it("every change of one byte of a proof is refused", () => {
    for (let at = 0; at < proof.length; at += 1) {
      const changed = proof.with(at, (proof[at] ?? 0) ^ (1 + ((at * 7) % 255)));
      expect(verifyProof(vk, inputs, changed)).toBe(false);
    }
  });

  it("a proof has 192 bytes", () => {
    for (const length of [0, 1, 48, 191])
      expect(verifyProof(vk, inputs, proof.subarray(0, length))).toBe(false);
    expect(verifyProof(vk, inputs, new Uint8Array([...proof, 0]))).toBe(false);
    expect(verifyProof(vk, inputs, new Uint8Array(192))).toBe(false);
  });

  it("infinity is no part of a proof, in none of its spellings", () => {
    for (const [from, length] of [
      [0, 48],
      [48, 96],
      [144, 48],
    ] as const) {
      for (const flags of [0xc0, 0x40, 0xe0, 0x80, 0x00]) {
        const bytes = proof.slice();
        bytes.fill(0, from, from + length);
        bytes[from] = flags;
        expect(verifyProof(vk, inputs, bytes)).toBe(false);
      }
    }
  });

  it("a coordinate has one encoding", () => {
    const p = bls12_381.fields.Fp.ORDER;
    const limit = 1n << 381n;
    let tried = 0;
    for (let i = 0; tried < 2 && i < 40; i += 1) {
      const made = prove(provingKey, r1cs, witness, entropyOf(`coordinate ${i}`));
      const head = BigInt(`0x${Buffer.from(made.subarray(0, 48)).toString("hex")}`);
      const x = head & (limit - 1n);
      if (x + p >= limit) continue;
      tried += 1;
      const second = ((head >> 381n) << 381n) | (x + p);
      const bytes = made.slice();
      bytes.set(Buffer.from(second.toString(16).padStart(96, "0"), "hex"));
      expect(verifyProof(vk, inputs, made)).toBe(true);
      expect(verifyProof(vk, inputs, bytes)).toBe(false);
    }
    expect(tried).toBe(2);
  });

  it("points outside of the subgroup are refused; without that check one of them passes", () => {
    const shifted = points();
    const moved = G1.Point.fromBytes(proof.slice(0, 48)).add(smallOrderPoint());
    const bytes = proof.slice();
    const { x, y } = moved.toAffine();
    const larger = 2n * y > bls12_381.fields.Fp.ORDER;
    bytes.set(Buffer.from((x | ((larger ? 5n : 4n) << 381n)).toString(16).padStart(96, "0"), "hex"));
    expect(acceptsOutsideSubgroup(vk, inputs, shifted, moved)).toBe(true);
    expect(verifyProof(vk, inputs, bytes)).toBe(false);
  });

  it("keys that are none are refused", () => {
    const generator = G2.Point.BASE.toBytes(false);
    expect(verifyProof({ ...vk, deltaG2: generator }, inputs, proof)).toBe(false);
    expect(verifyProof({ ...vk, deltaG2: generator.subarray(1) }, inputs, proof)).toBe(false);
    const infinity = new Uint8Array(192).with(0, 0x40);
    expect(verifyProof({ ...vk, gammaG2: infinity }, inputs, proof)).toBe(false);
    expect(verifyProof({ ...vk, ic: vk.ic.subarray(96) }, inputs, proof)).toBe(false);
    expect(verifyProof({ ...vk, ic: vk.ic.subarray(1) }, inputs, proof)).toBe(false);
    expect(verifyProof({ ...vk, ic: vk.ic.with(100, 1) }, inputs, proof)).toBe(false);
    const another = setup(r1cs, entropyOf("another setup")).provingKey.verifyingKey;
    expect(verifyProof(another, inputs, proof)).toBe(false);
  });
});

describe("batches", () => {
  const items = [1n, 2n, 3n, 4n].map((z) => {
    const one = productWitness(3n, 5n, z);
    return { vk, publicInputs: inputsOf(r1cs, one), proof: prove(provingKey, r1cs, one, entropyOf(`b${z}`)) };
  });
  const planted = plantedSystem(5, { rows: 4, inputs: 1, hidden: 3 });
  const otherKey = setup(planted.r1cs, entropyOf("other")).provingKey;
  const other = {
    vk: otherKey.verifyingKey,
    publicInputs: inputsOf(planted.r1cs, planted.witness),
    proof: prove(otherKey, planted.r1cs, planted.witness, entropyOf("other proof")),
  };

  it("accept what is true, also under several keys, repeated and in any order", () => {
    expect(verifyProofs([])).toBe(true);
    expect(verifyProofs(items.slice(0, 1))).toBe(true);
    expect(verifyProofs([...items, other, ...items.toReversed()])).toBe(true);
  });

  it("refuse one wrong proof among many, wherever it stands", () => {
    const all = [...items, other];
    all.forEach((item, at) => {
      const [first = 0n, ...rest] = item.publicInputs;
      expect(verifyProofs(all.with(at, { ...item, publicInputs: [first + 1n, ...rest] }))).toBe(false);
      expect(verifyProofs(all.with(at, { ...item, proof: proof.with(0, 0) }))).toBe(false);
    });
    expect(verifyProofs(all.with(0, { ...other, vk }))).toBe(false);
    const [first, second] = items;
    if (first === undefined || second === undefined) return;
    expect(
      verifyProofs([
        { ...first, proof: second.proof },
        { ...second, proof: first.proof },
      ]),
    ).toBe(false);
  });

  it("refuse two wrong proofs that cancel each other; a batch with equal powers accepts them", () => {
    const [first, second] = items.map((item) => ({ item, points: decodeProof(item.proof) }));
    if (first?.points === undefined || second?.points === undefined) throw new Error("no points");
    const shift = G1.Point.BASE.multiply(12345n);
    const moved = (c: Uint8Array, by: typeof shift): Uint8Array =>
      G1.Point.fromBytes(c).add(by).toBytes(false);
    const up = { ...first.points, c: moved(first.points.c, shift) };
    const down = { ...second.points, c: moved(second.points.c, shift.negate()) };
    const pair = [
      { ...first.item, proof: encodeProof(up) },
      { ...second.item, proof: encodeProof(down) },
    ];
    for (const { proof: one, publicInputs } of pair) expect(verifyProof(vk, publicInputs, one)).toBe(false);
    expect(acceptsWithEqualPowers(vk, pair)).toBe(true);
    expect(verifyProofs(pair)).toBe(false);
    expect(verifyProofs([...pair, ...items])).toBe(false);
  });
});
