/**
 * The depth-robust base graph: DRSample, degree-reduced. A node v > 5 has its predecessor v − 1 and four
 * sampled parents; nodes up to 5 have every smaller node. Sampling runs on the graph of 4·n small nodes:
 * small node 4v + k picks a bucket [2^(b−1), 2^b] of distances uniformly, then a distance in it.
 * Integer arithmetic only, and no parent twice: a draw that hits v itself or a parent that is already there
 * adds no edge, so it is drawn again; the edges are therefore a superset of plain DRSample's. After
 * `maxDraws` misses (never seen) the nearest free smaller node is taken.
 * Source: Alwen, Blocki, Harsha 2017 (DRSample); the reduction to small nodes as in rust-fil-proofs.
 */
import { streamDomains, type WordStream } from "./chacha.ts";

const sampled = 4;
/** The predecessor and the sampled ones. */
export const baseParentCount = sampled + 1;
const maxDraws = 256;

/**
 * Writes the parents of `node` to `into` from 0 on and returns how many there are; each is below `node`.
 */
export function baseParentsInto(stream: WordStream, node: number, into: Uint32Array): number {
  if (node <= baseParentCount) {
    for (let i = 0; i < node; i += 1) into[i] = node - 1 - i;
    return node;
  }
  stream.seek(streamDomains.baseParents, node);
  into[0] = node - 1;
  for (let k = 0; k < sampled; k += 1) into[k + 1] = freshParent(stream, node, k, into);
  return baseParentCount;
}

function freshParent(stream: WordStream, node: number, k: number, taken: Uint32Array): number {
  for (let draws = 0; draws < maxDraws; draws += 1) {
    const parent = drawParent(stream, node, k);
    if (parent !== node && !holds(taken, k + 1, parent)) return parent;
  }
  let parent = node - 1;
  while (holds(taken, k + 1, parent)) parent -= 1;
  return parent;
}

function drawParent(stream: WordStream, node: number, k: number): number {
  const smallNode = node * sampled;
  const buckets = 32 - Math.clz32(smallNode - 1); // ⌈log2(smallNode)⌉
  const bucket = stream.below(buckets) + 1;
  const farthest = Math.min(smallNode, 2 ** bucket);
  const nearest = Math.max(2, farthest >>> 1);
  const distance = nearest + stream.below(farthest - nearest + 1);
  return Math.floor((smallNode + k - distance) / sampled);
}

/** Whether `value` is among the first `count` entries. */
export function holds(list: Uint32Array, count: number, value: number): boolean {
  for (let i = 0; i < count; i += 1) if (list[i] === value) return true;
  return false;
}
