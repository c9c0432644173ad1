/**
 * Who goes when somebody new wants in and the inbound places are taken. As Bitcoin's nodes choose: the best stay
 * (by score, by speed, by age: an attacker would have to win each of these), and of the rest the newest of the
 * largest group, so that many connections of one owner push out each other.
 */
export interface Inbound {
  readonly id: string;
  /** What its owner most likely has many of: an address or a network. */
  readonly group: string;
  readonly score: number;
  readonly latencyMs: number | undefined;
  readonly sinceMs: number;
}

/** Kept by each of the three measures. */
const keptEach = 4;

/** Undefined: those who are here are all better than somebody new. */
export function chooseEviction(inbound: readonly Inbound[]): Inbound | undefined {
  const slow = Number.POSITIVE_INFINITY;
  const kept = new Set<Inbound>([
    ...best(inbound, (peer) => -peer.score),
    ...best(inbound, (peer) => peer.latencyMs ?? slow),
    ...best(inbound, (peer) => peer.sinceMs),
  ]);
  const rest = inbound.filter((peer) => !kept.has(peer) || peer.score < 0);
  const worst = rest.filter(({ score }) => score < 0).sort((a, b) => a.score - b.score)[0];
  if (worst !== undefined) return worst;
  const groups = Map.groupBy(rest, ({ group }) => group);
  const largest = [...groups.values()].sort((a, b) => b.length - a.length || newest(b) - newest(a))[0] ?? [];
  return [...largest].sort((a, b) => b.sinceMs - a.sinceMs)[0];
}

const newest = (peers: readonly Inbound[]): number => Math.max(...peers.map(({ sinceMs }) => sinceMs));

function best(inbound: readonly Inbound[], measure: (peer: Inbound) => number): readonly Inbound[] {
  return [...inbound].sort((a, b) => measure(a) - measure(b)).slice(0, keptEach);
}
