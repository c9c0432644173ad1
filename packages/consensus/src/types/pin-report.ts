/**
 * The signed report of a pinning node, one for each slot: answers to samples that the chain's randomness chose, chained
 * to the report before it. The signature is under the network's genesis; the original's forms were never published and
 * those of its punishing contract named no network, so that they could be replayed on another.
 */
import type { Address, CID, Codec } from "@holdfast/base";
import {
  blake2b256,
  c,
  concatBytes,
  encode,
  signRecoverable,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import { domainBytes } from "./network-id.ts";

export const pinReportDigestBytes = 32;
/** Samples of one report, whatever a network asks for. */
export const maxPinSamples = 256;
/** Orders that one report can confirm; the rest waits for the next. */
export const maxPinsAdded = 256;

/** What came of one sample. */
export interface PinSample {
  /** Number of the order. */
  readonly pin: number;
  /** What the order is for: where the walk began. */
  readonly root: CID;
  /** The block at which the walk ended; null if it could not be read to its end. */
  readonly block: CID | null;
  /** `answerOf` its bytes; zeros without a block. */
  readonly answer: Uint8Array;
  /** Length of that block. */
  readonly bytes: number;
  readonly elapsedMs: number;
}

export interface UnsignedPinReport {
  /** Number of the node in the registry. */
  readonly node: number;
  /** Account of the key that its enclave made. */
  readonly key: Address;
  readonly slot: number;
  /** `pinSlotRandomness` of the slot. */
  readonly slotHash: Uint8Array;
  /** Digest of the node's report before this; zeros in its first. */
  readonly previous: Uint8Array;
  /** Root and length of the list of orders that the samples are drawn from: the node's, as the slot began. */
  readonly set: CID;
  readonly count: number;
  /**
   * Orders that the node holds from now on, in ascending order; they count from the next slot on. What does not wait
   * for it any more is passed over.
   */
  readonly added: readonly number[];
  /** In the order of the draws. */
  readonly samples: readonly PinSample[];
  /** Name and version of the program, for people. */
  readonly program: string;
}

export interface PinReport extends UnsignedPinReport {
  /** Recoverable secp256k1 signature by the key, 65 bytes. */
  readonly signature: Uint8Array;
}

export const pinSampleCodec: Codec<PinSample> = c.tuple("PinSample", {
  pin: c.uint(),
  root: c.cid,
  block: c.nullable(c.cid),
  answer: c.fixedBytes(32),
  bytes: c.uint(2 ** 32),
  elapsedMs: c.uint(2 ** 32),
});

const fields = {
  version: c.literal(1),
  node: c.uint(),
  key: c.address,
  slot: c.uint(),
  slotHash: c.fixedBytes(32),
  previous: c.fixedBytes(pinReportDigestBytes),
  set: c.cid,
  count: c.uint(),
  added: c.list(c.uint(), maxPinsAdded),
  samples: c.list(pinSampleCodec, maxPinSamples),
  program: c.text(64),
};

const unsignedCodec = c.tuple("UnsignedPinReport", fields);
const signedCodec = c.tuple("PinReport", { ...fields, signature: c.fixedBytes(65) });

export const pinReportCodec: Codec<PinReport> = {
  name: "PinReport",
  toCbor: (report) => signedCodec.toCbor({ version: 1, ...report }),
  fromCbor: (value, path) => {
    const { version: _, ...report } = signedCodec.fromCbor(value, path);
    return report;
  },
};

const reportDomain = utf8Bytes("holdfast pin report\n");
const digestDomain = utf8Bytes("holdfast pin report digest\n");

/** The bytes under a report's signature. */
export function pinReportSigningBytes(report: UnsignedPinReport, networkId: Uint8Array): Uint8Array {
  return domainBytes(reportDomain, networkId, encode(unsignedCodec, { version: 1, ...report }));
}

/** Signs with the secp256k1 key that the node's enclave made. */
export function signPinReport(
  privateKey: Uint8Array,
  networkId: Uint8Array,
  report: UnsignedPinReport,
): PinReport {
  return { ...report, signature: signRecoverable(privateKey, pinReportSigningBytes(report, networkId)) };
}

/** True if the key that the report names signed exactly these fields for this network. */
export function isPinReportSigned(report: PinReport, networkId: Uint8Array): boolean {
  return verifySignature(pinReportSigningBytes(report, networkId), report.signature, report.key);
}

/**
 * What the next report and the chain know it by. Without the signature: a second signature of the same fields is no
 * other report.
 */
export function pinReportDigest(report: UnsignedPinReport): Uint8Array {
  return blake2b256(concatBytes(digestDomain, encode(unsignedCodec, { version: 1, ...report })));
}

/** In millionths: the share of samples that were answered. No sample, no accuracy. */
export function pinAccuracy(report: Pick<PinReport, "samples">): number {
  const { samples } = report;
  if (samples.length === 0) return 0;
  const answered = samples.filter(({ block }) => block !== null).length;
  return Math.floor((answered * 1_000_000) / samples.length);
}
