/**
 * Attested pinning beside a model: any sequence of orders, reports, silence, lost blocks, settlements, repairs,
 * leavings, lies, asks with and without answers and standstills gives every node what its reports earned, less what it
 * failed to show, and every buyer the rest, to the last attoFIL, whenever it is settled. Planted mistakes are caught.
 */
import { attoFil } from "@holdfast/base";
import {
  assignedPins,
  type CodeTable,
  type PinReplica,
  pinsStateCodec,
  readPin,
  readPinsState,
  vmExitCodes as x,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brokenPins } from "./canaries.ts";
import { deposit, type PinWorld, pinParams, running, stake, type TestNode } from "./pin-world.ts";
import { Model, type Part } from "./pins-model.ts";
import { alice, bob, carol, owner } from "./world.ts";

type Op =
  | { kind: "order"; wanted: number; slots: number; size: number; pays: number }
  | { kind: "report"; node: number; lost: boolean }
  | { kind: "slot"; count: number }
  | { kind: "settle" | "remove" | "repair"; pick: number }
  | { kind: "claim" | "leave" | "expel"; node: number }
  | { kind: "ask" | "answer" | "close"; node: number; pick: number }
  | { kind: "blocks"; count: number; empty: boolean };

const node = fc.nat({ max: 2 });
const pick = fc.constantFrom(0, 0, 1, 2);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("order" as const),
      wanted: fc.integer({ min: 1, max: 4 }),
      slots: fc.integer({ min: 1, max: 9 }),
      size: fc.integer({ min: 1, max: 9 }),
      pays: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant("report" as const),
      node,
      lost: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("slot" as const), count: fc.constantFrom(1, 1, 1, 2, 4) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("settle" as const, "settle" as const, "remove" as const, "repair" as const),
      pick,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("claim" as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("leave" as const, "expel" as const), node }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom("ask" as const, "ask" as const, "answer" as const, "close" as const),
      ...{ node, pick },
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("blocks" as const),
      count: fc.integer({ min: 2, max: 7 }),
      empty: fc.constantFrom(false, false, false, true),
    }),
  },
);

const replicasOf = (world: PinWorld, number: number): readonly PinReplica[] =>
  readPin(world.store, world.state, number)?.replicas ?? [];

const present = (world: PinWorld): number => Math.floor(world.height / world.params.pinSlotEpochs);

function order(world: PinWorld, model: Model, given: Op & { kind: "order" }): void {
  const bytes = given.size * 400;
  const { root } = world.content.file(`file of ${given.size}`, 4, given.size * 100);
  world.spread();
  const cost = BigInt(given.wanted * given.slots * bytes);
  const value = cost * BigInt(given.pays);
  const { exitCode, returns } = world.order(root, bytes, { ...given, value });
  const isHeard = (lastSlot: number | null) =>
    present(world) <= (lastSlot ?? 0) + world.params.pinDisputeSlots;
  const free = world.nodes.filter(({ state }) => state.status === "active" && isHeard(state.lastSlot)).length;
  expect(exitCode).toBe(value < cost ? x.pinUnderpaid : free === 0 ? x.noPinNodeFree : x.ok);
  if (returns === undefined) return;
  const endSlot = present(world) + 1 + given.slots;
  model.orders.set(returns, { bytes, wanted: given.wanted, endSlot, escrow: cost, parts: new Map() });
  model.follow(returns, replicasOf(world, returns), 0);
}

function report(world: PinWorld, model: Model, node: TestNode, lost: boolean): void {
  const { pinSlotEpochs } = world.params;
  // In the first epoch of a slot its draw is not known.
  if ((world.height + 1) % pinSlotEpochs === 0) world.skipTo(world.height + 1);
  const { slot } = world;
  const known = [...assignedPins(world.store, world.state, node.number)];
  const isGone = node.state.status !== "active";
  const isDone = node.state.lastSlot === slot;
  if (isGone || isDone) {
    const made = node.report({ samples: [], added: [] });
    expect(node.submit(made).exitCode).toBe(isGone ? x.pinNodeInactive : x.pinReportReplayed);
    return;
  }
  const { exitCode, returns = 0 } = node.submit(node.partly(lost ? 2 : 4));
  expect(exitCode).toBe(x.ok);
  model.report(
    node.number,
    slot,
    returns,
    known.filter((one) => !one.isConfirmed).map((one) => one.number),
  );
}

