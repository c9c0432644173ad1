/**
 * How useful each peer is for fetching the chain: what it gave and how quickly, what it did not have, when it kept us
 * waiting, and whether it lied. The best are asked first; a liar is not asked for a while, each time for longer.
 * Invariants: only what a peer itself answered counts against it; a bad score fades, and nothing is remembered of
 * more peers than the table of limits allows.
 */
import type { Clock, PeerId } from "@holdfast/base";
import { Bounded } from "../bounded.ts";
import { limits } from "../limits.ts";

export type PeerVerdict = "useful" | "useless" | "late" | "lying";

export interface PeerScore {
  readonly peer: PeerId;
  /** Positive: of use. Fades to 0. */
  readonly score: number;
  readonly counts: { readonly [Verdict in PeerVerdict]: number };
  /** Mean time of an answer, the last ones counting most; null before the first. */
  readonly answerMs: number | null;
  /** When it is asked again (milliseconds since the Unix epoch), if it lied. */
  readonly bannedUntilMs: number | null;
}

const points: { readonly [Verdict in PeerVerdict]: number } = {
  useful: 1,
  useless: -1,
  late: -8,
  lying: -100,
};
const mostPoints = 32;
/** Time in which half of a score fades. */
const halfLifeMs = 600_000;
/** Share of the newest answer in the mean of all. */
const newest = 0.25;

interface Kept {
  score: number;
  atMs: number;
  answerMs: number | null;
  lies: number;
  bannedUntilMs: number;
  readonly counts: { [Verdict in PeerVerdict]: number };
}

export class PeerScores {
  readonly #clock: Clock;
  readonly #kept = new Bounded<Kept>(limits.peerScores);
  readonly #known = new Set<PeerId>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(peer: PeerId, verdict: PeerVerdict, tookMs?: number): void {
    const kept = this.#of(peer);
    kept.score = Math.max(-mostPoints * 4, Math.min(mostPoints, kept.score + points[verdict]));
    kept.counts[verdict] += 1;
    if (verdict === "useful" && tookMs !== undefined)
      kept.answerMs = kept.answerMs === null ? tookMs : kept.answerMs + newest * (tookMs - kept.answerMs);
    if (verdict !== "lying") return;
    const banMs = Math.min(limits.syncBanMaxMs, limits.syncBanMs * 2 ** Math.min(kept.lies, 16));
    kept.lies += 1;
    kept.bannedUntilMs = this.#clock.nowMs() + banMs;
  }

  get size(): number {
    return this.#known.size;
  }
  isBanned(peer: PeerId): boolean {
    return (this.#kept.get(peer)?.bannedUntilMs ?? 0) > this.#clock.nowMs();
  }
  /** Whether it has answered something that was of use, and not only kept us waiting since. */
  isProven(peer: PeerId): boolean {
    return this.#kept.get(peer) !== undefined && this.#of(peer).score > 0;
  }

  /** Best first, without those that lied: by score, and of equal ones the quicker. */
  rank(peers: readonly PeerId[]): PeerId[] {
    const tier = (peer: PeerId): number => Math.round(this.#kept.get(peer) ? this.#of(peer).score / 4 : 0);
    const speed = (peer: PeerId): number => this.#kept.get(peer)?.answerMs ?? 0;
    return peers
      .filter((peer) => !this.isBanned(peer))
      .sort((a, b) => tier(b) - tier(a) || speed(a) - speed(b));
  }

  list(): PeerScore[] {
    return [...this.#known].flatMap((peer) => {
      const kept = this.#kept.get(peer);
      if (kept === undefined) {
        this.#known.delete(peer);
        return [];
      }
      const { score, counts, answerMs } = this.#of(peer);
      const bannedUntilMs = this.isBanned(peer) ? kept.bannedUntilMs : null;
      return [{ peer, score, counts: { ...counts }, answerMs, bannedUntilMs }];
    });
  }

  #of(peer: PeerId): Kept {
    const now = this.#clock.nowMs();
    const kept = this.#kept.get(peer) ?? {
      score: 0,
      atMs: now,
      answerMs: null,
      lies: 0,
      bannedUntilMs: 0,
      counts: { useful: 0, useless: 0, late: 0, lying: 0 },
    };
    kept.score *= 2 ** (-Math.max(0, now - kept.atMs) / halfLifeMs);
    kept.atMs = now;
    this.#kept.set(peer, kept);
    this.#known.add(peer);
    if (this.#known.size > 2 * limits.peerScores) this.list();
    return kept;
  }
}
