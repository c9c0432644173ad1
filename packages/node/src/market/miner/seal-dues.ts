/**
 * By when the sectors on their way are to be on the chain, each for the most urgent of its deals that go on: the
 * storage has those sealed first, and what is wanted besides is judged by it. In memory: every deal on its way is
 * looked at when a node starts.
 */
import type { NetworkParams } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { heightOf } from "../facts.ts";
import type { MinerMarketNeeds } from "../needs.ts";

export interface DueSector {
  readonly startBy: number;
  readonly sectorBytes: number;
  /** In the storage. */
  readonly state: string;
}

/** Storage states of sectors whose seal is to come or runs. */
const unsealedStates = new Set(["staging", "closing", "sealing", "failed"]);

export class SealDues {
  readonly #chain: { readonly params: NetworkParams } & Parameters<typeof heightOf>[0];
  readonly #storage: Pick<MinerMarketNeeds["storage"], "setDue">;
  readonly #clock: MinerMarketNeeds["clock"];
  readonly #sectors = new Map<number, DueSector>();

  constructor({ chain, storage, clock }: Pick<MinerMarketNeeds, "chain" | "storage" | "clock">) {
    this.#chain = chain;
    this.#storage = storage;
    this.#clock = clock;
  }

  /** A deal that goes on has pieces in it. */
  see(sectorId: number, { startBy, sectorBytes, state }: DueSector): void {
    const known = this.#sectors.get(sectorId);
    if (known === undefined && this.#sectors.size >= limits.dueSectors) return;
    const nearest = Math.min(startBy, known?.startBy ?? startBy);
    this.#sectors.set(sectorId, { startBy: nearest, sectorBytes, state });
    if (nearest === known?.startBy) return;
    const rounds = nearest - heightOf(this.#chain);
    this.#storage.setDue?.(sectorId, this.#clock.nowMs() + rounds * this.#chain.params.roundMs);
  }

  /** It is on the chain, or its data is proven to nobody any more. */
  isOver(sectorId: number): void {
    this.#sectors.delete(sectorId);
  }

  /** A deal in it is over; those that go on are seen again. */
  forget(sectorId: number): void {
    if (this.#sectors.delete(sectorId)) this.#storage.setDue?.(sectorId, null);
  }

  /** Whose seals wait or run. */
  unsealed(): DueSector[] {
    return [...this.#sectors.values()].filter(({ state }) => unsealedStates.has(state));
  }
}
