/**
 * ZigZag once more, from its description and with big integers: the oracle of the fast code. It also seals
 * dishonestly in every way that the forgery tests need, and its verifier can leave out one check at a time.
 */
import {
  addressBytes,
  bigEndian,
  blake2s256,
  concatBytes,
  equalBytes,
  littleEndian,
  readLittleEndian,
  type SectorId,
  sectorId,
  seedAddress,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import {
  buildTree,
  type Commitment,
  commRStarOf,
  frModulus,
  graphOf,
  layerDirection,
  type MerkleTree,
  openedLeaves,
  openingLength,
  openLeaves,
  pollSeal,
  poseidonHasher,
  replicaIdOf,
  type SealChallenges,
  type SectorIdentity,
  type SectorProfile,
  sectorProfile,
  sha254Hasher,
  verifyOpening,
  zigzag,
} from "@holdfast/proofs";

export const bytes32 = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

/** The 1 KiB profile with another number of layers. */
export function profileWithLayers(layers: number, sectorBytes = 1024): SectorProfile {
  const sealChallenges = Array.from({ length: layers }, (_none, i) => 2 + i);
  return { ...sectorProfile(sectorBytes), id: `test-${sectorBytes}-${layers}`, layers, sealChallenges };
}

/** User bytes that fill a sector; the same seed gives the same bytes. */
export function userBytesOf(profile: SectorProfile, seed = 1): Uint8Array {
  const bytes = new Uint8Array(profile.userBytes);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = (i * 131 + (i >> 8) * 17 + seed * 29) & 0xff;
  return bytes;
}

export interface Sector {
  readonly profile: SectorProfile;
  readonly identity: SectorIdentity;
  readonly data: Uint8Array;
}

export function sectorOf(profile: SectorProfile, id = 1, seed = id): Sector {
  const { data, commD } = zigzag.preproc(userBytesOf(profile, seed), profile);
  const identity = {
    networkId: bytes32(7),
    miner: seedAddress(1, "miner"),
    sectorId: sectorId(id) as SectorId,
    ticket: bytes32(9),
    commD,
  };
  return { profile, identity, data };
}

/** The replica id from its description. */
export function referenceReplicaId(profile: SectorProfile, identity: SectorIdentity): Uint8Array {
  const { networkId, miner, sectorId: id, ticket, commD } = identity;
  const parts = [networkId, addressBytes(miner), bigEndian(id, 8), ticket, commD, utf8Bytes(profile.id)];
  return trimmed(sha256(concatBytes(utf8Bytes("holdfast replica id 1\n"), ...parts)));
}

function trimmed(hash: Uint8Array): Uint8Array {
  hash[31] = (hash[31] ?? 0) & 0x3f;
  return hash;
}

/** How a dishonest prover deviates; everything is honest by default. */
export interface Deviation {
  readonly parents?: (layer: number, node: number, honest: readonly number[]) => readonly number[];
  readonly keyLayer?: (layer: number) => number;
  readonly keyNode?: (node: number) => number;
  /** Changes the input of a layer before it is encoded. */
  readonly input?: (layer: number, nodes: bigint[]) => void;
  /** Replaces a node's value as it is encoded. */
  readonly stored?: (layer: number, node: number, honest: bigint) => bigint;
  /** All layers run forward. */
  readonly alwaysForward?: boolean;
}

export interface ReferenceSeal {
  readonly replicaId: Uint8Array;
  readonly trees: readonly MerkleTree[];
  readonly roots: readonly Uint8Array[];
  readonly commR: Commitment;
  readonly commRStar: Commitment;
}

/** The key of a node: 480 bytes of message, described in the source of the fast code. */
export function referenceKey(
  replicaId: Uint8Array,
  layer: number,
  node: number,
  parents: readonly bigint[],
): bigint {
  const header = [utf8Bytes("holdfast zigzag1"), littleEndian(layer, 4), littleEndian(parents.length, 4)];
  const slots = parents.map((parent) => littleEndian(parent, 32));
  const zeros = new Uint8Array((13 - parents.length) * 32);
  const message = concatBytes(replicaId, ...header, littleEndian(node, 8), ...slots, zeros);
  return readLittleEndian(trimmed(blake2s256(message)));
}

function nodesOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length / 32 }, (_none, i) =>
    readLittleEndian(bytes.subarray(i * 32, i * 32 + 32)),
  );
}

