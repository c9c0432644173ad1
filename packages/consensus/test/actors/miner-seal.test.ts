/** Sectors come into being in two steps: the pre-commitment locks the pledge, the proof gives power. */
import { attoFil, epoch, filToAtto, sectorId } from "@holdfast/base";
import type { PreCommitSector } from "@holdfast/consensus";
import {
  networkIdOf,
  nextJudgementAfter,
  none,
  randomnessTags,
  readMinerState,
  readPreCommit,
  readSector,
  sealEntropy,
  vmExitCodes,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import type { MinerWorld } from "./miner-world.ts";
import { createMinerWorld } from "./miner-world.ts";
import { alice, badProof, goodProof, owner, pledge, testRandomness, World, worker } from "./world.ts";

function fresh(freeFil = 10n): MinerWorld {
  return createMinerWorld(new World(), filToAtto(freeFil));
}

const refusedPreCommit = (m: MinerWorld, over: Partial<PreCommitSector>): number =>
  m.preCommit(1, over).exitCode;

describe("preCommitSector", () => {
  it("locks the pledge out of the free balance and keeps the ticket", () => {
    const m = fresh();
    const ticketEpoch = epoch(m.world.height);
    expect(m.preCommit(1, { ticketEpoch }).exitCode).toBe(0);
    const view = readMinerState(m.world.store, m.world.state, m.miner);
    expect(view).toMatchObject({ pledge, freeBalance: filToAtto(9n), preCommitCount: 1, power: 0n });
    const entropy = sealEntropy(m.miner, 1);
    expect(readPreCommit(m.world.store, m.world.state, m.miner, sectorId(1))).toMatchObject({
      preCommittedAt: m.world.height,
      pledge,
      ticket: testRandomness(ticketEpoch, randomnessTags.sealTicket, entropy),
    });
    expect(m.world.money().pledge).toBe(pledge);
  });

  it("enrols the miner's next judgement once", () => {
    const m = fresh();
    m.preCommit(1);
    const deadline = nextJudgementAfter(m.world.params, m.miner, m.world.height);
    expect(readMinerState(m.world.store, m.world.state, m.miner).deadline).toBe(deadline);
    expect(m.preCommit(2).exitCode).toBe(0);
  });

  it("is for the worker and the owner only", () => {
    const m = fresh();
    expect(m.preCommit(1, {}, { from: alice }).exitCode).toBe(vmExitCodes.notWorker);
    expect(m.preCommit(1, {}, { from: owner }).exitCode).toBe(0);
    expect(m.preCommit(2, {}, { from: worker }).exitCode).toBe(0);
  });

  it("refuses a sector size that the network does not have", () => {
    expect(refusedPreCommit(fresh(), { sectorBytes: 4096 })).toBe(vmExitCodes.sectorSizeNotAllowed);
  });

  it("refuses a ticket from the present, the future or beyond the look-back", () => {
    const m = fresh();
    m.world.mineTo(60);
    const lookback = m.world.params.ticketLookbackEpochs;
    const next = m.world.height + 1;
    const code = vmExitCodes.ticketEpochOutOfRange;
    expect(refusedPreCommit(m, { ticketEpoch: epoch(next) })).toBe(code);
    expect(refusedPreCommit(m, { ticketEpoch: epoch(next + 5) })).toBe(code);
    expect(refusedPreCommit(m, { ticketEpoch: epoch(m.world.height + 1 - lookback - 1) })).toBe(code);
    expect(refusedPreCommit(m, { ticketEpoch: epoch(m.world.height + 1 - lookback) })).toBe(0);
  });

  it("refuses a lifetime below the minimum or above the maximum", () => {
    const m = fresh();
    const { minSectorLifetimeEpochs: least, maxSectorLifetimeEpochs: most } = m.world.params;
    const ending = (lifetime: number) => ({ expiration: epoch(m.world.height + 1 + lifetime) });
    expect(refusedPreCommit(m, ending(least - 1))).toBe(vmExitCodes.expirationOutOfRange);
    expect(refusedPreCommit(m, ending(most + 1))).toBe(vmExitCodes.expirationOutOfRange);
    expect(m.preCommit(1, ending(least)).exitCode).toBe(0);
    expect(m.preCommit(2, ending(most)).exitCode).toBe(0);
  });

  it("refuses when the free balance is below the pledge; the message's value counts", () => {
    const m = fresh(1n);
    expect(m.preCommit(1).exitCode).toBe(0);
    const short = m.preCommit(2, {}, { value: attoFil(pledge - 1n) });
    expect(short.exitCode).toBe(vmExitCodes.insufficientPledge);
    expect(m.world.balance(m.miner)).toBe(pledge);
    expect(m.preCommit(2, {}, { value: pledge }).exitCode).toBe(0);
    expect(m.world.money().pledge).toBe(2n * pledge);
  });

  it("refuses a sector number for ever, once it was used", () => {
    const m = fresh();
    m.preCommit(1);
    expect(m.preCommit(1).exitCode).toBe(vmExitCodes.sectorExists);
    m.waitForChallenge();
    expect(m.commit(1).exitCode).toBe(0);
    expect(m.preCommit(1).exitCode).toBe(vmExitCodes.sectorExists);
    m.preCommit(256);
    m.world.mineTo(m.world.height + 60);
    expect(readPreCommit(m.world.store, m.world.state, m.miner, sectorId(256))).toBeUndefined();
    expect(m.preCommit(256).exitCode).toBe(vmExitCodes.sectorExists);
    expect(m.preCommit(257).exitCode).toBe(0);
  });

  it("refuses a sector number of 2^32", () => {
    const m = fresh();
    expect(m.preCommit(2 ** 32 - 1).exitCode).toBe(0);
    expect(() => m.preCommit(2 ** 32)).toThrow("whole number from 0 to 4294967295");
  });
});

describe("commitSector", () => {
  it("verifies the seal against the identity, the ticket and the seed, and gives power", () => {
    const m = fresh();
    m.preCommit(1, { sectorBytes: 2048, ticketEpoch: epoch(1) });
    const preCommittedAt = m.world.height;
    const preCommit = readPreCommit(m.world.store, m.world.state, m.miner, sectorId(1));
    m.waitForChallenge();
    expect(m.commit(1).exitCode).toBe(0);
    const entropy = sealEntropy(m.miner, 1);
    const challengeAt = epoch(preCommittedAt + m.world.params.sealChallengeDelayEpochs);
    expect(m.world.verifier.seals).toEqual([
      {
        classes: m.world.params.sectorClasses,
        sectorBytes: 2048,
        identity: {
          networkId: networkIdOf(m.world.params),
          miner: m.miner,
          sectorId: 1,
          ticket: testRandomness(epoch(1), randomnessTags.sealTicket, entropy),
          commD: preCommit?.commD,
        },
        commR: preCommit?.commR,
        commRStar: preCommit?.commRStar,
        seed: testRandomness(challengeAt, randomnessTags.sealSeed, entropy),
        proof: goodProof,
      },
    ]);
    expect(readSector(m.world.store, m.world.state, m.miner, sectorId(1))).toMatchObject({
      activatedAt: m.world.height,
      lastProven: null,
      faultySince: null,
      pledge,
    });
    expect(readMinerState(m.world.store, m.world.state, m.miner)).toMatchObject({
      power: 2048n,
      pledge,
      preCommitCount: 0,
      sectorCount: 1,
    });
    expect(m.world.ask(m.world.builtins.market, "market.getTotalPower", none).returns).toBe(2048n);
  });

  it("checks the sender before the expensive proof", () => {
    const m = fresh();
    m.preCommit(1);
    m.waitForChallenge();
    expect(m.commit(1, { from: alice }).exitCode).toBe(vmExitCodes.notWorker);
    expect(m.world.verifier.seals).toEqual([]);
  });

  it("refuses before the challenge is drawn", () => {
    const m = fresh();
    m.preCommit(1);
    const challengeAt = m.world.height + m.world.params.sealChallengeDelayEpochs;
    m.world.mineTo(challengeAt - 1);
    expect(m.commit(1).exitCode).toBe(vmExitCodes.sealTooEarly);
    expect(m.world.height).toBe(challengeAt);
    expect(m.world.verifier.seals).toEqual([]);
    expect(m.commit(1).exitCode).toBe(0);
  });

  it("accepts at the last epoch before the pre-commitment expires, not after it", () => {
    for (const late of [0, 1]) {
      const m = fresh();
      m.mineToJustAfterJudgement();
      m.preCommit(1);
      const last = m.world.height + m.world.params.preCommitExpiryEpochs;
      m.world.mineTo(last + late - 1);
      expect(m.commit(1).exitCode).toBe(late === 0 ? 0 : vmExitCodes.preCommitExpired);
    }
  });

  it("refuses a sector whose life is over before it began", () => {
    const m = fresh();
    m.mineToJustAfterJudgement();
    const expiration = epoch(m.world.height + 1 + m.world.params.minSectorLifetimeEpochs);
    m.preCommit(1, { expiration });
    m.world.mineTo(expiration - 1);
    expect(m.commit(1).exitCode).toBe(vmExitCodes.expirationOutOfRange);
  });

  it("refuses a sector that was not pre-committed, and one that is committed already", () => {
    const m = fresh();
    expect(m.commit(1).exitCode).toBe(vmExitCodes.sectorNotFound);
    m.addSector(1);
    expect(m.commit(1).exitCode).toBe(vmExitCodes.sectorNotFound);
    expect(readMinerState(m.world.store, m.world.state, m.miner).power).toBe(1024n);
  });

  it("refuses a proof that does not verify and leaves the pre-commitment as it was", () => {
    const m = fresh();
    m.preCommit(1);
    m.waitForChallenge();
    const { exitCode } = m.commit(1, { proof: badProof });
    expect(exitCode).toBe(vmExitCodes.sealProofInvalid);
    const view = readMinerState(m.world.store, m.world.state, m.miner);
    expect(view).toMatchObject({ power: 0n, preCommitCount: 1, sectorCount: 0, pledge });
    expect(m.commit(1).exitCode).toBe(0);
  });

  it("reports running out of gas as such and changes nothing", () => {
    const m = fresh();
    m.preCommit(1);
    m.waitForChallenge();
    const { exitCode, gasUsed } = m.commit(1, { gasLimit: 40_000 });
    expect({ exitCode, gasUsed }).toEqual({ exitCode: vmExitCodes.outOfGas, gasUsed: 40_000 });
    expect(m.world.verifier.seals).toEqual([]);
    expect(readMinerState(m.world.store, m.world.state, m.miner).preCommitCount).toBe(1);
  });
});
