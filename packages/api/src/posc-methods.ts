/** Methods about this node as an attested pinning node, and about the reports of all of them. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { addressText, cidText, filText, height, sizeBytes } from "./shapes.ts";

const count = z.int().min(0);
const percent = z.number().min(0).max(100);
const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const evidenceKind = z.enum(["sgx-dcap", "tdx", "sev-snp", "software"]);

const reportView = z.object({
  node: count,
  key: addressText,
  slot: count,
  digestHex: hex,
  previousHex: hex.describe("digest of the node's report before this; zeros in its first"),
  accuracyPercent: percent.describe("samples that were answered"),
  count: count.describe("orders that the samples were drawn from"),
  added: z.array(count).describe("orders that the node holds from now on"),
  samples: z.array(
    z.object({
      pin: count.describe("number of the order"),
      root: cidText,
      block: cidText.nullable().describe("where the walk ended; null: it could not be read"),
      bytes: sizeBytes,
      elapsedMs: count,
    }),
  ),
  program: z.string(),
  check: z
    .enum(["unchecked", "confirmed", "silent", "false", "own", "nothing"])
    .describe(
      "what this node found when it looked at samples itself; own: it is its own report; nothing: no sample was " +
        "answered; unchecked: it has not looked, because it pins nothing for the network and has bought none of it",
    ),
  receivedMs: z.number(),
  bytesHex: hex.describe("the signed bytes, for `pinReport.verify`"),
});

const walkEnd = z.object({ block: cidText, answerHex: hex });
const sampleOf = { node: count, slot: count, sample: z.int().min(0).max(255).optional() };

export const poscMethods = {
  "posc.join": call(
    "Enters the network as a pinning node, by evidence of the program that runs",
    z.object({
      capacityBytes: z.int().min(1).describe("orders that it takes, together"),
      leastPriceFil: filText.optional().describe("for a GiB and a day; less is not taken"),
    }),
    z.object({ node: count }),
  ),
  "posc.leave": call(
    "Takes no more orders; the stake comes back when no report can be disputed any more",
    nothing,
    z.object({ node: count }),
  ),
  "posc.status": call(
    "This node as a pinning node",
    nothing,
    z.object({
      node: count.nullable().describe("its number; null: it has not joined"),
      status: z.enum(["active", "leaving", "expelled"]).nullable(),
      kind: evidenceKind.nullable().describe("software proves nothing but who runs the network"),
      programHex: hex.nullable(),
      keyBoundTo: z.enum(["program", "machine"]).nullable().describe("who else could open its sealed key"),
      validUntil: height.nullable().describe("its evidence is renewed by itself before this"),
      stakeFil: filText.nullable(),
      earnedFil: filText.nullable().describe("of settled orders, not taken yet"),
      slot: count,
      lastSlot: count.nullable().describe("of its last report on the chain"),
      lastAccuracyPercent: percent.nullable(),
      orders: count.describe("that it is drawn for, those that are leaving among them"),
      holds: count.describe("orders that it has confirmed"),
      openChallenges: count,
      openAsks: count.describe("orders about which buyers ask it"),
      reports: count.describe("of all nodes, that are kept here"),
      refused: z.record(z.string(), count).describe("reports that were heard and refused, by their fault"),
      reason: z.object({ code: z.string(), message: z.string() }).nullable().describe("why it does not work"),
    }),
  ),
  "pinReport.ls": call(
    "Reports that this node has verified, newest slots first",
    z.object({
      node: count.optional(),
      slot: count.optional(),
      limit: z.int().min(1).max(1_000).default(100),
    }),
    z.array(reportView),
  ),
  "pinReport.show": call("One report", z.object({ node: count, slot: count }), reportView),
  "pinReport.verify": call(
    "Judges the bytes of a report by the chain",
    z.object({ bytesHex: hex.max(131_072) }),
    z.object({
      ok: z.boolean(),
      code: z
        .string()
        .nullable()
        .describe("of the first check that fails, as the chain's exit codes are called"),
      node: count,
      slot: count,
      digestHex: hex,
      onChain: z.enum(["this", "another", "none"]),
      checks: z.array(z.object({ name: z.string(), ok: z.boolean(), code: z.string().nullable() })),
    }),
  ),
  "pinReport.inspect": call(
    "Looks at samples of a report now: what was reported, and where the walk really leads",
    z.object(sampleOf),
    z.array(
      z.object({
        sample: count,
        pin: count.describe("number of the order"),
        root: cidText,
        check: z
          .enum(["unchecked", "confirmed", "silent", "false", "missing"])
          .describe("missing: the node itself said that it cannot answer"),
        reported: walkEnd.nullable(),
        found: walkEnd.nullable().describe("null: the blocks are neither here nor did the node show them"),
        blocks: z.array(sizeBytes).describe("of the walk, from the root: the evidence"),
      }),
    ),
  ),
  "posc.ask": call(
    "Asks a pinning node for its key and its list; the answer is signed by its attested key and is the chain's",
    z.object({ node: count }),
    z.object({
      node: count,
      key: addressText,
      peerId: z.string(),
      kind: evidenceKind,
      programHex: hex,
      validUntil: height,
      set: cidText.describe("root of the list of orders that it has confirmed"),
      holds: count,
    }),
  ),
  "pinDispute.open": call(
    "Takes a sample to the chain: blocks of another walk disprove it, else the node has to show them to everybody",
    z.object(sampleOf),
    z.object({
      node: count,
      slot: count,
      sample: count,
      method: z.enum(["disprove", "challengeSample"]),
      check: z.enum(["silent", "false"]),
      message: cidText,
    }),
  ),
  "pinDispute.ls": call(
    "Challenges on the chain that wait for an answer",
    z.object({ node: count.optional() }),
    z.array(
      z.object({
        challenge: count,
        node: count,
        slot: count,
        challenger: addressText,
        depositFil: filText,
        answerBy: height,
        root: cidText,
        block: cidText.describe("where the node says that the walk ends"),
        answerHex: hex,
      }),
    ),
  ),
};
