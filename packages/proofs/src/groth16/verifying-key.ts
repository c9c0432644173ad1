/**
 * Verifying keys: as bytes for the chain (compressed points), as uncompressed points for computing, and prepared
 * for pairings. Decoded and prepared keys are remembered by the digest of their bytes, a bounded number of them,
 * so that a block full of proofs pays for its few keys once.
 *
 * Invariant: a key has one encoding; all its points are finite and in the right subgroups, also in a key that
 * nobody decoded but somebody put together: preparing checks them again.
 */
import { bigEndian, concatBytes, equalBytes, readBigEndian, sha256, toHex } from "@holdfast/base";
import {
  curveKernel,
  decodeG1Compressed,
  decodeG2Compressed,
  encodeG1Compressed,
  encodeG2Compressed,
  g1Bytes,
  g2Bytes,
} from "../curve/index.ts";
import { type Gt, type Lines, linesOf, pairingProduct } from "./pairing.ts";
import { isInfinite, splitPoints } from "./points.ts";

/** A verifying key of uncompressed points (96 bytes in G1, 192 in G2). */
export interface VerifyingKey {
  readonly alphaG1: Uint8Array;
  readonly betaG2: Uint8Array;
  readonly gammaG2: Uint8Array;
  readonly deltaG2: Uint8Array;
  /** 96·(number of public inputs + 1): the first for the constant 1, then one for each input. */
  readonly ic: Uint8Array;
}

/** A key as verifiers use it. */
export interface PreparedKey {
  /** SHA-256 of the uncompressed points. */
  readonly digest: Uint8Array;
  readonly alphaG1: Uint8Array;
  readonly ic: Uint8Array;
  readonly publicCount: number;
  /** e(α, β). */
  readonly alphaBeta: Gt;
  readonly minusBeta: Lines;
  readonly minusGamma: Lines;
  readonly minusDelta: Lines;
}

/** Public inputs of one circuit, at most; bounds what a decoder of keys reads. */
export const maxPublicInputs = 65_535;

const headBytes = 48 + 3 * 96;
const keysRemembered = 32;

/** The most recently used results by digest; the least recently used is dropped. */
class Remembered<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > keysRemembered && oldest !== undefined) this.#entries.delete(oldest);
  }
}

const decodedKeys = new Remembered<VerifyingKey>();
const preparedKeys = new Remembered<PreparedKey>();

/** Public inputs that proofs under this key have. */
export function publicInputsOf(key: VerifyingKey): number {
  return key.ic.length / g1Bytes - 1;
}

/** α 48 ‖ β 96 ‖ γ 96 ‖ δ 96 ‖ number of ic u32 big-endian ‖ ic 48 each. Throws curve/not-a-point. */
export function encodeVerifyingKey(key: VerifyingKey): Uint8Array {
  const ic = splitPoints(key.ic, g1Bytes).map(encodeG1Compressed);
  return concatBytes(
    encodeG1Compressed(key.alphaG1),
    encodeG2Compressed(key.betaG2),
    encodeG2Compressed(key.gammaG2),
    encodeG2Compressed(key.deltaG2),
    bigEndian(ic.length, 4),
    ...ic,
  );
}

/** The key, or undefined for anything but the one encoding of finite points of the subgroups with γ ≠ δ. */
export function decodeVerifyingKey(bytes: Uint8Array): VerifyingKey | undefined {
  if (bytes.length < headBytes + 4) return undefined;
  const count = Number(readBigEndian(bytes.subarray(headBytes, headBytes + 4)));
  if (count < 1 || count > maxPublicInputs + 1 || bytes.length !== headBytes + 4 + 48 * count)
    return undefined;
  const digest = toHex(sha256(bytes));
  const known = decodedKeys.get(digest);
  if (known !== undefined) return copyOf(known);
  const key = decodePoints(bytes);
  if (key === undefined || !isBound(key)) return undefined;
  decodedKeys.set(digest, copyOf(key));
  return key;
}

