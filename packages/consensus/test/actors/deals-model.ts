/**
 * Deals as a page of arithmetic: who has how much with the market, and what becomes of each deal. It takes from the
 * real chain only which sectors ended when, and predicts exit codes, states and every attoFIL.
 */
import { dealSettlementEpochs, vmExitCodes as x } from "@holdfast/consensus";
import { testParams } from "./world.ts";

export interface ModelDeal {
  readonly client: string;
  readonly startBy: number;
  end: number;
  readonly ofProvider: number;
  readonly ofClient: number;
  status: string;
  sector: number;
  /** The next height at which the tick looks at it; the record goes at the last one. */
  look: number;
  isCancelled: boolean;
}

const settlement = dealSettlementEpochs(testParams);
const { lateStartPercent, lostCollateralClientPercent } = testParams;

export class DealModel {
  readonly escrow = new Map<string, number>();
  readonly locked = new Map<string, number>();
  readonly deals: ModelDeal[] = [];
  readonly lostAt = new Map<number, number>();
  height = 0;

  escrowOf(party: string): number {
    return this.escrow.get(party) ?? 0;
  }
  freeOf(party: string): number {
    return this.escrowOf(party) - (this.locked.get(party) ?? 0);
  }
  add(party: string, amount: number): void {
    this.escrow.set(party, this.escrowOf(party) + amount);
  }
  #lock(party: string, amount: number): void {
    this.locked.set(party, (this.locked.get(party) ?? 0) + amount);
  }

  publish(deal: ModelDeal): number {
    const isCovered = this.freeOf(deal.client) >= deal.ofClient && this.freeOf("miner") >= deal.ofProvider;
    if (!isCovered) return x.insufficientEscrow;
    this.#lock(deal.client, deal.ofClient);
    this.#lock("miner", deal.ofProvider);
    this.deals.push(deal);
    return x.ok;
  }

  /** Gives the collaterals back, less what the provider loses and what goes from the client to it. */
  #end(deal: ModelDeal, status: string, lost = 0, forfeited = 0): void {
    this.#lock(deal.client, -deal.ofClient);
    this.#lock("miner", -deal.ofProvider);
    const toClient = Math.floor((lost * lostCollateralClientPercent) / 100);
    this.add("miner", forfeited - lost);
    this.add(deal.client, toClient - forfeited);
    deal.status = status;
    const settled = (status === "complete" ? deal.end : this.height) + settlement;
    deal.look = Math.max(settled, deal.startBy + 1, this.height + 1);
  }

  /** What the tick, or anybody, makes of a deal at this height; true if anything. */
  advance(deal: ModelDeal): boolean {
    if (deal.status === "published") {
      if (this.height <= deal.startBy) return false;
      this.#end(deal, "late", Math.ceil((deal.ofProvider * lateStartPercent) / 100));
      return true;
    }
    if (deal.status === "active") {
      const isLost = this.#isLostBefore(deal, deal.end);
      if (!isLost && this.height < deal.end) return false;
      this.#end(deal, isLost ? "lost" : "complete", isLost ? deal.ofProvider : 0);
      return true;
    }
    if (deal.status === "gone" || this.height < deal.look) return false;
    deal.status = "gone";
    return true;
  }
  #isLostBefore(deal: ModelDeal, height: number): boolean {
    const lostAt = this.lostAt.get(deal.sector);
    return lostAt !== undefined && lostAt < height;
  }

  tickTo(height: number): void {
    while (this.height < height) {
      this.height += 1;
      for (const deal of this.deals) {
        if (deal.look !== this.height || this.advance(deal)) continue;
        deal.look = deal.status === "published" ? deal.startBy + 1 : deal.end;
      }
    }
  }

  activate(deal: ModelDeal, sector: number, proof: number): number {
    if (deal.status === "gone") return x.dealNotFound;
    if (deal.status !== "published") return x.dealNotPublished;
    if (proof !== x.ok) return proof;
    deal.status = "active";
    deal.sector = sector;
    return x.ok;
  }

  /** For a breach or a release: the miner has done its part so far. */
  #holding(deal: ModelDeal): number {
    if (deal.status === "gone") return x.dealNotFound;
    const last = deal.status === "published" ? deal.startBy : deal.end - 1;
    const isHeld = deal.status === "published" || deal.status === "active";
    if (!isHeld || this.height > last) return x.dealNotActive;
    const isLost = deal.status === "active" && this.#isLostBefore(deal, Number.POSITIVE_INFINITY);
    return isLost ? x.dealLost : x.ok;
  }
  report(deal: ModelDeal): number {
    const code = this.#holding(deal);
    if (code !== x.ok) return code;
    if (!deal.isCancelled) return x.channelKept;
    this.#end(deal, "broken", 0, deal.ofClient);
    return x.ok;
  }
  release(deal: ModelDeal): number {
    const code = this.#holding(deal);
    if (code === x.ok) this.#end(deal, "released");
    return code;
  }
  extend(deal: ModelDeal, end: number): number {
    if (deal.status === "gone") return x.dealNotFound;
    if (deal.status !== "active" || this.height >= deal.end) return x.dealNotActive;
    if (this.#isLostBefore(deal, Number.POSITIVE_INFINITY)) return x.dealLost;
    if (end <= deal.end) return x.amendmentInvalid;
    if (deal.isCancelled) return x.channelUnfit;
    deal.end = end;
    return x.ok;
  }
}
