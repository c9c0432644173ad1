/**
 * What an SDR replica is bound to. The replica id is Filecoin's: prover, sector, ticket, data and porep id;
 * and the porep id also draws the graph. On our networks the prover is the miner's address and the porep id
 * names the network and the row, so that a replica of one network or size serves no other.
 * Source: Filecoin specs, SDR, replica id.
 */
import { addressBytes, assert, bigEndian, concatBytes, sha256, toHex, utf8Bytes } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { nodeBytes } from "../merkle/index.ts";
import { type SectorIdentity, topByteMask } from "../porep/index.ts";
import { sdrErrors } from "./errors.ts";
import { createSdrGraph, type SdrApiVersion, type SdrGraph } from "./graph.ts";
import type { SdrProfile } from "./params.ts";

/** The parts of a replica id; byte strings have 32 bytes. */
export interface SdrIdentity {
  readonly proverId: Uint8Array;
  /** 0 … 2^64 − 1. */
  readonly sectorId: bigint | number;
  /** Chain randomness from before sealing. */
  readonly ticket: Uint8Array;
  /** Root of the sector's data tree. */
  readonly commD: Uint8Array;
  readonly porepId: Uint8Array;
}

const maxSectorId = 2n ** 64n;

/** Refuses a part of another length than 32 bytes. Throws proofs/bad-length. */
export function checkParts(parts: Readonly<Record<string, Uint8Array>>): void {
  for (const [what, part] of Object.entries(parts)) {
    if (part.length !== nodeBytes) {
      throw proofsErrors.badLength({ what, length: part.length, expected: nodeBytes });
    }
  }
}

/** The sector's number as 64 bits. Throws sdr/bad-sector-id. */
export function sectorNumber(sectorId: bigint | number): bigint {
  const whole = typeof sectorId === "bigint" || Number.isSafeInteger(sectorId);
  const value = whole ? BigInt(sectorId) : -1n;
  if (value < 0n || value >= maxSectorId) throw sdrErrors.badSectorId({ sectorId: String(sectorId) });
  return value;
}

/** The replica id, a field element of 32 bytes. Throws proofs/bad-length, sdr/bad-sector-id. */
export function sdrReplicaId({ proverId, sectorId, ticket, commD, porepId }: SdrIdentity): Uint8Array {
  checkParts({ proverId, ticket, commD, porepId });
  const number = bigEndian(sectorNumber(sectorId), 8);
  const id = sha256(concatBytes(proverId, number, ticket, commD, porepId));
  id[nodeBytes - 1] = (id[nodeBytes - 1] as number) & topByteMask;
  return id;
}

const porepIdDomain = utf8Bytes("holdfast sdr porep id 1\n");
/** Networks of ours have the graph of today's Filecoin. */
const networkVersion: SdrApiVersion = "1.1";

/** The porep id of a network (32 bytes) and a row: no two of them share a graph. */
export function sdrPorepId(networkId: Uint8Array, profile: Pick<SdrProfile, "id">): Uint8Array {
  assert(networkId.length === nodeBytes, "a network id has 32 bytes");
  return sha256(concatBytes(porepIdDomain, networkId, utf8Bytes(profile.id)));
}

/** The replica id of a sector of our networks. Throws proofs/bad-length. */
export function sdrReplicaIdOf(profile: Pick<SdrProfile, "id">, identity: SectorIdentity): Uint8Array {
  const { networkId, miner, sectorId, ticket, commD } = identity;
  checkParts({ networkId });
  const proverId = new Uint8Array(nodeBytes);
  proverId.set(addressBytes(miner));
  return sdrReplicaId({ proverId, sectorId, ticket, commD, porepId: sdrPorepId(networkId, profile) });
}

/** As many as the table has rows; the table of parents of the largest cached graph takes 15 MB. */
const maxGraphs = 8;
const graphs = new Map<string, SdrGraph>();

/** The graph of a network and a row, cached; the oldest of too many is forgotten. */
export function sdrGraphOf(networkId: Uint8Array, profile: Pick<SdrProfile, "id" | "nodes">): SdrGraph {
  const key = `${profile.id} ${profile.nodes} ${toHex(networkId)}`;
  const known = graphs.get(key);
  if (known !== undefined) return known;
  const graph = createSdrGraph(profile.nodes, sdrPorepId(networkId, profile), networkVersion);
  const [oldest] = graphs.keys();
  if (graphs.size >= maxGraphs && oldest !== undefined) graphs.delete(oldest);
  graphs.set(key, graph);
  return graph;
}