function decodePoints(bytes: Uint8Array): VerifyingKey | undefined {
  const g2At = (at: number): Uint8Array | undefined =>
    decodeG2Compressed(bytes.subarray(at, at + 96), "refuseInfinity");
  const alphaG1 = decodeG1Compressed(bytes.subarray(0, 48), "refuseInfinity");
  const [betaG2, gammaG2, deltaG2] = [g2At(48), g2At(144), g2At(240)];
  if (alphaG1 === undefined || betaG2 === undefined) return undefined;
  if (gammaG2 === undefined || deltaG2 === undefined) return undefined;
  const pieces = splitPoints(bytes.subarray(headBytes + 4), 48);
  const ic = new Uint8Array(pieces.length * g1Bytes);
  for (const [index, piece] of pieces.entries()) {
    const point = decodeG1Compressed(piece, "refuseInfinity");
    if (point === undefined) return undefined;
    ic.set(point, index * g1Bytes);
  }
  return { alphaG1, betaG2, gammaG2, deltaG2, ic };
}

function copyOf({ alphaG1, betaG2, gammaG2, deltaG2, ic }: VerifyingKey): VerifyingKey {
  return {
    alphaG1: Uint8Array.from(alphaG1), // a Buffer's slice would share the caller's memory
    betaG2: Uint8Array.from(betaG2),
    gammaG2: Uint8Array.from(gammaG2),
    deltaG2: Uint8Array.from(deltaG2),
    ic: Uint8Array.from(ic),
  };
}

/** The key ready for pairings, or undefined if its parts are no finite points of the right subgroups. */
export function prepareKey(key: VerifyingKey): PreparedKey | undefined {
  const { alphaG1, betaG2, gammaG2, deltaG2, ic } = key;
  if (!hasShape(key)) return undefined;
  const digest = sha256(concatBytes(alphaG1, betaG2, gammaG2, deltaG2, ic));
  const name = toHex(digest);
  const known = preparedKeys.get(name);
  if (known !== undefined) return known;
  if (!isSound(key) || !isBound(key)) return undefined;
  const prepared: PreparedKey = {
    digest,
    alphaG1: Uint8Array.from(alphaG1),
    ic: Uint8Array.from(ic),
    publicCount: publicInputsOf(key),
    alphaBeta: pairingProduct([{ g1: alphaG1, lines: linesOf(betaG2) }]),
    minusBeta: linesOf(betaG2, -1),
    minusGamma: linesOf(gammaG2, -1),
    minusDelta: linesOf(deltaG2, -1),
  };
  preparedKeys.set(name, prepared);
  return prepared;
}

function hasShape({ alphaG1, betaG2, gammaG2, deltaG2, ic }: VerifyingKey): boolean {
  const fixed = [betaG2, gammaG2, deltaG2].every((point) => point.length === g2Bytes);
  const count = ic.length / g1Bytes;
  return fixed && alphaG1.length === g1Bytes && Number.isInteger(count) && count >= 1;
}

/**
 * Whether public inputs and witness are held apart: with γ = δ, as before the first contribution of a second
 * phase, anybody moves a proof to other public inputs by adding multiples of `ic` to its C.
 */
export function isBound({ gammaG2, deltaG2 }: VerifyingKey): boolean {
  return !equalBytes(gammaG2, deltaG2);
}

/** Whether all points of a key are finite and in the right subgroups. */
export function isSound(key: VerifyingKey): boolean {
  if (!hasShape(key)) return false;
  const { alphaG1, betaG2, gammaG2, deltaG2, ic } = key;
  const inG1 = concatBytes(alphaG1, ic);
  const inG2 = concatBytes(betaG2, gammaG2, deltaG2);
  const points = [...splitPoints(inG1, g1Bytes), ...splitPoints(inG2, g2Bytes)];
  if (points.some(isInfinite)) return false;
  return curveKernel.firstBadG1(inG1) === -1 && curveKernel.firstBadG2(inG2) === -1;
}
