/**
 * Products of pairings e(P₁, Q₁)·e(P₂, Q₂)·… with one shared final exponentiation, by noble. The lines of a Q
 * that is used again and again (those of a verifying key) are computed once.
 *
 * Points are trusted bytes (curve and subgroup checked); infinity pairs to 1. Source: optimal ate pairing on
 * BLS12-381, Barreto, Lynn and Scott 2002, Vercauteren 2010.
 */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { g1PointOf, g2PointOf } from "../curve/index.ts";

/** An element of the target group. */
export type Gt = ReturnType<typeof bls12_381.pairing>;
/** What a Miller loop needs of a point of G2; `undefined` for infinity. */
export type Lines = ReturnType<typeof bls12_381.utils.calcPairingPrecomputes> | undefined;

const { Fp12 } = bls12_381.fields;

export interface PairingTerm {
  /** 96 bytes. */
  readonly g1: Uint8Array;
  readonly lines: Lines;
}

/** The lines of the 192 bytes of a point, or of its negative. */
export function linesOf(g2: Uint8Array, sign: 1 | -1 = 1): Lines {
  const point = g2PointOf(g2);
  if (point.is0()) return undefined;
  return bls12_381.utils.calcPairingPrecomputes(sign === 1 ? point : point.negate());
}

/** ∏ e(P, Q). The product over no terms is 1. */
export function pairingProduct(terms: readonly PairingTerm[]): Gt {
  const loops: Parameters<typeof bls12_381.millerLoopBatch>[0] = [];
  for (const { g1, lines } of terms) {
    const point = g1PointOf(g1);
    if (lines === undefined || point.is0()) continue;
    const { x, y } = point.toAffine();
    loops.push([lines, x, y]);
  }
  return loops.length === 0 ? Fp12.ONE : Fp12.finalExponentiate(bls12_381.millerLoopBatch(loops));
}

export function gtEquals(a: Gt, b: Gt): boolean {
  return Fp12.eql(a, b);
}

export function isGtOne(value: Gt): boolean {
  return Fp12.eql(value, Fp12.ONE);
}