function onOrder(world: PinWorld, model: Model, given: Op & { pick: number }): void {
  const numbers = [...model.orders.keys()];
  const number = numbers[given.pick % Math.max(1, numbers.length)] ?? 0;
  const found = model.orders.get(number);
  const { pins } = world.builtins;
  const slot = Math.floor((world.height + 1) / world.params.pinSlotEpochs);
  const isOver = found !== undefined && slot >= found.endSlot;
  if (given.kind === "settle") {
    if (isOver) model.dropForfeit(found, world.height + 1);
    const isAsked = [...(found?.parts.values() ?? [])].some(({ askedAt }) => askedAt !== null);
    const isClosed = isOver && !isAsked;
    expect(world.settle(number).returns).toBe(isClosed ? 1 : 0);
    if (found !== undefined) model.settle(number, isOver ? found.endSlot : slot - pinParams.pinDisputeSlots);
    if (isClosed) model.orders.delete(number);
    return;
  }
  const path = given.kind === "remove" ? "pins.removePin" : "pins.repairPin";
  const height = world.height + 1;
  const { exitCode, returns } = world.send(alice, pins, path, { pin: number });
  if (found === undefined || isOver) {
    expect(exitCode).toBe(found === undefined ? x.pinNotFound : x.pinEnded);
    return;
  }
  if (given.kind === "repair" && exitCode === x.nothingToRepair) {
    expect(found.parts.size).toBe(found.wanted);
    for (const [node, { askedAt }] of found.parts) expect(model.isForfeit(node, askedAt, height)).toBe(false);
    return;
  }
  expect(exitCode).toBe(x.ok);
  model.dropForfeit(found, height);
  if (given.kind === "repair") {
    model.settle(number, slot - pinParams.pinDisputeSlots);
    model.follow(number, replicasOf(world, number), slot);
    return;
  }
  model.settle(number, slot);
  let kept = BigInt(found.bytes * found.wanted);
  for (const { askedAt, owed } of found.parts.values())
    for (const [at, amount] of owed) if (askedAt !== null && at < slot) kept += amount;
  expect(returns).toBe(found.escrow > kept ? found.escrow - kept : 0n);
  if (found.escrow > kept) found.escrow = kept;
  found.endSlot = Math.min(found.endSlot, slot + 1);
}

function onNode(world: PinWorld, model: Model, given: Op & { kind: "claim" | "leave" | "expel" }): void {
  const { number } = world.nodes[given.node] as TestNode;
  if (given.kind === "claim") {
    expect(world.call("pins.claimEarned", number).returns).toBe(model.earned[number]);
    model.earned[number] = 0n;
    return;
  }
  const { status } = world.node(number);
  if (given.kind === "leave") {
    expect(world.call("pins.leave", number).exitCode).toBe(status === "active" ? x.ok : x.pinNodeInactive);
    return;
  }
  const node = world.nodes[given.node] as TestNode;
  const [first, second] = [1, 2].map((which) =>
    node.report({ samples: [], added: [], program: `lie ${which}` }),
  );
  if (first === undefined || second === undefined) return;
  const sent = world.send(owner, world.builtins.pins, "pins.reportEquivocation", { first, second });
  expect(sent.exitCode).toBe(status === "expelled" ? x.pinNodeInactive : x.ok);
  model.expelled.add(number);
}

/** What the rules say about an ask, in the order in which the chain looks. */
function onAsk(world: PinWorld, model: Model, given: Op & { kind: "ask" | "answer" | "close" }): void {
  const numbers = [...model.orders.keys()];
  const number = numbers[given.pick % Math.max(1, numbers.length)] ?? 0;
  const order = model.orders.get(number);
  const part = order?.parts.get(given.node);
  const height = world.height + 1;
  const slot = Math.floor(height / pinParams.pinSlotEpochs);
  if (given.kind === "ask") {
    const { exitCode } = world.askAbout(number, given.node);
    const isHeld = part !== undefined && part.fromSlot !== null && part.fromSlot <= slot;
    if (order === undefined) expect(exitCode).toBe(x.pinNotFound);
    else if (slot >= order.endSlot) expect(exitCode).toBe(x.pinEnded);
    else if (!isHeld) expect(exitCode).toBe(x.pinNotHeld);
    else if (part.askedAt !== null) expect(exitCode).toBe(x.pinAskStanding);
    else if (model.expelled.has(given.node)) expect(exitCode).toBe(x.pinNodeInactive);
    else {
      expect(exitCode).toBe(x.ok);
      model.settle(number, slot - pinParams.pinDisputeSlots);
      part.askedAt = height;
    }
    return;
  }
  const blocks = world.nodes[given.node]?.askedWalk(number, world.content) ?? [];
  const { exitCode } =
    given.kind === "answer" ? world.answer(number, given.node, blocks) : world.closeAsk(number, given.node);
  if (order === undefined || part === undefined || part.askedAt === null) {
    expect(exitCode).toBe(order === undefined ? x.pinNotFound : x.pinAskNotFound);
    return;
  }
  const start = model.startOf(part.askedAt);
  const isLate = height > start + pinParams.pinAnswerEpochs;
  if (given.kind === "answer") {
    if (model.expelled.has(given.node)) expect(exitCode).toBe(x.pinNodeInactive);
    else expect(exitCode).toBe(isLate ? x.challengeOver : height <= start + 1 ? x.pinAskNotDrawn : x.ok);
    if (exitCode !== x.ok) return;
    part.askedAt = null;
    model.pay(order, given.node, Math.min(slot, order.endSlot));
    return;
  }
  const isForfeit = model.isForfeit(given.node, part.askedAt, height);
  expect(exitCode).toBe(isForfeit ? x.ok : x.challengeOpen);
  if (!isForfeit) return;
  order.parts.delete(given.node);
  model.follow(number, replicasOf(world, number), 0);
  expect(order.parts.has(given.node)).toBe(false);
}

