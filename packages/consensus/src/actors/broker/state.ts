/**
 * State of the payment broker. Invariants: `escrow` is the sum over all channels of what they hold and
 * have not paid yet; a channel with nothing left does not exist; a payer without channels has no entry; a
 * channel's signer is null exactly if its payer is an account, which signs itself.
 */
import type { Address, AttoFil, Blockstore, ChannelId, CID, Codec, Epoch } from "@holdfast/base";
import { Amt, addressBytes, c, Hamt, putObject, zeroAtto } from "@holdfast/base";

export interface Channel {
  readonly target: Address;
  /** Everything that was ever paid in. */
  readonly amount: AttoFil;
  /** What the target has taken. */
  readonly redeemed: AttoFil;
  /** First epoch at which nothing can be redeemed and the payer may reclaim the rest. */
  readonly eol: Epoch;
  /** The end that payer and target know of; `eol` is earlier while a cancellation runs. */
  readonly agreedEol: Epoch;
  /** The account that signs vouchers for a payer that cannot; null: the payer itself. */
  readonly signer: Address | null;
}
export const channelCodec: Codec<Channel> = c.tuple("Channel", {
  target: c.address,
  amount: c.attoFil,
  redeemed: c.attoFil,
  eol: c.epoch,
  agreedEol: c.epoch,
  signer: c.nullable(c.address),
});

export interface BrokerState {
  /** HAMT: 22 bytes of the payer's address → AMT: channel id → Channel. */
  readonly payers: CID;
  readonly escrow: AttoFil;
  /** Channels that actors other than accounts have opened so far: the id of the next one. */
  readonly openedByActors: number;
}
export const brokerStateCodec: Codec<BrokerState> = c.tuple("BrokerState", {
  payers: c.cid,
  escrow: c.attoFil,
  openedByActors: c.uint(),
});

export function loadPayers(store: Blockstore, state: BrokerState): Hamt<CID> {
  return Hamt.load(store, c.cid, state.payers);
}

/** The channels of a payer; empty if it has none. */
export function loadChannels(store: Blockstore, payers: Hamt<CID>, payer: Address): Amt<Channel> {
  const root = payers.get(addressBytes(payer));
  return root === undefined ? Amt.empty(store, channelCodec) : Amt.load(store, channelCodec, root);
}

/** One channel, undefined if there is none. */
export function findChannel(
  store: Blockstore,
  state: BrokerState,
  payer: Address,
  channelId: ChannelId,
): Channel | undefined {
  // The greatest number that a parameter can carry is one more than a list can hold.
  if (channelId === Number.MAX_SAFE_INTEGER) return undefined;
  return loadChannels(store, loadPayers(store, state), payer).get(channelId);
}

/**
 * Replaces one channel (undefined removes it) and sets the escrow. A channel that holds nothing more is
 * removed, and so is a payer without channels.
 */
export function withChannel(
  store: Blockstore,
  state: BrokerState,
  payer: Address,
  channelId: ChannelId,
  after: Channel | undefined,
  escrow: AttoFil,
): BrokerState {
  const payers = loadPayers(store, state);
  const channels = loadChannels(store, payers, payer);
  if (after === undefined || after.redeemed === after.amount) channels.delete(channelId);
  else channels.set(channelId, after);
  if (channels.count === 0) payers.delete(addressBytes(payer));
  else payers.set(addressBytes(payer), channels.flush());
  return { ...state, payers: payers.flush(), escrow };
}

/** The state at genesis. */
export function createBrokerState(store: Blockstore): CID {
  return putObject(store, brokerStateCodec, {
    payers: Hamt.empty(store, c.cid).flush(),
    escrow: zeroAtto,
    openedByActors: 0,
  });
}
