/**
 * Every method of a node's API: what it takes, what it gives, whether it streams. The server, the
 * client, the OpenAPI text and the commands' `--json` schemas are all derived from this table.
 * Transport: `POST /api/v1/<name>` with a JSON body and a bearer token; streams answer ndjson.
 */
import { z } from "zod";
import { authorityMethods } from "./authority-methods.ts";
import { channelMethods } from "./channel-methods.ts";
import { faucetMethods } from "./faucet-methods.ts";
import { fileMethods } from "./file-methods.ts";
import { idleMethods } from "./idle-methods.ts";
import { ipfsMethods } from "./ipfs-methods.ts";
import { jobMethods } from "./job-methods.ts";
import { lightMethods } from "./light-methods.ts";
import { marketMethods } from "./market-methods.ts";
import { messageMethods } from "./message-methods.ts";
import { call, limitParam, nothing, stream } from "./method-spec.ts";
import { netMethods } from "./net-methods.ts";
import { networkMethods, protocolView } from "./network-methods.ts";
import { pinMethods } from "./pin-methods.ts";
import { pinOrderMethods } from "./pin-order-methods.ts";
import { poscMethods } from "./posc-methods.ts";
import { putMethods } from "./put-methods.ts";
import { recordsMethods } from "./records-methods.ts";
import { retrievalMethods } from "./retrieval-methods.ts";
import {
  addressText,
  askView,
  cidText,
  dealAmendment,
  dealView,
  filText,
  height,
  messageView,
  sectorView,
  signing,
  sizeBytes,
  tipsetSummary,
} from "./shapes.ts";
import { storageMethods } from "./storage-methods.ts";
import { syncMethods } from "./sync-methods.ts";
import { verifierMethods } from "./verifier-methods.ts";

export type { MethodSpec } from "./method-spec.ts";

const actorView = z.object({
  address: addressText,
  kind: z.string(),
  balanceFil: filText,
  nonce: z.int(),
  head: cidText.nullable(),
});

const walletEntry = z.object({
  address: addressText,
  f1: z.string(),
  balanceFil: filText,
  escrowFil: filText.describe("in the market"),
  lockedFil: filText.describe("of that, as collateral of deals"),
  channelsFil: filText.describe("in payment channels of this address, not redeemed yet"),
  isDefault: z.boolean(),
});

const keyText = z.object({ address: addressText, keyHex: z.string(), privateKeyBase64: z.string() });

const health = z.object({
  light: z.enum(["ok", "warning", "failing"]),
  reason: z.string(),
  fix: z.string().nullable(),
});

const mineStatus = z.object({
  miner: addressText,
  owner: addressText,
  light: z.enum(["earning", "at-risk", "not-earning"]),
  reason: z.string(),
  powerBytes: sizeBytes.describe("of sectors and idle space"),
  idlePowerBytes: sizeBytes.describe("what of it is by idle space"),
  networkPowerBytes: sizeBytes,
  blocksWon: z.int(),
  lastBlockAt: height.nullable(),
  signing,
  sectors: z.object({ active: z.int(), faulty: z.int(), pending: z.int() }),
  pledgeFil: filText,
  availableFil: filText,
  provingPeriodStart: height,
  nextDeadline: height,
  lastPostAt: height.nullable(),
  /** The deadlines that have sectors; `toProve` counts what an open one still waits for. */
  deadlines: z.array(
    z.object({
      index: z.int(),
      sectors: z.int(),
      faulty: z.int(),
      partitions: z.int(),
      opensAt: height,
      closesAt: height,
      isOpen: z.boolean(),
      toProve: z.int(),
    }),
  ),
  asks: z.array(askView),
  earnedFil: filText,
});

