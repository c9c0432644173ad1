/**
 * Verifying a vanilla SDR seal proof. What is checked:
 *
 * 1. every input has its length and is a canonical field element, so there is one encoding of each proof;
 * 2. commR* is Poseidon of commC and commR, so the prover was bound to both roots before the seed was drawn;
 * 3. the replica id is recomputed from the identity, the challenges from it and the seed, the parents from
 *    the graph, and the proof has exactly the bytes of those openings;
 * 4. for every challenge and every layer, the label is the hash of the replica id, the layer, the node and
 *    its parents' labels: base parents in the same layer, expander parents in the layer before;
 * 5. the replica's node is the data's node plus the label of the last layer, and the data is Fr32-padded;
 * 6. every value used is under its root at its own index: columns (hashed here) under commC, data under commD,
 *    the replica under commR.
 *
 * Nothing here throws for bytes of a peer: the answer is `false`. Source: Filecoin specs, SDR.
 */
import { concatBytes, equalBytes } from "@holdfast/base";
import { isFr } from "../field/index.ts";
import { nodeBytes, poseidonHasher, sha254Hasher } from "../merkle/index.ts";
import { openedLeaves, verifyOpening } from "../openings/index.ts";
import { isPieceCommitment } from "../piece/index.ts";
import {
  addNode,
  formBytes,
  type SealCommitments,
  type SectorIdentity,
  topByteMask,
  vanillaForm,
  wordsOf,
} from "../porep/index.ts";
import { pollSdr } from "./challenges.ts";
import { sdrBaseDegree } from "./drsample.ts";
import { sdrGraphOf, sdrReplicaIdOf } from "./identity.ts";
import { LabelMaker } from "./labels.ts";
import type { SdrProfile } from "./params.ts";
import { type SdrOpenings, sdrOpenings, sdrProofLengths } from "./proof-form.ts";
import { sdrCommR } from "./sealed.ts";

interface ParsedProof {
  readonly commC: Uint8Array;
  /** Columns in the order of the openings. */
  readonly columns: Uint8Array;
  readonly siblings: Uint8Array;
  readonly data: Uint8Array;
  readonly replica: Uint8Array;
}

/** Whether `proof` shows that the sector was sealed as its identity says. Never throws on bad bytes. */
export function verifySdr(
  profile: SdrProfile,
  identity: SectorIdentity,
  commitments: SealCommitments,
  seed: Uint8Array,
  proof: Uint8Array,
): boolean {
  const { commR, commRStar } = commitments;
  if (!isPieceCommitment(identity.commD)) return false;
  for (const part of [identity.networkId, identity.ticket, seed]) {
    if (part.length !== nodeBytes) return false;
  }
  const replicaId = sdrReplicaIdOf(profile, identity);
  const challenges = pollSdr(profile, replicaId, commRStar, seed);
  const openings = sdrOpenings(sdrGraphOf(identity.networkId, profile), challenges);
  const parsed = parseProof(profile, openings, proof);
  if (parsed === undefined || !isFr(commR) || !isFr(parsed.commC)) return false;
  if (!equalBytes(sdrCommR(parsed.commC, commR), commRStar)) return false;
  return (
    labelsHold(profile, replicaId, openings, parsed) &&
    columnsHold(profile, openings, parsed) &&
    verifyOpening(sha254Hasher, identity.commD, profile.nodes, openings.challenged, parsed.data) &&
    verifyOpening(poseidonHasher, commR, profile.nodes, openings.challenged, parsed.replica)
  );
}

function parseProof(profile: SdrProfile, openings: SdrOpenings, proof: Uint8Array): ParsedProof | undefined {
  const { head, ...lengths } = sdrProofLengths(profile, openings);
  const total = Object.values(lengths).reduce((sum, length) => sum + length, head);
  if (proof.length !== total || proof[0] !== vanillaForm) return undefined;
  let end = head;
  const take = (length: number): Uint8Array => {
    end += length;
    return proof.subarray(end - length, end);
  };
  return {
    commC: proof.subarray(formBytes, head),
    columns: take(lengths.columns),
    siblings: take(lengths.siblings),
    data: take(lengths.data),
    replica: take(lengths.replica),
  };
}

/** Labels and encoding of every challenged node; cheap, so it comes before the trees. */
function labelsHold(
  { layers }: SdrProfile,
  replicaId: Uint8Array,
  { challenged, columns, parents }: SdrOpenings,
  parsed: ParsedProof,
): boolean {
  const place = new Map(columns.map((node, i) => [node, i]));
  /** Which label of all opened ones, layer by layer within a column, is `node`'s in `layer`. */
  const labelAt = (node: number, layer: number): number => (place.get(node) ?? 0) * layers + layer - 1;
  for (let layer = 1; layer <= layers; layer += 1) {
    const maker = new LabelMaker(replicaId, layer);
    for (const node of challenged) {
      (parents.get(node) ?? []).slice(0, maker.degree).forEach((parent, slot) => {
        const from = labelAt(parent, slot < sdrBaseDegree ? layer : layer - 1);
        maker.setParent(slot, parsed.columns, from);
      });
      const at = labelAt(node, layer) * nodeBytes;
      if (!equalBytes(maker.label(node), parsed.columns.subarray(at, at + nodeBytes))) return false;
    }
  }
  const data = openedLeaves(challenged, parsed.data);
  const replica = openedLeaves(challenged, parsed.replica);
  return challenged.every((node) => {
    const at = labelAt(node, layers) * nodeBytes;
    return isEncoded(data.get(node), parsed.columns.subarray(at, at + nodeBytes), replica.get(node));
  });
}

function isEncoded(plain: Uint8Array | undefined, label: Uint8Array, encoded: Uint8Array | undefined) {
  if (plain === undefined || encoded === undefined) return false;
  if ((plain[nodeBytes - 1] as number) > topByteMask) return false; // no Fr32-padded data
  const result = new Uint8Array(plain); // not slice(): on a Buffer of Node that is a view
  addNode(wordsOf(result), 0, wordsOf(label));
  return equalBytes(result, encoded);
}

/** That the columns are canonical and lie under commC. */
function columnsHold(profile: SdrProfile, openings: SdrOpenings, parsed: ParsedProof): boolean {
  const { columns, siblings, commC } = parsed;
  for (let at = 0; at < columns.length; at += nodeBytes) {
    if (!isFr(columns.subarray(at, at + nodeBytes))) return false;
  }
  const opening = concatBytes(poseidonHasher.hashRow(columns, profile.layers), siblings);
  return verifyOpening(poseidonHasher, commC, profile.nodes, openings.columns, opening);
}
