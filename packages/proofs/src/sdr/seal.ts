/**
 * One seal exactly as Filecoin makes it today, from the parts that its API takes: for whoever wants to check
 * this implementation against another, or seals for another network. Not what our chain seals with; that is
 * the kind `sdr`, the same algorithm under our identities.
 * Source: Filecoin specs, SDR; rust-fil-proofs 19 (API versions, layers and challenges by size).
 */
import { toHex } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import type { Commitment } from "../merkle/index.ts";
import { maxUserBytes } from "../piece/index.ts";
import { MemoryStore, type SealInput, type SealStore, userInput } from "../seal-io/index.ts";
import { runSteps, type SealHooks, type Steps } from "../steps/index.ts";
import { sdrChallenges } from "./challenges.ts";
import { createSdrGraph, type SdrApiVersion } from "./graph.ts";
import { checkParts, sdrReplicaId, sectorNumber } from "./identity.ts";
import { sdrChallengeCount, sdrShape } from "./params.ts";
import { sdrAuxLength, sdrCommR, storedSdrTrees } from "./sealed.ts";
import { sealSdrData } from "./sealing.ts";

/** Whose sector is sealed, and under which rules. */
export interface SdrSectorRequest {
  /** Padded bytes, 128·2^k up to 1 GiB. */
  readonly sectorBytes: number;
  /** By default Filecoin's number for the size. */
  readonly layers?: number;
  /** 32 bytes. */
  readonly proverId: Uint8Array;
  /** 0 … 2^64 − 1. */
  readonly sectorId: bigint | number;
  /** 32 bytes. */
  readonly ticket: Uint8Array;
  /** 32 bytes: what the challenges come from; without it there are none. */
  readonly seed?: Uint8Array;
  /** 32 bytes: registered proof type (8 bytes, little-endian), then a nonce. */
  readonly porepId: Uint8Array;
  readonly apiVersion: SdrApiVersion;
}

export interface SdrSealRequest extends SdrSectorRequest {
  /** User bytes, not padded, up to sectorBytes · 127/128; zeros fill the rest. */
  readonly data: Uint8Array;
}

/** What a seal comes to, wherever its bytes went. */
export interface SdrSealOutcome {
  readonly replicaId: Uint8Array;
  readonly commD: Commitment;
  readonly commC: Commitment;
  readonly commRLast: Commitment;
  /** Poseidon of commC and commRLast. */
  readonly commR: Commitment;
  /** Challenged nodes in order, with repetitions: 2, or 176 from 32 GiB on. */
  readonly challenges: readonly number[];
}

export interface SdrSeal extends SdrSealOutcome {
  readonly replica: Uint8Array;
}

/**
 * Seals the padded data of `input` and writes `aux` (sealed.ts) to the store, yielding the share done. Throws
 * sdr/bad-sector-size, sdr/bad-layers, sdr/bad-sector-id, proofs/bad-length, errors of input and store.
 */
export function* sealSdrSteps(
  request: SdrSectorRequest,
  input: SealInput,
  store: SealStore,
): Steps<SdrSealOutcome> {
  const { sectorBytes, proverId, ticket, seed, porepId, apiVersion } = request;
  const sectorId = sectorNumber(request.sectorId);
  const shape = sdrShape(sectorBytes, request.layers);
  checkParts({ proverId, ticket, porepId, ...(seed && { seed }) });
  const graph = createSdrGraph(shape.nodes, porepId, apiVersion);
  const bind = (commD: Commitment) => ({
    replicaId: sdrReplicaId({ proverId, sectorId, ticket, commD, porepId }),
    graph,
  });
  const sealed = yield* sealSdrData(shape, bind, input, store);
  const count = sdrChallengeCount(sectorBytes);
  return {
    ...sealed,
    commR: sdrCommR(sealed.commC, sealed.commRLast),
    challenges: seed === undefined ? [] : sdrChallenges(shape.nodes, sealed.replicaId, seed, count),
  };
}

/** Seals bytes in memory. Throws as `sealSdrSteps`, proofs/too-much-data and the reason of a cancellation. */
export function sealSdr(request: SdrSealRequest, hooks?: SealHooks): SdrSeal {
  const { data } = request;
  const shape = sdrShape(request.sectorBytes, request.layers);
  const capacity = maxUserBytes(request.sectorBytes);
  if (data.length > capacity) throw proofsErrors.tooMuchData({ userBytes: data.length, capacity });
  const store = new MemoryStore(sdrAuxLength(shape));
  const input = userInput((start, length) => data.subarray(start, start + length));
  const outcome = runSteps(sealSdrSteps(request, input, store), hooks);
  const { replica } = storedSdrTrees(shape);
  return { ...outcome, replica: store.bytes.slice(replica.offset, replica.offset + shape.sectorBytes) };
}

/** A seal for people and other programs: bytes in hexadecimal, the replica by its SHA-256. */
export interface SdrSealReport {
  readonly replicaId: string;
  readonly commD: string;
  readonly commC: string;
  readonly commRLast: string;
  readonly commR: string;
  readonly replicaSha256: string;
  readonly challenges: readonly number[];
}

export function sdrSealReport(seal: SdrSealOutcome, replicaSha256: string): SdrSealReport {
  return {
    replicaId: toHex(seal.replicaId),
    commD: toHex(seal.commD),
    commC: toHex(seal.commC),
    commRLast: toHex(seal.commRLast),
    commR: toHex(seal.commR),
    replicaSha256,
    challenges: seal.challenges,
  };
}
