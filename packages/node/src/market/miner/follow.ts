/**
 * Where a deal is, from storage and chain: looked at anew at every head, so it can also go back a step when the
 * chain is reorganised. Ends are final: complete, or failed with the reason.
 */
import { HoldfastError } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { dealOn, heightOf, sectorOn } from "../facts.ts";
import { dealRefusals } from "../refusals.ts";
import { dealById, type MinerContext, move, pieceKeyOf } from "./context.ts";
import type { DealRow, KeptState } from "./store.ts";

/** Rounds after the last piece in which other deals may join the sector; doubled while transfers run. */
const sealAfterRounds = 2;
/** Storage states of sectors whose data is no longer proven to anybody. */
const endedStates = new Set(["expired", "removed"]);
/** The storage state of a sector that still takes pieces. */
const stagingState = "staging";

/** Sectors of the deal's pieces; undefined if the storage has lost one. */
export async function sectorsOf({ needs }: MinerContext, deal: DealRow): Promise<number[] | undefined> {
  const ids = new Set<number>();
  for (const index of deal.proposal.pieces.keys()) {
    const piece = await needs.storage.getPiece(pieceKeyOf(deal.dealId, index));
    if (piece === undefined) return undefined;
    ids.add(piece.sectorId);
  }
  return [...ids];
}

/** Brings the state of a stored deal up to date. */
export async function followDeal(context: MinerContext, dealId: string): Promise<void> {
  const deal = dealById(context, dealId);
  if (deal.state === "failed" || deal.state === "complete") return await dropPieces(context, deal);
  const isOver = heightOf(context.needs.chain) >= deal.current.endHeight;
  const onChain = dealOn(context.needs.chain, deal);
  if (onChain?.status === "released") return completeDeal(context, deal);
  if (onChain !== undefined && onChain.endedAt !== null && onChain.status !== "complete") {
    const { status, endedAt, startBy } = onChain;
    const isLate = status === "late";
    const reason = isLate
      ? dealRefusals.notInTime({ startBy })
      : dealRefusals.ended({ status, height: endedAt });
    return fail(context, deal, reason);
  }
  if (deal.settled && isOver) return completeDeal(context, deal);
  if (deal.state === "accepted" || deal.state === "transferring") return expireTransfer(context, deal);
  const sectors = await sectorsOf(context, deal);
  const next =
    sectors === undefined
      ? dealRefusals.storageFailed({ detail: "a piece is gone" })
      : await judge(context, deal, sectors);
  // The storage was asked meanwhile, and the deal may be over.
  if (dealById(context, dealId).state !== deal.state) return;
  if (next instanceof HoldfastError) return fail(context, deal, next);
  if (next.state !== deal.state || next.detail !== deal.detail) {
    move(context, dealId, { state: next.state }, next.detail);
  }
  // Also of a deal with sealed sectors: a restart may have come between the first and the last of them.
  // Nothing is sealed for a deal that the chain does not have.
  const isWaiting = next.state === "staged" || next.state === "sealing";
  if (isWaiting && onChain !== undefined) await sealSoon(context, deal, sectors ?? []);
}

function expireTransfer(context: MinerContext, deal: DealRow): void {
  const { startBy } = deal.proposal;
  // The running transfer notices by its own deadlines; what it still stores is dropped with the deal.
  if (heightOf(context.needs.chain) > startBy) fail(context, deal, dealRefusals.notInTime({ startBy }));
}

async function judge(
  context: MinerContext,
  deal: DealRow,
  sectors: readonly number[],
): Promise<{ readonly state: KeptState; readonly detail: string } | HoldfastError> {
  const { chain, miner, storage } = context.needs;
  const height = heightOf(chain);
  const { startBy, startHeight } = deal.proposal;
  let landed = 0;
  let proven = 0;
  let closed = 0;
  let detail = "";
  for (const sectorId of sectors) {
    const { state } = await storage.getSector(sectorId);
    const sector = sectorOn(chain, miner, sectorId);
    if (state !== stagingState) closed += 1;
    if (sector !== undefined) landed += 1;
    else if (endedStates.has(state))
      return dealRefusals.sectorLost({ sectorId, detail: "it is not on the chain any more" });
    else if (state === "failed") detail = `sealing sector ${sectorId} failed; it can be tried again`;
    if (sector?.lastProven != null && sector.lastProven >= startHeight) proven += 1;
    if (sector !== undefined && sector.faultySince !== null)
      detail = `sector ${sectorId} is faulty since ${sector.faultySince}`;
  }
  const many = sectors.length === 1 ? "its sector" : `${sectors.length} sectors`;
  if (landed === sectors.length && proven === landed)
    return { state: "active", detail: detail || `${many}: proven on the chain` };
  if (landed === sectors.length)
    return { state: "committed", detail: detail || `${many}: on the chain, not proven yet` };
  if (height > startBy) return dealRefusals.notInTime({ startBy });
  if (closed > 0)
    return {
      state: "sealing",
      detail: detail || `${many}: ${landed} on the chain, the others are being sealed`,
    };
  return { state: "staged", detail: "all data is here and waits for its sector to be sealed" };
}

/** A small file does not wait for a full sector; others that are on their way may come along. */
async function sealSoon(context: MinerContext, deal: DealRow, sectors: readonly number[]): Promise<void> {
  const { storage, chain } = context.needs;
  const waited = heightOf(chain) - (deal.stagedHeight ?? 0);
  const isBusy = context.tasks.count("transfer/") > 0;
  if (waited < (isBusy ? limits.dealWaitRounds : sealAfterRounds)) return;
  for (const sectorId of sectors) {
    if ((await storage.getSector(sectorId)).state === stagingState) await storage.sealStagedSector(sectorId);
  }
}

export function fail(context: MinerContext, deal: DealRow, reason: HoldfastError): void {
  context.needs.logger.warn("deal failed", { deal: deal.dealId, reason: reason.message });
  move(context, deal.dealId, { state: "failed", code: reason.code }, reason.message);
}

/** A deal that is over gives its space back. */
async function dropPieces(context: MinerContext, deal: DealRow): Promise<void> {
  const { storage } = context.needs;
  // A transfer that is still running would store pieces behind our back.
  if (deal.dropped || context.tasks.isRunning(`transfer/${deal.dealId}`)) return;
  for (const index of deal.proposal.pieces.keys()) {
    const pieceKey = pieceKeyOf(deal.dealId, index);
    if ((await storage.getPiece(pieceKey)) !== undefined) await storage.dropPiece(pieceKey);
  }
  context.store.update(deal.dealId, { dropped: true });
}

/** The end of a deal: its time is over and nothing more can be redeemed. */
export function completeDeal(context: MinerContext, deal: DealRow): void {
  if (deal.state === "complete" || deal.state === "failed") return;
  const { current } = deal;
  const isEarly = current.settlement !== undefined && heightOf(context.needs.chain) < current.endHeight;
  const detail = isEarly ? "both sides ended the deal early" : `the deal ended at ${current.endHeight}`;
  move(context, deal.dealId, { state: "complete" }, detail);
}
