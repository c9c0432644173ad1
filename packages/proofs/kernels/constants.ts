/**
 * Writes `src/constants.h`: the moduli of BLS12-381 in the limbs of the C kernels, with what Montgomery's
 * multiplication needs of them. The numbers come from the TypeScript reference, so there is one source; the
 * bounds that the C relies on are checked here.
 */
import { assert } from "@holdfast/base";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { fpModulus } from "../src/curve/index.ts";
import { frModulus } from "../src/field/index.ts";
import { jubjubShift } from "../src/zigzag2019/jubjub.ts";

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

function words32(value: bigint, count: number): string[] {
  return Array.from({ length: count }, (_none, i) => `${(value >> BigInt(32 * i)) & 0xffff_ffffn}u`);
}

const list = (values: readonly (bigint | number | string)[]): string => values.join(", ");
const define = (name: string, text: string): string => `#define ${name} ${text}`;

/** A form in which the C holds the elements of a field. */
interface Form {
  readonly modulus: bigint;
  /** R of Montgomery's form is 2 to this power. */
  readonly sizeBits: bigint;
  /** The initialiser of an element. */
  readonly element: (value: bigint) => string;
}

/** Signed limbs, for WebAssembly. */
function limbForm(modulus: bigint, limbs: number, bits: number): Form {
  return {
    modulus,
    sizeBits: BigInt(limbs * bits),
    element: (value) => `{${list(balanced(value, limbs, bits))}}`,
  };
}

/** Whole words of 64 bits, for native builds. */
function wordForm(modulus: bigint, words: number): Form {
  const word = (value: bigint, i: number): string =>
    `0x${((value >> BigInt(64 * i)) & 0xffff_ffff_ffff_ffffn).toString(16)}ull`;
  return {
    modulus,
    sizeBits: BigInt(64 * words),
    element: (value) => `{${Array.from({ length: words }, (_none, i) => word(value, i)).join(", ")}}`,
  };
}

/** The numbers of the scalar field that every form needs. */
function frLines(fr: Form): string[] {
  return [
    define("FR_R2", fr.element((1n << (2n * fr.sizeBits)) % fr.modulus)),
    define("PEDERSEN_SHIFT", fr.element((jubjubShift << fr.sizeBits) % fr.modulus)),
    define("FR_ONE", fr.element((1n << fr.sizeBits) % fr.modulus)),
  ];
}

/** The numbers of the field of the coordinates that every form needs. */
function fpLines(fp: Form): string[] {
  const montgomery = (value: bigint): string => fp.element((value << fp.sizeBits) % fp.modulus);
  // φ multiplies by the cube root of unity 2^((p−1)/3), ψ by (1 + u)^−((p−1)/3) and −((p−1)/2).
  const { fields } = bls12_381;
  const beta = fields.Fp.pow(2n, (fpModulus - 1n) / 3n);
  const untwist = fields.Fp2.inv({ c0: 1n, c1: 1n });
  const psiX = fields.Fp2.pow(untwist, (fpModulus - 1n) / 3n);
  const psiY = fields.Fp2.pow(untwist, (fpModulus - 1n) / 2n);
  return [
    define("FP_R2", fp.element((1n << (2n * fp.sizeBits)) % fp.modulus)),
    define("FP_ONE", montgomery(1n)),
    define("FP_FOUR", montgomery(4n)),
    define("FP_BETA", montgomery(beta)),
    define("FP_PSI_X0", montgomery(psiX.c0)),
    define("FP_PSI_X1", montgomery(psiX.c1)),
    define("FP_PSI_Y0", montgomery(psiY.c0)),
    define("FP_PSI_Y1", montgomery(psiY.c1)),
  ];
}

const limbs = { fr: { count: 9, bits: 29 }, fp: { count: 13, bits: 30 } } as const;

function limbLines(): string[] {
  const fr = limbForm(frModulus, limbs.fr.count, limbs.fr.bits);
  const fp = limbForm(fpModulus, limbs.fp.count, limbs.fp.bits);
  const frLimbs = balanced(frModulus, limbs.fr.count, limbs.fr.bits);
  assert(frLimbs[0] === 1n && frLimbs[1] === -8n, "the low limbs of r are 1 and -8: fr29.h shifts instead");
  const fpLimbs = balanced(fpModulus, limbs.fp.count, limbs.fp.bits);
  const magnitude = fpLimbs.reduce((sum, v) => sum + (v < 0n ? -v : v), 0n);
  assert(magnitude < 9n << 29n, "the limbs of p are small enough for the column sums of fp30.h");
  const frTopShift = BigInt((limbs.fr.count - 1) * limbs.fr.bits);
  const topShift = BigInt((limbs.fp.count - 1) * limbs.fp.bits);
  const inverse = inverseModPower(fpModulus, limbs.fp.bits);
  return [
    `static const i64 fr_modulus[${limbs.fr.count}] = ${fr.element(frModulus)};`,
    define("FR_MODULUS(i)", "fr_modulus[i]"),
    define("FR_TOP_RECIPROCAL", `${(1n << (frTopShift + 40n)) / frModulus}ll`),
    `static const i64 fp_modulus[${limbs.fp.count}] = ${fp.element(fpModulus)};`,
    define("FP_MODULUS(i)", "fp_modulus[i]"),
    define("FP_INVERSE", `${BigInt.asUintN(limbs.fp.bits, -inverse)}u`),
    define("FP_LOW_RECIPROCAL", `${inverse}u`),
    define("FP_TOP_RECIPROCAL", `${(1n << (topShift + 40n)) / fpModulus}ll`),
    ...frLines(fr),
    ...fpLines(fp),
  ];
}

