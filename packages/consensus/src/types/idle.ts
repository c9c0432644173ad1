/**
 * Idle space on the chain: what a network asks of it, and what a verifier says of a challenge. The verdict names all
 * that it is about, so that it can be held against its signer later, whatever the chain has gone on to.
 */
import type { Address, AttoFil, Codec, Epoch } from "@holdfast/base";
import { c, encode, utf8Bytes, verifySignature, zeroAtto } from "@holdfast/base";
import { domainBytes } from "./network-id.ts";

/** What a network asks of idle space; epochs unless said otherwise. */
export interface IdleParams {
  /** The hardened profile of all files; empty: this network counts no idle space. */
  readonly profile: string;
  /** What a byte counts against one of a sector (percent); below 100. */
  readonly weightPercent: number;
  /** Locked for each GiB that is announced or certified. */
  readonly pledgePerGiB: AttoFil;
  /** Challenges are drawn so long after what they are about is on the chain. */
  readonly drawDelayEpochs: number;
  /** An announcement is certified within so many epochs, or part of its pledge is lost. */
  readonly certifyEpochs: number;
  /** A miner's lot is drawn so often. */
  readonly lotEpochs: number;
  /** One lot in so many is a challenge; 1: each. */
  readonly lotOdds: number;
  /** The total hash of the answers is due within so many epochs of the challenge. */
  readonly answerEpochs: number;
  /** The verdict and the openings are due so many epochs later. */
  readonly settleEpochs: number;
  /** Files that a challenge asks for, at most. */
  readonly files: number;
  /** Answers that the chain looks at itself, drawn after the total hash: beside a verdict, and without one. */
  readonly openings: number;
  readonly openingsAlone: number;
  /** Positions of a kept layer that the chain looks at itself when it comes in. */
  readonly commitOpenings: number;
  /** Verifiers that may speak in one matter, drawn from all. */
  readonly seats: number;
  /** What a verifier has at stake. */
  readonly verifierBond: AttoFil;
  /** Who admits verifiers, an account or a multisig; null: there are those of the genesis only. */
  readonly authority: Address | null;
}

const maxIdleEpochs = 2 ** 40;
/** Files and openings of one challenge: what a message must have room for. */
export const maxIdleFiles = 4_096;
export const maxIdleOpenings = 64;
const maxProfileBytes = 32;

export const idleParamsCodec: Codec<IdleParams> = c.tuple("IdleParams", {
  profile: c.text(maxProfileBytes),
  weightPercent: c.uint(99),
  pledgePerGiB: c.attoFil,
  drawDelayEpochs: c.uint(maxIdleEpochs),
  certifyEpochs: c.uint(maxIdleEpochs),
  lotEpochs: c.uint(maxIdleEpochs),
  lotOdds: c.uint(65_536),
  answerEpochs: c.uint(maxIdleEpochs),
  settleEpochs: c.uint(maxIdleEpochs),
  files: c.uint(maxIdleFiles),
  openings: c.uint(maxIdleOpenings),
  openingsAlone: c.uint(maxIdleOpenings),
  commitOpenings: c.uint(maxIdleOpenings),
  seats: c.uint(64),
  verifierBond: c.attoFil,
  authority: c.nullable(c.address),
});

/** A network without idle space. */
export const noIdleSpace: IdleParams = {
  profile: "",
  weightPercent: 10,
  pledgePerGiB: zeroAtto,
  drawDelayEpochs: 2,
  certifyEpochs: 400,
  lotEpochs: 20,
  lotOdds: 1,
  answerEpochs: 10,
  settleEpochs: 20,
  files: 16,
  openings: 2,
  openingsAlone: 8,
  commitOpenings: 2,
  seats: 3,
  verifierBond: zeroAtto,
  authority: null,
};

/** What a verifier says of a challenge: it has checked every answer under the total, and all are right. */
export interface IdleVerdict {
  readonly verifier: Address;
  /** `idleAuditSeed`: names network, miner, the state that was asked for, and what was asked. */
  readonly audit: Uint8Array;
  /** Root of the range of the answers. */
  readonly total: Uint8Array;
  /** The last height at which it can be used. */
  readonly validUntil: Epoch;
}
export const idleVerdictCodec: Codec<IdleVerdict> = c.tuple("IdleVerdict", {
  verifier: c.address,
  audit: c.fixedBytes(32),
  total: c.fixedBytes(32),
  validUntil: c.epoch,
});

/** Recoverable secp256k1 signature by the verifier, 65 bytes. */
export interface SignedIdleVerdict {
  readonly verdict: IdleVerdict;
  readonly signature: Uint8Array;
}
export const signedIdleVerdictCodec: Codec<SignedIdleVerdict> = c.tuple("SignedIdleVerdict", {
  verdict: idleVerdictCodec,
  signature: c.fixedBytes(65),
});

const verdictDomain = utf8Bytes("holdfast idle verdict\n");

/** The bytes under a verifier's signature. */
export function idleVerdictBytes(verdict: IdleVerdict, networkId: Uint8Array): Uint8Array {
  return domainBytes(verdictDomain, networkId, encode(idleVerdictCodec, verdict));
}

export function isIdleVerdictSigned(
  { verdict, signature }: SignedIdleVerdict,
  networkId: Uint8Array,
): boolean {
  return verifySignature(idleVerdictBytes(verdict, networkId), signature, verdict.verifier);
}
