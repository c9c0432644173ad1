/**
 * The succinct seal proof of zigzag.
 *
 *   1 byte          2, the succinct form
 *   32 · (L − 1)    roots of the layers 1 … L − 1; the last root is commR, which the verifier has
 *   opening         of the challenged nodes of layer 1 in the data tree
 *   192 · n         SNARKs, each for `challengesPerProof` challenges in the order of layers and nodes; the last
 *                   repeats its last challenge until it is full
 *
 * The roots and the data's opening stay outside of the circuit: commR* is recomputed by the verifier, and a
 * path of the SHA-256 tree costs 27,000 constraints a level inside but 32 bytes outside. What the SNARKs show
 * is the rest of the vanilla check: for every challenge, the node's value before, plus the key from its
 * parents' values, is its value after, all of them opened under the layers' roots. The layer, the node, its
 * parents, the roots and the plain value are public inputs that the verifier computes.
 * Invariant: for given challenges a proof has exactly one length, and every public input is the verifier's.
 */
import type { SealChallengeStatement } from "../circuits/index.ts";
import { keyHeader, type SealOpenings } from "../porep/index.ts";

/** First byte of a proof that consists of SNARKs. */
export const succinctForm = 2;

/** One challenge with its public side. */
export interface Step {
  readonly layer: number;
  readonly node: number;
  readonly parents: readonly number[];
}

/** All challenges in their order. */
export function stepsOf(expected: SealOpenings): readonly Step[] {
  return expected.layers.flatMap((nodes, i) => nodes.map((challenged) => ({ layer: i + 1, ...challenged })));
}

/** The public side of a challenge. `roots` are those of layer 1 … L as field elements. */
export function publicStep(
  step: Step,
  roots: readonly bigint[],
  plain: ReadonlyMap<number, bigint>,
): SealChallengeStatement {
  const { layer, node, parents } = step;
  const first = layer === 1;
  return {
    first,
    node,
    parents,
    header: keyHeader(layer, node, parents.length),
    rootBefore: first ? 0n : (roots[layer - 2] ?? 0n),
    rootAfter: roots[layer - 1] ?? 0n,
    plainNode: first ? (plain.get(node) ?? 0n) : 0n,
  };
}

/** Challenged nodes of layer 1: what is opened in the data tree. */
export function dataLeaves(expected: SealOpenings): readonly number[] {
  return expected.layers[0]?.map(({ node }) => node) ?? [];
}
