/** The columns of the client's jobs and attempts, and what stands in them. Amounts are texts. */
import { spreads } from "@holdfast/api";
import { type Address, type AttoFil, c, type Decoded, decode, encode, type JsonObject } from "@holdfast/base";
import type { Row, SqlValue } from "../../database.ts";
import { limits } from "../../limits.ts";
import { type WireState, wireStates } from "../deal.ts";
import { type Stage, stages } from "../machine/client.ts";
import {
  addressOf,
  amountOf,
  bytesOrNull,
  errorOrNull,
  numberOf,
  numberOrNull,
  textOf,
  textOrNull,
} from "../rows.ts";
import type { ErrorText, Spread } from "../types.ts";

const columnMaxBytes = { maxBytes: 16_777_216 };

/** Where a piece was found on the chain, and when its sector was first proven after the start. */
const evidenceCodec = c.list(
  c.tuple("Evidence", {
    sectorId: c.sectorId,
    proof: c.bytes(4096),
    commD: c.fixedBytes(32),
    commR: c.fixedBytes(32),
    firstProvenAt: c.nullable(c.epoch),
  }),
  limits.piecesPerDeal,
);
export type Evidence = Decoded<typeof evidenceCodec>[number];

export interface JobRow {
  readonly id: number;
  readonly cid: string;
  readonly name: string | null;
  readonly sizeBytes: number;
  readonly carBytes: number;
  readonly copies: number;
  readonly durationEpochs: number;
  readonly maxPrice: AttoFil | null;
  readonly payer: Address;
  readonly encrypted: boolean;
  /** What no two copies share. */
  readonly spread: Spread;
  readonly renew: boolean;
  readonly repair: boolean;
  /** A miner may get what it keeps for this client already. */
  readonly allowDuplicates: boolean;
  /** How the data comes to the miners. */
  readonly delivery: string;
  /** What all copies together may cost for one term; null: as `limitOf` has it. */
  readonly termLimit: AttoFil | null;
  readonly state: "running" | "done" | "failed";
  readonly error: ErrorText | null;
  readonly startedMs: number;
  readonly updatedMs: number;
  readonly finishedMs: number | null;
}

export type { Stage };

export const escrowStates = ["ours", "in", "back"] as const;
export type EscrowState = (typeof escrowStates)[number];

export interface Attempt {
  readonly id: number;
  readonly jobId: number;
  /** From 0. */
  readonly copy: number;
  readonly miner: Address;
  readonly pricePerBytePerEpoch: AttoFil;
  readonly total: AttoFil;
  /** The pieces are cut for sectors of this size. */
  readonly sectorBytes: number;
  /** Of this deal: a copy that takes another's place may live as long as that would have. */
  readonly durationEpochs: number;
  /** The height at which another copy was to take its place. */
  readonly retired: number | null;
  readonly stage: Stage;
  readonly eol: number | null;
  readonly channel: number | null;
  /** The signed proposal as it is sent. */
  readonly proposal: Uint8Array | null;
  readonly dealId: string | null;
  readonly startHeight: number | null;
  readonly endHeight: number | null;
  readonly startBy: number | null;
  /** What the miner said last. */
  readonly remote: WireState;
  readonly detail: string;
  readonly evidence: readonly Evidence[] | null;
  readonly doneHeight: number | null;
  readonly error: ErrorText | null;
  /** What the chain last said that the miner has taken. */
  readonly redeemed: AttoFil;
  /** What came back; null while the channel is open. */
  readonly refunded: AttoFil | null;
  /** How often each kind of message was sent; part of the messages' keys. */
  readonly fundTry: number;
  readonly extendTry: number;
  readonly cancelTry: number;
  readonly reclaimTry: number;
  /** What this side locks for the deal. */
  readonly collateral: AttoFil;
  /** What the miner locks for the deal. */
  readonly providerCollateral: AttoFil;
  /** Where it is: still ours, with the market, or back. */
  readonly escrow: EscrowState;
  readonly depositTry: number;
  readonly marketTry: number;
  readonly createdMs: number;
}

