/** What chain and storage say of a deal now, in the form in which the machine of the miner's side asks for it. */
import { attoFil } from "@holdfast/base";
import { finalTipset } from "../../final.ts";
import {
  type ChainState,
  channelOn,
  dealOn,
  finalState,
  freeEscrowOf,
  heightOf,
  isLossOpen,
  minerOn,
  sectorOn,
  takingOf,
} from "../facts.ts";
import {
  type ChainFacts,
  isFetching,
  type MinerTerms,
  type MinerView,
  type SectorFacts,
  type Standing,
} from "../machine/miner.ts";
import { isOver } from "../machine/winding.ts";
import type { Missing } from "../tasks.ts";
import type { TakenAmendment } from "./amendment-store.ts";
import { locationsOf } from "./answers.ts";
import { type MinerContext, pieceKeyOf } from "./context.ts";
import { marketKey } from "./onchain.ts";
import type { DealRow } from "./store.ts";

/** Storage states of sectors whose data is no longer proven to anybody. */
const endedStates = new Set(["expired", "removed"]);
/** The storage state of a sector that still takes pieces. */
const stagingState = "staging";

/** Sectors of the deal's pieces; undefined if the storage has lost one. */
async function sectorsOf({ needs }: MinerContext, deal: DealRow): Promise<number[] | undefined> {
  const ids = new Set<number>();
  for (const index of deal.proposal.pieces.keys()) {
    const piece = await needs.storage.getPiece(pieceKeyOf(deal.dealId, index));
    if (piece === undefined) return undefined;
    ids.add(piece.sectorId);
  }
  return [...ids];
}

export function termsOfRow({ proposal, current }: DealRow): MinerTerms {
  const { startHeight, startBy } = proposal;
  const { endHeight, totalPrice, clientCollateral, providerCollateral, vouchers, settlement } = current;
  const collaterals = { clientCollateral, providerCollateral };
  return {
    startHeight,
    startBy,
    endHeight,
    totalPrice,
    ...collaterals,
    vouchers,
    settlement: settlement?.amount,
  };
}

export async function viewOf(
  context: MinerContext,
  deal: DealRow,
  missing: Missing<string>,
): Promise<MinerView> {
  const { chain, miner, signer, sender } = context.needs;
  const height = heightOf(chain);
  const onChain = dealOn(chain, deal);
  const channel = channelOn(chain, deal.payer, deal.channel);
  const isMissing = !deal.settled && channel === undefined;
  const isChannelGone = missing.isGone(deal.dealId, isMissing, height);
  const sectors = isOver(deal) || isFetching(deal) ? undefined : await sectorFacts(context, deal);
  const isLanded = sectors?.every((sector) => sector.onChain !== undefined) === true;
  const taken = acceptedChange(context, deal.dealId);
  const owner = minerOn(chain, miner)?.owner;
  return {
    height,
    terms: termsOfRow(deal),
    chain: chainFacts(chain, deal),
    channel,
    isChannelGone,
    sectors,
    isLocated: onChain?.status === "published" && isLanded && (await isLocated(context, deal)),
    isBusy: context.tasks.count("transfer/") > 0,
    free: attoFil(freeEscrowOf(chain, miner)),
    withdrawal: isOver(deal) ? takingOf(sender, marketKey(deal, "withdrawBalance")) : "none",
    final: finalStanding(context, deal),
    change:
      taken === undefined
        ? undefined
        : { id: taken.amendmentId, kind: taken.amendment.kind, validUntil: taken.amendment.validUntil },
    hasOwner: owner !== undefined && signer.has(owner),
  };
}

function chainFacts(chain: ChainState, deal: DealRow): ChainFacts | undefined {
  const onChain = dealOn(chain, deal);
  if (onChain === undefined) return undefined;
  const { status, startBy, endHeight, endedAt } = onChain;
  return { status, startBy, endHeight, endedAt, isLossOpen: isLossOpen(chain, onChain) };
}

/** Looked up for deals alone that may be closed now. */
function finalStanding({ needs }: MinerContext, deal: DealRow): Standing {
  const { chain, sender } = needs;
  const { height } = finalTipset(chain);
  const final = deal.woundAt === null || deal.woundAt > height ? undefined : finalState(chain);
  if (final === undefined) return { height, chain: undefined, channel: undefined, withdrawal: "none" };
  return {
    height,
    chain: chainFacts(final, deal),
    channel: channelOn(final, deal.payer, deal.channel),
    withdrawal: takingOf(sender, marketKey(deal, "withdrawBalance"), height),
  };
}

/** The change that is on its way to the chain. */
export function acceptedChange({ amendments }: MinerContext, dealId: string): TakenAmendment | undefined {
  return amendments.of(dealId).find(({ state }) => state === "accepted");
}

async function sectorFacts(context: MinerContext, deal: DealRow): Promise<SectorFacts[] | undefined> {
  const { chain, miner, storage, filling } = context.needs;
  const ids = await sectorsOf(context, deal);
  if (ids === undefined) return undefined;
  const facts: SectorFacts[] = [];
  for (const sectorId of ids) {
    const { state, sectorBytes, filledPaddedBytes } = await storage.getSector(sectorId);
    const onChain = sectorOn(chain, miner, sectorId);
    const isFilled = 100 * filledPaddedBytes >= sectorBytes * (filling?.minFillPercent ?? 0);
    const seen = { sectorId, stored: storedAs(state), isFilled, onChain };
    context.pace.see(seen, sectorBytes, heightOf(chain));
    const isOnWay = onChain === undefined && seen.stored !== "ended";
    if (isOnWay) context.dues.see(sectorId, { startBy: deal.proposal.startBy, sectorBytes, state });
    else context.dues.isOver(sectorId);
    facts.push(seen);
  }
  return facts;
}

function storedAs(state: string): SectorFacts["stored"] {
  if (state === stagingState || state === "failed") return state;
  return endedStates.has(state) ? "ended" : "closed";
}

/** Every piece is in a sealed sector. */
async function isLocated(context: MinerContext, deal: DealRow): Promise<boolean> {
  const count = deal.proposal.pieces.length;
  for (let found = 0; found < count; ) {
    const page = await locationsOf(context, deal, found);
    if (page.length === 0) return false;
    found += page.length;
  }
  return true;
}
