/**
 * The circuit of the hardened ZigZag: some encoding challenges of one sector. For every challenge it says that
 * the node's value before, plus the key from its parents' values, is its value after; and that each of these
 * values is the leaf of its index under its public root.
 *
 * Public inputs: the replica id; then per challenge the root before, the root after, the plain node, the
 * header of the key (layer · 2^48 + node · 2^8 + number of parents) and the packed bits: `first`, 13 × `used`,
 * the node's index, 13 parents' indices (0 in unused slots). The verifier makes all of them from the
 * challenges, the graph and the commitments.
 *
 * In the first layer the value before is data, and its tree is SHA-256's: its path would cost 55,000
 * constraints a level, so the verifier opens it under commD itself and passes it as the plain node; the root
 * before is then 0. In other layers the plain node is 0. Both zeros are enforced.
 *
 * A slot without a parent opens node 0 and carries 0 into the key. The circuits of 2019 bound neither the key,
 * nor the parents, nor the encoded node to the openings; here they are the same variables.
 */

import { assert } from "@holdfast/base";
import { type Bit, indexBits, merkleRootGadget, multiply, not, poseidonGadget } from "../gadgets/index.ts";
import { zigzagKeyDomain } from "../porep/poseidon-key.ts";
import { totalDegree } from "../profiles.ts";
import { type Circuit, type ConstraintSystem, type Linear, linear } from "../r1cs/index.ts";
import { blake2sKey } from "./blake2s-key.ts";
import {
  bitsOfIndex,
  enforceEqual,
  packedCount,
  packedInputBits,
  packNumbers,
  publicInputs,
} from "./packing.ts";

export interface SealShape {
  /** Nodes of the sector: a power of two, at least 2. */
  readonly nodes: number;
  readonly challengesPerProof: number;
  readonly keyDerivation: "poseidon" | "blake2s";
}

/** What the verifier knows of one challenge. Roots and nodes are field elements. */
export interface SealChallengeStatement {
  /** Root of the layer before; 0 for the first layer. */
  readonly rootBefore: bigint;
  readonly rootAfter: bigint;
  /** The node of the data, for the first layer; 0 for others. */
  readonly plainNode: bigint;
  /** `keyHeader(layer, node, parents.length)`. */
  readonly header: bigint;
  readonly first: boolean;
  readonly node: number;
  /** The node's parents in graph order, 13 at most. */
  readonly parents: readonly number[];
}

/** What the prover adds. A path holds the siblings per level from the leaves up, without the node itself. */
export interface SealChallengeAssignment extends SealChallengeStatement {
  readonly before: bigint;
  readonly after: bigint;
  /** 13 values under the root after; unused slots have that of node 0. */
  readonly parentValues: readonly bigint[];
  /** Not looked at for the first layer. */
  readonly pathBefore: Path;
  readonly pathAfter: Path;
  /** 13 paths; unused slots have that of node 0. */
  readonly parentPaths: readonly Path[];
}

/** Siblings per level. */
export type Path = readonly (readonly bigint[])[];

export interface SealAssignment {
  readonly replicaId: bigint;
  readonly challenges: readonly SealChallengeAssignment[];
}

const statementInputs = 4;

function bitCount(shape: SealShape): number {
  return 1 + totalDegree + (1 + totalDegree) * indexBits(shape.nodes);
}

function statementBits(shape: SealShape, { first, node, parents }: SealChallengeStatement): boolean[] {
  assert(parents.length <= totalDegree, "a node has at most 13 parents");
  const height = indexBits(shape.nodes);
  const slots = Array.from({ length: totalDegree }, (_none, slot) => parents[slot]);
  return [
    first,
    ...slots.map((parent) => parent !== undefined),
    ...bitsOfIndex(node, height),
    ...slots.flatMap((parent) => bitsOfIndex(parent ?? 0, height)),
  ];
}

