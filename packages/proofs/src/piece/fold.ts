/**
 * Folding subtree roots into one root, from left to right with a stack. Invariant: the heights on the stack
 * fall strictly from the bottom up, as in a binary counter, so the stack is as small as the tree is high.
 */
import { hashPair, zeroNode } from "./zero.ts";

interface Subtree {
  readonly height: number;
  readonly root: Uint8Array;
}

/** Told of every node that a fold makes or is given, by height and index, from left to right at each height. */
export type NodeObserver = (height: number, index: number, node: Uint8Array) => void;

export class TreeFold {
  readonly #stack: Subtree[] = [];
  readonly #observe: NodeObserver | undefined;
  #leaves = 0;

  constructor(observe?: NodeObserver) {
    this.#observe = observe;
  }

  /** Leaves folded so far, zero fill included. */
  get leaves(): number {
    return this.#leaves;
  }

  /** Adds zero subtrees until the next subtree of this height lies at a multiple of its own size. */
  align(height: number): void {
    this.fillTo(Math.ceil(this.#leaves / 2 ** height) * 2 ** height);
  }

  /** Adds zero leaves, in the largest subtrees that fit, until there are `leaves` in all. */
  fillTo(leaves: number): void {
    let height = 0;
    while (this.#leaves < leaves) {
      while (this.#leaves % 2 ** (height + 1) === 0 && this.#leaves + 2 ** (height + 1) <= leaves)
        height += 1;
      while (this.#leaves + 2 ** height > leaves) height -= 1;
      this.add(height, zeroNode(height));
    }
  }

  /** Adds the next subtree; it must be aligned, which `align` sees to. */
  add(height: number, root: Uint8Array): void {
    let subtree: Subtree = { height, root };
    let index = this.#leaves / 2 ** height;
    this.#observe?.(height, index, root);
    for (let top = this.#stack.at(-1); top?.height === subtree.height; top = this.#stack.at(-1)) {
      this.#stack.pop();
      subtree = { height: subtree.height + 1, root: hashPair(top.root, subtree.root) };
      index = Math.floor(index / 2);
      this.#observe?.(subtree.height, index, subtree.root);
    }
    this.#stack.push(subtree);
    this.#leaves += 2 ** height;
  }

  /** Fills up with zeros to a tree of this height and gives its root. */
  finish(height: number): Uint8Array {
    if (this.#leaves === 0) return zeroNode(height).slice();
    let top = this.#stack.at(-1);
    while (top !== undefined && top.height < height) {
      this.add(top.height, zeroNode(top.height));
      top = this.#stack.at(-1);
    }
    return (top?.root ?? zeroNode(height)).slice();
  }
}
