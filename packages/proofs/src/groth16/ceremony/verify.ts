/**
 * Verifying a ceremony: the chain of contributions of each phase, then that the values at its end are those of the
 * powers and of the key. Contributions before the last leave their shares and values only, which suffices: the
 * powers are determined by τ, α and β, and these are followed from the generators through every contribution.
 *
 * Invariant: files of strangers never throw here; the verdict names the step and the fault.
 * Sources: Bowe, Gabizon and Miers 2017; random linear combinations for runs of points.
 */
import { concatBytes, equalBytes, sha256 } from "@holdfast/base";
import { curveKernel, g1Bytes } from "../../curve/index.ts";
import { type R1cs, r1csDigest } from "../../r1cs/index.ts";
import { areTwins } from "../check-key.ts";
import { coefficientsFrom } from "../combine.ts";
import { generatorG1, generatorG2, minusGeneratorLines } from "../generators.ts";
import { isGtOne, linesOf, pairingProduct } from "../pairing.ts";
import { isInfinite } from "../points.ts";
import { countsOf, type ProvingKey } from "../proving-key.ts";
import { domainSizeOf } from "../qap.ts";
import { circuitBeginning, keyDigest, type Transcript } from "./circuit.ts";
import { deriveCircuitKey } from "./circuit-key.ts";
import {
  beaconFactors,
  type Contribution,
  circuitPhase,
  contextOf,
  contributionHash,
  type Phase,
  powersPhase,
} from "./contribution.ts";
import {
  arePoints,
  type Powers,
  type PowersOfTau,
  powersBeginning,
  powersDigest,
  powersLengths,
  powersParts,
  powersValues,
} from "./powers.ts";
import { haveRatio, isKnown, openShare, shareOf } from "./share.ts";
import { type CeremonyVerdict, StepList, verdictOf } from "./verdict.ts";

/** Follows the chain of one phase; true if every contribution holds. */
function followChain(
  phase: Phase,
  contributions: readonly Contribution[],
  beginning: Uint8Array,
  steps: StepList,
): boolean {
  // A beacon is public: with nobody's secret in it, a phase could be computed by everybody.
  const some = { check: "somebody contributed a secret" };
  const secret = contributions.some(({ beacon }) => beacon === null);
  if (!steps.check(some, "ceremony/no-contribution", secret)) return false;
  let previous = beginning;
  let before = phase.roles.map(() => generatorG1);
  for (const [index, contribution] of contributions.entries()) {
    const of = { contribution: index, name: contribution.name };
    const chained = equalBytes(contribution.previous, previous);
    if (!steps.check({ ...of, check: "follows the one before" }, "ceremony/broken-chain", chained))
      return false;
    const open = !contributions[index - 1]?.beacon;
    if (!steps.check({ ...of, check: "the phase was open" }, "ceremony/after-beacon", open)) return false;
    if (!checkShares(phase, contribution, before, { of, steps })) return false;
    before = [...contribution.values];
    previous = contributionHash(phase, contribution);
  }
  return true;
}

function checkShares(
  phase: Phase,
  contribution: Contribution,
  before: readonly Uint8Array[],
  { of, steps }: { of: { contribution: number; name: string }; steps: StepList },
): boolean {
  const { name, beacon, previous, shares, values } = contribution;
  const context = contextOf(phase, previous, name, beacon);
  if (beacon !== null) {
    const expected = beaconFactors(phase, context, beacon).map((x, i) =>
      shareOf(x, context, phase.roles[i] ?? ""),
    );
    const same = expected.every((share, i) => equalBytes(share.key, shares[i]?.key ?? new Uint8Array(0)));
    const what = { ...of, check: `is the beacon after ${beacon.iterations} iterations` };
    if (!steps.check(what, "ceremony/bad-beacon", same)) return false;
  }
  return phase.roles.every((role, i) => {
    const [share, from, to] = [shares[i], before[i], values[i]];
    if (share === undefined || from === undefined || to === undefined) return false;
    const opened = openShare(share, context, role);
    const known = { ...of, check: `the contributor knew the factor of ${role}` };
    if (!steps.check(known, "ceremony/bad-proof-of-knowledge", isKnown(opened))) return false;
    const multiplied = { ...of, check: `${role} was multiplied by this factor` };
    return steps.check(multiplied, "ceremony/bad-ratio", haveRatio(from, to, opened));
  });
}

