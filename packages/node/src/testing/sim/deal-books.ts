/**
 * Deals a second time: each is in exactly one state, moves only where a deal may go, has a client and a miner that
 * exist and sectors that hold it; and what the market holds for each party changes by its deposits, its withdrawals and
 * the collaterals of its deals, to the last attoFIL.
 */
import { type Address, addressFromBytes, decode, getObject } from "@holdfast/base";
import {
  allDeals,
  builtinAddresses,
  type Deal,
  DealBook,
  type DealRef,
  listMiners,
  marketStateCodec,
  messageCid,
  methods,
  type NetworkParams,
  readActor,
  type SignedMessage,
} from "@holdfast/consensus";
import type { CheckedTipset, Oracle, TipsetCheck } from "./invariants.ts";
import { network } from "./node.ts";

type Status = Deal["status"];
interface Held {
  readonly ref: DealRef;
  readonly deal: Deal;
}

/** Where a deal may be after a tipset that began with it in a state; those that are not named are over. */
const ways: Readonly<Partial<Record<Status, ReadonlySet<Status>>>> = {
  published: new Set(["published", "active", "lost", "late", "broken", "released"]),
  active: new Set(["active", "complete", "lost", "broken", "released"]),
};

function bookOf({ store }: Oracle, { state }: CheckedTipset): DealBook {
  const { market } = builtinAddresses(network);
  const head = readActor(store, state, market)?.head;
  if (head === null || head === undefined) throw new TypeError("a network has a market");
  return new DealBook(store, getObject(store, marketStateCodec, head).deals);
}

const keyOf = ({ client, channel }: DealRef): string => `${client}/${channel}`;

function dealsOf(book: DealBook): Map<string, Held> {
  return new Map([...allDeals(book)].map((held) => [keyOf(held.ref), held]));
}

/** What is wrong with a deal where it is now. */
function placeOf(
  { ref, deal }: Held,
  book: DealBook,
  oracle: Oracle,
  { state }: CheckedTipset,
): string | undefined {
  const { miner, status, sectors, activatedAt, endedAt } = deal;
  if (readActor(oracle.store, state, ref.client) === undefined) return "its client does not exist";
  if (!listMiners(oracle.store, state).includes(miner)) return "its miner does not exist";
  const isOver = ways[status] === undefined;
  if (isOver !== (endedAt !== null)) return `it is ${status} and ended at ${endedAt}`;
  if (status === "published" && (activatedAt !== null || sectors.length > 0)) return "it is not active yet";
  if (status !== "active") return undefined;
  if (activatedAt === null || sectors.length === 0) return "it is active and nowhere";
  if (book.lostAt(deal) !== null) return undefined;
  const there = new Set<number>(oracle.sectorsOf(state, miner).map(({ sectorId }) => sectorId));
  const missing = sectors.find((sectorId) => !there.has(sectorId));
  return missing === undefined ? undefined : `its sector ${missing} is gone, and nobody has noticed`;
}

function wayOf(before: Held | undefined, after: Held | undefined): string | undefined {
  const [was, is] = [before?.deal, after?.deal];
  if (was === undefined) return undefined;
  const next = ways[was.status];
  if (next === undefined) {
    const isSame = is === undefined || !is.id.equals(was.id) || is.status === was.status;
    return isSame ? undefined : `it was ${was.status} and is ${is.status}`;
  }
  if (is === undefined || !is.id.equals(was.id)) return `it was ${was.status} and is not there any more`;
  return next.has(is.status) ? undefined : `it was ${was.status} and is ${is.status}`;
}

/** Whether the chain stood still over an epoch: then a deal that did not start by then costs nothing. */
function stoodStillOver(
  checked: CheckedTipset,
  { proofWindowEpochs }: NetworkParams,
  epoch: number,
): boolean {
  for (let at = checked; at.parent !== undefined && at.tipset.height > epoch; at = at.parent) {
    const below = at.parent.tipset.height;
    if (below < epoch && 2 * (at.tipset.height - below - 1) >= proofWindowEpochs) return true;
  }
  return false;
}

const share = (amount: bigint, percent: number): bigint => (amount * BigInt(percent) + 99n) / 100n;

class Escrows {
  readonly changes = new Map<Address, bigint>();

  add(party: Address, amount: bigint): void {
    this.changes.set(party, (this.changes.get(party) ?? 0n) + amount);
  }

  message({ message }: SignedMessage): void {
    const { to, from, method, value, params } = message;
    if (to !== builtinAddresses(network).market) return;
    const { addBalance, withdrawBalance, publishDeals } = methods.market;
    if (method === "addBalance") this.add(decode(addBalance.params, params).miner ?? from, value);
    if (method === "publishDeals") this.add(decode(publishDeals.params, params).miner, value);
    if (method !== "withdrawBalance") return;
    const { miner, amount } = decode(withdrawBalance.params, params);
    this.add(miner ?? from, -amount);
  }

  /** A deal has ended: who pays whom. */
  ended({ ref, deal }: Held, params: NetworkParams, isExcused: boolean): void {
    const { miner, status, providerCollateral, clientCollateral } = deal;
    if (status === "broken") {
      this.add(ref.client, -clientCollateral);
      this.add(miner, clientCollateral);
    }
    if (status !== "late" && status !== "lost") return;
    const isFree = status === "late" && isExcused;
    const lost = status === "lost" ? providerCollateral : share(providerCollateral, params.lateStartPercent);
    if (isFree) return;
    this.add(miner, -lost);
    this.add(ref.client, lost - share(lost, 100 - params.lostCollateralClientPercent));
  }
}

export const dealsAreKept: TipsetCheck = (checked, oracle) => {
  const { parent, receipts } = checked;
  if (parent === undefined) return undefined;
  const [before, after] = [bookOf(oracle, parent), bookOf(oracle, checked)];
  const [were, are] = [dealsOf(before), dealsOf(after)];
  const escrows = new Escrows();
  const seen = new Set<string>();
  for (const signed of checked.blocks.flatMap(({ messages }) => messages)) {
    const cid = messageCid(signed).toString();
    if (seen.has(cid) || receipts.get(cid)?.exitCode !== 0) continue;
    seen.add(cid);
    escrows.message(signed);
  }
  for (const key of new Set([...were.keys(), ...are.keys()])) {
    const [was, is] = [were.get(key), are.get(key)];
    const wrong = wayOf(was, is) ?? (is === undefined ? undefined : placeOf(is, after, oracle, checked));
    if (wrong !== undefined) return `the deal of ${key}: ${wrong}`;
    if (is === undefined || is.deal.endedAt === null || was?.deal.status === is.deal.status) continue;
    escrows.ended(is, oracle.params, stoodStillOver(checked, oracle.params, is.deal.startBy));
  }
  const parties = [...before.accounts.entries(), ...after.accounts.entries()].map(([key]) =>
    addressFromBytes(key),
  );
  for (const party of new Set([...escrows.changes.keys(), ...parties])) {
    const change = escrows.changes.get(party) ?? 0n;
    const found = after.account(party).escrow - before.account(party).escrow;
    if (found !== change)
      return `the market holds ${found} attoFIL more for ${party}, its deals say ${change}`;
  }
  return undefined;
};
