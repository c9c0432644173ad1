/**
 * The circuit of SDR, the proof of replication of today's Filecoin: the challenged node's labels are the
 * SHA-256 of its parents' labels, all of them lie in columns under commC, the last label plus the data node is
 * the replica node under commRLast, the data node lies under commD, and commR is Poseidon of commC and
 * commRLast.
 *
 * Public inputs: replica id, commD, commR; then per challenge the packed index of the node, of its base parents
 * and of its expander parents. Filecoin makes an input of every path; here equal indices are the same bits, so
 * the challenge, its columns, its data and its replica cannot be at different places.
 * The label is the hash's own bits, and the columns' labels that go into hashes are decomposed once. Node 0,
 * whose label has no parents, is never a challenge in SDR, and has no proof here.
 * Source: Filecoin specs, SDR; the relation of rust-fil-proofs' stacked circuit.
 */
import { assert } from "@holdfast/base";
import {
  type Bit,
  bytesOfWords,
  constantWord,
  indexBits,
  merkleRootGadget,
  newBits,
  pack,
  poseidonGadget,
  sha254Gadget,
  toBits,
  uniqueBits,
  zeroBit,
} from "../gadgets/index.ts";
import { type Circuit, type ConstraintSystem, type Linear, linear } from "../r1cs/index.ts";
import {
  bitsOfIndex,
  enforceEqual,
  packedCount,
  packedInputBits,
  packNumbers,
  publicInputs,
} from "./packing.ts";
import { sha254RootGadget } from "./sha254-path.ts";
import type { Path } from "./zigzag-seal.ts";

export interface SdrCircuitShape {
  /** Nodes of the sector: a power of two, at least 2. */
  readonly nodes: number;
  /** Labels per node, at least 2: an arity of Poseidon, because a column is hashed at once. Filecoin: 2 or 11. */
  readonly layers: number;
  readonly challengesPerProof: number;
  /** Filecoin: 6 parents of the same layer, 8 of the layer before, repeated until a label has 37. */
  readonly baseDegree: number;
  readonly expansionDegree: number;
  readonly labelParents: number;
}

/** The degrees of Filecoin's graph. */
export const sdrCircuitDegrees = { baseDegree: 6, expansionDegree: 8, labelParents: 37 } as const;

export interface SdrChallengeStatement {
  /** 1 … nodes − 1. */
  readonly node: number;
  /** Base parents, then expander parents. */
  readonly parents: readonly number[];
}

/** A column of labels, first layer first, and its path under commC. */
export interface SdrColumn {
  readonly labels: readonly bigint[];
  readonly path: Path;
}

export interface SdrChallengeAssignment extends SdrChallengeStatement {
  readonly data: bigint;
  /** Siblings under commD, from the leaves up. */
  readonly dataPath: readonly bigint[];
  /** Of the challenged node's column; its labels follow from the parents'. */
  readonly columnPath: Path;
  readonly parentColumns: readonly SdrColumn[];
  /** Under commRLast. */
  readonly replicaPath: Path;
}

export interface SdrCommitments {
  readonly replicaId: bigint;
  readonly commD: bigint;
  readonly commR: bigint;
}

export interface SdrAssignment extends SdrCommitments {
  readonly commC: bigint;
  readonly commRLast: bigint;
  readonly challenges: readonly SdrChallengeAssignment[];
}

const commitmentInputs = 3;

function degreeOf({ baseDegree, expansionDegree }: SdrCircuitShape): number {
  return baseDegree + expansionDegree;
}

function statementBits(shape: SdrCircuitShape, { node, parents }: SdrChallengeStatement): boolean[] {
  assert(node > 0, "node 0 has no parents and is never challenged");
  assert(parents.length === degreeOf(shape), "a node has the shape's number of parents");
  return [node, ...parents].flatMap((index) => bitsOfIndex(index, indexBits(shape.nodes)));
}

/** The public inputs in the circuit's order: 3 + challenges · packed elements. */
export function sdrPublicInputs(
  shape: SdrCircuitShape,
  { replicaId, commD, commR }: SdrCommitments,
  challenges: readonly SdrChallengeStatement[],
): bigint[] {
  assert(challenges.length === shape.challengesPerProof, "a proof has the shape's number of challenges");
  const packed = challenges.flatMap((challenge) => packNumbers(statementBits(shape, challenge)));
  return [replicaId, commD, commR, ...packed];
}

/** 254 bits as the bits of 32 bytes. */
const nodeBytesBits = (bits: readonly Bit[]): readonly Bit[] => [...bits, zeroBit, zeroBit];

/** The 64 bytes before the parents: replica id, layer and node (big-endian), zeros. */
function labelHead(replicaId: readonly Bit[], layer: number, node: readonly Bit[]): Bit[] {
  const node64 = [...node, ...new Array<Bit>(64 - node.length).fill(zeroBit)];
  return [
    ...nodeBytesBits(replicaId),
    ...bytesOfWords([constantWord(layer), node64.slice(32), node64.slice(0, 32)], "big"),
    ...new Array<Bit>(20 * 8).fill(zeroBit),
  ];
}

interface Challenge {
  readonly shape: SdrCircuitShape;
  readonly replicaId: readonly Bit[];
  readonly commD: Linear;
  readonly commC: Linear;
  readonly commRLast: Linear;
  readonly packed: readonly Linear[];
  readonly given: SdrChallengeAssignment | undefined;
}

