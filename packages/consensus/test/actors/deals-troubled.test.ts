/** Deals that do not simply go to their end, rule by rule: loss, breach, changes; and their vouchers. */
import { attoFil, epoch, filToAtto } from "@holdfast/base";
import {
  dealPredicate,
  dealSettlementEpochs,
  none,
  releasePredicate,
  signBlock,
  vmExitCodes as x,
} from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createDealWorld, type DealWorld, dealNumbers } from "./deal-world.ts";
import { alice, bob, createMiner, hash32, owner, testNetworkId, testParams, World, worker } from "./world.ts";

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

describe("a lost sector", () => {
  it("that its miner terminates slashes the provider: a part for the client, the rest burnt", () => {
    const terms = d.active();
    d.terminateSoon(1);
    const lostAt = d.world.height;
    const deal = d.deal(terms);
    if (deal === undefined) throw new RangeError("there is a deal");
    expect(d.lossOf(deal)).toBe(lostAt);
    const before = d.world.money().burnt;
    expect(d.settle([terms]).returns).toBe(1);
    expect(d.deal(terms)).toMatchObject({ status: "lost", endedAt: d.world.height });
    const { provider, client } = dealNumbers;
    expect(d.escrowOf("miner")).toEqual({ escrow: 0n, locked: 0n });
    expect(d.escrowOf(bob)).toEqual({ escrow: client + provider / 2n, locked: 0n });
    expect(d.world.money().burnt - before).toBe(provider / 2n);
    expect(d.settle([terms]).returns).toBe(0);
    d.check();
    d.world.mineTo(terms.endHeight + settlement);
    expect(d.deal(terms)).toBeUndefined();
    d.check();
  });

  it("is settled by the tick at the latest at the deal's end", () => {
    const terms = d.active();
    d.keepTo(terms.startBy + 1);
    d.terminateSoon(1);
    d.world.mineTo(terms.endHeight - 1);
    expect(d.deal(terms)?.status).toBe("active");
    d.world.mineTo(terms.endHeight);
    expect(d.deal(terms)?.status).toBe("lost");
    d.check();
  });

  it("that stays faulty until it is given up is lost too", () => {
    const e = fresh();
    e.addSector(1);
    const endHeight = epoch(e.world.height + 380);
    const channel = e.openChannel(bob, { eol: 600 });
    const terms = e.terms(channel, { endHeight });
    e.deposit(bob, fil(1n));
    e.publish(terms, { value: fil(4n) });
    expect(e.activate(terms).exitCode).toBe(0);
    e.world.mineTo(e.world.height + 16 * testParams.provingPeriodEpochs);
    expect(e.sector(1)).toBeUndefined();
    expect(e.deal(terms)?.status).toBe("active");
    expect(e.settle([terms], alice).returns).toBe(1);
    expect(e.deal(terms)?.status).toBe("lost");
    e.check();
  });

  it("one of several is enough", () => {
    d.addSector(1);
    d.addSector(2);
    const pieces = ["a", "b"].map((name) => ({ commP: hash32(name), paddedBytes: 512 }));
    const terms = d.published({ pieces });
    expect(d.activate(terms, [2, 1]).exitCode).toBe(0);
    expect(d.deal(terms)?.sectors).toEqual([1, 2]);
    d.terminateSoon(2);
    expect(d.settle([terms]).returns).toBe(1);
    expect(d.deal(terms)?.status).toBe("lost");
    d.check();
  });

  it("all of them are lost by a consensus fault, and new deals wait until the lost ones are settled", () => {
    const terms = d.active();
    const header = (parentWeight: bigint) =>
      signBlock(worker.privateKey, testNetworkId, {
        miner: d.miner,
        height: d.world.height,
        parents: [],
        parentWeight,
        parentState: d.world.state,
        ticket: new Uint8Array(96),
        electionProof: new Uint8Array(96),
        winningPost: new Uint8Array(10),
        stateRoot: d.world.state,
        messages: d.world.state,
        receipts: d.world.state,
        timestampMs: 1,
      });
    const params = { first: header(1n), second: header(2n), witness: null };
    expect(d.world.send(alice, d.miner, "miner.reportConsensusFault", params).exitCode).toBe(0);
    d.addSector(2);
    const next = d.published();
    expect(d.activate(next, [2]).exitCode).toBe(x.minerSlashed);
    expect(d.settle([terms]).returns).toBe(1);
    expect(d.deal(terms)?.status).toBe("lost");
    expect(d.activate(next, [2]).exitCode).toBe(0);
    d.check();
  });
});

