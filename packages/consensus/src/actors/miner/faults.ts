/**
 * Declared faults and recoveries. A declared fault gives the power up at once and costs less than what only
 * the proof admits; a declared recovery puts the sector back into the set of its deadline's next proof, which
 * is what restores its power. Neither is taken while the deadline is frozen: then its set stands.
 */
import type { Codec, SectorId } from "@holdfast/base";
import { c } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { updatePowerCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { callActor, none } from "../kit.ts";
import { readAsOperator, writeMiner } from "./access.ts";
import type { Sector } from "./state.ts";
import { loadSectors, maxSectorsPerMiner, sectorNumberCodec } from "./state.ts";
import { isFrozen } from "./windows.ts";

export interface SectorIds {
  readonly sectorIds: readonly SectorId[];
}
export const sectorIdsCodec: Codec<SectorIds> = c.tuple("SectorIds", {
  sectorIds: c.list(sectorNumberCodec, maxSectorsPerMiner),
});

/** Fails with `deadlineFrozen` if it is too late to declare anything about the sector. */
export function checkDeclaration(ctx: ActorContext, { sectorId, deadlineIndex }: Sector): void {
  if (!isFrozen(ctx.params, ctx.message.to, deadlineIndex, ctx.height)) return;
  ctx.fail(
    vmExitCodes.deadlineFrozen,
    `deadline ${deadlineIndex} of sector ${sectorId} is open or about to be`,
  );
}

/**
 * Declares sectors faulty and withdraws announced recoveries. `notWorker`, `sectorNotFound`,
 * `deadlineFrozen`; sectors that are faulty already stay so.
 */
export function declareFaults(ctx: ActorContext, { sectorIds }: SectorIds): None {
  const state = readAsOperator(ctx);
  ctx.chargeSectors(sectorIds.length);
  const sectors = loadSectors(ctx.store, state);
  let removed = 0n;
  for (const sectorId of sectorIds) {
    const sector = sectors.get(sectorId);
    if (sector === undefined) return ctx.fail(vmExitCodes.sectorNotFound, `there is no sector ${sectorId}`);
    checkDeclaration(ctx, sector);
    if (sector.faultySince === null) removed += BigInt(sector.sectorBytes);
    sectors.set(sectorId, {
      ...sector,
      faultySince: sector.faultySince ?? ctx.height,
      recoveringSince: null,
    });
  }
  const faulty = state.faulty + removed;
  if (removed > 0n) callActor(ctx, ctx.builtins.market, updatePowerCall, { added: 0n, removed, faulty });
  writeMiner(ctx, { ...state, sectors: sectors.flush(), power: state.power - removed, faulty });
  return none;
}

/**
 * Announces that faulty sectors will be proven again from their deadline's next window on. `notWorker`,
 * `sectorNotFound`, `sectorNotFaulty`, `deadlineFrozen`; an earlier announcement keeps its epoch.
 */
export function declareRecovery(ctx: ActorContext, { sectorIds }: SectorIds): None {
  const state = readAsOperator(ctx);
  ctx.chargeSectors(sectorIds.length);
  const sectors = loadSectors(ctx.store, state);
  for (const sectorId of sectorIds) {
    const sector = sectors.get(sectorId);
    if (sector === undefined) return ctx.fail(vmExitCodes.sectorNotFound, `there is no sector ${sectorId}`);
    if (sector.faultySince === null) ctx.fail(vmExitCodes.sectorNotFaulty, `sector ${sectorId} is healthy`);
    checkDeclaration(ctx, sector);
    sectors.set(sectorId, { ...sector, recoveringSince: sector.recoveringSince ?? ctx.height });
  }
  writeMiner(ctx, { ...state, sectors: sectors.flush() });
  return none;
}
