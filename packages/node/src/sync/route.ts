/**
 * The way from a tipset that is known here up to one that a peer has told of: the names of the tipsets between them,
 * and as many of their headers as the table of limits lets it keep. It is found from the top down and gone from the
 * bottom up. Invariant: memory is bounded whatever the length; of a way that is too long the upper part is forgotten,
 * since the lower one is gone first, and the rest is found again from there.
 */
import { type CID, parseCid } from "@holdfast/base";
import type { BlockHeader, Tipset } from "@holdfast/consensus";
import { limits } from "../limits.ts";

export interface Step {
  readonly key: string;
  readonly height: number;
  /** In the order of their CIDs; undefined if they are fetched again with the bodies. */
  headers: readonly BlockHeader[] | undefined;
}

/** What a header takes in memory beside its winning proof, roughly. */
const headerBytes = 2_048;

const sizeOf = (headers: readonly BlockHeader[]): number =>
  headers.reduce((sum, { winningPost }) => sum + winningPost.length + headerBytes, 0);

export function cidsOfKey(key: string): CID[] {
  return key.split(",").map((text) => parseCid(text));
}

export class Route {
  /** Newest first. */
  #steps: Step[] = [];
  /** Of the newest steps, so many have no headers any more. */
  #bare = 0;
  #bytes = 0;
  #isWhole = true;

  /** Whether the top is still in it. */
  get isWhole(): boolean {
    return this.#isWhole;
  }
  get length(): number {
    return this.#steps.length;
  }

  /** One further down. */
  push(tipset: Tipset, headers: readonly BlockHeader[]): void {
    this.#steps.push({ key: tipset.key, height: tipset.height, headers });
    this.#bytes += sizeOf(headers);
    while (this.#bytes > limits.routeHeaderBytes && this.#bare < this.#steps.length) {
      const step = this.#steps[this.#bare] as Step;
      if (step.headers !== undefined) this.#bytes -= sizeOf(step.headers);
      step.headers = undefined;
      this.#bare += 1;
    }
    // A quarter at a time, so that a long way costs no more than its length.
    if (this.#steps.length < limits.routeTipsets * 1.25) return;
    const gone = this.#steps.length - limits.routeTipsets;
    for (const { headers: kept } of this.#steps.slice(0, gone))
      if (kept !== undefined) this.#bytes -= sizeOf(kept);
    this.#steps = this.#steps.slice(gone);
    this.#bare = Math.max(0, this.#bare - gone);
    this.#isWhole = false;
  }

  /** The lowest ones, oldest first; they are no longer part of it. */
  take(count: number): Step[] {
    const taken = this.#steps.splice(Math.max(0, this.#steps.length - count), count).reverse();
    for (const { headers } of taken) if (headers !== undefined) this.#bytes -= sizeOf(headers);
    this.#bare = Math.min(this.#bare, this.#steps.length);
    return taken;
  }

  /** All that are left, oldest first. */
  steps(): readonly Step[] {
    return [...this.#steps].reverse();
  }
}
