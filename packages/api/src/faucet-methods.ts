/** Methods about the money that test networks give away. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { addressText, cidText, filText, height } from "./shapes.ts";

export const faucetMethods = {
  "faucet.show": call(
    "What a faucet of this network gives, within which limits, and whether this node is one",
    nothing,
    z.object({
      network: z.string(),
      amountFil: filText.nullable().describe("for one request; null: the network has no faucet"),
      windowMs: z.int().describe("the time in which payments are counted"),
      mostPerAddress: z.int(),
      mostPerPeer: z.int(),
      mostPerMachine: z.int(),
      mostInAll: z.int(),
      mostPerMinute: z.int(),
      serving: z
        .object({
          account: addressText,
          balanceFil: filText,
          paid: z.int().describe("payments in the present window"),
        })
        .nullable()
        .describe("this node's faucet; null: it serves none"),
    }),
  ),
  "faucet.ask": call(
    "Asks a faucet for money: this node's own, the one that is named, or those of its peers",
    z.object({
      address: addressText.optional().describe("default: the wallet's default address"),
      key: z
        .string()
        .regex(/^[!-~]{1,64}$/, "1 to 64 visible ASCII characters")
        .describe("a repeat with the same key gives the same payment"),
      from: z.string().min(1).max(512).optional().describe("peer id or multiaddr of the faucet"),
      waitMs: z
        .int()
        .min(0)
        .max(86_400_000)
        .default(0)
        .describe("time to wait until the payment is in the chain; 0: do not wait"),
    }),
    z.object({
      cid: cidText.describe("the payment's message"),
      peerId: z.string().describe("who pays"),
      address: addressText,
      account: addressText.describe("the faucet's account"),
      amountFil: filText,
      balanceFil: filText.describe("what the faucet's account held before the payment"),
      height: height.nullable().describe("where the payment is in the chain; null: nobody waited"),
    }),
  ),
} as const;
