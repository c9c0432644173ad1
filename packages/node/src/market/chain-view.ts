/** A deal as the chain has it, in the shape of the API, and its end in a sentence for "why". */
import { type Address, type AttoFil, attoFil, type Epoch, filText } from "@holdfast/base";
import { type NetworkParams, percentOf, readDealLoss } from "@holdfast/consensus";
import { dealOn } from "./facts.ts";
import type { MarketChain } from "./needs.ts";
import type { Deal } from "./types.ts";

export interface DealPlace {
  readonly payer: Address;
  readonly channel: number | null;
  readonly dealId: string | null;
}

/** Null before the deal is published, and when its record is gone. */
export function chainViewOf(chain: MarketChain, { payer, channel, dealId }: DealPlace): Deal["onChain"] {
  if (channel === null || dealId === null) return null;
  const deal = dealOn(chain, { payer, channel, dealId });
  if (deal === undefined) return null;
  const { status, startBy, endHeight, clientCollateral, providerCollateral, activatedAt, endedAt } = deal;
  const isStarted = status === "active" || status === "complete";
  const lostAt = isStarted ? readDealLoss(chain.store, chain.headState().state, deal) : null;
  return {
    status,
    startBy,
    endHeight,
    totalFil: filText(deal.totalPrice),
    clientCollateralFil: filText(clientCollateral),
    providerCollateralFil: filText(providerCollateral),
    activatedAt,
    endedAt,
    lostAt,
  };
}

/** What the end of a deal cost whom; undefined while it goes on, or came to its end well. */
export function endText(chain: MarketChain, place: DealPlace): string | undefined {
  const { channel, dealId, payer } = place;
  if (channel === null || dealId === null) return undefined;
  const deal = dealOn(chain, { payer, channel, dealId });
  if (deal === undefined) return undefined;
  const { params } = chain;
  const { providerCollateral, clientCollateral, status, startBy } = deal;
  const lateFee = percentOf(providerCollateral, params.lateStartPercent);
  const clientFil = filText(clientCollateral);
  const at = `at height ${deal.endedAt}`;
  switch (status) {
    case "lost":
      return `a sector of the deal was lost, settled ${at}: ${shares(params, providerCollateral)}`;
    case "late":
      return `the deal did not start by height ${startBy}: ${shares(params, lateFee)}`;
    case "broken":
      return `the client cancelled the channel, reported ${at}: its ${clientFil} FIL went to the miner`;
    case "released":
      return `both sides ended the deal ${at}, and have their collaterals back`;
    default:
      return openLoss(chain, place, deal.endHeight);
  }
}

function openLoss(chain: MarketChain, place: DealPlace, endHeight: Epoch): string | undefined {
  const view = chainViewOf(chain, place);
  if (view?.status !== "active" || view.lostAt === null || view.lostAt >= endHeight) return undefined;
  return `a sector of the deal was lost at height ${view.lostAt}; the client's share of the collateral is on its way`;
}

function shares(params: NetworkParams, lost: AttoFil): string {
  const client = (lost * BigInt(params.lostCollateralClientPercent)) / 100n;
  const clientFil = filText(attoFil(client));
  return `the miner loses ${filText(lost)} FIL of its collateral, ${clientFil} of it to the client`;
}
