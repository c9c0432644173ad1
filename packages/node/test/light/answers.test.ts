/** Headers for light clients out of a chain with gaps: each tipset once, in order, however long nobody mined. */
import { cidOfCbor, epoch, MemoryBlockstore, seedAddress } from "@holdfast/base";
import { type BlockHeader, createTipset, type Tipset } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headersFrom } from "../../src/light/answers.ts";

const cid = cidOfCbor(Uint8Array.of(0xf6));
function tipsetOf(height: number): Tipset {
  const header: BlockHeader = {
    miner: seedAddress(1, "a miner"),
    height: epoch(height),
    parents: [cid],
    parentWeight: 0n,
    parentState: cid,
    ticket: new Uint8Array(96),
    electionProof: new Uint8Array(96),
    winningPost: new Uint8Array(1),
    stateRoot: cid,
    messages: cid,
    receipts: cid,
    timestampMs: height,
    signature: new Uint8Array(65),
  };
  return createTipset([header]);
}

/** A chain of tipsets at these heights, ascending, which counts how often it is asked for one. */
function chainOf(heights: readonly number[]) {
  const tipsets = heights.map(tipsetOf);
  const [genesis] = tipsets;
  const top = tipsets.at(-1);
  if (genesis === undefined || top === undefined) throw new TypeError("a chain has tipsets");
  let asked = 0;
  const source = {
    store: new MemoryBlockstore(),
    head: () => top,
    tipset: (key: string) => tipsets.find((one) => one.key === key),
    tipsetAt(height: number) {
      asked += 1;
      return tipsets.findLast((one) => one.height <= height) ?? genesis;
    },
  };
  return { source, genesis, asked: () => asked };
}

describe("headers for a light client", () => {
  it("are all tipsets above the one that was named, each once", () => {
    const heights = fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 20 });
    fc.assert(
      fc.property(heights, fc.integer({ min: 1, max: 24 }), (above, count) => {
        const ascending = [0, ...above.sort((a, b) => a - b)];
        const { source, genesis } = chainOf(ascending);
        const { state, tipsets } = headersFrom(source, { from: genesis.cids, count });
        expect(state).toBe("found");
        expect(tipsets.map(([header]) => header?.height)).toEqual(ascending.slice(0, count));
      }),
      { seed: 1 },
    );
  });

  it("cost few look-ups over a gap of a day", () => {
    const { source, genesis, asked } = chainOf([0, 86_400, 86_401]);
    expect(headersFrom(source, { from: genesis.cids, count: 9 }).tipsets).toHaveLength(3);
    expect(asked()).toBeLessThan(100);
  });
});
