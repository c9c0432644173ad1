/** The owner and the worker of a miner change hands; sectors live longer and end early. */
import { attoFil, epoch, filToAtto, sectorId } from "@holdfast/base";
import { none, terminationFee, vmExitCodes as x } from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createMinerWorld, type MinerWorld } from "./miner-world.ts";
import { alice, bob, owner, pledge, World, worker, workerKey } from "./world.ts";

let m: MinerWorld;
beforeEach(() => {
  m = createMinerWorld(new World(), filToAtto(10n));
});

describe("changeWorker", () => {
  const announce = (from = owner, key = workerKey, next = alice) =>
    m.world.send(from, m.miner, "miner.changeWorker", { worker: next.address, workerKey: key }).exitCode;
  const confirm = () => m.world.send(bob, m.miner, "miner.confirmWorker", none).exitCode;
  const { finalityEpochs } = new World().params;

  it("is announced by the owner and counts after finality, when anyone confirms it", () => {
    expect(announce()).toBe(0);
    const effectiveAt = m.world.height + finalityEpochs;
    expect(m.view.pendingWorker).toMatchObject({ worker: alice.address, effectiveAt });
    m.world.mineTo(effectiveAt - 2);
    expect(confirm()).toBe(x.workerChangeTooEarly);
    expect(m.view.worker).toBe(worker.address);
    expect(confirm()).toBe(0);
    expect(m.view).toMatchObject({ worker: alice.address, pendingWorker: null });
    const update = (from: typeof alice) =>
      m.world.send(from, m.miner, "miner.updatePeerId", { peerId: "p" }).exitCode;
    expect(update(worker)).toBe(x.notWorker);
    expect(update(alice)).toBe(0);
  });

  it("is the owner's alone, and takes keys only", () => {
    expect(announce(worker)).toBe(x.notOwner);
    expect(announce(alice)).toBe(x.notOwner);
    expect(announce(owner, new Uint8Array(48))).toBe(x.invalidWorkerKey);
    expect(confirm()).toBe(x.noPendingWorker);
  });

  it("can be announced anew, which starts the waiting again", () => {
    announce();
    m.world.mineTo(m.world.height + finalityEpochs - 3);
    expect(announce(owner, workerKey, bob)).toBe(0);
    m.world.mineTo(m.world.height + 5);
    expect(confirm()).toBe(x.workerChangeTooEarly);
    m.world.mineTo(m.world.height + finalityEpochs);
    expect(confirm()).toBe(0);
    expect(m.view.worker).toBe(bob.address);
  });

  it("waits until the worker before has answered for everything", () => {
    announce();
    m.world.mineTo(m.world.height + finalityEpochs);
    announce(owner, workerKey, bob);
    expect(confirm()).toBe(x.workerChangeTooEarly);
    m.world.mineTo(m.world.height + finalityEpochs);
    expect(confirm()).toBe(0);
    const answersUntil = m.world.height + finalityEpochs;
    announce(owner, workerKey, worker);
    m.world.mineTo(answersUntil - 1);
    expect(confirm()).toBe(x.workerChangeTooEarly);
    m.world.mineTo(answersUntil + 1);
    expect(confirm()).toBe(0);
    expect(m.view.worker).toBe(worker.address);
  });
});

describe("changeOwner", () => {
  const name = (next: typeof alice, from = owner) =>
    m.world.send(from, m.miner, "miner.changeOwner", { owner: next.address }).exitCode;
  const accept = (from: typeof alice) => m.world.send(from, m.miner, "miner.acceptOwner", none).exitCode;
  const withdraw = (from: typeof alice) =>
    m.world.send(from, m.miner, "miner.withdraw", { amount: attoFil(1n) }).exitCode;

  it("needs the old owner's word and the new owner's", () => {
    expect(accept(alice)).toBe(x.notOwner);
    expect(name(alice, alice)).toBe(x.notOwner);
    expect(name(alice)).toBe(0);
    expect(accept(bob)).toBe(x.notOwner);
    expect(withdraw(alice)).toBe(x.notOwner);
    expect(accept(alice)).toBe(0);
    expect(m.view).toMatchObject({ owner: alice.address, pendingOwner: null });
    expect(withdraw(owner)).toBe(x.notOwner);
    expect(withdraw(alice)).toBe(0);
    expect(accept(alice)).toBe(x.notOwner);
  });

  it("is taken back by naming oneself", () => {
    name(alice);
    expect(name(owner)).toBe(0);
    expect(m.view.pendingOwner).toBeNull();
    expect(accept(alice)).toBe(x.notOwner);
  });
});

