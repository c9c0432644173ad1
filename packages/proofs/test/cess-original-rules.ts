/**
 * What the verifier of the original checks, and no more: so that a forgery can be shown to be one. Restated from a
 * description of CESSProject/cess_pois v0.6.3; its lots are parameters here.
 */
import { concatBytes, equalBytes, sha256 } from "@holdfast/base";
import {
  type CessBasis,
  type CessCommitChallenge,
  type CessCommitProof,
  type CessCommits,
  type CessMember,
  type CessNodeProof,
  type CessOpening,
  type CessSet,
  type CessSpaceProof,
  type CessUpdate,
  cessElders,
  cessElement,
  cessFileNumber,
  cessParents,
  cessValueBytes,
  numberKernel,
} from "@holdfast/proofs";
import { sha512 } from "@noble/hashes/sha2.js";

const power = ({ key, primes }: CessBasis, base: bigint, below: Uint8Array): bigint =>
  numberKernel.modPow(base % key.modulus, primes.of(below), key.modulus);

/** Any length of path, any way. */
function path(root: Uint8Array, { label, path: shown }: CessOpening): boolean {
  const { locs = [], siblings = [] } = shown ?? {};
  if (locs.length !== siblings.length) return false;
  let node = sha256(label);
  for (const [i, sibling] of siblings.entries())
    node = sha256(locs[i] === 0 ? concatBytes(sibling, node) : concatBytes(node, sibling));
  return equalBytes(node, root);
}

/** As many levels as are shown. */
const indexPath = (index: number, { path: shown }: CessOpening): boolean =>
  (shown?.locs ?? []).every((loc, i) => loc === 1 - (Math.floor(index / 2 ** i) % 2));

const sumOf = (labels: readonly Uint8Array[]): Uint8Array => {
  const sum = new Uint8Array(64);
  for (const label of labels) for (let i = 0; i < 64; i += 1) sum[i] = (sum[i] ?? 0) ^ (label[i] ?? 0);
  return sum;
};

const word = (value: number, bytes: 4 | 8): Uint8Array => {
  const out = new DataView(new ArrayBuffer(bytes));
  if (bytes === 8) out.setBigUint64(0, BigInt(value));
  else out.setUint32(0, value);
  return new Uint8Array(out.buffer);
};

/** The message of a label, hashed. */
export function originalLabel(
  { minerId, shape }: CessSet,
  place: { readonly cluster: number; readonly realLayer: number; readonly node: number },
  parents: readonly Uint8Array[],
  elders: readonly Uint8Array[],
  before: Uint8Array,
): Uint8Array {
  const { cluster, realLayer, node } = place;
  const numbers = [word(cluster, 8), word(cessFileNumber(shape, cluster, realLayer), 8), word(node, 4)];
  return sha512(concatBytes(minerId, ...numbers, sumOf(parents), sumOf(elders), before));
}

interface Row {
  readonly set: CessSet;
  readonly roots: readonly Uint8Array[];
  readonly offset: number;
}

function nodeHolds({ set, roots, offset }: Row, realLayer: number, proof: CessNodeProof): boolean {
  const { layers, nodes } = set.shape;
  const { node, parents, elders } = proof;
  const rootAt = (layer: number): Uint8Array => roots[layer * set.clusters + offset] as Uint8Array;
  const layer = Math.min(realLayer, layers);
  if (!path(rootAt(realLayer), node)) return false;
  for (const parent of parents) {
    if (
      parent.index % 6 === 0 &&
      !path(rootAt(parent.index >= layer * nodes ? realLayer : layer - 1), parent)
    )
      return false;
  }
  const [before, ...rest] = elders;
  const first = cessElders(set.shape, realLayer) ?? 0;
  if (!rest.every((elder, i) => path(rootAt(first + 2 * i), elder))) return false;
  const at = realLayer * set.clusters + offset;
  if (at > 0 && (before === undefined || !path(roots[at - 1] as Uint8Array, before))) return false;
  const label = originalLabel(
    set,
    { cluster: set.startCluster + offset, realLayer, node: node.index },
    parents.map((one) => one.label),
    rest.map((one) => one.label),
    at > 0 && before !== undefined ? before.label : new Uint8Array(0),
  );
  return equalBytes(label, node.label);
}

