/** The state of an actor as JSON for people: amounts in FIL, hashes in hex. */
import type { MethodResult } from "@holdfast/api";
import { type Address, addressNetwork, type Blockstore, type CID, filText, toHex } from "@holdfast/base";
import {
  codeNames,
  listChannels,
  listMiners,
  readMinerState,
  readMultisig,
  readNetworkParams,
  readPower,
} from "@holdfast/consensus";

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

/** Any of our records as JSON. A bigint of a state is an amount, or power, which JSON tells by its name. */
function plain(value: unknown, name = ""): Json {
  if (typeof value === "bigint")
    return name.toLowerCase().includes("power") ? value.toString() : filText(value as never);
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map((entry) => plain(entry, name));
  if (typeof value === "object" && value !== null) {
    if ("multihash" in value) return String(value);
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry, key)]));
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}