describe("extendSectors", () => {
  const extend = (id: number, expiration: number, from = worker) =>
    m.world.send(from, m.miner, "miner.extendSectors", {
      sectorIds: [sectorId(id)],
      expiration: epoch(expiration),
    }).exitCode;

  it("moves the end of a healthy sector later, within the longest life", () => {
    m.addSector(1, { expiration: epoch(m.world.height + 50) });
    m.mineToWindow();
    m.post();
    m.mineToJudgement();
    const { expiration = 0 } = m.sector(1) ?? {};
    const longest = m.world.params.maxSectorLifetimeEpochs;
    expect(extend(1, expiration)).toBe(x.expirationOutOfRange);
    expect(extend(1, m.world.height + longest + 2)).toBe(x.expirationOutOfRange);
    expect(extend(2, expiration + 1)).toBe(x.sectorNotFound);
    expect(extend(1, expiration + 1, alice)).toBe(x.notWorker);
    expect(extend(1, m.world.height + longest + 1)).toBe(x.ok);
    m.world.money();
  });

  it("fills the pledge up again, and cannot without the money", () => {
    m.addSector(1);
    m.mineToWindow();
    m.mineToJudgement();
    expect(m.sector(1)?.faultySince).not.toBeNull();
    expect(extend(1, m.world.height + 450)).toBe(x.sectorNotActive);
    m.declareRecovery([1]);
    m.mineToWindow();
    expect(m.post().exitCode).toBe(0);
    m.mineToJudgement();
    expect(m.sector(1)?.pledge).toBeLessThan(pledge);
    const free = m.view.freeBalance;
    m.world.send(owner, m.miner, "miner.withdraw", { amount: free });
    expect(extend(1, m.world.height + 450)).toBe(x.insufficientPledge);
    m.world.transfer(alice, m.miner, pledge);
    expect(extend(1, m.world.height + 450)).toBe(0);
    expect(m.sector(1)?.pledge).toBe(pledge);
    expect(m.view.pledge).toBe(pledge);
    m.world.money();
  });
});

describe("terminateSectors", () => {
  const terminate = (ids: readonly number[], from = worker) =>
    m.world.send(from, m.miner, "miner.terminateSectors", { sectorIds: ids.map((id) => sectorId(id)) });

  it("ends sectors at once for a quarter of their pledge", () => {
    m.addSector(1);
    m.mineToWindow();
    m.post();
    m.mineToJudgement();
    m.preCommit(2);
    expect(terminate([1], alice).exitCode).toBe(x.notWorker);
    expect(terminate([9]).exitCode).toBe(x.sectorNotFound);
    expect(terminate([1, 1]).exitCode).toBe(x.sectorNotFound);
    expect(terminate([1]).exitCode).toBe(0);
    const fee = terminationFee(pledge);
    expect(fee).toBe(pledge / 4n);
    expect(m.view).toMatchObject({ power: 0n, pledge, burnt: fee, sectorCount: 0 });
    expect(m.sector(1)).toBeUndefined();
    expect(m.preCommit(1).exitCode).toBe(x.sectorExists);
    expect(m.world.money().burnt).toBe(fee);
  });

  it("waits until the deadline is not frozen", () => {
    m.addSector(1);
    m.mineToWindow();
    expect(terminate([1]).exitCode).toBe(x.deadlineFrozen);
    expect(m.post().exitCode).toBe(0);
    m.mineToJudgement();
    expect(terminate([1]).exitCode).toBe(0);
    expect(m.view.deadline).not.toBeNull();
    m.world.mineTo(m.world.height + m.world.params.provingPeriodEpochs);
    expect(m.view.deadline).toBeNull();
  });
});
