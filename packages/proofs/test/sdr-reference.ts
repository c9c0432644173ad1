/**
 * SDR once more, from its description and with big integers: the oracle of the fast code. It also seals
 * dishonestly in every way that the forgery tests need, and its verifier can leave out one check at a time.
 */
import {
  addressBytes,
  bigEndian,
  concatBytes,
  equalBytes,
  littleEndian,
  readLittleEndian,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import {
  buildTree,
  type Commitment,
  frModulus,
  type MerkleTree,
  openedLeaves,
  openingLength,
  openLeaves,
  poseidonHash,
  poseidonHasher,
  type SectorIdentity,
  type SectorProfile,
  sdrGraphOf,
  sectorProfile,
  sha254Hasher,
  verifyOpening,
} from "@holdfast/proofs";
import { bytes32, type Sector } from "./reference.ts";

/** A row of any size; two layers unless said. */
export function sdrRow(sectorBytes = 1024, challenges = 3, layers = 2): SectorProfile {
  const id = `sdr-test-${sectorBytes}-${layers}`;
  return { ...sectorProfile(sectorBytes), id, kind: "sdr", layers, sealChallenges: [challenges] };
}

/** How a dishonest prover deviates; everything is honest by default. */
export interface SdrDeviation {
  readonly parents?: (node: number, honest: readonly number[]) => readonly number[];
  readonly labelLayer?: (layer: number) => number;
  readonly labelNode?: (node: number) => number;
  /** What stands for the label of an expander parent. */
  readonly expanderLabel?: (honest: bigint) => bigint;
  /** Replaces a label as it is made. */
  readonly stored?: (layer: number, node: number, honest: bigint) => bigint;
  /** Replaces a node of the replica. */
  readonly encoded?: (node: number, honest: bigint) => bigint;
}

export interface SdrReferenceSeal {
  readonly replicaId: Uint8Array;
  /** labels[layer − 1][node] */
  readonly labels: readonly (readonly bigint[])[];
  readonly data: MerkleTree;
  readonly columns: MerkleTree;
  readonly replica: MerkleTree;
  readonly commC: Commitment;
  readonly commR: Commitment;
  readonly commRStar: Commitment;
}

const bytesOf = (nodes: readonly bigint[]): Uint8Array =>
  concatBytes(...nodes.map((node) => littleEndian(node, 32)));
const nodesOf = (bytes: Uint8Array): bigint[] =>
  Array.from({ length: bytes.length / 32 }, (_none, i) =>
    readLittleEndian(bytes.subarray(i * 32, i * 32 + 32)),
  );
const trimmed = (hash: Uint8Array): bigint => BigInt.asUintN(254, readLittleEndian(hash));

/** The replica id from its description. */
export function sdrReferenceId({ id }: SectorProfile, identity: SectorIdentity): Uint8Array {
  const { networkId, miner, sectorId, ticket, commD } = identity;
  const porepId = sha256(concatBytes(utf8Bytes("holdfast sdr porep id 1\n"), networkId, utf8Bytes(id)));
  const prover = concatBytes(addressBytes(miner), new Uint8Array(10));
  return littleEndian(
    trimmed(sha256(concatBytes(prover, bigEndian(sectorId, 8), ticket, commD, porepId))),
    32,
  );
}

/** Of a node with parents; `labels` are its parents' in order. */
function labelOf(replicaId: Uint8Array, layer: number, node: number, labels: readonly bigint[]): bigint {
  const header = [replicaId, bigEndian(layer, 4), bigEndian(node, 8), new Uint8Array(20)];
  const count = labels.length === 0 ? 0 : 37;
  const repeated = Array.from({ length: count }, (_none, i) => labels[i % labels.length] ?? 0n);
  return trimmed(sha256(concatBytes(...header, bytesOf(repeated))));
}

/** The label of a node from labels of its layer and the one before, as the deviation has it. */
function labelBy(
  sector: Sector,
  replicaId: Uint8Array,
  deviation: SdrDeviation,
  layer: number,
  node: number,
  labelAt: (layer: number, node: number) => bigint,
): bigint {
  const honest = sdrGraphOf(sector.identity.networkId, sector.profile).parentsOf(node);
  const parents = deviation.parents?.(node, honest) ?? honest;
  const base = parents.slice(0, 6).map((parent) => labelAt(layer, parent));
  const expander = layer === 1 ? [] : parents.slice(6).map((parent) => labelAt(layer - 1, parent));
  const taken = expander.map((label) => deviation.expanderLabel?.(label) ?? label);
  return labelOf(
    replicaId,
    deviation.labelLayer?.(layer) ?? layer,
    deviation.labelNode?.(node) ?? node,
    node === 0 ? [] : [...base, ...taken],
  );
}

const columnHash = (column: readonly bigint[]): bigint => poseidonHash(column);

/** Seals with big integers, honestly or not. */
export function sdrReferenceSeal(sector: Sector, deviation: SdrDeviation = {}): SdrReferenceSeal {
  const { profile, identity } = sector;
  const replicaId = sdrReferenceId(profile, identity);
  const labels: bigint[][] = [];
  for (let layer = 1; layer <= profile.layers; layer += 1) {
    const own: bigint[] = [];
    labels.push(own);
    for (let node = 0; node < profile.nodes; node += 1) {
      const at = (of: number, which: number): bigint => labels[of - 1]?.[which] ?? 0n;
      const honest = labelBy(sector, replicaId, deviation, layer, node, at);
      own.push(deviation.stored?.(layer, node, honest) ?? honest);
    }
  }
  const columnHashes = (labels[0] ?? []).map((_none, node) =>
    columnHash(labels.map((layer) => layer[node] ?? 0n)),
  );
  const encoded = nodesOf(sector.data).map((plain, node) => {
    const honest = (plain + (labels.at(-1)?.[node] ?? 0n)) % frModulus;
    return deviation.encoded?.(node, honest) ?? honest;
  });
  const columns = buildTree(poseidonHasher, bytesOf(columnHashes));
  const replica = buildTree(poseidonHasher, bytesOf(encoded));
  return {
    replicaId,
    labels,
    data: buildTree(sha254Hasher, sector.data),
    columns,
    replica,
    commC: columns.root,
    commR: replica.root,
    commRStar: commRStarBy(columns.root, replica.root),
  };
}

export const commRStarBy = (commC: Uint8Array, commR: Uint8Array): Uint8Array =>
  littleEndian(poseidonHash([readLittleEndian(commC), readLittleEndian(commR)]), 32);

/** Filecoin's challenges. */
export function sdrReferencePoll(profile: SectorProfile, replicaId: Uint8Array, seed: Uint8Array): number[] {
  return Array.from({ length: profile.sealChallenges[0] ?? 0 }, (_none, j) => {
    const digest = sha256(concatBytes(replicaId, seed, littleEndian(j, 4)));
    return Number(readLittleEndian(digest) % BigInt(profile.nodes - 1)) + 1;
  });
}

const ascending = (nodes: readonly number[]): number[] => [...new Set(nodes)].sort((a, b) => a - b);

interface Opened {
  readonly challenged: readonly number[];
  readonly columns: readonly number[];
}

function openedAt({ profile, identity }: Sector, challenges: readonly number[]): Opened {
  const graph = sdrGraphOf(identity.networkId, profile);
  const challenged = ascending(challenges);
  return { challenged, columns: ascending(challenged.flatMap((node) => [node, ...graph.parentsOf(node)])) };
}

/** A proof from any labels, trees and commC, at any challenges. */
export function assembleSdrProof(
  sector: Sector,
  sealed: SdrReferenceSeal,
  challenges: readonly number[],
): Uint8Array {
  const { challenged, columns } = openedAt(sector, challenges);
  return concatBytes(
    Uint8Array.of(1),
    sealed.commC,
    ...columns.map((node) => bytesOf(sealed.labels.map((layer) => layer[node] ?? 0n))),
    openLeaves(sealed.columns, columns).subarray(columns.length * 32),
    openLeaves(sealed.data, challenged),
    openLeaves(sealed.replica, challenged),
  );
}

/** What a verifier can forget. */
export const sdrChecks = [
  "form",
  "length",
  "canonical",
  "padded",
  "seed",
  "replica id",
  "commR*",
  "inner labels",
  "last labels",
  "parents",
  "expander",
  "label layer",
  "label node",
  "encoding",
  "column tree",
  "data tree",
  "replica tree",
] as const;
export type SdrCheck = (typeof sdrChecks)[number];

export interface SdrClaim {
  readonly sector: Sector;
  readonly identity: SectorIdentity;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  readonly seed: Uint8Array;
  readonly proof: Uint8Array;
}

/** Deviations that make a verifier blind to the same deviation of a prover. */
export const blindness: { readonly [check in SdrCheck]?: SdrDeviation } = {
  parents: { parents: (node, honest) => honest.map(() => node - 1) },
  expander: { expanderLabel: () => 0n },
  "label layer": { labelLayer: () => 1 },
  "label node": { labelNode: () => 0 },
};

/** Verifies by the book with big integers, but for the check that is left out. */
export function sdrReferenceVerify(claim: SdrClaim, omit?: SdrCheck): boolean {
  const { identity, commR, commRStar, proof } = claim;
  const sector = { ...claim.sector, identity };
  const { profile } = sector;
  const replicaId = sdrReferenceId(profile, omit === "replica id" ? claim.sector.identity : identity);
  const challenges = sdrReferencePoll(profile, replicaId, omit === "seed" ? bytes32(0) : claim.seed);
  const { challenged, columns } = openedAt(sector, challenges);
  const lengths = [
    32,
    columns.length * 32 * profile.layers,
    openingLength(poseidonHasher, profile.nodes, columns) - columns.length * 32,
    openingLength(sha254Hasher, profile.nodes, challenged),
    openingLength(poseidonHasher, profile.nodes, challenged),
  ];
  const total = lengths.reduce((sum, length) => sum + length, 1);
  if (omit === "length" ? proof.length < total : proof.length !== total) return false;
  if (omit !== "form" && proof[0] !== 1) return false;
  const values = nodesOf(proof.subarray(1, total));
  if (omit !== "canonical" && values.some((value) => value >= frModulus)) return false;
  const canonical = bytesOf(values.map((value) => value % frModulus));
  let end = 0;
  const [commC = canonical, columnBytes = canonical, siblings = canonical, data = canonical, replica] =
    lengths.map((length) => {
      end += length;
      return canonical.subarray(end - length, end);
    });
  if (omit !== "commR*" && !equalBytes(commRStarBy(commC, commR), commRStar)) return false;
  const parts = { columns: nodesOf(columnBytes), data, replica: replica ?? canonical };
  if (!labelsHold(sector, replicaId, { challenged, columns }, parts, omit)) return false;
  const hashes = columns.map((_none, i) =>
    columnHash(parts.columns.slice(i * profile.layers, (i + 1) * profile.layers)),
  );
  const trees: [SdrCheck, boolean][] = [
    [
      "column tree",
      verifyOpening(poseidonHasher, commC, profile.nodes, columns, concatBytes(bytesOf(hashes), siblings)),
    ],
    ["data tree", verifyOpening(sha254Hasher, identity.commD, profile.nodes, challenged, data)],
    ["replica tree", verifyOpening(poseidonHasher, commR, profile.nodes, challenged, parts.replica)],
  ];
  return trees.every(([check, isTrue]) => omit === check || isTrue);
}

function labelsHold(
  sector: Sector,
  replicaId: Uint8Array,
  { challenged, columns }: Opened,
  parts: { readonly columns: readonly bigint[]; readonly data: Uint8Array; readonly replica: Uint8Array },
  omit: SdrCheck | undefined,
): boolean {
  const { layers } = sector.profile;
  const blind = omit === undefined ? {} : (blindness[omit] ?? {});
  const labelAt = (layer: number, node: number): bigint =>
    parts.columns[columns.indexOf(node) * layers + layer - 1] ?? 0n;
  const data = openedLeaves(challenged, parts.data);
  const replica = openedLeaves(challenged, parts.replica);
  return challenged.every((node) => {
    const plain = readLittleEndian(data.get(node) ?? bytes32(0));
    const encoded = readLittleEndian(replica.get(node) ?? bytes32(0));
    if (omit !== "padded" && plain >= 2n ** 254n) return false;
    for (let layer = 1; layer <= layers; layer += 1) {
      if (omit === (layer < layers ? "inner labels" : "last labels")) continue;
      if (labelBy(sector, replicaId, blind, layer, node, labelAt) !== labelAt(layer, node)) return false;
    }
    return omit === "encoding" || (plain + labelAt(layers, node)) % frModulus === encoded;
  });
}
