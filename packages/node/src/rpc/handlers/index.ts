/** All methods of the API, one file per noun. */
import type { ApiHandlers } from "@holdfast/api";
import type { HandlerNeeds } from "../needs.ts";
import { chainHandlers } from "./chain.ts";
import { channelHandlers } from "./channels.ts";
import { escrowHandlers } from "./escrow.ts";
import { faucetHandlers } from "./faucet.ts";
import { idleHandlers } from "./idle.ts";
import { ipfsHandlers } from "./ipfs.ts";
import { jobHandlers } from "./jobs.ts";
import { lightHandlers } from "./light.ts";
import { marketHandlers } from "./market.ts";
import { messageHandlers } from "./messages.ts";
import { minerHandlers } from "./miner.ts";
import { minerKeyHandlers } from "./miner-keys.ts";
import { multisigHandlers } from "./multisigs.ts";
import { netHandlers } from "./net.ts";
import { networkHandlers } from "./network.ts";
import { pinOrderHandlers } from "./pin-orders.ts";
import { pinHandlers } from "./pins.ts";
import { poscHandlers } from "./posc.ts";
import { recordsHandlers } from "./records.ts";
import { retrievalHandlers } from "./retrieval.ts";
import { storageHandlers } from "./storage.ts";
import { syncHandlers } from "./sync.ts";
import { verifierHandlers } from "./verifiers.ts";

export function createHandlers(needs: HandlerNeeds): ApiHandlers {
  return {
    ...chainHandlers(needs),
    ...netHandlers(needs),
    ...messageHandlers(needs),
    ...channelHandlers(needs),
    ...multisigHandlers(needs),
    ...minerKeyHandlers(needs),
    ...minerHandlers(needs),
    ...jobHandlers(needs),
    ...storageHandlers(needs),
    ...idleHandlers(needs),
    ...recordsHandlers(needs),
    ...lightHandlers(needs),
    ...ipfsHandlers(needs),
    ...pinHandlers(needs),
    ...poscHandlers(needs),
    ...marketHandlers(needs),
    ...escrowHandlers(needs),
    ...pinOrderHandlers(needs),
    ...networkHandlers(needs),
    ...faucetHandlers(needs),
    ...verifierHandlers(needs),
    ...retrievalHandlers(needs),
    ...syncHandlers(needs),
  };
}
