/**
 * Writes `src/constants.h`: the moduli of BLS12-381 in the limbs of the C kernels, with what Montgomery's
 * multiplication needs of them. The numbers come from the TypeScript reference, so there is one source; the
 * bounds that the C relies on are checked here.
 */
import { assert } from "@holdfast/base";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { fpModulus } from "../src/curve/index.ts";
import { frModulus } from "../src/field/index.ts";

/** Limbs in [−2^(bits−1), 2^(bits−1)), the last one takes the rest. */
function balanced(value: bigint, limbs: number, bits: number): bigint[] {
  const result: bigint[] = [];
  let rest = value;
  for (let i = 0; i < limbs - 1; i += 1) {
    const limb = BigInt.asIntN(bits, rest);
    result.push(limb);
    rest = (rest - limb) >> BigInt(bits);
  }
  return [...result, rest];
}

/** The inverse of an odd number modulo 2^bits (Newton). */
function inverseModPower(value: bigint, bits: number): bigint {
  let inverse = 1n;
  for (let done = 1; done < bits; done *= 2) {
    inverse = BigInt.asUintN(bits, inverse * (2n - value * inverse));
  }
  return inverse;
}

function bytesLittle(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_none, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

const list = (values: readonly (bigint | number)[]): string => values.join(", ");
const define = (name: string, text: string): string => `#define ${name} ${text}`;
const element = (value: bigint, limbs: number, bits: number): string =>
  `{${list(balanced(value, limbs, bits))}}`;

interface Shape {
  readonly modulus: bigint;
  readonly limbs: number;
  readonly bits: number;
}

function fieldLines(prefix: string, { modulus, limbs, bits }: Shape): string[] {
  const size = BigInt(limbs * bits);
  const lower = prefix.toLowerCase();
  return [
    `static const i64 ${lower}_modulus[${limbs}] = ${element(modulus, limbs, bits)};`,
    define(`${prefix}_MODULUS(i)`, `${lower}_modulus[i]`),
    define(`${prefix}_R2`, element((1n << (2n * size)) % modulus, limbs, bits)),
    define(`${prefix}_ONE`, element((1n << size) % modulus, limbs, bits)),
  ];
}

/** The text of constants.h. */
export function constantsHeader(): string {
  const fr: Shape = { modulus: frModulus, limbs: 9, bits: 29 };
  const fp: Shape = { modulus: fpModulus, limbs: 13, bits: 30 };
  const frLimbs = balanced(fr.modulus, fr.limbs, fr.bits);
  assert(frLimbs[0] === 1n && frLimbs[1] === -8n, "the low limbs of r are 1 and -8: fr.h shifts instead");
  const magnitude = balanced(fp.modulus, fp.limbs, fp.bits).reduce((sum, v) => sum + (v < 0n ? -v : v), 0n);
  assert(magnitude < 9n << 29n, "the limbs of p are small enough for the column sums of fp.h");
  const size = BigInt(fp.limbs * fp.bits);
  const topShift = BigInt((fp.limbs - 1) * fp.bits);
  const montgomery = (value: bigint): string => element((value << size) % fpModulus, fp.limbs, fp.bits);
  const inverse = inverseModPower(fpModulus, fp.bits);
  // φ multiplies by the cube root of unity 2^((p−1)/3), ψ by (1 + u)^−((p−1)/3) and −((p−1)/2).
  const { fields } = bls12_381;
  const beta = fields.Fp.pow(2n, (fpModulus - 1n) / 3n);
  const untwist = fields.Fp2.inv({ c0: 1n, c1: 1n });
  const psiX = fields.Fp2.pow(untwist, (fpModulus - 1n) / 3n);
  const psiY = fields.Fp2.pow(untwist, (fpModulus - 1n) / 2n);
  return `${[
    "/* Written by ../build.ts from the TypeScript reference: do not edit. The primes of BLS12-381 in limbs. */",
    "#ifndef HOLDFAST_CONSTANTS_H",
    "#define HOLDFAST_CONSTANTS_H",
    '#include "kernel.h"',
    ...fieldLines("FR", fr),
    define("FR_MODULUS_BYTES", `{${list(bytesLittle(frModulus, 32))}}`),
    ...fieldLines("FP", fp),
    define("FP_MODULUS_BYTES", `{${list(bytesLittle(fpModulus, 48).reverse())}}`),
    define("FP_MODULUS_MINUS_2_BYTES", `{${list(bytesLittle(fpModulus - 2n, 48).reverse())}}`),
    define("FP_INVERSE", `${BigInt.asUintN(fp.bits, -inverse)}u`),
    define("FP_LOW_RECIPROCAL", `${inverse}u`),
    define("FP_TOP_RECIPROCAL", `${(1n << (topShift + 40n)) / fpModulus}ll`),
    define("FP_FOUR", montgomery(4n)),
    define("FP_BETA", montgomery(beta)),
    define("FP_PSI_X0", montgomery(psiX.c0)),
    define("FP_PSI_X1", montgomery(psiX.c1)),
    define("FP_PSI_Y0", montgomery(psiY.c0)),
    define("FP_PSI_Y1", montgomery(psiY.c1)),
    "#endif",
  ].join("\n")}\n`;
}