/** `picked` are the four proofs, by row and place, whose parents are looked up in the graph. */
export function originalCommit(
  set: CessSet,
  { roots }: CessCommits,
  challenge: CessCommitChallenge,
  proof: CessCommitProof,
  picked: readonly (readonly [number, number])[],
): boolean {
  const { layers, nodes, degree } = set.shape;
  const layerOf = (j: number, node: number): number => (j < layers ? layers + j : Math.floor(node / nodes));
  for (const [offset, j] of picked) {
    const own = proof[offset] ?? [];
    const { node, parents } = own[j] as CessNodeProof;
    const file = { minerId: set.minerId, nodes, degree, cluster: set.startCluster + offset };
    const ids = cessParents({ ...file, realLayer: layerOf(j, node.index) }, node.index);
    if (!ids.every((id, t) => parents[t]?.index === id)) return false;
  }
  return challenge.every((asked, offset) =>
    (proof[offset] ?? []).every((own, j) => {
      if (j <= layers && own.node.index !== asked[j + 1]) return false;
      return nodeHolds({ set, roots, offset }, layerOf(j, own.node.index), own);
    }),
  );
}

export function originalInsert(
  basis: CessBasis,
  root: bigint,
  elements: readonly Uint8Array[],
  { before, after }: CessUpdate,
): boolean {
  const nodes = [
    { value: before.sub, witness: before.subWitness },
    { value: before.mid, witness: before.midWitness },
    { value: before.root, witness: 0n },
  ];
  let at = 0;
  while (at < 2 && nodes[at + 1]?.value === nodes[at]?.witness) at += 1;
  for (; at < 2; at += 1) {
    const { value, witness } = nodes[at] as (typeof nodes)[0];
    if (power(basis, witness, cessValueBytes(value)) !== nodes[at + 1]?.value) return false;
  }
  const sub = elements.reduce((value, element) => power(basis, value, element), before.sub);
  const mid = power(basis, before.subWitness, cessValueBytes(after.sub));
  const top = power(basis, before.midWitness, cessValueBytes(after.mid));
  return before.root === root && sub === after.sub && mid === after.mid && top === after.root;
}

/** `drawn` says which of the members that need not be looked at are. */
export function originalMembers(
  basis: CessBasis,
  root: bigint,
  members: readonly CessMember[],
  drawn: (index: number) => boolean,
): boolean {
  return members.every(({ element, witness, chain }, i) => {
    const isLast = i === members.length - 1 || (i + 1) % 256 === 0;
    if (chain.sub !== members[0]?.chain.sub) return false;
    if (!isLast && !drawn(i)) return true;
    if (power(basis, witness, element) !== chain.sub) return false;
    if (!isLast) return true;
    const mid = power(basis, chain.subWitness, cessValueBytes(chain.sub));
    return mid === chain.mid && power(basis, chain.midWitness, cessValueBytes(mid)) === root;
  });
}

export function originalSpace(
  basis: CessBasis,
  minerId: Uint8Array,
  state: { readonly root: bigint; readonly front: number; readonly rear: number },
  challenge: readonly number[],
  proof: CessSpaceProof,
  drawn: (index: number) => boolean = () => true,
): boolean {
  const { left, right, roots, openings, members } = proof;
  if (challenge.length === 0 || left <= state.front || right > state.rear + 1) return false;
  const shown = roots.every(
    (root, i) =>
      challenge.every((index, j) => {
        const one = openings[i]?.[j] as CessOpening;
        return one.index === index && indexPath(index, one) && path(root, one);
      }) && equalBytes(cessElement(minerId, left + i, root), members[i]?.element ?? root),
  );
  return shown && originalMembers(basis, state.root, members, drawn);
}
