/**
 * How much a faucet gives: so many payments to one address, one peer, one machine and in all within a sliding window,
 * and so many in a minute. Invariant: no window of that length ever has more, and the time of the next try that a
 * refusal names is the first at which the same request would be granted.
 */
import type { FaucetLimits } from "./needs.ts";
import type { Payment, PaymentStore, Subject } from "./store.ts";

interface Rule {
  readonly subject: Subject;
  readonly of: string;
  readonly most: number;
  readonly windowMs: number;
  readonly by: LimitedBy;
}

/** The words of the message: what is given no more, and to whom. */
export const limitedBy = [
  "to this address",
  "to this peer",
  "to this machine",
  "to anybody",
  "in this minute",
] as const;
export type LimitedBy = (typeof limitedBy)[number];

const minuteMs = 60_000;

function rulesFor(to: Pick<Payment, "address" | "requester" | "machine">, limits: FaucetLimits): Rule[] {
  const windowMs = limits.faucetWindowMs;
  const rules: Rule[] = [
    { subject: "address", of: to.address, most: limits.faucetPerAddress, windowMs, by: "to this address" },
    { subject: "requester", of: to.requester, most: limits.faucetPerPeer, windowMs, by: "to this peer" },
    { subject: "machine", of: to.machine, most: limits.faucetPerMachine, windowMs, by: "to this machine" },
    { subject: "all", of: "", most: limits.faucetInAll, windowMs, by: "to anybody" },
    { subject: "all", of: "", most: limits.faucetPerMinute, windowMs: minuteMs, by: "in this minute" },
  ];
  return to.machine === "" ? rules.filter(({ subject }) => subject !== "machine") : rules;
}

/** The rule that holds longest against a payment now, and its end. */
export function refusalOf(
  store: PaymentStore,
  to: Pick<Payment, "address" | "requester" | "machine">,
  nowMs: number,
  limits: FaucetLimits,
): { readonly by: LimitedBy; readonly nextMs: number } | undefined {
  let found: { readonly by: LimitedBy; readonly nextMs: number } | undefined;
  for (const { subject, of, most, windowMs, by } of rulesFor(to, limits)) {
    const earlierMs = store.nthNewestMs(subject, of, most);
    const nextMs = earlierMs === undefined ? 0 : earlierMs + windowMs;
    if (nextMs > nowMs && nextMs > (found?.nextMs ?? 0)) found = { by, nextMs };
  }
  return found;
}

/** All whose machine is not known share one: to hide it must not be worth anything. */
const unknownMachine = "unknown";

/** Who counts as one machine: an IPv4 address, or a network of IPv6, of which one line has 2^64 addresses. */
export function machineOf(multiaddr: string | undefined): string {
  if (multiaddr === undefined) return "";
  const [, version = "", text = ""] = /^\/(ip4|ip6)\/([^/]+)/.exec(multiaddr) ?? [];
  if (version === "") return unknownMachine;
  const inIpv6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (version !== "ip6" || inIpv6 !== undefined) return inIpv6 ?? text;
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  const groups = tail === undefined ? left : [...left, ...zeros, ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
