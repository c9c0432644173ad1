/**
 * Places of an order that are empty: of who left, was expelled, has too old evidence, or has kept silent, to the slot.
 * They are given to others and to nobody who would leave them empty again; what was earned until then stays earned.
 */
import { readPin, vmExitCodes as x } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { PinWorld, running, type TestNode } from "./pin-world.ts";
import { carol } from "./world.ts";

const repair = (world: PinWorld, pin: number) =>
  world.send(carol, world.builtins.pins, "pins.repairPin", { pin });
const holders = (world: PinWorld, pin: number): readonly number[] =>
  (readPin(world.store, world.state, pin)?.replicas ?? []).map(({ node }) => node).sort();

describe("a place of an order", () => {
  it("is kept by who was silent for as long as a report can be disputed, and lost a slot later", () => {
    const { world, order, a, b, c } = running();
    const d = world.admit("d");
    world.reportAll([a, b, c, d]);
    for (let missed = 1; missed <= world.params.pinDisputeSlots; missed += 1) {
      world.nextSlot();
      world.reportAll([b, c, d]);
      expect([missed, repair(world, order.number).exitCode]).toEqual([missed, x.nothingToRepair]);
    }
    expect(holders(world, order.number)).toEqual([0, 1, 2]);
    world.nextSlot();
    world.reportAll([b, c, d]);
    expect(repair(world, order.number).returns).toBe(1);
    expect(holders(world, order.number)).toEqual([1, 2, 3]);
    // The slot of its last report was paid for.
    expect(a.state.earned).toBe(BigInt(order.bytes));
    expect([a.state.status, a.state.setCount, a.state.assignedBytes]).toEqual(["active", 0, 0]);
    world.money();
  });

  it("is given to nobody who has been silent as long, however often it is drawn", () => {
    const { world, order, b, c } = running();
    for (let slot = 0; slot <= world.params.pinDisputeSlots; slot += 1) {
      world.nextSlot();
      world.reportAll([b, c]);
    }
    // Alone with the silent one: the place stays empty.
    expect(repair(world, order.number).returns).toBe(0);
    expect(holders(world, order.number)).toEqual([1, 2]);
    for (let slot = 0; slot < 3; slot += 1) {
      expect(repair(world, order.number).returns).toBe(0);
      world.nextSlot();
      world.reportAll([b, c]);
    }
    const [a] = world.nodes as [TestNode];
    a.submit();
    expect(repair(world, order.number).returns).toBe(1);
    expect(holders(world, order.number)).toEqual([0, 1, 2]);
    world.money();
  });

  it("is lost with the evidence, at the epoch at which that is over", () => {
    const world = new PinWorld({ params: { pinEvidenceEpochs: 60 } });
    const a = world.admit("a");
    const { root, bytes } = world.content.file("f", 4);
    world.spread();
    expect(world.order(root, bytes).exitCode).toBe(0);
    const { validUntil } = a.state;
    while (world.height + 14 < validUntil) {
      world.nextSlot();
      world.reportAll([a]);
    }
    const b = world.admit("b");
    world.reportAll([b]);
    world.skipTo(validUntil - 2);
    expect(repair(world, 0).exitCode).toBe(x.nothingToRepair);
    world.skipTo(validUntil - 1);
    expect(repair(world, 0).returns).toBe(1);
    expect(holders(world, 0)).toEqual([b.number]);
    expect(a.state.earned).toBeGreaterThan(0n);
    world.money();
  });

  it("is lost by who is expelled, who earns nothing more for it", () => {
    const { world, order, a } = running();
    const d = world.admit("d");
    world.reportAll();
    const said = (program: string) => a.report({ samples: [], added: [], program });
    const crime = { first: said("one"), second: said("two") };
    expect(world.send(carol, world.builtins.pins, "pins.reportEquivocation", crime).exitCode).toBe(0);
    expect(repair(world, order.number).returns).toBe(1);
    expect(holders(world, order.number)).toEqual([1, 2, d.number]);
    expect(a.state.earned).toBe(0n);
    expect(repair(world, order.number).exitCode).toBe(x.nothingToRepair);
    world.money();
  });
});
