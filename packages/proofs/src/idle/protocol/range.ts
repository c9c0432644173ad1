/**
 * The commitment to all files of a miner: a Merkle mountain range. Leaves are elements of files by their numbers; the
 * mountains are the binary digits of how many there are, the largest first. Its root is the hash of that number and of
 * all peaks:
 *
 *   node   SHA-256("holdfast idle node 1\n" ‖ left ‖ right)
 *   root   SHA-256("holdfast idle range 1\n" ‖ leaves u64 ‖ peaks)
 *
 * A member can be shown at its own number only, by the siblings up to its peak. Releasing from the front changes
 * nothing here: whoever claims files from `front` on is asked for no others.
 * Invariant: what is here needs the peaks alone, however many leaves there are; bytes of a peer never make it throw.
 */
import { assert, bigEndian, concatBytes, equalBytes, sha256, utf8Bytes } from "@holdfast/base";
import { type Commitment, nodeBytes } from "../../merkle/index.ts";

/** Leaves of one range: numbers of files are drawn as words of 32 bits. */
export const maxIdleFiles = 2 ** 32;
/** Levels above the leaves, and peaks, that a range has at most. */
export const maxRangeLevels = 32;

export interface IdleRange {
  readonly leaves: number;
  /** The largest mountain first. */
  readonly peaks: readonly Commitment[];
}

export const emptyIdleRange: IdleRange = Object.freeze({ leaves: 0, peaks: Object.freeze([]) });

const nodeDomain = utf8Bytes("holdfast idle node 1\n");
const rangeDomain = utf8Bytes("holdfast idle range 1\n");

export function joinNodes(left: Commitment, right: Commitment): Commitment {
  return sha256(concatBytes(nodeDomain, left, right));
}

/** Levels of the mountains, from the largest: the binary digits of their leaves. */
export function mountainLevels(leaves: number): readonly number[] {
  const levels: number[] = [];
  for (let level = maxRangeLevels; level >= 0; level -= 1) {
    if (Math.floor(leaves / 2 ** level) % 2 === 1) levels.push(level);
  }
  return levels;
}

const isCount = (count: number): boolean =>
  Number.isSafeInteger(count) && count >= 0 && count <= maxIdleFiles;

/** Whether there are as many peaks as so many leaves have, of 32 bytes each. */
export function isIdleRange({ leaves, peaks }: IdleRange): boolean {
  return (
    isCount(leaves) &&
    peaks.length === mountainLevels(leaves).length &&
    peaks.every((peak) => peak.length === nodeBytes)
  );
}

/** What stands for the whole range. */
export function idleRangeRoot({ leaves, peaks }: IdleRange): Commitment {
  return sha256(concatBytes(rangeDomain, bigEndian(leaves, 8), ...peaks));
}

/** The range with one more leaf. */
function withLeaf({ leaves, peaks }: IdleRange, element: Commitment): IdleRange {
  const grown = [...peaks];
  let node = element;
  for (let rest = leaves; rest % 2 === 1; rest = Math.floor(rest / 2)) {
    const left = grown.pop();
    assert(left !== undefined, "a range has a peak for each binary digit");
    node = joinNodes(left, node);
  }
  grown.push(node);
  return { leaves: leaves + 1, peaks: grown };
}

/** The range with these leaves behind the ones it has. */
export function extendIdleRange(range: IdleRange, elements: Iterable<Commitment>): IdleRange {
  let grown = range;
  for (const element of elements) {
    assert(element.length === nodeBytes && grown.leaves < maxIdleFiles, "a range has room for a leaf");
    grown = withLeaf(grown, element);
  }
  return grown;
}

/** The mountain that a leaf lies in, from the largest: its index and how many levels it has. */
export function mountainOf(
  leaves: number,
  leaf: number,
): { readonly index: number; readonly level: number; readonly first: number } {
  let first = 0;
  for (const [index, level] of mountainLevels(leaves).entries()) {
    if (leaf < first + 2 ** level) return { index, level, first };
    first += 2 ** level;
  }
  assert(false, "a leaf lies inside of its range");
}

/** Whether the element is the leaf with this number. `path` has the siblings from the leaf upwards. Never throws. */
export function isIdleMember(
  range: IdleRange,
  leaf: number,
  element: Commitment,
  path: readonly Commitment[],
): boolean {
  if (!isIdleRange(range) || !Number.isSafeInteger(leaf) || leaf < 0 || leaf >= range.leaves) return false;
  const { index, level } = mountainOf(range.leaves, leaf);
  if (path.length !== level || [element, ...path].some((node) => node.length !== nodeBytes)) return false;
  let node = element;
  let place = leaf; // mountains begin at multiples of their own size, so the digits of the number are the turns
  for (const sibling of path) {
    node = place % 2 === 0 ? joinNodes(node, sibling) : joinNodes(sibling, node);
    place = Math.floor(place / 2);
  }
  return equalBytes(node, range.peaks[index] as Commitment);
}
