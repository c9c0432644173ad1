/** Verifying a seal with SNARKs; what is verified is in seal-statement.ts. Nothing here throws for bytes of a peer. */
import { equalBytes } from "@holdfast/base";
import { sealPublicInputs } from "../circuits/index.ts";
import type { ResolvedClass } from "../classes.ts";
import { frFromBytes, isFr } from "../field/index.ts";
import { graphOf } from "../graph/index.ts";
import { decodeVerifyingKey, groth16ProofBytes, type ProofClaim, verifyProofs } from "../groth16/verifier.ts";
import { nodeBytes, sha254Hasher } from "../merkle/index.ts";
import { openedLeaves, openingLength, verifyOpening } from "../openings/index.ts";
import { isPieceCommitment } from "../piece/index.ts";
import {
  commRStarOf,
  formBytes,
  pollSeal,
  replicaIdOf,
  type SealCommitments,
  type SealOpenings,
  type SectorIdentity,
  sealOpenings,
  topByteMask,
} from "../porep/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { sealShapeOf } from "./circuits.ts";
import { groupsOf, splitProofs } from "./groups.ts";
import { dataLeaves, publicStep, stepsOf, succinctForm } from "./seal-statement.ts";

interface Parsed {
  readonly roots: readonly Uint8Array[];
  readonly opening: Uint8Array;
  readonly proofs: readonly Uint8Array[];
}

function parse(profile: SectorProfile, expected: SealOpenings, proof: Uint8Array): Parsed | undefined {
  if (proof[0] !== succinctForm) return undefined;
  const rootsEnd = formBytes + (profile.layers - 1) * nodeBytes;
  const openingEnd = rootsEnd + openingLength(sha254Hasher, profile.nodes, dataLeaves(expected));
  const count = Math.ceil(stepsOf(expected).length / profile.challengesPerProof);
  if (proof.length < openingEnd) return undefined;
  const proofs = splitProofs(proof.subarray(openingEnd), groth16ProofBytes, count);
  if (proofs === undefined) return undefined;
  const roots = splitProofs(proof.subarray(formBytes, rootsEnd), nodeBytes, profile.layers - 1) ?? [];
  return { roots, opening: proof.subarray(rootsEnd, openingEnd), proofs };
}

/** Values of the data nodes if the opening holds and every node is Fr32-padded. */
function plainNodes(
  profile: SectorProfile,
  commD: Uint8Array,
  leaves: readonly number[],
  opening: Uint8Array,
): ReadonlyMap<number, bigint> | undefined {
  if (!verifyOpening(sha254Hasher, commD, profile.nodes, leaves, opening)) return undefined;
  const values = openedLeaves(leaves, opening);
  for (const value of values.values()) {
    if ((value[nodeBytes - 1] as number) > topByteMask) return undefined;
  }
  return new Map([...values].map(([node, value]) => [node, frFromBytes(value)]));
}

/** Whether `proof` shows that the sector was sealed as its identity says. Never throws on bad bytes. */
export function verifySealSuccinct(
  { profile, sectorClass }: ResolvedClass,
  identity: SectorIdentity,
  { commR, commRStar }: SealCommitments,
  seed: Uint8Array,
  proof: Uint8Array,
): boolean {
  if (profile.kind !== "zigzag" || sectorClass.keys === null) return false;
  if (!isPieceCommitment(identity.commD) || !isFr(commR)) return false;
  for (const part of [identity.networkId, identity.ticket, seed]) if (part.length !== 32) return false;
  const replicaId = replicaIdOf(profile, identity);
  const challenges = pollSeal(profile, replicaId, commRStar, seed);
  const expected = sealOpenings(graphOf(identity.networkId, profile), challenges);
  const parsed = parse(profile, expected, proof);
  if (parsed === undefined) return false;
  const rootBytes = [...parsed.roots, commR];
  if (!rootBytes.every(isFr) || !equalBytes(commRStarOf(replicaId, rootBytes), commRStar)) return false;
  const plain = plainNodes(profile, identity.commD, dataLeaves(expected), parsed.opening);
  const vk = decodeVerifyingKey(sectorClass.keys.seal);
  if (plain === undefined || vk === undefined) return false;
  const roots = rootBytes.map(frFromBytes);
  const shape = sealShapeOf(profile);
  const groups = groupsOf(stepsOf(expected), profile.challengesPerProof);
  const claims = parsed.proofs.map((bytes, i): ProofClaim => {
    const open = (groups[i] ?? []).map((step) => publicStep(step, roots, plain));
    return { vk, publicInputs: sealPublicInputs(shape, frFromBytes(replicaId), open), proof: bytes };
  });
  return verifyProofs(claims);
}
