/**
 * The market's book of deals: who has how much in escrow, the deals by their channel, the queue of what is due, and
 * the sectors on which deals depend. Invariants: `escrow` is the sum of all accounts, and what an account has
 * locked is what its published and active deals hold; a deal stands in the queue at its `queuedAt` (entries at other
 * epochs are stale and passed over); a watched sector, or miner, counts the started deals that depend on it.
 */
import type { Address, AttoFil, Blockstore, ChannelId, CID, Codec, Epoch, SectorId } from "@holdfast/base";
import {
  Amt,
  addAtto,
  addressBytes,
  assert,
  bigEndian,
  c,
  concatBytes,
  getObject,
  Hamt,
  putObject,
  subAtto,
  zeroAtto,
} from "@holdfast/base";
import { maxDealPieces } from "../../types/deal.ts";

/** Where a deal is found: two deals never share a channel. */
export interface DealRef {
  readonly client: Address;
  readonly channel: ChannelId;
}
export const dealRefCodec: Codec<DealRef> = c.tuple("DealRef", { client: c.address, channel: c.channelId });

/**
 * published: both collaterals are locked, the pieces are not proven yet · active: they are · complete: the end came,
 * both have theirs back · lost: a sector ended before the deal · late: the pieces were not proven in time · broken:
 * the client cancelled the channel · released: both wanted it.
 */
export const dealStatuses = [
  "published",
  "active",
  "complete",
  "lost",
  "late",
  "broken",
  "released",
] as const;
export type DealStatus = (typeof dealStatuses)[number];
const statusCodec: Codec<DealStatus> = {
  name: "DealStatus",
  toCbor: (status) => dealStatuses.indexOf(status),
  fromCbor: (value, path) =>
    dealStatuses[c.uint(dealStatuses.length - 1).fromCbor(value, path)] ?? "published",
};

export interface Deal {
  /** The CID of the terms; the terms themselves are an object of the state. */
  readonly id: CID;
  readonly miner: Address;
  /** Who signs for the client: itself, if it is an account. */
  readonly signer: Address;
  readonly startBy: Epoch;
  readonly endHeight: Epoch;
  readonly totalPrice: AttoFil;
  /** Locked while the deal is published or active. */
  readonly clientCollateral: AttoFil;
  readonly providerCollateral: AttoFil;
  readonly status: DealStatus;
  readonly activatedAt: Epoch | null;
  /** When it got its last status; null while money is locked for it. */
  readonly endedAt: Epoch | null;
  /** Where the pieces are, ascending; empty before the start. */
  readonly sectors: readonly SectorId[];
  /** The next epoch at which the tick looks at the deal. */
  readonly queuedAt: Epoch;
}
export const dealCodec: Codec<Deal> = c.tuple("Deal", {
  id: c.cid,
  miner: c.address,
  signer: c.address,
  startBy: c.epoch,
  endHeight: c.epoch,
  totalPrice: c.attoFil,
  clientCollateral: c.attoFil,
  providerCollateral: c.attoFil,
  status: statusCodec,
  activatedAt: c.nullable(c.epoch),
  endedAt: c.nullable(c.epoch),
  sectors: c.list(c.sectorId, maxDealPieces),
  queuedAt: c.epoch,
});

/** True while the collaterals are locked for a deal. */
export function holdsCollateral({ status }: Pick<Deal, "status">): boolean {
  return status === "published" || status === "active";
}
/** True while the record of a deal keeps its sectors watched: a complete one is still paid for. */
export function watchesSectors({ status }: Pick<Deal, "status">): boolean {
  return status === "active" || status === "complete";
}

export interface EscrowAccount {
  /** All that the market holds for the party. */
  readonly escrow: AttoFil;
  /** What of it is locked for deals. */
  readonly locked: AttoFil;
}
export const escrowAccountCodec: Codec<EscrowAccount> = c.tuple("EscrowAccount", {
  escrow: c.attoFil,
  locked: c.attoFil,
});

/** A sector, or a whole miner, on which deals depend. */
export interface Watched {
  readonly deals: number;
  /** When it ended, not by the end of its life; null while it has not. */
  readonly lostAt: Epoch | null;
}
export const watchedCodec: Codec<Watched> = c.tuple("Watched", {
  deals: c.uint(),
  lostAt: c.nullable(c.epoch),
});