const limbBits = 52n;

/** Unsigned limbs of 52 bits, for vectors; Montgomery's R has as many bits as they have. */
function laneForm(modulus: bigint, count: number): Form {
  const limb = (value: bigint, i: number): string =>
    `0x${BigInt.asUintN(52, value >> (limbBits * BigInt(i))).toString(16)}ull`;
  return {
    modulus,
    sizeBits: limbBits * BigInt(count),
    element: (value) => `{${list(Array.from({ length: count }, (_none, i) => limb(value, i)))}}`,
  };
}

const inverseLimb = (modulus: bigint): bigint => BigInt.asUintN(52, -inverseModPower(modulus, 64));

/** What the lowest limb is worth when it is folded into those above: (limb · −1/modulus · modulus + limb) / 2^52. */
const foldOf = (modulus: bigint): bigint => (inverseLimb(modulus) * modulus + 1n) >> limbBits;

/** 0, p, 2 p, ... 7 p, limb by limb: rows of eight lanes. */
function multiplesLines(fp: Form): string[] {
  const top = fpModulus >> (7n * limbBits);
  const rows = Array.from({ length: 8 }, (_none, limb) => {
    const lanes = Array.from({ length: 8 }, (_zero, q) =>
      BigInt.asUintN(52, (BigInt(q) * fpModulus) >> (limbBits * BigInt(limb))),
    );
    return `{${list(lanes.map((value) => `0x${value.toString(16)}ull`))}}`;
  });
  return [
    define("FP_MULTIPLES_LIMBS52", `{${list(rows)}}`),
    define("FP_TOP_RECIPROCAL", `0x${((1n << limbBits) / (top + 1n)).toString(16)}ull`),
    define("FP_MODULUS_LIMBS52", fp.element(fpModulus)),
    define("FP_INVERSE_LIMB52", `0x${inverseLimb(fpModulus).toString(16)}ull`),
  ];
}

function wordLines(): string[] {
  const [fr, fp] = [wordForm(frModulus, 4), wordForm(fpModulus, 6)];
  const [frLanes, fpLanes] = [laneForm(frModulus, 5), laneForm(fpModulus, 8)];
  assert(frModulus < 1n << 255n && fpModulus < 1n << 383n, "the highest bit of a word is free: mont64.h");
  const inverseWord = (modulus: bigint): string =>
    `0x${BigInt.asUintN(64, -inverseModPower(modulus, 64)).toString(16)}ull`;
  // x R -> 1/(x R) by the gcd -> R/x by one product with this, whose own R is that of the words.
  const inversion = (form: Form): string =>
    fp.element((1n << (2n * form.sizeBits + fp.sizeBits)) % fpModulus);
  return [
    define("FR_MODULUS_WORDS", fr.element(frModulus)),
    define("FR_INVERSE_WORD", inverseWord(frModulus)),
    define("FR_MODULUS_LIMBS52", frLanes.element(frModulus)),
    define("FR_R2_LIMBS52", frLanes.element((1n << (2n * frLanes.sizeBits)) % frModulus)),
    define("FR_ONE_LIMBS52", frLanes.element((1n << frLanes.sizeBits) % frModulus)),
    define("FR_FOLD_LIMBS52", frLanes.element(foldOf(frModulus))),
    define("PEDERSEN_SHIFT_LIMBS52", frLanes.element((jubjubShift << frLanes.sizeBits) % frModulus)),
    define("FR_INVERSE_LIMB52", `0x${inverseLimb(frModulus).toString(16)}ull`),
    define("FP_MODULUS_WORDS", fp.element(fpModulus)),
    define("FP_INVERSE_WORD", inverseWord(fpModulus)),
    ...frLines(fr),
    "#ifdef FP_LANES",
    define("FP_INVERSION", inversion(fpLanes)),
    define("FP_WORDS_TO_LIMBS", fp.element((1n << (2n * fp.sizeBits - fpLanes.sizeBits)) % fpModulus)),
    ...multiplesLines(fpLanes),
    ...fpLines(fpLanes),
    "#else",
    define("FP_INVERSION", inversion(fp)),
    ...fpLines(fp),
    "#endif",
  ];
}

/** The text of constants.h. */
export function constantsHeader(): string {
  return `${[
    "/* Written by ../build.ts from the TypeScript reference: do not edit. The primes of BLS12-381 in limbs. */",
    "#ifndef HOLDFAST_CONSTANTS_H",
    "#define HOLDFAST_CONSTANTS_H",
    '#include "kernel.h"',
    define("FR_MODULUS_BYTES", `{${list(bytesLittle(frModulus, 32))}}`),
    define("FR_MODULUS_WORDS32", `{${list(words32(frModulus, 8))}}`),
    define("FR_MODULUS_MINUS_2_BYTES", `{${list(bytesLittle(frModulus - 2n, 32).reverse())}}`),
    define("FP_MODULUS_BYTES", `{${list(bytesLittle(fpModulus, 48).reverse())}}`),
    define("FP_MODULUS_MINUS_2_BYTES", `{${list(bytesLittle(fpModulus - 2n, 48).reverse())}}`),
    "#ifdef WORDS64",
    ...wordLines(),
    "#else",
    ...limbLines(),
    "#endif",
    "#endif",
  ].join("\n")}\n`;
}
