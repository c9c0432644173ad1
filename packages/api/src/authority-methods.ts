/** Methods about who decides: multisigs, and the keys and terms of this node's miner. */
import { z } from "zod";
import { sentMessage } from "./message-methods.ts";
import { call, nothing } from "./method-spec.ts";
import { addressText, filText, height } from "./shapes.ts";

const amountParam = z.string().max(64);
const paramsHex = z.string().max(65_536).default("");
const from = addressText.optional().describe("a signer (default: the first that this wallet has)");
const key = z.string().min(1).max(128).optional().describe("a repeat with the same key sends nothing new");
const sectorIds = z.array(z.int().min(0)).min(1).max(1000);
const transactionId = z.int().min(0);

/** A call that the miner's owner has to make; where that is a multisig, the message proposes it. */
const ownerCall = sentMessage.extend({ isProposal: z.boolean() });

export const multisigView = z.object({
  address: addressText,
  signers: z.array(addressText),
  threshold: z.int(),
  balanceFil: filText,
  freeFil: filText,
  isSigner: z.boolean().describe("whether this wallet has a key of a signer"),
  transactions: z.array(
    z.object({
      transactionId,
      to: addressText,
      valueFil: filText,
      method: z.string(),
      paramsHex: z.string(),
      approvals: z.array(addressText),
      missing: z
        .int()
        .describe("approvals that are missing; 0 after a failure for want of money: approve it again"),
    }),
  ),
});

const workerKeys = z.object({ worker: addressText, workerKeyHex: z.string(), hasKeys: z.boolean() });

export const authorityMethods = {
  "multisig.create": call(
    "Makes a multisig",
    z.object({
      signers: z.array(addressText).min(1).max(256),
      threshold: z.int().min(1).max(256),
      amount: amountParam.default("0"),
      unlockForMs: z.int().min(1).optional().describe("the amount becomes free evenly over this time"),
      from: addressText.optional(),
      key,
    }),
    sentMessage.extend({ address: addressText }),
  ),
  "multisig.propose": call(
    "Proposes a transaction of a multisig, and approves it",
    z.object({
      multisig: addressText,
      to: addressText,
      amount: amountParam.default("0"),
      method: z.string().max(64).default(""),
      paramsHex,
      from,
      key,
    }),
    sentMessage,
  ),
  "multisig.change": call(
    "Proposes a change of a multisig's signers or threshold",
    z.object({
      multisig: addressText,
      change: z.enum(["add", "remove", "swap", "threshold"]),
      signer: addressText.optional(),
      newSigner: addressText.optional(),
      threshold: z.int().min(1).max(256).optional(),
      moveThreshold: z
        .boolean()
        .default(false)
        .describe("the threshold rises or falls by one with the signer"),
      from,
      key,
    }),
    sentMessage,
  ),
  "multisig.approve": call(
    "Approves an open transaction; the approval that reaches the threshold executes it",
    z.object({ multisig: addressText, transactionId, from, key }),
    sentMessage,
  ),
  "multisig.cancel": call(
    "Takes back a transaction that this signer has proposed",
    z.object({ multisig: addressText, transactionId, from, key }),
    sentMessage,
  ),
  "multisig.ls": call("The multisigs of which this wallet is a signer", nothing, z.array(multisigView)),
  "multisig.show": call("One multisig", z.object({ address: addressText }), multisigView),
  "mine.worker": call(
    "The worker's keys, and those that are announced",
    nothing,
    workerKeys.extend({
      owner: addressText,
      pendingOwner: addressText.nullable(),
      pending: workerKeys.extend({ effectiveAt: height }).nullable(),
    }),
  ),
  "mine.workerSet": call(
    "Announces new keys of the worker: this node's own new ones, or those that are named",
    z.object({ worker: addressText.optional(), workerKeyHex: z.string().length(96).optional(), key }),
    ownerCall.extend({ worker: addressText, workerKeyHex: z.string() }),
  ),
  "mine.workerConfirm": call(
    "Makes the announced worker the worker, when the delay is over",
    nothing,
    sentMessage,
  ),
  "mine.ownerPropose": call("Names the next owner", z.object({ owner: addressText }), ownerCall),
  "mine.ownerAccept": call(
    "Takes a miner over whose owner has named this account",
    z.object({ miner: addressText, from: addressText.optional() }),
    ownerCall,
  ),
  "mine.extend": call(
    "Lets sectors live longer",
    z.object({ sectorIds, untilHeight: height.optional(), forMs: z.int().min(1).optional() }),
    sentMessage.extend({ expiration: height }),
  ),
  "mine.terminateQuote": call(
    "What ending sectors now would cost",
    z.object({ sectorIds }),
    z.object({
      feeFil: filText.describe("burnt"),
      freedFil: filText.describe("of the pledge"),
      powerBytes: z.int().describe("that the miner loses"),
      pieces: z.int().describe("of deals, on this node's disk, in these sectors"),
      deals: z.int().describe("active ones that are lost with these sectors"),
      collateralFil: filText.describe("of the miner, lost with these deals"),
      sectors: z.array(z.object({ sectorId: z.int(), expiration: height, feeFil: filText })),
    }),
  ),
  "mine.terminate": call("Ends sectors now, for a fee", z.object({ sectorIds, key }), sentMessage),
  "mine.withdraw": call(
    "Pays the miner's free money to its owner",
    z.object({ amount: amountParam.optional().describe("default: all that is free"), key }),
    ownerCall.extend({ amountFil: filText }),
  ),
} as const;
