/**
 * Wesolowski's verifiable delay function: y = x^(2^T), which takes T squarings one after the other for everybody
 * who does not know the order of the group, and a proof π = x^⌊2^T/ℓ⌋ for a prime ℓ that is hashed from the
 * question and y. The verifier checks π^ℓ · x^(2^T mod ℓ) = y: two short exponentiations.
 *
 * The prover keeps every `spacing`th power of the chain and folds them by digits of ⌊2^T/ℓ⌋ (the block method), so
 * that the proof costs about a fifth as many multiplications as the delay squarings, and about 1,024 elements of
 * memory.
 * Invariant: x binds the group, T and the input; ℓ binds all of that and y.
 * Source: Wesolowski 2019, §4.1 and algorithm 5.
 */

import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { numberKernel, plainModPow } from "../numbers/index.ts";
import { vdfErrors } from "./errors.ts";
import { decodeElement, elementOf, encodeElement, hashToElement, rsa2048, type VdfGroup } from "./group.ts";
import { hashToPrime } from "./prime.ts";

/** The most squarings: at a million a second, twelve days. */
export const maxIterations = 2 ** 40;
const maxCheckpoints = 1024;
/** Runs of squarings that one call of the kernel does; what a call costs beside them is paid once. */
const minSpacing = 1024;
const maxRun = 65_536;
const maxDigitBits = 14;
/** Of the whole work, roughly: progress only. */
const evaluateShare = 0.8;

export interface VdfResult {
  /** The element y: 256 bytes. */
  readonly output: Uint8Array;
  /** The element π: 256 bytes. */
  readonly proof: Uint8Array;
}

export interface VdfStatement extends VdfResult {
  /** What was delayed: any bytes, normally a hash. */
  readonly input: Uint8Array;
  /** T, the number of squarings, from 1 to 2^40. */
  readonly iterations: number;
}

function question(group: VdfGroup, input: Uint8Array, iterations: number): Uint8Array {
  const head = utf8Bytes(`holdfast vdf 1\n${group.id}\n`);
  return sha256(concatBytes(head, bigEndian(iterations, 8), sha256(input)));
}

/** The element x that is squared: nobody can choose it. */
export function vdfBase(input: Uint8Array, iterations: number, group: VdfGroup = rsa2048): bigint {
  return hashToElement(group, question(group, input, iterations));
}

function primeOf(group: VdfGroup, asked: Uint8Array, y: bigint): bigint {
  return hashToPrime(concatBytes(asked, encodeElement(group, y)));
}

/** How the chain is kept and ⌊2^T/ℓ⌋ cut into digits: `spacing` is a multiple of `digitBits`. */
interface Plan {
  readonly digitBits: number;
  readonly spacing: number;
}

function planOf(iterations: number): Plan {
  const wanted = Math.max(Math.min(iterations, minSpacing), Math.ceil(iterations / maxCheckpoints));
  const cost = (bits: number): number => (iterations + wanted * 2 ** (bits + 1)) / bits;
  let digitBits = 1;
  while (digitBits < maxDigitBits && cost(digitBits + 1) < cost(digitBits)) digitBits += 1;
  return { digitBits, spacing: Math.ceil(wanted / digitBits) * digitBits };
}

/** x^(2^count) in runs of the kernel. */
function* square(modulus: bigint, x: bigint, count: number): Generator<number, bigint, void> {
  let power = x;
  for (let done = 0; done < count; ) {
    const run = Math.min(maxRun, count - done);
    power = numberKernel.modPow(power, 1n << BigInt(run), modulus);
    done += run;
    yield done;
  }
  return power;
}

/**
 * The delay and its proof, as steps: yields the share that is done. `input` may be any bytes.
 * Throws vdf/bad-iterations.
 */