export interface QueuedDeal extends DealRef {
  readonly id: CID;
}
export const queuedDealCodec: Codec<QueuedDeal> = c.tuple("QueuedDeal", {
  client: c.address,
  channel: c.channelId,
  id: c.cid,
});

export interface DealBookState {
  /** HAMT: 22 bytes of the party's address (an account, a multisig or a miner) → EscrowAccount. */
  readonly accounts: CID;
  /** HAMT: client ‖ channel id (8 bytes, big-endian) → Deal. */
  readonly deals: CID;
  /** AMT: epoch → AMT of QueuedDeal. */
  readonly queue: CID;
  /** HAMT: miner ‖ sector number (8 bytes, big-endian), and miner alone → Watched. */
  readonly watched: CID;
  readonly escrow: AttoFil;
}
export const dealBookStateCodec: Codec<DealBookState> = c.tuple("DealBookState", {
  accounts: c.cid,
  deals: c.cid,
  queue: c.cid,
  watched: c.cid,
  escrow: c.attoFil,
});

const dealKey = ({ client, channel }: DealRef): Uint8Array =>
  concatBytes(addressBytes(client), bigEndian(channel, 8));
const watchedKey = (miner: Address, sectorId: SectorId | null): Uint8Array =>
  sectorId === null ? addressBytes(miner) : concatBytes(addressBytes(miner), bigEndian(sectorId, 8));

/** Looking after so many watched sectors is as much work for a tick as one more deal. */
const sectorsPerWork = 16;

const noAccount: EscrowAccount = { escrow: zeroAtto, locked: zeroAtto };

/** An empty book, written. */
export function emptyBook(store: Blockstore): CID {
  return putObject(store, dealBookStateCodec, {
    accounts: Hamt.empty(store, escrowAccountCodec).flush(),
    deals: Hamt.empty(store, dealCodec).flush(),
    queue: Amt.empty(store, c.cid).flush(),
    watched: Hamt.empty(store, watchedCodec).flush(),
    escrow: zeroAtto,
  });
}

/** The book of one call: read, changed, and written once at its end. */
export class DealBook {
  readonly #store: Blockstore;
  readonly accounts: Hamt<EscrowAccount>;
  readonly deals: Hamt<Deal>;
  readonly queue: Amt<CID>;
  readonly watched: Hamt<Watched>;
  #escrow: AttoFil;

  constructor(store: Blockstore, root: CID) {
    const state = getObject(store, dealBookStateCodec, root);
    this.#store = store;
    this.accounts = Hamt.load(store, escrowAccountCodec, state.accounts);
    this.deals = Hamt.load(store, dealCodec, state.deals);
    this.queue = Amt.load(store, c.cid, state.queue);
    this.watched = Hamt.load(store, watchedCodec, state.watched);
    this.#escrow = state.escrow;
  }

  get escrow(): AttoFil {
    return this.#escrow;
  }

