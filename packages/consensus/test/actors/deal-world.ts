/** Deals in a test chain: bob pays by alice's or his own channel, the miner of `owner` keeps the pieces. */
import type { AttoFil, ChannelId } from "@holdfast/base";
import {
  Amt,
  assert,
  attoFil,
  epoch,
  filToAtto,
  getObject,
  rawCid,
  sectorId,
  signRecoverable,
  utf8Bytes,
} from "@holdfast/base";
import type { Deal, DealRef, DealTerms, Voucher } from "@holdfast/consensus";
import {
  allDeals,
  DealBook,
  dealExtensionSigningBytes,
  dealIdOfTerms,
  dealPredicate,
  dealReleaseSigningBytes,
  dealTermsSigningBytes,
  marketStateCodec,
  queuedDealCodec,
  readActor,
  readDeal,
  readDealLoss,
  readEscrow,
  signVoucher,
  watchesSectors,
  windowAt,
} from "@holdfast/consensus";
import { MinerWorld } from "./miner-world.ts";
import { type Account, bob, goodProof, hash32, owner, testNetworkId, type World, worker } from "./world.ts";

const fil = filToAtto;

/** 10 FIL for 60 epochs, 4 FIL of the provider and 1 FIL of the client. */
export const dealNumbers = {
  price: fil(10n),
  provider: fil(4n),
  client: fil(1n),
  startWithin: 20,
  epochs: 60,
} as const;

export class DealWorld extends MinerWorld {
  get market() {
    return this.world.builtins.market;
  }

  openChannel(
    client: Account = bob,
    over: { value?: AttoFil; eol?: number; target?: Account } = {},
  ): ChannelId {
    const { value = dealNumbers.price, eol = 450, target = owner } = over;
    const params = { target: target.address, eol: epoch(eol) };
    const { broker } = this.world.builtins;
    const { returns, text } = this.world.send(client, broker, "broker.createChannel", params, { value });
    if (returns === undefined) throw new RangeError(text);
    return returns;
  }

  deposit(from: Account, value: AttoFil, ofMiner = false) {
    const miner = ofMiner ? this.miner : null;
    return this.world.send(from, this.market, "market.addBalance", { miner }, { value });
  }
  withdraw(from: Account, amount: bigint, ofMiner = false) {
    const params = { miner: ofMiner ? this.miner : null, amount: attoFil(amount) };
    return this.world.send(from, this.market, "market.withdrawBalance", params);
  }
  escrowOf(who: Account | "miner") {
    const party = who === "miner" ? this.miner : who.address;
    return readEscrow(this.world.store, this.world.state, party);
  }

  terms(channel: ChannelId, over: Partial<DealTerms> = {}): DealTerms {
    const { height } = this.world;
    const { price, provider, client, startWithin, epochs } = dealNumbers;
    return {
      client: bob.address,
      miner: this.miner,
      payload: rawCid(utf8Bytes("a file")),
      pieces: [{ commP: hash32("piece"), paddedBytes: 512 }],
      startHeight: epoch(height),
      startBy: epoch(height + startWithin),
      endHeight: epoch(height + epochs),
      totalPrice: price,
      clientCollateral: client,
      providerCollateral: provider,
      channel,
      ...over,
    };
  }

  publish(
    all: DealTerms | readonly DealTerms[],
    { from = worker, signer = bob, value }: { from?: Account; signer?: Account; value?: AttoFil } = {},
  ) {
    const list: readonly DealTerms[] = "client" in all ? [all] : all;
    const deals = list.map((terms) => ({
      terms,
      signature: signRecoverable(signer.privateKey, dealTermsSigningBytes(terms, testNetworkId)),
    }));
    const options = value === undefined ? {} : { value };
    return this.world.send(from, this.market, "market.publishDeals", { miner: this.miner, deals }, options);
  }

  activate(ref: DealRef, ids: readonly number[] = [1], from: Account = worker, proof = goodProof) {
    const locations = ids.map((id) => ({ sectorId: sectorId(id), proof }));
    const { client, channel } = ref;
    return this.world.send(from, this.market, "market.activateDeal", { client, channel, locations });
  }

  extend(
    ref: DealRef,
    over: {
      endHeight: number;
      totalPrice?: AttoFil;
      clientCollateral?: bigint;
      providerCollateral?: bigint;
      validUntil?: number;
      signer?: Account;
      from?: Account;
      value?: AttoFil;
    },
  ) {
    const { client, channel } = ref;
    const found = this.deal(ref);
    const terms = {
      endHeight: epoch(over.endHeight),
      totalPrice: over.totalPrice ?? dealNumbers.price,
      clientCollateral: attoFil(over.clientCollateral ?? found?.clientCollateral ?? 0n),
      providerCollateral: attoFil(over.providerCollateral ?? found?.providerCollateral ?? 0n),
      validUntil: epoch(over.validUntil ?? 400),
    };
    const deal = found?.id ?? rawCid(utf8Bytes("none"));
    const bytes = dealExtensionSigningBytes({ deal, ...terms }, testNetworkId);
    const signature = signRecoverable((over.signer ?? bob).privateKey, bytes);
    const given = { client, channel, ...terms, signature };
    const options = over.value === undefined ? {} : { value: over.value };
    return this.world.send(over.from ?? worker, this.market, "market.extendDeal", given, options);
  }

