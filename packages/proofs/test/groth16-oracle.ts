/**
 * Verifiers that leave something out, for canaries: written over noble from Groth's equation alone, so that they
 * share no code with the product.
 */
import { HoldfastError } from "@holdfast/base";
import { decodeProof, type ProofClaim, type ProofPoints, type VerifyingKey } from "@holdfast/proofs";
import { bls12_381 } from "@noble/curves/bls12-381.js";

const { G1, G2, fields } = bls12_381;
type G1Point = ReturnType<typeof G1.Point.fromBytes>;
type G2Point = ReturnType<typeof G2.Point.fromBytes>;

/** The code of the error that `run` throws. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
  return undefined;
}

/** A point of the curve whose order divides the cofactor of G1: pairings do not see it. */
export function smallOrderPoint(): G1Point {
  for (let x = 1n; ; x += 1n) {
    let y: bigint;
    try {
      y = fields.Fp.sqrt(fields.Fp.add(fields.Fp.pow(x, 3n), 4n));
    } catch {
      continue;
    }
    const point = G1.Point.fromAffine({ x, y });
    const cleared = point.multiplyUnsafe(fields.Fr.ORDER - 1n).add(point);
    if (!cleared.is0()) return cleared;
  }
}

interface Equation {
  readonly a: G1Point;
  readonly b: G2Point;
  readonly c: G1Point;
  readonly inputs: readonly bigint[];
}

/** ∏ e(A, B) = ∏ e(α, β)·e(Σ x·ic, γ)·e(C, δ), all with the power 1 and without any check of the points. */
function equationsHold(vk: VerifyingKey, equations: readonly Equation[]): boolean {
  const terms: [G1Point, G2Point][] = [];
  for (const { a, b, c, inputs } of equations) {
    let ic = G1.Point.ZERO;
    [1n, ...inputs].forEach((input, i) => {
      ic = ic.add(G1.Point.fromBytes(vk.ic.slice(96 * i, 96 * i + 96)).multiplyUnsafe(input));
    });
    terms.push(
      [a.negate(), b],
      [G1.Point.fromBytes(vk.alphaG1), G2.Point.fromBytes(vk.betaG2)],
      [ic, G2.Point.fromBytes(vk.gammaG2)],
      [c, G2.Point.fromBytes(vk.deltaG2)],
    );
  }
  const loops = terms.map(([p, q]): Parameters<typeof bls12_381.millerLoopBatch>[0][number] => {
    const { x, y } = p.toAffine();
    return [bls12_381.utils.calcPairingPrecomputes(q), x, y];
  });
  const { Fp12 } = fields;
  return Fp12.eql(Fp12.finalExponentiate(bls12_381.millerLoopBatch(loops)), Fp12.ONE);
}

/** One proof without the check of the subgroup of A. */
export function acceptsOutsideSubgroup(
  vk: VerifyingKey,
  inputs: readonly bigint[],
  { b, c }: ProofPoints,
  a: G1Point,
): boolean {
  return equationsHold(vk, [{ a, b: G2.Point.fromBytes(b), c: G1.Point.fromBytes(c), inputs }]);
}

/** A batch whose equations all have the power 1. */
export function acceptsWithEqualPowers(vk: VerifyingKey, claims: readonly ProofClaim[]): boolean {
  const equations = claims.map(({ publicInputs, proof }) => {
    const points = decodeProof(proof);
    if (points === undefined) throw new Error("a claim of the test does not decode");
    return {
      a: G1.Point.fromBytes(points.a),
      b: G2.Point.fromBytes(points.b),
      c: G1.Point.fromBytes(points.c),
      inputs: publicInputs,
    };
  });
  return equationsHold(vk, equations);
}
