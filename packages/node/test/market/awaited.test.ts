/** What a miner still waits for: right however it comes, and asked for without looking at every piece again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Awaited, countsOf, sumOf } from "../../src/market/miner/awaited.ts";
import type { MinerStore } from "../../src/market/miner/store.ts";

interface Deal {
  readonly sizes: readonly number[];
  readonly carried: boolean;
  state: string;
  /** Its first pieces. */
  here: number;
}

class Miner {
  readonly deals = new Map<string, Deal>();
  looks = 0;
  readonly awaited: Awaited;

  constructor() {
    const store = {
      fetching: () =>
        [...this.deals]
          .filter(([, { state }]) => state === "accepted" || state === "transferring")
          .map(([dealId, { state }]) => ({ dealId, state })),
      get: (dealId: string) => {
        const { sizes, carried } = this.deals.get(dealId) as Deal;
        const pieces = sizes.map((paddedBytes) => ({ paddedBytes }));
        return { carried, proposal: { pieces, startBy: 9 } };
      },
    } as unknown as Pick<MinerStore, "fetching" | "get">;
    const getPiece = async (key: string) => {
      this.looks += 1;
      const [dealId = "", index] = key.split("/");
      return Number(index) < (this.deals.get(dealId)?.here ?? 0) ? { sectorId: 1 } : undefined;
    };
    this.awaited = new Awaited(store, { storage: { getPiece } as never });
  }
  add(sizes: readonly number[], carried: boolean): void {
    this.deals.set(`deal${this.deals.size}`, { sizes, carried, state: "accepted", here: 0 });
  }
  async found(): Promise<Map<number, number>> {
    return sumOf((await this.awaited.deals()).map(({ counts }) => counts));
  }
  expected(): Map<number, number> {
    const left = [...this.deals.values()].filter(({ state }) => state !== "staged");
    return countsOf(left.flatMap(({ sizes, here }) => sizes.slice(here)));
  }
}

const size = fc.constantFrom(128, 256, 512);
const step = fc.record({
  kind: fc.constantFrom("add", "piece", "piece", "piece", "over", "ask", "ask twice"),
  at: fc.nat(),
  sizes: fc.array(size, { minLength: 1, maxLength: 4 }),
  carried: fc.boolean(),
});
const sorted = (counts: ReadonlyMap<number, number>) => [...counts].sort(([a], [b]) => a - b);

describe("what a miner waits for", () => {
  it("is what of its deals is not here, whatever comes and whoever asks meanwhile", () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const miner = new Miner();
        for (const { kind, at, sizes, carried } of steps) {
          const deals = [...miner.deals.values()];
          const deal = deals[at % Math.max(1, deals.length)];
          if (kind === "add") miner.add(sizes, carried);
          else if (kind === "piece" && deal !== undefined && deal.here < deal.sizes.length) {
            if (deal.state === "accepted") deal.state = "transferring";
            deal.here += 1;
          } else if (kind === "over" && deal !== undefined) deal.state = "staged";
          else if (kind === "ask twice") {
            const both = await Promise.all([miner.found(), miner.found()]);
            expect(both.map(sorted)).toEqual([sorted(miner.expected()), sorted(miner.expected())]);
          } else expect(sorted(await miner.found())).toEqual(sorted(miner.expected()));
        }
      }),
      { numRuns: 200 },
    ));

  it("is looked for piece by piece once, and not with each question", async () => {
    const miner = new Miner();
    for (let deal = 0; deal < 100; deal += 1) miner.add(Array(1_024).fill(128), true);
    for (const deal of miner.deals.values()) deal.here = 512;
    await miner.found();
    expect(miner.looks).toBe(100 * 513);
    miner.looks = 0;
    expect(await miner.found()).toEqual(new Map([[128, 100 * 512]]));
    expect(miner.looks).toBe(100);
  });
});
