/**
 * The buyer's question: what may be asked of whom, what an answer pays, what silence costs, and that a chain which
 * stood still is nobody's silence. Money is added up after every step that moves some.
 */
import { attoFil } from "@holdfast/base";
import { maxPinDropped, maxPinReplicas, type Pin, readPin, vmExitCodes as x } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { deposit, operator, PinWorld, pinParams, running, stake, type TestNode } from "./pin-world.ts";
import { alice, bob, carol, hash32, owner } from "./world.ts";

const { pinSlotEpochs, pinAnswerEpochs, pinDisputeSlots } = pinParams;

type Given = ReturnType<typeof running>;

const orderOf = (world: PinWorld, number = 0): Pin => {
  const found = readPin(world.store, world.state, number);
  if (found === undefined) throw new RangeError("no such order");
  return found;
};
const nodesOf = (world: PinWorld, number = 0): number[] =>
  orderOf(world, number).replicas.map(({ node }) => node);
/** What a node has earned in so many slots of the prepared order. */
const earned = ({ order }: Given, slots: number): bigint => BigInt(order.bytes) * BigInt(slots);

/** Reports for so many slots, each counting fully. */
function report({ world }: Given, slots: number, nodes?: readonly TestNode[]): void {
  for (let slot = 0; slot < slots; slot++) {
    world.reportAll(nodes);
    world.nextSlot();
  }
}
const blocksFor = (node: TestNode): readonly Uint8Array[] => {
  const blocks = node.askedWalk(0, node.world.content);
  if (blocks === undefined) throw new RangeError("nothing is asked");
  return blocks;
};

describe("asking", () => {
  it("is the buyer's, of a node that holds the order, once at a time, for a deposit", () => {
    const given = running();
    const { world, a, b, order } = given;
    expect(world.askAbout(0, a.number, carol).exitCode).toBe(x.notBuyer);
    expect(world.askAbout(7, a.number).exitCode).toBe(x.pinNotFound);
    expect(world.askAbout(0, 9).exitCode).toBe(x.pinNotHeld);
    expect(world.askAbout(0, a.number, alice, attoFil(deposit - 1n)).exitCode).toBe(x.depositTooSmall);
    const before = world.money().pins;
    expect(world.askAbout(0, a.number).returns).toBe(world.height + pinAnswerEpochs);
    expect(world.askAbout(0, a.number).exitCode).toBe(x.pinAskStanding);
    expect(world.askAbout(0, b.number).exitCode).toBe(0);
    expect(world.money().pins).toBe(before + 2n * deposit);
    expect([a.state.openAsks, b.state.openAsks, given.c.state.openAsks]).toEqual([1, 1, 0]);
    world.toSlot(orderOf(world).endSlot);
    expect(world.askAbout(order.number, given.c.number).exitCode).toBe(x.pinEnded);
  });

  it("is not of a node that has only been drawn, nor before the slot from which its word counts", () => {
    const world = new PinWorld();
    const node = world.admit("a");
    const { root, bytes } = world.content.file("f", 4);
    world.order(root, bytes);
    world.spread();
    expect(world.askAbout(0, node.number).exitCode).toBe(x.pinNotHeld);
    world.nextSlot();
    world.reportAll();
    expect(world.askAbout(0, node.number).exitCode).toBe(x.pinNotHeld);
    world.nextSlot();
    expect(world.askAbout(0, node.number).exitCode).toBe(0);
  });

  it("is not of a node that has lost its stake", () => {
    const { world, a } = running();
    const [first, second] = [a.report(), a.report({ program: "another" })];
    world.send(owner, world.builtins.pins, "pins.reportEquivocation", { first, second });
    expect(world.askAbout(0, a.number).exitCode).toBe(x.pinNodeInactive);
  });
});

