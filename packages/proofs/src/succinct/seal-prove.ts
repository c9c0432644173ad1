/** Proving a seal with SNARKs; what is proven is in seal-statement.ts. */
import { concatBytes, sha256 } from "@holdfast/base";
import {
  type SealChallengeAssignment,
  type SealChallengeStatement,
  zigzagSealCircuit,
} from "../circuits/index.ts";
import { frFromBytes } from "../field/index.ts";
import { graphOf } from "../graph/index.ts";
import { type ProvingKey, prove } from "../groth16/index.ts";
import type { MerkleTree } from "../merkle/index.ts";
import { openLeaves } from "../openings/index.ts";
import {
  commRStarOf,
  parseAux,
  pollSeal,
  replicaIdOf,
  type SealTrees,
  type SectorIdentity,
  type Steps,
  sealOpenings,
} from "../porep/index.ts";
import { type SectorProfile, totalDegree } from "../profiles.ts";
import { witnessOf } from "../r1cs/index.ts";
import { circuitOf, sealShapeOf, shapeOfCircuit } from "./circuits.ts";
import { groupsOf } from "./groups.ts";
import { leafAt, pathOf } from "./paths.ts";
import { dataLeaves, publicStep, type Step, stepsOf, succinctForm } from "./seal-statement.ts";

function assignmentOf(
  step: Step,
  statement: SealChallengeStatement,
  { data, layers }: SealTrees,
): SealChallengeAssignment {
  const { layer, node, parents } = step;
  const after = layers[layer - 1] as MerkleTree;
  const before = layers[layer - 2];
  const slots = Array.from({ length: totalDegree }, (_none, i) => parents[i] ?? 0);
  return {
    ...statement,
    before: before === undefined ? leafAt(data, node) : leafAt(before, node),
    after: leafAt(after, node),
    // An unused slot opens node 0; in layer 1 the path before is any path, because it is not looked at.
    parentValues: slots.map((parent) => leafAt(after, parent)),
    pathBefore: pathOf(before ?? after, node),
    pathAfter: pathOf(after, node),
    parentPaths: slots.map((parent) => pathOf(after, parent)),
  };
}

/**
 * Proves the seal at the challenges of `seed`, one SNARK after the other, and yields the share that is done.
 * Throws proofs/bad-length, proofs/no-circuit, groth16/….
 */
export function* proveSealSteps(
  profile: SectorProfile,
  key: ProvingKey,
  identity: SectorIdentity,
  aux: Uint8Array,
  seed: Uint8Array,
): Steps<Uint8Array> {
  const trees = parseAux(profile, aux);
  const replicaId = replicaIdOf(profile, identity);
  const rootBytes = trees.layers.map((tree) => tree.root);
  const challenges = pollSeal(profile, replicaId, commRStarOf(replicaId, rootBytes), seed);
  const expected = sealOpenings(graphOf(identity.networkId, profile), challenges);
  const leaves = dataLeaves(expected);
  const plain = new Map(leaves.map((node) => [node, leafAt(trees.data, node)]));
  const roots = rootBytes.map(frFromBytes);
  const circuit = zigzagSealCircuit(sealShapeOf(profile));
  const r1cs = shapeOfCircuit(circuitOf(profile, "seal"));
  const groups = groupsOf(stepsOf(expected), profile.challengesPerProof);
  const proofs: Uint8Array[] = [];
  for (const group of groups) {
    const assignment = {
      replicaId: frFromBytes(replicaId),
      challenges: group.map((step) => assignmentOf(step, publicStep(step, roots, plain), trees)),
    };
    const witness = witnessOf(circuit, assignment);
    const entropy = sha256(concatBytes(replicaId, seed));
    proofs.push(prove(key, r1cs, witness, entropy));
    yield proofs.length / groups.length;
  }
  return concatBytes(
    Uint8Array.of(succinctForm),
    ...rootBytes.slice(0, -1),
    openLeaves(trees.data, leaves),
    ...proofs,
  );
}