export function* evaluateVdfSteps(
  input: Uint8Array,
  iterations: number,
  group: VdfGroup = rsa2048,
): Generator<number, VdfResult, void> {
  if (!(Number.isInteger(iterations) && iterations >= 1 && iterations <= maxIterations)) {
    throw vdfErrors.badIterations({ iterations, max: maxIterations });
  }
  const { modulus } = group;
  const plan = planOf(iterations);
  const asked = question(group, input, iterations);
  let power = hashToElement(group, asked);
  const checkpoints: bigint[] = [];
  for (let done = 0; done < iterations; done += plan.spacing) {
    checkpoints.push(power);
    const chain = square(modulus, power, Math.min(plan.spacing, iterations - done));
    for (let step = chain.next(); ; step = chain.next()) {
      if (step.done === true) {
        power = step.value;
        break;
      }
      yield (evaluateShare * (done + step.value)) / iterations;
    }
  }
  const y = elementOf(group, power);
  const proof = yield* foldSteps(modulus, checkpoints, plan, iterations, primeOf(group, asked, y));
  yield 1;
  return { output: encodeElement(group, y), proof: encodeElement(group, elementOf(group, proof)) };
}

/** x^⌊2^T/ℓ⌋ from the kept powers C_k = x^(2^(k·spacing)). */
function* foldSteps(
  modulus: bigint,
  checkpoints: readonly bigint[],
  { digitBits, spacing }: Plan,
  iterations: number,
  prime: bigint,
): Generator<number, bigint, void> {
  const digitsPerCheckpoint = spacing / digitBits;
  const base = 1n << BigInt(digitBits);
  /** Digit number i of ⌊2^T/ℓ⌋ in base 2^digitBits. */
  const digit = (i: number): number => {
    const exponent = iterations - digitBits * (i + 1);
    if (exponent < 0) return 0; // ℓ has 256 bits: the top digits are zero
    return Number((base * plainModPow(2n, BigInt(exponent), prime)) / prime);
  };
  let result = 1n;
  for (let place = digitsPerCheckpoint - 1; place >= 0; place -= 1) {
    const buckets = new Map<number, bigint>();
    for (const [k, power] of checkpoints.entries()) {
      const value = digit(k * digitsPerCheckpoint + place);
      if (value > 0) buckets.set(value, ((buckets.get(value) ?? 1n) * power) % modulus);
    }
    for (let i = 0; i < digitBits; i += 1) result = (result * result) % modulus;
    result = (result * weighed(modulus, buckets)) % modulus;
    yield 1 - ((1 - evaluateShare) * place) / digitsPerCheckpoint;
  }
  return result;
}

/** The product of each bucket to the power of its number, by running products. */
function weighed(modulus: bigint, buckets: ReadonlyMap<number, bigint>): bigint {
  let running = 1n;
  let product = 1n;
  for (let value = Math.max(0, ...buckets.keys()); value > 0; value -= 1) {
    const bucket = buckets.get(value);
    if (bucket !== undefined) running = (running * bucket) % modulus;
    product = (product * running) % modulus;
  }
  return product;
}

/** The delay and its proof at one go. Throws vdf/bad-iterations. */
export function evaluateVdf(input: Uint8Array, iterations: number, group: VdfGroup = rsa2048): VdfResult {
  const steps = evaluateVdfSteps(input, iterations, group);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Whether `output` is the input after that many squarings. Two exponentiations of 256 bits, whatever the delay.
 * Never throws: whatever is malformed is `false`.
 */
export function verifyVdf(statement: VdfStatement, group: VdfGroup = rsa2048): boolean {
  const { input, iterations, output, proof } = statement;
  if (!(Number.isInteger(iterations) && iterations >= 1 && iterations <= maxIterations)) return false;
  const y = decodeElement(group, output);
  const pi = decodeElement(group, proof);
  if (y === undefined || pi === undefined) return false;
  const { modulus } = group;
  const asked = question(group, input, iterations);
  const prime = primeOf(group, asked, y);
  const rest = plainModPow(2n, BigInt(iterations), prime);
  const left =
    numberKernel.modPow(pi, prime, modulus) * numberKernel.modPow(hashToElement(group, asked), rest, modulus);
  return elementOf(group, left) === y;
}
