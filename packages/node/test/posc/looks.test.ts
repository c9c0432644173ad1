/** The buyer's own looks: what they find, when the chain is asked, and what who serves them gives to whom. */
import { type CID, filToAtto, rawCid, seedAddress, silentLogger } from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import {
  Looks,
  type NumberedPin,
  openPoscStore,
  type PoscNeeds,
  type PoscView,
  serveLooks,
} from "../../src/posc/index.ts";

const content = Uint8Array.of(1, 2, 3);
const root: CID = rawCid(content);
const buyer = seedAddress(1, "buyer");
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
};

type Shown = readonly Uint8Array[] | undefined;

function worldOf(
  shows: (spend: (bytes: number) => void) => Shown,
  given: {
    readonly mayAsk?: boolean;
    readonly alone?: boolean;
    readonly orders?: number;
    /** When an ask is in the chain; rejects: it never is. */
    readonly arrival?: () => Promise<void>;
  } = {},
) {
  const clock = new SimClock();
  const net = new SimNet({ seed: "looks", clock, delayMs: 1 });
  const [wire, other] = [net.createWire("own"), net.createWire("other")];
  serveLooks({ wire: other, clock }, async ({ pin }, spend) => (pin >= 7 ? shows(spend) : undefined));
  const sent: { readonly method: string; readonly from?: string; readonly value?: bigint }[] = [];
  const store = openPoscStore(openDatabase(":memory:")).looks;
  const needs = {
    ...{ wire, clock, logger: silentLogger, random: new SeededRandom("looks") },
    chain: { networkId: new Uint8Array(32) },
    sender: {
      send: async (message: (typeof sent)[number]) => {
        sent.push(message);
        return root;
      },
      wait: async () => given.arrival?.(),
    },
    askDeposit: () => (given.mayAsk === false ? undefined : filToAtto(1n)),
  } as unknown as PoscNeeds;
  let looks = new Looks(needs, store);
  const part = { node: 5, assignedIn: 1, fromSlot: 2, paidIndex: 0, place: 0, ask: null };
  /** So many of them are asked about. */
  const orders = (ask: object | null, asked: number): NumberedPin[] =>
    Array.from(
      { length: given.orders ?? 1 },
      (_, at) =>
        ({
          number: 7 + at,
          buyer,
          cid: root,
          endSlot: 90,
          replicas: [{ ...part, ask: at < asked ? ask : null }],
        }) as never,
    );
  const view = (slot: number): PoscView =>
    ({ height: 5 * slot, slotEpochs: 5, node: () => ({ peerId: "other", status: "active" }) }) as never;
  return {
    ...{ sent, net, clock, wire, other, store, view },
    get looks() {
      return looks;
    },
    async restart(): Promise<void> {
      await looks.stop();
      looks = new Looks(needs, store);
    },
    async slots(from: number, to: number, ask: object | null = null, asked = 99): Promise<void> {
      if (given.alone !== true)
        await clock.settle(wire.connect(other.addresses()[0] ?? ""), { limitMs: 60_000, drain });
      for (let slot = from; slot < to; slot += 1) {
        looks.look(view(slot), orders(ask, asked));
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

  it("waits for what is said of an ask that stands, and forgets who has lost the part for it", async () => {
    const world = worldOf(() => undefined);
    await world.slots(3, 3 + limits.pinLooksMissed);
    expect(world.sent).toHaveLength(1);
    await world.slots(10, 30, { askedAt: 12, deposit: 1n });
    expect([world.sent.length, world.store.pace(5)]).toEqual([1, undefined]);
    world.looks.look(world.view(31), []);
    expect([world.looks.of(7, 5), world.store.all(), world.store.pace(5)]).toEqual([
      undefined,
      [],
      undefined,
    ]);
  });

  it("takes an ask that came to nothing for no answer", async () => {
    const world = worldOf(() => undefined, { arrival: () => Promise.reject(new Error("no money")) });
    await world.slots(3, 3 + 2 * limits.pinLooksMissed);
    // The third miss, and each one after it.
    expect([world.sent.length, world.store.pace(5)]).toEqual([1 + limits.pinLooksMissed, undefined]);
  });

  it("asks a node nothing more while an ask is on its way, and counts one that stood when it was stopped", async () => {
    const world = worldOf(() => undefined, { orders: 8, arrival: () => new Promise(() => undefined) });
    await world.slots(3, 10);
    expect([world.sent.length, world.store.pace(5)]).toEqual([limits.pinAsksPerSlot, undefined]);
    const halted = worldOf(() => undefined);
    await halted.slots(3, 4);
    await halted.slots(4, 5, { askedAt: 12, deposit: 1n });
    await halted.restart();
    await halted.slots(5, 6);
    expect(halted.store.pace(5)).toMatchObject({ asksAt: 2 * limits.pinLooksMissed });
  });

  it("waits for what a node says of asks of an earlier slot before it is asked about other orders", async () => {
    const world = worldOf(() => undefined, { orders: 8 });
    await world.slots(3, 3 + limits.pinLooksMissed);
    expect(world.sent).toHaveLength(limits.pinAsksPerSlot);
    await world.slots(10, 14, { askedAt: 12, deposit: 1n }, 1);
    expect(world.sent).toHaveLength(limits.pinAsksPerSlot);
  });

  it("counts how rarely it asks by the node: who answers for many orders earns no deposit by each", async () => {
    const most = limits.pinAsksPerSlot;
    const world = worldOf(() => undefined, { orders: 4 * most });
    const asked: number[] = [];
    for (let slot = 1; slot <= 10 * limits.pinLooksMissed; slot += 1) {
      const before = world.sent.length;
      await world.slots(10 + slot, 11 + slot);
      asked.push(...Array<number>(world.sent.length - before).fill(slot / limits.pinLooksMissed));
    }
    // Who may have lost all is asked about many at once, who has answered about one.
    expect(asked).toEqual([...Array(most).fill(1), 2, 4, 8]);
  });

  it("is as quick as with anybody again with who has shown all for long", async () => {
    let shown: Shown;
    const world = worldOf(() => shown);
    await world.slots(3, 4 + limits.pinLooksMissed);
    expect(world.store.pace(5)).toMatchObject({ asksAt: 2 * limits.pinLooksMissed });
    shown = [content];
    await world.slots(10, 10 + limits.pinLooksForgiven);
    expect([world.store.pace(5), world.store.all()]).toEqual([undefined, []]);
  });

  it("goes on after a stop where it was, in misses and in how rarely it asks", async () => {
    const world = worldOf(() => undefined);
    await world.slots(3, 3 + limits.pinLooksMissed - 1);
    await world.restart();
    expect(world.looks.of(7, 5)?.missed).toBe(limits.pinLooksMissed - 1);
    await world.slots(10, 11);
    expect(world.sent).toHaveLength(1);
    await world.restart();
    await world.slots(11, 11 + limits.pinLooksMissed - 1);
    expect(world.sent).toHaveLength(1);
    await world.slots(20, 21);
    expect(world.sent).toHaveLength(2);
  });

  it("looks again in the next slot when something of it broke", async () => {
    const world = worldOf(() => undefined);
    const { setMissed } = world.store;
    Object.assign(world.store, {
      setMissed() {
        throw new Error("no room on the disk");
      },
    });
    await world.slots(3, 4);
    Object.assign(world.store, { setMissed });
    await world.slots(4, 5);
    expect(world.looks.of(7, 5)).toMatchObject({ slot: 4, missed: 1 });
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
