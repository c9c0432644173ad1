/**
 * Judges proofs of a commit, strictly: each opened label has a path of exactly the height of the tree, at exactly its
 * own position, under the root of exactly the file that the graph says; no parent or elder is missing or too many;
 * every label is made again.
 * As the original writes proofs, five parents of six have no path. Such a proof shows nothing: the sum of the parents
 * is an exclusive or, so that one free label makes it whatever is wanted. Whether it fits can be judged ("sixth"), to
 * compare programs; value needs all paths, which the messages have room for.
 */
import { equalBytes } from "@holdfast/base";
import {
  areCommits,
  type CessSpot,
  type CessStep,
  cessWalk,
  isCommitChallenge,
  isProven,
  labelFrom,
  type ProvenParents,
  rootOf,
} from "./commit.ts";
import type {
  CessCommitChallenge,
  CessCommitProof,
  CessCommits,
  CessNodeProof,
  CessOpening,
} from "./records.ts";
import { labelBytes } from "./rows.ts";
import { type CessSet, isSet } from "./shape.ts";
import { verifyCessPath } from "./tree.ts";

/** Whether a label is opened in this file, at the position of this node. */
export function isOpened(
  root: Uint8Array,
  nodes: number,
  index: number,
  { label, path }: CessOpening,
): boolean {
  return (
    label.length === labelBytes &&
    path !== undefined &&
    2 ** path.siblings.length === nodes &&
    verifyCessPath(root, label, index % nodes, path)
  );
}

interface Judged {
  readonly set: CessSet;
  readonly commits: CessCommits;
  readonly proven: ProvenParents;
}

function fits(
  { set, commits, proven }: Judged,
  spot: CessSpot,
  opening: CessOpening,
  isParent: boolean,
): boolean {
  if (opening.index !== spot.index) return false;
  if (isParent && !isProven(proven, spot.index)) {
    return opening.label.length === labelBytes && opening.path === undefined;
  }
  return isOpened(rootOf(set, commits, spot.realLayer, spot.offset), set.shape.nodes, spot.index, opening);
}

function verifyStep(judged: Judged, step: CessStep, proof: CessNodeProof): boolean {
  const beside = [...(step.before === undefined ? [] : [step.before]), ...step.elders];
  const parents = proof.parents.length === step.parents.length;
  if (!parents || proof.elders.length !== beside.length) return false;
  const opened =
    fits(judged, step.node, proof.node, false) &&
    proof.parents.every((one, i) => fits(judged, step.parents[i] as CessSpot, one, true)) &&
    proof.elders.every((one, i) => fits(judged, beside[i] as CessSpot, one, false));
  if (!opened) return false;
  const labels = (openings: readonly CessOpening[]): readonly Uint8Array[] =>
    openings.map(({ label }) => label);
  const [before] = step.before === undefined ? [] : labels(proof.elders);
  const elders = labels(proof.elders.slice(before === undefined ? 0 : 1));
  const made = labelFrom(judged.set, step.node, {
    parents: labels(proof.parents),
    elders,
    ...(before && { before }),
  });
  return equalBytes(made, proof.node.label);
}

/** In a walk, a node is the parent that was shown before. */
function isSameLabel(step: CessStep, proof: CessNodeProof, earlier: CessNodeProof | undefined): boolean {
  const shown = earlier?.parents.find(({ index }) => index === step.node.index);
  return shown === undefined || equalBytes(shown.label, proof.node.label);
}

/** Whether the proof answers the challenge to these commits. Never throws. */
export function verifyCessCommit(
  set: CessSet,
  commits: CessCommits,
  challenge: CessCommitChallenge,
  proof: CessCommitProof,
  proven: ProvenParents = "all",
): boolean {
  if (!isSet(set) || !areCommits(set, commits) || !isCommitChallenge(set, challenge)) return false;
  const { layers } = set.shape;
  if (proof.length !== set.clusters || proof.some((row) => row.length !== 2 * layers)) return false;
  const judged = { set, commits, proven };
  return challenge.every((asked, offset) => {
    const row = proof[offset] ?? [];
    return cessWalk(set, offset, asked).every((step, j) => {
      const own = row[j] as CessNodeProof;
      const linked = j <= layers || isSameLabel(step, own, row[j - 1]);
      return linked && verifyStep(judged, step, own);
    });
  });
}