/** Whether pointᵢ₊₁ = t·pointᵢ in G1 for all i, for the t of t·G₂, up to 2^−128. */
function isGeometricG1(points: Uint8Array, tG2: Uint8Array, seed: Uint8Array): boolean {
  const coefficients = coefficientsFrom(seed, points.length / g1Bytes - 1);
  const product = pairingProduct([
    { g1: curveKernel.msmG1(points.subarray(g1Bytes), coefficients), lines: minusGeneratorLines() },
    { g1: curveKernel.msmG1(points.subarray(0, points.length - g1Bytes), coefficients), lines: linesOf(tG2) },
  ]);
  return isGtOne(product);
}

/** The same in G2, for the t of t·G. */
function isGeometricG2(points: Uint8Array, tG1: Uint8Array, seed: Uint8Array): boolean {
  const unit = 2 * g1Bytes;
  const coefficients = coefficientsFrom(seed, points.length / unit - 1);
  const product = pairingProduct([
    { g1: generatorG1, lines: linesOf(curveKernel.msmG2(points.subarray(unit), coefficients), -1) },
    { g1: tG1, lines: linesOf(curveKernel.msmG2(points.subarray(0, points.length - unit), coefficients)) },
  ]);
  return isGtOne(product);
}

/** Whether the powers are those of the τ, α and β that they begin with. */
function arePowers(powers: Powers): boolean {
  const { tauG1, tauG2, alphaTauG1, betaTauG1, betaG2 } = powers;
  const [tau, alpha, beta] = powersValues(powers);
  if (tau === undefined || alpha === undefined || beta === undefined) return false;
  if ([tau, alpha, beta].some(isInfinite)) return false;
  if (!equalBytes(tauG1.subarray(0, g1Bytes), generatorG1)) return false;
  if (!equalBytes(tauG2.subarray(0, 2 * g1Bytes), generatorG2)) return false;
  const tauTwin = tauG2.subarray(2 * g1Bytes, 4 * g1Bytes);
  const seed = powersDigest(powers);
  return (
    areTwins(tau, tauTwin) &&
    areTwins(beta, betaG2) &&
    isGeometricG1(tauG1, tauTwin, sha256(concatBytes(seed, new Uint8Array([1])))) &&
    isGeometricG1(alphaTauG1, tauTwin, sha256(concatBytes(seed, new Uint8Array([2])))) &&
    isGeometricG1(betaTauG1, tauTwin, sha256(concatBytes(seed, new Uint8Array([3])))) &&
    isGeometricG2(tauG2, tau, sha256(concatBytes(seed, new Uint8Array([4]))))
  );
}

function hasLengths(powers: Powers): boolean {
  const lengths = powersLengths(powers.logSize);
  return powersParts(powers).every((part, i) => part.length === lengths[i]);
}

function checkPowers({ powers, contributions }: PowersOfTau, steps: StepList): boolean {
  const sized = { check: "the powers have their lengths" };
  if (!steps.check(sized, "ceremony/bad-powers", hasLengths(powers))) return false;
  if (!followChain(powersPhase, contributions, powersBeginning(powers.logSize), steps)) return false;
  const last = contributions.at(-1);
  const digest = powersDigest(powers);
  const values = powersValues(powers);
  const state =
    last !== undefined &&
    equalBytes(last.stateDigest, digest) &&
    last.values.every((value, i) => equalBytes(value, values[i] ?? digest));
  const handed = { check: "the powers are those that the last contributor handed on" };
  if (!steps.check(handed, "ceremony/wrong-state", state)) return false;
  if (!steps.check({ check: "all powers are points" }, "ceremony/bad-points", arePoints(powers)))
    return false;
  return steps.check({ check: "the powers are powers" }, "ceremony/bad-powers", arePowers(powers));
}

/** The verdict on a first phase. */
export function verifyPowersOfTau(phase1: PowersOfTau): CeremonyVerdict {
  const steps = new StepList(1);
  checkPowers(phase1, steps);
  return verdictOf(steps);
}

/**
 * Whether `after` is `before` with one more contribution, by the chain alone: what a coordinator asks of a file that
 * comes back, beside its verdict.
 */
export function continuesPowers(before: PowersOfTau, after: PowersOfTau): boolean {
  return before.powers.logSize === after.powers.logSize && continues(powersPhase, before, after);
}

/** The same for phase 2. */
export function continuesCircuit(before: Transcript, after: Transcript): boolean {
  const sameStart = equalBytes(circuitBeginning(before), circuitBeginning(after));
  return sameStart && continues(circuitPhase, before, after);
}

