/** The list of what was bought, beside looking at every order of the chain: the same after anything, for less work. */
import { type Address, seedAddress } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { Bought, type PoscView } from "../../src/posc/index.ts";

const people = ["a", "b", "c"].map((name) => seedAddress(1, name));
const [own, stranger] = people as [Address, Address];

/** What a chain knows at a height: buyers by number, those that are over are gone. */
interface At {
  readonly height: number;
  readonly count: number;
  readonly buyers: ReadonlyMap<number, Address>;
}

class Orders {
  readonly accounts: Address[] = [own];
  readonly bought = new Bought({
    sender: {
      accounts: () => this.accounts,
      isOwn: (account: Address) => this.accounts.includes(account),
    },
    chain: { view: () => this.view() },
  });
  past: At[] = [{ height: 0, count: 0, buyers: new Map() }];
  /** Orders that were read, and numbers that were asked for. */
  read = 0;
  asked = 0;

  get now(): At {
    return this.past.at(-1) as At;
  }
  block(added: readonly Address[], closed: readonly number[]): void {
    const buyers = new Map(this.now.buyers);
    for (const at of closed) buyers.delete([...buyers.keys()][at % Math.max(1, buyers.size)] ?? -1);
    for (const [at, buyer] of added.entries()) buyers.set(this.now.count + at, buyer);
    const height = this.now.height + 1;
    this.past.push({ height, count: this.now.count + added.length, buyers });
  }
  /** The newest heights are others now. */
  leave(depth: number): void {
    if (this.past.length <= depth) return;
    this.past = this.past.slice(0, this.past.length - depth);
    this.bought.reorganised(this.now.height + 1);
  }
  view({ height, count, buyers }: At = this.now): PoscView {
    const pinOf = (number: number, buyer: Address) => {
      this.read += 1;
      return { number, buyer };
    };
    const from = function* (first: number) {
      for (const [number, buyer] of buyers) if (number >= first) yield pinOf(number, buyer);
    };
    const order = (number: number) => {
      this.asked += 1;
      const buyer = buyers.get(number);
      return buyer && pinOf(number, buyer);
    };
    return { height, orderCount: () => count, orders: from, order } as unknown as PoscView;
  }
  expected(): number[] {
    return [...this.now.buyers]
      .filter(([, buyer]) => this.accounts.includes(buyer))
      .map(([number]) => number);
  }
  async found(): Promise<number[]> {
    return (await this.bought.standing()).map(({ number }) => number);
  }
}

type Step =
  | { readonly kind: "block"; readonly added: readonly Address[]; readonly closed: readonly number[] }
  | { readonly kind: "leave"; readonly depth: number }
  | { readonly kind: "account"; readonly who: Address }
  | { readonly kind: "look" }
  | { readonly kind: "leave in a look"; readonly depth: number };

const person = fc.constantFrom(...people);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("block" as const),
      added: fc.array(person, { maxLength: 3 }),
      closed: fc.array(fc.nat(), { maxLength: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("leave" as const), depth: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("account" as const), who: person }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("look" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("leave in a look" as const),
      depth: fc.integer({ min: 1, max: 6 }),
    }),
  },
);

describe("what accounts of this node have bought", () => {
  it("is what looking at every order finds, whatever the chain does", () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
        const orders = new Orders();
        for (const one of steps) {
          if (one.kind === "block") orders.block(one.added, one.closed);
          else if (one.kind === "leave") orders.leave(one.depth);
          else if (one.kind === "account") orders.accounts.push(one.who);
          else if (one.kind === "leave in a look") {
            // What it finds is of a chain that is no more; what it remembers must not be.
            const looking = orders.found();
            orders.leave(one.depth);
            await looking;
          } else expect(await orders.found()).toEqual(orders.expected());
        }
        expect(await orders.found()).toEqual(orders.expected());
      }),
      { numRuns: 400 },
    ));

  it("comes back from a reorganisation that is deeper than what is remembered of looks", async () => {
    const orders = new Orders();
    orders.block([own], []);
    await orders.found();
    orders.block([], [0]);
    for (let turn = 0; turn < 2 * limits.pinMarksKept; turn += 1) {
      expect(await orders.found()).toEqual([]);
      orders.block([], []);
    }
    orders.asked = 0;
    await orders.found();
    expect(orders.asked).toBe(0);
    orders.block([own], []);
    await orders.found();
    orders.block([], [0]);
    for (let turn = 0; turn < 3; turn += 1) expect(await orders.found()).toEqual([]);
    orders.leave(1);
    expect(await orders.found()).toEqual([1]);
    orders.leave(orders.past.length - 2);
    expect(await orders.found()).toEqual([0]);
  });

  it("is found by what is new and what is its own, not by all orders again", async () => {
    const orders = new Orders();
    orders.block(Array(5_000).fill(stranger), []);
    orders.block([own, own], []);
    await orders.found();
    expect(orders.read).toBe(5_002 + 2);
    orders.read = 0;
    orders.block([stranger, own], []);
    expect(await orders.found()).toEqual([5_000, 5_001, 5_003]);
    expect(orders.read).toBe(2 + 3);
  });

  it("is read in turns with everything else", async () => {
    const orders = new Orders();
    orders.block(Array(4 * limits.pinOrdersAtOnce).fill(stranger), []);
    const looking = orders.found();
    await new Promise((later) => setImmediate(later));
    expect(orders.read).toBeLessThan(4 * limits.pinOrdersAtOnce);
    expect(await looking).toEqual([]);
  });
});
