/** The generators of the two groups as uncompressed bytes. Source: BLS12-381 (Bowe 2017). */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { g1BytesOf, g2BytesOf } from "../curve/index.ts";
import { type Lines, linesOf } from "./pairing.ts";

/** 96 bytes. */
export const generatorG1: Uint8Array = g1BytesOf(bls12_381.G1.Point.BASE);
/** 192 bytes. */
export const generatorG2: Uint8Array = g2BytesOf(bls12_381.G2.Point.BASE);

let negated: Lines;

/** The lines of −G₂, for equations e(P, G₂) = …; computed at the first use. */
export function minusGeneratorLines(): Lines {
  negated ??= linesOf(generatorG2, -1);
  return negated;
}
