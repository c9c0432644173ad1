/**
 * Assignments for the circuits' tests, made with the native functions: trees over made-up nodes, of which only
 * the challenged ones are really encoded. What is encoded can be falsified before the trees are built, so a
 * forgery is consistent in everything but the one thing that it lies about.
 */
import { bigEndian, concatBytes, littleEndian, sha256 } from "@holdfast/base";
import {
  buildTree,
  frFromBytes,
  frModulus,
  frsFromBytes,
  frsToBytes,
  frToBytes,
  KeyDeriver,
  keyHeader,
  openPath,
  type Path,
  type PostAssignment,
  type PostShape,
  poseidonHash,
  poseidonHasher,
  type SdrAssignment,
  type SdrCircuitShape,
  type SealAssignment,
  type SealChallengeAssignment,
  type SealShape,
  sha254Hasher,
  wordsOf,
  zigzagKeyPoseidon,
} from "@holdfast/proofs";

/** Field elements that look random; the same seed gives the same ones. */
export function elementsOf(count: number, seed: number): bigint[] {
  return Array.from({ length: count }, (_none, i) => {
    const hash = sha256(concatBytes(bigEndian(seed, 8), bigEndian(i, 8)));
    return (
      (BigInt(`0x${[...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`) >> 2n) % frModulus
    );
  });
}

/** A Poseidon tree over numbers. */
export function treeOf(leaves: readonly bigint[]): { root: bigint; path(index: number): Path } {
  const tree = buildTree(poseidonHasher, frsToBytes(leaves));
  return {
    root: frFromBytes(tree.root),
    path(index) {
      const siblings = frsFromBytes(openPath(tree, index));
      return (poseidonHasher.shapeOf(leaves.length) ?? []).map((arity) => siblings.splice(0, arity - 1));
    },
  };
}

/** What is challenged, and how the prover lies about it. */
export interface SealCase {
  readonly layer: number;
  readonly node: number;
  readonly parents: readonly number[];
  readonly seed?: number;
  /** The value that is encoded instead of before + key. */
  readonly encode?: (before: bigint, key: bigint) => bigint;
  /** The parents' values that the key is made from, instead of the true ones. */
  readonly keyParents?: (values: readonly bigint[]) => readonly bigint[];
  /** The header that the key is made with, instead of the true one. */
  readonly keyHeader?: bigint;
}

const slots = 13;

/** The key of the definition over bytes. */
function blake2sKeyOf(replicaId: bigint, header: bigint, parents: readonly bigint[]): bigint {
  const deriver = new KeyDeriver(frToBytes(replicaId), Number(header >> 48n));
  parents.forEach((value, slot) => {
    deriver.setParent(slot, wordsOf(frToBytes(value)), 0);
  });
  const key = deriver.derive(Number((header >> 8n) & 0xff_ffff_ffffn), parents.length);
  return frFromBytes(new Uint8Array(key.slice().buffer));
}

export const sealReplicaId = elementsOf(1, 77)[0] ?? 0n;

function sealChallenge(shape: SealShape, one: SealCase): SealChallengeAssignment {
  const { layer, node, parents, seed = 1 } = one;
  const before = elementsOf(shape.nodes, seed * 2);
  const after = elementsOf(shape.nodes, seed * 2 + 1);
  const header = keyHeader(layer, node, parents.length);
  const values = parents.map((parent) => after[parent] ?? 0n);
  const keyOf = shape.keyDerivation === "poseidon" ? zigzagKeyPoseidon : blake2sKeyOf;
  const key = keyOf(sealReplicaId, one.keyHeader ?? header, one.keyParents?.(values) ?? values);
  const encode = one.encode ?? ((plain: bigint, added: bigint) => (plain + added) % frModulus);
  after[node] = encode(before[node] ?? 0n, key);
  const [treeBefore, treeAfter] = [treeOf(before), treeOf(after)];
  const opened = Array.from({ length: slots }, (_none, slot) => parents[slot] ?? 0);
  const first = layer === 1;
  return {
    rootBefore: first ? 0n : treeBefore.root,
    rootAfter: treeAfter.root,
    plainNode: first ? (before[node] ?? 0n) : 0n,
    header,
    first,
    node,
    parents,
    before: before[node] ?? 0n,
    after: after[node] ?? 0n,
    parentValues: opened.map((parent) => after[parent] ?? 0n),
    pathBefore: first ? [] : treeBefore.path(node),
    pathAfter: treeAfter.path(node),
    parentPaths: opened.map((parent) => treeAfter.path(parent)),
  };
}