export function assignments(
  columns: { readonly [field: string]: string },
  patch: { readonly [field: string]: unknown },
): [string[], SqlValue[]] {
  const entries = Object.entries(patch).filter(([, value]) => value !== undefined);
  return [
    entries.map(([field]) => `${columns[field]} = ?`),
    entries.map(([field, value]) => (field === "evidence" ? evidenceValue(value) : sqlValue(value))),
  ];
}

function evidenceValue(value: unknown): SqlValue {
  return value === null ? null : encode(evidenceCodec, value as readonly Evidence[]);
}
function sqlValue(value: unknown): SqlValue {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value instanceof Uint8Array ? value : JSON.stringify(value as JsonObject);
}

export function jobOf(row: Row): JobRow {
  const state = textOf(row, "state");
  return {
    id: numberOf(row, "id"),
    cid: textOf(row, "cid"),
    name: textOrNull(row, "name"),
    sizeBytes: numberOf(row, "size_bytes"),
    carBytes: numberOf(row, "car_bytes"),
    copies: numberOf(row, "copies"),
    durationEpochs: numberOf(row, "duration_epochs"),
    maxPrice: row.max_price === null ? null : amountOf(row, "max_price"),
    payer: addressOf(row, "payer"),
    encrypted: numberOf(row, "encrypted") === 1,
    spread: spreads.find((known) => known === textOf(row, "spread")) ?? "miners",
    renew: numberOf(row, "renew") === 1,
    repair: numberOf(row, "repair") === 1,
    allowDuplicates: numberOf(row, "allow_duplicates") === 1,
    delivery: textOf(row, "delivery"),
    termLimit: row.term_limit === null ? null : amountOf(row, "term_limit"),
    state: state === "done" || state === "failed" ? state : "running",
    error: errorOrNull(row, "error"),
    startedMs: numberOf(row, "started_ms"),
    updatedMs: numberOf(row, "updated_ms"),
    finishedMs: numberOrNull(row, "finished_ms"),
  };
}

export function attemptOf(row: Row): Attempt {
  const evidence = bytesOrNull(row, "evidence");
  const stage = textOf(row, "stage");
  const remote = textOf(row, "remote");
  return {
    id: numberOf(row, "id"),
    jobId: numberOf(row, "job_id"),
    copy: numberOf(row, "copy"),
    miner: addressOf(row, "miner"),
    pricePerBytePerEpoch: amountOf(row, "price"),
    total: amountOf(row, "total"),
    sectorBytes: numberOf(row, "sector_bytes"),
    durationEpochs: numberOf(row, "duration_epochs"),
    retired: numberOrNull(row, "retired"),
    stage: stages.find((known) => known === stage) ?? "abandoned",
    eol: numberOrNull(row, "eol"),
    channel: numberOrNull(row, "channel"),
    proposal: bytesOrNull(row, "proposal"),
    dealId: textOrNull(row, "deal_id"),
    startHeight: numberOrNull(row, "start_height"),
    endHeight: numberOrNull(row, "end_height"),
    startBy: numberOrNull(row, "start_by"),
    remote: wireStates.find((known) => known === remote) ?? "unknown",
    detail: textOf(row, "detail"),
    evidence: evidence === null ? null : decode(evidenceCodec, evidence, columnMaxBytes),
    doneHeight: numberOrNull(row, "done_height"),
    error: errorOrNull(row, "error"),
    redeemed: amountOf(row, "redeemed"),
    refunded: row.refunded === null ? null : amountOf(row, "refunded"),
    fundTry: numberOf(row, "fund_try"),
    extendTry: numberOf(row, "extend_try"),
    cancelTry: numberOf(row, "cancel_try"),
    reclaimTry: numberOf(row, "reclaim_try"),
    collateral: amountOf(row, "collateral"),
    providerCollateral: amountOf(row, "provider_collateral"),
    escrow: escrowStates.find((known) => known === textOf(row, "escrow")) ?? "ours",
    depositTry: numberOf(row, "deposit_try"),
    marketTry: numberOf(row, "market_try"),
    createdMs: numberOf(row, "created_ms"),
  };
}
