/**
 * Phase 1, the powers of tau, for every circuit up to a size: τⁱ in both groups, ατⁱ and βτⁱ in G1, β in G2. Each
 * contributor multiplies τ, α and β by factors of their own; as long as one of them forgets theirs, nobody knows
 * the products.
 *
 * Source: Bowe, Gabizon and Miers 2017, as carried out in the public powers-of-tau ceremonies.
 */
import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { curveCalls, curveKernel, g1Bytes, g2Bytes } from "../../curve/index.ts";
import { frModulus, frsToBytes } from "../../field/index.ts";
import { generatorG1, generatorG2 } from "../generators.ts";
import {
  assertCanContribute,
  type Beacon,
  beaconFactors,
  type Contribution,
  contextOf,
  contributionHash,
  powersPhase,
  secretFactors,
} from "./contribution.ts";
import { ceremonyErrors } from "./errors.ts";
import { shareOf } from "./share.ts";

/** Uncompressed points; n = 2^logSize. */
export interface Powers {
  readonly logSize: number;
  /** τⁱ·G, i < 2n − 1. */
  readonly tauG1: Uint8Array;
  /** τⁱ·G₂, i < n. */
  readonly tauG2: Uint8Array;
  /** ατⁱ·G, i < n. */
  readonly alphaTauG1: Uint8Array;
  /** βτⁱ·G, i < n. */
  readonly betaTauG1: Uint8Array;
  /** β·G₂. */
  readonly betaG2: Uint8Array;
}

/** The powers after all contributions, and the contributions. */
export interface PowersOfTau {
  readonly powers: Powers;
  readonly contributions: readonly Contribution[];
}

export const minLogSize = 1;
export const maxLogSize = 28;

function repeated(point: Uint8Array, count: number): Uint8Array {
  const points = new Uint8Array(point.length * count);
  for (let i = 0; i < count; i += 1) points.set(point, i * point.length);
  return points;
}

/** Lengths of the parts, in the order of files and digests. */
export function powersLengths(logSize: number): readonly [number, number, number, number, number] {
  const n = 2 ** logSize;
  return [(2 * n - 1) * g1Bytes, n * g2Bytes, n * g1Bytes, n * g1Bytes, g2Bytes];
}

export function powersParts(powers: Powers): Uint8Array[] {
  const { tauG1, tauG2, alphaTauG1, betaTauG1, betaG2 } = powers;
  return [tauG1, tauG2, alphaTauG1, betaTauG1, betaG2];
}

export function powersDigest(powers: Powers): Uint8Array {
  return sha256(concatBytes(...powersParts(powers)));
}

/** What the first record of phase 1 names as the hash before it. */
export function powersBeginning(logSize: number): Uint8Array {
  return sha256(concatBytes(utf8Bytes("holdfast powers of tau 1\n"), bigEndian(logSize, 4)));
}

/** A first phase for circuits of up to 2^logSize rows, to which nobody has contributed. Throws ceremony/bad-size. */
export function newPowersOfTau(logSize: number): PowersOfTau {
  if (!Number.isInteger(logSize) || logSize < minLogSize || logSize > maxLogSize) {
    throw ceremonyErrors.badSize({ logSize, min: minLogSize, max: maxLogSize });
  }
  const n = 2 ** logSize;
  const powers = {
    logSize,
    tauG1: repeated(generatorG1, 2 * n - 1),
    tauG2: repeated(generatorG2, n),
    alphaTauG1: repeated(generatorG1, n),
    betaTauG1: repeated(generatorG1, n),
    betaG2: generatorG2,
  };
  return { powers, contributions: [] };
}

/** The hash of the last contribution: what a contributor publishes. */
export function powersHash({ powers, contributions }: PowersOfTau): Uint8Array {
  const last = contributions.at(-1);
  return last === undefined ? powersBeginning(powers.logSize) : contributionHash(powersPhase, last);
}

/**
 * Multiplies in the factors of a contributor, hashed from at least 32 bytes of entropy that nobody else ever sees.
 * Throws groth16/short-entropy and, as all of them, ceremony/bad-name, ceremony/closed, ceremony/full,
 * ceremony/bad-points (multiplying foreign bytes that are no points would leak the factors).
 */
export function contributeToPowers(state: PowersOfTau, name: string, entropy: Uint8Array): PowersOfTau {
  return addContribution(state, name, null, (context) => secretFactors(powersPhase, context, entropy));
}

/** Multiplies in the factors of a public beacon and ends the phase. Throws also ceremony/bad-beacon. */
export function beaconToPowers(state: PowersOfTau, name: string, beacon: Beacon): PowersOfTau {
  return addContribution(state, name, beacon, (context) => beaconFactors(powersPhase, context, beacon));
}

function addContribution(
  state: PowersOfTau,
  name: string,
  beacon: Beacon | null,
  factorsIn: (context: Uint8Array) => bigint[],
): PowersOfTau {
  assertCanContribute(powersPhase, state.contributions, name, beacon);
  if (!arePoints(state.powers)) throw ceremonyErrors.badPoints({ what: "the state of the ceremony" });
  const previous = powersHash(state);
  const context = contextOf(powersPhase, previous, name, beacon);
  const factors = factorsIn(context);
  const powers = multiply(state.powers, factors);
  const contribution: Contribution = {
    name,
    beacon,
    previous,
    shares: factors.map((factor, i) => shareOf(factor, context, powersPhase.roles[i] ?? "")),
    values: powersValues(powers),
    stateDigest: powersDigest(powers),
  };
  return { powers, contributions: [...state.contributions, contribution] };
}

/** τ, α and β in G1. */
export function powersValues({ tauG1, alphaTauG1, betaTauG1 }: Powers): Uint8Array[] {
  return [tauG1.slice(g1Bytes, 2 * g1Bytes), alphaTauG1.slice(0, g1Bytes), betaTauG1.slice(0, g1Bytes)];
}

/** Whether every byte of the powers belongs to a point of its subgroup. */
export function arePoints({ tauG1, tauG2, alphaTauG1, betaTauG1, betaG2 }: Powers): boolean {
  const inG1 = [tauG1, alphaTauG1, betaTauG1].every((points) => curveKernel.firstBadG1(points) === -1);
  return inG1 && curveKernel.firstBadG2(tauG2) === -1 && curveKernel.firstBadG2(betaG2) === -1;
}

/** factor·baseⁱ for i < count, as scalars. */
function geometric(factor: bigint, base: bigint, count: number): Uint8Array {
  const values: bigint[] = [];
  for (let value = factor; values.length < count; value = (value * base) % frModulus) values.push(value);
  return frsToBytes(values);
}

function multiply(powers: Powers, [tau = 1n, alpha = 1n, beta = 1n]: readonly bigint[]): Powers {
  const n = 2 ** powers.logSize;
  const scalars = geometric(1n, tau, 2 * n - 1);
  const [tauG2, tauG1, alphaTauG1, betaTauG1] = curveCalls([
    { call: "scaleG2", args: [powers.tauG2, scalars.subarray(0, 32 * n)] },
    { call: "scaleG1", args: [powers.tauG1, scalars] },
    { call: "scaleG1", args: [powers.alphaTauG1, geometric(alpha, tau, n)] },
    { call: "scaleG1", args: [powers.betaTauG1, geometric(beta, tau, n)] },
  ]) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const betaG2 = curveKernel.msmG2(powers.betaG2, frsToBytes([beta]));
  return { logSize: powers.logSize, tauG1, tauG2, alphaTauG1, betaTauG1, betaG2 };
}