describe("reportCancelledChannel", () => {
  it("gives the client's collateral to the miner, who owes nothing more", () => {
    const terms = d.active();
    d.cancelChannel(terms.channel);
    expect(d.report(terms, alice).exitCode).toBe(x.notWorker);
    expect(d.report(terms).exitCode).toBe(0);
    const { provider, client } = dealNumbers;
    expect(d.deal(terms)?.status).toBe("broken");
    expect(d.escrowOf("miner")).toEqual({ escrow: provider + client, locked: 0n });
    expect(d.escrowOf(bob)).toEqual({ escrow: 0n, locked: 0n });
    expect(d.report(terms).exitCode).toBe(x.dealNotActive);
    d.terminateSoon(1);
    expect(d.settle([terms]).returns).toBe(0);
    d.check();
  });

  it("frees a miner whose deal was published only", () => {
    const terms = d.published();
    d.cancelChannel(terms.channel);
    expect(d.report(terms).exitCode).toBe(0);
    d.world.mineTo(terms.startBy + 1);
    expect(d.escrowOf("miner").escrow).toBe(dealNumbers.provider + dealNumbers.client);
    d.check();
  });

  it("finds no fault in a client that keeps its channel, or whose deal is lost, late or over", () => {
    const kept = d.active();
    expect(d.report(kept).exitCode).toBe(x.channelKept);
    const late = d.published();
    d.keepTo(late.startBy + 1);
    d.cancelChannel(late.channel);
    expect(d.report(late).exitCode).toBe(x.dealNotActive);
    d.terminateSoon(1);
    d.cancelChannel(kept.channel);
    expect(d.report(kept).exitCode).toBe(x.dealLost);
    const e = fresh();
    const over = e.active();
    e.keepTo(over.endHeight);
    e.cancelChannel(over.channel);
    expect(e.report(over).exitCode).toBe(x.dealNotActive);
    d.check();
  });

  it("takes a channel that is gone as no proof: the miner can close it", () => {
    const terms = d.active();
    const voucher = d.voucher(terms, fil(1n));
    const params = { voucher, redeemerParams: new Uint8Array(0) };
    expect(d.world.send(owner, d.world.builtins.broker, "broker.close", params).exitCode).toBe(0);
    expect(d.report(terms).exitCode).toBe(x.channelNotFound);
    expect(d.deal(terms)?.status).toBe("active");
  });
});

