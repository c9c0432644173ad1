/**
 * Paths in the binary tree of unsealed data (SHA-256 with the two top bits cleared): two blocks of SHA-256 per
 * level, of which the second one is padding and its schedule known.
 */
import { type Bit, multiply, newBits, sha254Gadget, uniqueBits, zeroBit } from "../gadgets/index.ts";
import { type ConstraintSystem, linear } from "../r1cs/index.ts";

/**
 * The bits of the root above a leaf of 254 bits. `index`: least significant bit first; `siblings`: numbers from
 * the leaves up, asked for only while a witness is made.
 */
export function sha254RootGadget(
  cs: ConstraintSystem,
  index: readonly Bit[],
  leaf: readonly Bit[],
  siblings: (level: number) => bigint | undefined,
): readonly Bit[] {
  let node = leaf;
  index.forEach((position, level) => {
    const own = node;
    const sibling = newBits(cs, () => siblings(level), uniqueBits);
    // The left child is the sibling if the position is 1; the right one is what remains of the two.
    const left = own.map((bit, i) => {
      const other = sibling[i] as Bit;
      return linear.add(bit, multiply(cs, linear.subtract(other, bit), position)) as Bit;
    });
    const right = own.map((bit, i) =>
      linear.subtract(linear.add(bit, sibling[i] as Bit), left[i] as Bit),
    ) as Bit[];
    node = sha254Gadget(cs, [...left, zeroBit, zeroBit, ...right, zeroBit, zeroBit]);
  });
  return node;
}
