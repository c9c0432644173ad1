/** Proving spacetime with SNARKs; what is proven is in post-claims.ts. */
import { sha256 } from "@holdfast/base";
import { postCircuit } from "../circuits/index.ts";
import { frFromBytes } from "../field/index.ts";
import { type ProvingKey, prove } from "../groth16/index.ts";
import type { MerkleTree } from "../merkle/index.ts";
import type { Steps } from "../porep/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { witnessOf } from "../r1cs/index.ts";
import { circuitOf, postShapeOf, shapeOfCircuit } from "./circuits.ts";
import { groupsOf } from "./groups.ts";
import { leafAt, pathOf } from "./paths.ts";
import type { PostTarget, PostUse } from "./post-claims.ts";

/** Proves over all sectors of one profile; yields the share that is done. Throws groth16/…. */
export function* proveTargetsSteps(
  profile: SectorProfile,
  use: PostUse,
  key: ProvingKey,
  targets: readonly (PostTarget & { readonly tree: MerkleTree })[],
): Steps<readonly Uint8Array[]> {
  const shape = postShapeOf(profile, use);
  const circuit = postCircuit(shape);
  const r1cs = shapeOfCircuit(circuitOf(profile, use));
  const groups = groupsOf(targets, shape.sectorsPerProof);
  const proofs: Uint8Array[] = [];
  for (const group of groups) {
    const sectors = group.map(({ commR, indices, tree }) => ({
      root: frFromBytes(commR),
      indices,
      leaves: indices.map((index) => leafAt(tree, index)),
      paths: indices.map((index) => pathOf(tree, index)),
    }));
    const witness = witnessOf(circuit, { sectors });
    const [first] = group;
    proofs.push(prove(key, r1cs, witness, sha256(first?.commR ?? new Uint8Array(0))));
    yield proofs.length / groups.length;
  }
  return proofs;
}
