/**
 * Proving: the quotient h = (ab − c)/Z by transforms, then A, B and C as multi-exponentiations, blinded by r and
 * s. These are hashed from the entropy and from everything that is proven, so entropy that repeats by accident
 * blinds two different proofs differently.
 *
 * Invariant: a witness that does not satisfy the constraints gives an error, never bytes.
 * Source: Groth 2016 §3.2.
 */
import { concatBytes, equalBytes, sha256, toHex } from "@holdfast/base";
import { curveKernel, g1Bytes, startCalls } from "../curve/index.ts";
import { frBytes, frModulus, frsToBytes, pickFrs } from "../field/index.ts";
import { type R1cs, r1csDigest } from "../r1cs/index.ts";
import { assertEntropy, deriveScalar } from "./derive.ts";
import { groth16Errors } from "./errors.ts";
import { joinBytes } from "./points.ts";
import { encodeProof } from "./proof.ts";
import { countsOf, type ProvingKey } from "./proving-key.ts";
import { domainSizeOf, rowValues, supportOf } from "./qap.ts";

/** Digests of shapes that were proven before: hashing a large circuit takes a noticeable part of a second. */
const digests = new WeakMap<R1cs, Uint8Array>();

function digestOf(r1cs: R1cs): Uint8Array {
  const digest = digests.get(r1cs) ?? r1csDigest(r1cs);
  digests.set(r1cs, digest);
  return digest;
}

/** Throws groth16/wrong-circuit, groth16/bad-key. */
function assertKey(key: ProvingKey, r1cs: R1cs): void {
  const digest = digestOf(r1cs);
  if (!equalBytes(digest, key.circuitDigest)) {
    throw groth16Errors.wrongCircuit({ expected: toHex(key.circuitDigest), actual: toHex(digest) });
  }
  const counts = countsOf(key);
  const fits =
    counts?.variableCount === r1cs.variableCount &&
    counts.publicCount === r1cs.publicCount &&
    counts.domainSize === domainSizeOf(r1cs);
  if (!fits) throw groth16Errors.badKey({ part: "its sizes are not those of the circuit" });
}

/** Throws groth16/bad-witness. */
function assertWitness(r1cs: R1cs, witness: readonly bigint[]): void {
  if (witness.length !== r1cs.variableCount) {
    const reason = `${witness.length} values for ${r1cs.variableCount} variables`;
    throw groth16Errors.badWitness({ reason });
  }
  if (witness[0] !== 1n) throw groth16Errors.badWitness({ reason: "variable 0 is not 1" });
  const wild = witness.findIndex((value) => value < 0n || value >= frModulus);
  if (wild !== -1) throw groth16Errors.badWitness({ reason: `variable ${wild} is no field element` });
}

function blindingOf(
  key: ProvingKey,
  r1cs: R1cs,
  witness: Uint8Array,
  entropy: Uint8Array,
): { r: bigint; s: bigint } {
  const { alphaG1, betaG2, gammaG2, deltaG2 } = key.verifyingKey;
  const context = [
    entropy,
    key.circuitDigest,
    concatBytes(alphaG1, betaG2, gammaG2, deltaG2),
    sha256(witness.subarray(0, (r1cs.publicCount + 1) * frBytes)),
    sha256(witness),
  ];
  return { r: deriveScalar("blinding r", ...context), s: deriveScalar("blinding s", ...context) };
}

/** A proof whose sums other threads compute already, while its caller does something else. */
export interface StartedProof {
  /** Its 192 bytes. Throws groth16/unsatisfied. */
  finish(): Uint8Array;
  /** Gives up; nothing is being computed any more when it returns. */
  stop(): void;
}

/**
 * The 192 bytes that prove the witness of a circuit: `variableCount` values in [0, r), the first 1, then the
 * public inputs. `entropy` is 32 bytes or more; the same arguments give the same proof.
 * Throws groth16/short-entropy, groth16/wrong-circuit, groth16/bad-key, groth16/bad-witness and, for a witness
 * that breaks a constraint, groth16/unsatisfied.
 */
export function prove(
  provingKey: ProvingKey,
  r1cs: R1cs,
  witness: readonly bigint[],
  entropy: Uint8Array,
): Uint8Array {
  return startProof(provingKey, r1cs, witness, entropy).finish();
}

/** The same, begun. Throws as `prove` does, but groth16/unsatisfied only at its end. */
export function startProof(
  provingKey: ProvingKey,
  r1cs: R1cs,
  witness: readonly bigint[],
  entropy: Uint8Array,
): StartedProof {
  assertEntropy(entropy);
  assertKey(provingKey, r1cs);
  assertWitness(r1cs, witness);
  const values = frsToBytes(witness);
  const blinding = blindingOf(provingKey, r1cs, values, entropy);
  return combine(provingKey, r1cs, { witness, values }, blinding);
}

/** Σ hᵢτⁱ(τⁿ − 1)/δ. Throws groth16/unsatisfied. */
function quotientPoint(key: ProvingKey, r1cs: R1cs, witness: readonly bigint[]): Uint8Array {
  const { a, b, c } = rowValues(r1cs, witness);
  const quotient = curveKernel.quotient(frsToBytes(a), frsToBytes(b), frsToBytes(c));
  return curveKernel.msmG1(key.h, quotient.subarray(0, (key.domainSize - 1) * frBytes));
}

function combine(
  key: ProvingKey,
  r1cs: R1cs,
  /** As numbers and as bytes. */
  { witness, values }: { readonly witness: readonly bigint[]; readonly values: Uint8Array },
  { r, s }: { r: bigint; s: bigint },
): StartedProof {
  const { verifyingKey: vk } = key;
  const support = supportOf(r1cs);
  if (support.a.length * g1Bytes !== key.a.length || support.b.length * g1Bytes !== key.bG1.length) {
    throw groth16Errors.badKey({ part: "its points are not those of the circuit's columns" });
  }
  const inA = joinBytes([pickFrs(values, support.a), frsToBytes([1n, r])]);
  const inB = joinBytes([pickFrs(values, support.b), frsToBytes([1n, s])]);
  const hidden = values.subarray((r1cs.publicCount + 1) * frBytes);
  const sums = startCalls([
    { call: "msmG2", args: [joinBytes([key.bG2, vk.betaG2, vk.deltaG2]), inB] },
    { call: "msmG1", args: [joinBytes([key.a, vk.alphaG1, key.deltaG1]), inA] },
    { call: "msmG1", args: [joinBytes([key.bG1, key.betaG1, key.deltaG1]), inB] },
    { call: "msmG1", args: [key.l, hidden] },
  ]);
  const finish = (): Uint8Array => {
    try {
      const h = quotientPoint(key, r1cs, witness); // while others compute the sums, which do not need it
      const [b, a, bG1, l] = sums.finish() as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
      const c = curveKernel.msmG1(
        concatBytes(l, h, a, bG1, key.deltaG1),
        frsToBytes([1n, 1n, s, r, frModulus - ((r * s) % frModulus)]),
      );
      return encodeProof({ a, b, c });
    } catch (error) {
      sums.stop();
      throw error;
    }
  };
  return { finish, stop: () => sums.stop() };
}
