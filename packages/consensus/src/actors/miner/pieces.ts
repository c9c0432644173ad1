/**
 * The condition of a deal's vouchers: pieces are in sectors that this miner keeps and proves. The payer
 * names the pieces when it signs; the redeemer adds where each one is. Source: go-filecoin 0.2.1,
 * verifyPieceInclusion, here for several pieces at once.
 */
import type { Address, Codec, Epoch, SectorId } from "@holdfast/base";
import { c, encode } from "@holdfast/base";
import type { DealTermsPiece } from "../../types/deal.ts";
import { maxDealPieces } from "../../types/deal.ts";
import { maxParamBytes } from "../../types/message.ts";
import type { Predicate } from "../../types/predicate.ts";
import { maxPredicateParamBytes } from "../../types/predicate.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { PieceLocation, ProveDealPieces, SectorHealth } from "../calls.ts";
import type { None } from "../kit.ts";
import { none } from "../kit.ts";
import { readMiner } from "./access.ts";
import { loadPreCommits, loadSectors, sectorNumberCodec } from "./state.ts";

/** Most pieces of one condition. */
export const maxConditionPieces = maxDealPieces;

export type ConditionPiece = DealTermsPiece;
export interface PieceCondition {
  readonly pieces: readonly ConditionPiece[];
}
/** The payer's part: which pieces. */
export const pieceConditionCodec: Codec<PieceCondition> = c.tuple("PieceCondition", {
  pieces: c.list(
    c.tuple("ConditionPiece", { commP: c.fixedBytes(32), paddedBytes: c.uint() }),
    maxConditionPieces,
  ),
});

export interface PieceRedemption {
  /** One for each piece of the condition, in the same order. */
  readonly locations: readonly PieceLocation[];
}
/** The redeemer's part: where each piece is. */
export const pieceRedemptionCodec: Codec<PieceRedemption> = c.tuple("PieceRedemption", {
  locations: c.list(
    c.tuple("PieceLocation", { sectorId: sectorNumberCodec, proof: c.bytes(maxParamBytes) }),
    maxConditionPieces,
  ),
});

/** Parameters of every method that serves as a condition: both parts in their own encodings. */
export interface ConditionParams {
  readonly condition: Uint8Array;
  readonly redeemer: Uint8Array;
}
export const conditionParamsCodec: Codec<ConditionParams> = c.tuple("ConditionParams", {
  condition: c.bytes(maxPredicateParamBytes),
  redeemer: c.bytes(maxParamBytes),
});

/** The voucher's condition that a miner holds these pieces. */
export function pieceInclusionPredicate(miner: Address, pieces: readonly ConditionPiece[]): Predicate {
  return { to: miner, method: "verifyPieceInclusion", params: encode(pieceConditionCodec, { pieces }) };
}

/** The redeemer's parameters for `pieceInclusionPredicate`, in the order of its pieces. */
export function pieceInclusionRedemption(locations: readonly PieceLocation[]): Uint8Array {
  return encode(pieceRedemptionCodec, { locations });
}

/**
 * Fails unless every piece is in a sector that is active, healthy and alive (until then); gives the sectors' numbers.
 * `invalidParams`, `sectorNotFound`, `sectorNotActive`, `expirationOutOfRange`, `inclusionProofInvalid`.
 */
function checkPieces(
  ctx: ActorContext,
  pieces: readonly ConditionPiece[],
  locations: readonly PieceLocation[],
  until: Epoch,
): Set<SectorId> {
  const isOneForEach = pieces.length > 0 && pieces.length === locations.length;
  if (!isOneForEach) ctx.fail(vmExitCodes.invalidParams, "there is not one location for each piece");
  const state = readMiner(ctx);
  const sectors = loadSectors(ctx.store, state);
  const used = new Set<SectorId>();
  for (const [index, { commP, paddedBytes }] of pieces.entries()) {
    const location = locations[index];
    if (location === undefined) return ctx.fail(vmExitCodes.invalidParams, `piece ${index} has no location`);
    const { sectorId, proof } = location;
    const sector = sectors.get(sectorId);
    if (sector === undefined) {
      const isPreCommitted = loadPreCommits(ctx.store, state).get(sectorId) !== undefined;
      const code = isPreCommitted ? vmExitCodes.sectorNotActive : vmExitCodes.sectorNotFound;
      return ctx.fail(code, `there is no active sector ${sectorId}`);
    }
    if (sector.faultySince !== null || sector.expiration <= ctx.height) {
      ctx.fail(vmExitCodes.sectorNotActive, `sector ${sectorId} is faulty or its life is over`);
    }
    if (sector.expiration < until) {
      ctx.fail(vmExitCodes.expirationOutOfRange, `sector ${sectorId} lives until ${sector.expiration} only`);
    }
    ctx.chargeProof("inclusion", proof.length);
    const { commD, sectorBytes } = sector;
    if (!ctx.verifier.verifyPieceInclusion({ commD, sectorBytes, commP, paddedBytes, proof })) {
      ctx.fail(vmExitCodes.inclusionProofInvalid, `piece ${index} is not proven to be in sector ${sectorId}`);
    }
    used.add(sectorId);
  }
  return used;
}

/** A voucher's condition that knows no deal. Exit codes as for `checkPieces`. */
export function verifyPieceInclusion(ctx: ActorContext, given: ConditionParams): None {
  const { pieces } = ctx.decodeParams(pieceConditionCodec, given.condition);
  const { locations } = ctx.decodeParams(pieceRedemptionCodec, given.redeemer);
  checkPieces(ctx, pieces, locations, ctx.height);
  return none;
}

/** For the market: the sectors of a deal that starts. Exit codes as for `checkPieces`. */
export function proveDealPieces(
  ctx: ActorContext,
  { pieces, locations, until }: ProveDealPieces,
): readonly SectorId[] {
  return [...checkPieces(ctx, pieces, locations, until)].sort((a, b) => a - b);
}

/** How sectors do; null for one that is not there (any more). */
export function getSectorsHealth(
  ctx: ActorContext,
  { sectorIds }: { readonly sectorIds: readonly SectorId[] },
): readonly (SectorHealth | null)[] {
  ctx.chargeSectors(sectorIds.length);
  const sectors = loadSectors(ctx.store, readMiner(ctx));
  return sectorIds.map((sectorId) => {
    const sector = sectors.get(sectorId);
    return sector === undefined
      ? null
      : { isHealthy: sector.faultySince === null, expiration: sector.expiration };
  });
}
