/** Methods about messages: sending, finding, waiting, what holds one up. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { addressText, cidText, messageState, messageView } from "./shapes.ts";

export const sentMessage = z.object({ cid: cidText, nonce: z.int() });

export const messageMethods = {
  "message.send": call(
    "Signs and sends a message",
    z.object({
      from: addressText.optional(),
      to: addressText,
      value: z.string().max(64).default("0"),
      method: z.string().max(64).default(""),
      paramsHex: z.string().max(131072).default(""),
      gasPrice: z.string().max(64).optional(),
      gasLimit: z.int().min(0).optional(),
      key: z
        .string()
        .min(1)
        .max(128)
        .optional()
        .describe("a repeat with the same key gives the same message"),
    }),
    sentMessage,
  ),
  "message.show": call("Where a message is", z.object({ cid: cidText }), messageState),
  "message.wait": call(
    "Waits until a message is in the chain with the wanted confirmations",
    z.object({
      cid: cidText,
      timeoutMs: z.int().min(0).max(86_400_000).default(120_000),
      confirmations: z.int().min(0).max(10_000).default(0),
    }),
    messageState,
  ),
  "message.ls": call("The messages that wait for a block", nothing, z.array(messageView)),
  "message.replace": call(
    "Offers a higher gas price for a message of this node that waits",
    z.object({ cid: cidText, gasPrice: z.string().max(64).optional() }),
    sentMessage,
  ),
  "message.cancel": call(
    "Puts a message that does nothing in the place of one of this node that waits",
    z.object({ cid: cidText }),
    sentMessage,
  ),
  "message.why": call(
    "Everything that holds a message up, and the command that helps",
    z.object({ cid: cidText }),
    z.object({
      cid: cidText,
      state: z.enum(["mined", "waiting", "lost"]),
      reasons: z.array(z.object({ code: z.string(), detail: z.string(), fix: z.string().nullable() })),
    }),
  ),
} as const;
