/**
 * The shapes that several methods share. One zod schema is at once the type, the check at the door,
 * the OpenAPI text and the golden `--json` schema of the command line. Units are in the names: amounts
 * are exact decimal FIL texts (`…Fil`), sizes `…Bytes`, durations `…Ms` or `…Epochs`.
 */
import { z } from "zod";

export const cidText = z.string().max(200).describe("a CID");
export const addressText = z.string().max(64).describe("an address: fc…, tf…, f1… or t1…");
export const filText = z
  .string()
  .max(64)
  .regex(/^-?\d+(\.\d{1,18})?$/)
  .describe("an amount in FIL, exact decimal");
export const height = z.int().min(0).describe("an epoch of the chain");
export const sizeBytes = z.int().min(0);

export const tipsetSummary = z.object({
  key: z.string(),
  height,
  cids: z.array(cidText),
  miners: z.array(addressText),
  parentWeight: z.string(),
  messages: z.int(),
  timestampMs: z.number(),
});

export const receipt = z.object({
  exitCode: z.int(),
  meaning: z.string(),
  returnsHex: z.string(),
  gasUsed: z.int(),
});

export const messageView = z.object({
  cid: cidText,
  from: addressText,
  to: addressText,
  nonce: z.int(),
  valueFil: filText,
  method: z.string(),
  paramsHex: z.string(),
  gasPriceFil: filText,
  gasLimit: z.int(),
});

/** Where a message is: known to nobody, waiting, or in a tipset with its receipt. */
export const messageState = z.object({
  message: messageView,
  state: z.enum(["pending", "mined"]),
  height: height.nullable(),
  tipset: z.string().nullable(),
  confirmations: z.int(),
  receipt: receipt.nullable(),
});

export const sectorView = z.object({
  sectorId: z.int(),
  miner: addressText,
  sectorBytes: sizeBytes,
  state: z.string().describe("staging, sealing, sealed, committed, active, faulty, expired, failed …"),
  commD: z.string().nullable(),
  commR: z.string().nullable(),
  pieces: z.int(),
  usedBytes: sizeBytes,
  activatedAt: height.nullable(),
  expiresAt: height.nullable(),
  lastProvenAt: height.nullable(),
  detail: z.string(),
});

export const askView = z.object({
  miner: addressText,
  askId: z.int(),
  priceFilPerGiBPerDay: filText,
  priceAttoPerByteEpoch: z.string(),
  minBytes: sizeBytes,
  maxBytes: sizeBytes,
  providerCollateralPercent: z.int().describe("of the price: what the miner locks for a deal"),
  clientCollateralPercent: z.int().describe("of the price: what the client locks for a deal"),
  expiresAt: height,
  peerId: z.string(),
  reachable: z.boolean(),
});

export const dealStates = [
  "proposing",
  "accepted",
  "transferring",
  "staged",
  "sealing",
  "committed",
  "active",
  "complete",
  "rejected",
  "failed",
] as const;

export const dealOnChain = z.object({
  status: z.enum(["published", "active", "complete", "lost", "late", "broken", "released"]),
  startBy: height.describe("the last height at which the pieces can be proven"),
  endHeight: height,
  totalFil: filText,
  clientCollateralFil: filText,
  providerCollateralFil: filText,
  activatedAt: height.nullable(),
  endedAt: height.nullable().describe("when the collaterals came free"),
  lostAt: height.nullable().describe("when a sector of it was lost"),
});

export const dealView = z.object({
  dealId: cidText,
  role: z.enum(["client", "miner"]),
  payload: cidText,
  name: z.string().nullable(),
  client: addressText,
  miner: addressText,
  state: z.enum(dealStates),
  detail: z.string(),
  sizeBytes,
  pieces: z.int(),
  sectors: z.array(z.int()),
  provenSectors: z
    .int()
    .describe("not faulty and proven since it began; of one that is over, while it lived"),
  faultySectors: z
    .int()
    .describe("those that have missed a proof and can still recover; 0 of one that is over"),
  totalFil: filText,
  redeemedFil: filText,
  channelId: z.int().nullable(),
  startHeight: height.nullable(),
  endHeight: height.nullable(),
  keeping: z
    .enum(["none", "renew", "repair", "renew-and-repair", "replaced"])
    .describe(
      "what this client does by itself when the deal ends or is lost; replaced: another copy took its place",
    ),
  onChain: dealOnChain.nullable().describe("null before it is published, and when its record is gone"),
});

