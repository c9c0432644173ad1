/**
 * A contribution as a record in a hash chain. Both phases have the same record with other roles: phase 1 multiplies
 * tau, alpha and beta, phase 2 delta. A record holds the shares, the public values in G1 after it, and the digest of
 * everything that the contributor handed on; its hash covers the hash before it.
 *
 * Invariant: a record has one encoding; its points are finite and in their subgroups.
 */
import { bigEndian, concatBytes, readBigEndian, sha256, utf8Bytes, utf8Text } from "@holdfast/base";
import {
  decodeG1Compressed,
  decodeG2Compressed,
  encodeG1Compressed,
  encodeG2Compressed,
} from "../../curve/index.ts";
import { assertEntropy, deriveScalar } from "../derive.ts";
import { ceremonyErrors } from "./errors.ts";
import type { Share } from "./share.ts";

/** A public value that nobody could foresee, hashed `iterations` times so that nobody could choose it either. */
export interface Beacon {
  /** 32 bytes. */
  readonly seed: Uint8Array;
  readonly iterations: number;
}

export interface Contribution {
  readonly name: string;
  /** The last contribution of a phase may be a beacon's, which everybody can recompute. */
  readonly beacon: Beacon | null;
  /** Hash of the record before, or of the phase's beginning. */
  readonly previous: Uint8Array;
  /** One for each role of the phase. */
  readonly shares: readonly Share[];
  /** The value of each role in G1 after this contribution: 96 bytes each. */
  readonly values: readonly Uint8Array[];
  /** SHA-256 of the powers (phase 1) or of the `.params` file (phase 2) after this contribution. */
  readonly stateDigest: Uint8Array;
}

export interface Phase {
  readonly number: 1 | 2;
  readonly roles: readonly string[];
}

export const powersPhase: Phase = { number: 1, roles: ["tau", "alpha", "beta"] };
export const circuitPhase: Phase = { number: 2, roles: ["delta"] };

export const maxContributions = 1_000;
/** Iterations of a beacon's hash, at most; about half a minute. */
export const maxBeaconIterations = 2 ** 24;