export function sealAssignment(shape: SealShape, cases: readonly SealCase[]): SealAssignment {
  return { replicaId: sealReplicaId, challenges: cases.map((one) => sealChallenge(shape, one)) };
}

export function postAssignment(shape: PostShape, indices: readonly (readonly number[])[]): PostAssignment {
  return {
    sectors: indices.map((own, sector) => {
      const leaves = elementsOf(shape.nodes, 100 + sector);
      const tree = treeOf(leaves);
      return {
        root: tree.root,
        indices: own,
        leaves: own.map((index) => leaves[index] ?? 0n),
        paths: own.map((index) => tree.path(index)),
      };
    }),
  };
}

/** The label of the specification, for a graph of any degree. */
export function sdrLabel(
  replicaId: bigint,
  layer: number,
  node: number,
  parents: readonly bigint[],
  count: number,
): bigint {
  const slotsOf = Array.from({ length: count }, (_none, i) => frToBytes(parents[i % parents.length] ?? 0n));
  const head = [frToBytes(replicaId), bigEndian(layer, 4), bigEndian(node, 8), new Uint8Array(20)];
  const label = sha256(concatBytes(...head, ...slotsOf));
  label[31] = (label[31] ?? 0) & 0x3f;
  return frFromBytes(label);
}

/** A tiny SDR sector around one challenged node; `falsify` may change its labels or data before the trees. */
export function sdrAssignment(
  shape: SdrCircuitShape,
  node: number,
  parents: readonly number[],
  falsify: (sector: { labels: bigint[]; data: bigint[]; replica: bigint[] }) => void = () => {},
): SdrAssignment {
  const replicaId = elementsOf(1, 500)[0] ?? 0n;
  const columns = elementsOf(shape.nodes * shape.layers, 501).map((value) => BigInt.asUintN(254, value));
  const labelOf = (v: number, layer: number): bigint => columns[v * shape.layers + layer - 1] ?? 0n;
  const base = parents.slice(0, shape.baseDegree);
  const expander = parents.slice(shape.baseDegree);
  const labels: bigint[] = [];
  for (let layer = 1; layer <= shape.layers; layer += 1) {
    const same = base.map((parent) => labelOf(parent, layer));
    const below = layer === 1 ? [] : expander.map((parent) => labelOf(parent, layer - 1));
    const label = sdrLabel(replicaId, layer, node, [...same, ...below], shape.labelParents);
    labels.push(label);
    columns[node * shape.layers + layer - 1] = label; // an expander parent may be the node itself
  }
  const data = elementsOf(shape.nodes, 502).map((value) => BigInt.asUintN(254, value));
  const replica = elementsOf(shape.nodes, 503);
  replica[node] = ((data[node] ?? 0n) + (labels.at(-1) ?? 0n)) % frModulus;
  falsify({ labels, data, replica });
  labels.forEach((label, i) => {
    columns[node * shape.layers + i] = label;
  });
  const columnOf = (v: number): bigint[] => columns.slice(v * shape.layers, (v + 1) * shape.layers);
  const columnTree = treeOf(Array.from({ length: shape.nodes }, (_none, v) => poseidonHash(columnOf(v))));
  const replicaTree = treeOf(replica);
  const dataTree = buildTree(sha254Hasher, concatBytes(...data.map((value) => littleEndian(value, 32))));
  return {
    replicaId,
    commD: frFromBytes(dataTree.root),
    commR: poseidonHash([columnTree.root, replicaTree.root]),
    commC: columnTree.root,
    commRLast: replicaTree.root,
    challenges: [
      {
        node,
        parents,
        data: data[node] ?? 0n,
        dataPath: frsFromBytes(openPath(dataTree, node)),
        columnPath: columnTree.path(node),
        parentColumns: parents.map((parent) => ({ labels: columnOf(parent), path: columnTree.path(parent) })),
        replicaPath: replicaTree.path(node),
      },
    ],
  };
}
