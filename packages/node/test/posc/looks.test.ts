/** The buyer's own looks: what they find, when the chain is asked, and what who serves them gives to whom. */
import { type CID, filToAtto, rawCid, seedAddress, silentLogger } from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { Looks, type NumberedPin, type PoscNeeds, type PoscView, serveLooks } from "../../src/posc/index.ts";

const content = Uint8Array.of(1, 2, 3);
const root: CID = rawCid(content);
const buyer = seedAddress(1, "buyer");
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
};

type Shown = readonly Uint8Array[] | undefined;

function worldOf(
  shows: (spend: (bytes: number) => void) => Shown,
  given: { readonly mayAsk?: boolean; readonly alone?: boolean } = {},
) {
  const clock = new SimClock();
  const net = new SimNet({ seed: "looks", clock, delayMs: 1 });
  const [wire, other] = [net.createWire("own"), net.createWire("other")];
  serveLooks({ wire: other, clock }, async ({ pin }, spend) => (pin === 7 ? shows(spend) : undefined));
  const sent: { readonly method: string; readonly from?: string; readonly value?: bigint }[] = [];
  const looks = new Looks({
    ...{ wire, clock, logger: silentLogger, random: new SeededRandom("looks") },
    chain: { networkId: new Uint8Array(32) },
    sender: {
      send: async (message: (typeof sent)[number]) => {
        sent.push(message);
        return root;
      },
    },
    askDeposit: () => (given.mayAsk === false ? undefined : filToAtto(1n)),
  } as unknown as PoscNeeds);
  const part = { node: 5, assignedIn: 1, fromSlot: 2, paidIndex: 0, place: 0, ask: null };
  const order = (ask: object | null): NumberedPin =>
    ({ number: 7, buyer, cid: root, endSlot: 90, replicas: [{ ...part, ask }] }) as never;
  const view = (slot: number): PoscView =>
    ({ height: 5 * slot, slotEpochs: 5, node: () => ({ peerId: "other", status: "active" }) }) as never;
  return {
    ...{ looks, sent, net, clock, wire, other },
    async slots(from: number, to: number, ask: object | null = null): Promise<void> {
      if (given.alone !== true)
        await clock.settle(wire.connect(other.addresses()[0] ?? ""), { limitMs: 60_000, drain });
      for (let slot = from; slot < to; slot += 1) {
        looks.look(view(slot), [order(ask)]);
        await clock.settle(looks.settled(), { limitMs: 600_000, drain });
      }
    },
  };
}

describe("a look at an own order", () => {
  it("finds who shows it, who shows nothing and who shows something else", async () => {
    const cases: readonly (readonly [Shown, string])[] = [
      [[content], "shown"],
      [undefined, "silent"],
      [[Uint8Array.of(9)], "wrong"],
      [[content, content], "wrong"],
    ];
    for (const [blocks, found] of cases) {
      const world = worldOf(() => blocks);
      await world.slots(3, 4);
      expect(world.looks.of(7, 5)).toMatchObject({ slot: 3, found, missed: found === "shown" ? 0 : 1 });
      expect(world.looks.of(7, 6)).toBeUndefined();
    }
  });

  it("asks the chain after some slots in a row, in the buyer's name, and after twice as many again", async () => {
    const world = worldOf(() => undefined);
    await world.slots(3, 3 + limits.pinLooksMissed - 1);
    expect(world.sent).toEqual([]);
    await world.slots(10, 11);
    expect(world.sent).toMatchObject([{ method: "askOrder", from: buyer, value: filToAtto(1n) }]);
    await world.slots(11, 11 + limits.pinLooksMissed - 1);
    expect(world.sent).toHaveLength(1);
    await world.slots(20, 21);
    expect(world.sent).toHaveLength(2);
  });

  it("begins to count anew with each slot in which it was shown", async () => {
    let shown: Shown;
    const world = worldOf(() => shown);
    await world.slots(3, 3 + limits.pinLooksMissed - 1);
    shown = [content];
    await world.slots(10, 11);
    shown = undefined;
    await world.slots(11, 11 + limits.pinLooksMissed - 1);
    expect([world.sent, world.looks.of(7, 5)?.missed]).toEqual([[], limits.pinLooksMissed - 1]);
  });

  it("asks ever more rarely, even if a slot in which it was shown follows each ask", async () => {
    let seen = 0;
    const world = worldOf((): Shown => {
      const isAsked = world.sent.length > seen;
      seen = world.sent.length;
      return isAsked ? [content] : undefined;
    });
    await world.slots(3, 75);
    expect(world.sent.length).toBeLessThanOrEqual(4); // after 3, 6, 12 and 24 misses
    expect(world.sent.length).toBeGreaterThan(2);
  });

  it("asks nobody without leave, nobody twice at a time, and learns nothing where nobody is reached", async () => {
    const forbidden = worldOf(() => undefined, { mayAsk: false });
    await forbidden.slots(3, 9);
    expect([forbidden.sent, forbidden.looks.of(7, 5)?.missed]).toEqual([[], 6]);
    const asked = worldOf(() => undefined);
    await asked.slots(3, 9, { askedAt: 12, deposit: 1n });
    expect(asked.sent).toEqual([]);
    const alone = worldOf(() => undefined, { alone: true });
    await alone.slots(3, 9);
    expect([alone.sent, alone.looks.of(7, 5)]).toEqual([[], undefined]);
  });
});

describe("looks at what this node holds", () => {
  it("cost who looks the bytes that were read for them, shown or not", async () => {
    let looked = 0;
    const world = worldOf((spend) => {
      looked += 1;
      spend(5 * limits.pinLookShares.bytesPerSecond);
      return undefined;
    });
    await world.slots(3, 5);
    expect(looked).toBe(1);
    await world.clock.advance(5_000, drain);
    await world.slots(5, 6);
    expect(looked).toBe(2);
  });
});