function blocks(world: PinWorld, model: Model, { count, empty }: Op & { kind: "blocks" }): void {
  if (empty) world.skipTo(world.height + count);
  else world.mineTo(world.height + count);
  if (empty && 2 * (count - 1) >= pinParams.pinAnswerEpochs) model.gapEnd = world.height;
}

function apply(world: PinWorld, model: Model, given: Op): void {
  if (given.kind === "order") order(world, model, given);
  else if (given.kind === "ask" || given.kind === "answer" || given.kind === "close")
    onAsk(world, model, given);
  else if (given.kind === "blocks") blocks(world, model, given);
  else if (given.kind === "slot") world.toSlot(present(world) + given.count);
  else if (given.kind === "report") report(world, model, world.nodes[given.node] as TestNode, given.lost);
  else if ("pick" in given) onOrder(world, model, given);
  else onNode(world, model, given);
}

function compare(world: PinWorld, model: Model): void {
  const { pins } = world.money();
  const stakes = BigInt(3 - model.expelled.size) * stake;
  expect(pins).toBe(stakes + model.total());
  for (const [number, { escrow }] of model.orders) {
    expect(readPin(world.store, world.state, number)?.escrow).toBe(escrow);
  }
  for (const { number } of world.nodes) expect(world.node(number).earned).toBe(model.earned[number]);
}

function property(codes?: CodeTable) {
  return fc.property(fc.array(op, { minLength: 15, maxLength: 60 }), (ops) => {
    const { world } = running();
    world.useCodes(codes);
    const model = new Model();
    // The order of the prepared world goes first, with nothing reported for it yet that counts.
    const first = readPin(world.store, world.state, 0);
    if (first === undefined) throw new RangeError("no order");
    const parts = new Map(
      first.replicas.map((one): [number, Part] => [
        one.node,
        { owed: new Map(), fromSlot: one.fromSlot, askedAt: null },
      ]),
    );
    const { bytes, wanted, endSlot, escrow } = first;
    model.orders.set(0, { bytes, wanted, endSlot, escrow, parts });
    try {
      for (const one of ops) {
        apply(world, model, one);
        compare(world, model);
      }
    } finally {
      world.useCodes(undefined);
    }
  });
}

/** Too rare to be drawn: who has lost its stake shows what it was asked for before. */
const answerOfExpelled: Op[] = [
  { kind: "ask", node: 0, pick: 0 },
  { kind: "expel", node: 0 },
  { kind: "blocks", count: 2, empty: false },
  { kind: "answer", node: 0, pick: 0 },
  { kind: "close", node: 0, pick: 0 },
];

const canaries: { readonly [mistake: string]: CodeTable } = {
  "a claim leaves what was claimed": brokenPins("claimEarned", (ctx, _, run) => {
    const before = ctx.readState(pinsStateCodec);
    const paid = run();
    ctx.writeState(pinsStateCodec, before);
    return paid;
  }),
  "a removal refunds twice": brokenPins("removePin", (ctx, _, run) => {
    const rest = run();
    ctx.send(ctx.message.from, "", rest, new Uint8Array(0));
    return rest;
  }),
  "a report is not written down": brokenPins("submitReport", (ctx, _, run) => {
    const before = ctx.readState(pinsStateCodec);
    const counted = run();
    ctx.writeState(pinsStateCodec, before);
    return counted;
  }),
  "the deposit of an ask comes back twice": brokenPins("closeAsk", (ctx, _, run) => {
    const found = run();
    ctx.send(ctx.message.from, "", deposit, new Uint8Array(0));
    return found;
  }),
  "an answer is not written down": brokenPins("answerAsk", (ctx, _, run) => {
    const before = ctx.readState(pinsStateCodec);
    const done = run();
    ctx.writeState(pinsStateCodec, before);
    return done;
  }),
  "a lie costs nothing": brokenPins("reportEquivocation", (ctx, _, run) => {
    const before = ctx.readState(pinsStateCodec);
    const reward = run();
    ctx.writeState(pinsStateCodec, before);
    return reward;
  }),
};

describe("attested pinning", () => {
  it("does what the model says, with exact money", () => {
    fc.assert(property(), { numRuns: 25, seed: 5, examples: [[answerOfExpelled]] });
  });

  for (const [mistake, codes] of Object.entries(canaries)) {
    it(`canary: ${mistake}`, () => {
      expect(fc.check(property(codes), { numRuns: 80, seed: 11, endOnFailure: true }).failed).toBe(true);
    });
  }

  it("has a state that tells what it is about", () => {
    const { world } = running();
    expect(readPinsState(world.store, world.state)).toMatchObject({
      nextNode: 3,
      drawnCount: 3,
      nextOrder: 1,
    });
    expect([bob, carol].every(({ address }) => world.balance(address) > attoFil(0n))).toBe(true);
  });
});
