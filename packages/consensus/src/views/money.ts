/**
 * The law of the network's money: all balances together are what the genesis made, to the last attoFIL,
 * after every tipset. Escrow, pledge and what deals stand on are parts of the balances of the broker, of the miners, of
 * the market and of the pins actor; the parts must be what the channels, the sectors, the deals and the orders say.
 */
import type { AttoFil, Blockstore, CID } from "@holdfast/base";
import { addAtto, assert, getObject, subAtto, zeroAtto } from "@holdfast/base";
import { brokerStateCodec } from "../actors/broker/state.ts";
import {
  type IdleActorState,
  idleActorStateCodec,
  idleVerifiersCodec,
  loadIdleMiners,
} from "../actors/idle/state.ts";
import { DealBook } from "../actors/market/book.ts";
import { marketStateCodec } from "../actors/market/state.ts";
import type { MinerState } from "../actors/miner/state.ts";
import { loadPreCommits, loadSectors, minerStateCodec } from "../actors/miner/state.ts";
import { pinsStateCodec } from "../actors/pins/state.ts";
import { stateErrors } from "../errors.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import { codeNameOfCid, listActors } from "./actors.ts";
import { allChannels } from "./broker.ts";
import { checkDealBook } from "./deals.ts";
import { checkPins } from "./pins.ts";

export interface MoneyReport {
  /** All balances but escrow, pledge and what is burnt. */
  readonly balances: AttoFil;
  /** Held by the payment broker for open channels. */
  readonly escrow: AttoFil;
  /** Locked in the miners for sectors and pre-commitments. */
  readonly pledge: AttoFil;
  /** Held by the market for the parties of deals, locked or free. */
  readonly deals: AttoFil;
  /** Held for miners' idle space and as bonds of verifiers, locked or free. */
  readonly idle: AttoFil;
  /** Held for attested pinning: stakes, earnings, orders, deposits. */
  readonly pins: AttoFil;
  readonly burnt: AttoFil;
  /** The sum of the seven. */
  readonly total: AttoFil;
}

function pledgeOf(store: Blockstore, miner: MinerState): AttoFil {
  let pledge = zeroAtto;
  for (const [, sector] of loadSectors(store, miner).entries()) pledge = addAtto(pledge, sector.pledge);
  for (const [, pre] of loadPreCommits(store, miner).entries()) pledge = addAtto(pledge, pre.pledge);
  return pledge;
}

function idleMoneyOf(store: Blockstore, state: IdleActorState): AttoFil {
  let held = zeroAtto;
  for (const { bond } of getObject(store, idleVerifiersCodec, state.verifiers)) held = addAtto(held, bond);
  for (const [, { pledge, bound, free, announcement }] of loadIdleMiners(store, state).entries()) {
    held = addAtto(held, pledge, bound, free, announcement?.pledge ?? zeroAtto);
  }
  return held;
}

/**
 * Adds up all money of a state. With `genesisTotal`, a difference is `state/money-not-conserved`. A locked
 * amount that no sector or channel explains is a broken invariant.
 */
export function moneyInvariant(store: Blockstore, state: CID, genesisTotal?: AttoFil): MoneyReport {
  const burntAddresses = [builtinAddresses(0).burnt, builtinAddresses(1).burnt];
  let total = zeroAtto;
  let escrow = zeroAtto;
  let pledge = zeroAtto;
  let deals = zeroAtto;
  let idle = zeroAtto;
  let pins = zeroAtto;
  let burnt = zeroAtto;
  for (const [address, { code, head, balance }] of listActors(store, state)) {
    total = addAtto(total, balance);
    if (burntAddresses.includes(address)) burnt = addAtto(burnt, balance);
    const codeName = codeNameOfCid(code);
    if (codeName === codeNames.miner && head !== null) {
      const miner = getObject(store, minerStateCodec, head);
      assert(
        miner.lockedPledge === pledgeOf(store, miner),
        `the pledge of ${address} is that of its sectors`,
      );
      assert(miner.lockedPledge <= balance, `the miner ${address} holds what it pledged`);
      pledge = addAtto(pledge, miner.lockedPledge);
    }
    if (codeName === codeNames.broker && head !== null) {
      const broker = getObject(store, brokerStateCodec, head);
      let held = zeroAtto;
      for (const { channel } of allChannels(store, broker)) {
        held = addAtto(held, subAtto(channel.amount, channel.redeemed));
      }
      assert(broker.escrow === held, "the broker's escrow is what its channels hold");
      assert(held <= balance, "the broker holds what its channels promise");
      escrow = addAtto(escrow, held);
    }
    if (codeName === codeNames.market && head !== null) {
      const { deals: book } = getObject(store, marketStateCodec, head);
      deals = addAtto(deals, checkDealBook(new DealBook(store, book)));
      assert(deals <= balance, "the market holds what it owes to the parties of deals");
    }
    if (codeName === codeNames.idle && head !== null) {
      idle = idleMoneyOf(store, getObject(store, idleActorStateCodec, head));
      assert(idle <= balance, "the idle space actor holds what it owes to miners and verifiers");
    }
    if (codeName === codeNames.pins && head !== null) {
      pins = addAtto(pins, checkPins(store, getObject(store, pinsStateCodec, head)));
      assert(pins <= balance, "the pins actor has what it holds");
    }
  }
  if (genesisTotal !== undefined && total !== genesisTotal) {
    throw stateErrors.moneyNotConserved({ total: total.toString(), expected: genesisTotal.toString() });
  }
  const balances = subAtto(total, addAtto(escrow, pledge, deals, idle, pins, burnt));
  return { balances, escrow, pledge, deals, idle, pins, burnt, total };
}
