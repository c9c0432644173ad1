/** Asks, getters, withdrawal, expired pre-commitments and piece inclusion. */
import { attoFil, encode, epoch, filToAtto, sectorId, zeroAtto } from "@holdfast/base";
import type { PieceLocation } from "@holdfast/consensus";
import {
  expiredPreCommitFee,
  maxAsks,
  none,
  pieceConditionCodec,
  pieceInclusionRedemption,
  vmExitCodes,
} from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createMinerWorld, type MinerWorld } from "./miner-world.ts";
import {
  alice,
  badProof,
  goodProof,
  hash32,
  owner,
  pledge,
  testParams,
  World,
  worker,
  workerKey,
} from "./world.ts";

let m: MinerWorld;
beforeEach(() => {
  m = createMinerWorld(new World(), filToAtto(10n));
});

describe("asks", () => {
  const price = attoFil(5n);
  const shares = { providerCollateralPercent: 40, clientCollateralPercent: 10 };
  const ask = {
    pricePerBytePerEpoch: price,
    minBytes: 127,
    maxBytes: 1016,
    ...shares,
    expiresAfterEpochs: 10,
  };
  const add = (over: Partial<typeof ask> = {}, from = worker) =>
    m.world.send(from, m.miner, "miner.addAsk", { ...ask, ...over });

  it("are numbered in order and can be read one by one and together", () => {
    expect(add().returns).toBe(0);
    const first = { askId: 0, pricePerBytePerEpoch: price, minBytes: 127, maxBytes: 1016, ...shares };
    const expiry = m.world.height + 10;
    expect(m.world.ask(m.miner, "miner.getAsk", { askId: 0 }).returns).toEqual({ ...first, expiry });
    expect(add({ expiresAfterEpochs: 50 }).returns).toBe(1);
    const ids = m.world.ask(m.miner, "miner.getAsks", none).returns?.map(({ askId }) => askId);
    expect(ids).toEqual([0, 1]);
  });

  it("do not hold any more at their expiry, and are forgotten with the next ask", () => {
    add();
    const expiry = m.world.height + 10;
    m.world.mineTo(expiry - 2);
    expect(m.world.ask(m.miner, "miner.getAsk", { askId: 0 }).exitCode).toBe(0);
    m.world.mineTo(expiry - 1);
    expect(m.world.ask(m.miner, "miner.getAsk", { askId: 0 }).exitCode).toBe(vmExitCodes.askNotFound);
    expect(m.world.ask(m.miner, "miner.getAsks", none).returns).toEqual([]);
    expect(m.view.asks.length).toBe(1);
    expect(add().returns).toBe(1);
    expect(m.view.asks.map(({ askId }) => askId)).toEqual([1]);
  });

  it("do not exist before they are made", () => {
    expect(m.world.ask(m.miner, "miner.getAsk", { askId: 5 }).exitCode).toBe(vmExitCodes.askNotFound);
  });

  it("refuse strangers, negative prices, empty ranges and lifetimes of 0 or beyond 2^32", () => {
    expect(add({}, alice).exitCode).toBe(vmExitCodes.notWorker);
    const wrong = [
      { pricePerBytePerEpoch: attoFil(-1n) },
      { minBytes: 2, maxBytes: 1 },
      { expiresAfterEpochs: 0 },
      { providerCollateralPercent: testParams.minProviderCollateralPercent - 1 },
      { providerCollateralPercent: 10_001 },
      { clientCollateralPercent: testParams.minClientCollateralPercent - 1 },
      { clientCollateralPercent: 101 },
      { expiresAfterEpochs: 2 ** 32 + 1 },
      { expiresAfterEpochs: Number.MAX_SAFE_INTEGER },
    ];
    for (const over of wrong) expect(add(over).exitCode).toBe(vmExitCodes.askInvalid);
    expect(add({ pricePerBytePerEpoch: zeroAtto, minBytes: 0, maxBytes: 0 }, owner).exitCode).toBe(0);
  });

  it("are bounded", () => {
    for (let i = 0; i < maxAsks; i++) expect(add({ expiresAfterEpochs: 1000 }).exitCode).toBe(0);
    expect(add().exitCode).toBe(vmExitCodes.askInvalid);
  });
});

