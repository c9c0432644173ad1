/**
 * Verifying a vanilla seal proof. What is checked, and where the era's verifier did not:
 *
 * 1. every input has its length and is a canonical field element, so there is one encoding of each proof;
 * 2. commR* is the hash of the replica id (recomputed from the identity) and the layer roots; the last
 *    root is commR itself, not a number that is compared with it;
 * 3. the challenges are recomputed from commR* and the seed, the parents from the graph, and the proof has
 *    exactly the bytes of those openings;
 * 4. for every challenge, the node's value before plus the key from its parents' values is its value after;
 * 5. every value used in 4 is a leaf, at its own index, under the right root: data under commD, the
 *    output of layer l under root l, which is at once the input of layer l + 1.
 *
 * Nothing here throws for bytes of a peer: the answer is `false`.
 */
import { equalBytes } from "@holdfast/base";
import { isFr } from "../field/index.ts";
import { graphOf } from "../graph/index.ts";
import { poseidonHasher, sha254Hasher } from "../merkle/index.ts";
import { openedLeaves, verifyOpening } from "../openings/index.ts";
import { isPieceCommitment } from "../piece/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { type ChallengedNode, pollSeal, type SealOpenings, sealOpenings } from "./challenges.ts";
import { replicaIdOf, type SectorIdentity, topByteMask } from "./identity.ts";
import { type NodeKeys, nodeKeys } from "./keys.ts";
import { formBytes, sealHeadLength, sealOpeningLengths, vanillaForm } from "./proof-form.ts";
import { commitmentBytes, commRStarOf } from "./sealed.ts";
import { addNode, wordsOf } from "./words.ts";

export interface SealCommitments {
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
}

interface ParsedProof {
  readonly roots: readonly Uint8Array[];
  /** One per tree: the data tree, then the layers. */
  readonly openings: readonly Uint8Array[];
}

/** Whether `proof` shows that the sector was sealed as its identity says. Never throws on bad bytes. */
export function verifySeal(
  profile: SectorProfile,
  identity: SectorIdentity,
  commitments: SealCommitments,
  seed: Uint8Array,
  proof: Uint8Array,
): boolean {
  const { commR, commRStar } = commitments;
  if (!isPieceCommitment(identity.commD)) return false;
  for (const part of [identity.networkId, identity.ticket, seed]) if (part.length !== 32) return false;
  const replicaId = replicaIdOf(profile, identity);
  const challenges = pollSeal(profile, replicaId, commRStar, seed);
  const expected = sealOpenings(graphOf(identity.networkId, profile), challenges);
  const parsed = parseProof(profile, expected, proof);
  if (parsed === undefined) return false;
  const roots = [...parsed.roots, commR];
  if (!roots.every(isFr) || !equalBytes(commRStarOf(replicaId, roots), commRStar)) return false;
  return (
    encodingHolds(profile, replicaId, expected, parsed.openings) &&
    openingsHold(profile, expected, [identity.commD, ...roots], parsed.openings)
  );
}

function parseProof(
  profile: SectorProfile,
  expected: SealOpenings,
  proof: Uint8Array,
): ParsedProof | undefined {
  const lengths = sealOpeningLengths(profile, expected);
  const head = sealHeadLength(profile);
  if (proof.length !== lengths.reduce((sum, length) => sum + length, head)) return undefined;
  if (proof[0] !== vanillaForm) return undefined;
  const roots = Array.from({ length: profile.layers - 1 }, (_none, i) => {
    const start = formBytes + i * commitmentBytes;
    return proof.subarray(start, start + commitmentBytes);
  });
  let end = head;
  const openings = lengths.map((length) => {
    end += length;
    return proof.subarray(end - length, end);
  });
  return { roots, openings };
}

/**
 * Checks the encoding equation of every challenge; cheap, so it comes before the trees. Values are looked at
 * before they are used: keys by Poseidon are made of canonical elements alone.
 */
function encodingHolds(
  profile: SectorProfile,
  replicaId: Uint8Array,
  expected: SealOpenings,
  openings: readonly Uint8Array[],
): boolean {
  const values = openings.map((opening, tree) => openedLeaves(expected.leaves[tree] ?? [], opening));
  if (!values.every((ofTree) => [...ofTree.values()].every(isFr))) return false;
  for (const value of values[0]?.values() ?? []) {
    if ((value[commitmentBytes - 1] as number) > topByteMask) return false; // no Fr32-padded data
  }
  return expected.layers.every((challenged, i) => {
    const keys = nodeKeys(profile, replicaId, i + 1);
    const before = values[i] ?? new Map<number, Uint8Array>();
    const after = values[i + 1] ?? new Map<number, Uint8Array>();
    return challenged.every((challenge) => nodeIsEncoded(keys, challenge, before, after));
  });
}

function nodeIsEncoded(
  keys: NodeKeys,
  { node, parents }: ChallengedNode,
  before: ReadonlyMap<number, Uint8Array>,
  after: ReadonlyMap<number, Uint8Array>,
): boolean {
  const plain = before.get(node);
  const encoded = after.get(node);
  if (plain === undefined || encoded === undefined) return false;
  for (const [slot, parent] of parents.entries()) {
    const value = after.get(parent);
    if (value === undefined) return false;
    keys.setParent(slot, wordsOf(value), 0);
  }
  const result = new Uint8Array(plain); // not slice(): on a Buffer of Node that is a view
  addNode(wordsOf(result), 0, keys.derive(node, parents.length));
  return equalBytes(result, encoded);
}

function openingsHold(
  profile: SectorProfile,
  expected: SealOpenings,
  roots: readonly Uint8Array[],
  openings: readonly Uint8Array[],
): boolean {
  return openings.every((opening, tree) => {
    const root = roots[tree];
    const leaves = expected.leaves[tree];
    if (root === undefined || leaves === undefined) return false;
    const hasher = tree === 0 ? sha254Hasher : poseidonHasher;
    return verifyOpening(hasher, root, profile.nodes, leaves, opening);
  });
}
