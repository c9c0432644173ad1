/**
 * The book of deals beside a model: any sequence of deposits, deals, losses, breaches and agreements gives the
 * predicted exit codes, states and amounts, and the money is exact after each. Planted mistakes are caught.
 */
import { attoFil, epoch } from "@holdfast/base";
import type { ActorContext, CodeTable, DealRef, DealTerms } from "@holdfast/consensus";
import { DealBook, marketStateCodec, vmExitCodes as x } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brokenMarket } from "./canaries.ts";
import { createDealWorld, type DealWorld } from "./deal-world.ts";
import { DealModel, type ModelDeal } from "./deals-model.ts";
import { type Account, alice, bob, createMiner, owner, testParams, World, worker } from "./world.ts";

const clients = { alice, bob } as const;
type Party = keyof typeof clients | "miner";
const parties: readonly Party[] = ["alice", "bob", "miner"];
const price = 20;
const pick = fc.nat({ max: 4 });
const sectorsOfWorld = [1, 2, 3] as const;

type PickedOp =
  | { kind: "activate"; pick: number; sector: number }
  | { kind: "cancel" | "report" | "release" | "settle" | "again"; pick: number }
  | { kind: "extend"; pick: number; longer: number };
type Op =
  | PickedOp
  | { kind: "deposit" | "withdraw"; party: Party; amount: number }
  | {
      kind: "publish";
      client: keyof typeof clients;
      provider: number;
      own: number;
      startIn: number;
      life: number;
    }
  | { kind: "terminate"; sector: number }
  | { kind: "breach"; pick: number }
  | { kind: "loss"; pick: number }
  | { kind: "wait"; epochs: number };

const party = fc.constantFrom(...parties);
const sector = fc.constantFrom(...sectorsOfWorld);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("deposit" as const, "deposit" as const, "withdraw" as const),
      party,
      amount: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("publish" as const),
      client: fc.constantFrom("alice" as const, "bob" as const),
      provider: fc.integer({ min: 4, max: 11 }),
      own: fc.integer({ min: 1, max: 5 }),
      startIn: fc.integer({ min: 4, max: 12 }),
      life: fc.integer({ min: 14, max: 40 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("activate" as const), pick, sector }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "cancel" as const,
        "report" as const,
        "release" as const,
        "settle" as const,
        "settle" as const,
        "again" as const,
      ),
      pick,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("extend" as const),
      pick,
      longer: fc.integer({ min: 0, max: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("terminate" as const), sector }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("breach" as const, "loss" as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), epochs: fc.integer({ min: 1, max: 16 }) }),
  },
);

interface Run {
  readonly d: DealWorld;
  readonly model: DealModel;
  readonly terms: DealTerms[];
}

function start(codes?: CodeTable): Run {
  const world = new World({
    params: { ...testParams, maxSectorLifetimeEpochs: 3_000 },
    ...(codes === undefined ? {} : { codes }),
  });
  const d = createDealWorld(world, createMiner(world));
  for (const id of sectorsOfWorld) d.addSector(id, { expiration: epoch(2_000) });
  d.keepTo(testParams.provingPeriodEpochs);
  const model = new DealModel();
  model.tickTo(world.height);
  return { d, model, terms: [] };
}

function move({ d, model }: Run, given: Op & { kind: "deposit" | "withdraw" }): void {
  const { party: name, amount } = given;
  const from: Account = name === "miner" ? owner : clients[name];
  const free = model.freeOf(name);
  if (given.kind === "deposit") {
    expect(d.deposit(from, attoFil(amount), name === "miner").exitCode).toBe(0);
    model.tickTo(d.world.height);
    model.add(name, amount);
    return;
  }
  const before = d.world.balance(from.address);
  const { exitCode } = d.withdraw(from, BigInt(amount), name === "miner");
  model.tickTo(d.world.height);
  // The tick of that block may have changed what is free.
  const isCovered = amount <= model.freeOf(name);
  expect([exitCode, free >= 0]).toEqual([isCovered ? x.ok : x.insufficientEscrow, true]);
  if (!isCovered) return;
  model.add(name, -amount);
  expect(d.world.balance(from.address)).toBe(before + BigInt(amount));
}

