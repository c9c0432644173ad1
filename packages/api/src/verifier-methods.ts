/** Methods about the verifiers of idle space. */
import { z } from "zod";
import { sentMessage } from "./message-methods.ts";
import { call, nothing } from "./method-spec.ts";
import { addressText, filText, height } from "./shapes.ts";

const evidenceKind = z.enum(["sgx-dcap", "tdx", "sev-snp", "software"]);

/** A call by the authority or a verifier; where that is a multisig, the message proposes it. */
const called = sentMessage.extend({ isProposal: z.boolean() });
const ofOne = addressText.optional().describe("default: the verifier whose operator is in this wallet");

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
          operator: addressText.describe("answers for it: admitted, bonded, brings the evidence"),
          peerId: z.string(),
          key: addressText.nullable().describe("account of the key that signs; null: it has not attested"),
          isInOffice: z.boolean().describe("whether what it signs counts now"),
          isOurs: z.boolean().describe("whether its operator is in this wallet"),
          bondFil: filText,
          since: height,
          expires: height,
          validUntil: height.describe("below which its evidence counts"),
          kind: evidenceKind
            .nullable()
            .describe("of its evidence; null: none, or the genesis vouches for it"),
          programHex: z.string().nullable().describe("what it runs, by its evidence"),
          evidenceHex: z.string().nullable().describe("BLAKE2b-256 of the evidence"),
        }),
      ),
      own: z
        .object({
          operator: addressText,
          kind: evidenceKind.nullable(),
          programHex: z.string().nullable(),
          keyBoundTo: z
            .enum(["program", "machine"])
            .nullable()
            .describe("who else could open its sealed key"),
          reason: z
            .object({ code: z.string(), message: z.string() })
            .nullable()
            .describe("why it has no voice"),
          certified: z.int(),
          judged: z.int(),
          refused: z.int(),
        })
        .nullable()
        .describe("this node as a verifier; null: it is none"),
    }),
  ),
  "verifier.admit": call(
    "Admits a verifier, or moves the end of its office: for the network's authority",
    z.object({
      operator: addressText,
      peerId: z.string().min(1).max(128),
      forEpochs: z.int().min(1).max(1_000_000_000),
    }),
    called,
  ),
  "verifier.remove": call(
    "Ends a verifier's office: for the network's authority, or itself",
    z.object({ operator: ofOne }),
    called,
  ),
  "verifier.bond": call(
    "Adds to a verifier's bond",
    z.object({ operator: ofOne, amount: z.string().max(64) }),
    called,
  ),
  "verifier.withdraw": call(
    "Takes the bond of a verifier back whose office is over",
    z.object({ operator: ofOne }),
    called,
  ),
} as const;
