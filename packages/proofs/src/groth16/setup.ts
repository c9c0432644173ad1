/**
 * The setup by one party: draws τ, α, β, γ, δ, evaluates the polynomials of the circuit in the field and lifts
 * them with fixed-base multiplications. Whoever runs it could keep these five numbers and forge proofs: it is for
 * development networks; networks of value use the ceremony.
 *
 * Source: Groth 2016 §3.2, with the rows of public inputs described in `qap.ts`.
 */
import { type CurveCall, frPower, type StartedCalls, startCalls } from "../curve/index.ts";
import { frInvert, frModulus, frReduce, frsToBytes } from "../field/index.ts";
import { type R1cs, r1csDigest } from "../r1cs/index.ts";
import { assertEntropy, deriveScalar } from "./derive.ts";
import { generatorG1, generatorG2 } from "./generators.ts";
import type { ProvingKey } from "./proving-key.ts";
import { type ColumnValues, domainSizeOf, isInDomain, powersOf, qapAt, supportOf } from "./qap.ts";

interface Secrets {
  readonly tau: bigint;
  readonly alpha: bigint;
  readonly beta: bigint;
  readonly gamma: bigint;
  readonly delta: bigint;
}

function secretsFrom(entropy: Uint8Array, circuitDigest: Uint8Array, size: number): Secrets {
  const draw = (label: string): bigint => deriveScalar(`setup ${label}`, entropy, circuitDigest);
  let tau = draw("tau");
  for (let attempt = 1; isInDomain(tau, size); attempt += 1) tau = draw(`tau ${attempt}`);
  return { tau, alpha: draw("alpha"), beta: draw("beta"), gamma: draw("gamma"), delta: draw("delta") };
}

const liftG1 = (scalars: readonly bigint[]): CurveCall => ({
  call: "fixedBaseG1",
  args: [generatorG1, frsToBytes(scalars)],
});
const liftG2 = (scalars: readonly bigint[]): CurveCall => ({
  call: "fixedBaseG2",
  args: [generatorG2, frsToBytes(scalars)],
});

/** Calls that are under way, so that none goes on for nobody when one fails. */
class Lifting {
  readonly #started: StartedCalls[] = [];

  /** Begins the calls under names. */
  all<Name extends string>(calls: Readonly<Record<Name, CurveCall>>): () => Record<Name, Uint8Array> {
    const started = startCalls(Object.values<CurveCall>(calls));
    this.#started.push(started);
    return () => {
      const results = started.finish();
      const entries = Object.keys(calls).map((name, i) => [name, results[i]]);
      return Object.fromEntries(entries) as Record<Name, Uint8Array>;
    };
  }

  stop(): void {
    for (const started of this.#started) started.stop();
  }
}

const pick = (values: readonly bigint[], indices: Uint32Array): bigint[] =>
  Array.from(indices, (index) => values[index] as bigint);

/** (βuᵢ + αvᵢ + wᵢ)/divisor for the variables `from` … `to` − 1. */
function mixed(
  { u, v, w }: ColumnValues,
  { alpha, beta }: Secrets,
  divisor: bigint,
  range: readonly [from: number, to: number],
): bigint[] {
  const inverse = frInvert(divisor);
  const values: bigint[] = [];
  for (let i = range[0]; i < range[1]; i += 1) {
    const sum = beta * (u[i] as bigint) + alpha * (v[i] as bigint) + (w[i] as bigint);
    values.push(((sum % frModulus) * inverse) % frModulus);
  }
  return values;
}

/** τⁱ(τⁿ − 1)/δ for i < n − 1, from the powers of τ. */
function quotientPowers({ tau, delta }: Secrets, powers: readonly bigint[]): bigint[] {
  const factor = (frReduce(frPower(tau, BigInt(powers.length)) - 1n) * frInvert(delta)) % frModulus;
  return powers.slice(0, -1).map((power) => (power * factor) % frModulus);
}

/**
 * Keys for a circuit from at least 32 bytes of entropy; the same entropy gives the same keys.
 * Throws groth16/short-entropy, groth16/too-large.
 */
export function setup(r1cs: R1cs, entropy: Uint8Array): { provingKey: ProvingKey } {
  assertEntropy(entropy);
  const circuitDigest = r1csDigest(r1cs);
  const domainSize = domainSizeOf(r1cs);
  const { publicCount, variableCount } = r1cs;
  const secrets = secretsFrom(entropy, circuitDigest, domainSize);
  const lifting = new Lifting();
  try {
    // Others multiply from here on, while the scalars of the next multiples are computed.
    const powers = powersOf(secrets.tau, domainSize);
    const quotient = lifting.all({ h: liftG1(quotientPowers(secrets, powers)) });
    const qap = qapAt(r1cs, powers);
    const support = supportOf(r1cs);
    const inB = pick(qap.v, support.b);
    const columns = lifting.all({
      bG2: liftG2(inB),
      bG1: liftG1(inB),
      a: liftG1(pick(qap.u, support.a)),
    });
    const values = { ...qap, w: qap.w() };
    const rest = lifting.all({
      betaG1: liftG1([secrets.beta]),
      deltaG1: liftG1([secrets.delta]),
      l: liftG1(mixed(values, secrets, secrets.delta, [publicCount + 1, variableCount])),
    });
    const verifyingKey = lifting.all({
      alphaG1: liftG1([secrets.alpha]),
      betaG2: liftG2([secrets.beta]),
      gammaG2: liftG2([secrets.gamma]),
      deltaG2: liftG2([secrets.delta]),
      ic: liftG1(mixed(values, secrets, secrets.gamma, [0, publicCount + 1])),
    });
    const sizes = { circuitDigest, domainSize, variableCount };
    const points = { ...quotient(), ...columns(), ...rest() };
    return { provingKey: { ...sizes, verifyingKey: verifyingKey(), ...points } };
  } catch (error) {
    lifting.stop();
    throw error;
  }
}
