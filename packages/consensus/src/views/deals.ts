/** The deals as the chain has them, and what the market holds for whom. */
import type { Address, AttoFil, Blockstore, ChannelId, CID } from "@holdfast/base";
import {
  addAtto,
  addressFromBytes,
  addressNetwork,
  assert,
  getObject,
  readBigEndian,
  zeroAtto,
} from "@holdfast/base";
import type { Deal, DealRef, EscrowAccount } from "../actors/market/book.ts";
import { DealBook, holdsCollateral } from "../actors/market/book.ts";
import { marketStateCodec } from "../actors/market/state.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import type { DealTerms } from "../types/deal.ts";
import { dealTermsCodec } from "../types/deal.ts";
import { readHead } from "./actors.ts";

function bookOf(store: Blockstore, state: CID, anyone: Address): DealBook {
  const { market } = builtinAddresses(addressNetwork(anyone));
  return new DealBook(store, readHead(store, state, market, codeNames.market, marketStateCodec).head.deals);
}

/** The deal on a channel; undefined before it is published and when its time is past. */
export function readDeal(store: Blockstore, state: CID, ref: DealRef): Deal | undefined {
  return bookOf(store, state, ref.client).deal(ref);
}

/** What the client of a deal has signed. */
export function readDealTerms(store: Blockstore, { id }: Pick<Deal, "id">): DealTerms {
  return getObject(store, dealTermsCodec, id);
}

/** When the first of a deal's sectors was lost; null if none was. */
export function readDealLoss(store: Blockstore, state: CID, deal: Deal): number | null {
  return bookOf(store, state, deal.miner).lostAt(deal);
}

/** What the market holds for an account, a multisig or a miner. */
export function readEscrow(store: Blockstore, state: CID, party: Address): EscrowAccount {
  return bookOf(store, state, party).account(party);
}

const addressLength = 22;

/** All deals with their keys, in the order of the state's HAMT. */
export function* allDeals(book: DealBook): IterableIterator<{ readonly ref: DealRef; readonly deal: Deal }> {
  for (const [key, deal] of book.deals.entries()) {
    const channel = Number(readBigEndian(key.subarray(addressLength))) as ChannelId;
    yield { ref: { client: addressFromBytes(key.subarray(0, addressLength)), channel }, deal };
  }
}

/** That the accounts add up to the escrow, and what they lock to the deals' collaterals; gives the escrow. */
export function checkDealBook(book: DealBook): AttoFil {
  const locked = new Map<Address, AttoFil>();
  const lock = (party: Address, amount: AttoFil): unknown =>
    locked.set(party, addAtto(locked.get(party) ?? zeroAtto, amount));
  for (const { ref, deal } of allDeals(book)) {
    if (!holdsCollateral(deal)) continue;
    lock(ref.client, deal.clientCollateral);
    lock(deal.miner, deal.providerCollateral);
  }
  let sum = zeroAtto;
  for (const [key, account] of book.accounts.entries()) {
    const party = addressFromBytes(key);
    sum = addAtto(sum, account.escrow);
    assert(account.locked <= account.escrow, `${party} locks no more than it has`);
    assert(account.locked === (locked.get(party) ?? zeroAtto), `what ${party} locks is what its deals hold`);
    locked.delete(party);
  }
  assert(
    [...locked.values()].every((amount) => amount === 0n),
    "no deal holds what nobody has",
  );
  assert(book.escrow === sum, "the market's escrow is what its accounts hold");
  return sum;
}
