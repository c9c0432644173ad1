/** Proofs of spacetime: what a window asks for, when it is accepted, and what a missing one costs. */
import type { Epoch } from "@holdfast/base";
import { epoch, filToAtto, sectorId } from "@holdfast/base";
import {
  maxFaultyPeriods,
  missedProofFee,
  none,
  ongoingFaultFee,
  randomnessTags,
  vmExitCodes,
  windowPostEntropy,
} from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createMinerWorld, type MinerWorld } from "./miner-world.ts";
import { alice, badProof, goodProof, owner, pledge, testRandomness, World } from "./world.ts";

let m: MinerWorld;
const totalPower = () => m.world.ask(m.world.builtins.market, "market.getTotalPower", none).returns;

/** Two sectors of one deadline, whose window opens with the next block. */
beforeEach(() => {
  m = createMinerWorld(new World(), filToAtto(10n));
  m.mineToJustAfterJudgement();
  m.addSector(2, { sectorBytes: 2048 });
  m.addSector(1);
  m.mineToWindow();
});

describe("submitPost", () => {
  it("proves all due sectors of the deadline in ascending order against the randomness of the window's start", () => {
    const start = m.window().start;
    expect(m.post().exitCode).toBe(0);
    const sectors = m.sectors().map(({ sectorId: id, sectorBytes, commR }) => ({
      sectorId: id,
      sectorBytes,
      commR,
    }));
    expect(sectors.map((sector) => sector.sectorId)).toEqual([1, 2]);
    const seed = testRandomness(start, randomnessTags.windowPost, windowPostEntropy(m.miner));
    const classes = m.world.params.sectorClasses;
    const statement = { classes, kind: "window", seed, miner: m.miner, sectors, proof: goodProof };
    expect(m.world.verifier.posts).toEqual([statement]);
    expect(m.sectors().map((sector) => sector.lastProven)).toEqual([m.world.height, m.world.height]);
    expect(m.view.power).toBe(3072n);
  });

  it("is for the worker and the owner only, before the expensive proof", () => {
    expect(m.post({ from: alice }).exitCode).toBe(vmExitCodes.notWorker);
    expect(m.world.verifier.posts).toEqual([]);
    expect(m.post({ from: owner }).exitCode).toBe(0);
  });

  it("is accepted from the first to the last epoch of the window and not after it", () => {
    const start = m.window().start;
    const { proofWindowEpochs } = m.world.params;
    expect(m.world.height).toBe(start);
    m.world.mineTo(start + proofWindowEpochs - 1);
    expect(m.post({ proof: badProof }).exitCode).toBe(vmExitCodes.postProofInvalid);
    expect(m.post().exitCode).toBe(vmExitCodes.proofWindowClosed);
    m = createMinerWorld(new World(), filToAtto(10n));
    m.addSector(1);
    m.world.mineTo(m.mineToWindow() + proofWindowEpochs - 1);
    expect(m.post().exitCode).toBe(0);
  });

  it("refuses another window's start", () => {
    const start = m.window().start;
    const { provingPeriodEpochs: period } = m.world.params;
    for (const wrong of [start - period, start - 1, start + 1, start + period]) {
      const { exitCode } = m.post({ windowStart: epoch(wrong) });
      expect(exitCode).toBe(vmExitCodes.proofWindowClosed);
    }
    expect(m.post({ windowStart: start }).exitCode).toBe(0);
  });

  it("counts once per window", () => {
    const start = m.window().start;
    expect(m.post().exitCode).toBe(0);
    expect(m.post().exitCode).toBe(vmExitCodes.postAlreadySubmitted);
    expect(m.world.verifier.posts.length).toBe(1);
    m.mineToWindow();
    expect(m.window().start).toBe(start + m.world.params.provingPeriodEpochs);
    expect(m.post().exitCode).toBe(0);
  });

  it("refuses a proof that does not verify; a good one in time still counts", () => {
    expect(m.post({ proof: badProof }).exitCode).toBe(vmExitCodes.postProofInvalid);
    expect(m.sectors().map((sector) => sector.lastProven)).toEqual([null, null]);
    expect(m.post().exitCode).toBe(0);
  });

  it("asks nothing of a deadline without sectors, or without due ones", () => {
    expect(m.post().exitCode).toBe(0);
    m.mineToJudgement();
    m.declareFaults([1, 2]);
    m.mineToWindow(1 - m.home());
    expect(m.post().exitCode).toBe(vmExitCodes.invalidPartitions);
    m.mineToWindow();
    expect(m.post().exitCode).toBe(vmExitCodes.nothingToProve);
  });

  it("gives a new sector to a deadline that is not open, and asks for it from the next window on", () => {
    const other = 1 - m.home();
    m.addSector(3);
    expect(m.home(3)).toBe(other);
    expect(m.post().exitCode).toBe(0);
    expect(m.world.verifier.posts.at(-1)?.sectors.map((sector) => sector.sectorId)).toEqual([1, 2]);
    expect(m.sector(3)?.lastProven).toBeNull();
    m.mineToWindow(other);
    expect(m.post().exitCode).toBe(0);
    expect(m.world.verifier.posts.at(-1)?.sectors.map((sector) => sector.sectorId)).toEqual([3]);
    expect(m.sector(3)?.lastProven).toBe(m.world.height);
  });
});

