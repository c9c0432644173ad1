/** The files of a miner's deals for retrieval: the pieces in their order are the CAR stream. */
import { type CID, parseCid } from "@holdfast/base";
import type { MinerMarket, StoredCar } from "../types.ts";
import { type MinerContext, pieceKeyOf } from "./context.ts";
import type { DealRow } from "./store.ts";

export function carSourceOf(context: MinerContext): MinerMarket["carSource"] {
  return {
    async open(payload: CID) {
      for (const deal of context.store.storedOf(payload.toString())) {
        if (await isWhole(context, deal)) return carOfDeal(context, deal);
      }
      return undefined;
    },
    *payloads() {
      for (const payload of context.store.storedPayloads()) yield parseCid(payload);
    },
    onStored(listener) {
      context.stored.add(listener);
      return () => void context.stored.delete(listener);
    },
    isOwnedBy: (peer, payload) =>
      context.store.storedOf(payload.toString()).some(({ proposal }) => proposal.clientPeer === peer),
  };
}

async function isWhole({ needs }: MinerContext, deal: DealRow): Promise<boolean> {
  for (const index of deal.proposal.pieces.keys()) {
    if ((await needs.storage.getPiece(pieceKeyOf(deal.dealId, index))) === undefined) return false;
  }
  return true;
}

export function carOfDeal({ needs }: MinerContext, { dealId, proposal }: DealRow): StoredCar {
  /** The parts of pieces that are these bytes of the stream. */
  const partsOf = function* (offsetBytes: number, lengthBytes: number) {
    let start = 0;
    const end = offsetBytes + lengthBytes;
    for (const [index, { userBytes }] of proposal.pieces.entries()) {
      const offset = Math.max(0, offsetBytes - start);
      const length = Math.min(userBytes, end - start) - offset;
      start += userBytes;
      if (length > 0) yield { pieceKey: pieceKeyOf(dealId, index), range: { offset, length } };
    }
  };
  return {
    carBytes: proposal.carBytes,
    async *read(offsetBytes, lengthBytes = proposal.carBytes - offsetBytes) {
      for (const { pieceKey, range } of partsOf(offsetBytes, lengthBytes))
        yield* needs.storage.readPiece(pieceKey, range);
    },
    async doubt(offsetBytes, lengthBytes) {
      let isElsewhere = false;
      for (const { pieceKey } of partsOf(offsetBytes, lengthBytes))
        if (await needs.storage.doubtPiece(pieceKey)) isElsewhere = true;
      return isElsewhere;
    },
  };
}
