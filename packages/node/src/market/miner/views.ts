/** The miner's deals as people see them. */
import { epoch, filText } from "@holdfast/base";
import { pieceCid } from "@holdfast/proofs";
import { chainViewOf, endText } from "../chain-view.ts";
import { channelOn, dealOn, sectorOn } from "../facts.ts";
import { deadlineAt, dutyOf, dutyText } from "../machine/duties.ts";
import type { Deal, DealDetail, Explanation } from "../types.ts";
import { type MinerContext, pieceKeyOf } from "./context.ts";
import type { DealRow } from "./store.ts";

export async function dealOf(context: MinerContext, deal: DealRow): Promise<Deal> {
  return dealIn(context, deal, await sectorIdsOf(context, deal));
}

function dealIn(context: MinerContext, deal: DealRow, sectorIds: readonly (number | null)[]): Deal {
  const { chain, miner } = context.needs;
  const { proposal } = deal;
  const sectors = [...new Set(sectorIds.filter((id) => id !== null))];
  const onChain = sectors.map((id) => ({ id, sector: sectorOn(chain, miner, id) }));
  const proven = onChain.filter(({ sector }) => {
    return (
      sector?.faultySince === null && sector.lastProven !== null && sector.lastProven >= proposal.startHeight
    );
  });
  // What was written down may be some rounds old.
  const faulty =
    deal.state === "active" ? onChain.filter(({ sector }) => (sector?.faultySince ?? null) !== null) : [];
  const [first] = faulty;
  const channel = channelOn(chain, deal.payer, deal.channel);
  return {
    dealId: deal.dealId,
    role: "miner",
    payload: proposal.payload.toString(),
    name: null,
    client: deal.payer,
    miner: proposal.miner,
    state: deal.state,
    detail:
      first === undefined ? deal.detail : `sector ${first.id} is faulty since ${first.sector?.faultySince}`,
    sizeBytes: proposal.carBytes,
    pieces: proposal.pieces.length,
    sectors,
    provenSectors: proven.length,
    faultySectors: faulty.length,
    totalFil: filText(deal.current.totalPrice),
    redeemedFil: filText(channel?.redeemed ?? deal.redeemed),
    channelId: deal.channel,
    startHeight: proposal.startHeight,
    endHeight: epoch(deal.current.endHeight),
    keeping: "none",
    onChain: chainViewOf(chain, deal),
  };
}

async function sectorIdsOf({ needs }: MinerContext, deal: DealRow): Promise<(number | null)[]> {
  const ids: (number | null)[] = [];
  for (const index of deal.proposal.pieces.keys()) {
    ids.push((await needs.storage.getPiece(pieceKeyOf(deal.dealId, index)))?.sectorId ?? null);
  }
  return ids;
}

export async function dealDetailOf(context: MinerContext, deal: DealRow): Promise<DealDetail> {
  const { chain, miner } = context.needs;
  const sectorIds = await sectorIdsOf(context, deal);
  return {
    ...dealIn(context, deal, sectorIds),
    pieceList: deal.proposal.pieces.map(({ commP, paddedBytes, userBytes }, index) => {
      const sectorId = sectorIds[index] ?? null;
      const lastProvenAt =
        (sectorId === null ? undefined : sectorOn(chain, miner, sectorId))?.lastProven ?? null;
      return { pieceCid: pieceCid(commP).toString(), paddedBytes, userBytes, sectorId, lastProvenAt };
    }),
    vouchers: deal.current.vouchers.map(({ amount, validAt }) => ({
      amountFil: filText(amount),
      validAt: epoch(validAt),
      redeemed: amount <= deal.redeemed,
    })),
    amendments: context.amendments.of(deal.dealId).map(({ amendmentId, amendment, state, detail }) => ({
      amendmentId,
      kind: amendment.kind,
      state,
      endHeight: amendment.endHeight,
      totalFil: filText(amendment.totalPrice),
      code: null,
      detail,
    })),
    history: context.store.history(deal.dealId).map(({ atMs, state, detail }) => ({ atMs, state, detail })),
  };
}

export async function explainDeal(context: MinerContext, deal: DealRow): Promise<Explanation> {
  const { state, redeemedFil, totalFil } = await dealOf(context, deal);
  const ended = endText(context.needs.chain, deal);
  const causes = context.store.history(deal.dealId).map((entry) => `${entry.state}: ${entry.detail}`);
  if (ended !== undefined) causes.push(ended);
  const isWound = deal.settled && deal.dropped && (deal.escrowBack || !deal.published);
  if (!isWound) causes.push(nextStep(context, deal));
  const common = { subject: deal.dealId, kind: "deal", state, causes } as const;
  const owner = context.needs.chain;
  const money = `${redeemedFil} of ${totalFil} FIL are redeemed`;
  if (state === "failed") return { ...common, light: "failing", summary: deal.detail, fix: fixOf(deal) };
  const isDone = state === "active" || state === "complete";
  return {
    ...common,
    causes: [...causes, money, `height ${owner.headState().tipset.height}`],
    light: isDone ? "ok" : "waiting",
    summary: deal.detail,
    fix: null,
  };
}

/** Who has to act now, until when, and what becomes of the money if nobody does. */
function nextStep({ needs }: MinerContext, deal: DealRow): string {
  const duty = dutyOf({ miner: deal.state }, dealOn(needs.chain, deal)?.status);
  const eol = channelOn(needs.chain, deal.payer, deal.channel)?.eol;
  const { startBy } = deal.proposal;
  return dutyText(duty, deadlineAt(duty, { startBy, endHeight: deal.current.endHeight, eol }));
}

function fixOf({ code }: DealRow): string {
  if (code === "deal/storage-failed")
    return "check the disk and the quota of this miner: `holdfast mine status`";
  if (code === "deal/ended") return "see what became of it on the chain: `holdfast deal show DEAL`";
  if (code === "deal/not-in-time") return "see what held the sector up: `holdfast sector ls`";
  if (code === "deal/sector-lost")
    return "see `holdfast sector ls` and keep the proofs in time: `holdfast mine status`";
  return "nothing to do: the client is told, and the space is free again";
}