type Index = readonly Bit[];

/** Opens a column under commC. */
function openColumn(
  cs: ConstraintSystem,
  { shape, commC }: Challenge,
  index: Index,
  labels: readonly Linear[],
  path: () => Path | undefined,
): void {
  const column = cs.within("column hashes", () => poseidonGadget(cs, labels));
  cs.within("Merkle paths", () => {
    const siblings = (level: number, at: number): bigint | undefined => path()?.[level]?.[at];
    enforceEqual(cs, merkleRootGadget(cs, shape.nodes, index, column, siblings), commC);
  });
}

/** The parents' labels as bits, where they go into hashes: `[parent][layer − 1]`. */
function parentLabels(cs: ConstraintSystem, challenge: Challenge, parents: readonly Index[]): Bit[][][] {
  const { shape, given } = challenge;
  return parents.map((index, parent) => {
    const used = parent < shape.baseDegree ? shape.layers : shape.layers - 1;
    const column = (): SdrColumn | undefined => given?.parentColumns[parent];
    const labels = Array.from({ length: shape.layers }, (_none, i) => cs.witness(() => column()?.labels[i]));
    openColumn(cs, challenge, index, labels, () => column()?.path);
    return cs.within("labels", () => labels.slice(0, used).map((label) => toBits(cs, label, uniqueBits)));
  });
}

/** The labels of the challenged node, first layer first. */
function ownLabels(cs: ConstraintSystem, challenge: Challenge, node: Index, parents: Bit[][][]): Linear[] {
  const { shape, replicaId } = challenge;
  return cs.within("labels", () =>
    Array.from({ length: shape.layers }, (_none, i) => {
      const layer = i + 1;
      const base = parents.slice(0, shape.baseDegree).map((labels) => labels[i]);
      const expander = layer === 1 ? [] : parents.slice(shape.baseDegree).map((labels) => labels[i - 1]);
      const all = [...base, ...expander];
      const slots = Array.from({ length: shape.labelParents }, (_slot, slot) => all[slot % all.length] ?? []);
      const message = [...labelHead(replicaId, layer, node), ...slots.flatMap(nodeBytesBits)];
      return pack(sha254Gadget(cs, message));
    }),
  );
}

function synthesizeChallenge(cs: ConstraintSystem, challenge: Challenge): void {
  const { shape, packed, given } = challenge;
  const height = indexBits(shape.nodes);
  const bitCount = (1 + degreeOf(shape)) * height;
  const bits = packedInputBits(cs, packed, bitCount, given && statementBits(shape, given));
  const [node = [], ...parents] = Array.from({ length: 1 + degreeOf(shape) }, (_none, i) =>
    bits.slice(i * height, (i + 1) * height),
  );
  const labels = ownLabels(cs, challenge, node, parentLabels(cs, challenge, parents));
  openColumn(cs, challenge, node, labels, () => given?.columnPath);

  const data = cs.within("data path", () => {
    const leaf = newBits(cs, () => given?.data, uniqueBits);
    enforceEqual(
      cs,
      pack(sha254RootGadget(cs, node, leaf, (level) => given?.dataPath[level])),
      challenge.commD,
    );
    return pack(leaf);
  });
  cs.within("Merkle paths", () => {
    const replica = linear.add(data, labels.at(-1) ?? linear.zero);
    const siblings = (level: number, at: number): bigint | undefined => given?.replicaPath[level]?.[at];
    const root = merkleRootGadget(cs, shape.nodes, node, replica, siblings);
    enforceEqual(cs, root, challenge.commRLast);
  });
}

/** The circuit of `challengesPerProof` challenges of one SDR sector. */
export function sdrSealCircuit(shape: SdrCircuitShape): Circuit<SdrAssignment> {
  const { nodes, layers, challengesPerProof, baseDegree, expansionDegree, labelParents } = shape;
  assert(layers >= 2, "a column has at least two labels");
  const perChallenge = packedCount((1 + degreeOf(shape)) * indexBits(nodes));
  return {
    id:
      `sdr-seal{nodes: ${nodes}; layers: ${layers}; challenges: ${challengesPerProof}; ` +
      `degree: ${baseDegree}+${expansionDegree}/${labelParents}}`,
    synthesize(cs, given) {
      const values = given && sdrPublicInputs(shape, given, given.challenges);
      const inputs = publicInputs(cs, commitmentInputs + challengesPerProof * perChallenge, values);
      const [replicaId, commD, commR, ...packed] = inputs as [Linear, Linear, Linear, ...Linear[]];
      const commC = cs.witness(() => given?.commC);
      const commRLast = cs.witness(() => given?.commRLast);
      cs.within("commR", () => enforceEqual(cs, poseidonGadget(cs, [commC, commRLast]), commR));
      const replicaBits = cs.within("labels", () => toBits(cs, replicaId, uniqueBits));
      for (let i = 0; i < challengesPerProof; i += 1) {
        synthesizeChallenge(cs, {
          shape,
          replicaId: replicaBits,
          commD,
          commC,
          commRLast,
          packed: packed.slice(i * perChallenge, (i + 1) * perChallenge),
          given: given?.challenges[i],
        });
      }
    },
  };
}
