/** Proving spacetime with SNARKs; what is proven is in post-claims.ts. */
import { sha256 } from "@holdfast/base";
import { type PostSectorAssignment, postCircuit } from "../circuits/index.ts";
import { frFromBytes } from "../field/index.ts";
import { type ProvingKey, prove } from "../groth16/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { witnessOf } from "../r1cs/index.ts";
import { readNodes, type SealSource, type StoredTree } from "../seal-io/index.ts";
import type { Steps } from "../steps/index.ts";
import { circuitOf, postShapeOf, shapeOfCircuit } from "./circuits.ts";
import { groupsOf } from "./groups.ts";
import { leafAt, leafNodes, pathAt } from "./paths.ts";
import type { PostTarget, PostUse } from "./post-claims.ts";

/** A sector of a statement with its tree, as the prover has it. */
export interface StoredTarget extends PostTarget {
  readonly tree: StoredTree;
  readonly source: SealSource;
}

function* assignmentOf({ commR, indices, tree, source }: StoredTarget): Steps<PostSectorAssignment> {
  const nodeAt = yield* readNodes(
    source,
    indices.flatMap((index) => leafNodes(tree, index)),
  );
  return {
    root: frFromBytes(commR),
    indices,
    leaves: indices.map((index) => leafAt(tree, nodeAt, index)),
    paths: indices.map((index) => pathAt(tree, nodeAt, index)),
  };
}

/** Proves over all sectors of one profile; yields the share that is done. Throws groth16/…. */
export function* proveTargetsSteps(
  profile: SectorProfile,
  use: PostUse,
  key: ProvingKey,
  targets: readonly StoredTarget[],
): Steps<readonly Uint8Array[]> {
  const shape = postShapeOf(profile, use);
  const circuit = postCircuit(shape);
  const r1cs = shapeOfCircuit(circuitOf(profile, use));
  const groups = groupsOf(targets, shape.sectorsPerProof);
  const proofs: Uint8Array[] = [];
  for (const group of groups) {
    const sectors: PostSectorAssignment[] = [];
    for (const target of group) sectors.push(yield* assignmentOf(target));
    const witness = witnessOf(circuit, { sectors });
    const [first] = group;
    proofs.push(prove(key, r1cs, witness, sha256(first?.commR ?? new Uint8Array(0))));
    yield proofs.length / groups.length;
  }
  return proofs;
}
