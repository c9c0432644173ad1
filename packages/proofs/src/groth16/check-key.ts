/**
 * Checks of a proving key before it is used: it is for these constraints, every point is in its subgroup, and the
 * copies of one value in the two groups agree. Wrong points cannot make a false statement true (the verifying key
 * decides that), but points outside of the subgroup could leak a witness and wrong ones make proofs that fail.
 *
 * A key's origin is another question, which only its ceremony answers.
 */
import { concatBytes, equalBytes, sha256 } from "@holdfast/base";
import { curveKernel, g1Bytes } from "../curve/index.ts";
import { type R1cs, r1csDigest } from "../r1cs/index.ts";
import { coefficientsFrom } from "./combine.ts";
import { generatorG1, minusGeneratorLines } from "./generators.ts";
import { isGtOne, linesOf, pairingProduct } from "./pairing.ts";
import { isInfinite } from "./points.ts";
import { countsOf, type ProvingKey } from "./proving-key.ts";
import { domainSizeOf, supportOf } from "./qap.ts";
import { isBound, isSound } from "./verifying-key.ts";

/** What is wrong with a key, as a short name of the check that failed. */
export type KeyCheck =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly check:
        | "circuit"
        | "sizes"
        | "verifying-key"
        | "subgroup"
        | "infinity"
        | "beta"
        | "delta"
        | "b";
    };

/** Whether the point P of G1 and the point Q of G2 are the same multiple of the generators. */
export function areTwins(g1: Uint8Array, g2: Uint8Array): boolean {
  const product = pairingProduct([
    { g1, lines: minusGeneratorLines() },
    { g1: generatorG1, lines: linesOf(g2) },
  ]);
  return isGtOne(product);
}

/** Whether two runs of points hold the same multiples of the generators, up to 2^−128. */
export function areTwinRuns(g1: Uint8Array, g2: Uint8Array): boolean {
  const coefficients = coefficientsFrom(sha256(concatBytes(sha256(g1), sha256(g2))), g1.length / g1Bytes);
  return areTwins(curveKernel.msmG1(g1, coefficients), curveKernel.msmG2(g2, coefficients));
}

/** Whether a key can be used for these constraints; about the work of a proof. */
export function checkProvingKey(key: ProvingKey, r1cs: R1cs): KeyCheck {
  if (!equalBytes(r1csDigest(r1cs), key.circuitDigest)) return { ok: false, check: "circuit" };
  const counts = countsOf(key);
  const support = supportOf(r1cs);
  const fits =
    counts?.variableCount === r1cs.variableCount &&
    counts.publicCount === r1cs.publicCount &&
    counts.domainSize === domainSizeOf(r1cs) &&
    counts.aCount === support.a.length &&
    counts.bCount === support.b.length;
  if (!fits) return { ok: false, check: "sizes" };
  const { verifyingKey: vk, betaG1, deltaG1, a, bG1, bG2, l, h } = key;
  if (!isSound(vk) || !isBound(vk)) return { ok: false, check: "verifying-key" };
  const bad = [betaG1, deltaG1, a, bG1, l, h].some((points) => curveKernel.firstBadG1(points) !== -1);
  if (bad || curveKernel.firstBadG2(bG2) !== -1) return { ok: false, check: "subgroup" };
  if (isInfinite(betaG1) || isInfinite(deltaG1)) return { ok: false, check: "infinity" };
  if (!areTwins(betaG1, vk.betaG2)) return { ok: false, check: "beta" };
  if (!areTwins(deltaG1, vk.deltaG2)) return { ok: false, check: "delta" };
  return areTwinRuns(bG1, bG2) ? { ok: true } : { ok: false, check: "b" };
}
