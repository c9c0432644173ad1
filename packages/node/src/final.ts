/**
 * What of a chain is final, so that no fork leaves it, however heavy: it lies `finalityEpochs` below the head, and an
 * eighth as many tipsets. Rounds in which nobody mined show nobody's agreement: were they all that counts, the first
 * block after a standstill longer than finality would make everything before it final, on each side of a split that is
 * one block deep, and the sides would never come together again. A chain that is mined has far more tipsets than that.
 */
import type { NetworkParams, Tipset } from "@holdfast/consensus";

export interface FinalityChain {
  readonly params: Pick<NetworkParams, "finalityEpochs">;
  head(): Tipset;
  tipsetAt(height: number): Tipset;
  parentOf(tipset: Tipset): Tipset | undefined;
}

const epochsPerTipset = 8;
/** It is asked for at each header of a walk and follows from the head alone. */
const last = new WeakMap<FinalityChain, { readonly head: string; readonly final: Tipset }>();

export function finalTipset(chain: FinalityChain): Tipset {
  const head = chain.head();
  const known = last.get(chain);
  if (known?.head === head.key) return known.final;
  const { finalityEpochs } = chain.params;
  const byHeight = chain.tipsetAt(Math.max(0, head.height - finalityEpochs));
  const leastTipsets = Math.ceil(finalityEpochs / epochsPerTipset);
  let deep = head;
  for (let depth = 0; depth < leastTipsets; depth += 1) deep = chain.parentOf(deep) ?? deep;
  const final = deep.height < byHeight.height ? deep : byHeight;
  last.set(chain, { head: head.key, final });
  return final;
}

/** A head must stand on what is final here, however heavy it is. */
export function standsOnFinal(chain: FinalityChain, tipset: Tipset): boolean {
  const { height } = finalTipset(chain);
  for (
    let at: Tipset | undefined = tipset;
    at !== undefined && at.height >= height;
    at = chain.parentOf(at)
  ) {
    if (chain.tipsetAt(at.height).key === at.key) return true;
  }
  return false;
}
