/** Which of two providers' chains leads: they stand on the same trusted tipset. */

import { compareTipsets } from "../rules/election.ts";
import type { Tipset } from "../types/tipset.ts";
import { branchWeight, type WeighedBy } from "./weigh.ts";

/** A chain above the trusted tipset, ascending, as far as it is known. */
export interface Branch {
  readonly tipsets: readonly Tipset[];
  readonly isAtEnd: boolean;
}

function commonLength(a: Branch, b: Branch): number {
  const shorter = Math.min(a.tipsets.length, b.tipsets.length);
  let at = 0;
  while (at < shorter && a.tipsets[at]?.key === b.tipsets[at]?.key) at += 1;
  return at;
}

/** The lowest height at which the second is another chain; undefined if one is a part of the other. */
export function forkOf(a: Branch, b: Branch): number | undefined {
  const at = commonLength(a, b);
  return a.tipsets[at] === undefined ? undefined : b.tipsets[at]?.height;
}

export const isSame = (a: Branch, b: Branch): boolean =>
  a.tipsets.length === b.tipsets.length && commonLength(a, b) === a.tipsets.length;

/**
 * Positive if `a` leads: above what both have it is the heavier, as far up as both are known. Headers that weigh
 * nothing lead nowhere, also on top of what the other has.
 */
export function compareBranches(a: Branch, b: Branch, base: Tipset, by: WeighedBy): number {
  const at = commonLength(a, b);
  const below = a.tipsets[at - 1] ?? base;
  const tops = [a, b].map(({ tipsets, isAtEnd }) => (isAtEnd ? undefined : tipsets.at(-1)?.height));
  const most = Math.min(...tops.map((height) => height ?? Number.MAX_SAFE_INTEGER));
  const weigh = ({ tipsets }: Branch) => {
    const branch = tipsets.slice(at).filter(({ height }) => height <= most);
    const weight = branchWeight(below, branch, by);
    return { tipset: branch.at(-1) ?? below, weight, length: branch.length };
  };
  const [first, second] = [weigh(a), weigh(b)];
  if (first.weight === 0n && second.weight === 0n) return second.length - first.length;
  return compareTipsets(first, second);
}
