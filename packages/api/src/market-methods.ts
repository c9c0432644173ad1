/** Methods about the money that the market holds: collaterals of deals, and what is free of it. */
import { z } from "zod";
import { sentMessage } from "./message-methods.ts";
import { call } from "./method-spec.ts";
import { addressText, filText } from "./shapes.ts";

const amountParam = z.string().max(64);
const ofMiner = addressText
  .optional()
  .describe("the miner whose escrow is meant (default: the sender's own)");
const from = addressText.optional().describe("who sends it (default: the wallet's default address)");
const marketCall = sentMessage.extend({ isProposal: z.boolean(), amountFil: filText });

export const escrowView = z.object({
  address: addressText,
  role: z.enum(["account", "miner", "other"]).describe("of this node: a key, its miner, or neither"),
  escrowFil: filText.describe("all that the market holds for the party"),
  lockedFil: filText.describe("as collateral of deals"),
  freeFil: filText,
});

export const marketMethods = {
  "market.balance": call(
    "What the market holds for this node's keys and its miner, or for an address",
    z.object({ address: addressText.optional() }),
    z.array(escrowView),
  ),
  "market.add": call("Adds money to an escrow", z.object({ amount: amountParam, ofMiner, from }), marketCall),
  "market.withdraw": call(
    "Takes free money out of an escrow; that of a miner goes to its owner",
    z.object({ amount: amountParam.optional().describe("default: all that is free"), ofMiner, from }),
    marketCall,
  ),
} as const;
