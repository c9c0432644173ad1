/** Methods for light clients: headers upwards from a tipset, and proofs of what a state says. */
import { z } from "zod";
import { call } from "./method-spec.ts";
import { addressText, cidText } from "./shapes.ts";

const state = z
  .enum(["found", "unknown", "elsewhere", "busy"])
  .describe("unknown: not here (any more); elsewhere: known, and not on this node's chain; busy: not now");
const channel = z.int().min(0);
const base64 = z.string().describe("base64");

/** What a state can be asked. */
export const lightQuestion = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("rules") }),
  z.strictObject({ kind: z.literal("electorate"), miners: z.array(addressText).max(128) }),
  z.strictObject({ kind: z.literal("power") }),
  z.strictObject({ kind: z.literal("actor"), address: addressText }),
  z.strictObject({ kind: z.literal("miner"), address: addressText }),
  z.strictObject({ kind: z.literal("sector"), miner: addressText, sector: z.int().min(0) }),
  z.strictObject({ kind: z.literal("deal"), client: addressText, channel }),
  z.strictObject({ kind: z.literal("channel"), payer: addressText, channel }),
  z.strictObject({ kind: z.literal("escrow"), party: addressText }),
]);

export const lightMethods = {
  "light.headers": call(
    "Headers of this node's chain from a tipset up",
    z.object({
      from: z.array(cidText).min(1).max(64).describe("the tipset to begin with; it comes first"),
      limit: z.int().min(1).max(256).default(256),
    }),
    z.object({ state, tipsets: z.array(z.array(base64).max(64)).max(256).describe("encoded block headers") }),
  ),
  "light.prove": call(
    "The objects of a state that an answer depends on: who knows the state's root finds the answer in them",
    z.object({ stateRoot: cidText, question: lightQuestion }),
    z.object({ state, objects: z.array(base64).max(65_536) }),
  ),
} as const;
