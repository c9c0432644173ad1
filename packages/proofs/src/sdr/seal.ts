/**
 * One seal exactly as Filecoin makes it today, from the parts that its API takes: for whoever wants to check
 * this implementation against another, or seals for another network. Not what our chain seals with; that is
 * the kind `sdr`, the same algorithm under our identities.
 * Source: Filecoin specs, SDR; rust-fil-proofs 19 (API versions, layers and challenges by size).
 */
import { concatBytes, sha256, toHex } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { padUser } from "../fr32/index.ts";
import type { Commitment } from "../merkle/index.ts";
import { maxUserBytes } from "../piece/index.ts";
import { runSteps, type SealHooks, type Steps } from "../porep/index.ts";
import { sdrChallenges } from "./challenges.ts";
import { createSdrGraph, type SdrApiVersion } from "./graph.ts";
import { checkParts, sdrReplicaId, sectorNumber } from "./identity.ts";
import { sdrChallengeCount, sdrShape } from "./params.ts";
import { parseSdrAux, sdrCommR } from "./sealed.ts";
import { sealData } from "./sealing.ts";

export interface SdrSealRequest {
  /** Padded bytes, 128·2^k up to 1 GiB. */
  readonly sectorBytes: number;
  /** By default Filecoin's number for the size. */
  readonly layers?: number;
  /** User bytes, not padded, up to sectorBytes · 127/128; zeros fill the rest. */
  readonly data: Uint8Array;
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

export interface SdrSeal {
  readonly replicaId: Uint8Array;
  readonly commD: Commitment;
  readonly commC: Commitment;
  readonly commRLast: Commitment;
  /** Poseidon of commC and commRLast. */
  readonly commR: Commitment;
  readonly replica: Uint8Array;
  /** Challenged nodes in order, with repetitions: 2, or 176 from 32 GiB on. */
  readonly challenges: readonly number[];
}

/**
 * Seals, yielding the share done. Throws sdr/bad-sector-size, sdr/bad-layers, sdr/bad-sector-id,
 * proofs/bad-length, proofs/too-much-data.
 */
export function* sealSdrSteps(request: SdrSealRequest): Steps<SdrSeal> {
  const { sectorBytes, data, proverId, ticket, seed, porepId, apiVersion } = request;
  const sectorId = sectorNumber(request.sectorId);
  const shape = sdrShape(sectorBytes, request.layers);
  checkParts({ proverId, ticket, porepId, ...(seed && { seed }) });
  const capacity = maxUserBytes(sectorBytes);
  if (data.length > capacity) throw proofsErrors.tooMuchData({ userBytes: data.length, capacity });
  const padded = padUser(data);
  const filled = concatBytes(padded, new Uint8Array(sectorBytes - padded.length));
  const graph = createSdrGraph(shape.nodes, porepId, apiVersion);
  const bind = (commD: Commitment) => sdrReplicaId({ proverId, sectorId, ticket, commD, porepId });
  const aux = yield* sealData(shape, graph, filled, bind);
  const { data: dataTree, columns, replica } = parseSdrAux(shape, aux);
  const replicaId = bind(dataTree.root);
  const count = sdrChallengeCount(sectorBytes);
  return {
    replicaId,
    commD: dataTree.root,
    commC: columns.root,
    commRLast: replica.root,
    commR: sdrCommR(columns.root, replica.root),
    replica: replica.leaves.slice(),
    challenges: seed === undefined ? [] : sdrChallenges(shape.nodes, replicaId, seed, count),
  };
}

/** Seals at once. Throws as `sealSdrSteps`, and the reason of a cancellation. */
export function sealSdr(request: SdrSealRequest, hooks?: SealHooks): SdrSeal {
  return runSteps(sealSdrSteps(request), hooks);
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

export function sdrSealReport(seal: SdrSeal): SdrSealReport {
  return {
    replicaId: toHex(seal.replicaId),
    commD: toHex(seal.commD),
    commC: toHex(seal.commC),
    commRLast: toHex(seal.commRLast),
    commR: toHex(seal.commR),
    replicaSha256: toHex(sha256(seal.replica)),
    challenges: seal.challenges,
  };
}
