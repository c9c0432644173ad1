/**
 * Reports of pinning nodes on the chain: what they must be, what they earn, what a lie costs, and how a node leaves.
 */
import { type PinReport, vmExitCodes as x } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import {
  deposit,
  operator,
  PinWorld,
  pinParams,
  program,
  running,
  stake,
  type TestNode,
} from "./pin-world.ts";
import { bob, carol, hash32, owner } from "./world.ts";

const { pinSlotEpochs, pinDisputeSlots, pinAnswerEpochs } = pinParams;

describe("reports", () => {
  it("earn what the order pays for each slot, by the share of answers", () => {
    const { world, order, a, b } = running();
    b.disk.blocks.clear();
    world.reportAll();
    world.nextSlot();
    world.reportAll();
    world.nextSlot();
    world.settle(order.number);
    expect(a.state.earned).toBe(0n);
    world.credit(order.number);
    const price = BigInt(order.bytes);
    expect(a.state.earned).toBe(2n * price);
    expect(b.state.earned).toBe(0n);
    const before = world.balance(operator.address);
    expect(world.call("pins.claimEarned", a.number).returns).toBe(2n * price);
    expect(world.balance(operator.address)).toBe(before + 2n * price);
    expect(world.call("pins.claimEarned", a.number).returns).toBe(0n);
    expect(world.call("pins.claimEarned", a.number, carol).exitCode).toBe(x.notOperator);
  });

  it("count a block that is missing against the node, and nothing else", () => {
    const { a } = running();
    const report = a.draft();
    const [sample] = report.samples;
    a.disk.blocks.delete(String(sample?.block));
    const honest = a.report();
    const missing = honest.samples.filter(({ block }) => block === null).length;
    expect(missing).toBeGreaterThan(0);
    expect(a.submit(honest).returns).toBe(Math.floor((1_000_000 * (4 - missing)) / 4));
  });

  const faults: readonly (readonly [string, (node: TestNode) => PinReport, number])[] = [
    ["by another key", (node) => ({ ...node.report(), key: carol.address }), x.pinReportForeign],
    ["of a slot that is over", (node) => node.report({ slot: node.draft().slot - 1 }), x.pinReportReplayed],
    ["of a slot to come", (node) => node.report({ slot: node.draft().slot + 1 }), x.pinReportEarly],
    ["of another chain's slot", (node) => node.report({ slotHash: hash32("fork") }), x.pinSlotHashWrong],
    [
      "that leaves out its last one",
      (node) => node.report({ previous: new Uint8Array(32) }),
      x.pinReportUnchained,
    ],
    ["about another set", (node) => node.report({ count: 2 }), x.pinSetWrong],
    ["with samples left out", (node) => node.report({ samples: [] }), x.pinSamplesWrong],
    [
      "with samples that it chose",
      (node) => node.report({ samples: node.draft().samples.map((one) => ({ ...one, pin: 7 })) }),
      x.pinSamplesWrong,
    ],
    [
      "about other content than was ordered",
      (node) =>
        node.report({
          samples: node.draft().samples.map((one) => ({ ...one, root: one.block ?? one.root })),
        }),
      x.pinSamplesWrong,
    ],
    ["with orders out of order", (node) => node.report({ added: [5, 5] }), x.pinAddedInvalid],
    [
      "that was changed after signing",
      (node) => ({ ...node.report(), program: "other" }),
      x.pinSignatureInvalid,
    ],
  ];
  it.each(faults)("are refused %s", (_, make, exitCode) => {
    const { world, a } = running();
    expect(a.submit(make(a)).exitCode).toBe(exitCode);
    expect(world.ask(world.builtins.pins, "pins.getNode", { node: a.number }).returns?.index).toBe(0);
  });

  it("are taken once for a slot, and not after it", () => {
    const { world, a, b } = running();
    const [first, late] = [a.report(), b.report()];
    expect(a.submit(first).exitCode).toBe(0);
    expect(a.submit(first).exitCode).toBe(x.pinReportReplayed);
    world.nextSlot();
    expect(b.submit(late).exitCode).toBe(x.pinReportLate);
    expect(a.submit(first).exitCode).toBe(x.pinReportReplayed);
  });

  it("are refused in the first epoch of a slot, whose draw nobody knows yet", () => {
    const { world, a } = running();
    const report = a.report();
    world.skipTo((report.slot + 1) * pinSlotEpochs - 1);
    expect(a.submit({ ...report, slot: report.slot + 1 }).exitCode).toBe(x.pinReportEarly);
  });

  it("are refused by evidence that is too old, and by a program that may run no more", () => {
    const { world, a, b } = running();
    world.list(program, world.height + 9);
    expect(a.submit().exitCode).toBe(0);
    world.nextSlot();
    expect(b.submit().exitCode).toBe(x.programExpired);
    world.list(program);
    expect(b.submit().exitCode).toBe(0);
    world.skipTo(a.state.validUntil + 3);
    expect(a.submit().exitCode).toBe(x.evidenceExpired);
  });

  it("cost the same however many nodes there are", () => {
    const gas = (others: number): number => {
      const world = new PinWorld();
      const node = world.admit("first");
      for (let index = 0; index < others; index++) world.admit(`other${index}`);
      world.nextSlot();
      return node.submit().gasUsed;
    };
    expect(gas(16)).toBeLessThan(gas(8) * 1.3);
  });

  it("that are missing cost some slots, unless nobody could report", () => {
    const { world, a, b } = running();
    world.reportAll([a]);
    world.nextSlot();
    world.reportAll([a]);
    expect(b.submit().returns).toBe(0);
    world.nextSlot();
    expect(b.submit().returns).toBe(0);
    world.nextSlot();
    expect(b.submit().returns).toBe(1_000_000);
    world.toSlot(world.slot + 5);
    expect(b.submit().returns).toBe(1_000_000);
  });
});

