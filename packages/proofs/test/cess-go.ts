/** Records of the original as its program writes them in JSON: bytes in base64, lists that are not there as null. */
import { fromBase64, readBigEndian } from "@holdfast/base";
import type {
  CessChain,
  CessCommitProof,
  CessCommits,
  CessDeletionProof,
  CessInsertProof,
  CessMember,
  CessNodeProof,
  CessOpening,
  CessSpaceProof,
  CessTop,
} from "@holdfast/proofs";

export interface GoOpening {
  readonly index: number;
  readonly label: string;
  readonly paths: readonly string[] | null;
  readonly locs: string | null;
}
export interface GoNodeProof {
  readonly node: GoOpening;
  readonly parents: readonly GoOpening[] | null;
  readonly elders: readonly GoOpening[] | null;
}
export interface GoWitness {
  readonly elem: string;
  readonly wit: string | null;
  readonly acc: GoWitness | null;
}

export interface GoFlow {
  readonly k: number;
  readonly n: number;
  readonly d: number;
  readonly minerId: string;
  readonly modulus: string;
  readonly base: string;
  readonly afterInsert: string;
  readonly afterDelete: string;
  readonly distances: readonly number[];
  readonly commits: { readonly file_indexs: readonly number[]; readonly roots: readonly string[] };
  readonly challenge: readonly (readonly number[])[];
  readonly rows: { readonly [offset: string]: readonly GoNodeProof[] };
  readonly insert: {
    readonly indexs: readonly number[];
    readonly labels: readonly string[];
    readonly wit_chains: GoWitness;
    readonly acc_path: readonly string[];
  };
  readonly spaceChallenge: readonly number[];
  readonly space: {
    readonly left: number;
    readonly right: number;
    readonly proofs: readonly (readonly GoOpening[])[];
    readonly roots: readonly string[];
    readonly wit_chains: readonly GoWitness[];
  };
  readonly deletion: {
    readonly roots: readonly string[];
    readonly wit_chain: GoWitness;
    readonly acc_path: readonly string[];
  };
}

const bytes = (text: string | null): Uint8Array => fromBase64(text ?? "") ?? new Uint8Array(0);
const value = (text: string | null): bigint => readBigEndian(bytes(text));

function opening({ index, label, paths, locs }: GoOpening): CessOpening {
  const shown = { index, label: bytes(label) };
  return paths === null ? shown : { ...shown, path: { siblings: paths.map(bytes), locs: [...bytes(locs)] } };
}

export const goRow = (row: readonly GoNodeProof[]): readonly CessNodeProof[] =>
  row.map(({ node, parents, elders }) => ({
    node: opening(node),
    parents: (parents ?? []).map(opening),
    elders: (elders ?? []).map(opening),
  }));

export const goCommits = ({ commits }: GoFlow): CessCommits => ({
  fileIndexes: commits.file_indexs,
  roots: commits.roots.map(bytes),
});

function chain(lowest: GoWitness): CessChain {
  const { acc: middle } = lowest;
  const top = middle?.acc;
  if (!middle || !top || top.acc !== null) throw new Error("the chain has three nodes");
  const [sub, subWitness] = [value(lowest.elem), value(lowest.wit)];
  return { sub, subWitness, mid: value(middle.elem), midWitness: value(middle.wit), root: value(top.elem) };
}

function member({ elem, wit, acc }: GoWitness): CessMember {
  if (acc === null) throw new Error("an element stands under something");
  return { element: bytes(elem), witness: value(wit), chain: chain(acc) };
}

function top(path: readonly string[]): CessTop {
  const [sub, mid, root] = path.map(value) as [bigint, bigint, bigint];
  return { sub, mid, root };
}

export const goInsert = ({ insert }: GoFlow): CessInsertProof => ({
  fileIndexes: insert.indexs,
  elements: insert.labels.map(bytes),
  update: { before: chain(insert.wit_chains), after: top(insert.acc_path) },
});

export const goSpace = ({ space }: GoFlow): CessSpaceProof => ({
  left: space.left,
  right: space.right,
  openings: space.proofs.map((file) => file.map(opening)),
  roots: space.roots.map(bytes),
  members: space.wit_chains.map(member),
});

export const goDeletion = ({ deletion }: GoFlow): CessDeletionProof => ({
  roots: deletion.roots.map(bytes),
  update: { before: chain(deletion.wit_chain), after: top(deletion.acc_path) },
});

/** A proof of which only these rows are known, with rows of its own between them. */
export const withRows = (
  proof: CessCommitProof,
  rows: { readonly [offset: string]: readonly GoNodeProof[] },
): CessCommitProof => proof.map((row, offset) => (rows[offset] === undefined ? row : goRow(rows[offset])));
