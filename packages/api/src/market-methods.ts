/** Methods about the market: the money that it holds, what one miner asks, changes of deals. */
import { z } from "zod";
import { sentMessage } from "./message-methods.ts";
import { call } from "./method-spec.ts";
import { addressText, askView, cidText, dealAmendment, filText, height, sizeBytes } from "./shapes.ts";

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

const key = z.string().min(1).max(128).optional().describe("a repeat with the same key sends nothing new");
const dealId = z.string().max(200).describe("of this client, or its last characters");
const clients = z.array(addressText).max(1_000);
const days = z.number().min(0).nullable();
const dealPolicy = z.object({
  extend: z.boolean().describe("whether this miner lets deals live longer"),
  release: z.boolean().describe("whether it ends deals early"),
  open: z.boolean().describe("whether it takes new deals"),
  minForMs: days.describe("the shortest deal; null: the network's"),
  maxForMs: days.describe("the longest deal; null: the network's"),
  allow: clients.describe("if there are any, nobody else may store here"),
  deny: clients.describe("who may not"),
  verified: clients.describe("clients that the operator knows"),
  verifiedOnly: z.boolean().describe("whether only these may store here"),
  verifiedPercent: z.int().min(0).max(100).describe("of the ask, which these pay"),
  duplicates: z.boolean().describe("whether a client may store here twice what it stores here already"),
  http: z.boolean().describe("whether data of deals is fetched from web servers that clients name"),
  offline: z.boolean().describe("whether data of deals may be carried here"),
});

const minerTerms = z.object({
  miner: addressText,
  willing: z.boolean(),
  totalFil: filText.nullable().describe("what it would cost; null where it would not be taken"),
  code: z.string(),
  reason: z.string().describe("why not; empty otherwise"),
  takes: z
    .object({
      priceFilPerGiBPerDay: filText,
      minBytes: sizeBytes,
      maxBytes: sizeBytes,
      minForMs: z.number(),
      maxForMs: z.number(),
      sectorBytes: sizeBytes,
    })
    .nullable()
    .describe("what the miner takes of this client; null if it did not answer"),
});
export const marketMethods = {
  "market.balance": call(
    "What the market holds for this node's keys and its miner, or for an address",
    z.object({ address: addressText.optional() }),
    z.array(escrowView),
  ),
  "market.add": call(
    "Adds money to an escrow",
    z.object({ amount: amountParam, ofMiner, from, key }),
    marketCall,
  ),
  "market.withdraw": call(
    "Takes free money out of an escrow; that of a miner goes to its owner",
    z.object({ amount: amountParam.optional().describe("default: all that is free"), ofMiner, from, key }),
    marketCall,
  ),
  "ask.show": call(
    "The asks of this miner, or of another",
    z.object({ miner: addressText.optional() }),
    z.array(askView),
  ),
  "ask.quote": call(
    "What miners say that they would take, and for how much: nothing is paid, nothing is agreed",
    z.object({
      sizeBytes: sizeBytes.min(1),
      forMs: z.int().min(1),
      cid: cidText.optional().describe("of the file, if it is one in particular"),
      miners: z.array(addressText).max(100).optional().describe("default: all that publish a price"),
    }),
    z.array(minerTerms),
  ),
  "deal.extend": call(
    "Asks the miner of a deal to let it live longer, at its ask; goes on over restarts",
    z.object({
      dealId,
      forMs: z.int().min(1).optional().describe("beyond the end that it has"),
      untilHeight: height.optional(),
      maxPrice: amountParam.optional().describe("for the time that is added"),
      key,
    }),
    dealAmendment,
  ),
  "deal.release": call(
    "Asks the miner of a deal to end it now: both have their collaterals back, the client what is not earned",
    z.object({ dealId, key }),
    dealAmendment,
  ),
  "deal.redeem": call(
    "Redeems the voucher of this miner's deal that is due; where a multisig owns the miner, proposes it",
    z.object({ dealId: z.string().max(200) }),
    sentMessage.extend({
      isProposal: z.boolean(),
      method: z.string(),
      amountFil: filText.describe("what the voucher is over, in all"),
      addsFil: filText.describe("what of it was not paid yet"),
    }),
  ),
  "deal.policy": call(
    "Which deals, and which changes of deals, this miner takes, after the change that is given",
    dealPolicy.partial(),
    dealPolicy,
  ),
} as const;
