/** Methods about the verifiers of idle space. */
import { z } from "zod";
import { sentMessage } from "./message-methods.ts";
import { call, nothing } from "./method-spec.ts";
import { addressText, filText, height } from "./shapes.ts";

const digestHex = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")
  .default("0".repeat(64));

/** A call by the authority or a verifier; where that is a multisig, the message proposes it. */
const called = sentMessage.extend({ isProposal: z.boolean() });
const ofOne = addressText.optional().describe("default: the verifier of which this wallet has the key");

export const verifierMethods = {
  "verifier.list": call(
    "Who verifies idle space on this network, and by which rules",
    nothing,
    z.object({
      profile: z.string().describe("of the files; empty: the network counts no idle space"),
      weightPercent: z.int().describe("what a byte counts against one of a sector"),
      bondFil: filText.describe("what a verifier has at stake"),
      seats: z.int().describe("verifiers that may speak in one matter"),
      authority: addressText.nullable().describe("who admits verifiers; null: nobody"),
      verifiers: z.array(
        z.object({
          address: addressText,
          peerId: z.string(),
          isInOffice: z.boolean().describe("whether what it signs counts now"),
          isOurs: z.boolean().describe("whether this wallet has its key"),
          bondFil: filText,
          since: height,
          expires: height,
          measurementHex: z.string().describe("hash of the program that it runs"),
          evidenceHex: z.string().describe("hash of the evidence of that"),
        }),
      ),
    }),
  ),
  "verifier.admit": call(
    "Admits a verifier, or renews one: for the network's authority",
    z.object({
      address: addressText,
      peerId: z.string().min(1).max(128),
      measurementHex: digestHex,
      evidenceHex: digestHex,
      forEpochs: z.int().min(1).max(1_000_000_000),
    }),
    called,
  ),
  "verifier.remove": call(
    "Ends a verifier's office: for the network's authority, or itself",
    z.object({ address: ofOne }),
    called,
  ),
  "verifier.bond": call(
    "Adds to a verifier's bond",
    z.object({ address: ofOne, amount: z.string().max(64) }),
    called,
  ),
  "verifier.withdraw": call(
    "Takes the bond of a verifier back whose office is over",
    z.object({ address: ofOne }),
    called,
  ),
} as const;
