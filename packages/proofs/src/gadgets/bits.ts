/**
 * Booleans, numbers as bits, and choices by bits.
 * Invariant: a `Bit` is a combination that can be 0 or 1 only: a constant, a variable b with b·(b − 1) = 0, or
 * the negation of one. Decompositions are unique: fewer than 255 bits are below the modulus whatever they are,
 * and 255 bits are compared with it.
 */
import { assert } from "@holdfast/base";
import { frModulus } from "../field/index.ts";
import { type ConstraintSystem, type Linear, linear, type ValueOf } from "../r1cs/index.ts";

declare const brand: unique symbol;
/** A combination that is 0 or 1. */
export type Bit = Linear & { readonly [brand]: "Bit" };

export const zeroBit = linear.zero as Bit;
export const oneBit = linear.one as Bit;

/** Bits of any field element below this many are the only ones: 2^254 < r < 2^255. */
export const uniqueBits = 254;
const fieldBits = 255;
/** Bits that one public input holds: packing is unique, with a bit to spare. */
export const packedBits = 253;

/** A new boolean: one constraint. */
export function newBit(cs: ConstraintSystem, value: ValueOf): Bit {
  const bit = cs.witness(value);
  cs.enforce(bit, linear.subtract(bit, linear.one), linear.zero);
  return bit as Bit;
}

export function constantBit(value: boolean): Bit {
  return value ? oneBit : zeroBit;
}

export function not(bit: Bit): Bit {
  return linear.subtract(linear.one, bit) as Bit;
}

/** a ⊕ b: one constraint, none with a constant. */
export function xor(cs: ConstraintSystem, a: Bit, b: Bit): Bit {
  if (a.isConstant) return a.value === 0n ? b : not(b);
  if (b.isConstant) return b.value === 0n ? a : not(a);
  // 2a·b = a + b − c leaves c no choice but a ⊕ b.
  const result = cs.witness(() => a.value ^ b.value);
  cs.enforce(linear.add(a, a), b, linear.subtract(linear.add(a, b), result));
  return result as Bit;
}

/** a · b: one constraint, none with a constant. */
export function and(cs: ConstraintSystem, a: Bit, b: Bit): Bit {
  return multiply(cs, a, b) as Bit;
}

/** a · bit for any number a: one constraint, none with a constant. */
export function multiply(cs: ConstraintSystem, a: Linear, bit: Bit): Linear {
  if (bit.isConstant) return linear.scale(a, bit.value);
  if (a.isConstant) return linear.scale(bit, a.value);
  return cs.product(a, bit);
}

/** `bit` ? whenOne : whenZero, for any numbers: one constraint, none with a constant bit. */
export function select(cs: ConstraintSystem, bit: Bit, whenOne: Linear, whenZero: Linear): Linear {
  return linear.add(whenZero, multiply(cs, linear.subtract(whenOne, whenZero), bit));
}

/** `select` of two bits is a bit. */
export function selectBit(cs: ConstraintSystem, bit: Bit, whenOne: Bit, whenZero: Bit): Bit {
  return select(cs, bit, whenOne, whenZero) as Bit;
}

const powers = Array.from({ length: fieldBits + 1 }, (_none, i) => 1n << BigInt(i));

/** Σ 2^i · bit i, least significant first: no constraint. */
export function pack(bits: readonly Bit[]): Linear {
  assert(bits.length <= fieldBits, "packed bits fit into the field");
  return linear.sum(bits.map((bit, i) => [powers[i] as bigint, bit] as const));
}

/** New booleans for the `count` low bits of a number that is known while a witness is made. */
export function newBits(cs: ConstraintSystem, value: ValueOf, count: number): Bit[] {
  let known: bigint | undefined;
  return Array.from({ length: count }, (_none, i) =>
    newBit(cs, () => {
      known ??= value();
      return known === undefined ? undefined : (known >> BigInt(i)) & 1n;
    }),
  );
}

/**
 * The `count` ≤ 254 bits of a number, least significant first: count + 1 constraints, which no number from
 * 2^count on satisfies.
 */
export function toBits(cs: ConstraintSystem, number: Linear, count: number): Bit[] {
  assert(count <= uniqueBits, "fewer bits than the modulus has are unique");
  const bits = newBits(cs, () => number.value, count);
  cs.enforce(linear.subtract(pack(bits), number), linear.one, linear.zero);
  return bits;
}

const largest = frModulus - 1n;

/**
 * The 255 bits of any field element, the ones of its value below r and no others: 388 constraints.
 * From the top down, `equal` says that all bits so far that are 1 in r − 1 are 1 here; where r − 1 has a 0, a
 * bit may be 1 only if `equal` is 0, and (1 − equal − bit)·bit = 0 says so and makes it a boolean at once.
 * Source: the idea of bellman's strict decomposition.
 */
export function toCanonicalBits(cs: ConstraintSystem, number: Linear): Bit[] {
  const bits: Bit[] = [];
  let equal: Bit = oneBit;
  let run: Bit[] = [];
  for (let i = fieldBits - 1; i >= 0; i -= 1) {
    const bitOf = (): bigint => (number.value >> BigInt(i)) & 1n;
    if (((largest >> BigInt(i)) & 1n) === 1n) {
      const bit = newBit(cs, bitOf);
      run.push(bit);
      bits.push(bit);
      continue;
    }
    for (const bit of run) equal = and(cs, equal, bit);
    run = [];
    const bit = cs.witness(bitOf);
    cs.enforce(linear.subtract(linear.subtract(linear.one, equal), bit), bit, linear.zero);
    bits.push(bit as Bit);
  }
  bits.reverse();
  cs.enforce(linear.subtract(pack(bits), number), linear.one, linear.zero);
  return bits;
}

/**
 * The child at a position: children.length = 2^bits.length, bits least significant first. One constraint per
 * inner node of the tree of choices; the last one binds `chosen`, which is any combination.
 */
export function enforceChosen(
  cs: ConstraintSystem,
  bits: readonly Bit[],
  children: readonly Linear[],
  chosen: Linear,
): void {
  assert(children.length === 2 ** bits.length && bits.length > 0, "there is one child per position");
  let row = children;
  bits.forEach((bit, level) => {
    if (level === bits.length - 1) return;
    row = Array.from({ length: row.length / 2 }, (_none, i) =>
      select(cs, bit, row[2 * i + 1] as Linear, row[2 * i] as Linear),
    );
  });
  const [whenZero = linear.zero, whenOne = linear.zero] = row;
  const top = bits.at(-1) ?? zeroBit;
  cs.enforce(linear.subtract(whenOne, whenZero), top, linear.subtract(chosen, whenZero));
}
