/** Deals on the chain, rule by rule: escrow, publication, start and end. */
import { attoFil, channelId, epoch, filToAtto } from "@holdfast/base";
import { dealSettlementEpochs, percentOf, vmExitCodes as x } from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createDealWorld, type DealWorld, dealNumbers } from "./deal-world.ts";
import {
  alice,
  badProof,
  bob,
  createMiner,
  hash32,
  openingBalance,
  owner,
  testParams,
  World,
  worker,
} from "./world.ts";

const fil = filToAtto;
const settlement = dealSettlementEpochs(testParams);
let d: DealWorld;
function fresh(params: NonNullable<ConstructorParameters<typeof World>[0]>["params"] = {}): DealWorld {
  const world = new World({ params });
  return createDealWorld(world, createMiner(world));
}
beforeEach(() => {
  d = fresh();
});

describe("escrow", () => {
  it("is the party's own, or that of a miner, which its owner takes out", () => {
    expect(d.deposit(bob, fil(3n)).returns).toBe(fil(3n));
    expect(d.deposit(alice, fil(2n), true).returns).toBe(fil(2n));
    expect(d.escrowOf("miner")).toEqual({ escrow: fil(2n), locked: 0n });
    expect(d.withdraw(worker, 1n, true).exitCode).toBe(x.notOwner);
    expect(d.withdraw(owner, fil(2n), true).returns).toBe(0n);
    expect(d.withdraw(bob, fil(1n)).returns).toBe(fil(2n));
    expect(d.world.balance(bob.address)).toBe(openingBalance - fil(2n));
    expect(d.world.ask(d.market, "market.getBalance", { party: bob.address }).returns?.escrow).toBe(fil(2n));
    expect(d.world.money().deals).toBe(fil(2n));
    d.check();
  });

  it("takes no money that nobody could take out, and no empty deposit", () => {
    const { send } = d.world;
    const other = { miner: alice.address };
    const value = fil(1n);
    const call = send.call(d.world, bob, d.market, "market.addBalance", other, { value });
    expect(call.exitCode).toBe(x.unknownMiner);
    expect(d.deposit(bob, attoFil(0n)).exitCode).toBe(x.nothingDeposited);
    expect(d.world.balance(bob.address)).toBe(openingBalance);
  });

  it("pays out what is free and not what is locked, nor a negative amount", () => {
    d.published();
    expect(d.withdraw(bob, 1n).exitCode).toBe(x.insufficientEscrow);
    expect(d.withdraw(owner, 1n, true).exitCode).toBe(x.insufficientEscrow);
    d.deposit(bob, fil(1n));
    expect(d.withdraw(bob, -1n).exitCode).toBe(x.insufficientEscrow);
    expect(d.withdraw(bob, fil(1n)).exitCode).toBe(0);
    d.check();
  });
});

