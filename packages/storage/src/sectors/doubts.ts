/**
 * Sectors whose plain copy somebody has found damaged: a disk that refuses its bytes, a block that is not what its name
 * says. Until somebody has looked at the sector its pieces come out of the replica, where they are checked. Invariant:
 * a sector is looked at for a doubt at most once in `restMs`, however often it is doubted; what is known of it is
 * bounded in number, so a reader can cost a look now and then and nothing else.
 */
import type { Clock } from "@holdfast/base";

/** Between two looks at one sector. */
const restMs = 3_600_000;
/** Sectors that were looked at and are remembered; the oldest are forgotten, and may be doubted anew. */
const rememberedSectors = 4_096;
/** Doubted at a time: with more, a disk is gone, and the volume's own watch says so. */
const mostDoubted = 1_024;

export type DoubtListener = (sectorId: number) => void;

export class Doubts {
  readonly #clock: Clock;
  readonly #doubted = new Set<number>();
  /** When it was looked at last. */
  readonly #looked = new Map<number, number>();
  readonly #listeners = new Set<DoubtListener>();
  /** Told while nobody listens. */
  otherwise: DoubtListener = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(sectorId: number): boolean {
    return this.#doubted.has(sectorId);
  }

  /** Whether its pieces come out of the replica from now on. */
  raise(sectorId: number): boolean {
    if (this.#doubted.has(sectorId)) return true;
    const lookedMs = this.#looked.get(sectorId);
    if (lookedMs !== undefined && this.#clock.nowMs() < lookedMs + restMs) return false;
    if (this.#doubted.size >= mostDoubted) return false;
    this.#doubted.add(sectorId);
    for (const tell of this.#listeners.size === 0 ? [this.otherwise] : this.#listeners) tell(sectorId);
    return true;
  }

  /** Somebody has looked at it and made it anew if that could be done, or nobody will: the repair was called off. */
  settle(sectorId: number): void {
    if (!this.#doubted.delete(sectorId)) return;
    this.#looked.delete(sectorId);
    this.#looked.set(sectorId, this.#clock.nowMs());
    const [oldest] = this.#looked.keys();
    if (this.#looked.size > rememberedSectors && oldest !== undefined) this.#looked.delete(oldest);
  }

  onDoubt(listener: DoubtListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}
