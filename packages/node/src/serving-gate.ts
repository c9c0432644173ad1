/**
 * How much one peer may take of what a node serves of its chain: so many requests at a time, so many and so many
 * bytes a second. Invariant: nobody's requests take more than its share, and nobody is remembered for longer than
 * it takes to fill its bucket again.
 */
import type { Clock, PeerId } from "@holdfast/base";
import { Bounded } from "./bounded.ts";
import { limits } from "./limits.ts";

/** Seconds for which an unused share is saved up. */
const burstSeconds = 4;

export interface ServingShares {
  /** Requests at the same time, of all peers and of one. */
  readonly served: number;
  readonly servedPerPeer: number;
  /** Of one peer in a second. */
  readonly bytesPerSecond: number;
  readonly requestsPerSecond: number;
}

interface Bucket {
  bytes: number;
  requests: number;
  filledAtMs: number;
}

export class ServingGate {
  readonly #clock: Clock;
  readonly #shares: ServingShares;
  readonly #running = new Map<PeerId, number>();
  readonly #buckets = new Bounded<Bucket>(limits.peerScores);
  #served = 0;

  constructor(clock: Clock, shares: ServingShares) {
    this.#clock = clock;
    this.#shares = shares;
  }

  /** Peers whose shares are remembered. */
  get size(): number {
    return this.#buckets.size;
  }
  /** Whether a request of this peer is served now; whoever gets true calls `leave` when it is done. */
  enter(peer: PeerId): boolean {
    const running = this.#running.get(peer) ?? 0;
    const bucket = this.#bucketOf(peer);
    const isFull = this.#served >= this.#shares.served || running >= this.#shares.servedPerPeer;
    if (isFull || bucket.requests < 1 || bucket.bytes <= 0) return false;
    bucket.requests -= 1;
    this.#served += 1;
    this.#running.set(peer, running + 1);
    return true;
  }
  /** Whether the peer has bytes of its share left, for what is not a request of its own. */
  affords(peer: PeerId): boolean {
    return this.#bucketOf(peer).bytes > 0;
  }
  /** Bytes that were sent, or read for it: they are known only afterwards, so one answer may overdraw a share. */
  spend(peer: PeerId, bytes: number): void {
    this.#bucketOf(peer).bytes -= bytes;
  }
  leave(peer: PeerId): void {
    this.#served -= 1;
    const running = (this.#running.get(peer) ?? 1) - 1;
    if (running > 0) this.#running.set(peer, running);
    else this.#running.delete(peer);
  }

  #bucketOf(peer: PeerId): Bucket {
    const now = this.#clock.nowMs();
    const { bytesPerSecond, requestsPerSecond } = this.#shares;
    const most = { bytes: burstSeconds * bytesPerSecond, requests: burstSeconds * requestsPerSecond };
    const bucket = this.#buckets.get(peer) ?? { ...most, filledAtMs: now };
    const seconds = Math.max(0, now - bucket.filledAtMs) / 1000;
    bucket.bytes = Math.min(most.bytes, bucket.bytes + seconds * bytesPerSecond);
    bucket.requests = Math.min(most.requests, bucket.requests + seconds * requestsPerSecond);
    bucket.filledAtMs = now;
    this.#buckets.set(peer, bucket);
    return bucket;
  }
}
