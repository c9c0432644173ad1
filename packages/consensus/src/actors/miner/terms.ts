/**
 * How long a sector lives. Its life can be extended while it is healthy, its pledge filled up again to what a new
 * sector would pledge; and it can be ended early, for a fee that is smaller than what leaving it faulty would
 * cost. Neither is taken while the sector's deadline is frozen. Source: Filecoin specs,
 * ExtendSectorExpiration and TerminateSectors.
 */
import type { AttoFil, Codec, Epoch, SectorId } from "@holdfast/base";
import { addAtto, c, subAtto, zeroAtto } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { sectorsLostCall, updatePowerCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { burn, callActor, none } from "../kit.ts";
import { freeBalance, readAsOperator, writeMiner } from "./access.ts";
import { loadDeadlineSectors, loadDeadlines, putDeadlineSectors } from "./deadlines.ts";
import type { SectorIds } from "./faults.ts";
import { checkDeclaration } from "./faults.ts";
import { terminationFee } from "./penalties.ts";
import { loadSectors, maxSectorsPerMiner, sectorNumberCodec } from "./state.ts";

export interface ExtendSectors extends SectorIds {
  /** The new end of all of them, later than each had. */
  readonly expiration: Epoch;
}
export const extendSectorsCodec: Codec<ExtendSectors> = c.tuple("ExtendSectors", {
  sectorIds: c.list(sectorNumberCodec, maxSectorsPerMiner),
  expiration: c.epoch,
});

/**
 * Lets sectors live longer. `notWorker`, `sectorNotFound`, `deadlineFrozen`, `sectorNotActive` for faulty ones,
 * `expirationOutOfRange`, `insufficientPledge`.
 */
export function extendSectors(ctx: ActorContext, { sectorIds, expiration }: ExtendSectors): None {
  const state = readAsOperator(ctx);
  ctx.chargeSectors(sectorIds.length);
  const { maxSectorLifetimeEpochs: longest, minPledgePerSector: full } = ctx.params;
  if (expiration - ctx.height > longest) {
    ctx.fail(vmExitCodes.expirationOutOfRange, `a sector lives at most ${longest} epochs from now`);
  }
  const sectors = loadSectors(ctx.store, state);
  let added: AttoFil = zeroAtto;
  for (const sectorId of sectorIds) {
    const sector = sectors.get(sectorId);
    if (sector === undefined) return ctx.fail(vmExitCodes.sectorNotFound, `there is no sector ${sectorId}`);
    checkDeclaration(ctx, sector);
    if (sector.faultySince !== null || sector.expiration <= ctx.height) {
      ctx.fail(vmExitCodes.sectorNotActive, `sector ${sectorId} is faulty or its life is over`);
    }
    if (expiration <= sector.expiration) {
      ctx.fail(vmExitCodes.expirationOutOfRange, `sector ${sectorId} lives until ${sector.expiration}`);
    }
    // Fees have eaten into the pledge: a longer life is answered for in full.
    const pledge = sector.pledge < full ? full : sector.pledge;
    added = addAtto(added, subAtto(pledge, sector.pledge));
    sectors.set(sectorId, { ...sector, expiration, pledge });
  }
  if (freeBalance(ctx, state) < added) {
    ctx.fail(
      vmExitCodes.insufficientPledge,
      `the free balance is below the ${added} attoFIL to pledge again`,
    );
  }
  writeMiner(ctx, {
    ...state,
    sectors: sectors.flush(),
    lockedPledge: addAtto(state.lockedPledge, added),
  });
  return none;
}

/**
 * Ends sectors now: their power goes, a fee is burnt out of their pledge, the rest is free. Vouchers that depend
 * on them can no longer be redeemed, and deals in them are lost. `notWorker`, `sectorNotFound`, `deadlineFrozen`.
 */
export function terminateSectors(ctx: ActorContext, { sectorIds }: SectorIds): None {
  const state = readAsOperator(ctx);
  ctx.chargeSectors(sectorIds.length);
  const sectors = loadSectors(ctx.store, state);
  const deadlines = loadDeadlines(ctx.store, state);
  let removed = 0n;
  let { faulty } = state;
  let unlocked: AttoFil = zeroAtto;
  let burnt: AttoFil = zeroAtto;
  const lost: SectorId[] = [];
  for (const sectorId of sectorIds) {
    const sector = sectors.get(sectorId);
    if (sector === undefined) return ctx.fail(vmExitCodes.sectorNotFound, `there is no sector ${sectorId}`);
    checkDeclaration(ctx, sector);
    const members = loadDeadlineSectors(ctx.store, deadlines, sector.deadlineIndex);
    members.set.delete(sectorId);
    putDeadlineSectors(deadlines, sector.deadlineIndex, { set: members.set, count: members.count - 1 });
    sectors.delete(sectorId);
    if (sector.faultySince === null) removed += BigInt(sector.sectorBytes);
    else faulty -= BigInt(sector.sectorBytes);
    unlocked = addAtto(unlocked, sector.pledge);
    // A life that is over costs nothing: only its deadline has not come yet.
    const isOver = sector.expiration <= ctx.height;
    if (!isOver) burnt = addAtto(burnt, terminationFee(sector.pledge));
    if (!isOver || sector.faultySince !== null) lost.push(sectorId);
  }
  if (removed > 0n || faulty !== state.faulty) {
    callActor(ctx, ctx.builtins.market, updatePowerCall, { added: 0n, removed, faulty });
  }
  if (lost.length > 0) callActor(ctx, ctx.builtins.market, sectorsLostCall, { sectorIds: lost });
  writeMiner(ctx, {
    ...state,
    sectors: sectors.flush(),
    deadlines: deadlines.flush(),
    power: state.power - removed,
    faulty,
    lockedPledge: subAtto(state.lockedPledge, unlocked),
    burnt: addAtto(state.burnt, burnt),
  });
  burn(ctx, burnt);
  return none;
}