function bytesOf(nodes: readonly bigint[]): Uint8Array {
  return concatBytes(...nodes.map((node) => littleEndian(node, 32)));
}

function parentsFor({ profile, identity }: Sector, deviation: Deviation, layer: number, node: number) {
  const direction = deviation.alwaysForward === true ? "forward" : layerDirection(layer);
  const honest = graphOf(identity.networkId, profile).parentsOf(direction, node);
  return deviation.parents?.(layer, node, honest) ?? honest;
}

/** Seals with big integers, honestly or not. */
export function referenceSeal(sector: Sector, deviation: Deviation = {}): ReferenceSeal {
  const { profile, identity, data } = sector;
  const replicaId = referenceReplicaId(profile, identity);
  const nodes = nodesOf(data);
  const trees = [buildTree(sha254Hasher, data)];
  for (let layer = 1; layer <= profile.layers; layer += 1) {
    deviation.input?.(layer, nodes);
    const forward = deviation.alwaysForward === true || layer % 2 === 1;
    for (let step = 0; step < profile.nodes; step += 1) {
      const node = forward ? step : profile.nodes - 1 - step;
      const parents = parentsFor(sector, deviation, layer, node).map((parent) => nodes[parent] ?? 0n);
      const keyLayer = deviation.keyLayer?.(layer) ?? layer;
      const key = referenceKey(replicaId, keyLayer, deviation.keyNode?.(node) ?? node, parents);
      const honest = ((nodes[node] ?? 0n) + key) % frModulus;
      nodes[node] = deviation.stored?.(layer, node, honest) ?? honest;
    }
    trees.push(buildTree(poseidonHasher, bytesOf(nodes)));
  }
  const roots = trees.slice(1).map((tree) => tree.root);
  return {
    replicaId,
    trees,
    roots,
    commR: roots.at(-1) ?? bytes32(0),
    commRStar: commRStarOf(replicaId, roots),
  };
}

/** Leaves to open per tree, ascending; `alwaysForward` opens the forward parents in every layer. */
function leavesToOpen(
  sector: Sector,
  challenges: SealChallenges,
  alwaysForward: boolean,
): readonly (readonly number[])[] {
  const opened = Array.from({ length: challenges.length + 1 }, () => new Set<number>());
  challenges.forEach((nodes, i) => {
    for (const node of nodes) {
      opened[i]?.add(node);
      for (const leaf of [node, ...parentsFor(sector, { alwaysForward }, i + 1, node)])
        opened[i + 1]?.add(leaf);
    }
  });
  return opened.map((set) => [...set].sort((a, b) => a - b));
}

/** A proof from any trees and roots, at any challenges. */
export function assembleProof(
  sector: Sector,
  trees: readonly MerkleTree[],
  roots: readonly Uint8Array[],
  challenges: SealChallenges,
  alwaysForward = false,
): Uint8Array {
  const leaves = leavesToOpen(sector, challenges, alwaysForward);
  const openings = trees.map((tree, i) => openLeaves(tree, leaves[i] ?? []));
  return concatBytes(Uint8Array.of(1), ...roots.slice(0, -1), ...openings);
}

/** What a verifier can forget. */
export const checks = [
  "form",
  "length",
  "canonical",
  "padded",
  "seed",
  "replica id",
  "commR*",
  "encoding",
  "chaining",
  "parents",
  "direction",
  "key layer",
  "key node",
  "data tree",
  "inner trees",
  "last tree",
] as const;
export type Check = (typeof checks)[number];

export interface Claim {
  readonly sector: Sector;
  readonly identity: SectorIdentity;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  readonly seed: Uint8Array;
  readonly proof: Uint8Array;
}

