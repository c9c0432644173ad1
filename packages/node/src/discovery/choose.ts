/**
 * Whom to dial next, as a pure function, so that its promises are properties. Against those who would surround a
 * node: it dials until it has its quota of connections that it chose itself, however many others came in; of
 * strangers, no two in one /16 of the Internet; and first those that it was connected to before (anchors), so
 * that a restart is no chance to fill it anew.
 */
import type { Known } from "./book.ts";

export interface Connected {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly direction: "inbound" | "outbound";
}

export interface Choice {
  readonly known: Iterable<Known>;
  readonly connected: readonly Connected[];
  readonly self: string;
  readonly nowMs: number;
  /** Of a peer that could not be reached; a later time is that of a clock that was ahead. */
  readonly longestPauseMs: number;
  /** Connections that this node wants to have chosen itself. */
  readonly outboundPeers: number;
  /** Dials that may run at the same time. */
  readonly most: number;
  /** A number below `limit`. */
  readonly draw: (limit: number) => number;
}

export function chooseDials(choice: Choice): readonly Known[] {
  const { known, connected, self, nowMs, longestPauseMs, outboundPeers, most, draw } = choice;
  const here = new Set(connected.map(({ id }) => id));
  const outbound = connected.filter(({ direction }) => direction === "outbound");
  const groups = new Set(outbound.flatMap(({ addresses }) => addresses.slice(0, 1).flatMap(groupsOf)));
  const isDue = ({ nextMs }: Known): boolean => nextMs <= nowMs || nextMs > nowMs + longestPauseMs;
  const due = [...known].filter((peer) => !here.has(peer.id) && peer.id !== self && isDue(peer));
  const chosen = due.filter(({ source }) => source === "bootstrap").slice(0, most);
  let wanted = outboundPeers - outbound.length - chosen.length;
  const anchors = due.filter(({ source }) => source === "anchor");
  const others = due.filter(({ source }) => source === "kept" || source === "heard");
  for (const peer of [...anchors, ...shuffled(others, draw)]) {
    if (wanted <= 0 || chosen.length >= most) break;
    const group = peer.addresses.flatMap(groupsOf).slice(0, 1);
    if (peer.source !== "anchor" && group.some((one) => groups.has(one))) continue;
    for (const one of group) groups.add(one);
    chosen.push(peer);
    wanted -= 1;
  }
  return chosen;
}

function shuffled<Item>(items: readonly Item[], draw: (limit: number) => number): readonly Item[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = draw(last + 1);
    const [a, b] = [mixed[last], mixed[other]];
    if (a === undefined || b === undefined) continue;
    mixed[last] = b;
    mixed[other] = a;
  }
  return mixed;
}

/**
 * What an owner of many addresses most likely has whole: the /16 of an IPv4 address, the /32 of an IPv6 one.
 * Private addresses and names have none: a network at home is all of one group.
 */
export function groupsOf(address: string): readonly string[] {
  const [, family = "", host = ""] = address.split("/");
  if (family === "ip4") {
    const [a = "", b = ""] = host.split(".");
    return isPrivateIpv4(Number(a), Number(b)) ? [] : [`${a}.${b}`];
  }
  if (family !== "ip6" || /^(::1?$|f[cd]|fe[89ab])/i.test(host)) return [];
  const [first = "", second = ""] = host.toLowerCase().split(":");
  return [`${first}:${second}`];
}

/** RFC 1918, 3927, 6598 and loopback. */
function isPrivateIpv4(a: number, b: number): boolean {
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b < 128)
  );
}