function publish({ d, model, terms: all }: Run, given: Op & { kind: "publish" }): void {
  const client = clients[given.client];
  const channel = d.openChannel(client, { value: attoFil(price), eol: 2_500 });
  const { height } = d.world;
  const startBy = height + given.startIn;
  const end = height + given.life;
  const terms = d.terms(channel, {
    client: client.address,
    startBy: epoch(startBy),
    endHeight: epoch(end),
    totalPrice: attoFil(price),
    providerCollateral: attoFil(given.provider),
    clientCollateral: attoFil(given.own),
  });
  const { exitCode } = d.publish(terms, { signer: client });
  model.tickTo(d.world.height);
  const deal: ModelDeal = {
    client: given.client,
    startBy,
    end,
    ofProvider: given.provider,
    ofClient: given.own,
    status: "published",
    sector: 0,
    look: startBy + 1,
    isCancelled: false,
  };
  expect(exitCode).toBe(model.publish(deal));
  if (exitCode === 0) all.push(terms);
}

function act(run: Run, given: PickedOp) {
  const { d, model, terms: all } = run;
  if (all.length === 0) return;
  const index = given.pick % all.length;
  const [terms, deal] = [all[index], model.deals[index]];
  if (terms === undefined || deal === undefined) return;
  const client = deal.client === "alice" ? alice : bob;
  const end = deal.end + ("longer" in given ? given.longer : 0);
  const ids = "sector" in given ? [given.sector] : [];
  const outcomes = {
    activate: () => d.activate(terms, ids),
    cancel: () => d.cancelChannel(terms.channel, client),
    report: () => d.report(terms),
    release: () => d.release(terms, { signer: client, validUntil: 9_999 }),
    settle: () => d.settle([terms]),
    again: () => d.publish(terms, { signer: client }),
    extend: () =>
      d.extend(terms, { endHeight: end, totalPrice: attoFil(price), signer: client, validUntil: 9_999 }),
  };
  const { exitCode, returns } = outcomes[given.kind]();
  model.tickTo(d.world.height);
  switch (given.kind) {
    case "activate":
      return expect(exitCode).toBe(model.activate(deal, given.sector, stateOf(d, given.sector)));
    case "cancel":
      deal.isCancelled = true;
      return expect(exitCode).toBe(0);
    case "report":
      return expect(exitCode).toBe(model.report(deal));
    case "release":
      return expect(exitCode).toBe(model.release(deal));
    case "settle":
      return expect([exitCode, returns]).toEqual([0, model.advance(deal) ? 1 : 0]);
    case "again": {
      const expected = d.world.height > deal.startBy ? x.dealTooLate : x.dealExists;
      return expect(exitCode).toBe(expected);
    }
    case "extend":
      return expect(exitCode).toBe(model.extend(deal, end));
  }
}

/** What a proof of a piece in this sector comes to. */
function stateOf(d: DealWorld, id: number): number {
  const found = d.sector(id);
  if (found === undefined) return x.sectorNotFound;
  return found.faultySince === null ? x.ok : x.sectorNotActive;
}

function apply(run: Run, given: Op): void {
  const { d, model } = run;
  if ("party" in given) move(run, given);
  else if (given.kind === "publish") publish(run, given);
  else if (given.kind === "wait") d.keepTo(d.world.height + given.epochs);
  else if (given.kind === "breach") {
    act(run, { kind: "cancel", pick: given.pick });
    act(run, { kind: "report", pick: given.pick });
  } else if (given.kind === "loss") {
    const deal = model.deals[given.pick % Math.max(1, model.deals.length)];
    if (deal !== undefined && deal.sector > 0) apply(run, { kind: "terminate", sector: deal.sector });
    act(run, { kind: "settle", pick: given.pick });
  } else if (given.kind === "terminate") {
    const { exitCode } = d.terminate(given.sector);
    model.tickTo(d.world.height);
    if (exitCode === 0) model.lostAt.set(given.sector, d.world.height);
  } else act(run, given);
  model.tickTo(d.world.height);
}

function compare({ d, model, terms }: Run): void {
  d.check();
  for (const name of parties) {
    const { escrow, locked } = d.escrowOf(name === "miner" ? "miner" : clients[name]);
    expect([name, escrow, locked]).toEqual([
      name,
      BigInt(model.escrowOf(name)),
      BigInt(model.escrowOf(name) - model.freeOf(name)),
    ]);
  }
  for (const [index, one] of terms.entries()) {
    const [found, expected] = [d.deal(one), model.deals[index]];
    expect([found?.status ?? "gone", found?.endHeight ?? expected?.end]).toEqual([
      expected?.status,
      expected?.end,
    ]);
  }
}

function property(codes?: CodeTable) {
  return fc.property(fc.array(op, { minLength: 15, maxLength: 35 }), (ops) => {
    const run = start(codes);
    for (const one of [
      { kind: "deposit", party: "bob", amount: 20 },
      { kind: "deposit", party: "miner", amount: 60 },
      ...ops,
    ] as const) {
      apply(run, one);
      compare(run);
    }
  });
}