  release(ref: DealRef, over: { validUntil?: number; signer?: Account; from?: Account } = {}) {
    const { client, channel } = ref;
    const deal = this.deal(ref)?.id ?? rawCid(utf8Bytes("none"));
    const validUntil = epoch(over.validUntil ?? 400);
    const bytes = dealReleaseSigningBytes({ deal, validUntil }, testNetworkId);
    const signature = signRecoverable((over.signer ?? bob).privateKey, bytes);
    const given = { client, channel, validUntil, signature };
    return this.world.send(over.from ?? worker, this.market, "market.releaseDeal", given);
  }

  report({ client, channel }: DealRef, from: Account = worker) {
    return this.world.send(from, this.market, "market.reportCancelledChannel", { client, channel });
  }
  settle(refs: readonly DealRef[], from: Account = bob) {
    const deals = refs.map(({ client, channel }) => ({ client, channel }));
    return this.world.send(from, this.market, "market.settleDeals", { deals });
  }
  cancelChannel(channel: ChannelId, from: Account = bob) {
    return this.world.send(from, this.world.builtins.broker, "broker.cancel", { channel });
  }
  terminate(id: number) {
    return this.world.send(worker, this.miner, "miner.terminateSectors", { sectorIds: [sectorId(id)] });
  }
  /** Ends a sector as soon as its deadline lets it. */
  terminateSoon(id: number): void {
    for (let tries = 0; tries < 60; tries += 1) if (this.terminate(id).exitCode === 0) return;
    throw new RangeError(`sector ${id} cannot be terminated`);
  }

  voucher(terms: DealTerms, amount: AttoFil, over: Partial<Voucher> = {}): Voucher {
    return signVoucher(bob.privateKey, testNetworkId, {
      payer: terms.client,
      channel: terms.channel,
      target: owner.address,
      amount,
      validAt: epoch(0),
      condition: dealPredicate(1, terms),
      ...over,
    });
  }
  redeem(voucher: Voucher, redeemerParams = new Uint8Array(0)) {
    const params = { voucher, redeemerParams };
    return this.world.send(owner, this.world.builtins.broker, "broker.redeem", params);
  }

  deal({ client, channel }: DealRef): Deal | undefined {
    return readDeal(this.world.store, this.world.state, { client, channel });
  }
  lossOf(deal: Deal): number | null {
    return readDealLoss(this.world.store, this.world.state, deal);
  }

  /** Sector 1 exists, both sides have escrow, and a deal is published. */
  published(over: Partial<DealTerms> = {}): DealTerms {
    if (this.preCommit(1).exitCode === 0) this.#commitFirst();
    const terms = this.terms(this.openChannel(), over);
    this.deposit(bob, terms.clientCollateral);
    const { exitCode, text } = this.publish(terms, { value: terms.providerCollateral });
    if (exitCode !== 0) throw new RangeError(text);
    assert(this.deal(terms)?.id.equals(dealIdOfTerms(terms)) === true, "a deal is found by its terms' CID");
    return terms;
  }
  #commitFirst(): void {
    this.waitForChallenge();
    const { exitCode, text } = this.commit(1);
    if (exitCode !== 0) throw new RangeError(text);
  }
  active(over: Partial<DealTerms> = {}): DealTerms {
    const terms = this.published(over);
    const { exitCode, text } = this.activate(terms);
    if (exitCode !== 0) throw new RangeError(text);
    return terms;
  }

  /** Makes blocks up to a height and proves every window on the way. */
  keepTo(height: number): void {
    while (this.world.height < height) {
      const window = windowAt(this.world.params, this.miner, epoch(this.world.height + 1));
      const isOpen = window !== null && this.world.height + 1 <= window.lastEpoch;
      if (isOpen && this.sectors().length > 0) this.post();
      else this.world.mineTo(this.world.height + 1);
    }
  }

  get book(): DealBook {
    const { store, state } = this.world;
    const head = readActor(store, state, this.market)?.head;
    assert(head !== undefined && head !== null, "the market has a state");
    return new DealBook(store, getObject(store, marketStateCodec, head).deals);
  }

  /** Money, and that every deal stands in the queue and every sector is watched as often as deals need it. */
  check(): void {
    const { deals } = this.world.money();
    assert(this.world.balance(this.market) === deals, "the market holds what it owes and no more");
    const { book } = this;
    const queued = new Set<string>();
    for (const [at, root] of book.queue.entries()) {
      for (const [, one] of Amt.load(this.world.store, queuedDealCodec, root).entries()) {
        queued.add(`${at} ${one.client} ${one.channel} ${one.id}`);
      }
    }
    const watched = new Map<string, number>();
    for (const { ref, deal } of allDeals(book)) {
      const place = `${deal.queuedAt} ${ref.client} ${ref.channel} ${deal.id}`;
      assert(queued.has(place), "a deal stands in the queue where it says");
      if (!watchesSectors(deal)) continue;
      for (const key of [`${deal.miner}`, ...deal.sectors.map((id) => `${deal.miner} ${id}`)]) {
        watched.set(key, (watched.get(key) ?? 0) + 1);
      }
    }
    const counts = [...book.watched.entries()].map(([, { deals: count }]) => count);
    assert(counts.length === watched.size, "what no deal depends on is not watched");
    const expected = [...watched.values()].sort((a, b) => a - b);
    assert(
      counts.sort((a, b) => a - b).every((count, i) => count === expected[i]),
      "a sector is watched as often as deals depend on it",
    );
  }
}

/** A world with a miner, and its deals. */
export function createDealWorld(world: World, miner: MinerWorld["miner"]): DealWorld {
  return new DealWorld(world, miner);
}
