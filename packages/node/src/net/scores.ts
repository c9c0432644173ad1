/**
 * What a peer has done, as one number: its own deeds only, forgotten by halves, kept for hours after it has left and
 * over a restart of this node, so that going and coming back washes nobody clean. Gossipsub adds the number to its own
 * score; below the lowest mark the peer is banned. Good deeds weigh little: no store of them can be saved up for an
 * attack.
 */
import type { Clock, JsonObject } from "@holdfast/base";

/** Points of one deed. */
const points = {
  /** It brought what was asked for. */
  useful: 1,
  /** It did not answer, or had not what it said it had. */
  unhelpful: -2,
  /** It opened more streams than one may. */
  streams: -5,
  /** A gossip message over its share. */
  flood: -0.25,
  /** Gossip that was rejected. */
  invalid: -20,
  /** A frame longer than its protocol allows. */
  oversized: -25,
  /**
   * It asserted what is provably wrong. Sync asks it nothing for ten minutes then; if it comes back and lies again in
   * the ten after these, this node talks to it no more.
   */
  lied: -65,
} as const;

export type Deed = keyof typeof points;
export const deedNames = Object.keys(points) as readonly Deed[];

const halfLifeMs = 600_000; // 10 minutes
/** As long as Lotus keeps the scores of those who left (RetainScore). */
const keptMs = 21_600_000;
const mostPoints = 20;
/** Gossipsub's thresholds are -10, -50 and, for everything, -80: below it nothing could be counted any more. */
export const banBelow = -80;

export interface Score extends JsonObject {
  readonly peerId: string;
  readonly score: number;
  readonly deeds: { readonly [Of in Deed]?: number };
}

/** As it is kept over a restart. */
export interface KeptScore extends Score {
  /** The moment of which `score` speaks. */
  readonly atMs: number;
}

export interface ScoreStore {
  load(): readonly KeptScore[];
  /** Replaces what was kept. */
  save(scores: readonly KeptScore[]): void;
}

export interface ScoresOptions {
  readonly clock: Clock;
  /** Peers that are remembered. */
  readonly most: number;
  readonly store?: ScoreStore | undefined;
  readonly onBad: (peer: string, worst: Deed) => void;
}

/** A kill loses the deeds of this time at most: the shorter one where there was a bad deed. */
const saveAfterMs = 60_000;
const saveBadAfterMs = 5_000;

interface Kept {
  score: number;
  atMs: number;
  readonly deeds: { [Of in Deed]?: number };
}

export class Scores {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #kept = new Map<string, Kept>();
  readonly #onBad: (peer: string, worst: Deed) => void;
  readonly #store: ScoreStore | undefined;
  #savedAtMs: number;

  constructor({ clock, most, store, onBad }: ScoresOptions) {
    this.#clock = clock;
    this.#most = most;
    this.#onBad = onBad;
    this.#store = store;
    this.#savedAtMs = clock.nowMs();
    for (const { peerId, score, atMs, deeds } of (store?.load() ?? []).slice(0, most)) {
      // A clock that was set back must not make old deeds grow.
      const isOld = this.#savedAtMs - atMs > keptMs;
      if (!isOld)
        this.#kept.set(peerId, { score, atMs: Math.min(atMs, this.#savedAtMs), deeds: { ...deeds } });
    }
  }

  note(peer: string, deed: Deed): void {
    const kept = this.#kept.get(peer) ?? { score: 0, atMs: 0, deeds: {} };
    const before = this.of(peer);
    kept.score = Math.min(mostPoints, before + points[deed]);
    kept.atMs = this.#clock.nowMs();
    kept.deeds[deed] = (kept.deeds[deed] ?? 0) + 1;
    this.#kept.delete(peer);
    this.#kept.set(peer, kept);
    if (this.#kept.size > this.#most) this.#forgetOne(peer);
    if (kept.score <= banBelow && before > banBelow) this.#onBad(peer, deed);
    const afterMs = points[deed] < 0 ? saveBadAfterMs : saveAfterMs;
    if (this.#clock.nowMs() - this.#savedAtMs >= afterMs) this.save();
  }
  /** For the next start. */
  save(): void {
    this.#savedAtMs = this.#clock.nowMs();
    this.#store?.save(
      [...this.#kept].map(([peerId, { score, atMs, deeds }]) => ({ peerId, score, atMs, deeds })),
    );
  }
  of(peer: string): number {
    const kept = this.#kept.get(peer);
    return kept === undefined ? 0 : this.#faded(kept);
  }
  /** Worst first. */
  list(): readonly Score[] {
    for (const [peer, { atMs }] of this.#kept) {
      if (this.#clock.nowMs() - atMs > keptMs) this.#kept.delete(peer);
    }
    return [...this.#kept]
      .map(([peerId, kept]) => ({ peerId, score: rounded(this.#faded(kept)), deeds: { ...kept.deeds } }))
      .sort((a, b) => a.score - b.score);
  }
  /** After a ban, or when a person has lifted one. */
  clear(peer: string): void {
    if (this.#kept.delete(peer)) this.save();
  }

  #faded(kept: Kept): number {
    const nowMs = this.#clock.nowMs();
    kept.atMs = Math.min(kept.atMs, nowMs); // a clock that was set back must not make old deeds grow
    return kept.score * 2 ** ((kept.atMs - nowMs) / halfLifeMs);
  }
  /** Whoever has the most harmless score goes; a flood of new names does not wash the bad ones away. */
  #forgetOne(except: string): void {
    let harmless: string | undefined;
    let nearest = Number.POSITIVE_INFINITY;
    for (const [peer, kept] of this.#kept) {
      const size = Math.abs(this.#faded(kept));
      if (peer === except || size >= nearest) continue;
      [harmless, nearest] = [peer, size];
    }
    if (harmless !== undefined) this.#kept.delete(harmless);
  }
}

const rounded = (value: number): number => Math.round(value * 100) / 100;
