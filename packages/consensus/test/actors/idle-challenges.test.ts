/** Challenges to idle space: who answers, who does not, and what a verifier's word is worth. */
import { epoch, filToAtto } from "@holdfast/base";
import { maxIdleFaults, missedChallengeFee, readPower, vmExitCodes } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { filled, type IdleSpace, smallProfile, verifiers } from "./idle-world.ts";
import { bob, sum, type World, worker } from "./world.ts";

/** A set of 128 KiB counts a quarter. */
const setPower = 32_768n;
const codes = vmExitCodes;
const oneSet = smallProfile.keptLayers;

const power = (world: World): bigint => readPower(world.store, world.state);

describe("a challenge", () => {
  it("comes without notice, is answered, and the chain looks at what it draws afterwards", () => {
    const space = filled();
    space.untilChallenged();
    const answers = space.answers();
    expect(space.settle(null, []).exitCode).toBe(codes.idleNotAnswered);
    expect(space.answer(answers).exitCode).toBe(0);
    expect(space.answer(answers).exitCode).toBe(codes.idleAnswered);
    const verdict = space.verdict(answers);
    expect(space.settle(verdict, []).exitCode).toBe(codes.idleTooEarly);
    space.drawOpenings();
    const openings = space.openings(answers, true);
    expect(openings).toHaveLength(1);
    expect(space.settle(verdict, []).exitCode).toBe(codes.idleOpeningInvalid);
    expect(space.settle(null, openings).exitCode).toBe(codes.idleOpeningInvalid);
    expect(space.settle(verdict, openings).exitCode).toBe(0);
    expect(space.record.challenge).toBeNull();
    expect(space.record.lastProven).toBe(space.world.height);
    expect(power(space.world)).toBe(setPower);
    expect(space.settle(verdict, openings).exitCode).toBe(codes.idleNotChallenged);
  });

  it("does without a verdict, for more openings: no verifier can fail a miner", () => {
    const space = filled();
    space.untilChallenged();
    const answers = space.answers();
    space.answer(answers);
    space.drawOpenings();
    const openings = space.openings(answers, false);
    expect(openings).toHaveLength(3);
    expect(space.settle(null, openings).exitCode).toBe(0);
  });

  it("is for the worker and the owner, with verdicts of seated verifiers on these answers", () => {
    const space = filled();
    space.untilChallenged();
    const { world, miner } = space;
    const answers = space.answers();
    const total = space.total(answers);
    expect(world.send(bob, world.builtins.idle, "idle.answer", { miner, total }).exitCode).toBe(
      codes.notMinersOperator,
    );
    space.answer(answers);
    space.drawOpenings();
    const openings = space.openings(answers, true);
    const good = space.verdict(answers);
    const stranger = space.verdict(answers, bob);
    const seats = space.seated(space.audit.randomness);
    const without = verifiers.find((one) => !seats.includes(one));
    if (without === undefined) throw new RangeError("two of three have seats");
    expect(space.settle(stranger, openings).exitCode).toBe(codes.verifierNotSeated);
    expect(space.settle(space.verdict(answers, without), openings).exitCode).toBe(codes.verifierNotSeated);
    const about = (change: Partial<typeof good.verdict>) =>
      space.settle({ ...good, verdict: { ...good.verdict, ...change } }, openings).exitCode;
    expect(about({ total: new Uint8Array(32) })).toBe(codes.idleVerdictInvalid);
    expect(about({ audit: new Uint8Array(32) })).toBe(codes.idleVerdictInvalid);
    expect(about({ validUntil: epoch(1) })).toBe(codes.idleVerdictInvalid);
    expect(space.settle({ ...good, signature: stranger.signature }, openings).exitCode).toBe(
      codes.idleVerdictInvalid,
    );
    expect(space.settle(good, openings).exitCode).toBe(0);
  });

  it("punishes a miner that does not answer within that one challenge, and takes it back when it does", () => {
    const space = filled();
    space.untilChallenged();
    const { answerEpochs, lotEpochs } = space.world.params.idle;
    const { world } = space;
    const stake = space.record.pledge;
    world.mineTo(world.height + answerEpochs);
    expect(power(world)).toBe(setPower);
    world.mineTo(world.height + 1);
    expect(power(world)).toBe(0n);
    expect(space.record.burnt).toBe(missedChallengeFee(stake));
    expect(space.record.faults).toBe(1);
    world.mineTo(world.height + lotEpochs);
    const answers = space.answers();
    space.answer(answers);
    space.drawOpenings();
    expect(space.settle(space.verdict(answers), space.openings(answers, true)).exitCode).toBe(0);
    expect(power(world)).toBe(setPower);
    expect([space.record.faults, space.record.faultySince]).toEqual([0, null]);
    world.money();
  });

  it("punishes one whose drawn answers are wrong or never shown", () => {
    const space = filled();
    space.untilChallenged();
    const answers = space.answers().map((answer) => answer.with(answer.length - 1, 1));
    space.answer(answers);
    space.drawOpenings();
    expect(space.settle(null, space.openings(answers, false)).exitCode).toBe(codes.idleOpeningInvalid);
    const { settleEpochs, answerEpochs } = space.world.params.idle;
    space.world.mineTo(space.world.height + settleEpochs + answerEpochs);
    expect(power(space.world)).toBe(0n);
    expect(space.record.faults).toBe(1);
  });

  it("leaves nothing of one that never answers", () => {
    const space = filled();
    space.world.mineTo(space.world.height + 20 * (maxIdleFaults + 1));
    const { state, pledge, burnt } = space.record; // what is left counts from a new registration
    expect([state.front, state.rear, state.sequence]).toEqual([0, 0, 0]);
    expect([pledge, burnt]).toEqual([0n, filToAtto(1)]);
    expect(space.record.challenge).toBeNull();
    space.world.money();
  });

  it("is no miner's fault while the chain stands still", () => {
    const space = filled();
    space.untilChallenged();
    const first = space.record.challenge?.at;
    space.world.skipTo(space.world.height + 30);
    expect(space.record.faults).toBe(0);
    expect(power(space.world)).toBe(setPower);
    expect(space.record.challenge?.at).not.toBe(first);
  });

  it("is drawn by lot, so that nobody knows when", () => {
    const heights: number[] = [];
    const space = filled({ lotOdds: 3, lotEpochs: 2 });
    for (let i = 0; i < 4; i += 1) {
      for (let k = 0; space.record.challenge === null && k < 60; k += 1) {
        space.world.mineTo(space.world.height + 1);
      }
      heights.push(space.record.challenge?.at ?? 0);
      const answers = space.answers();
      space.answer(answers);
      space.drawOpenings();
      expect(space.settle(null, space.openings(answers, false)).exitCode).toBe(0);
    }
    const gaps = heights.slice(1).map((height, i) => height - (heights[i] ?? 0));
    expect(new Set(gaps).size).toBeGreaterThan(1);
  });
});