describe("missed proof", () => {
  it("makes every due sector faulty at the deadline, takes the power and burns the fee", () => {
    const deadline = m.nextJudgement();
    m.world.mineTo(deadline - 1);
    expect(m.view.power).toBe(3072n);
    m.world.mineTo(deadline);
    const fee = missedProofFee(pledge);
    expect(m.view).toMatchObject({ power: 0n, burnt: 2n * fee, pledge: 2n * (pledge - fee) });
    expect(m.view.freeBalance).toBe(filToAtto(8n));
    expect(totalPower()).toBe(0n);
    for (const sector of m.sectors()) {
      expect(sector).toMatchObject({ faultySince: deadline, faultyPeriods: 1, pledge: pledge - fee });
    }
    expect(m.world.money().burnt).toBe(2n * fee);
  });

  it("costs nothing after an accepted proof", () => {
    m.post();
    m.mineToJudgement();
    expect(m.view).toMatchObject({ power: 3072n, burnt: 0n, pledge: 2n * pledge });
  });

  it("terminates a sector after the stated number of faulty periods and burns its pledge", () => {
    for (let period = 1; period < maxFaultyPeriods; period++) {
      m.mineToJudgement();
      expect(m.sectors().map((sector) => sector.faultyPeriods)).toEqual([period, period]);
      m.world.money();
    }
    m.mineToJudgement();
    expect(m.view).toMatchObject({ sectorCount: 0, pledge: 0n, burnt: 2n * pledge, deadline: null });
    expect(m.view.freeBalance).toBe(filToAtto(8n));
    expect(m.world.money().burnt).toBe(2n * pledge);
  });

  it("is not held against anyone when the chain stood still during the window", () => {
    const window = m.world.params.proofWindowEpochs;
    m.world.skipTo(m.world.height + 1 + window / 2);
    m.mineToJudgement();
    expect(m.view).toMatchObject({ power: 3072n, burnt: 0n });
    // The next period is an ordinary one again.
    m.mineToJudgement();
    expect(m.view.power).toBe(0n);
  });

  it("is held against the miner when only few rounds were empty", () => {
    m.world.skipTo(m.world.height + m.world.params.proofWindowEpochs / 2);
    m.mineToJudgement();
    expect(m.view.power).toBe(0n);
  });

  it("is forgiven for all periods of a long stand-still, and the deadlines go on after it", () => {
    const { provingPeriodEpochs: period } = m.world.params;
    const resumed = m.world.height + 7 * period + 3;
    m.world.skipTo(resumed);
    expect(m.view).toMatchObject({ power: 3072n, burnt: 0n });
    const deadline = m.view.deadline as Epoch;
    expect(deadline).toBeGreaterThan(resumed);
    expect(deadline).toBeLessThanOrEqual(resumed + period);
    m.mineToWindow();
    expect(m.post().exitCode).toBe(0);
    m.mineToJudgement();
    expect(m.view.power).toBe(3072n);
    m.mineToJudgement();
    expect(m.view.power).toBe(0n);
  });
});