/** A change of a deal that one side has asked for and the other answers by its policy. */
export const dealAmendment = z.object({
  amendmentId: cidText.nullable().describe("null before it is signed"),
  kind: z.enum(["extend", "release"]),
  state: z.enum(["asking", "paying", "proposing", "accepted", "done", "failed"]),
  endHeight: height.describe("the later end; of a release, the end that the deal had"),
  totalFil: filText.describe("what the deal costs in all with it"),
  code: z.string().nullable().describe("why it failed"),
  detail: z.string(),
});

export const fileView = z.object({
  cid: cidText,
  name: z.string().nullable(),
  sizeBytes,
  copies: z.int(),
  encrypted: z.boolean().describe("only a key that it was encrypted for reads it"),
  activeCopies: z.int(),
  state: z
    .enum(["storing", "stored", "at-risk", "lost", "expired", "failed"])
    .describe("failed: no copy of it was ever made"),
  reason: z.string(),
  storedUntilHeight: height.nullable(),
});

/** One step of a put, per copy; the list as a whole is the live checklist. */
export const putSteps = [
  "imported",
  "quoted",
  "funded",
  "proposed",
  "transferred",
  "sealed",
  "committed",
  "proven",
  "read-back",
] as const;

export const putCopy = z.object({
  miner: addressText,
  dealId: cidText.nullable(),
  step: z.enum(putSteps),
  stepsDone: z.array(z.enum(putSteps)),
  progressRatio: z.number().min(0).max(1),
  detail: z.string(),
  priceFil: filText,
  error: z.object({ code: z.string(), message: z.string(), fix: z.string() }).nullable(),
});

export const spreads = ["miners", "operators"] as const;
export const spread = z.enum(spreads).describe("what no two copies share: a miner, or who owns the miner");

/** How a stored file is kept, and what is being done for it. */
export const keepView = z.object({
  spread,
  renew: z.boolean().describe("its deals live on for another term before each end"),
  repair: z.boolean().describe("copies that a miner loses are made again"),
  limitFil: filText
    .nullable()
    .describe("what all copies together may cost for one term; null before they are stored"),
  state: z
    .enum(["off", "waiting", "kept", "renewing", "repairing", "stuck", "ended"])
    .describe("waiting: the put is not done; stuck: it cannot be kept now, see detail"),
  detail: z.string(),
  copiesKept: z
    .int()
    .describe(
      "copies that the chain has proven and that are not lost, without those that others have replaced",
    ),
  untilHeight: height.nullable().describe("the first end among the copies that are kept"),
  audits: z
    .array(
      z.object({
        copy: z.int().describe("from 0"),
        miner: addressText,
        askedHeight: height.describe("when a random part of the copy was asked for last"),
        servedHeight: height.nullable().describe("when it was given last; null: never yet"),
        misses: z.int().describe("tries in a row that gave nothing"),
        detail: z.string().describe("what the last miss said"),
      }),
    )
    .describe("of copies that are kept, whether their miners give them back"),
});

export const putView = z.object({
  jobId: z.string(),
  cid: cidText,
  name: z.string().nullable(),
  sizeBytes,
  carBytes: sizeBytes,
  state: z.enum(["running", "done", "failed"]),
  startedAtMs: z.number(),
  updatedAtMs: z.number(),
  finishedAtMs: z.number().nullable(),
  durationEpochs: z.int(),
  totalFil: filText,
  encrypted: z.boolean(),
  keep: keepView,
  copies: z.array(putCopy),
  error: z.object({ code: z.string(), message: z.string(), fix: z.string() }).nullable(),
});

/** What a client can check later, offline: where each piece is, and the commitments it was proven against. */
export const receiptDocument = z.object({
  version: z.literal(1),
  network: z.string(),
  cid: cidText,
  name: z.string().nullable(),
  sizeBytes,
  carBytes: sizeBytes,
  storedAtHeight: height,
  storedUntilHeight: height,
  encrypted: z.boolean().optional().describe("only a key that it was encrypted for reads it"),
  totalFil: filText,
  copies: z.array(
    z.object({
      miner: addressText,
      dealId: cidText,
      channelId: z.int(),
      pieces: z.array(
        z.object({
          pieceCid: cidText,
          paddedBytes: sizeBytes,
          sectorId: z.int(),
          commD: z.string(),
          commR: z.string(),
          inclusionProofHex: z.string(),
          firstProvenAt: height,
        }),
      ),
    }),
  ),
});

/** Of a miner's blocks. */
export const signing = z
  .object({
    standing: z.enum(["clear", "careful", "looking", "twin"]),
    reason: z.string().nullable(),
    fix: z.string().nullable(),
  })
  .describe("whether it signs blocks, and if not, for what fear of another node with the same keys");
