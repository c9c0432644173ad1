/**
 * What can be said without experiments, for large layers and random parents, of an attacker who keeps less than a
 * layer for every kept layer: how many labels he must keep so that no layer below has four fifths of its labels both
 * needed and missing. Where a layer has, its own depth-robustness makes a long chain (that part is measured).
 *
 * Expansion: αn nodes of a layer have fewer than βn parents below with a probability that vanishes as n grows if
 *   H(α) + (1 − α) · H((β − α)/(1 − α)) + 8 · α · log2 β < 0
 * (a union over the sets of nodes and over the sets that could hold their parents; slot 13 makes the latter hold the
 * former). The rest is arithmetic: what is needed of a layer is at least the expansion of what is needed and missing
 * above, less what is kept or wrong in it.
 * Source: the arguments of Ren and Devadas, TCC 2016, and of Fisch, EUROCRYPT 2019, for this graph's degrees.
 */
const uniformParents = 8;
const steps = 2000;
/** What depth-robustness is asked about. */
export const robustShare = 0.8;

function entropy(share: number): number {
  if (share <= 0 || share >= 1) return 0;
  return -share * Math.log2(share) - (1 - share) * Math.log2(1 - share);
}

/** The largest share of a layer that any `alpha` of the nodes above have among their parents. */
export function expansion(alpha: number): number {
  let sure = alpha;
  for (let i = 1; i < steps; i += 1) {
    const beta = alpha + ((1 - alpha) * i) / steps;
    const sets = entropy(alpha) + (1 - alpha) * entropy((beta - alpha) / (1 - alpha));
    if (sets + uniformParents * alpha * Math.log2(beta) >= 0) break;
    sure = beta;
  }
  return sure;
}

/** Shares between 0 and `robustShare` that are told apart. */
const grid = 1000;
const valueAt = (i: number): number => (robustShare * i) / grid;

/**
 * The least that is kept for one kept layer, as a share of it, by whoever answers the share 1 − `refused` of all
 * challenges without needing four fifths of any layer; `wrong`: the share of labels in each layer that may be wrong
 * because no challenge to the commitment met them.
 */
export function leastKept(layers: number, refused: number, wrong: number): number {
  const expanded = Array.from({ length: grid }, (_none, i) => expansion(valueAt(i)));
  // least[i]: kept in the layers below one of which a share of valueAt(i) is needed and missing
  let least = new Float64Array(grid);
  for (let layer = 1; layer < layers; layer += 1) {
    const next = new Float64Array(grid);
    for (let i = 0; i < grid; i += 1) {
      const needed = Math.max(0, (expanded[i] as number) - wrong);
      let best = Number.POSITIVE_INFINITY;
      for (let j = 0; j < grid && valueAt(j) <= needed + robustShare / grid; j += 1) {
        best = Math.min(best, needed - Math.min(needed, valueAt(j)) + (least[j] as number));
      }
      next[i] = i === 0 ? 0 : best;
    }
    least = next;
  }
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < grid; i += 1) {
    best = Math.min(best, Math.max(0, 1 - refused - wrong - valueAt(i)) + (least[i] as number));
  }
  return best;
}