describe("declared faults and recoveries", () => {
  /** The deadline of both sectors was proven and judged; nothing of it is frozen for two blocks. */
  beforeEach(() => {
    m.post();
    m.mineToJudgement();
  });

  it("a declared fault gives the power up at once and costs less than a missed proof", () => {
    expect(m.declareFaults([1]).exitCode).toBe(0);
    expect(m.view.power).toBe(2048n);
    expect(totalPower()).toBe(2048n);
    m.mineToWindow();
    expect(m.post().exitCode).toBe(0);
    expect(m.world.verifier.posts.at(-1)?.sectors.map((sector) => sector.sectorId)).toEqual([2]);
    m.mineToJudgement();
    const fee = ongoingFaultFee(pledge);
    expect(fee).toBeLessThan(missedProofFee(pledge));
    expect(m.view).toMatchObject({ burnt: fee, power: 2048n });
    expect(m.sector(1)).toMatchObject({ faultyPeriods: 1, pledge: pledge - fee });
  });

  it("declaring a fault twice takes the power once", () => {
    m.declareFaults([1, 1]);
    expect(m.declareFaults([1]).exitCode).toBe(0);
    expect(m.view.power).toBe(2048n);
    expect(totalPower()).toBe(2048n);
  });

  it("a recovery restores the power with the next window's proof, exactly once", () => {
    m.declareFaults([1]);
    expect(m.declareRecovery([1]).exitCode).toBe(0);
    expect(m.sector(1)?.recoveringSince).toBe(m.world.height);
    expect(m.view.power).toBe(2048n);
    m.mineToWindow();
    expect(m.post().exitCode).toBe(0);
    expect(m.view.power).toBe(3072n);
    expect(totalPower()).toBe(3072n);
    expect(m.sector(1)).toMatchObject({
      faultySince: null,
      recoveringSince: null,
      faultyPeriods: 0,
      lastProven: m.world.height,
    });
    expect(m.post().exitCode).toBe(vmExitCodes.postAlreadySubmitted);
    expect(m.view.power).toBe(3072n);
  });

  it("a recovery that is not proven costs the fee of a missed proof and has to be declared again", () => {
    m.declareFaults([1]);
    m.mineToWindow();
    m.post();
    m.mineToJudgement();
    const afterFirst = pledge - ongoingFaultFee(pledge);
    expect(m.declareRecovery([1]).exitCode).toBe(0);
    m.mineToJudgement();
    const afterSecond = afterFirst - missedProofFee(afterFirst as typeof pledge);
    expect(m.sector(1)).toMatchObject({ recoveringSince: null, faultyPeriods: 2, pledge: afterSecond });
  });

  it("a fault that is declared while recovering withdraws the recovery", () => {
    m.declareFaults([1]);
    m.declareRecovery([1]);
    m.declareFaults([1]);
    expect(m.sector(1)?.recoveringSince).toBeNull();
    expect(m.view.power).toBe(2048n);
  });

  it("are refused from the cutoff before a window to its end, and taken at the epochs around", () => {
    const { provingPeriodEpochs: period, declarationCutoffEpochs: cutoff } = m.world.params;
    const { proofWindowEpochs } = m.world.params;
    const judged = m.world.height;
    const start = judged - proofWindowEpochs - 1 + period;
    m.world.mineTo(start - cutoff - 2);
    expect(m.declareFaults([1]).exitCode).toBe(0);
    expect(m.world.height).toBe(start - cutoff - 1);
    for (const at of [start - cutoff, start, start + 1, start + proofWindowEpochs]) {
      m.world.mineTo(at - 1);
      expect(m.declareFaults([2]).exitCode).toBe(vmExitCodes.deadlineFrozen);
      expect(m.world.height).toBe(at);
      const { exitCode } = m.world.ask(m.miner, "miner.getSector", { sectorId: sectorId(1) });
      expect(exitCode).toBe(0);
    }
    m.mineToJudgement();
    expect(m.declareRecovery([1]).exitCode).toBe(0);
    m.mineToWindow();
    expect(m.declareRecovery([1]).exitCode).toBe(vmExitCodes.deadlineFrozen);
    expect(m.view.power).toBe(0n);
  });

  it("of sectors of an open deadline and of others are refused together, and change nothing", () => {
    m.mineToWindow();
    m.addSector(3);
    expect(m.home(3)).not.toBe(m.home(1));
    expect(m.declareFaults([3, 1]).exitCode).toBe(vmExitCodes.deadlineFrozen);
    expect(m.view.power).toBe(4096n);
    expect(m.declareFaults([3]).exitCode).toBe(0);
    expect(m.view.power).toBe(3072n);
  });

  it("are for the worker and the owner, for known sectors, and recoveries for faulty ones", () => {
    expect(m.declareFaults([1], alice).exitCode).toBe(vmExitCodes.notWorker);
    expect(m.declareRecovery([1], alice).exitCode).toBe(vmExitCodes.notWorker);
    expect(m.declareFaults([1, 9]).exitCode).toBe(vmExitCodes.sectorNotFound);
    expect(m.declareRecovery([9]).exitCode).toBe(vmExitCodes.sectorNotFound);
    expect(m.declareRecovery([1]).exitCode).toBe(vmExitCodes.sectorNotFaulty);
    expect(m.view.power).toBe(3072n);
    expect(m.declareFaults([1], owner).exitCode).toBe(0);
  });
});