describe("disputes", () => {
  /** A report that claims an answer which the node does not have. */
  function lie(node: TestNode): PinReport {
    const { samples } = node.draft();
    return node.report({ samples: samples.map((one) => ({ ...one, answer: hash32("made up") })) });
  }

  function proofOf(node: TestNode, report: PinReport, sample: number): readonly Uint8Array[] {
    const root = report.samples[sample]?.root;
    const walked =
      root === undefined ? undefined : node.walk(node.seedOf(report, sample), root, node.world.content);
    if (walked === undefined) throw new RangeError("the content has all blocks");
    return walked.blocks;
  }

  it("disprove a lie with the blocks themselves: the stake is lost, a fifth to the reporter", () => {
    const { world, a, order } = running();
    const { pins, burnt } = world.builtins;
    const report = lie(a);
    expect(a.submit(report).exitCode).toBe(0);
    const blocks = proofOf(a, report, 1);
    const [before, burntBefore] = [world.balance(carol.address), world.money().burnt];
    const wrong = world.send(owner, pins, "pins.disprove", { report, sample: 1, blocks: blocks.slice(1) });
    expect(wrong.exitCode).toBe(x.pinProofInvalid);
    const { returns } = world.send(owner, pins, "pins.disprove", { report, sample: 1, blocks });
    expect(returns).toBe(stake / 5n);
    expect(world.balance(burnt)).toBe(burntBefore + stake - stake / 5n);
    expect(before).toBeDefined();
    expect(a.state).toMatchObject({ status: "expelled", stake: 0n, position: null });
    // It gets nothing for the slot, nor for those before that were not settled.
    world.nextSlot();
    world.settle(order.number);
    expect(a.state.earned).toBe(0n);
    expect(a.submit().exitCode).toBe(x.pinNodeInactive);
    const again = world.send(owner, pins, "pins.disprove", {
      report,
      sample: 0,
      blocks: proofOf(a, report, 0),
    });
    expect(again.exitCode).toBe(x.pinNodeInactive);
    world.money();
  });

  it("show that an honest report is true, whoever doubts it", () => {
    const { world, a } = running();
    const report = a.report();
    a.submit(report);
    const params = { report, sample: 0, blocks: proofOf(a, report, 0) };
    expect(world.send(owner, world.builtins.pins, "pins.disprove", params).exitCode).toBe(x.pinReportTrue);
    expect(a.state.status).toBe("active");
  });

  it("are about reports that the chain has taken, and not too long ago", () => {
    const { world, a } = running();
    const { pins } = world.builtins;
    const report = lie(a);
    const params = { report, sample: 0, blocks: proofOf(a, report, 0) };
    expect(world.send(owner, pins, "pins.disprove", params).exitCode).toBe(x.pinReportUnknown);
    a.submit(report);
    const other = { ...params, report: a.report() };
    expect(world.send(owner, pins, "pins.disprove", other).exitCode).toBe(x.pinReportUnknown);
    expect(world.send(owner, pins, "pins.disprove", { ...params, sample: 9 }).exitCode).toBe(
      x.pinSampleNotAnswered,
    );
    world.toSlot(report.slot + pinDisputeSlots + 1);
    expect(world.send(owner, pins, "pins.disprove", params).exitCode).toBe(x.pinDisputeOver);
  });

  it("two reports of one slot prove themselves, also if the chain has seen neither", () => {
    const { world, a, b } = running();
    const { pins } = world.builtins;
    const [first, second] = [a.report(), a.report({ program: "another" })];
    const send = (params: { first: PinReport; second: PinReport }) =>
      world.send(owner, pins, "pins.reportEquivocation", params);
    expect(send({ first, second: first }).exitCode).toBe(x.notEquivocation);
    expect(send({ first, second: b.report() }).exitCode).toBe(x.notEquivocation);
    const forged = { ...second, signature: new Uint8Array(65) };
    expect(send({ first, second: forged }).exitCode).toBe(x.pinSignatureInvalid);
    expect(send({ first, second }).returns).toBe(stake / 5n);
    expect(a.state.status).toBe("expelled");
    expect(send({ first, second }).exitCode).toBe(x.pinNodeInactive);
    world.money();
  });

  it("a challenged node shows the blocks and gets half of the deposit; the other half is burnt", () => {
    const { world, a } = running();
    const { pins } = world.builtins;
    const report = a.report();
    a.submit(report);
    const claim = { report, sample: 2 };
    expect(world.send(owner, pins, "pins.challengeSample", claim).exitCode).toBe(x.depositTooSmall);
    expect(world.send(owner, pins, "pins.challengeSample", claim, { value: deposit }).returns).toBe(0);
    const early = world.send(owner, pins, "pins.closeChallenge", { challenge: 0 });
    expect(early.exitCode).toBe(x.challengeOpen);
    const wrong = world.send(operator, pins, "pins.answerChallenge", {
      challenge: 0,
      blocks: [new Uint8Array(3)],
    });
    expect(wrong.exitCode).toBe(x.pinProofInvalid);
    const before = world.balance(operator.address);
    const burntBefore = world.money().burnt;
    const blocks = proofOf(a, report, 2);
    expect(world.send(carol, pins, "pins.answerChallenge", { challenge: 0, blocks }).exitCode).toBe(0);
    expect(world.balance(operator.address)).toBe(before + deposit / 2n);
    expect(world.money().burnt).toBe(burntBefore + deposit / 2n);
    expect(a.state.openChallenges).toBe(0);
    expect(world.send(owner, pins, "pins.closeChallenge", { challenge: 0 }).exitCode).toBe(
      x.challengeNotFound,
    );
    world.money();
  });

  it("a challenged node that cannot show them in time is expelled, and that challenge alone is over", () => {
    const { world, a, b } = running();
    const { pins } = world.builtins;
    const [one, two] = [lie(a), b.report()];
    a.submit(one);
    b.submit(two);
    const challenge = (report: PinReport) =>
      world.send(owner, pins, "pins.challengeSample", { report, sample: 0 }, { value: deposit }).returns;
    expect([challenge(one), challenge(two), challenge(one)]).toEqual([0, 1, 2]);
    world.send(operator, pins, "pins.answerChallenge", { challenge: 1, blocks: proofOf(b, two, 0) });
    world.mineTo(world.height + pinAnswerEpochs + 1);
    const late = world.send(operator, pins, "pins.answerChallenge", {
      challenge: 0,
      blocks: proofOf(a, one, 0),
    });
    expect(late.exitCode).toBe(x.challengeOver);
    const before = world.balance(owner.address);
    expect(world.send(bob, pins, "pins.closeChallenge", { challenge: 0 }).returns).toBe(deposit + stake / 5n);
    expect(world.balance(owner.address)).toBe(before + deposit + stake / 5n);
    expect([a.state.status, b.state.status]).toEqual(["expelled", "active"]);
    // The other one of the expelled node gives the deposit back and nothing more.
    expect(world.send(bob, pins, "pins.closeChallenge", { challenge: 2 }).returns).toBe(deposit);
    world.money();
  });
});