describe("extendDeal", () => {
  it("moves the end when sectors and channel last as long, for a greater price", () => {
    const terms = d.active();
    const endHeight = terms.endHeight + 40;
    expect(d.extend(terms, { endHeight }).exitCode).toBe(0);
    d.keepTo(terms.endHeight);
    expect(d.deal(terms)).toMatchObject({ status: "active", endHeight });
    d.check();
    d.keepTo(endHeight);
    expect(d.deal(terms)?.status).toBe("complete");
    d.check();
  });

  it("locks more of both for a greater price, and its vouchers are worth nothing before it is made", () => {
    const terms = d.active();
    // Every message takes a block; the sector is proven in between.
    const keep = (): void => d.keepTo(d.world.height + 1);
    const { client, provider } = dealNumbers;
    const { broker } = d.world.builtins;
    const endHeight = terms.endHeight + 40;
    const totalPrice = attoFil(terms.totalPrice * 2n);
    const more = { endHeight, totalPrice, clientCollateral: 2n * client, providerCollateral: 2n * provider };
    const longer = { channel: terms.channel, eol: epoch(460) };
    d.world.send(bob, broker, "broker.extend", longer, { value: totalPrice });
    keep();
    const condition = dealPredicate(1, terms, epoch(endHeight));
    const later = d.voucher(terms, fil(9n), { condition });
    expect(d.extend(terms, more).exitCode).toBe(x.insufficientEscrow);
    d.deposit(bob, client);
    keep();
    expect(d.extend(terms, more).exitCode).toBe(x.insufficientEscrow);
    expect(d.extend(terms, { ...more, providerCollateral: 0n }).exitCode).toBe(x.amendmentInvalid);
    keep();
    expect(d.redeem(later).exitCode).toBe(x.conditionNotMet);
    keep();
    expect(d.extend(terms, { ...more, value: provider })).toMatchObject({ exitCode: 0 });
    expect(d.escrowOf("miner")).toEqual({ escrow: 2n * provider, locked: 2n * provider });
    expect(d.escrowOf(bob)).toEqual({ escrow: 2n * client, locked: 2n * client });
    d.check();
    keep();
    expect(d.redeem(later)).toMatchObject({ exitCode: 0, returns: fil(9n) });
    d.keepTo(endHeight);
    expect(d.escrowOf("miner").locked).toBe(0n);
    expect(d.escrowOf(bob).locked).toBe(0n);
    d.check();
  });

  it("is refused where it is not agreed, not paid, not possible, or too late", () => {
    const terms = d.active();
    const endHeight = terms.endHeight + 40;
    expect(d.extend(terms, { endHeight, signer: alice }).exitCode).toBe(x.dealSignatureInvalid);
    expect(d.extend(terms, { endHeight, from: bob }).exitCode).toBe(x.notWorker);
    expect(d.extend(terms, { endHeight, validUntil: d.world.height }).exitCode).toBe(x.amendmentInvalid);
    expect(d.extend(terms, { endHeight: terms.endHeight }).exitCode).toBe(x.amendmentInvalid);
    const cheaper = attoFil(terms.totalPrice - 1n);
    expect(d.extend(terms, { endHeight, totalPrice: cheaper }).exitCode).toBe(x.amendmentInvalid);
    const dearer = attoFil(terms.totalPrice + 1n);
    expect(d.extend(terms, { endHeight, totalPrice: dearer }).exitCode).toBe(x.channelUnfit);
    const tooDear = attoFil(terms.totalPrice * 9n);
    expect(d.extend(terms, { endHeight, totalPrice: tooDear }).exitCode).toBe(x.collateralTooSmall);
    expect(d.extend(terms, { endHeight: 440 }).exitCode).toBe(x.channelUnfit);
    const longer = { channel: terms.channel, eol: epoch(900) };
    d.world.send(bob, d.world.builtins.broker, "broker.extend", longer);
    const life = d.sector(1)?.expiration ?? 0;
    expect(d.extend(terms, { endHeight: life + 1 }).exitCode).toBe(x.expirationOutOfRange);
    d.terminateSoon(1);
    expect(d.extend(terms, { endHeight }).exitCode).toBe(x.dealLost);
    d.keepTo(terms.endHeight);
    expect(d.extend(terms, { endHeight: endHeight + 50 }).exitCode).toBe(x.dealNotActive);
    d.check();
  });
});

describe("releaseDeal", () => {
  it("gives both theirs back when both want it, published or active", () => {
    for (const terms of [d.published(), d.active()]) {
      expect(d.release(terms).exitCode).toBe(0);
      expect(d.deal(terms)?.status).toBe("released");
      expect(d.release(terms).exitCode).toBe(x.dealNotActive);
    }
    expect(d.escrowOf("miner")).toEqual({ escrow: 2n * dealNumbers.provider, locked: 0n });
    expect(d.escrowOf(bob)).toEqual({ escrow: 2n * dealNumbers.client, locked: 0n });
    d.terminateSoon(1);
    d.world.mineTo(d.world.height + 120);
    expect(d.escrowOf("miner").escrow).toBe(2n * dealNumbers.provider);
    d.check();
  });

  it("needs the client's signature, in its time, and a deal that is not lost", () => {
    const terms = d.active();
    expect(d.release(terms, { signer: worker }).exitCode).toBe(x.dealSignatureInvalid);
    expect(d.release(terms, { validUntil: d.world.height }).exitCode).toBe(x.amendmentInvalid);
    expect(d.release(terms, { from: bob }).exitCode).toBe(x.notWorker);
    d.terminateSoon(1);
    expect(d.release(terms).exitCode).toBe(x.dealLost);
  });
});

