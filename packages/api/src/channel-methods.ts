/** Methods about payment channels and their vouchers. */
import { z } from "zod";
import { sentMessage } from "./message-methods.ts";
import { call } from "./method-spec.ts";
import { addressText, filText, height } from "./shapes.ts";

const channelNumber = z.int().min(0).describe("number of the channel, among those of its payer");
const amountParam = z.string().max(64);
const key = z.string().min(1).max(128).optional().describe("a repeat with the same key sends nothing new");
const from = addressText.optional().describe("the payer (default: the wallet's default address)");

const wayOut = z.object({
  who: addressText,
  role: z.enum(["payer", "target"]),
  command: z.string(),
  fromHeight: height,
  untilHeight: height.nullable(),
  amountFil: filText,
});

export const voucherView = z.object({
  text: z.string().describe("the voucher itself, to be handed to its target"),
  payer: addressText,
  channel: channelNumber,
  target: addressText,
  amountFil: filText.describe("in all, since the channel was opened"),
  validAt: height,
  condition: z.object({ to: addressText, method: z.string(), paramsHex: z.string() }).nullable(),
  side: z.enum(["given", "received"]).nullable(),
});

export const channelView = z.object({
  payer: addressText,
  channel: channelNumber,
  target: addressText,
  signer: addressText.describe("whose signature makes a voucher"),
  role: z.enum(["payer", "target", "both", "other"]).describe("of this node's keys"),
  depositFil: filText,
  redeemedFil: filText,
  leftFil: filText,
  eol: height.describe("first height at which nothing can be redeemed"),
  agreedEol: height,
  state: z.enum(["open", "cancelled", "ended"]),
  bestFil: filText.nullable().describe("what the best voucher of this node is over"),
  autoRedeemAt: height.nullable().describe("from here on the best voucher is redeemed by itself"),
  waysOut: z.array(wayOut),
});

const channelRef = { payer: addressText, channel: channelNumber };
const own = { channel: channelNumber, from, key };

export const channelMethods = {
  "channel.create": call(
    "Opens a payment channel",
    z.object({
      target: addressText,
      amount: amountParam,
      forMs: z.int().min(1).optional(),
      untilHeight: height.optional(),
      from,
      key,
    }),
    sentMessage.extend({ payer: addressText, channel: channelNumber, eol: height }),
  ),
  "channel.extend": call(
    "Lets a channel last longer, and adds to its deposit",
    z.object({
      ...own,
      amount: amountParam.default("0"),
      forMs: z.int().min(1).optional().describe("from now on"),
      untilHeight: height.optional(),
    }),
    sentMessage.extend({ eol: height }),
  ),
  "channel.cancel": call("Announces the end of a channel", z.object(own), sentMessage),
  "channel.reclaim": call("Takes back what is left after the end", z.object(own), sentMessage),
  "channel.redeem": call("Redeems the best voucher of a channel", z.object(channelRef), sentMessage),
  "channel.close": call(
    "Redeems the best voucher and ends the channel: the rest goes back to the payer",
    z.object(channelRef),
    sentMessage,
  ),
  "channel.ls": call(
    "Channels in which this node pays or is paid, or those of an address",
    z.object({ address: addressText.optional() }),
    z.array(channelView),
  ),
  "channel.show": call(
    "One channel with the vouchers of this node and the ways out",
    z.object(channelRef),
    channelView.extend({ vouchers: z.array(voucherView) }),
  ),
  "voucher.create": call(
    "Signs a voucher",
    z.object({
      channel: channelNumber,
      payer: addressText.optional().describe("default: the wallet's default address"),
      amount: amountParam.describe("in all, since the channel was opened"),
      validAt: height.optional(),
      condition: z
        .object({ to: addressText, method: z.string().max(64), paramsHex: z.string().max(131_072) })
        .optional(),
    }),
    voucherView,
  ),
  "voucher.check": call(
    "Whether a voucher is worth having",
    z.object({ text: z.string().max(131_072) }),
    voucherView.extend({
      good: z.boolean(),
      code: z.string().nullable().describe("why not"),
      detail: z.string(),
      addsFil: filText.describe("what it pays beyond what was redeemed"),
    }),
  ),
  "voucher.add": call(
    "Takes in a voucher that was received",
    z.object({ text: z.string().max(131_072), redeemerParamsHex: z.string().max(131_072).default("") }),
    voucherView,
  ),
  "voucher.ls": call(
    "The vouchers of this node",
    z.object({ payer: addressText.optional(), channel: channelNumber.optional() }),
    z.array(voucherView),
  ),
  "voucher.best": call(
    "The received voucher of a channel that pays most now",
    z.object(channelRef),
    voucherView,
  ),
} as const;
