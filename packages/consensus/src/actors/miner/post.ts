/**
 * Proof of spacetime: once per proving period a miner shows that it still holds its sectors. The
 * challenge is the chain's randomness at the period's start, so it cannot be answered in advance; the
 * window is short, so a replica cannot be made again in time. Sectors that were declared recovering
 * before the period become healthy with the proof. A miner with more sectors than one message can prove
 * hands in its proofs by ranges of sector numbers.
 */
import type { Address, Codec, Epoch, SectorId } from "@holdfast/base";
import { addressBytes, c } from "@holdfast/base";
import { maxParamBytes } from "../../types/message.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { updatePowerCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { callActor, none } from "../kit.ts";
import { readAsOperator, writeMiner } from "./access.ts";
import { isDue, isProven, periodStartAt, randomnessTags } from "./periods.ts";
import type { Sector } from "./state.ts";
import { loadSectors, maxSectorId, sectorNumberCodec } from "./state.ts";

export interface SubmitPost {
  /** Start of the proving period that is proven. */
  readonly periodStart: Epoch;
  /** Proof over all sectors that `sectorsToProve` names, in ascending order of their numbers. */
  readonly proof: Uint8Array;
}
export const submitPostCodec: Codec<SubmitPost> = c.tuple("SubmitPost", {
  periodStart: c.epoch,
  proof: c.bytes(maxParamBytes),
});

export interface SubmitPartialPost extends SubmitPost {
  /** The proof covers the sectors to prove with numbers from `firstSector` to `lastSector` inclusive. */
  readonly firstSector: SectorId;
  readonly lastSector: SectorId;
}
export const submitPartialPostCodec: Codec<SubmitPartialPost> = c.tuple("SubmitPartialPost", {
  periodStart: c.epoch,
  firstSector: sectorNumberCodec,
  lastSector: sectorNumberCodec,
  proof: c.bytes(maxParamBytes),
});

/** Entropy of a period's challenge. */
export function windowPostEntropy(miner: Address): Uint8Array {
  return addressBytes(miner);
}

/** The whole period in one proof; see `submitPartialPost` for the exit codes. */
export function submitPost(ctx: ActorContext, { periodStart, proof }: SubmitPost): None {
  const firstSector = 0 as SectorId;
  const lastSector = maxSectorId as SectorId;
  return submitPartialPost(ctx, { periodStart, firstSector, lastSector, proof });
}

/**
 * Proves a range of the sectors that are due. `notWorker`, `proofWindowClosed`, `postAlreadySubmitted`,
 * `nothingToProve`, `postProofInvalid`.
 */
export function submitPartialPost(ctx: ActorContext, given: SubmitPartialPost): None {
  const state = readAsOperator(ctx);
  const { periodStart, firstSector, lastSector, proof } = given;
  const miner = ctx.message.to;
  const isOpen = ctx.height <= periodStart + ctx.params.proofWindowEpochs;
  if (periodStartAt(ctx.params, miner, ctx.height) !== periodStart || !isOpen) {
    ctx.fail(vmExitCodes.proofWindowClosed, `the window of the period of epoch ${periodStart} is not open`);
  }
  const sectors = loadSectors(ctx.store, state);
  const due = dueInRange(sectors.entries(), periodStart, firstSector, lastSector);
  if (due.length === 0) ctx.fail(vmExitCodes.nothingToProve, "no sector in the range is due");
  const toProve = due.filter((sector) => !isProven(sector, periodStart));
  if (toProve.length === 0) ctx.fail(vmExitCodes.postAlreadySubmitted, "all of this is proven already");
  ctx.chargeProof("post", proof.length);
  const isValid = ctx.verifier.verifyPost({
    classes: ctx.params.sectorClasses,
    kind: "window",
    seed: ctx.rand(periodStart, randomnessTags.windowPost, windowPostEntropy(miner)),
    miner,
    sectors: toProve.map(({ sectorId, sectorBytes, commR }) => ({ sectorId, sectorBytes, commR })),
    proof,
  });
  if (!isValid) ctx.fail(vmExitCodes.postProofInvalid, "the proof of spacetime does not verify");
  let regained = 0n;
  for (const sector of toProve) {
    if (sector.faultySince !== null) regained += BigInt(sector.sectorBytes);
    const healthy = { faultySince: null, recoveringSince: null, faultyPeriods: 0 };
    sectors.set(sector.sectorId, { ...sector, ...healthy, lastProven: ctx.height });
  }
  if (regained > 0n) {
    callActor(ctx, ctx.builtins.market, updatePowerCall, { added: regained, removed: 0n });
  }
  writeMiner(ctx, { ...state, sectors: sectors.flush(), power: state.power + regained });
  return none;
}

function dueInRange(
  entries: Iterable<readonly [number, Sector]>,
  periodStart: Epoch,
  firstSector: SectorId,
  lastSector: SectorId,
): Sector[] {
  const due: Sector[] = [];
  for (const [sectorId, sector] of entries) {
    if (sectorId < firstSector) continue;
    if (sectorId > lastSector) break;
    if (isDue(sector, periodStart)) due.push(sector);
  }
  return due;
}
