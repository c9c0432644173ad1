/**
 * A data tree of which a few subtrees are known and everything else is zero. Kept are the nodes above known
 * ones alone: an aggregate of 64 GiB with a thousand files has some thirty thousand nodes.
 * Invariant: no known subtree lies in another one.
 */
import { assert } from "@holdfast/base";
import { nodeBytes, treeKernel } from "../merkle/index.ts";
import { zeroNode } from "../piece/index.ts";

export interface KnownSubtree {
  /** Levels above the leaves. */
  readonly height: number;
  /** Position among the subtrees of this height. */
  readonly index: number;
  readonly root: Uint8Array;
}

export class SparseTree {
  readonly height: number;
  /** Nodes other than zero, by height and index. */
  readonly #levels: readonly Map<number, Uint8Array>[];

  constructor(height: number, known: Iterable<KnownSubtree>) {
    this.height = height;
    this.#levels = Array.from({ length: height + 1 }, () => new Map<number, Uint8Array>());
    for (const subtree of known) this.#levels[subtree.height]?.set(subtree.index, subtree.root);
    for (let level = 0; level < height; level += 1) this.#hashLevel(level);
  }

  get root(): Uint8Array {
    return this.nodeAt(this.height, 0).slice();
  }

  /** A node that lies above known subtrees or outside them. */
  nodeAt(height: number, index: number): Uint8Array {
    return this.#levels[height]?.get(index) ?? zeroNode(height);
  }

  /** Siblings from the node up to below the root. */
  path(height: number, index: number): Uint8Array[] {
    const siblings: Uint8Array[] = [];
    let at = index;
    for (let level = height; level < this.height; level += 1) {
      siblings.push(this.nodeAt(level, at % 2 === 0 ? at + 1 : at - 1).slice());
      at = Math.floor(at / 2);
    }
    return siblings;
  }

  #hashLevel(level: number): void {
    const nodes = this.#levels[level] ?? new Map<number, Uint8Array>();
    const above = this.#levels[level + 1] ?? new Map<number, Uint8Array>();
    const parents = [...new Set([...nodes.keys()].map((index) => Math.floor(index / 2)))];
    const pairs = new Uint8Array(parents.length * 2 * nodeBytes);
    parents.forEach((parent, i) => {
      assert(!above.has(parent), "no known subtree lies in another one");
      pairs.set(this.nodeAt(level, 2 * parent), 2 * i * nodeBytes);
      pairs.set(this.nodeAt(level, 2 * parent + 1), (2 * i + 1) * nodeBytes);
    });
    const hashed = treeKernel.sha256Pairs(pairs);
    parents.forEach((parent, i) => {
      above.set(parent, hashed.slice(i * nodeBytes, (i + 1) * nodeBytes));
    });
  }
}