describe("an answer", () => {
  it("pays the node at once for all slots before, and gives its operator the deposit", () => {
    const given = running();
    const { world, a, order } = given;
    report(given, 2);
    world.settle(order.number);
    expect(a.state.earned).toBe(0n);
    world.askAbout(0, a.number);
    world.mineTo(world.height + 2);
    const before = world.balance(operator.address);
    expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(0);
    expect(world.balance(operator.address)).toBe(before + deposit);
    expect(a.state).toMatchObject({ earned: earned(given, 2), openAsks: 0, stake });
    expect(world.answer(0, a.number, []).exitCode).toBe(x.pinAskNotFound);
    world.money();
  });

  it("is for a draw that nobody knew when it was asked, and only by the blocks of that walk", () => {
    const { world, a, b, order } = running();
    world.askAbout(0, a.number);
    expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(x.pinAskNotDrawn);
    const own = blocksFor(a);
    const [leaf] = own.slice(-1);
    const walks = Array.from(
      { length: 20 },
      (_, at) => a.walk(hash32(`walk ${at}`), order.root)?.blocks ?? [],
    );
    const another = walks.find((blocks) => blocks[blocks.length - 1] !== leaf) ?? [];
    const { state, height } = world;
    for (const wrong of [[], another, own.slice(1), own.slice(0, -1), [...own, ...own.slice(-1)]]) {
      expect(world.answer(0, a.number, wrong).exitCode).toBe(x.pinProofInvalid);
      Object.assign(world, { state, height });
    }
    expect(world.answer(0, b.number, own).exitCode).toBe(x.pinAskNotFound);
    expect(world.answer(0, a.number, own).exitCode).toBe(0);
    world.money();
  });

  it("that is asked for without end costs the asker and never the node", () => {
    const given = running();
    const { world, a, order } = given;
    const before = world.balance(operator.address);
    let asks = 0n;
    for (let slot = 0; slot < 4; slot++) {
      world.reportAll([a]);
      world.askAbout(0, a.number);
      world.mineTo(world.height + 2);
      expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(0);
      asks += 1n;
      world.nextSlot();
    }
    expect(world.balance(operator.address)).toBe(before + asks * deposit);
    world.credit(order.number);
    expect(a.state.earned).toBe(earned(given, 4));
    world.money();
  });

  it("is due after the order's end too, and the order stays until then", () => {
    const given = running();
    const { world, a, order } = given;
    const { endSlot } = orderOf(world);
    report(given, endSlot - world.slot - 1);
    world.reportAll();
    world.mineTo(endSlot * pinSlotEpochs - 3);
    world.askAbout(0, a.number);
    world.mineTo(endSlot * pinSlotEpochs);
    expect(world.settle(order.number).returns).toBe(0);
    expect(a.state.earned).toBe(earned(given, 9 - 1 - pinDisputeSlots));
    expect(given.b.state.earned).toBe(earned(given, 9));
    expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(0);
    expect(a.state.earned).toBe(earned(given, 9));
    expect(world.settle(order.number).returns).toBe(1);
    expect(world.money().pins).toBe(3n * stake + earned(given, 27));
  });
});

describe("silence", () => {
  it("costs the pay that is held back and the place, not the stake, and another is drawn at once", () => {
    const given = running();
    const { world, a, order } = given;
    world.admit("d");
    report(given, pinDisputeSlots + 2, [a, given.b]);
    world.settle(order.number);
    expect(a.state.earned).toBe(earned(given, 2));
    world.askAbout(0, a.number);
    const before = world.balance(alice.address);
    expect(world.closeAsk(0, a.number).exitCode).toBe(x.challengeOpen);
    world.mineTo(world.height + pinAnswerEpochs);
    expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(x.challengeOver);
    expect(world.closeAsk(0, a.number).returns).toBe(1);
    expect(world.balance(alice.address)).toBe(before + deposit);
    expect(a.state).toMatchObject({ earned: earned(given, 2), stake, status: "active", openAsks: 0 });
    expect(a.state.setCount).toBe(0);
    expect(nodesOf(world)).toEqual(expect.arrayContaining([1, 2, 3]));
    expect(orderOf(world).dropped).toEqual([a.number]);
    expect(world.closeAsk(0, a.number).exitCode).toBe(x.pinAskNotFound);
    world.money();
  });

  it("costs nothing older than the hold, whether or not anybody has settled before", () => {
    const after = [true, false].map((isSettled) => {
      const given = running();
      const { world, a, b, order } = given;
      report(given, pinDisputeSlots + 5);
      if (isSettled) world.settle(order.number);
      expect(a.state.earned).toBe(isSettled ? earned(given, 5) : 0n);
      expect(world.askAbout(0, a.number).exitCode).toBe(0);
      expect([a.state.earned, b.state.earned]).toEqual([earned(given, 5), earned(given, 5)]);
      world.mineTo(world.height + pinAnswerEpochs + 1);
      expect(world.closeAsk(0, a.number).exitCode).toBe(0);
      world.toSlot(orderOf(world).endSlot);
      expect(world.settle(order.number).returns).toBe(1);
      return [a.state.earned, b.state.earned, world.money().pins];
    });
    expect(after[1]).toEqual(after[0]);
    expect(after[1]?.slice(0, 2)).toEqual([5n, 8n].map((slots) => slots * BigInt(running().order.bytes)));
  });

  it("takes the place for good: the node is not drawn for the order again, as far back as it remembers", () => {
    const given = running();
    const { world, a, b, c } = given;
    for (const node of [a, b, c]) world.askAbout(0, node.number);
    world.mineTo(world.height + pinAnswerEpochs + 1);
    for (const node of [a, b, c]) expect(world.closeAsk(0, node.number).returns).toBe(0);
    expect(orderOf(world)).toMatchObject({ replicas: [], dropped: [0, 1, 2] });
    expect(world.send(carol, world.builtins.pins, "pins.repairPin", { pin: 0 }).returns).toBe(0);
    expect(maxPinDropped).toBe(maxPinReplicas);
  });

  it("ends the part also when the order is settled after its end, repaired or removed", () => {
    for (const path of ["settle", "repair", "remove"] as const) {
      const given = running();
      const { world, a, order } = given;
      report(given, 1);
      world.askAbout(0, a.number);
      const before = world.balance(alice.address);
      world.mineTo(world.height + pinAnswerEpochs + 1);
      if (path === "settle") world.toSlot(orderOf(world).endSlot);
      const { pins } = world.builtins;
      const done =
        path === "settle"
          ? world.settle(order.number)
          : path === "repair"
            ? world.send(carol, pins, "pins.repairPin", { pin: 0 })
            : world.send(alice, pins, "pins.removePin", { pin: 0 });
      expect(done.exitCode).toBe(0);
      expect(a.state).toMatchObject({ earned: 0n, openAsks: 0, setCount: 0, assignedBytes: 0 });
      expect(world.balance(alice.address)).toBeGreaterThan(before);
      expect(world.money().pins).toBeLessThan(10n * stake);
    }
  });

  it("is over at once when the node loses its stake for something else", () => {
    const { world, a } = running();
    world.askAbout(0, a.number);
    const [first, second] = [a.report(), a.report({ program: "another" })];
    world.send(owner, world.builtins.pins, "pins.reportEquivocation", { first, second });
    world.mineTo(world.height + 2);
    const [before, gained] = [world.balance(alice.address), world.balance(operator.address)];
    expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(x.pinNodeInactive);
    expect(world.balance(operator.address)).toBe(gained);
    expect(world.closeAsk(0, a.number).exitCode).toBe(0);
    expect(world.balance(alice.address)).toBe(before + deposit);
    world.money();
  });

  it("is not ended by leaving: the pay stays held, and the stake comes back", () => {
    const given = running();
    const { world, a, order } = given;
    report(given, 1);
    world.askAbout(0, a.number);
    expect(world.call("pins.leave", a.number).exitCode).toBe(0);
    const repair = () => world.send(carol, world.builtins.pins, "pins.repairPin", { pin: 0 });
    expect(repair().exitCode).toBe(x.nothingToRepair);
    expect(nodesOf(world)).toContain(a.number);
    world.toSlot((a.state.endedIn ?? 0) + pinDisputeSlots + 1);
    expect(world.call("pins.withdrawStake", a.number).returns).toBe(stake);
    expect(repair().exitCode).toBe(0);
    expect([a.state.earned, nodesOf(world).includes(a.number)]).toEqual([0n, false]);
    world.settle(order.number);
    world.money();
  });

  it("of a node that can still answer is no end of an order that is removed: its pay is kept for it", () => {
    const given = running();
    const { world, a, b, order } = given;
    report(given, 2);
    world.askAbout(0, a.number);
    expect(world.send(alice, world.builtins.pins, "pins.removePin", { pin: 0 }).exitCode).toBe(0);
    expect([a.state.earned, b.state.earned]).toEqual([0n, earned(given, 2)]);
    world.mineTo(world.height + 1);
    expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(0);
    expect(a.state.earned).toBe(earned(given, 2));
    world.nextSlot();
    expect(world.settle(order.number).returns).toBe(1);
    world.money();
  });

  it("of one that nobody has asked is none: who leaves is paid to its last report", () => {
    const given = running();
    const { world, a } = given;
    report(given, 2);
    world.call("pins.leave", a.number);
    expect(world.send(bob, world.builtins.pins, "pins.repairPin", { pin: 0 }).exitCode).toBe(0);
    expect(a.state.earned).toBe(earned(given, 2));
    world.money();
  });
});