describe("leaving", () => {
  it("binds the stake as long as reports can be disputed, and then frees key and peer id", () => {
    const { world, a } = running();
    expect(world.call("pins.withdrawStake", a.number).exitCode).toBe(x.stakeStillBound);
    expect(world.call("pins.leave", a.number, carol).exitCode).toBe(x.notOperator);
    expect(world.call("pins.leave", a.number).exitCode).toBe(0);
    expect(world.call("pins.leave", a.number).exitCode).toBe(x.pinNodeInactive);
    expect(a.submit().exitCode).toBe(x.pinNodeInactive);
    world.toSlot((a.state.endedIn ?? 0) + pinDisputeSlots);
    expect(world.call("pins.withdrawStake", a.number).exitCode).toBe(x.stakeStillBound);
    world.nextSlot();
    expect(world.tryAdmit("a").exitCode).toBe(x.pinNodeExists);
    expect(world.call("pins.withdrawStake", a.number).returns).toBe(stake);
    expect(world.tryAdmit("a").exitCode).toBe(0);
    // A second time there is nothing, and the new node keeps its name.
    expect(world.call("pins.withdrawStake", a.number).returns).toBe(0n);
    expect(world.tryAdmit("a").exitCode).toBe(x.pinNodeExists);
    world.money();
  });

  it("a node that was expelled for a lie does not come back under its name", () => {
    const { world, a } = running();
    const [first, second] = [a.report(), a.report({ program: "another" })];
    world.send(owner, world.builtins.pins, "pins.reportEquivocation", { first, second });
    world.toSlot(world.slot + 20);
    expect(world.call("pins.withdrawStake", a.number).exitCode).toBe(x.stakeStillBound);
    expect(world.tryAdmit("a").exitCode).toBe(x.pinNodeExists);
  });
});