describe("the end of a sector's life", () => {
  it("takes the power and frees the pledge at the first judgement after the expiration", () => {
    const expiration = epoch(m.world.height + m.world.params.minSectorLifetimeEpochs + 2);
    m.post();
    m.addSector(3, { expiration });
    const before = m.view;
    expect(before.pledge).toBe(3n * pledge);
    while (m.world.height < expiration) {
      m.mineToWindow(m.window().index === 0 ? 1 : 0);
      m.post();
      m.world.mineTo(m.window().judgedAt);
    }
    expect(m.sector(3)).toBeUndefined();
    expect(m.view).toMatchObject({
      power: 3072n,
      pledge: 2n * pledge,
      freeBalance: before.freeBalance + pledge,
      burnt: 0n,
    });
    expect(totalPower()).toBe(3072n);
    m.world.money();
  });

  it("does not spare the fee of the last missed proof", () => {
    m.post();
    const expiration = epoch(m.world.height + m.world.params.minSectorLifetimeEpochs + 4);
    m.addSector(3, { expiration });
    m.mineToWindow(m.home(3));
    expect(m.sector(3)?.activatedAt).toBeLessThan(m.world.height);
    expect(expiration).toBeGreaterThan(m.world.height);
    m.mineToJudgement(m.home(3));
    expect(m.sector(3)).toBeUndefined();
    const fee = missedProofFee(pledge);
    expect(m.view).toMatchObject({ burnt: fee, pledge: 2n * pledge, power: 3072n });
  });

  it("ends the queue's interest in a miner without sectors", () => {
    m = createMinerWorld(new World(), filToAtto(10n));
    m.addSector(1, { expiration: epoch(m.world.height + 30) });
    for (let i = 0; i < 3; i++) {
      m.mineToWindow();
      m.post();
      m.mineToJudgement();
    }
    expect(m.view).toMatchObject({ sectorCount: 0, deadline: null, freeBalance: filToAtto(10n) });
    expect(m.preCommit(2).exitCode).toBe(0);
    expect(m.view.deadline).not.toBeNull();
  });
});
