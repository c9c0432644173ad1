/**
 * Verifying: e(A, B) = e(α, β)·e(Σ xᵢ·icᵢ, γ)·e(C, δ), as one product of Miller loops against the remembered
 * e(α, β). A batch raises each equation to its own 128-bit power and checks the product of all: what is wrong in
 * one proof cannot be cancelled by what is wrong in another, because the powers are hashed from all keys, inputs
 * and proofs.
 *
 * Invariant: bytes of strangers never throw; whatever is wrong with them, the answer is `false`.
 * Sources: Groth 2016 §3.2; batching as in Bellare, Garay and Rabin 1998 (small exponents).
 */
import { bigEndian, concatBytes, equalBytes, readBigEndian, sha256, utf8Bytes } from "@holdfast/base";
import { curveKernel } from "../curve/index.ts";
import { frModulus, frsToBytes } from "../field/index.ts";
import { gtEquals, isGtOne, linesOf, type PairingTerm, pairingProduct } from "./pairing.ts";
import { decodeProof, type ProofPoints } from "./proof.ts";
import { type PreparedKey, prepareKey, type VerifyingKey } from "./verifying-key.ts";

/** What one proof claims: under this key, these public inputs have a witness. */
export interface ProofClaim {
  readonly vk: VerifyingKey;
  readonly publicInputs: readonly bigint[];
  readonly proof: Uint8Array;
}

interface Claim {
  readonly key: PreparedKey;
  readonly publicInputs: readonly bigint[];
  readonly points: ProofPoints;
}

const batchLabel = utf8Bytes("holdfast groth16 batch 1\n");
const powerBytes = 16;

/** Whether a value is a canonical element of the scalar field. */
function isElement(value: bigint): boolean {
  return typeof value === "bigint" && value >= 0n && value < frModulus;
}

function claimOf({ vk, publicInputs, proof }: ProofClaim): Claim | undefined {
  const key = prepareKey(vk);
  if (key === undefined || publicInputs.length !== key.publicCount) return undefined;
  if (!publicInputs.every(isElement)) return undefined;
  const points = decodeProof(proof);
  return points === undefined ? undefined : { key, publicInputs, points };
}

/**
 * Whether the 192 bytes prove that the public inputs have a witness. The inputs are canonical field elements, as
 * many as the key has, in the order of the circuit.
 */
export function verifyProof(vk: VerifyingKey, publicInputs: readonly bigint[], proof: Uint8Array): boolean {
  const claim = claimOf({ vk, publicInputs, proof });
  if (claim === undefined) return false;
  const { key, points } = claim;
  const product = pairingProduct([
    { g1: points.a, lines: linesOf(points.b) },
    { g1: curveKernel.msmG1(key.ic, frsToBytes([1n, ...publicInputs])), lines: key.minusGamma },
    { g1: points.c, lines: key.minusDelta },
  ]);
  return gtEquals(product, key.alphaBeta);
}

/**
 * Whether all of these proofs hold; of no proofs that is true. One pairing for each proof and three for each key.
 * A batch with a wrong proof passes with probability 2^−128; which one is wrong, only `verifyProof` tells.
 */
export function verifyProofs(items: readonly ProofClaim[]): boolean {
  const [only] = items;
  if (only === undefined) return true;
  if (items.length === 1) return verifyProof(only.vk, only.publicInputs, only.proof);
  const claims: Claim[] = [];
  for (const item of items) {
    const claim = claimOf(item);
    if (claim === undefined) return false;
    claims.push(claim);
  }
  const powers = powersOf(claims, items);
  const terms = claims.map(
    ({ points }, i): PairingTerm => ({
      g1: curveKernel.msmG1(points.a, frsToBytes([powers[i] ?? 0n])),
      lines: linesOf(points.b),
    }),
  );
  for (const group of groupsOf(claims, powers)) terms.push(...termsOfKey(group));
  return isGtOne(pairingProduct(terms));
}

/** The Fiat–Shamir powers: 128 bits each, never 0. */
function powersOf(claims: readonly Claim[], items: readonly ProofClaim[]): bigint[] {
  const parts = claims.flatMap(({ key, publicInputs }, i) => [
    key.digest,
    bigEndian(publicInputs.length, 4),
    frsToBytes(publicInputs),
    items[i]?.proof ?? new Uint8Array(0),
  ]);
  const seed = sha256(concatBytes(batchLabel, bigEndian(claims.length, 4), ...parts));
  return claims.map((_claim, i) => {
    const power = readBigEndian(sha256(concatBytes(seed, bigEndian(i, 4))).subarray(0, powerBytes));
    return power === 0n ? 1n : power;
  });
}

interface KeyGroup {
  readonly key: PreparedKey;
  readonly claims: Claim[];
  readonly powers: bigint[];
}

function groupsOf(claims: readonly Claim[], powers: readonly bigint[]): KeyGroup[] {
  const groups: KeyGroup[] = [];
  claims.forEach((claim, i) => {
    let group = groups.find(({ key }) => equalBytes(key.digest, claim.key.digest));
    if (group === undefined) {
      group = { key: claim.key, claims: [], powers: [] };
      groups.push(group);
    }
    group.claims.push(claim);
    group.powers.push(powers[i] ?? 0n);
  });
  return groups;
}

/** What all proofs under one key have in common on the right of the equation, each with its power. */
function termsOfKey({ key, claims, powers }: KeyGroup): PairingTerm[] {
  const total = powers.reduce((sum, power) => sum + power, 0n) % frModulus;
  const scalars = [total];
  for (let input = 0; input < key.publicCount; input += 1) {
    let sum = 0n;
    claims.forEach(({ publicInputs }, i) => {
      sum += (publicInputs[input] ?? 0n) * (powers[i] ?? 0n);
    });
    scalars.push(sum % frModulus);
  }
  const allC = concatBytes(...claims.map(({ points }) => points.c));
  return [
    { g1: curveKernel.msmG1(key.alphaG1, frsToBytes([total])), lines: key.minusBeta },
    { g1: curveKernel.msmG1(key.ic, frsToBytes(scalars)), lines: key.minusGamma },
    { g1: curveKernel.msmG1(allC, frsToBytes(powers)), lines: key.minusDelta },
  ];
}
