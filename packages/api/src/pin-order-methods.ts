/** Methods about pinning that is bought from the network's attested nodes: orders, nodes, programs. */
import { z } from "zod";
import { sentMessage } from "./message-methods.ts";
import { call, nothing } from "./method-spec.ts";
import { addressText, cidText, filText, height, sizeBytes } from "./shapes.ts";

const count = z.int().min(0);
const order = count.describe("number of the order");
const from = addressText.optional().describe("who sends it (default: the wallet's default address)");
const key = z.string().min(1).max(128).optional().describe("a repeat with the same key sends nothing new");
const signing = { from, key };
const amountParam = z.string().max(64);
const percent = z.number().min(0).max(100);
const sentCall = sentMessage.extend({
  isProposal: z.boolean().describe("of a multisig, for others to approve"),
});
const page = {
  from: count.default(0).describe("the first number to look at"),
  limit: z.int().min(1).max(1_000).default(100),
};
const next = count.nullable().describe("where the next page begins; null: there is no more");
const evidenceKind = z.enum(["sgx-dcap", "tdx", "sev-snp", "software"]);
const programHex = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("what evidence measures of the program");

export const pinHolder = z.object({
  node: count,
  peerId: z.string(),
  operator: addressText,
  state: z
    .enum(["assigned", "holding", "silent", "gone"])
    .describe(
      "drawn but not confirmed; reported in this slot or the last; not; left, expelled or too old evidence",
    ),
  lastSlot: count.nullable().describe("of its last report"),
  countedPercent: percent
    .nullable()
    .describe("what that report counted, of all its orders; null before the first"),
  owedFil: filText.describe("earned in this order and not settled yet"),
  heldFil: filText.describe("of that, what settling would not credit yet: a buyer's ask could still cost it"),
  ask: z
    .object({ answerBy: height.describe("unless the chain stands still"), depositFil: filText })
    .nullable()
    .describe("the buyer asks it on the chain to show the content; null: it does not"),
  look: z
    .object({
      slot: count,
      found: z.enum(["shown", "silent", "wrong"]),
      missed: count.describe("slots in a row in which it showed nothing right"),
    })
    .nullable()
    .describe("what this node found when it looked at an order of its own itself; null: it has not"),
  check: z
    .enum(["unchecked", "confirmed", "silent", "false", "own", "nothing"])
    .nullable()
    .describe("what this node found when it looked at that report itself; null: it has it not"),
});
export const pinOrderView = z.object({
  pin: order,
  cid: cidText,
  buyer: addressText,
  sizeBytes,
  state: z.enum(["waiting", "partly", "held", "ended"]),
  nodesWanted: count,
  nodesHolding: count,
  priceFilPerGiBPerDay: filText,
  slotFil: filText.describe("what one node gets for one slot"),
  escrowFil: filText.describe("what is left to pay with"),
  endHeight: height,
  holders: z.array(pinHolder),
  dropped: z.array(count).describe("nodes that did not show what they were asked for, the newest last"),
});
export const pinNodeView = z.object({
  node: count,
  operator: addressText,
  key: addressText.describe("of the key that its enclave made"),
  peerId: z.string(),
  kind: evidenceKind,
  programHex,
  program: z.string().nullable().describe("its name on the list; null if it is there no more"),
  status: z.enum(["active", "leaving", "expelled"]),
  validUntil: height.describe("when its evidence is too old"),
  stakeFil: filText,
  earnedFil: filText.describe("settled and not claimed"),
  leastFilPerGiBPerDay: filText,
  capacityBytes: sizeBytes,
  assignedBytes: sizeBytes,
  holds: count.describe("orders that it has confirmed"),
  reports: count.describe("that the chain has taken"),
  countedPercent: percent.nullable().describe("what its last report counted; null before the first"),
  lastSlot: count.nullable(),
  openChallenges: count,
  openAsks: count.describe("orders about which buyers ask it"),
});
/** All but "Revoked", which nobody takes. */
export const takenTcbStatuses = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "TDRelaunchAdvised",
  "TDRelaunchAdvisedConfigurationNeeded",
] as const;
export const firmwareLines = ["Milan", "Genoa", "Turin"] as const;
export const firmwareComponents = ["fmc", "bl", "tee", "snp", "ucode"] as const;
const svn = z.int().min(0).max(255);
export const platformRule = z.object({
  leastTcbEvaluation: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .describe("of Intel: TCB info and identity are of this evaluation or a later one; 0: any"),
  tcbStatuses: z
    .array(z.enum(takenTcbStatuses))
    .max(takenTcbStatuses.length)
    .describe("what Intel may say of the platform; none: the first four"),
  leastFirmware: z
    .array(z.object({ line: z.enum(firmwareLines), fmc: svn, bl: svn, tee: svn, snp: svn, ucode: svn }))
    .max(firmwareLines.length)
    .describe("of AMD: the least versions of firmware, and no other line of products; none: any"),
});
const programView = z.object({
  kind: evidenceKind,
  programHex,
  name: z.string(),
  expires: height,
  platform: platformRule.describe("what is asked of the platforms that it runs on"),
});