describe("getters", () => {
  it("tell owner, worker, keys, peer id, power and free balance", () => {
    const { world, miner } = m;
    expect(world.ask(miner, "miner.getOwner", none).returns).toBe(owner.address);
    expect(world.ask(miner, "miner.getWorker", none).returns).toBe(worker.address);
    expect(world.ask(miner, "miner.getWorkerKey", none).returns).toEqual(workerKey);
    expect(world.ask(miner, "miner.getPeerId", none).returns).toBe("peer-of-the-tests");
    expect(world.ask(miner, "miner.getFreeBalance", none).returns).toBe(filToAtto(10n));
    m.addSector(4);
    expect(world.ask(miner, "miner.getPower", none).returns).toBe(1024n);
    expect(world.ask(miner, "miner.getFreeBalance", none).returns).toBe(filToAtto(9n));
    const sector = world.ask(miner, "miner.getSector", { sectorId: sectorId(4) });
    expect(sector.returns).toEqual(m.sector(4));
    const missing = world.ask(miner, "miner.getSector", { sectorId: sectorId(5) });
    expect(missing.exitCode).toBe(vmExitCodes.sectorNotFound);
  });

  it("tell the deadline, its window and the next judgement", () => {
    const windowStart = m.mineToWindow(1);
    const { proofWindowEpochs: length, provingPeriodEpochs: period } = m.world.params;
    const windowEnd = windowStart + length;
    const current = { index: 1, windowStart, windowEnd };
    const asked = () => m.world.ask(m.miner, "miner.getProvingDeadline", none).returns;
    expect(asked()).toEqual({ current, nextJudgement: windowEnd + 1 });
    m.mineToJudgement(1);
    expect(asked()).toEqual({ current, nextJudgement: windowEnd + 1 + period / 2 });
    m.mineToWindow(0);
    expect(asked()?.current).toMatchObject({ index: 0, windowStart: windowStart + period / 2 });
  });

  it("take no money", () => {
    const { exitCode } = m.world.send(alice, m.miner, "miner.getPower", none, { value: attoFil(1n) });
    expect(exitCode).toBe(vmExitCodes.notPayable);
    expect(m.world.balance(m.miner)).toBe(filToAtto(10n));
  });

  it("refuse parameters", () => {
    const { exitCode } = m.world.sendRaw(alice, m.miner, "getPower", Uint8Array.of(0x81, 0x01));
    expect(exitCode).toBe(vmExitCodes.invalidParams);
  });
});

describe("updatePeerId", () => {
  it("is for the worker and the owner and takes well-formed ids", () => {
    const update = (peerId: string, from = worker) =>
      m.world.send(from, m.miner, "miner.updatePeerId", { peerId }).exitCode;
    expect(update("12D3KooWnew", alice)).toBe(vmExitCodes.notWorker);
    expect(update("")).toBe(vmExitCodes.invalidPeerId);
    expect(update("12D3KooWnew")).toBe(0);
    expect(m.view.peerId).toBe("12D3KooWnew");
    expect(update("12D3KooWnewer", owner)).toBe(0);
  });
});

describe("withdraw", () => {
  const withdraw = (amount: bigint, from = owner) =>
    m.world.send(from, m.miner, "miner.withdraw", { amount: attoFil(amount) });

  it("pays free balance to the owner, never the locked pledge", () => {
    m.preCommit(1);
    const free = 9n * pledge;
    const before = m.world.balance(owner.address);
    expect(withdraw(free + 1n).exitCode).toBe(vmExitCodes.withdrawTooLarge);
    expect(withdraw(-1n).exitCode).toBe(vmExitCodes.withdrawTooLarge);
    expect(withdraw(1n).returns).toBe(free - 1n);
    expect(withdraw(free - 1n).returns).toBe(0n);
    expect(m.world.balance(owner.address)).toBe(before + free);
    expect(m.view).toMatchObject({ pledge, freeBalance: 0n, balance: pledge });
    expect(withdraw(1n).exitCode).toBe(vmExitCodes.withdrawTooLarge);
    m.world.money();
  });

  it("is for the owner only", () => {
    expect(withdraw(1n, worker).exitCode).toBe(vmExitCodes.notOwner);
    expect(withdraw(1n, alice).exitCode).toBe(vmExitCodes.notOwner);
  });

  it("reaches what anyone has sent to the miner", () => {
    m.world.transfer(alice, m.miner, filToAtto(3n));
    expect(withdraw(13n * pledge).returns).toBe(0n);
  });
});

