/**
 * Attested pinning beside a model: any sequence of orders, reports, silence, lost blocks, settlements, repairs,
 * leavings and lies gives every node what its reports earned and every buyer the rest, to the last attoFIL, whenever
 * it is settled. Planted mistakes are caught.
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
import { type PinWorld, running, stake, type TestNode } from "./pin-world.ts";
import { alice, bob, carol, owner } from "./world.ts";

type Op =
  | { kind: "order"; wanted: number; slots: number; size: number; pays: number }
  | { kind: "report"; node: number; lost: boolean }
  | { kind: "slot"; count: number }
  | { kind: "settle" | "remove" | "repair"; pick: number }
  | { kind: "claim" | "leave" | "expel"; node: number };

const node = fc.nat({ max: 2 });
const pick = fc.nat({ max: 3 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("order" as const),
      wanted: fc.integer({ min: 1, max: 4 }),
      slots: fc.integer({ min: 1, max: 5 }),
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
    arbitrary: fc.record({ kind: fc.constant("slot" as const), count: fc.constantFrom(1, 1, 1, 2) }),
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
);

interface Part {
  /** Earned and not settled, by slot. */
  readonly owed: Map<number, bigint>;
  fromSlot: number | null;
}
interface ModelOrder {
  readonly bytes: number;
  readonly wanted: number;
  endSlot: number;
  escrow: bigint;
  readonly parts: Map<number, Part>;
}

/** What is owed to whom, in attoFIL; which nodes hold what it is told by the chain, whose draw it cannot know. */
class Model {
  readonly orders = new Map<number, ModelOrder>();
  readonly earned = [0n, 0n, 0n];
  readonly expelled = new Set<number>();

  /** Every report that counts adds to all parts that it is for. */
  report(node: number, slot: number, accuracy: number, added: readonly number[]): void {
    for (const order of this.orders.values()) {
      const part = order.parts.get(node);
      if (part === undefined || part.fromSlot === null || part.fromSlot > slot || slot >= order.endSlot)
        continue;
      part.owed.set(slot, (BigInt(order.bytes) * BigInt(accuracy)) / 1_000_000n);
    }
    for (const pin of added) {
      const order = this.orders.get(pin);
      const part = order?.parts.get(node);
      if (order !== undefined && part?.fromSlot === null && slot + 1 < order.endSlot)
        part.fromSlot = slot + 1;
    }
  }

  /** Moves what is owed for slots below one. */
  settle(number: number, slot: number): void {
    const order = this.orders.get(number);
    for (const [node, { owed }] of order?.parts ?? []) {
      if (order === undefined || this.expelled.has(node)) continue;
      for (const [at, amount] of owed) {
        if (at >= slot) continue;
        owed.delete(at);
        order.escrow -= amount;
        this.earned[node] = (this.earned[node] ?? 0n) + amount;
      }
    }
  }

  /** The parts that the chain says there are now; one that has not confirmed was drawn just now. */
  follow(number: number, replicas: readonly PinReplica[]): void {
    const parts = this.orders.get(number)?.parts;
    const drawn = new Map(replicas.map((one) => [one.node, one.fromSlot]));
    for (const node of [...(parts?.keys() ?? [])]) if (!drawn.has(node)) parts?.delete(node);
    for (const [node, fromSlot] of drawn) {
      if (fromSlot === null || parts?.has(node) === false) parts?.set(node, { owed: new Map(), fromSlot });
    }
  }

  total(): bigint {
    let sum = 0n;
    for (const { escrow } of this.orders.values()) sum += escrow;
    return this.earned.reduce((all, one) => all + one, sum);
  }
}

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
  const free = [0, 1, 2].filter((number) => world.node(number).status === "active").length;
  expect(exitCode).toBe(value < cost ? x.pinUnderpaid : free === 0 ? x.noPinNodeFree : x.ok);
  if (returns === undefined) return;
  const endSlot = present(world) + 1 + given.slots;
  model.orders.set(returns, { bytes, wanted: given.wanted, endSlot, escrow: cost, parts: new Map() });
  model.follow(returns, replicasOf(world, returns));
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
    const { returns } = world.settle(number);
    expect(returns).toBe(isOver ? 1 : 0);
    if (found !== undefined) model.settle(number, Math.min(slot, found.endSlot));
    if (isOver) model.orders.delete(number);
    return;
  }
  const path = given.kind === "remove" ? "pins.removePin" : "pins.repairPin";
  const { exitCode, returns } = world.send(alice, pins, path, { pin: number });
  if (found === undefined || isOver) {
    expect(exitCode).toBe(found === undefined ? x.pinNotFound : x.pinEnded);
    return;
  }
  if (given.kind === "repair" && exitCode === x.nothingToRepair) {
    expect(found.parts.size).toBe(found.wanted);
    return;
  }
  expect(exitCode).toBe(x.ok);
  model.settle(number, slot);
  if (given.kind === "repair") {
    model.follow(number, replicasOf(world, number));
    return;
  }
  const kept = BigInt(found.bytes * found.wanted);
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

function apply(world: PinWorld, model: Model, given: Op): void {
  if (given.kind === "order") order(world, model, given);
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
  return fc.property(fc.array(op, { minLength: 15, maxLength: 40 }), (ops) => {
    const { world } = running();
    world.useCodes(codes);
    const model = new Model();
    // The order of the prepared world goes first, with nothing reported for it yet that counts.
    const first = readPin(world.store, world.state, 0);
    if (first === undefined) throw new RangeError("no order");
    const parts = new Map(
      first.replicas.map((one): [number, Part] => [one.node, { owed: new Map(), fromSlot: one.fromSlot }]),
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
  "a lie costs nothing": brokenPins("reportEquivocation", (ctx, _, run) => {
    const before = ctx.readState(pinsStateCodec);
    const reward = run();
    ctx.writeState(pinsStateCodec, before);
    return reward;
  }),
};

describe("attested pinning", () => {
  it("does what the model says, with exact money", () => {
    fc.assert(property(), { numRuns: 8, seed: 5 });
  });

  for (const [mistake, codes] of Object.entries(canaries)) {
    it(`canary: ${mistake}`, () => {
      expect(fc.check(property(codes), { numRuns: 20, seed: 11, endOnFailure: true }).failed).toBe(true);
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
