/** Proofs by partitions, and what a proof leaves out. */
import { filToAtto, sectorId } from "@holdfast/base";
import { missedProofFee, none, ongoingFaultFee, skippedSectorFee, vmExitCodes } from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createMinerWorld, type MinerWorld } from "./miner-world.ts";
import { badProof, goodProof, pledge, sum, World, worker } from "./world.ts";

let m: MinerWorld;
const totalPower = () => m.world.ask(m.world.builtins.market, "market.getTotalPower", none).returns;

describe("partitions", () => {
  /** Six sectors in partitions of four, all committed while the other deadline is frozen. */
  beforeEach(() => {
    const times = { provingPeriodEpochs: 100, proofWindowEpochs: 45, declarationCutoffEpochs: 2 };
    m = createMinerWorld(new World({ params: { ...times, ticketLookbackEpochs: 60 } }), filToAtto(20n));
    m.mineToWindow(1);
    for (const id of [30, 3, 300, 20, 5, 4]) m.addSector(id);
    m.mineToWindow(0);
  });
  const lastProof = () => m.world.verifier.posts.at(-1)?.sectors.map((sector) => sector.sectorId);

  it("are the sectors of the deadline in ascending order, four at a time", () => {
    expect(m.sectors().map((sector) => sector.deadlineIndex)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(m.post({ partitions: [1] }).exitCode).toBe(0);
    expect(lastProof()).toEqual([30, 300]);
    expect(m.post({ partitions: [0] }).exitCode).toBe(0);
    expect(lastProof()).toEqual([3, 4, 5, 20]);
  });

  it("can be proven together, each once", () => {
    expect(m.post({ partitions: [0, 1] }).exitCode).toBe(0);
    expect(lastProof()).toEqual([3, 4, 5, 20, 30, 300]);
    for (const partitions of [[0], [1], [0, 1]]) {
      expect(m.post({ partitions }).exitCode).toBe(vmExitCodes.postAlreadySubmitted);
    }
  });

  it("are named in ascending order, each once, and exist", () => {
    for (const partitions of [[], [0, 0], [1, 0], [2], [0, 1, 2]]) {
      expect(m.post({ partitions }).exitCode).toBe(vmExitCodes.invalidPartitions);
    }
    expect(m.sectors().filter((sector) => sector.lastProven === m.world.height)).toEqual([]);
  });

  it("without a proof make their own sectors faulty and no others", () => {
    expect(m.post({ partitions: [0] }).exitCode).toBe(0);
    m.mineToJudgement(0);
    const faulty = m.sectors().filter((sector) => sector.faultySince !== null);
    expect(faulty.map((sector) => sector.sectorId)).toEqual([30, 300]);
    expect(m.view.power).toBe(4n * 1024n);
    expect(m.view.burnt).toBe(2n * missedProofFee(pledge));
  });

  it("stand still when a sector comes in between: it is given to another deadline", () => {
    m.addSector(1);
    expect(m.home(1)).toBe(1);
    expect(m.post({ partitions: [0] }).exitCode).toBe(0);
    expect(lastProof()).toEqual([3, 4, 5, 20]);
  });
});

describe("skipped sectors", () => {
  const late = skippedSectorFee(pledge);

  /** Two sectors of one deadline, whose window opens with the next block. */
  beforeEach(() => {
    m = createMinerWorld(new World(), filToAtto(10n));
    m.mineToJustAfterJudgement();
    m.addSector(2, { sectorBytes: 2048 });
    m.addSector(1);
    m.mineToWindow();
  });

  it("leave the proof, become faulty at once and cost more than a declared fault, less than a missed proof", () => {
    expect(m.post({ skipped: [1] }).exitCode).toBe(0);
    expect(m.world.verifier.posts.at(-1)?.sectors.map((sector) => sector.sectorId)).toEqual([2]);
    expect(m.sector(1)).toMatchObject({ faultySince: m.world.height, lastProven: null, faultyPeriods: 0 });
    expect(m.view).toMatchObject({ power: 2048n, burnt: late, pledge: 2n * pledge - late });
    expect(totalPower()).toBe(2048n);
    m.mineToJudgement();
    const atJudgement = ongoingFaultFee(sum(pledge, -late));
    expect(m.view).toMatchObject({ power: 2048n, burnt: late + atJudgement });
    expect(m.sector(1)?.faultyPeriods).toBe(1);
    expect(late + atJudgement).toBeGreaterThan(ongoingFaultFee(pledge));
    expect(late + atJudgement).toBeLessThan(missedProofFee(pledge));
    expect(m.world.money().burnt).toBe(late + atJudgement);
  });

  it("can be all that is asked for: then there is nothing to verify, and no proof", () => {
    expect(m.post({ skipped: [1, 2] }).exitCode).toBe(vmExitCodes.postProofInvalid);
    expect(m.post({ skipped: [1, 2], proof: new Uint8Array(0) }).exitCode).toBe(0);
    expect(m.world.verifier.posts).toEqual([]);
    expect(m.view).toMatchObject({ power: 0n, burnt: 2n * late });
    expect(m.post({ skipped: [] }).exitCode).toBe(vmExitCodes.nothingToProve);
  });

  it("are refused unless the partitions ask for them, in order", () => {
    m.addSector(3);
    for (const skipped of [[3], [9], [1, 1], [2, 1], [1, 9]]) {
      const sectorIds = skipped.map((id) => sectorId(id));
      const given = { windowStart: m.window().start, partitions: [0], skipped: sectorIds, proof: goodProof };
      const { exitCode } = m.world.ask(m.miner, "miner.submitPost", given, worker.address);
      expect(exitCode).toBe(vmExitCodes.sectorNotDue);
    }
    expect(m.post().exitCode).toBe(0);
    expect(m.view).toMatchObject({ power: 4096n, burnt: 0n });
  });

  it("do not spare a proof that does not verify", () => {
    expect(m.post({ skipped: [1], proof: badProof }).exitCode).toBe(vmExitCodes.postProofInvalid);
    expect(m.view).toMatchObject({ power: 3072n, burnt: 0n });
  });

  it("lose an announced recovery", () => {
    m.post();
    m.mineToJudgement();
    m.declareFaults([1]);
    m.declareRecovery([1]);
    m.mineToWindow();
    expect(m.post({ skipped: [1] }).exitCode).toBe(0);
    expect(m.sector(1)).toMatchObject({ recoveringSince: null, pledge: pledge - late });
    expect(m.view.power).toBe(2048n);
    expect(totalPower()).toBe(2048n);
  });

  it("and recoveries of equal size in one proof keep the sum of the power", () => {
    m.post();
    m.mineToJudgement();
    m.addSector(3);
    m.declareFaults([3]);
    m.declareRecovery([3]);
    m.mineToWindow();
    expect(m.home(3)).toBe(m.home());
    expect(m.view.power).toBe(3072n);
    expect(m.post({ skipped: [1] }).exitCode).toBe(0);
    expect(m.view.power).toBe(3072n);
    expect(totalPower()).toBe(3072n);
    expect(m.sectors().map((sector) => sector.faultySince === null)).toEqual([false, true, true]);
  });
});