/** After the method: the book is changed once more. */
function meddle(ctx: ActorContext, change: (book: DealBook) => void): void {
  const state = ctx.readState(marketStateCodec);
  const book = new DealBook(ctx.store, state.deals);
  change(book);
  ctx.writeState(marketStateCodec, { ...state, deals: book.flush() });
}
const bookBefore = (ctx: ActorContext): DealBook =>
  new DealBook(ctx.store, ctx.readState(marketStateCodec).deals);

const canaries: { readonly [mistake: string]: CodeTable } = {
  "a release refunds the provider's collateral to the client": brokenMarket(
    "releaseDeal",
    (ctx, given, run) => {
      const result = run();
      meddle(ctx, (book) => {
        const { miner, providerCollateral } = book.deal(given) ?? {
          miner: worker.address,
          providerCollateral: 0n,
        };
        book.debit(miner, attoFil(providerCollateral));
        book.credit(given.client, attoFil(providerCollateral));
      });
      return result;
    },
  ),
  "a release pays twice": brokenMarket("releaseDeal", (ctx, given, run) => {
    const result = run();
    meddle(ctx, (book) => book.credit(given.client, book.deal(given)?.clientCollateral ?? attoFil(0n)));
    return result;
  }),
  "a lost deal is slashed twice": brokenMarket("settleDeals", (ctx, given, run) => {
    const before = bookBefore(ctx);
    const result = run();
    meddle(ctx, (book) => {
      for (const ref of given.deals) {
        const [was, is] = [before.deal(ref), book.deal(ref)];
        if (was === undefined || is?.status !== "lost" || was.status !== "active") continue;
        const again = attoFil(
          is.providerCollateral < book.free(is.miner) ? is.providerCollateral : book.free(is.miner),
        );
        book.debit(is.miner, again);
        book.credit(ref.client, again);
      }
    });
    return result;
  }),
  "a withdrawal loses the remainder": brokenMarket("withdrawBalance", (ctx, { miner }, run) => {
    const result = run();
    meddle(ctx, (book) => {
      const party = miner ?? ctx.message.from;
      if (book.free(party) > 0n) book.debit(party, attoFil(1n));
    });
    return result;
  }),
  "the end of a sector goes unnoticed": brokenMarket("sectorsLost", () => ({})),
  "a late start is free": brokenMarket("cronTick", (ctx, _, run) => {
    const before = bookBefore(ctx);
    const result = run();
    meddle(ctx, (book) => {
      for (const [key, deal] of before.deals.entries()) {
        if (deal.status !== "published" || book.deals.get(key)?.status !== "late") continue;
        book.credit(deal.miner, attoFil(1n));
      }
    });
    return result;
  }),
  "a breach costs nothing": brokenMarket("reportCancelledChannel", (ctx, given, run) => {
    const result = run();
    meddle(ctx, (book) => {
      const deal = book.deal(given);
      if (deal === undefined) return;
      book.debit(deal.miner, deal.clientCollateral);
      book.credit(given.client, deal.clientCollateral);
    });
    return result;
  }),
  "a deal that is over can be published again": brokenMarket("releaseDeal", (ctx, given, run) => {
    const result = run();
    meddle(ctx, (book) => book.removeDeal(given as DealRef));
    return result;
  }),
  "an extension is forgotten": brokenMarket("extendDeal", (ctx, given, run) => {
    const before = bookBefore(ctx).deal(given);
    const result = run();
    meddle(ctx, (book) => {
      if (before !== undefined) book.setDeal(given, before);
    });
    return result;
  }),
  "a deposit is locked": brokenMarket("addBalance", (ctx, { miner }, run) => {
    const result = run();
    meddle(ctx, (book) => book.lock(miner ?? ctx.message.from, attoFil(1n)));
    return result;
  }),
};

describe("deals", () => {
  it("control: a wrapped method without a mistake is not caught", () => {
    fc.assert(property(brokenMarket("releaseDeal", (_, __, run) => run())), {
      numRuns: 5,
      seed: 3,
      endOnFailure: true,
    });
  });

  it("do what the model says, with exact money", () => {
    fc.assert(property(), { numRuns: 20 });
  });

  for (const [mistake, codes] of Object.entries(canaries)) {
    it(`canary: ${mistake}`, () => {
      const { failed } = fc.check(property(codes), { numRuns: 150, seed: 7, endOnFailure: true });
      expect(failed).toBe(true);
    });
  }
});