describe("publishDeals", () => {
  it("locks what both sides answer with", () => {
    const terms = d.published();
    const { provider, client } = dealNumbers;
    expect(d.escrowOf(bob)).toEqual({ escrow: client, locked: client });
    expect(d.escrowOf("miner")).toEqual({ escrow: provider, locked: provider });
    expect(d.deal(terms)).toMatchObject({ status: "published", activatedAt: null, signer: bob.address });
    expect(d.world.ask(d.market, "market.getDeal", terms).returns?.status).toBe("published");
    d.check();
  });

  it("is for the miner's worker and owner", () => {
    d.deposit(bob, fil(1n));
    d.deposit(owner, fil(4n), true);
    const terms = d.terms(d.openChannel());
    expect(d.publish(terms, { from: alice }).exitCode).toBe(x.notWorker);
    expect(d.publish(terms, { from: owner }).exitCode).toBe(0);
  });

  it("takes only what the client has signed", () => {
    d.deposit(bob, fil(1n));
    const terms = d.terms(d.openChannel());
    const given = { signer: alice, value: fil(4n) };
    expect(d.publish(terms, given).exitCode).toBe(x.dealSignatureInvalid);
    expect(d.world.balance(d.market)).toBe(fil(1n));
  });

  it("takes no terms of another miner, without pieces, or with impossible times", () => {
    d.deposit(bob, fil(9n));
    const terms = d.terms(d.openChannel());
    const wrong = [
      { miner: d.world.blockMiner },
      { pieces: [] },
      { endHeight: terms.startHeight },
      { startBy: epoch(terms.endHeight + 1) },
      { endHeight: epoch(d.world.height + testParams.maxSectorLifetimeEpochs + 9) },
      { totalPrice: attoFil(0n) },
    ];
    for (const over of wrong) {
      expect(d.publish({ ...terms, ...over }, { value: fil(4n) }).exitCode).toBe(x.dealInvalid);
    }
    expect(d.publish([]).exitCode).toBe(x.dealInvalid);
    const other = d.world.send(worker, d.market, "market.publishDeals", { miner: alice.address, deals: [] });
    expect(other.exitCode).toBe(x.unknownMiner);
  });

  it("is too late after the start deadline", () => {
    d.deposit(bob, fil(1n));
    const terms = d.terms(d.openChannel());
    d.world.mineTo(terms.startBy);
    expect(d.publish(terms, { value: fil(4n) }).exitCode).toBe(x.dealTooLate);
  });

  it("asks for the network's least collaterals, rounded up", () => {
    const terms = d.terms(d.openChannel());
    d.deposit(bob, fil(1n));
    const { minProviderCollateralPercent: provider, minClientCollateralPercent: client } = testParams;
    const least = {
      providerCollateral: percentOf(terms.totalPrice, provider),
      clientCollateral: percentOf(terms.totalPrice, client),
    };
    const value = least.providerCollateral;
    for (const over of [
      { ...least, providerCollateral: attoFil(least.providerCollateral - 1n) },
      { ...least, clientCollateral: attoFil(least.clientCollateral - 1n) },
    ]) {
      expect(d.publish({ ...terms, ...over }, { value }).exitCode).toBe(x.collateralTooSmall);
    }
    expect(d.publish({ ...terms, ...least }, { value }).exitCode).toBe(0);
    expect(percentOf(attoFil(1n), 1)).toBe(1n);
  });

  it("asks both sides for free escrow", () => {
    const terms = d.terms(d.openChannel());
    expect(d.publish(terms, { value: fil(4n) }).exitCode).toBe(x.insufficientEscrow);
    d.deposit(bob, fil(1n));
    expect(d.publish(terms, { value: attoFil(fil(4n) - 1n) }).exitCode).toBe(x.insufficientEscrow);
    expect(d.publish(terms, { value: fil(4n) }).exitCode).toBe(0);
    // The escrow that one deal has locked is not there for another.
    const second = d.terms(d.openChannel());
    expect(d.publish(second, { value: fil(4n) }).exitCode).toBe(x.insufficientEscrow);
  });

  it("takes no channel that pays another, too little, too short, no more, or twice", () => {
    d.deposit(bob, fil(9n));
    const value = fil(4n);
    const unfit = [
      d.openChannel(bob, { target: alice }),
      d.openChannel(bob, { value: attoFil(dealNumbers.price - 1n) }),
      d.openChannel(bob, { eol: d.world.height + dealNumbers.epochs + settlement }),
    ];
    const cancelled = d.openChannel();
    d.cancelChannel(cancelled);
    for (const channel of [...unfit, cancelled]) {
      expect(d.publish(d.terms(channel), { value }).exitCode).toBe(x.channelUnfit);
    }
    expect(d.publish(d.terms(channelId(999)), { value }).exitCode).toBe(x.channelNotFound);
    const channel = d.openChannel();
    expect(d.publish(d.terms(channel), { value }).exitCode).toBe(0);
    expect(d.publish(d.terms(channel), { value }).exitCode).toBe(x.dealExists);
  });

  it("takes all deals of a list or none", () => {
    d.deposit(bob, fil(2n));
    const [first, second] = [d.terms(d.openChannel()), d.terms(d.openChannel())];
    const bad = { ...second, pieces: [] };
    expect(d.publish([first, bad], { value: fil(8n) }).exitCode).toBe(x.dealInvalid);
    expect(d.deal(first)).toBeUndefined();
    expect(d.publish([first, second], { value: fil(8n) }).returns).toHaveLength(2);
    d.check();
  });

  it("does not take the same terms twice, however the first deal ended", () => {
    const terms = d.active();
    expect(d.release(terms).exitCode).toBe(0);
    d.deposit(bob, fil(1n));
    expect(d.publish(terms, { value: fil(4n) }).exitCode).toBe(x.dealExists);
    d.world.mineTo(terms.startBy);
    expect(d.publish(terms, { value: fil(4n) }).exitCode).toBe(x.dealTooLate);
  });
});