describe("an expired pre-commitment", () => {
  it("loses a fee at the deadline after its expiry and frees the rest of the pledge", () => {
    m.preCommit(1);
    const expiresAfter = m.world.height + m.world.params.preCommitExpiryEpochs;
    while (m.world.height <= expiresAfter) {
      expect(m.view.pledge).toBe(pledge);
      m.mineToJudgement();
    }
    const fee = expiredPreCommitFee(pledge);
    expect(m.view).toMatchObject({
      preCommitCount: 0,
      pledge: 0n,
      burnt: fee,
      freeBalance: filToAtto(10n) - fee,
      deadline: null,
    });
    expect(m.world.money().burnt).toBe(fee);
    expect(m.commit(1).exitCode).toBe(vmExitCodes.sectorNotFound);
  });
});

describe("verifyPieceInclusion", () => {
  const pieces = [
    { commP: hash32("piece a"), paddedBytes: 256 },
    { commP: hash32("piece b"), paddedBytes: 512 },
  ];
  const at = (id: number, proof = goodProof): PieceLocation => ({ sectorId: sectorId(id), proof });
  const verify = (locations: readonly PieceLocation[], given = pieces) =>
    m.world.ask(m.miner, "miner.verifyPieceInclusion", {
      condition: encode(pieceConditionCodec, { pieces: given }),
      redeemer: pieceInclusionRedemption(locations),
    }).exitCode;

  beforeEach(() => {
    m.mineToJustAfterJudgement();
    m.addSector(1);
    m.addSector(2, { sectorBytes: 2048 });
  });

  it("checks each piece against the commD of its sector", () => {
    expect(verify([at(1), at(2)])).toBe(0);
    expect(m.world.verifier.inclusions).toEqual([
      { commD: m.sector(1)?.commD, sectorBytes: 1024, ...pieces[0], proof: goodProof },
      { commD: m.sector(2)?.commD, sectorBytes: 2048, ...pieces[1], proof: goodProof },
    ]);
  });

  it("refuses if one proof does not verify", () => {
    expect(verify([at(1), at(2, badProof)])).toBe(vmExitCodes.inclusionProofInvalid);
  });

  it("refuses faulty sectors until they are proven again", () => {
    m.mineToWindow();
    m.post();
    m.mineToJudgement();
    m.declareFaults([2]);
    expect(verify([at(1), at(2)])).toBe(vmExitCodes.sectorNotActive);
    expect(verify([at(1), at(1)])).toBe(0);
    m.declareRecovery([2]);
    expect(verify([at(1), at(2)])).toBe(vmExitCodes.sectorNotActive);
    m.mineToWindow();
    m.post();
    expect(verify([at(1), at(2)])).toBe(0);
  });

  it("refuses sectors that are unknown, not yet proven or past their life", () => {
    expect(verify([at(1), at(3)])).toBe(vmExitCodes.sectorNotFound);
    const expiration = epoch(m.world.height + 12);
    m.preCommit(3, { expiration });
    expect(verify([at(1), at(3)])).toBe(vmExitCodes.sectorNotActive);
    m.waitForChallenge();
    m.commit(3);
    expect(verify([at(1), at(3)])).toBe(0);
    m.world.mineTo(expiration - 1);
    if (m.sector(3) === undefined) throw new RangeError("the sector waits for its deadline");
    expect(verify([at(1), at(3)])).toBe(vmExitCodes.sectorNotActive);
  });

  it("refuses an empty condition, missing or surplus locations and malformed parts", () => {
    expect(verify([], [])).toBe(vmExitCodes.invalidParams);
    expect(verify([at(1)])).toBe(vmExitCodes.invalidParams);
    expect(verify([at(1), at(2), at(1)])).toBe(vmExitCodes.invalidParams);
    const condition = encode(pieceConditionCodec, { pieces });
    const junk = { condition, redeemer: Uint8Array.of(0xff) };
    const { exitCode } = m.world.ask(m.miner, "miner.verifyPieceInclusion", junk);
    expect(exitCode).toBe(vmExitCodes.invalidParams);
  });
});
