/** Ways to take, lock or hold up what is another's by a deal, each tried and refused. */
import { attoFil, channelId, epoch, filToAtto, rawCid, sectorId, utf8Bytes } from "@holdfast/base";
import { dealSettlementEpochs, vmExitCodes as x } from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createDealWorld, type DealWorld, dealNumbers } from "./deal-world.ts";
import { alice, bob, createMiner, testParams, World } from "./world.ts";

const fil = filToAtto;
let d: DealWorld;
beforeEach(() => {
  const world = new World();
  d = createDealWorld(world, createMiner(world));
});

/** An active deal whose only sector ends soon after it, and is declared faulty. */
function faultyToItsEnd(epochs = 75) {
  d.addSector(1, { expiration: epoch(d.world.height + epochs) });
  const terms = d.published();
  d.activate(terms);
  const { expiration = 0 } = d.sector(1) ?? {};
  while (d.declareFaults([1]).exitCode !== 0) d.world.mineTo(d.world.height + 1);
  return { terms, expiration };
}

describe("a miner that drops the data", () => {
  it("is not paid because its sector's life is over before it had to recover", () => {
    const { terms, expiration } = faultyToItsEnd();
    d.world.mineTo(expiration);
    expect(d.sector(1)?.faultySince).not.toBeNull();
    const voucher = d.voucher(terms, fil(10n));
    expect(d.redeem(voucher).exitCode).toBe(x.conditionNotMet);
    d.world.mineTo(expiration + testParams.provingPeriodEpochs);
    expect(d.sector(1)).toBeUndefined();
    expect(d.redeem(voucher).exitCode).toBe(x.conditionNotMet);
    expect(d.deal(terms)?.status).toBe("complete");
    d.world.mineTo(terms.endHeight + dealSettlementEpochs(testParams));
    expect(d.deal(terms)).toBeUndefined();
    d.check();
  });

  it("is not paid because it removes the faulty sector after its life", () => {
    // Not in its open or coming window, where nothing about a sector changes.
    const { terms, expiration } = faultyToItsEnd(120);
    d.world.mineTo(expiration);
    expect(d.terminate(1)).toMatchObject({ exitCode: 0 });
    expect(d.redeem(d.voucher(terms, fil(10n))).exitCode).toBe(x.conditionNotMet);
    d.check();
  });

  it("does not start a deal when it ends, to be paid for nothing", () => {
    const { height } = d.world;
    d.addSector(1);
    const end = epoch(height + 60);
    const terms = d.published({ startBy: end, endHeight: end });
    d.keepTo(end - 1);
    expect(d.activate(terms).exitCode).toBe(x.dealTooLate);
    d.keepTo(end + 1);
    expect(d.deal(terms)?.status).toBe("late");
    d.check();
  });
});

describe("who signs for another", () => {
  it("does not lock more of a client than the deal is worth", () => {
    d.deposit(bob, fil(50n));
    const terms = d.terms(d.openChannel(), { clientCollateral: attoFil(dealNumbers.price + 1n) });
    expect(d.publish(terms, { value: fil(4n) }).exitCode).toBe(x.dealInvalid);
    const most = { ...terms, clientCollateral: dealNumbers.price };
    expect(d.publish(most, { value: fil(4n) }).exitCode).toBe(0);
  });
});

describe("lists", () => {
  it("of 32 equal deals publish nothing, and settle nothing twice", () => {
    d.deposit(bob, fil(50n));
    d.deposit(alice, fil(200n), true);
    const terms = d.terms(d.openChannel());
    expect(d.publish(Array(32).fill(terms)).exitCode).toBe(x.dealExists);
    expect(d.escrowOf(bob)).toEqual({ escrow: fil(50n), locked: 0n });
    const published = d.published();
    d.activate(published);
    d.terminateSoon(1);
    expect(d.settle(Array(32).fill(published)).returns).toBe(1);
    expect(d.escrowOf("miner")).toEqual({ escrow: fil(200n), locked: 0n });
    d.check();
  });
});

describe("deals of a thousand sectors", () => {
  it("do not make a tick long: each counts for the sectors that it has", () => {
    d.published();
    const { book } = d;
    const [{ deal } = { deal: undefined }] = [...book.deals.entries()].map(([, one]) => ({ deal: one }));
    if (deal === undefined) throw new RangeError("there is a deal");
    const sectors = Array.from({ length: 1_024 }, (_, id) => sectorId(id));
    const at = epoch(d.world.height + 5);
    for (let index = 0; index < 8; index += 1) {
      const id = rawCid(utf8Bytes(`${index}`));
      const ref = { client: alice.address, channel: channelId(index) };
      book.setDeal(ref, { ...deal, id, status: "active", sectors, queuedAt: at });
    }
    const { dealsPerTick } = testParams;
    expect(book.takeDue(at, dealsPerTick)).toHaveLength(Math.ceil(dealsPerTick / 65));
    expect(book.takeDue(at, 8 * 65)).toHaveLength(8 - Math.ceil(dealsPerTick / 65));
    expect(book.takeDue(at, 8 * 65)).toHaveLength(0);
  });
});
