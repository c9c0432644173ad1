/**
 * Phase 2, for one circuit: each contributor multiplies δ by a factor and divides the points that are over δ by it.
 * The first phase makes the key sound for anybody who trusts one of its contributors; the second does the same for
 * what is particular to the circuit.
 *
 * Source: Bowe, Gabizon and Miers 2017 §6.
 */
import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { curveKernel, g1Bytes } from "../../curve/index.ts";
import { frBytes, frInvert, frToBytes } from "../../field/index.ts";
import type { R1cs } from "../../r1cs/index.ts";
import { encodeProvingKey, type ProvingKey } from "../proving-key.ts";
import { deriveCircuitKey } from "./circuit-key.ts";
import {
  assertCanContribute,
  type Beacon,
  beaconFactors,
  type Contribution,
  circuitPhase,
  contextOf,
  contributionHash,
  secretFactors,
} from "./contribution.ts";
import { ceremonyErrors } from "./errors.ts";
import { type PowersOfTau, powersHash } from "./powers.ts";
import { shareOf } from "./share.ts";

/** Everything that was contributed, from which anybody can check a proving key. */
export interface Transcript {
  readonly phase1: PowersOfTau;
  /** `r1csDigest` of the circuit. */
  readonly circuitDigest: Uint8Array;
  /** SHA-256 of the `.params` file with which phase 2 began. */
  readonly initialDigest: Uint8Array;
  readonly contributions: readonly Contribution[];
}

/** The second phase: what was contributed and the key after it. */
export interface CircuitCeremony {
  readonly transcript: Transcript;
  readonly provingKey: ProvingKey;
}

export function keyDigest(key: ProvingKey): Uint8Array {
  return sha256(encodeProvingKey(key));
}

/** What the first record of phase 2 names as the hash before it. */
export function circuitBeginning({ phase1, circuitDigest, initialDigest }: Transcript): Uint8Array {
  const label = utf8Bytes("holdfast circuit phase 1\n");
  const contributions = bigEndian(phase1.contributions.length, 4);
  return sha256(concatBytes(label, contributions, powersHash(phase1), circuitDigest, initialDigest));
}

/** The hash of the last contribution: what a contributor publishes. */
export function circuitHash(transcript: Transcript): Uint8Array {
  const last = transcript.contributions.at(-1);
  return last === undefined ? circuitBeginning(transcript) : contributionHash(circuitPhase, last);
}

/** Begins phase 2 from a first phase that the caller has verified. Throws ceremony/too-small. */
export function newCircuitCeremony(phase1: PowersOfTau, r1cs: R1cs): CircuitCeremony {
  const provingKey = deriveCircuitKey(phase1.powers, r1cs);
  const { circuitDigest } = provingKey;
  const transcript = { phase1, circuitDigest, initialDigest: keyDigest(provingKey), contributions: [] };
  return { transcript, provingKey };
}

/**
 * Multiplies in the factor of a contributor, hashed from at least 32 bytes of entropy that nobody else ever sees.
 * Throws groth16/short-entropy and, as all of them, ceremony/bad-name, ceremony/closed, ceremony/full,
 * ceremony/bad-points.
 */
export function contributeToCircuit(
  ceremony: CircuitCeremony,
  name: string,
  entropy: Uint8Array,
): CircuitCeremony {
  return addContribution(ceremony, name, null, (context) => secretFactors(circuitPhase, context, entropy));
}

/** Multiplies in the factor of a public beacon and ends the phase. Throws also ceremony/bad-beacon. */
export function beaconToCircuit(ceremony: CircuitCeremony, name: string, beacon: Beacon): CircuitCeremony {
  return addContribution(ceremony, name, beacon, (context) => beaconFactors(circuitPhase, context, beacon));
}

function addContribution(
  { transcript, provingKey }: CircuitCeremony,
  name: string,
  beacon: Beacon | null,
  factorsIn: (context: Uint8Array) => bigint[],
): CircuitCeremony {
  assertCanContribute(circuitPhase, transcript.contributions, name, beacon);
  const { deltaG1, verifyingKey, l, h } = provingKey;
  const bad = [deltaG1, l, h].some((points) => curveKernel.firstBadG1(points) !== -1);
  if (bad || curveKernel.firstBadG2(verifyingKey.deltaG2) !== -1) {
    throw ceremonyErrors.badPoints({ what: "the proving key" });
  }
  const previous = circuitHash(transcript);
  const context = contextOf(circuitPhase, previous, name, beacon);
  const [factor = 1n] = factorsIn(context);
  const key = multiplyDelta(provingKey, factor);
  const contribution: Contribution = {
    name,
    beacon,
    previous,
    shares: [shareOf(factor, context, "delta")],
    values: [key.deltaG1],
    stateDigest: keyDigest(key),
  };
  const contributions = [...transcript.contributions, contribution];
  return { transcript: { ...transcript, contributions }, provingKey: key };
}

function multiplyDelta(key: ProvingKey, factor: bigint): ProvingKey {
  const scalar = frToBytes(factor);
  const inverse = frToBytes(frInvert(factor));
  const divided = (points: Uint8Array): Uint8Array => {
    const scalars = new Uint8Array((points.length / g1Bytes) * frBytes);
    for (let at = 0; at < scalars.length; at += frBytes) scalars.set(inverse, at);
    return curveKernel.scaleG1(points, scalars);
  };
  const deltaG2 = curveKernel.msmG2(key.verifyingKey.deltaG2, scalar);
  return {
    ...key,
    verifyingKey: { ...key.verifyingKey, deltaG2 },
    deltaG1: curveKernel.msmG1(key.deltaG1, scalar),
    l: divided(key.l),
    h: divided(key.h),
  };
}
