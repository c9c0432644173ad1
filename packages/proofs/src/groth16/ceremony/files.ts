/**
 * Ceremony files. `.powers` is a first phase on its way between contributors: magic, version, exponent, records,
 * points. `.transcript` is a whole ceremony: such a first phase, the digests of circuit and first key, the records
 * of phase 2.
 *
 * Invariant: one ceremony has one encoding and nothing follows it. Points of records are checked while reading,
 * the powers themselves by the verifier.
 */
import { bigEndian, concatBytes, equalBytes, readBigEndian, utf8Bytes } from "@holdfast/base";
import type { Transcript } from "./circuit.ts";
import {
  type Contribution,
  circuitPhase,
  decodeContribution,
  encodeContribution,
  maxContributions,
  type Phase,
  powersPhase,
} from "./contribution.ts";
import { maxLogSize, minLogSize, type PowersOfTau, powersLengths, powersParts } from "./powers.ts";

const powersMagic = utf8Bytes("HFPOWERS");
const transcriptMagic = utf8Bytes("HFTRANSC");
const version = 1;
const digestBytes = 32;

/** Reads a file from front to end; undefined where it is too short. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array | undefined {
    if (this.#at + length > this.#bytes.length) return undefined;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(): number | undefined {
    const bytes = this.take(4);
    return bytes === undefined ? undefined : Number(readBigEndian(bytes));
  }

  opens(magic: Uint8Array): boolean {
    const found = this.take(magic.length);
    return found !== undefined && equalBytes(found, magic) && this.number() === version;
  }

  records(phase: Phase): Contribution[] | undefined {
    const count = this.number();
    if (count === undefined || count > maxContributions) return undefined;
    const records: Contribution[] = [];
    while (records.length < count) {
      const record = decodeContribution(phase, this.#bytes.subarray(this.#at));
      if (record === undefined) return undefined;
      this.#at += record.length;
      records.push(record.contribution);
    }
    return records;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}

function recordsBytes(contributions: readonly Contribution[]): Uint8Array {
  return concatBytes(bigEndian(contributions.length, 4), ...contributions.map(encodeContribution));
}

function powersBody({ powers, contributions }: PowersOfTau): Uint8Array {
  const head = bigEndian(powers.logSize, 4);
  return concatBytes(head, recordsBytes(contributions), ...powersParts(powers));
}

function readPowers(cursor: Cursor): PowersOfTau | undefined {
  const logSize = cursor.number();
  if (logSize === undefined || logSize < minLogSize || logSize > maxLogSize) return undefined;
  const contributions = cursor.records(powersPhase);
  const [tauG1, tauG2, alphaTauG1, betaTauG1, betaG2] = powersLengths(logSize).map((length) =>
    cursor.take(length),
  );
  if (contributions === undefined || tauG1 === undefined || tauG2 === undefined) return undefined;
  if (alphaTauG1 === undefined || betaTauG1 === undefined || betaG2 === undefined) return undefined;
  return { powers: { logSize, tauG1, tauG2, alphaTauG1, betaTauG1, betaG2 }, contributions };
}

/** The bytes of a `.powers` file. */
export function encodePowersOfTau(phase1: PowersOfTau): Uint8Array {
  return concatBytes(powersMagic, bigEndian(version, 4), powersBody(phase1));
}

/** The first phase of a `.powers` file (points as views into it), or undefined for anything but its encoding. */
export function decodePowersOfTau(bytes: Uint8Array): PowersOfTau | undefined {
  const cursor = new Cursor(bytes);
  if (!cursor.opens(powersMagic)) return undefined;
  const phase1 = readPowers(cursor);
  return cursor.atEnd ? phase1 : undefined;
}

/** The bytes of a `.transcript` file. */
export function encodeTranscript(transcript: Transcript): Uint8Array {
  const { phase1, circuitDigest, initialDigest, contributions } = transcript;
  return concatBytes(
    transcriptMagic,
    bigEndian(version, 4),
    powersBody(phase1),
    circuitDigest,
    initialDigest,
    recordsBytes(contributions),
  );
}

/** The ceremony of a `.transcript` file, or undefined for anything but its encoding. */
export function decodeTranscript(bytes: Uint8Array): Transcript | undefined {
  const cursor = new Cursor(bytes);
  if (!cursor.opens(transcriptMagic)) return undefined;
  const phase1 = readPowers(cursor);
  const circuitDigest = cursor.take(digestBytes)?.slice();
  const initialDigest = cursor.take(digestBytes)?.slice();
  const contributions = cursor.records(circuitPhase);
  if (phase1 === undefined || circuitDigest === undefined || initialDigest === undefined) return undefined;
  if (contributions === undefined || !cursor.atEnd) return undefined;
  return { phase1, circuitDigest, initialDigest, contributions };
}
