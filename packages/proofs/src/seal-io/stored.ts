/**
 * Trees that lie in a source, in the layout "leaves, then rows". A proof opens few nodes of them: first it is computed
 * which ones, then they are read, those close to each other at once, then the proof is put together.
 */
import { assert } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { nodeBytes, pathRanges, type TreeHasher } from "../merkle/index.ts";
import { openingNodes } from "../openings/index.ts";
import { awaited, type Steps } from "../steps/index.ts";
import type { SealSource } from "./io.ts";

export interface StoredTree {
  readonly hasher: TreeHasher;
  readonly leafCount: number;
  /** Where its leaves begin. */
  readonly offset: number;
}

/** A node that was read, by its offset in the source. */
export type NodeLookup = (offset: number) => Uint8Array;

/** Bytes between two nodes that are read with them: less than a page of the disk. */
const maxGapBytes = 2048;
const maxReadBytes = 65_536;
/** Reads that wait for the disk at a time. */
const readsAtOnce = 32;

/** Where each level begins: the leaves, the rows, the root. */
function levelOffsets({ hasher, leafCount, offset }: StoredTree): readonly number[] {
  const offsets = [offset];
  let at = offset;
  let count = leafCount;
  for (const arity of hasher.shapeOf(leafCount) ?? []) {
    at += count * nodeBytes;
    offsets.push(at);
    count /= arity;
  }
  return offsets;
}

/** Where the root lies. */
export function rootOffset(tree: StoredTree): number {
  return levelOffsets(tree).at(-1) ?? tree.offset;
}

interface Run {
  readonly offset: number;
  readonly length: number;
}

/** The nodes at these offsets in as few reads as make sense. */
function runsOf(offsets: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  let first = -1;
  let end = -1;
  for (const offset of Float64Array.from(offsets).sort()) {
    const jump = offset > end + maxGapBytes || offset + nodeBytes - first > maxReadBytes;
    if (first >= 0 && jump) runs.push({ offset: first, length: end - first });
    if (first < 0 || jump) first = offset;
    end = offset + nodeBytes;
  }
  if (first >= 0) runs.push({ offset: first, length: end - first });
  return runs;
}

/**
 * Reads the nodes at these offsets (in any order, also more than once). Throws proofs/bad-length, the source's errors.
 */
export function* readNodes(source: SealSource, offsets: readonly number[]): Steps<NodeLookup> {
  const nodes = new Map<number, Uint8Array>();
  const wanted = new Set(offsets);
  const runs = runsOf(offsets);
  for (let at = 0; at < runs.length; at += readsAtOnce) {
    const some = runs.slice(at, at + readsAtOnce);
    const reads = some.map(({ offset, length }) => source.read(offset, length));
    const waits = reads.some((read) => read instanceof Promise);
    const parts = waits ? yield* awaited(Promise.all(reads)) : (reads as Uint8Array[]);
    for (const [i, { offset, length }] of some.entries()) {
      const part = parts[i] as Uint8Array;
      if (part.length !== length) {
        const expected = offset + length;
        throw proofsErrors.badLength({ what: "what the seal left", length: offset + part.length, expected });
      }
      for (let from = 0; from < length; from += nodeBytes) {
        if (wanted.has(offset + from))
          nodes.set(offset + from, new Uint8Array(part.subarray(from, from + nodeBytes)));
      }
    }
  }
  return (offset) => {
    const node = nodes.get(offset);
    assert(node !== undefined, "only nodes that were read are looked up");
    return node;
  };
}

/** Opens these leaves of a stored tree (distinct, ascending, at least one); the bytes of `openLeaves`. */
export function* openStored(
  source: SealSource,
  tree: StoredTree,
  leaves: readonly number[],
): Steps<Uint8Array> {
  const levels = levelOffsets(tree);
  const nodes = openingNodes(tree.hasher, tree.leafCount, leaves);
  const offsets = nodes.map(({ level, index }) => (levels[level] as number) + index * nodeBytes);
  const nodeAt = yield* readNodes(source, offsets);
  const opening = new Uint8Array(offsets.length * nodeBytes);
  for (const [i, offset] of offsets.entries()) opening.set(nodeAt(offset), i * nodeBytes);
  return opening;
}

/** Where the siblings of a path lie, in path order. */
export function pathStored(
  { hasher, leafCount, offset: start }: StoredTree,
  leaf: number,
): readonly number[] {
  return pathRanges(hasher, leafCount, leaf).flatMap(({ offset, length }) =>
    Array.from({ length: length / nodeBytes }, (_none, i) => start + offset + i * nodeBytes),
  );
}