describe("a chain that stood still", () => {
  it("is nobody's silence: the time to answer an ask begins anew, with another draw", () => {
    const { world, a } = running();
    world.askAbout(0, a.number);
    world.skipTo(world.height + 10 * pinSlotEpochs);
    const wentOnAt = world.height;
    expect(world.closeAsk(0, a.number).exitCode).toBe(x.challengeOpen);
    world.mineTo(wentOnAt + pinAnswerEpochs - 1);
    expect(world.answer(0, a.number, blocksFor(a)).exitCode).toBe(0);
    world.money();
  });

  it("lets an ask end afterwards, when the node is still silent", () => {
    const { world, a } = running();
    world.askAbout(0, a.number);
    world.skipTo(world.height + pinSlotEpochs);
    world.mineTo(world.height + pinAnswerEpochs);
    expect(world.closeAsk(0, a.number).exitCode).toBe(0);
  });

  it("costs no stake: a challenge can be answered after it", () => {
    const { world, a } = running();
    const { pins } = world.builtins;
    const made = a.report();
    a.submit(made);
    world.send(owner, pins, "pins.challengeSample", { report: made, sample: 0 }, { value: deposit });
    world.skipTo(world.height + 10 * pinSlotEpochs);
    expect(world.send(bob, pins, "pins.closeChallenge", { challenge: 0 }).exitCode).toBe(x.challengeOpen);
    const root = made.samples[0]?.root;
    const blocks = root && a.walk(a.seedOf(made, 0), root)?.blocks;
    const answered = world.send(bob, pins, "pins.answerChallenge", { challenge: 0, blocks: blocks ?? [] });
    expect([answered.exitCode, a.state.status]).toEqual([0, "active"]);
    world.money();
  });

  it("is no few empty rounds: who kept silent is silent", () => {
    const { world, a } = running();
    world.askAbout(0, a.number);
    for (let turn = 0; turn < 3; turn++) world.skipTo(world.height + 2);
    expect(world.closeAsk(0, a.number).exitCode).toBe(0);
  });
});