/** The public inputs in the circuit's order: 1 + challenges · (4 + packed elements). */
export function sealPublicInputs(
  shape: SealShape,
  replicaId: bigint,
  challenges: readonly SealChallengeStatement[],
): bigint[] {
  assert(challenges.length === shape.challengesPerProof, "a proof has the shape's number of challenges");
  return [
    replicaId,
    ...challenges.flatMap((challenge) => [
      challenge.rootBefore,
      challenge.rootAfter,
      challenge.plainNode,
      challenge.header,
      ...packNumbers(statementBits(shape, challenge)),
    ]),
  ];
}

interface Challenge {
  readonly shape: SealShape;
  readonly replicaId: Linear;
  readonly inputs: readonly Linear[];
  readonly given: SealChallengeAssignment | undefined;
}

function synthesizeChallenge(cs: ConstraintSystem, { shape, replicaId, inputs, given }: Challenge): void {
  const { nodes } = shape;
  const height = indexBits(nodes);
  const [rootBefore, rootAfter, plainNode, header] = inputs as [Linear, Linear, Linear, Linear];
  const packed = inputs.slice(statementInputs);
  const bits = packedInputBits(cs, packed, bitCount(shape), given && statementBits(shape, given));
  const [first] = bits as [Bit];
  const indexAt = (i: number): readonly Bit[] => {
    const from = 1 + totalDegree + i * height;
    return bits.slice(from, from + height);
  };
  const rootOf = (index: readonly Bit[], leaf: Linear, path: () => Path | undefined): Linear =>
    cs.within("Merkle paths", () =>
      merkleRootGadget(cs, nodes, index, leaf, (level, sibling) => path()?.[level]?.[sibling]),
    );

  const slots = Array.from({ length: totalDegree }, (_none, slot) => {
    const value = cs.witness(() => given?.parentValues[slot]);
    const root = rootOf(indexAt(1 + slot), value, () => given?.parentPaths[slot]);
    cs.within("Merkle paths", () => enforceEqual(cs, root, rootAfter));
    return cs.within("encoding", () => multiply(cs, value, bits[1 + slot] as Bit));
  });
  const key = cs.within("key derivation", () =>
    shape.keyDerivation === "poseidon"
      ? poseidonGadget(cs, [linear.constant(zigzagKeyDomain), replicaId, header, ...slots])
      : blake2sKey(cs, replicaId, header, slots),
  );

  const before = cs.witness(() => given?.before);
  const after = cs.witness(() => given?.after);
  cs.within("encoding", () => enforceEqual(cs, linear.add(before, key), after));
  const rootOfAfter = rootOf(indexAt(0), after, () => given?.pathAfter);
  const rootOfBefore = rootOf(indexAt(0), before, () =>
    given?.first === true ? zeroPath : given?.pathBefore,
  );
  cs.within("Merkle paths", () => enforceEqual(cs, rootOfAfter, rootAfter));
  cs.within("encoding", () => {
    cs.enforce(rootOfBefore, not(first), rootBefore);
    cs.enforce(before, first, plainNode);
  });
}

/** A path of zeros to whatever root: in the first layer there is no tree of field elements before. */
const zeroPath: Path = Array.from({ length: 32 }, () => new Array<bigint>(8).fill(0n));

/** The circuit of `challengesPerProof` encoding challenges of one sector. */
export function zigzagSealCircuit(shape: SealShape): Circuit<SealAssignment> {
  const { nodes, challengesPerProof, keyDerivation } = shape;
  const perChallenge = statementInputs + packedCount(bitCount(shape));
  return {
    id: `zigzag-seal{nodes: ${nodes}; challenges: ${challengesPerProof}; key: ${keyDerivation}}`,
    synthesize(cs, assignment) {
      const values = assignment && sealPublicInputs(shape, assignment.replicaId, assignment.challenges);
      const [replicaId = linear.zero, ...inputs] = publicInputs(
        cs,
        1 + challengesPerProof * perChallenge,
        values,
      );
      for (let i = 0; i < challengesPerProof; i += 1) {
        synthesizeChallenge(cs, {
          shape,
          replicaId,
          inputs: inputs.slice(i * perChallenge, (i + 1) * perChallenge),
          given: assignment?.challenges[i],
        });
      }
    },
  };
}
