/**
 * Proving keys and their file form `.params`: a header with magic, version, the digest of the constraints and all
 * counts, then uncompressed points in fixed order, so that the length of a file follows from its header and the
 * kernel works on the file's bytes without a copy.
 *
 * Invariant: a decoded key has exactly the lengths of its header and a sound verifying key; the many points of the
 * prover are checked by `checkProvingKey`, which costs about as much as a proof.
 */
import { bigEndian, concatBytes, equalBytes, readBigEndian, utf8Bytes } from "@holdfast/base";
import { g1Bytes, g2Bytes } from "../curve/index.ts";
import { groth16Errors } from "./errors.ts";
import { maxDomainSize } from "./qap.ts";
import { isSound, maxPublicInputs, type VerifyingKey } from "./verifying-key.ts";

/** All that `prove` needs. Points are uncompressed (96 bytes in G1, 192 in G2). */
export interface ProvingKey {
  /** `r1csDigest` of the circuit. */
  readonly circuitDigest: Uint8Array;
  readonly verifyingKey: VerifyingKey;
  readonly betaG1: Uint8Array;
  readonly deltaG1: Uint8Array;
  /** Rows of the circuit and its public inputs, rounded up to a power of two. */
  readonly domainSize: number;
  /** With ONE and the public inputs. */
  readonly variableCount: number;
  /** uᵢ(τ) for the variables with a column in A (public inputs always have one), ascending. */
  readonly a: Uint8Array;
  /** vᵢ(τ) for the variables with a column in B, ascending, in both groups. */
  readonly bG1: Uint8Array;
  readonly bG2: Uint8Array;
  /** (βuᵢ(τ) + αvᵢ(τ) + wᵢ(τ))/δ for each witness variable. */
  readonly l: Uint8Array;
  /** τⁱ(τⁿ − 1)/δ for i < domainSize − 1. */
  readonly h: Uint8Array;
}

const magic = utf8Bytes("HFPARAMS");
const version = 1;
const digestBytes = 32;
const countBytes = 5 * 4;
const headerBytes = magic.length + 4 + digestBytes + countBytes;
const maxVariables = 2 ** 31;

interface Counts {
  readonly publicCount: number;
  readonly variableCount: number;
  readonly domainSize: number;
  readonly aCount: number;
  readonly bCount: number;
}

/** The parts of a file behind its header, in order, each with its length in bytes. */
function lengthsOf({ publicCount, variableCount, domainSize, aCount, bCount }: Counts) {
  return {
    alphaG1: g1Bytes,
    betaG1: g1Bytes,
    deltaG1: g1Bytes,
    betaG2: g2Bytes,
    gammaG2: g2Bytes,
    deltaG2: g2Bytes,
    ic: (publicCount + 1) * g1Bytes,
    a: aCount * g1Bytes,
    bG1: bCount * g1Bytes,
    bG2: bCount * g2Bytes,
    l: (variableCount - publicCount - 1) * g1Bytes,
    h: (domainSize - 1) * g1Bytes,
  };
}

type PartName = keyof ReturnType<typeof lengthsOf>;
const partNames = Object.keys(
  lengthsOf({ publicCount: 0, variableCount: 1, domainSize: 2, aCount: 1, bCount: 0 }),
) as readonly PartName[];

function partOfKey(key: ProvingKey, name: PartName): Uint8Array {
  const { verifyingKey: vk } = key;
  return name in vk ? vk[name as keyof VerifyingKey] : key[name as Exclude<PartName, keyof VerifyingKey>];
}

/** The counts of a key, or undefined if its parts do not fit together. */
export function countsOf(key: ProvingKey): Counts | undefined {
  const counts: Counts = {
    publicCount: key.verifyingKey.ic.length / g1Bytes - 1,
    variableCount: key.variableCount,
    domainSize: key.domainSize,
    aCount: key.a.length / g1Bytes,
    bCount: key.bG1.length / g1Bytes,
  };
  if (!areSane(counts) || key.circuitDigest.length !== digestBytes) return undefined;
  const lengths = lengthsOf(counts);
  return partNames.every((name) => partOfKey(key, name).length === lengths[name]) ? counts : undefined;
}

function areSane({ publicCount, variableCount, domainSize, aCount, bCount }: Counts): boolean {
  const whole = [publicCount, variableCount, domainSize, aCount, bCount].every(Number.isSafeInteger);
  const powerOfTwo = domainSize >= 2 && domainSize <= maxDomainSize && (domainSize & (domainSize - 1)) === 0;
  const fewPublic = publicCount >= 0 && publicCount <= maxPublicInputs && publicCount < domainSize;
  const variables = variableCount > publicCount && variableCount <= maxVariables;
  const support = aCount > publicCount && aCount <= variableCount && bCount >= 0 && bCount <= variableCount;
  return whole && powerOfTwo && fewPublic && variables && support;
}

/** The bytes of a `.params` file. Throws groth16/bad-key if the parts do not fit together. */
export function encodeProvingKey(key: ProvingKey): Uint8Array {
  const counts = countsOf(key);
  if (counts === undefined)
    throw groth16Errors.badKey({ part: "its parts have other lengths than its counts say" });
  const { publicCount, variableCount, domainSize, aCount, bCount } = counts;
  const numbers = [publicCount, variableCount, domainSize, aCount, bCount];
  return concatBytes(
    magic,
    bigEndian(version, 4),
    key.circuitDigest,
    ...numbers.map((number) => bigEndian(number, 4)),
    ...partNames.map((name) => partOfKey(key, name)),
  );
}

/**
 * The key of a `.params` file, as views into these bytes, or undefined: another magic or version, counts that no
 * circuit has, a length that is not exactly what the counts say, or an unsound verifying key.
 */
export function decodeProvingKey(bytes: Uint8Array): ProvingKey | undefined {
  if (bytes.length < headerBytes || !equalBytes(bytes.subarray(0, magic.length), magic)) return undefined;
  const numberAt = (at: number): number => Number(readBigEndian(bytes.subarray(at, at + 4)));
  if (numberAt(magic.length) !== version) return undefined;
  const digestAt = magic.length + 4;
  const countAt = (index: number): number => numberAt(digestAt + digestBytes + 4 * index);
  const counts: Counts = {
    publicCount: countAt(0),
    variableCount: countAt(1),
    domainSize: countAt(2),
    aCount: countAt(3),
    bCount: countAt(4),
  };
  if (!areSane(counts)) return undefined;
  const parts = splitParts(bytes.subarray(headerBytes), lengthsOf(counts));
  if (parts === undefined) return undefined;
  const { alphaG1, betaG2, gammaG2, deltaG2, ic, ...rest } = parts;
  const { variableCount, domainSize } = counts;
  const circuitDigest = bytes.slice(digestAt, digestAt + digestBytes);
  const verifyingKey = { alphaG1, betaG2, gammaG2, deltaG2, ic };
  const key = { circuitDigest, verifyingKey, variableCount, domainSize, ...rest };
  return isSound(verifyingKey) ? key : undefined;
}

function splitParts(
  bytes: Uint8Array,
  lengths: Readonly<Record<PartName, number>>,
): Record<PartName, Uint8Array> | undefined {
  const total = partNames.reduce((sum, name) => sum + lengths[name], 0);
  if (bytes.length !== total) return undefined;
  let at = 0;
  const entries = partNames.map((name) => {
    const from = at;
    at += lengths[name];
    return [name, bytes.subarray(from, at)] as const;
  });
  return Object.fromEntries(entries) as Record<PartName, Uint8Array>;
}
