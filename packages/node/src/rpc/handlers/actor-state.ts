/** The state of an actor as JSON for people: amounts in FIL, hashes in hex. */
import type { MethodResult } from "@holdfast/api";
import { type Address, addressNetwork, type Blockstore, type CID } from "@holdfast/base";
import {
  codeNames,
  listChannels,
  listMiners,
  readMinerState,
  readMultisig,
  readNetworkParams,
  readPower,
} from "@holdfast/consensus";
import { plainJson as plain } from "../../plain-json.ts";

type Json = MethodResult<"actor.show">["state"];

/** The state as a message at `height` would find it. */
export function actorStateJson(
  store: Blockstore,
  { state, height }: { readonly state: CID; readonly height: number },
  address: Address,
  kind: string,
): Json {
  switch (kind) {
    case codeNames.multisig:
      return plain(readMultisig(store, state, address, height));
    case codeNames.miner:
      return plain(readMinerState(store, state, address));
    case codeNames.market: {
      const network = addressNetwork(address);
      return {
        totalPowerBytes: Number(readPower(store, state, network)),
        miners: listMiners(store, state, network),
      };
    }
    case codeNames.init:
      return plain(readNetworkParams(store, state));
    case codeNames.account:
      return { channels: plain(listChannels(store, state, address)) };
    default:
      return null;
  }
}
