/**
 * Peers that show something of later than now. One among many may say what it likes; if half of them are ahead, the
 * clock that is wrong is ours.
 */
import type { Clock, PeerId } from "@holdfast/base";
import { timestampOf } from "@holdfast/consensus";
import type { SyncChain } from "./needs.ts";
import { stallRounds } from "./stall.ts";

export interface Ahead {
  readonly byMs: number;
  readonly atMs: number;
}

export class AheadWatch {
  readonly #chain: SyncChain;
  readonly #clock: Clock;
  /** Of connected peers the last sight. */
  readonly #seen = new Map<PeerId, Ahead>();

  constructor(chain: SyncChain, clock: Clock) {
    this.#chain = chain;
    this.#clock = clock;
  }

  /** Whether a height is of later than now; that is noted. */
  isAhead(peer: PeerId, height: number): boolean {
    const { params, genesisTimestampMs } = this.#chain;
    const atMs = this.#clock.nowMs();
    const byMs = timestampOf(params, genesisTimestampMs, height) - atMs;
    if (byMs <= params.futureToleranceMs) return false;
    this.#seen.set(peer, { byMs, atMs });
    return true;
  }
  get size(): number {
    return this.#seen.size;
  }
  gone(peer: PeerId): void {
    this.#seen.delete(peer);
  }

  /** The least of what is seen lately, if half of so many peers have shown it. */
  ofUs(peers: number): Ahead | undefined {
    const sinceMs = this.#clock.nowMs() - stallRounds * this.#chain.params.roundMs;
    const recent = [...this.#seen.values()].filter(({ atMs }) => atMs > sinceMs);
    if (recent.length === 0 || 2 * recent.length < peers) return undefined;
    return recent.toSorted((a, b) => a.byMs - b.byMs)[0];
  }
}
