/** Payment channels as the chain has them. */
import type { Address, Blockstore, ChannelId, CID, NetworkByte } from "@holdfast/base";
import { Amt, addressFromBytes, addressNetwork } from "@holdfast/base";
import type { BrokerState, Channel } from "../actors/broker/state.ts";
import {
  brokerStateCodec,
  channelCodec,
  findChannel,
  loadChannels,
  loadPayers,
} from "../actors/broker/state.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import { readHead } from "./actors.ts";

function readBroker(store: Blockstore, state: CID, payer: Address): BrokerState {
  const { broker } = builtinAddresses(addressNetwork(payer));
  return readHead(store, state, broker, codeNames.broker, brokerStateCodec).head;
}

/** One channel, undefined if it does not exist or was settled. */
export function readChannel(
  store: Blockstore,
  state: CID,
  payer: Address,
  channel: ChannelId,
): Channel | undefined {
  return findChannel(store, readBroker(store, state, payer), payer, channel);
}

/** The open channels of a payer, ascending by id. */
export function listChannels(
  store: Blockstore,
  state: CID,
  payer: Address,
): { readonly id: ChannelId; readonly channel: Channel }[] {
  const channels = loadChannels(store, loadPayers(store, readBroker(store, state, payer)), payer);
  return [...channels.entries()].map(([id, channel]) => ({ id: id as ChannelId, channel }));
}

/** Channels of any payer for which `isWanted` holds, among the first `most` that there are. */
export function searchChannels(
  store: Blockstore,
  state: CID,
  network: NetworkByte,
  most: number,
  isWanted: (payer: Address, channel: Channel) => boolean,
): { readonly payer: Address; readonly id: ChannelId; readonly channel: Channel }[] {
  const { broker } = builtinAddresses(network);
  const { head } = readHead(store, state, broker, codeNames.broker, brokerStateCodec);
  const found = [];
  let looked = 0;
  for (const one of allChannels(store, head)) {
    looked += 1;
    if (looked > most) break;
    if (isWanted(one.payer, one.channel)) found.push(one);
  }
  return found;
}

/** Every channel of the network, for checks of the whole state. */
export function* allChannels(
  store: Blockstore,
  broker: BrokerState,
): IterableIterator<{ readonly payer: Address; readonly id: ChannelId; readonly channel: Channel }> {
  for (const [key, root] of loadPayers(store, broker).entries()) {
    const payer = addressFromBytes(key);
    for (const [id, channel] of Amt.load(store, channelCodec, root).entries()) {
      yield { payer, id: id as ChannelId, channel };
    }
  }
}
