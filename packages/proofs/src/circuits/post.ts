/**
 * The circuit of proofs of spacetime: openings of challenged nodes under the roots of replicas.
 * Public inputs, per sector: its root, then the packed indices of its challenges. The verifier draws the
 * indices itself; in 2019 they were the prover's.
 */
import { assert } from "@holdfast/base";
import { indexBits, merkleRootGadget } from "../gadgets/index.ts";
import { type Circuit, linear } from "../r1cs/index.ts";
import {
  bitsOfIndex,
  enforceEqual,
  packedCount,
  packedInputBits,
  packNumbers,
  publicInputs,
} from "./packing.ts";
import type { Path } from "./zigzag-seal.ts";

export interface PostShape {
  /** Nodes of each sector: a power of two, at least 2. */
  readonly nodes: number;
  readonly sectorsPerProof: number;
  readonly challengesPerSector: number;
}

export interface PostSectorStatement {
  readonly root: bigint;
  readonly indices: readonly number[];
}

export interface PostSectorAssignment extends PostSectorStatement {
  /** The challenged nodes, in the order of `indices`. */
  readonly leaves: readonly bigint[];
  readonly paths: readonly Path[];
}

export interface PostAssignment {
  readonly sectors: readonly PostSectorAssignment[];
}

function indicesBits({ nodes, challengesPerSector }: PostShape, indices: readonly number[]): boolean[] {
  assert(indices.length === challengesPerSector, "every sector has the shape's number of challenges");
  return indices.flatMap((index) => bitsOfIndex(index, indexBits(nodes)));
}

/** The public inputs in the circuit's order: sectors · (1 + packed elements). */
export function postPublicInputs(shape: PostShape, sectors: readonly PostSectorStatement[]): bigint[] {
  assert(sectors.length === shape.sectorsPerProof, "a proof has the shape's number of sectors");
  return sectors.flatMap(({ root, indices }) => [root, ...packNumbers(indicesBits(shape, indices))]);
}

/** The circuit of `sectorsPerProof` × `challengesPerSector` openings. */
export function postCircuit(shape: PostShape): Circuit<PostAssignment> {
  const { nodes, sectorsPerProof, challengesPerSector } = shape;
  const height = indexBits(nodes);
  const bitCount = challengesPerSector * height;
  const perSector = 1 + packedCount(bitCount);
  return {
    id: `post{nodes: ${nodes}; sectors: ${sectorsPerProof}; challenges: ${challengesPerSector}}`,
    synthesize(cs, assignment) {
      const values = assignment && postPublicInputs(shape, assignment.sectors);
      const inputs = publicInputs(cs, sectorsPerProof * perSector, values);
      for (let sector = 0; sector < sectorsPerProof; sector += 1) {
        const given = assignment?.sectors[sector];
        const [root = linear.zero, ...packed] = inputs.slice(sector * perSector, (sector + 1) * perSector);
        const bits = packedInputBits(cs, packed, bitCount, given && indicesBits(shape, given.indices));
        cs.within("Merkle paths", () => {
          for (let i = 0; i < challengesPerSector; i += 1) {
            const index = bits.slice(i * height, (i + 1) * height);
            const leaf = cs.witness(() => given?.leaves[i]);
            const sibling = (level: number, at: number): bigint | undefined => given?.paths[i]?.[level]?.[at];
            enforceEqual(cs, merkleRootGadget(cs, nodes, index, leaf, sibling), root);
          }
        });
      }
    },
  };
}