describe("releasing", () => {
  it("takes files from the front, their power and their pledge, and counts the rest", () => {
    const space = filled();
    const { world, miner } = space;
    const release = (count: number, who = worker) =>
      world.send(who, world.builtins.idle, "idle.release", { miner, count }).exitCode;
    expect(release(1, bob)).toBe(codes.notMinersOperator);
    expect(release(0)).toBe(codes.idleReleaseInvalid);
    expect(release(5)).toBe(codes.idleReleaseInvalid);
    expect(release(1)).toBe(0);
    expect(power(world)).toBe((setPower * 3n) / 4n);
    expect(space.record.pledge).toBe((filToAtto(1) * 3n) / 4n);
    expect(release(3)).toBe(0);
    expect(power(world)).toBe(0n);
    expect(space.record.pledge).toBe(0n);
    expect(space.record.state.front).toBe(4);
    world.money();
  });

  it("does not save a miner from a challenge that is open", () => {
    const space = filled();
    space.untilChallenged();
    const { world, miner } = space;
    const stake = space.record.pledge;
    expect(world.send(worker, world.builtins.idle, "idle.release", { miner, count: 4 }).exitCode).toBe(0);
    const amount = space.record.free;
    expect(world.send(worker, world.builtins.idle, "idle.withdraw", { miner, amount }).exitCode).toBe(
      codes.idleAtStake,
    );
    world.mineTo(world.height + world.params.idle.answerEpochs + 1);
    expect(space.record.burnt).toBe(missedChallengeFee(stake));
    world.money();
  });

  it("lets new sets come in behind what has gone", () => {
    const space = filled({ lotEpochs: 30 });
    const { world, miner } = space;
    world.send(worker, world.builtins.idle, "idle.release", { miner, count: 3 });
    space.fill(oneSet);
    expect([space.record.state.front, space.record.state.rear]).toEqual([3, 8]);
    expect(power(world)).toBe((setPower * 5n) / 4n);
    space.untilChallenged();
    const answers = space.answers();
    space.answer(answers);
    space.drawOpenings();
    expect(space.settle(null, space.openings(answers, false)).exitCode).toBe(0);
  });
});