function continues(
  phase: Phase,
  before: { contributions: readonly Contribution[] },
  after: { contributions: readonly Contribution[] },
): boolean {
  const kept = before.contributions.every((contribution, i) => {
    const other = after.contributions[i];
    if (other === undefined) return false;
    return equalBytes(contributionHash(phase, contribution), contributionHash(phase, other));
  });
  return kept && after.contributions.length === before.contributions.length + 1;
}

/** Whether a key is the derived one except for δ, and what is over δ was divided by it. */
function isDerivedKey(derived: ProvingKey, key: ProvingKey): boolean {
  const same = (["betaG1", "a", "bG1", "bG2", "circuitDigest"] as const).every((part) =>
    equalBytes(derived[part], key[part]),
  );
  const vk = (["alphaG1", "betaG2", "gammaG2", "ic"] as const).every((part) =>
    equalBytes(derived.verifyingKey[part], key.verifyingKey[part]),
  );
  const sizes = derived.domainSize === key.domainSize && derived.variableCount === key.variableCount;
  return same && vk && sizes && derived.l.length === key.l.length && derived.h.length === key.h.length;
}

function isDivided(derived: ProvingKey, key: ProvingKey): boolean {
  const [from, to] = [concatBytes(derived.l, derived.h), concatBytes(key.l, key.h)];
  const coefficients = coefficientsFrom(
    sha256(concatBytes(sha256(from), keyDigest(key))),
    from.length / g1Bytes,
  );
  const product = pairingProduct([
    { g1: curveKernel.msmG1(from, coefficients), lines: minusGeneratorLines() },
    { g1: curveKernel.msmG1(to, coefficients), lines: linesOf(key.verifyingKey.deltaG2) },
  ]);
  return isGtOne(product);
}

/** Whether the key is the one that the last record of phase 2 names. */
function isHandedOn({ contributions }: Transcript, key: ProvingKey): boolean {
  const last = contributions.at(-1);
  const delta = last?.values[0];
  if (last === undefined || delta === undefined || countsOf(key) === undefined) return false;
  return equalBytes(delta, key.deltaG1) && equalBytes(last.stateDigest, keyDigest(key));
}

function checkKey(r1cs: R1cs, transcript: Transcript, key: ProvingKey, steps: StepList): boolean {
  if (!followChain(circuitPhase, transcript.contributions, circuitBeginning(transcript), steps)) return false;
  const state = { check: "the key is the one that the last contributor handed on" };
  if (!steps.check(state, "ceremony/wrong-state", isHandedOn(transcript, key))) return false;
  const { deltaG1, verifyingKey: vk, l, h } = key;
  const points = [deltaG1, l, h].every((run) => curveKernel.firstBadG1(run) === -1);
  const fine = points && curveKernel.firstBadG2(vk.deltaG2) === -1 && !isInfinite(deltaG1);
  if (!steps.check({ check: "delta and what is over it are points" }, "ceremony/bad-points", fine))
    return false;
  const derived = deriveCircuitKey(transcript.phase1.powers, r1cs);
  const began = equalBytes(keyDigest(derived), transcript.initialDigest);
  const first = { check: "phase 2 began with the key that follows from phase 1" };
  if (!steps.check(first, "ceremony/bad-derivation", began)) return false;
  const kept = { check: "everything but delta is as it was derived" };
  if (!steps.check(kept, "ceremony/bad-key", isDerivedKey(derived, key))) return false;
  const divided = areTwins(deltaG1, vk.deltaG2) && isDivided(derived, key);
  return steps.check({ check: "what is over delta was divided by it" }, "ceremony/bad-key", divided);
}

/**
 * The verdict on a whole ceremony: that this proving key is the one of these constraints to which exactly these
 * contributors contributed. Costs about as much as making the key.
 */
export function verifyTranscript(
  r1cs: R1cs,
  transcript: Transcript,
  provingKey: ProvingKey,
): CeremonyVerdict {
  const [first, second] = [new StepList(1), new StepList(2)];
  if (!checkPowers(transcript.phase1, first)) return verdictOf(first);
  const circuit = equalBytes(r1csDigest(r1cs), transcript.circuitDigest);
  const same = { check: "the transcript is of these constraints" };
  if (!second.check(same, "ceremony/other-circuit", circuit)) return verdictOf(first, second);
  const enough = domainSizeOf(r1cs) <= 2 ** transcript.phase1.powers.logSize;
  const sized = { check: "the powers suffice for the circuit" };
  if (second.check(sized, "ceremony/too-small", enough)) checkKey(r1cs, transcript, provingKey, second);
  return verdictOf(first, second);
}