  flush(): CID {
    return putObject(this.#store, dealBookStateCodec, {
      accounts: this.accounts.flush(),
      deals: this.deals.flush(),
      queue: this.queue.flush(),
      watched: this.watched.flush(),
      escrow: this.#escrow,
    });
  }

  account(party: Address): EscrowAccount {
    return this.accounts.get(addressBytes(party)) ?? noAccount;
  }
  #setAccount(party: Address, account: EscrowAccount): void {
    assert(account.locked >= 0n && account.locked <= account.escrow, "nobody locks more than it has");
    if (account.escrow === 0n) this.accounts.delete(addressBytes(party));
    else this.accounts.set(addressBytes(party), account);
  }

  free(party: Address): AttoFil {
    const { escrow, locked } = this.account(party);
    return subAtto(escrow, locked);
  }
  /** Money has come in for the party. */
  credit(party: Address, amount: AttoFil): void {
    const { escrow, locked } = this.account(party);
    this.#escrow = addAtto(this.#escrow, amount);
    this.#setAccount(party, { escrow: addAtto(escrow, amount), locked });
  }
  /** Money of the party goes out. */
  debit(party: Address, amount: AttoFil): void {
    const { escrow, locked } = this.account(party);
    this.#escrow = subAtto(this.#escrow, amount);
    this.#setAccount(party, { escrow: subAtto(escrow, amount), locked });
  }
  lock(party: Address, amount: AttoFil): void {
    const { escrow, locked } = this.account(party);
    this.#setAccount(party, { escrow, locked: addAtto(locked, amount) });
  }
  unlock(party: Address, amount: AttoFil): void {
    const { escrow, locked } = this.account(party);
    this.#setAccount(party, { escrow, locked: subAtto(locked, amount) });
  }

  deal(ref: DealRef): Deal | undefined {
    return this.deals.get(dealKey(ref));
  }
  /** Writes a deal; if its turn has changed, it is put into the queue for that. */
  setDeal(ref: DealRef, deal: Deal): void {
    const before = this.deal(ref);
    this.deals.set(dealKey(ref), deal);
    if (before?.id.equals(deal.id) && before.queuedAt === deal.queuedAt) return;
    const root = this.queue.get(deal.queuedAt);
    const entries =
      root === undefined
        ? Amt.empty(this.#store, queuedDealCodec)
        : Amt.load(this.#store, queuedDealCodec, root);
    entries.push({ ...ref, id: deal.id });
    this.queue.set(deal.queuedAt, entries.flush());
  }
  removeDeal(ref: DealRef): void {
    assert(this.deals.delete(dealKey(ref)), "a deal is removed once");
  }

  /**
   * Takes entries that are due out of the queue, by epoch, then in the order in which they came, until their work
   * comes to `most`: one for an entry, and one more for each 16 sectors of its deal.
   */
  takeDue(height: Epoch, most: number): { readonly at: Epoch; readonly entry: QueuedDeal }[] {
    const due: { at: Epoch; entry: QueuedDeal }[] = [];
    let work = 0;
    const emptied: number[] = [];
    const shortened: [number, CID][] = [];
    for (const [at, root] of this.queue.entries()) {
      if (at > height || work >= most) break;
      const entries = Amt.load(this.#store, queuedDealCodec, root);
      const taken: number[] = [];
      for (const [index, entry] of entries.entries()) {
        if (work >= most) break;
        due.push({ at: at as Epoch, entry });
        work += 1 + Math.floor((this.deal(entry)?.sectors.length ?? 0) / sectorsPerWork);
        taken.push(index);
      }
      for (const index of taken) entries.delete(index);
      if (entries.count === 0) emptied.push(at);
      else shortened.push([at, entries.flush()]);
    }
    for (const at of emptied) this.queue.delete(at);
    for (const [at, root] of shortened) this.queue.set(at, root);
    return due;
  }

  /** A deal starts to depend on its sectors and its miner. */
  watch(miner: Address, sectors: readonly SectorId[]): void {
    for (const key of this.#keysOf(miner, sectors)) {
      const { deals, lostAt } = this.watched.get(key) ?? { deals: 0, lostAt: null };
      this.watched.set(key, { deals: deals + 1, lostAt });
    }
  }
  unwatch(miner: Address, sectors: readonly SectorId[]): void {
    for (const key of this.#keysOf(miner, sectors)) {
      const before = this.watched.get(key);
      assert(before !== undefined && before.deals > 0, "what a deal depends on is watched");
      if (before.deals === 1) this.watched.delete(key);
      else this.watched.set(key, { ...before, deals: before.deals - 1 });
    }
  }
  #keysOf(miner: Address, sectors: readonly SectorId[]): Uint8Array[] {
    return [null, ...sectors].map((sectorId) => watchedKey(miner, sectorId));
  }

  /** Notes that a sector ended, or with null all that the miner had; true if any deal depends on it. */
  noteLoss(miner: Address, sectorId: SectorId | null, height: Epoch): boolean {
    const key = watchedKey(miner, sectorId);
    const before = this.watched.get(key);
    if (before === undefined || before.lostAt !== null) return false;
    this.watched.set(key, { ...before, lostAt: height });
    return true;
  }
  /** When the miner lost everything, as far as deals of then are still here. */
  slashedAt(miner: Address): Epoch | null {
    return this.watched.get(watchedKey(miner, null))?.lostAt ?? null;
  }
  /** When the first of a deal's sectors was lost; null if none was. */
  lostAt({ miner, sectors }: Pick<Deal, "miner" | "sectors">): Epoch | null {
    const losses = this.#keysOf(miner, sectors).flatMap((key) => this.watched.get(key)?.lostAt ?? []);
    return losses.length === 0 ? null : (Math.min(...losses) as Epoch);
  }
}
