/** Proving a seal with SNARKs; what is proven is in seal-statement.ts. */
import { concatBytes, sha256 } from "@holdfast/base";
import {
  type SealChallengeAssignment,
  type SealChallengeStatement,
  zigzagSealCircuit,
} from "../circuits/index.ts";
import { frFromBytes } from "../field/index.ts";
import { type ProvingKey, type StartedProof, startProof } from "../groth16/index.ts";
import { openedLeaves } from "../openings/index.ts";
import { readRoots, type SectorIdentity, storedTrees } from "../porep/index.ts";
import { type SectorProfile, totalDegree } from "../profiles.ts";
import { witnessOf } from "../r1cs/index.ts";
import {
  type NodeLookup,
  openStored,
  readNodes,
  type SealSource,
  type StoredTree,
} from "../seal-io/index.ts";
import type { Steps } from "../steps/index.ts";
import { circuitOf, sealShapeOf, shapeOfCircuit } from "./circuits.ts";
import { groupsOf } from "./groups.ts";
import { leafAt, leafNodes, pathAt } from "./paths.ts";
import { dataLeaves, publicStep, type Step, stepsOf, succinctForm } from "./seal-statement.ts";

/** The parents that a circuit takes: an unused slot opens node 0. */
function slotsOf({ parents }: Step): readonly number[] {
  return Array.from({ length: totalDegree }, (_none, i) => parents[i] ?? 0);
}

/** The tree of the layer's output and, above layer 1, that of the layer before. */
function treesOf(
  { layer }: Step,
  layers: readonly StoredTree[],
): { after: StoredTree; before: StoredTree | undefined } {
  return { after: layers[layer - 1] as StoredTree, before: layers[layer - 2] };
}

/** All nodes that the assignment of a challenge takes. */
function nodesOf(step: Step, layers: readonly StoredTree[]): readonly number[] {
  const { after, before } = treesOf(step, layers);
  const opened = [step.node, ...slotsOf(step)].flatMap((leaf) => leafNodes(after, leaf));
  return before === undefined ? opened : [...opened, ...leafNodes(before, step.node)];
}

function assignmentOf(
  step: Step,
  statement: SealChallengeStatement,
  layers: readonly StoredTree[],
  nodeAt: NodeLookup,
): SealChallengeAssignment {
  const { node } = step;
  const { after, before } = treesOf(step, layers);
  const slots = slotsOf(step);
  return {
    ...statement,
    before: before === undefined ? statement.plainNode : leafAt(before, nodeAt, node),
    after: leafAt(after, nodeAt, node),
    // In layer 1 the path before is any path, because it is not looked at.
    parentValues: slots.map((parent) => leafAt(after, nodeAt, parent)),
    pathBefore: pathAt(before ?? after, nodeAt, node),
    pathAfter: pathAt(after, nodeAt, node),
    parentPaths: slots.map((parent) => pathAt(after, nodeAt, parent)),
  };
}

/**
 * Proves the seal at the challenges of `seed`, one SNARK after the other, and yields the share that is done. While
 * this thread makes the witness of a SNARK, others may compute the sums of the one before.
 * Throws proofs/bad-length, proofs/no-circuit, groth16/…, the source's errors.
 */
export function* proveSealSteps(
  profile: SectorProfile,
  key: ProvingKey,
  identity: SectorIdentity,
  source: SealSource,
  seed: Uint8Array,
): Steps<Uint8Array> {
  const { data, layers } = storedTrees(profile);
  const { replicaId, roots: rootBytes, openings } = yield* readRoots(profile, identity, source, seed);
  const leaves = dataLeaves(openings);
  const dataOpening = yield* openStored(source, data, leaves);
  const opened = openedLeaves(leaves, dataOpening);
  const plain = new Map([...opened].map(([leaf, bytes]) => [leaf, frFromBytes(bytes)]));
  const roots = rootBytes.map(frFromBytes);
  const circuit = zigzagSealCircuit(sealShapeOf(profile));
  const r1cs = shapeOfCircuit(circuitOf(profile, "seal"));
  const groups = groupsOf(stepsOf(openings), profile.challengesPerProof);
  const proofs: Uint8Array[] = [];
  let started: StartedProof | undefined;
  try {
    for (const group of groups) {
      const nodes = group.flatMap((step) => nodesOf(step, layers));
      const nodeAt = yield* readNodes(source, nodes);
      const assignment = {
        replicaId: frFromBytes(replicaId),
        challenges: group.map((step) => assignmentOf(step, publicStep(step, roots, plain), layers, nodeAt)),
      };
      const witness = witnessOf(circuit, assignment);
      if (started !== undefined) proofs.push(started.finish());
      started = startProof(key, r1cs, witness, sha256(concatBytes(replicaId, seed)));
      yield proofs.length / groups.length;
    }
    if (started !== undefined) proofs.push(started.finish());
  } finally {
    started?.stop();
  }
  yield 1;
  return concatBytes(Uint8Array.of(succinctForm), ...rootBytes.slice(0, -1), dataOpening, ...proofs);
}
