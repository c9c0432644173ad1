/**
 * How long this miner takes from a closed sector to one on the chain, in rounds, as it was seen: the longest of the
 * last sectors, and those that are on their way for longer than that. A sector that waits for more deals is closed by
 * it in time for the most urgent of them. Before the first sector it is at least half of the time that a deal gives,
 * which is early rather than late; so it is before the first one of a size, since small ones say nothing of large ones.
 * It never leaps: what it says grows by two in a round, and is read in each.
 */
import type { NetworkParams } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import type { SectorFacts } from "../machine/miner.ts";
import { activationEpochs, leastSealEpochs } from "../terms.ts";

export interface SealRounds {
  readonly sectorBytes: number;
  readonly rounds: number;
}

/** Of the last sectors of each size, which stay over a restart. */
export interface PaceRecord {
  sealRounds(): readonly SealRounds[];
  addSealRounds(sectorId: number, landed: SealRounds): void;
}

interface OnWay {
  readonly sectorBytes: number;
  /** The height at which it was first seen to be closed; undefined: it takes pieces. */
  readonly closedAt: number | undefined;
}

/** The next one may take so many times as long. */
const slowness = 2;

export class SealPace {
  readonly #record: PaceRecord;
  /** Sectors that were seen to take pieces. */
  readonly #onWay = new Map<number, OnWay>();
  #landed: readonly SealRounds[];
  /** What was said at a height, by size: every event of every deal asks for it. */
  readonly #said = new Map<number, number>();
  #saidAt = -1;

  constructor(record: PaceRecord) {
    this.#record = record;
    this.#landed = record.sealRounds();
  }

  see(
    { sectorId, stored, onChain }: Pick<SectorFacts, "sectorId" | "stored" | "onChain">,
    sectorBytes: number,
    height: number,
  ): void {
    const known = this.#onWay.get(sectorId);
    if (stored === "staging") {
      const isRoom = known !== undefined || this.#onWay.size < limits.pacedSectors;
      if (isRoom) this.#onWay.set(sectorId, { sectorBytes, closedAt: undefined });
      return;
    }
    if (known === undefined) return;
    const closedAt = known.closedAt ?? height;
    this.#onWay.set(sectorId, { sectorBytes, closedAt });
    if (onChain !== undefined) {
      this.#record.addSealRounds(sectorId, { sectorBytes, rounds: height - closedAt });
      this.#landed = this.#record.sealRounds();
      this.#said.clear();
    }
    if (onChain !== undefined || stored === "ended") this.forget(sectorId);
  }

  /** A deal in it is over; who still looks at it sees it again, if it is not closed. */
  forget(sectorId: number): void {
    this.#onWay.delete(sectorId);
  }

  /** What is to be left between the closing of a sector of this size and the last start of a deal in it. */
  rounds(params: NetworkParams, sectorBytes: number, height: number): number {
    if (height !== this.#saidAt) this.#said.clear();
    this.#saidAt = height;
    const said = this.#said.get(sectorBytes) ?? this.#reckon(params, sectorBytes, height);
    this.#said.set(sectorBytes, said);
    return said;
  }

  #reckon(params: NetworkParams, sectorBytes: number, height: number): number {
    const window = activationEpochs(params, sectorBytes);
    // A larger one is no quicker than these.
    const landed = this.#landed.filter((one) => one.sectorBytes <= sectorBytes);
    let longest = 0;
    for (const { rounds } of landed) longest = Math.max(longest, rounds);
    for (const one of this.#onWay.values()) {
      if (one.closedAt === undefined || one.sectorBytes > sectorBytes) continue;
      const wait = height - one.closedAt;
      // What has missed its deals' starts already says nothing of the others.
      if (wait < window) longest = Math.max(longest, wait);
    }
    const isKnown = landed.some((one) => one.sectorBytes === sectorBytes);
    const seen = slowness * longest;
    return leastSealEpochs(params) + (isKnown ? seen : Math.max(seen, Math.floor(window / 2)));
  }
}
