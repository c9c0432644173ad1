/** Methods about the network itself: what all its nodes agree on, and what will change it. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { addressText, cidText, filText, height, sizeBytes } from "./shapes.ts";

/** Constants by name; money in FIL, the rest as the chain counts it. */
const constants = z.record(z.string(), z.union([z.string(), z.int(), z.boolean(), z.null()]));

const upgradeView = z.object({
  height,
  version: z.int().describe("version of the rules from there on"),
  isKnown: z.boolean().describe("whether this program knows the version"),
  inMs: z.int().describe("time until its height, by the length of a round; 0 if it has passed"),
  changes: constants.describe("the constants that change"),
});

/** What a status says of the rules. */
export const protocolView = z.object({
  version: z.int().describe("version of the rules above the head"),
  known: z.int().describe("the newest version that this program knows"),
  next: upgradeView.nullable().describe("the next upgrade"),
});

export const networkMethods = {
  "network.show": call(
    "What all nodes of the network agree on, and the upgrades that change it",
    nothing,
    z.object({
      name: z.string(),
      genesis: cidText,
      genesisMs: z.number(),
      networkByte: z.int(),
      roundMs: z.int(),
      height,
      protocol: protocolView,
      sectors: z.array(
        z.object({ sectorBytes: sizeBytes, profile: z.string(), proofMode: z.enum(["vanilla", "groth16"]) }),
      ),
      constants,
      upgradeAuthority: addressText.nullable(),
      faucetFil: filText.nullable().describe("what the faucet gives; null: the network has none"),
      foundersProven: z.boolean().describe("the genesis commits to proofs of the founders' seals"),
      upgrades: z.array(upgradeView).describe("those that wait"),
      applied: z.array(upgradeView).describe("those that have taken effect, oldest first"),
    }),
  ),
  "network.schedule": call(
    "Schedules an upgrade: a message of the network's upgrade authority",
    z.object({
      height: z.int().min(1),
      version: z.int().min(1).max(65_536).optional().describe("default: the present one"),
      changes: z.record(z.string().max(64), z.string().max(64)).default({}),
      dryRun: z.boolean().default(false).describe("only give the parameters of the message"),
    }),
    z.object({
      to: addressText,
      method: z.string(),
      paramsHex: z.string().describe("for a multisig to propose"),
      cid: cidText.nullable(),
    }),
  ),
  "network.cancel": call(
    "Takes back an upgrade that waits: a message of the network's upgrade authority",
    z.object({ height: z.int().min(1), dryRun: z.boolean().default(false) }),
    z.object({ to: addressText, method: z.string(), paramsHex: z.string(), cid: cidText.nullable() }),
  ),
} as const;