const nameForm = /^[^\p{C}"\\]{1,64}$/u;

/** Whether a text can be the name of a contribution: 1 to 64 printable characters, no quotes, no backslashes. */
export function isContributorName(name: string): boolean {
  return nameForm.test(name) && name.trim() === name;
}

const hashBytes = 32;

/** The bytes of a record; points are compressed. */
export function encodeContribution(contribution: Contribution): Uint8Array {
  const { name, beacon, previous, shares, values, stateDigest } = contribution;
  const text = utf8Bytes(name);
  return concatBytes(
    new Uint8Array([beacon === null ? 0 : 1]),
    bigEndian(text.length, 2),
    text,
    previous,
    ...shares.flatMap(({ key, proof }) => [encodeG1Compressed(key), encodeG2Compressed(proof)]),
    ...values.map(encodeG1Compressed),
    stateDigest,
    ...(beacon === null ? [] : [beacon.seed, bigEndian(beacon.iterations, 4)]),
  );
}

/** The hash that the next record names. */
export function contributionHash(phase: Phase, contribution: Contribution): Uint8Array {
  const label = utf8Bytes(`holdfast ceremony 1, phase ${phase.number}\n`);
  return sha256(concatBytes(label, encodeContribution(contribution)));
}

/** Reads one record at the front of `bytes`; undefined for anything but the encoding of one. */
export function decodeContribution(
  phase: Phase,
  bytes: Uint8Array,
): { readonly contribution: Contribution; readonly length: number } | undefined {
  let at = 0;
  const take = (length: number): Uint8Array | undefined => {
    at += length;
    return at <= bytes.length ? bytes.subarray(at - length, at) : undefined;
  };
  const kind = take(1)?.[0];
  const nameLength = take(2);
  if ((kind !== 0 && kind !== 1) || nameLength === undefined) return undefined;
  const name = nameOf(take(Number(readBigEndian(nameLength))));
  const previous = take(hashBytes)?.slice();
  const shares = phase.roles.map(() => shareFrom(take(48), take(96)));
  const values = phase.roles.map(() => pointFrom(take(48)));
  const stateDigest = take(hashBytes)?.slice();
  const beacon = kind === 0 ? null : beaconFrom(take(hashBytes), take(4));
  if (name === undefined || previous === undefined || stateDigest === undefined || beacon === undefined) {
    return undefined;
  }
  const soundShares = shares.filter((share) => share !== undefined);
  const soundValues = values.filter((value) => value !== undefined);
  if (soundShares.length + soundValues.length !== 2 * phase.roles.length) return undefined;
  const contribution = { name, beacon, previous, shares: soundShares, values: soundValues, stateDigest };
  return { contribution, length: at };
}

function nameOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    const name = utf8Text(bytes);
    return isContributorName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

function pointFrom(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : decodeG1Compressed(bytes, "refuseInfinity");
}

function shareFrom(keyBytes: Uint8Array | undefined, proofBytes: Uint8Array | undefined): Share | undefined {
  if (proofBytes === undefined) return undefined;
  const key = pointFrom(keyBytes);
  const proof = decodeG2Compressed(proofBytes, "refuseInfinity");
  return key === undefined || proof === undefined ? undefined : { key, proof };
}

function beaconFrom(seed: Uint8Array | undefined, count: Uint8Array | undefined): Beacon | undefined {
  if (seed === undefined || count === undefined) return undefined;
  const iterations = Number(readBigEndian(count));
  return iterations >= 1 && iterations <= maxBeaconIterations
    ? { seed: seed.slice(), iterations }
    : undefined;
}

/** What the shares of a contribution are bound to: the chain before, the name and the kind. */
export function contextOf(
  phase: Phase,
  previous: Uint8Array,
  name: string,
  beacon: Beacon | null,
): Uint8Array {
  const label = utf8Bytes(`holdfast ceremony share 1, phase ${phase.number}\n`);
  const text = utf8Bytes(name);
  const kind = new Uint8Array([beacon === null ? 0 : 1]);
  return sha256(concatBytes(label, previous, kind, bigEndian(text.length, 2), text));
}

/** The factors of a contributor, one for each role. Throws groth16/short-entropy, ceremony/bad-name. */
export function secretFactors(phase: Phase, context: Uint8Array, entropy: Uint8Array): bigint[] {
  assertEntropy(entropy);
  return phase.roles.map((role) => deriveScalar(`ceremony factor ${role}`, entropy, context));
}

/** The factors of a beacon, which everybody can compute. */
export function beaconFactors(phase: Phase, context: Uint8Array, { seed, iterations }: Beacon): bigint[] {
  let value = seed;
  for (let i = 0; i < iterations; i += 1) value = sha256(value);
  return phase.roles.map((role) => deriveScalar(`ceremony beacon ${role}`, value, context));
}

/** Throws ceremony/bad-name, ceremony/closed, ceremony/full, ceremony/bad-beacon. */
export function assertCanContribute(
  phase: Phase,
  contributions: readonly Contribution[],
  name: string,
  beacon: Beacon | null,
): void {
  if (!isContributorName(name)) throw ceremonyErrors.badName({ name: name.slice(0, 80) });
  if (contributions.at(-1)?.beacon) throw ceremonyErrors.closed({ phase: phase.number });
  if (contributions.length >= maxContributions) {
    throw ceremonyErrors.full({ contributions: contributions.length });
  }
  if (beacon === null) return;
  const { seed, iterations } = beacon;
  const fine = Number.isInteger(iterations) && iterations >= 1 && iterations <= maxBeaconIterations;
  if (seed.length === hashBytes && fine) return;
  const maxIterations = maxBeaconIterations;
  throw ceremonyErrors.badBeacon({ seedBytes: seed.length, iterations, maxIterations });
}
