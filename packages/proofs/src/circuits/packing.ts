/**
 * Booleans and indices as public inputs: 253 bits to an element, least significant first. The verifier packs
 * numbers that it knows; the circuit packs its bits and compares. Packing is unique, so equal elements are
 * equal bits.
 */
import { assert } from "@holdfast/base";
import { type Bit, newBit, pack, packedBits } from "../gadgets/index.ts";
import { type ConstraintSystem, type Linear, linear } from "../r1cs/index.ts";

/** Elements that hold so many bits. */
export function packedCount(bits: number): number {
  return Math.ceil(bits / packedBits);
}

/** The `count` low bits of an index below 2^count, least significant first. */
export function bitsOfIndex(index: number, count: number): boolean[] {
  assert(
    Number.isInteger(index) && index >= 0 && index < 2 ** count,
    "an index is below the number of nodes",
  );
  return Array.from({ length: count }, (_none, i) => Math.floor(index / 2 ** i) % 2 === 1);
}

/** The elements that hold these bits. */
export function packNumbers(bits: readonly boolean[]): bigint[] {
  return Array.from({ length: packedCount(bits.length) }, (_none, i) =>
    bits
      .slice(i * packedBits, (i + 1) * packedBits)
      .reduceRight((element, bit) => element * 2n + (bit ? 1n : 0n), 0n),
  );
}

/** New booleans, `count` of them, bound to the public elements that hold them. */
export function packedInputBits(
  cs: ConstraintSystem,
  elements: readonly Linear[],
  count: number,
  bits: readonly boolean[] | undefined,
): readonly Bit[] {
  return cs.within("packing", () => {
    const made = Array.from({ length: count }, (_none, i) =>
      newBit(cs, () => (bits?.[i] === undefined ? undefined : BigInt(bits[i]))),
    );
    elements.forEach((element, i) => {
      const packed = pack(made.slice(i * packedBits, (i + 1) * packedBits));
      cs.enforce(linear.subtract(packed, element), linear.one, linear.zero);
    });
    return made;
  });
}

/** Public inputs in order; `values` are asked for while a witness is made. */
export function publicInputs(
  cs: ConstraintSystem,
  count: number,
  values: readonly bigint[] | undefined,
): readonly Linear[] {
  return Array.from({ length: count }, (_none, i) => cs.publicInput(() => values?.[i]));
}

/** Combinations are equal: one constraint. */
export function enforceEqual(cs: ConstraintSystem, a: Linear, b: Linear): void {
  cs.enforce(linear.subtract(a, b), linear.one, linear.zero);
}
