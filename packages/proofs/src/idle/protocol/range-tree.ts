/**
 * A range as its owner keeps it: every node that a path of a leaf at or behind the front can need. Leaves come in
 * groups of a power of two (the files of a kept layer), whose own nodes are made again from their elements when a path
 * is asked for, so that 64 bytes are kept for a group.
 * Invariant: paths and peaks of any earlier length of the range can be had as long as no leaf of it is cut off, because
 * a node never changes once both of its children are there. So what is not confirmed yet is appended, and cut off again
 * if it fails; nothing is copied.
 */
import { assert } from "@holdfast/base";
import { type Commitment, exactLog2, nodeBytes } from "../../merkle/index.ts";
import { type IdleRange, joinNodes, maxRangeLevels, mountainLevels, mountainOf } from "./range.ts";

/** Nodes of one level, from the first that is kept. */
class Row {
  #first = 0;
  #count = 0;
  #bytes = new Uint8Array(4 * nodeBytes);

  get end(): number {
    return this.#first + this.#count;
  }

  get bytes(): number {
    return this.#bytes.length;
  }

  at(index: number): Commitment {
    assert(index >= this.#first && index < this.end, "a node of the range is kept");
    const from = (index - this.#first) * nodeBytes;
    return this.#bytes.slice(from, from + nodeBytes);
  }

  push(node: Commitment): void {
    if ((this.#count + 1) * nodeBytes > this.#bytes.length) this.#resize(2 * this.#count);
    this.#bytes.set(node, this.#count * nodeBytes);
    this.#count += 1;
  }

  cut(end: number): void {
    if (end < this.end) this.#count = Math.max(0, end - this.#first);
  }

  forget(first: number): void {
    const gone = Math.min(first - this.#first, this.#count);
    if (gone <= 0) return;
    this.#bytes.copyWithin(0, gone * nodeBytes, this.#count * nodeBytes);
    this.#first += gone;
    this.#count -= gone;
    if (4 * this.#count * nodeBytes < this.#bytes.length) this.#resize(this.#count);
  }

  /** A row whose first nodes were never there. */
  beginAt(first: number): void {
    assert(this.#count === 0, "a row begins empty");
    this.#first = first;
  }

  #resize(nodes: number): void {
    const resized = new Uint8Array(Math.max(4, nodes) * nodeBytes);
    resized.set(this.#bytes.subarray(0, this.#count * nodeBytes));
    this.#bytes = resized;
  }
}

export class IdleRangeTree {
  readonly #groupLeaves: number;
  readonly #groupLevel: number;
  readonly #rows: Row[] = [];
  #groups = 0;

  /** `groupLeaves`: a power of two. */
  constructor(groupLeaves: number) {
    const level = exactLog2(groupLeaves);
    assert(level !== undefined, "a group has a power of two of leaves");
    this.#groupLeaves = groupLeaves;
    this.#groupLevel = level;
    for (let k = 0; k <= maxRangeLevels; k += 1) this.#rows.push(new Row());
  }

  get leaves(): number {
    return this.#groups * this.#groupLeaves;
  }

  /** What the nodes take in memory. */
  get bytes(): number {
    return this.#rows.reduce((sum, row) => sum + row.bytes, 0);
  }

  /** Appends a group. */
  append(elements: readonly Commitment[]): void {
    assert(elements.length === this.#groupLeaves, "a group is whole");
    this.#push(0, peakOf(elements));
    this.#groups += 1;
  }

  /** Cuts the range back to so many leaves, a multiple of the group's. */
  cut(leaves: number): void {
    assert(leaves % this.#groupLeaves === 0 && leaves <= this.leaves, "a range is cut between groups");
    this.#groups = leaves / this.#groupLeaves;
    this.#rows.forEach((row, k) => {
      row.cut(Math.floor(this.#groups / 2 ** k));
    });
  }

  /** Forgets what no leaf from `front` on needs. */
  forget(front: number): void {
    const groups = Math.floor(front / this.#groupLeaves);
    this.#rows.forEach((row, k) => {
      row.forget(2 * Math.floor(groups / 2 ** (k + 1)));
    });
  }

  /** The range when it had so many leaves; all, if left out. */
  peaks(leaves = this.leaves): IdleRange {
    assert(leaves % this.#groupLeaves === 0 && leaves <= this.leaves, "a range ends between groups");
    const peaks: Commitment[] = [];
    let first = 0;
    for (const level of mountainLevels(leaves / this.#groupLeaves)) {
      peaks.push(this.#row(level).at(first / 2 ** level));
      first += 2 ** level;
    }
    return { leaves, peaks };
  }

  /** Siblings of a leaf up to its peak, in the range of so many leaves. `elements`: those of its group. */
  path(leaf: number, elements: readonly Commitment[], leaves = this.leaves): readonly Commitment[] {
    assert(leaf < leaves && elements.length === this.#groupLeaves, "a leaf and its group are in the range");
    const { level } = mountainOf(leaves, leaf);
    const path = pathIn(elements, leaf % this.#groupLeaves);
    let index = Math.floor(leaf / this.#groupLeaves);
    for (let k = 0; k < level - this.#groupLevel; k += 1) {
      path.push(this.#row(k).at(index % 2 === 0 ? index + 1 : index - 1));
      index = Math.floor(index / 2);
    }
    return path;
  }

  /**
   * Begins with the groups below a length whose nodes are all forgotten but for what `peaks` say of it: how a range is
   * taken up whose front has passed everything.
   */
  beginWith({ leaves, peaks }: IdleRange): void {
    assert(this.#groups === 0 && leaves % this.#groupLeaves === 0, "a range begins once, between groups");
    this.#groups = leaves / this.#groupLeaves;
    const levels = mountainLevels(this.#groups);
    this.#rows.forEach((row, k) => {
      const at = levels.indexOf(k);
      const end = Math.floor(this.#groups / 2 ** k);
      row.beginAt(at < 0 ? end : end - 1);
      if (at >= 0) row.push(peaks[at] as Commitment);
    });
  }

  #push(level: number, node: Commitment): void {
    const row = this.#row(level);
    row.push(node);
    const { end } = row;
    if (end % 2 === 0) this.#push(level + 1, joinNodes(row.at(end - 2), row.at(end - 1)));
  }

  #row(level: number): Row {
    const row = this.#rows[level];
    assert(row !== undefined, "a range has a row for every level");
    return row;
  }
}

/** The top of a group. */
function peakOf(elements: readonly Commitment[]): Commitment {
  let row = elements;
  while (row.length > 1) row = above(row);
  return row[0] as Commitment;
}

function pathIn(elements: readonly Commitment[], leaf: number): Commitment[] {
  const path: Commitment[] = [];
  let index = leaf;
  for (let row = elements; row.length > 1; row = above(row)) {
    path.push(row[index % 2 === 0 ? index + 1 : index - 1] as Commitment);
    index = Math.floor(index / 2);
  }
  return path;
}

const above = (row: readonly Commitment[]): readonly Commitment[] =>
  Array.from({ length: row.length / 2 }, (_none, i) =>
    joinNodes(row[2 * i] as Commitment, row[2 * i + 1] as Commitment),
  );
