/**
 * The peers that a node knows, connected or not: where they listen, when they may be dialled again, how often that
 * failed. Bounded; whoever was reached stays before whoever was only heard of, so that a flood of invented
 * addresses pushes out nobody real.
 */
import { limits } from "../limits.ts";

export type Source = "bootstrap" | "anchor" | "kept" | "heard";

export interface Known {
  readonly id: string;
  addresses: readonly string[];
  source: Source;
  /** When this node was connected to it last; 0: never. */
  seenMs: number;
  /** When a connection ended that had lasted; 0: none has since this node's start. */
  lostMs: number;
  /** Dials in a row that led to no lasting connection. */
  failures: number;
  /** It is not dialled before. */
  nextMs: number;
}

const addressesEach = 4;

export class PeerBook {
  readonly #known = new Map<string, Known>();

  get(id: string): Known | undefined {
    return this.#known.get(id);
  }
  all(): Iterable<Known> {
    return this.#known.values();
  }
  get size(): number {
    return this.#known.size;
  }

  /** Learns an address with a peer id at its end; others are nobody's. */
  learn(address: string, source: Source): Known | undefined {
    const id = idOf(address);
    if (id === undefined) return undefined;
    const known = this.#known.get(id);
    if (known === undefined) return this.#add({ id, addresses: [address], source });
    // What the peer itself or the operator has told stays in front of what others say about it.
    if (known.addresses.includes(address)) return known;
    known.addresses =
      source === "heard"
        ? [...known.addresses.slice(0, addressesEach - 1), address]
        : [address, ...known.addresses].slice(0, addressesEach);
    known.nextMs = 0; // nobody has failed to reach it there
    if (rank[source] > rank[known.source]) known.source = source;
    return known;
  }

  /** Where an identified peer says that it listens: that replaces what was heard about it. */
  told(id: string, addresses: readonly string[], nowMs: number): void {
    const own = addresses.filter((address) => idOf(address) === id).slice(0, addressesEach);
    const known = this.#known.get(id) ?? this.#add({ id, addresses: own, source: "kept" });
    if (own.length > 0 && known.source !== "bootstrap") known.addresses = own;
    if (known.source === "heard") known.source = "kept";
    known.seenMs = nowMs;
  }

  /**
   * The pause doubles with every failure in a row, up to `mostMs`; spread by a number from 0 to 1. Whoever was lost a
   * short while ago is most likely about to be back, so until then it stays short.
   */
  failed(id: string, nowMs: number, mostMs: number, spread: number): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    const isMissed = known.lostMs > 0 && nowMs - known.lostMs < limits.missedMs;
    const longestMs = isMissed ? Math.min(mostMs, limits.redialMissedMs) : mostMs;
    const pauseMs = Math.min(longestMs, limits.redialMs * 2 ** Math.min(known.failures, 30));
    known.failures += 1;
    known.nextMs = nowMs + pauseMs * (0.5 + spread / 2);
    const isHopeless = known.failures >= limits.redialAttempts && known.source === "heard";
    if (isHopeless) this.#known.delete(id);
  }
  /** A connection that had lasted has ended. */
  lost(id: string, nowMs: number): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    known.failures = 0;
    known.lostMs = nowMs;
  }

  #add(fresh: Pick<Known, "id" | "addresses" | "source">): Known {
    const known = { ...fresh, seenMs: 0, lostMs: 0, failures: 0, nextMs: 0 };
    this.#known.set(known.id, known);
    if (this.#known.size > limits.knownPeers) this.#forget(known.id);
    return known;
  }
  #forget(except: string): void {
    let worst: Known | undefined;
    for (const known of this.#known.values()) {
      if (known.id !== except && (worst === undefined || isWorse(known, worst))) worst = known;
    }
    if (worst !== undefined) this.#known.delete(worst.id);
  }
}

const rank: { readonly [Of in Source]: number } = { heard: 0, kept: 1, anchor: 2, bootstrap: 3 };

function isWorse(a: Known, b: Known): boolean {
  if (rank[a.source] !== rank[b.source]) return rank[a.source] < rank[b.source];
  return a.failures === b.failures ? a.seenMs < b.seenMs : a.failures > b.failures;
}

/** The last part of the multiaddr. */
export function idOf(address: string): string | undefined {
  const at = address.lastIndexOf("/");
  const id = at < 0 ? "" : address.slice(at + 1);
  return /^[\w-]{1,128}$/.test(id) ? id : undefined;
}
