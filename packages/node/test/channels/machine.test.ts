/**
 * Two parties of a channel, on and off the chain: whatever is lost, taken back or restarted, the target is paid the
 * best voucher that it has accepted and the payer gets the rest back, to the attoFIL; and at no time is there money
 * without a way out.
 */
import { type AttoFil, attoFil, channelId, epoch, filToAtto, HoldfastError } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadChain, deposit, type Faults, Party, payer, target } from "./two-parties.ts";

type Op =
  | { readonly kind: "pay"; readonly more: number; readonly later: number; readonly isLost: boolean }
  | { readonly kind: "mine"; readonly taken: readonly boolean[] }
  | { readonly kind: "reorganise"; readonly depth: number }
  | { readonly kind: "restart"; readonly who: "payer" | "target" }
  | { readonly kind: "redeem" | "cancel" | "extend" | "old" };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("pay" as const),
      more: fc.integer({ min: -1, max: 5 }),
      later: fc.constantFrom(0, 0, 0, 6),
      isLost: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("mine" as const),
      taken: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("reorganise" as const), depth: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      who: fc.constantFrom("payer" as const, "target" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("redeem" as const, "cancel" as const, "extend" as const, "old" as const),
    }),
  },
);

/** Lets everything that was started come to rest. */
const rest = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Refusals are part of the game; anything else is a bug. */
async function tried<Result>(work: () => Result | Promise<Result>): Promise<Result | HoldfastError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}

const openingBalance = filToAtto(1_000n);
/** A voucher that comes later than this before the end may be lost with the blocks that leave its redemption out. */
const safeEpochs = 30;

class Play {
  readonly chain = new BadChain();
  readonly payer: Party;
  readonly target: Party;
  id = 0;
  promised = 0n;
  accepted = 0n;
  readonly texts: string[] = [];

  constructor(faults: Faults) {
    this.payer = new Party(this.chain, payer);
    this.target = new Party(this.chain, target, faults);
  }

  async open(): Promise<void> {
    const eol = epoch(this.chain.height + 110);
    const terms = { from: payer.address, target: target.address, amount: deposit, eol };
    this.id = (await this.payer.room.create(terms)).nonce;
    // Below this block no reorganisation reaches: whoever accepts vouchers waits for the channel to be buried.
    for (let i = 0; i < 8; i += 1) await this.mine(() => true);
  }

  async mine(isTaken: () => boolean): Promise<void> {
    this.chain.mine(isTaken);
    await rest();
    this.payer.forget();
    this.target.forget();
    this.check();
  }

  check(): void {
    const channel = this.chain.channel(this.id);
    if (channel === undefined) return;
    expect(channel.redeemed).toBeLessThanOrEqual(this.promised);
    for (const { room } of [this.payer, this.target]) {
      const { waysOut } = room.show(payer.address, channelId(this.id));
      const reclaim = waysOut.find(({ role, untilHeight }) => role === "payer" && untilHeight === null);
      expect(reclaim).toMatchObject({ fromHeight: channel.eol });
    }
  }

  async step(given: Op): Promise<void> {
    const { chain, id } = this;
    if (given.kind === "mine") {
      const taken = [...given.taken];
      await this.mine(() => taken.shift() ?? true);
    } else if (given.kind === "reorganise") {
      if (chain.height - given.depth > 4) chain.reorganise(given.depth);
      await rest();
    } else if (given.kind === "restart") await this[given.who].restart();
    else if (given.kind === "pay") await this.pay(given);
    else if (given.kind === "old") await this.replay();
    else if (given.kind === "redeem") {
      await tried(() => this.target.room.redeem(payer.address, channelId(id), "redeem"));
    } else if (given.kind === "cancel") {
      const own = { method: "cancel", from: payer.address, channel: channelId(id) } as const;
      await tried(() => this.payer.room.end(own));
    } else {
      const eol = epoch((chain.channel(id)?.agreedEol ?? 0) + 3);
      const more = { from: payer.address, channel: channelId(id), amount: attoFil(0n), eol };
      await tried(() => this.payer.room.extend(more));
    }
  }

  async pay({ more, later, isLost }: Op & { readonly kind: "pay" }): Promise<void> {
    const channel = this.chain.channel(this.id);
    if (channel === undefined || channel.eol - this.chain.height < safeEpochs) return;
    const amount = this.promised + filToAtto(BigInt(more));
    if (amount <= 0n) return;
    const validAt = epoch(this.chain.height + later);
    const terms = { payer: payer.address, channel: channelId(this.id), amount: amount as AttoFil, validAt };
    const given = await tried(() => this.payer.room.give({ ...terms, condition: null }));
    if (given instanceof HoldfastError) {
      expect(["channels/not-better", "channels/worth-nothing", "channels/above-channel"]).toContain(
        given.code,
      );
      return;
    }
    if (amount > this.promised) this.promised = amount;
    if (isLost) return;
    this.texts.push(given.text);
    const taken = await tried(() => this.target.room.add(given.text, new Uint8Array(0)));
    if (!(taken instanceof HoldfastError) && amount > this.accepted) this.accepted = amount;
  }

  /** What was taken before, or is worth less, is never taken again. */
  async replay(): Promise<void> {
    for (const text of this.texts) {
      const again = await tried(() => this.target.room.add(text, new Uint8Array(0)));
      expect(again).toBeInstanceOf(HoldfastError);
    }
  }

  /** Time passes on a good chain until the channel is over; the payer takes back what is left. */
  async finish(): Promise<void> {
    for (;;) {
      const channel = this.chain.channel(this.id);
      if (channel === undefined) break;
      await this.mine(() => true);
      if (this.chain.height < channel.eol) continue;
      const own = { method: "reclaim", from: payer.address, channel: channelId(this.id) } as const;
      await tried(() => this.payer.room.end(own));
    }
    expect(this.chain.balanceOf(target.address) - openingBalance).toBe(this.accepted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.payer[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
  }
}

function property(faults: Faults = {}) {
  return fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 40 }), async (ops) => {
    await using play = new Play(faults);
    await play.open();
    for (const one of ops) await play.step(one);
    await play.finish();
  });
}

const canaries: { readonly [mistake: string]: Faults } = {
  "looks at no head": { isBlind: true },
  "keeps no voucher over a restart": { forgetsVouchers: true },
  "offers nothing again that a reorganisation took back": { forgetsReorganised: true },
};

describe("a channel between two parties", () => {
  it("pays what was accepted and gives back the rest, whatever is lost, taken back or restarted", async () => {
    await fc.assert(property(), { numRuns: 12, seed: 11 });
  }, 180_000);

  for (const [mistake, faults] of Object.entries(canaries)) {
    it(`canary: a target that ${mistake} is found`, async () => {
      const found = await fc.check(property(faults), { numRuns: 60, seed: 11, endOnFailure: true });
      expect(found.failed).toBe(true);
    }, 180_000);
  }
});
