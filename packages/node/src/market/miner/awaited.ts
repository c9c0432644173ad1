/**
 * Pieces that were promised room and are not here yet, deal by deal. Strangers ask what follows from it as often as
 * they like, so it is kept in memory, by size: pieces of a deal come in order and none goes while it is fetched, so
 * only the next one is looked for.
 */
import type { MinerMarketNeeds } from "../needs.ts";
import { pieceKeyOf } from "./context.ts";
import type { MinerStore } from "./store.ts";

export interface AwaitedDeal {
  readonly dealId: string;
  readonly startBy: number;
  /** How many pieces of each padded size. */
  readonly counts: ReadonlyMap<number, number>;
}

interface Waiting extends AwaitedDeal {
  readonly counts: Map<number, number>;
  readonly sizes: readonly number[];
  readonly isCarried: boolean;
  /** The first piece that is not here. */
  next: number;
}

/** How many there are of each size. */
export function countsOf(sizes: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return counts;
}

/** Of all together. */
export function sumOf(all: Iterable<ReadonlyMap<number, number>>): Map<number, number> {
  const sum = new Map<number, number>();
  for (const counts of all) for (const [size, count] of counts) sum.set(size, (sum.get(size) ?? 0) + count);
  return sum;
}

export class Awaited {
  readonly #store: Pick<MinerStore, "fetching" | "get">;
  readonly #storage: Pick<MinerMarketNeeds["storage"], "getPiece">;
  readonly #waiting = new Map<string, Waiting>();

  constructor(store: Pick<MinerStore, "fetching" | "get">, { storage }: Pick<MinerMarketNeeds, "storage">) {
    this.#store = store;
    this.#storage = storage;
  }

  async deals(): Promise<readonly AwaitedDeal[]> {
    const fetching = this.#store.fetching();
    const ids = new Set(fetching.map(({ dealId }) => dealId));
    for (const known of this.#waiting.keys()) if (!ids.has(known)) this.#waiting.delete(known);
    const found: AwaitedDeal[] = [];
    for (const { dealId, state } of fetching) {
      const deal = this.#waiting.get(dealId) ?? this.#begin(dealId);
      if (deal === undefined) continue;
      // Only what has begun to come can be here in part.
      if (state === "transferring" || deal.isCarried) await this.#follow(dealId, deal);
      found.push(deal);
    }
    return found;
  }

  /** Those that were written down since these were found. Said at once, so that nobody comes between. */
  addedSince(found: readonly AwaitedDeal[]): AwaitedDeal[] {
    const known = new Set(found.map(({ dealId }) => dealId));
    return this.#store
      .fetching()
      .filter(({ dealId }) => !known.has(dealId))
      .map(({ dealId }) => this.#waiting.get(dealId) ?? this.#begin(dealId))
      .filter((deal) => deal !== undefined);
  }

  #begin(dealId: string): Waiting | undefined {
    const row = this.#store.get(dealId);
    if (row === undefined) return undefined;
    const { pieces, startBy } = row.proposal;
    const sizes = pieces.map(({ paddedBytes }) => paddedBytes);
    const deal = { dealId, startBy, sizes, counts: countsOf(sizes), isCarried: row.carried, next: 0 };
    this.#waiting.set(dealId, deal);
    return deal;
  }

  async #follow(dealId: string, deal: Waiting): Promise<void> {
    for (;;) {
      const at = deal.next;
      const size = deal.sizes[at];
      if (size === undefined) return;
      const isHere = (await this.#storage.getPiece(pieceKeyOf(dealId, at))) !== undefined;
      if (!isHere) return;
      if (deal.next !== at) continue; // who asked meanwhile has counted it
      deal.next = at + 1;
      const left = (deal.counts.get(size) ?? 0) - 1;
      if (left > 0) deal.counts.set(size, left);
      else deal.counts.delete(size);
    }
  }
}