describe("a lying verifier", () => {
  it("gains nothing for a miner that has nothing: the chain draws after the total stands", () => {
    const space = filled();
    space.untilChallenged();
    const answers = space.answers().map((answer) => answer.with(answer.length - 1, 1));
    space.answer(answers);
    space.drawOpenings();
    const verdict = space.verdict(answers);
    expect(space.settle(verdict, space.openings(answers, true)).exitCode).toBe(codes.idleOpeningInvalid);
    const { settleEpochs, answerEpochs } = space.world.params.idle;
    space.world.mineTo(space.world.height + settleEpochs + answerEpochs);
    expect(power(space.world)).toBe(0n);
  });

  it("loses its bond and its office to whoever shows one wrong answer under its verdict", () => {
    const space = filled();
    space.untilChallenged();
    const good = space.answers();
    // One of three is wrong, and not the one that the chain draws: the chain alone would not see it.
    const answers = good.map((answer, i) => (i === 2 ? answer.with(answer.length - 1, 1) : answer));
    const { randomness, state } = space.audit;
    space.answer(answers);
    const verdict = space.verdict(answers);
    const { world } = space;
    const { idle } = world.builtins;
    const accuse = (opened: ReturnType<IdleSpace["opened"]>, change = {}) =>
      world.send(bob, idle, "idle.accuseVerifier", { verdict, state, randomness, opened, ...change });
    expect(accuse(space.opened(answers, 0)).exitCode).toBe(codes.idleEvidenceInvalid);
    expect(accuse(space.opened(good, 2)).exitCode).toBe(codes.idleEvidenceInvalid);
    const opened = space.opened(answers, 2);
    expect(accuse({ ...opened, range: { leaves: 0, peaks: [] } }).exitCode).toBe(codes.idleEvidenceInvalid);
    expect(accuse(opened, { randomness: new Uint8Array(32) }).exitCode).toBe(codes.idleEvidenceInvalid);
    expect(
      accuse(opened, { verdict: { ...verdict, signature: space.verdict(answers, bob).signature } }).exitCode,
    ).toBe(codes.idleEvidenceInvalid);
    const before = world.balance(bob.address);
    expect(accuse(opened).exitCode).toBe(0);
    expect(world.balance(bob.address)).toBe(sum(before, filToAtto(10) / 20n));
    expect(accuse(opened).exitCode).toBe(codes.verifierUnknown);
    const left = world.ask(idle, "idle.getVerifiers", {}).returns ?? [];
    expect(left.map(({ key }) => key)).not.toContain(verdict.verdict.verifier);
    world.money();
  });
});
