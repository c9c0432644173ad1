/** The last room of a miner's disk goes to one proposal, however many are judged in the same moment. */
import { codeOf } from "@holdfast/base/testing";
import { storageErrors } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { Awaited } from "../../src/market/miner/awaited.ts";
import { checkStorage, holdStorage } from "../../src/market/miner/consent.ts";
import type { MinerContext } from "../../src/market/miner/context.ts";

const capacityBytes = 1_024;
const full = storageErrors.full({ neededBytes: 512, availableBytes: 0, limit: "the disk" });

/** What is judged awaits the storage; `take` writes a deal down, as its acceptance does. */
function miner(getPiece = async (): Promise<undefined> => undefined) {
  const deals = new Map<string, { readonly state: string }>();
  const proposal = { startBy: 9, pieces: [{ paddedBytes: 512 }] };
  const store = {
    fetching: () => [...deals].map(([dealId, { state }]) => ({ dealId, state })),
    get: (dealId: string) => (deals.has(dealId) ? { carried: false, proposal } : undefined),
  } as unknown as MinerContext["store"];
  const context = {
    needs: {
      storage: {
        refusal: async (counts: ReadonlyMap<number, number>) => {
          await new Promise((done) => setImmediate(done));
          const bytes = [...counts].reduce((sum, [size, count]) => sum + size * count, 0);
          return bytes > capacityBytes ? full : undefined;
        },
      },
    },
    awaited: new Awaited(store, { storage: { getPiece } as never }),
    store,
    held: new Set(),
    promised: new Set(),
  } as unknown as MinerContext;
  const wish = (dealId: string) => ({ dealId, ...proposal });
  return {
    look: (dealId: string) => checkStorage(context, wish(dealId)),
    hold: (dealId: string) => holdStorage(context, wish(dealId)),
    async take(dealId: string, state = "accepted"): Promise<void> {
      using _held = await holdStorage(context, wish(dealId));
      deals.set(dealId, { state });
    },
  };
}

describe("the last room", () => {
  it("is taken by as many proposals as it is enough for, of those that come at once", async () => {
    const { take, look } = miner();
    const codes = await Promise.all(["a", "b", "c", "d"].map((dealId) => codeOf(take(dealId))));
    expect(codes.filter((code) => code === "deal/no-room").length).toBe(2);
    expect(await codeOf(look("e"))).toBe("deal/no-room");
  });

  it("is not promised again where one is taken while another still looks at what comes", async () => {
    let looks = 0;
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers<undefined>();
    const { look, take } = miner(async () => {
      looks += 1;
      return looks === 1 ? isAnswered : undefined;
    });
    await take("comes", "transferring");
    const first = codeOf(look("first"));
    await take("later");
    answer(undefined);
    expect(await first).toBe("deal/no-room");
  });

  it("is free again when a proposal comes to nothing, and is not held twice for the same one", async () => {
    const { hold, take, look } = miner();
    await look("nobody's");
    const [first, again, second] = await Promise.all([hold("a"), hold("a"), hold("b")]);
    expect(await codeOf(take("c"))).toBe("deal/no-room");
    first?.[Symbol.dispose]();
    expect(await codeOf(take("c"))).toBe("deal/no-room");
    again?.[Symbol.dispose]();
    await take("c");
    second?.[Symbol.dispose]();
    await take("d");
  });
});
