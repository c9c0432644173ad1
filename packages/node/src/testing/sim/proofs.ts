/**
 * A proof system for simulations: as cheap as a few hashes, and sound for everybody who does not read this file. A
 * replica is the data under a key stream of its identity; commR is a hash of identity and replica; a proof is a hash
 * of the whole statement under a secret that only this prover has, and it makes one only after it has read the replica
 * and found it to be that of commR. So a proof shows possession at that moment, and is bound to network, miner,
 * sector, ticket, commD, commR, kind and randomness. What it cannot show is that a real circuit or Merkle proof would
 * have been as strict: that is tested where those are.
 */
import { createHash } from "node:crypto";
import { addressBytes, bigEndian, equalBytes, toHex, utf8Bytes } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import {
  auxLengthOf,
  buildTree,
  createProver,
  layerTreeLength,
  type Prover,
  proofsErrors,
  resolveClass,
  type SealSource,
  type SectorIdentity,
  sha254Hasher,
  unpadUser,
} from "@holdfast/proofs";
import { createVerifier, type PostStatement, type Verifier } from "@holdfast/proofs/verify";

const secret = utf8Bytes("holdfast simulated proofs\n");
const rootBytes = 32;

function hashOf(...parts: readonly (Uint8Array | string | number)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes =
      typeof part === "number" ? bigEndian(part, 8) : typeof part === "string" ? utf8Bytes(part) : part;
    hash.update(bigEndian(bytes.length, 8)).update(bytes);
  }
  const digest = new Uint8Array(hash.digest());
  // Commitments are elements of the field: the two top bits are free.
  digest[rootBytes - 1] = (digest[rootBytes - 1] ?? 0) & 0x3f;
  return digest;
}

function identityParts({ networkId, miner, sectorId, ticket, commD }: SectorIdentity): Uint8Array[] {
  return [networkId, addressBytes(miner), bigEndian(sectorId, 8), ticket, commD];
}

/** The data under the key stream of the identity; its own inverse. */
function masked(identity: SectorIdentity, data: Uint8Array): Uint8Array {
  const key = new SeededRandom(hashOf("mask", ...identityParts(identity))).bytes(data.length);
  return data.map((byte, index) => byte ^ (key[index] ?? 0));
}

const commROf = (replica: Uint8Array): Uint8Array => hashOf("commR", replica);
const commRStarOf = (identity: SectorIdentity, commR: Uint8Array): Uint8Array =>
  hashOf("commR*", ...identityParts(identity), commR);

const sealProofOf = (identity: SectorIdentity, commR: Uint8Array, commRStar: Uint8Array, seed: Uint8Array) =>
  hashOf(secret, "seal", ...identityParts(identity), commR, commRStar, seed);

function postProofOf({ kind, seed, miner, sectors }: Omit<PostStatement, "classes" | "proof">): Uint8Array {
  const sorted = [...sectors].sort((a, b) => a.sectorId - b.sectorId);
  const rows = sorted.flatMap(({ sectorId, sectorBytes, commR }) => [sectorId, sectorBytes, commR]);
  return hashOf(secret, kind, seed, addressBytes(miner), ...rows);
}

async function readAll(source: Uint8Array | SealSource, offset: number, length: number): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.subarray(offset, offset + length);
  return (await source.read(offset, length)).slice();
}

/** The replica's tree: the replica, and its root where a tree's last node is. */
function treeOf(treeBytes: number, replica: Uint8Array, commR: Uint8Array): Uint8Array {
  const tree = new Uint8Array(treeBytes);
  tree.set(replica);
  tree.set(commR, treeBytes - rootBytes);
  return tree;
}

function checkCommD(identity: SectorIdentity, data: Uint8Array): void {
  const { root } = buildTree(sha254Hasher, data);
  if (equalBytes(root, identity.commD)) return;
  throw proofsErrors.commDMismatch({ expected: toHex(identity.commD), found: toHex(root) });
}

export function createSimulatedProver(): Prover {
  const real = createProver();
  const sealed = (identity: SectorIdentity, data: Uint8Array) => {
    checkCommD(identity, data);
    const replica = masked(identity, data);
    const commR = commROf(replica);
    return { replica, commR, commRStar: commRStarOf(identity, commR) };
  };
  return {
    async seal({ classes, sectorBytes, identity, input, store }) {
      const { profile } = resolveClass(classes, sectorBytes);
      const data = new Uint8Array(sectorBytes);
      await input.read(0, data);
      const { replica, commR, commRStar } = sealed(identity, data);
      const treeBytes = layerTreeLength(profile);
      const start = auxLengthOf(profile) - treeBytes;
      await store.write(0, new Uint8Array(start));
      await store.write(start, treeOf(treeBytes, replica, commR));
      return { commR, commRStar };
    },
    async replicate({ classes, sectorBytes, identity, data }) {
      const { profile } = resolveClass(classes, sectorBytes);
      const { replica, commR, commRStar } = sealed(identity, data);
      const replicaTree = treeOf(layerTreeLength(profile), replica, commR);
      return { replica, commR, commRStar, aux: replicaTree, replicaTree };
    },
    extract: async ({ identity, replica }) => masked(identity, replica),
    async *extractRange({ sectorBytes, identity, read, startUserBytes, userBytes }) {
      const data = masked(identity, await read(0, sectorBytes));
      yield unpadUser(data).slice(startUserBytes, startUserBytes + userBytes);
      const nodes = sectorBytes / rootBytes;
      return { neededNodes: nodes, readNodes: nodes, reads: 1, decodedNodes: nodes, wholeLayers: 1 };
    },
    async proveSeal({ classes, sectorBytes, identity, aux, commR, commRStar, seed }) {
      const { profile } = resolveClass(classes, sectorBytes);
      const start = auxLengthOf(profile) - layerTreeLength(profile);
      const replica = await readAll(aux, start, sectorBytes);
      if (!equalBytes(commROf(replica), commR) || !equalBytes(commRStarOf(identity, commR), commRStar)) {
        throw proofsErrors.wrongProof({ what: "seal proof" });
      }
      return sealProofOf(identity, commR, commRStar, seed);
    },
    async provePost(request) {
      for (const { sectorId, sectorBytes, commR, replicaTree } of request.sectors) {
        const replica = await readAll(replicaTree, 0, sectorBytes);
        const found = commROf(replica);
        if (!equalBytes(found, commR)) {
          throw proofsErrors.commRMismatch({ sectorId, expected: toHex(commR), found: toHex(found) });
        }
      }
      // The real one refuses what a proof cannot be about.
      if (request.sectors.length === 0) return real.provePost(request);
      return postProofOf(request);
    },
  };
}

export function createSimulatedVerifier(): Verifier {
  const { verifyPieceInclusion } = createVerifier();
  return {
    verifySeal: ({ identity, commR, commRStar, seed, proof }) =>
      equalBytes(sealProofOf(identity, commR, commRStar, seed), proof) &&
      equalBytes(commRStarOf(identity, commR), commRStar),
    verifyPost: ({ kind, seed, miner, sectors, proof }) =>
      sectors.length > 0 && equalBytes(postProofOf({ kind, seed, miner, sectors }), proof),
    verifyPieceInclusion,
  };
}