export const pinOrderMethods = {
  "pinOrder.add": call(
    "Buys pinning of a CID from the network's attested nodes",
    z.object({
      cid: cidText,
      sizeBytes: z.int().min(1).describe("of all its blocks together, at least"),
      nodes: z.int().min(1).max(32),
      price: amountParam.describe("for a GiB and a day of one node"),
      forMs: z.number().min(1),
      ...signing,
    }),
    sentCall.extend({ costFil: filText, slots: count }),
  ),
  "pinOrder.ls": call(
    "Orders of pinning on the chain",
    z.object({ ...page, buyer: addressText.optional(), cid: cidText.optional() }),
    z.object({ pins: z.array(pinOrderView), next }),
  ),
  "pinOrder.show": call("One order of pinning", z.object({ pin: order }), pinOrderView),
  "pinOrder.extend": call(
    "Pays for more time of an order",
    z.object({ pin: order, forMs: z.number().min(1), ...signing }),
    sentCall.extend({ costFil: filText, slots: count }),
  ),
  "pinOrder.rm": call(
    "Ends an order after this slot; what is not used comes back",
    z.object({ pin: order, ...signing }),
    sentCall,
  ),
  "pinOrder.settle": call(
    "Credits nodes with what they have earned, and closes orders that have ended",
    z.object({ pins: z.array(order).min(1).max(256), ...signing }),
    sentCall,
  ),
  "pinOrder.repair": call(
    "Draws nodes for the places of those that are gone",
    z.object({ pin: order, ...signing }),
    sentCall,
  ),
  "pinOrder.ask": call(
    "Makes a node show an order of this wallet on the chain, with a deposit that is the node's if it does",
    z.object({ pin: order, node: count, key }),
    sentCall.extend({ depositFil: filText }),
  ),
  "pinNode.ls": call(
    "The network's pinning nodes",
    z.object({ ...page, operator: addressText.optional() }),
    z.object({ nodes: z.array(pinNodeView), next }),
  ),
  "pinNode.show": call("One pinning node", z.object({ node: count }), pinNodeView),
  "pinNode.claim": call(
    "Takes what a node of this wallet has earned",
    z.object({ node: count, key }),
    sentCall.extend({ earnedFil: filText }),
  ),
  "pinProgram.ls": call("Programs that pinning nodes may run", nothing, z.array(programView)),
  "pinProgram.set": call(
    "Lists a program, or moves its end, in the name of the network's authority",
    z.object({
      kind: evidenceKind,
      programHex,
      name: z.string().min(1).max(64),
      expires: height.describe("first height at which it may run no more; the present one revokes it"),
      platform: platformRule
        .optional()
        .describe("for evidence from now on (default: as it is listed; of a new program: any platform)"),
      key,
    }),
    sentCall,
  ),
};
