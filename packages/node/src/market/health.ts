/**
 * How a stored copy does, from the chain alone: a healthy sector was proven and its next proof is not missed; a
 * faulty one missed a proof and can still recover; one that is gone is lost.
 */
import type { Address } from "@holdfast/base";
import { heightOf, sectorOn } from "./facts.ts";
import type { MarketChain } from "./needs.ts";

export interface Health {
  readonly light: "ok" | "at-risk" | "lost" | "over";
  /** In a sentence for people; empty when all is well. */
  readonly reason: string;
  /** Sectors that were proven since the start and are not faulty. */
  readonly proven: number;
  /** Sectors that are faulty now. */
  readonly faulty: number;
}

/** Judges the sectors of one deal at the head. */
export function healthOf(
  chain: MarketChain,
  miner: Address,
  sectorIds: readonly number[],
  deal: { readonly startHeight: number; readonly endHeight: number },
): Health {
  const height = heightOf(chain);
  if (height >= deal.endHeight)
    return { light: "over", reason: `the deal ended at ${deal.endHeight}`, proven: 0, faulty: 0 };
  const risks: string[] = [];
  const losses: string[] = [];
  let proven = 0;
  let faulty = 0;
  for (const sectorId of new Set(sectorIds)) {
    const sector = sectorOn(chain, miner, sectorId);
    if (sector === undefined) losses.push(`sector ${sectorId} of ${miner} is gone from the chain`);
    else if (sector.faultySince !== null) {
      faulty += 1;
      const recovery = sector.recoveringSince === null ? "" : ", its recovery is declared";
      risks.push(`sector ${sectorId} of ${miner} is faulty since ${sector.faultySince}${recovery}`);
    } else if (sector.expiration < deal.endHeight) {
      risks.push(`sector ${sectorId} of ${miner} ends at ${sector.expiration}, before the deal`);
    } else if (sector.lastProven !== null && sector.lastProven >= deal.startHeight) proven += 1;
    else risks.push(`sector ${sectorId} of ${miner} was not proven yet`);
  }
  if (losses.length > 0) return { light: "lost", reason: losses.join("; "), proven, faulty };
  if (risks.length > 0) return { light: "at-risk", reason: risks.join("; "), proven, faulty };
  return { light: "ok", reason: "", proven, faulty };
}