/** Deviations that make a verifier blind to the same deviation of a prover. */
export const weakParents = (_layer: number, node: number, honest: readonly number[]): readonly number[] =>
  honest.filter((parent) => Math.abs(parent - node) === 1);

const blindness: { readonly [check in Check]?: Deviation } = {
  parents: { parents: weakParents },
  direction: { alwaysForward: true },
  "key layer": { keyLayer: () => 1 },
  "key node": { keyNode: () => 0 },
};

/** Verifies by the book with big integers, but for the check that is left out. */
export function referenceVerify(claim: Claim, omit?: Check): boolean {
  const { sector, identity, commR, commRStar } = claim;
  const { profile } = sector;
  const seed = omit === "seed" ? bytes32(0) : claim.seed;
  const replicaId = replicaIdOf(profile, omit === "replica id" ? sector.identity : identity);
  const challenges = pollSeal(profile, replicaId, commRStar, seed);
  const expected = leavesToOpen({ ...sector, identity }, challenges, omit === "direction");
  const hashers = expected.map((_none, i) => (i === 0 ? sha254Hasher : poseidonHasher));
  const lengths = expected.map((leaves, i) =>
    openingLength(hashers[i] ?? sha254Hasher, profile.nodes, leaves),
  );
  const head = 1 + 32 * (profile.layers - 1);
  const total = lengths.reduce((sum, length) => sum + length, head);
  const { proof } = claim;
  if (omit === "length" ? proof.length < total : proof.length !== total) return false;
  if (omit !== "form" && proof[0] !== 1) return false;
  const values = nodesOf(proof.subarray(1, total));
  if (omit !== "canonical" && values.some((value) => value >= frModulus)) return false;
  const canonical = concatBytes(proof.subarray(0, 1), bytesOf(values.map((value) => value % frModulus)));
  const roots = values.slice(0, profile.layers - 1).map((value) => littleEndian(value % frModulus, 32));
  roots.push(commR);
  let end = head;
  const openings = lengths.map((length) => {
    end += length;
    return canonical.subarray(end - length, end);
  });
  if (omit !== "commR*" && !equalBytes(commRStarOf(replicaId, roots), commRStar)) return false;
  if (!encodes({ ...sector, identity }, replicaId, challenges, openings, omit)) return false;
  return openings.every((opening, i) => {
    const check: Check = i === 0 ? "data tree" : i < profile.layers ? "inner trees" : "last tree";
    const root = i === 0 ? identity.commD : roots[i - 1];
    const leaves = expected[i] ?? [];
    const hasher = hashers[i] ?? sha254Hasher;
    return omit === check || verifyOpening(hasher, root ?? bytes32(0), profile.nodes, leaves, opening);
  });
}

function encodes(
  sector: Sector,
  replicaId: Uint8Array,
  challenges: SealChallenges,
  openings: readonly Uint8Array[],
  omit: Check | undefined,
): boolean {
  const blind = omit === undefined ? {} : (blindness[omit] ?? {});
  const leaves = leavesToOpen(sector, challenges, omit === "direction");
  const values = openings.map((opening, i) => openedLeaves(leaves[i] ?? [], opening));
  const valueAt = (tree: number, node: number): bigint =>
    readLittleEndian(values[tree]?.get(node) ?? bytes32(0));
  const padded = [...(values[0]?.values() ?? [])].every((value) => (value[31] ?? 0) < 0x40);
  if (omit !== "padded" && !padded) return false;
  if (omit === "encoding") return true;
  return challenges.every((nodes, i) =>
    nodes.every((node) => {
      if (omit === "chaining" && i > 0) return true;
      const layer = i + 1;
      const parents = parentsFor(sector, blind, layer, node).map((parent) => valueAt(layer, parent));
      const keyLayer = blind.keyLayer?.(layer) ?? layer;
      const key = referenceKey(replicaId, keyLayer, blind.keyNode?.(node) ?? node, parents);
      return (valueAt(i, node) + key) % frModulus === valueAt(layer, node);
    }),
  );
}
