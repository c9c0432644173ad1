/**
 * The seal of the era as its API made it: user bytes through its Fr32 writer, zeros up to the sector's size,
 * a replica id of prover and sector, four layers, commitments, challenges.
 * For test vectors only. No network accepts these seals: the replica id knows neither the data nor a ticket,
 * one fixed graph serves everyone, challenges can be ground and are twelve in all.
 * Source: rust-fil-proofs of May 2019 (filecoin-proofs, api/internal).
 */
import { concatBytes, littleEndian, sha256, toHex } from "@holdfast/base";
import { Fr32Padder, userCapacity } from "../fr32/index.ts";
import { exactLog2 } from "../merkle/index.ts";
import { runSteps, type SealHooks, type Steps } from "../porep/index.ts";
import {
  checkChallengeParams,
  deriveEraChallenges,
  type EraChallengeParams,
  eraChallengeParams,
  selectChallenges,
} from "./challenges.ts";
import { checkLength, zigzag2019Errors } from "./errors.ts";
import { eraGraph } from "./graph.ts";
import { pedersenEraHasher } from "./hashers.ts";
import { eraReplication, replicateEraInPlace } from "./replicate.ts";
import { eraNodeBytes } from "./tree.ts";

export interface Zigzag2019Request extends Partial<EraChallengeParams> {
  /** Padded bytes: a power of two from 128 to 2^28. */
  readonly sectorBytes: number;
  /** User bytes, before padding; what is missing is zero. */
  readonly data: Uint8Array;
  /** 31 bytes. */
  readonly proverId: Uint8Array;
  /** Below 2^64. */
  readonly sectorId: bigint | number;
}

export interface Zigzag2019Seal {
  readonly replicaId: Uint8Array;
  readonly commD: Uint8Array;
  /** Root of the output of each layer; the last one is comm_r. */
  readonly commRLayers: readonly Uint8Array[];
  readonly commRStar: Uint8Array;
  readonly replica: Uint8Array;
  /** Nodes by partition and layer. */
  readonly challenges: readonly (readonly (readonly number[])[])[];
}

const smallestSector = 128;
const largestSector = 2 ** 28;
const proverIdBytes = 31;
const sectorIdBytes = 8;
const maxU64 = 2n ** 64n - 1n;

/** Throws zigzag2019/bad-sector-size. */
export function checkEraSectorSize(sectorBytes: number): void {
  const fits = sectorBytes >= smallestSector && sectorBytes <= largestSector;
  if (fits && exactLog2(sectorBytes) !== undefined) return;
  throw zigzag2019Errors.badSectorSize({ sectorBytes, smallest: smallestSector, largest: largestSector });
}

/**
 * The replica id: Pedersen over prover id and sector id, 31 bytes each and a zero byte behind each.
 * Throws zigzag2019/bad-length, zigzag2019/bad-number.
 */
export function eraReplicaId(proverId: Uint8Array, sectorId: bigint | number): Uint8Array {
  checkLength("the prover id", proverId, proverIdBytes);
  if (
    (typeof sectorId === "number" && !Number.isSafeInteger(sectorId)) ||
    sectorId < 0 ||
    sectorId > maxU64
  ) {
    throw zigzag2019Errors.badNumber({
      what: "the sector id",
      value: `${sectorId}`,
      least: "0",
      most: `${maxU64}`,
    });
  }
  const blocks = new Uint8Array(2 * eraNodeBytes);
  blocks.set(proverId);
  blocks.set(littleEndian(sectorId, sectorIdBytes), eraNodeBytes);
  return pedersenEraHasher.hash(blocks);
}

/** comm_r*: the hash of the replica id and all layer roots. */
export function eraCommRStar(replicaId: Uint8Array, commRLayers: readonly Uint8Array[]): Uint8Array {
  return pedersenEraHasher.hash(concatBytes(replicaId, ...commRLayers));
}

/** The sector's bytes of user data: Fr32, then zeros. Throws zigzag2019/too-much-data. */
export function eraSectorData(sectorBytes: number, user: Uint8Array): Uint8Array {
  checkEraSectorSize(sectorBytes);
  const capacity = userCapacity(sectorBytes);
  if (user.length > capacity) throw zigzag2019Errors.tooMuchData({ userBytes: user.length, capacity });
  const sector = new Uint8Array(sectorBytes);
  // The era's writer ends in the middle of an element, today's fills it with zeros: with zeros behind, the same.
  const padder = new Fr32Padder();
  const { length } = padder.push(user, sector);
  sector.set(padder.finish(), length);
  return sector;
}

/** The challenged nodes by partition and layer. Throws as `selectChallenges`. */
export function eraSealChallenges(
  seal: Pick<Zigzag2019Seal, "replicaId" | "commRStar">,
  nodes: number,
  params: EraChallengeParams,
): number[][][] {
  const counts = selectChallenges(params);
  return Array.from({ length: params.partitions }, (_none, partition) =>
    counts.map((count, layer) => deriveEraChallenges(seal, { nodes, layer, partition, count })),
  );
}

function challengeParamsOf(request: Zigzag2019Request): EraChallengeParams {
  const { layers, taper, taperLayers, partitions, minimumChallenges } = { ...eraChallengeParams, ...request };
  const params = { layers, taper, taperLayers, partitions, minimumChallenges };
  checkChallengeParams(params);
  return params;
}

/**
 * Seals as rust-fil-proofs did in May 2019; yields the share done.
 * Throws zigzag2019/bad-sector-size, zigzag2019/too-much-data, zigzag2019/bad-length, zigzag2019/bad-number,
 * zigzag2019/bad-taper.
 */
export function* sealZigzag2019Steps(request: Zigzag2019Request): Steps<Zigzag2019Seal> {
  const data = eraSectorData(request.sectorBytes, request.data);
  const params = challengeParamsOf(request);
  const replicaId = eraReplicaId(request.proverId, request.sectorId);
  const nodes = request.sectorBytes / eraNodeBytes;
  const replication = eraReplication(eraGraph(nodes), params.layers);
  const { replica, roots } = yield* replicateEraInPlace(replication, replicaId, data, false);
  const [commD, ...commRLayers] = roots as [Uint8Array, ...Uint8Array[]];
  const commRStar = eraCommRStar(replicaId, commRLayers);
  const challenges = eraSealChallenges({ replicaId, commRStar }, nodes, params);
  return { replicaId, commD, commRLayers, commRStar, replica, challenges };
}

/** `sealZigzag2019Steps` without a pause; `hooks` hear of the progress and can give up. */
export function sealZigzag2019(request: Zigzag2019Request, hooks: SealHooks = {}): Zigzag2019Seal {
  return runSteps(sealZigzag2019Steps(request), hooks);
}

/** What the command line prints of a seal: hex in file order, the replica by its SHA-256. */
export function zigzag2019Report(seal: Zigzag2019Seal): {
  readonly replicaId: string;
  readonly commD: string;
  readonly commRLayers: readonly string[];
  readonly commRStar: string;
  readonly replicaSha256: string;
  readonly challenges: Zigzag2019Seal["challenges"];
} {
  return {
    replicaId: toHex(seal.replicaId),
    commD: toHex(seal.commD),
    commRLayers: seal.commRLayers.map(toHex),
    commRStar: toHex(seal.commRStar),
    replicaSha256: toHex(sha256(seal.replica)),
    challenges: seal.challenges,
  };
}
