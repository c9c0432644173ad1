/**
 * What went wrong with money in the public contracts of the original network (POSC.sol, its slasher, its registry of
 * contents), each as a test of ours. There a fixed sum was split among all open pools, whatever was reported.
 */
import { attoFil, filToAtto } from "@holdfast/base";
import { readPin, vmExitCodes as x } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { operator, PinWorld, running, stake } from "./pin-world.ts";
import { account, alice, carol, owner } from "./world.ts";

describe("rewards of the original", () => {
  it("a node that enters takes nothing of what others have earned", () => {
    const { world, a, order } = running();
    world.reportAll();
    world.admit("late");
    world.nextSlot();
    world.credit(order.number);
    expect(a.state.earned).toBe(BigInt(order.bytes));
    expect(world.node(3).earned).toBe(0n);
    world.money();
  });

  it("a node that leaves gives the others no more than they have earned, and the contract stays solvent", () => {
    const { world, a, b, c, order } = running();
    world.reportAll();
    world.nextSlot();
    world.call("pins.leave", c.number);
    world.reportAll([a, b]);
    world.toSlot(readPin(world.store, world.state, order.number)?.endSlot ?? 0);
    const before = world.balance(alice.address);
    expect(world.settle(order.number).returns).toBe(1);
    const earned = [a, b, c].map((node) => node.state.earned / BigInt(order.bytes));
    expect(earned).toEqual([2n, 2n, 1n]);
    // Ten slots of three nodes were paid; five were earned.
    expect(world.balance(alice.address)).toBe(before + 25n * BigInt(order.bytes));
    expect(world.money().pins).toBe(3n * stake + 5n * BigInt(order.bytes));
  });

  it("without any node nothing is divided by none of them", () => {
    const world = new PinWorld();
    const { root, bytes } = world.content.file("f", 4);
    expect(world.order(root, bytes).exitCode).toBe(x.noPinNodeFree);
    expect(world.settle(0, 1, 2).returns).toBe(0);
    expect(world.ask(world.builtins.pins, "pins.getNode", { node: 0 }).exitCode).toBe(x.pinNodeNotFound);
    expect(world.money().pins).toBe(0n);
  });

  it("a node with nothing earned can leave and claim", () => {
    const world = new PinWorld();
    const node = world.admit("a");
    expect(world.call("pins.claimEarned", node.number).returns).toBe(0n);
    expect(world.call("pins.leave", node.number).exitCode).toBe(0);
  });

  it("a node that takes another key is found by it, and the old key still answers for what it signed", () => {
    const { world, a } = running();
    const { pins } = world.builtins;
    const [first, second] = [a.report(), a.report({ program: "another" })];
    world.skipTo(world.height + 1);
    const key = account("changed");
    const proof = world.proof(key, "peer-a");
    const publicKey = world.proofKey("", key);
    expect(world.send(operator, pins, "pins.renewNode", { node: a.number, publicKey, proof }).exitCode).toBe(
      0,
    );
    expect(world.ask(pins, "pins.findNode", { key: key.address }).returns).toBe(a.number);
    expect(world.ask(pins, "pins.findNode", { key: a.key.address }).returns).toBe(a.number);
    expect(world.send(owner, pins, "pins.reportEquivocation", { first, second }).exitCode).toBe(0);
    expect(world.node(a.number).status).toBe("expelled");
  });

  it("follow accuracy, size and price: half the answers are half the pay, twice the size is twice the pay", () => {
    const world = new PinWorld();
    const node = world.admit("a");
    const [small, large] = [world.content.file("small", 10), world.content.file("large", 20)];
    world.order(small.root, small.bytes);
    world.order(large.root, large.bytes, { price: 3n * 2n ** 30n });
    world.spread();
    world.nextSlot();
    world.reportAll();
    world.nextSlot();
    world.reportAll();
    world.nextSlot();
    world.credit(0);
    expect(node.state.earned).toBe(1_000n);
    world.settle(1);
    expect(node.state.earned).toBe(1_000n + 6_000n);
    const { samples } = node.draft();
    const half = samples.map((one, index) =>
      index < 2 ? one : { ...one, block: null, answer: new Uint8Array(32), bytes: 0 },
    );
    expect(node.submit(node.report({ samples: half })).returns).toBe(500_000);
    world.nextSlot();
    world.credit(0, 1);
    expect(node.state.earned).toBe(7_000n + 3_500n);
  });

  it("do not depend on when or how often they are settled", () => {
    const earned = (settleEach: boolean): bigint => {
      const { world, a, b, order } = running();
      for (let slot = 0; slot < 4; slot++) {
        world.reportAll(slot % 2 === 0 ? [a, b] : [a]);
        world.nextSlot();
        if (settleEach) world.settle(order.number, order.number);
      }
      world.toSlot(world.slot + 20);
      world.settle(order.number);
      return a.state.earned * 1_000_000n + b.state.earned;
    };
    expect(earned(true)).toBe(earned(false));
  });
});

describe("contents of the original", () => {
  it("content without a size takes no money", () => {
    const { world, order } = running();
    const before = world.balance(alice.address);
    expect(world.order(order.root, 0, { value: filToAtto(5n) }).exitCode).toBe(x.pinTermsInvalid);
    expect(world.balance(alice.address)).toBe(before);
  });

  it("two buyers of the same CID have an order each, and one that ends leaves the other", () => {
    const { world, order, a } = running();
    const second = world.order(order.root, order.bytes, { wanted: 3, by: carol }).returns ?? -1;
    world.reportAll();
    expect(a.state.setCount).toBe(2);
    world.send(alice, world.builtins.pins, "pins.removePin", { pin: order.number });
    world.nextSlot();
    world.reportAll();
    world.settle(order.number, second);
    expect(readPin(world.store, world.state, order.number)).toBeUndefined();
    expect(readPin(world.store, world.state, second)?.replicas).toHaveLength(3);
    expect(a.state.setCount).toBe(1);
    world.nextSlot();
    expect(a.submit().returns).toBe(1_000_000);
    world.money();
  });

  it("a price below what a node asks for is not taken from it later either", () => {
    const { world, a, order } = running();
    const terms = { node: a.number, capacityBytes: 2 ** 30, leastPrice: attoFil(2n ** 40n) };
    expect(world.send(operator, world.builtins.pins, "pins.setNodeTerms", terms).exitCode).toBe(0);
    world.reportAll();
    world.nextSlot();
    world.credit(order.number);
    expect(a.state.earned).toBe(BigInt(order.bytes));
    world.reportAll();
    const next = world.order(order.root, order.bytes, { wanted: 3 }).returns ?? -1;
    const nodes = readPin(world.store, world.state, next)?.replicas.map(({ node }) => node);
    expect(nodes?.includes(a.number)).toBe(false);
  });
});
