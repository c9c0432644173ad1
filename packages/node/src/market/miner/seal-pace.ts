/**
 * How long this miner takes from a closed sector to one on the chain, in rounds, as it was seen: the longest of the
 * last sectors, and those that are on their way for longer than that. A sector that waits for more deals is closed by
 * it in time for the most urgent of them. Before the first sector it is at least half of the time that a deal gives,
 * which is early rather than late. It never leaps: what it says grows by two in a round, and is read in each.
 */
import type { NetworkParams } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import type { SectorFacts } from "../machine/miner.ts";
import { activationEpochs, leastSealEpochs } from "../terms.ts";

/** Rounds of the last sectors, which stay over a restart. */
export interface PaceRecord {
  sealRounds(): readonly number[];
  addSealRounds(sectorId: number, rounds: number): void;
}

/** The next one may take so many times as long. */
const slowness = 2;

export class SealPace {
  readonly #record: PaceRecord;
  /** Sectors that were seen to take pieces; from then on the height at which they were first seen to be closed. */
  readonly #onWay = new Map<number, number | undefined>();

  #landed: readonly number[];

  constructor(record: PaceRecord) {
    this.#record = record;
    this.#landed = record.sealRounds();
  }

  see(
    { sectorId, stored, onChain }: Pick<SectorFacts, "sectorId" | "stored" | "onChain">,
    height: number,
  ): void {
    if (stored === "staging") {
      if (this.#onWay.size < limits.pacedSectors) this.#onWay.set(sectorId, undefined);
      return;
    }
    if (!this.#onWay.has(sectorId)) return;
    const closedAt = this.#onWay.get(sectorId) ?? height;
    this.#onWay.set(sectorId, closedAt);
    if (onChain !== undefined) {
      this.#record.addSealRounds(sectorId, height - closedAt);
      this.#landed = this.#record.sealRounds();
    }
    if (onChain !== undefined || stored === "ended") this.forget(sectorId);
  }

  /** A deal in it is over; who still looks at it sees it again, if it is not closed. */
  forget(sectorId: number): void {
    this.#onWay.delete(sectorId);
  }

  /** What is to be left between the closing of a sector of this size and the last start of a deal in it. */
  rounds(params: NetworkParams, sectorBytes: number, height: number): number {
    const window = activationEpochs(params, sectorBytes);
    const landed = this.#landed;
    const waits = [...this.#onWay.values()].flatMap((at) => (at === undefined ? [] : [height - at]));
    // What has missed its deals' starts already says nothing of the others.
    const seen = slowness * Math.max(0, ...landed, ...waits.filter((wait) => wait < window));
    return leastSealEpochs(params) + (landed.length > 0 ? seen : Math.max(seen, Math.floor(window / 2)));
  }
}