describe("verifyDeal, the condition of a deal's vouchers", () => {
  it("pays while the deal is active and its sectors are healthy, and to the end of the settlement", () => {
    const terms = d.published();
    expect(d.redeem(d.voucher(terms, fil(1n))).exitCode).toBe(x.conditionNotMet);
    d.activate(terms);
    expect(d.redeem(d.voucher(terms, fil(1n))).returns).toBe(fil(1n));
    expect(d.redeem(d.voucher(terms, fil(2n)), Uint8Array.of(0)).exitCode).toBe(x.conditionNotMet);
    d.keepTo(terms.endHeight + settlement - 1);
    expect(d.redeem(d.voucher(terms, fil(2n))).exitCode).toBe(x.conditionNotMet);
    const e = fresh();
    const other = e.active();
    e.keepTo(other.endHeight + 5);
    expect(e.redeem(e.voucher(other, fil(10n))).returns).toBe(fil(10n));
    e.check();
  });

  it("waits while a sector is faulty", () => {
    const terms = d.active();
    while (d.declareFaults([1]).exitCode !== 0) d.world.mineTo(d.world.height + 1);
    expect(d.redeem(d.voucher(terms, fil(1n))).exitCode).toBe(x.conditionNotMet);
    while (d.declareRecovery([1]).exitCode !== 0) d.world.mineTo(d.world.height + 1);
    d.mineToWindow();
    d.post();
    expect(d.redeem(d.voucher(terms, fil(1n))).exitCode).toBe(0);
  });

  it("pays nothing for a lost, broken or released deal, nor for another deal on the same channel", () => {
    const lost = d.active();
    d.terminateSoon(1);
    expect(d.redeem(d.voucher(lost, fil(1n))).exitCode).toBe(x.conditionNotMet);
    d.addSector(2);
    const gone = d.published();
    d.activate(gone, [2]);
    const other = d.voucher({ ...gone, totalPrice: fil(9n) }, fil(1n));
    expect(d.redeem(other).exitCode).toBe(x.conditionNotMet);
    d.release(gone);
    expect(d.redeem(d.voucher(gone, fil(1n))).exitCode).toBe(x.conditionNotMet);
  });

  it("pays for a complete deal whose sectors came to the end of their life", () => {
    d.addSector(1, { expiration: epoch(d.world.height + 75) });
    const terms = d.published();
    d.activate(terms);
    const expiration = d.sector(1)?.expiration ?? 0;
    d.keepTo(expiration + testParams.provingPeriodEpochs);
    expect(d.sector(1)).toBeUndefined();
    expect(d.deal(terms)?.status).toBe("complete");
    expect(d.redeem(d.voucher(terms, fil(10n))).returns).toBe(fil(10n));
    d.check();
  });
});

describe("verifyRelease, the condition of the voucher that settles a released deal", () => {
  it("holds when both have ended the deal, and for no other end", () => {
    const terms = d.active();
    const last = d.voucher(terms, fil(3n), { condition: releasePredicate(1, terms) });
    expect(d.redeem(last).exitCode).toBe(x.conditionNotMet);
    expect(d.release(terms).exitCode).toBe(0);
    expect(d.redeem(d.voucher(terms, fil(4n))).exitCode).toBe(x.conditionNotMet);
    expect(d.redeem(last).returns).toBe(fil(3n));
    const e = fresh();
    const lost = e.active();
    e.terminateSoon(1);
    e.settle([lost]);
    const never = e.voucher(lost, fil(3n), { condition: releasePredicate(1, lost) });
    expect(e.redeem(never).exitCode).toBe(x.conditionNotMet);
  });
});

describe("sectorsLost", () => {
  it("is for recorded miners only", () => {
    const { exitCode } = d.world.send(alice, d.market, "market.sectorsLost", { sectorIds: null });
    expect(exitCode).toBe(x.unknownMiner);
    expect(d.world.ask(d.market, "market.getTotalPower", none).exitCode).toBe(0);
  });
});
