/** Reading what a caller named: addresses of this network, amounts, the miner in question. */
import { type Address, parseAddress } from "@holdfast/base";
import { rpcErrors } from "../errors.ts";
import type { MinerDoor } from "../miner-needs.ts";
import type { HandlerNeeds } from "../needs.ts";

/** Either spelling; error `address/…`, also for another network's address. */
export function addressParam({ chain }: Pick<HandlerNeeds, "chain">, text: string): Address {
  return parseAddress(text, { network: chain.params.networkByte });
}

export function minerOf({ miner, name }: HandlerNeeds): MinerDoor {
  if (miner === undefined) throw rpcErrors.notAMiner({ node: name });
  return miner;
}