describe("activateDeal", () => {
  it("starts a deal whose pieces are in healthy sectors that live to its end", () => {
    const terms = d.published();
    expect(d.activate(terms).exitCode).toBe(0);
    expect(d.deal(terms)).toMatchObject({ status: "active", activatedAt: d.world.height, sectors: [1] });
    const [asked] = d.world.verifier.inclusions;
    expect(asked).toMatchObject({ commP: hash32("piece"), paddedBytes: 512, commD: hash32("commD 1") });
    d.check();
  });

  it("is refused for strangers, bad proofs, missing or faulty sectors, and lives that are too short", () => {
    const terms = d.published();
    expect(d.activate(terms, [1], bob).exitCode).toBe(x.notWorker);
    expect(d.activate(terms, []).exitCode).toBe(x.invalidParams);
    expect(d.activate(terms, [1], worker, badProof).exitCode).toBe(x.inclusionProofInvalid);
    expect(d.activate(terms, [7]).exitCode).toBe(x.sectorNotFound);
    const long = d.published({ endHeight: epoch(d.world.height + 300), startBy: epoch(d.world.height + 50) });
    d.addSector(2, { expiration: epoch(long.endHeight - 1) });
    expect(d.activate(long, [2]).exitCode).toBe(x.expirationOutOfRange);
    while (d.declareFaults([1]).exitCode !== 0) d.world.mineTo(d.world.height + 1);
    expect(d.activate(long, [1]).exitCode).toBe(x.sectorNotActive);
    expect(d.activate({ client: bob.address, channel: channelId(1) }).exitCode).toBe(x.dealNotFound);
    d.check();
  });

  it("happens once, and not after the start deadline", () => {
    const first = d.active();
    expect(d.activate(first).exitCode).toBe(x.dealNotPublished);
    const late = d.published();
    d.world.mineTo(late.startBy);
    expect(d.activate(late).exitCode).toBe(x.dealNotPublished);
    const slow = fresh({ dealsPerTick: 1 });
    const all = [slow.published(), slow.published()];
    slow.world.mineTo(Math.max(...all.map(({ startBy }) => startBy)));
    const codes = all.map((terms) => slow.activate(terms).exitCode);
    expect(codes.every((code) => code === x.dealTooLate || code === x.dealNotPublished)).toBe(true);
  });
});

describe("a published deal that does not start", () => {
  it("costs the provider a share, half for the client and half burnt, and gives all else back", () => {
    const terms = d.published();
    const { provider, client } = dealNumbers;
    const burntBefore = d.world.money().burnt;
    d.keepTo(terms.startBy);
    expect(d.deal(terms)?.status).toBe("published");
    d.world.mineTo(terms.startBy + 1);
    const lost = percentOf(provider, testParams.lateStartPercent);
    expect(d.deal(terms)).toMatchObject({ status: "late", endedAt: terms.startBy + 1 });
    expect(d.escrowOf("miner")).toEqual({ escrow: provider - lost, locked: 0n });
    expect(d.escrowOf(bob)).toEqual({ escrow: client + lost / 2n, locked: 0n });
    expect(d.world.money().burnt).toBeGreaterThanOrEqual(burntBefore + lost / 2n);
    d.check();
  });

  it("costs nothing when the chain stood still at the deadline", () => {
    const terms = d.published();
    d.world.skipTo(terms.startBy + 30);
    expect(d.deal(terms)?.status).toBe("late");
    expect(d.escrowOf("miner")).toEqual({ escrow: dealNumbers.provider, locked: 0n });
    d.check();
  });
});

describe("the end of an active deal", () => {
  it("releases both collaterals, and the record goes after the last redemption", () => {
    const terms = d.active();
    d.keepTo(terms.endHeight - 1);
    expect(d.deal(terms)?.status).toBe("active");
    d.keepTo(terms.endHeight);
    expect(d.deal(terms)).toMatchObject({ status: "complete", endedAt: terms.endHeight });
    expect(d.escrowOf("miner")).toEqual({ escrow: dealNumbers.provider, locked: 0n });
    expect(d.escrowOf(bob)).toEqual({ escrow: dealNumbers.client, locked: 0n });
    d.check();
    d.keepTo(terms.endHeight + settlement);
    expect(d.deal(terms)).toBeUndefined();
    d.check();
    expect(d.book.queue.count).toBe(0);
  });

  it("is not hindered by faults that the sectors' rules tolerate", () => {
    const terms = d.active();
    while (d.declareFaults([1]).exitCode !== 0) d.world.mineTo(d.world.height + 1);
    d.world.mineTo(terms.endHeight);
    expect(d.sector(1)?.faultySince).not.toBeNull();
    expect(d.deal(terms)?.status).toBe("complete");
    expect(d.escrowOf("miner")).toEqual({ escrow: dealNumbers.provider, locked: 0n });
    d.check();
  });

  it("is the same when a full queue lets it wait", () => {
    const slow = fresh({ dealsPerTick: 1 });
    slow.addSector(1);
    slow.keepTo(2 * testParams.provingPeriodEpochs);
    const end = epoch(slow.world.height + 80);
    const startBy = epoch(slow.world.height + 30);
    const all = [1, 2, 3].map(() => {
      slow.keepTo(slow.world.height + 1);
      return slow.active({ endHeight: end, startBy });
    });
    slow.keepTo(end);
    const done = () => all.filter((terms) => slow.deal(terms)?.status === "complete").length;
    expect(done()).toBe(1);
    // A sector that goes while the second waits was there to the end.
    slow.terminateSoon(1);
    slow.world.mineTo(end + 10);
    expect(done()).toBe(3);
    expect(slow.escrowOf("miner")).toEqual({ escrow: 3n * dealNumbers.provider, locked: 0n });
    slow.check();
  });
});
