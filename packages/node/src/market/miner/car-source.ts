/** The files of a miner's deals for retrieval: the pieces in their order are the CAR stream. */
import type { CID } from "@holdfast/base";
import type { MinerMarket, StoredCar } from "../types.ts";
import { type MinerContext, pieceKeyOf } from "./context.ts";
import type { DealRow } from "./store.ts";

export function carSourceOf(context: MinerContext): MinerMarket["carSource"] {
  return {
    async open(payload: CID) {
      const deal = context.store.storedOf(payload.toString()).find((one) => isWhole(context, one));
      return deal === undefined ? undefined : carOfDeal(context, deal);
    },
  };
}

function isWhole({ needs }: MinerContext, deal: DealRow): boolean {
  return deal.proposal.pieces.every((_, index) => {
    return needs.storage.getPiece(pieceKeyOf(deal.dealId, index)) !== undefined;
  });
}

export function carOfDeal({ needs }: MinerContext, { dealId, proposal }: DealRow): StoredCar {
  return {
    carBytes: proposal.carBytes,
    async *read(offsetBytes) {
      let start = 0;
      for (const [index, { userBytes }] of proposal.pieces.entries()) {
        const offset = Math.max(0, offsetBytes - start);
        start += userBytes;
        if (offset < userBytes) yield* needs.storage.readPiece(pieceKeyOf(dealId, index), { offset });
      }
    },
  };
}