export const methods = {
  "node.status": call(
    "Who this node is and how it does, judged from the chain",
    nothing,
    z.object({
      name: z.string(),
      version: z.string(),
      network: z.string(),
      roundMs: z.int(),
      sectors: z
        .array(
          z.object({
            sectorBytes: sizeBytes,
            profile: z.string().describe("row of the table of sector sizes"),
            proofMode: z.enum(["vanilla", "groth16"]),
          }),
        )
        .describe("the sizes that the network has, how they are sealed and the form of their proofs"),
      peerId: z.string(),
      addresses: z.array(z.string()),
      peers: z.int(),
      head: tipsetSummary,
      headAgeMs: z.number(),
      syncState: z.enum(["synced", "syncing", "stalled"]),
      syncCode: z.string().describe("what a stalled node stands still for, in a word; none if it does not"),
      syncReason: z.string(),
      believedFrom: height.nullable().describe("from here on the history is believed: see sync.status"),
      protocol: protocolView,
      health,
      defaultAddress: addressText.nullable(),
      balanceFil: filText.nullable(),
      pendingMessages: z.int(),
      roles: z.array(z.enum(["bootstrap", "miner", "verifier", "client"])),
      uptimeMs: z.number(),
    }),
  ),
  ...netMethods,
  "chain.head": call("The heaviest tipset", nothing, tipsetSummary),
  "chain.ls": call(
    "Tipsets from the head (or a height) down",
    z.object({ from: height.optional(), limit: limitParam }),
    z.array(tipsetSummary),
  ),
  "chain.show": call(
    "One block, by its CID",
    z.object({ cid: cidText }),
    z.object({
      cid: cidText,
      miner: addressText,
      height,
      parents: z.array(cidText),
      parentWeight: z.string(),
      stateRoot: cidText,
      receipts: cidText,
      ticketHex: z.string(),
      timestampMs: z.number(),
      messages: z.array(messageView),
    }),
  ),
  "chain.watch": stream("Every new head as it comes", nothing, tipsetSummary),
  "chain.snapshot": call(
    "What a snapshot would be of; its bytes are then read from /api/v1/snapshot",
    z.object({
      height: height.optional(),
      messageEpochs: z.union([z.int().min(1), z.literal("all")]).optional(),
    }),
    z.object({ height, cids: z.array(cidText), messageEpochs: z.int(), isFinal: z.boolean() }),
  ),
  "chain.prune": call(
    "Lets states, messages and receipts go that are older than so many epochs",
    z.object({ keepEpochs: z.int().min(1).optional().describe("default: as configured, finality at least") }),
    z.object({
      statesFrom: height,
      bodiesFrom: height,
      removedObjects: z.int(),
      keptObjects: z.int(),
      prunedTipsets: z.int(),
      isComplete: z.boolean(),
    }),
  ),
  "chain.store": call(
    "What the chain's database holds, by kind, and what its files take",
    nothing,
    z.object({
      height,
      kinds: z.array(z.object({ kind: z.string(), entries: z.int(), bytes: sizeBytes })),
      totalBytes: sizeBytes,
      diskBytes: sizeBytes,
      statesFrom: height,
      bodiesFrom: height,
      pruneEpochs: z.int(),
      quotaBytes: sizeBytes,
    }),
  ),
  "chain.money": call(
    "The exact sum of all money: it never changes",
    nothing,
    z.object({
      height,
      balancesFil: filText,
      escrowFil: filText,
      pledgeFil: filText,
      burntFil: filText,
      totalFil: filText,
      genesisTotalFil: filText,
      exact: z.boolean(),
    }),
  ),
  "chain.bad": call(
    "Blocks and tipsets that this node found invalid, and why",
    nothing,
    z.array(
      z.object({
        key: z.string().describe("CID of a block, or the CIDs of a tipset with commas"),
        height,
        code: z.string(),
        reason: z.string(),
        root: z.string().describe("the invalid one that it stands on; its own key if it is invalid itself"),
        foundAtMs: z.number(),
      }),
    ),
  ),
  "chain.clearBad": call(
    "Forgets what was found invalid, so that it is looked at again: one and what stands on it, or all",
    z.object({ key: z.string().max(8192).optional() }),
    z.object({ cleared: z.int() }),
  ),
  ...messageMethods,
  ...channelMethods,
  ...jobMethods,
  ...storageMethods,
  ...idleMethods,
  ...recordsMethods,
  ...lightMethods,
  ...syncMethods,
  ...marketMethods,
  ...networkMethods,
  ...faucetMethods,
  ...verifierMethods,
  ...authorityMethods,
  "actor.ls": call("All actors", z.object({ limit: limitParam }), z.array(actorView)),
  "actor.show": call(
    "One actor and its state",
    z.object({ address: addressText }),
    actorView.extend({ state: z.json() }),
  ),
  "wallet.ls": call("The keys of this node and their balances", nothing, z.array(walletEntry)),
  "wallet.new": call("Makes a key", nothing, walletEntry),
  "wallet.default": call("Chooses the default address", z.object({ address: addressText }), walletEntry),
  "wallet.export": call(
    "A key in the field's formats: keep it secret",
    z.object({ address: addressText }),
    keyText,
  ),
  "wallet.recipient": call(
    "To whom files of an account are encrypted, as the program age names it",
    z.object({ address: addressText.optional().describe("default: the default address") }),
    z.object({ address: addressText, recipient: z.string() }),
  ),
  "wallet.identity": call(
    "The secret key for files of an account, as the program age reads it: keep it secret",
    z.object({ address: addressText }),
    z.object({ address: addressText, identity: z.string() }),
  ),
  "wallet.import": call(
    "Takes in a key: hex of the field's JSON, or the 2019 wallet file",
    z.object({ text: z.string().max(65_536) }),
    z.array(walletEntry),
  ),
  "ask.ls": call("The asks of all miners, cheapest first", nothing, z.array(askView)),
  "ask.set": call(
    "Publishes this miner's ask",
    z.object({
      price: z.string().max(64).describe("per GiB and day, such as 0.01FIL"),
      minBytes: sizeBytes.optional(),
      maxBytes: sizeBytes.optional(),
      providerCollateralPercent: z.int().min(0).max(10_000).optional().describe("default: as before"),
      clientCollateralPercent: z.int().min(0).max(10_000).optional().describe("default: as before"),
      forMs: z.int().min(1).optional(),
    }),
    askView,
  ),
  "mine.status": call("Is this miner earning, and if not, why", nothing, mineStatus),
  "sector.ls": call(
    "Sectors of this miner, or of any miner from the chain, by number",
    z.object({
      miner: addressText.optional(),
      after: z.int().min(-1).optional().describe("begin above this number: the last of the page before"),
      limit: limitParam,
    }),
    z.array(sectorView),
  ),
  "sector.show": call(
    "One sector",
    z.object({ sectorId: z.int().min(0), miner: addressText.optional() }),
    sectorView.extend({
      pieceList: z.array(
        z.object({ pieceCid: cidText, dealId: z.string(), offsetBytes: sizeBytes, paddedBytes: sizeBytes }),
      ),
    }),
  ),
  "deal.ls": call(
    "Deals of this node, newest first: those as client, then those as miner",
    z.object({
      role: z.enum(["client", "miner"]).optional(),
      after: z
        .string()
        .max(200)
        .regex(/^(?:client|miner)\//)
        .optional()
        .describe("begin behind this one, the last of the page before: its role, a slash and its id"),
      limit: limitParam,
    }),
    z.array(dealView),
  ),
  "deal.show": call(
    "One deal with its payments and pieces",
    z.object({ dealId: z.string().max(200) }),
    dealView.extend({
      pieceList: z.array(
        z.object({
          pieceCid: cidText,
          paddedBytes: sizeBytes,
          userBytes: sizeBytes,
          sectorId: z.int().nullable(),
          lastProvenAt: height.nullable(),
        }),
      ),
      vouchers: z.array(z.object({ amountFil: filText, validAt: height, redeemed: z.boolean() })),
      amendments: z.array(dealAmendment),
      history: z.array(z.object({ atMs: z.number(), state: z.string(), detail: z.string() })),
    }),
  ),
  ...fileMethods,
  ...ipfsMethods,
  ...pinMethods,
  ...poscMethods,
  ...retrievalMethods,
  ...pinOrderMethods,
  ...putMethods,
  why: call(
    "Explains a deal, message, sector or put, an order of pinning (pin:12), or (sync, idle) how the node follows the chain and what its idle space waits for: what happened, because of what, and the command that fixes it",
    z.object({ subject: z.string().max(200) }),
    z.object({
      subject: z.string(),
      kind: z.enum(["deal", "message", "sector", "put", "sync", "pin", "idle", "storage", "unknown"]),
      state: z.string(),
      light: z.enum(["ok", "waiting", "failing"]),
      summary: z.string(),
      causes: z.array(z.string()),
      fix: z.string().nullable(),
    }),
  ),
} as const;

export type Methods = typeof methods;
export type MethodName = keyof Methods;
export type MethodParams<Name extends MethodName> = z.input<Methods[Name]["params"]>;
export type CheckedParams<Name extends MethodName> = z.output<Methods[Name]["params"]>;
export type MethodResult<Name extends MethodName> = z.output<Methods[Name]["result"]>;
export type StreamName = {
  [Name in MethodName]: Methods[Name]["stream"] extends true ? Name : never;
}[MethodName];
export type CallName = Exclude<MethodName, StreamName>;

/** What a node implements: one function per method, on already checked parameters. */
export type ApiHandlers = {
  readonly [Name in CallName]: (
    params: CheckedParams<Name>,
    signal: AbortSignal,
  ) => Promise<MethodResult<Name>>;
} & {
  readonly [Name in StreamName]: (
    params: CheckedParams<Name>,
    signal: AbortSignal,
  ) => AsyncIterable<MethodResult<Name>>;
};
