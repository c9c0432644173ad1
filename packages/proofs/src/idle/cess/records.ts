/**
 * What a prover and a verifier of the compatibility profile tell each other: openings of labels, commits, challenges,
 * and proofs of a commit, of an insertion, of space, of a deletion. How they are written is in wire.ts.
 */
import type { CessMember, CessUpdate } from "./chains.ts";
import type { CessPath } from "./tree.ts";

/** A label and its path. */
export interface CessOpening {
  /** A node's id, or a position, as the original has it in each place. */
  readonly index: number;
  readonly label: Uint8Array;
  /** Missing where the original leaves parents unproven. */
  readonly path?: CessPath;
}

/** A node with what its label was made from. */
export interface CessNodeProof {
  readonly node: CessOpening;
  readonly parents: readonly CessOpening[];
  /** The label at the same position in the file made before, if there is one, then the elders'. */
  readonly elders: readonly CessOpening[];
}

/** 2k nodes for each cluster. */
export type CessCommitProof = readonly (readonly CessNodeProof[])[];

/** A row for each cluster: its number, a node in each file that stays, one in the layer below, then the walk. */
export type CessCommitChallenge = readonly (readonly number[])[];

export interface CessCommits {
  readonly fileIndexes: readonly number[];
  /** Roots of all files of the set, layer after layer, and SHA-256 over them. */
  readonly roots: readonly Uint8Array[];
}

export interface CessInsertProof {
  readonly fileIndexes: readonly number[];
  readonly elements: readonly Uint8Array[];
  readonly update: CessUpdate;
}

export interface CessSpaceProof {
  readonly left: number;
  /** Half open. */
  readonly right: number;
  readonly openings: readonly (readonly CessOpening[])[];
  readonly roots: readonly Uint8Array[];
  readonly members: readonly CessMember[];
}

export interface CessDeletionProof {
  readonly roots: readonly Uint8Array[];
  readonly update: CessUpdate;
}
