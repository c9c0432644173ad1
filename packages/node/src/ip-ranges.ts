/**
 * Which part of the world an IP address belongs to (IANA special-purpose registries, RFC 6890), for the rule about
 * addresses that others name: whoever is reached over the Internet cannot make this node knock at doors of its own
 * machine or its local network, behind which services may trust whoever is inside.
 */
import { BlockList, isIP } from "node:net";

/** "none": nobody can be dialled there. */
export type Realm = "public" | "local" | "machine" | "none";

const ranges: { readonly [Of in Exclude<Realm, "public">]: readonly string[] } = {
  machine: ["127.0.0.0/8", "::1/128"],
  local: [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10", // behind a carrier's router
    "198.18.0.0/15",
    "fc00::/7",
    "fec0::/10",
    // Of one link: where clouds answer questions about their machines.
    "169.254.0.0/16",
    "fe80::/10",
  ],
  none: ["0.0.0.0/8", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8", "64:ff9b:1::/48"],
};

const lists = Object.entries(ranges).map(([realm, subnets]) => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [ip = "", bits] = subnet.split("/");
    list.addSubnet(ip, Number(bits), familyOf(ip));
  }
  return { realm: realm as Realm, list };
});

function familyOf(ip: string): "ipv4" | "ipv6" {
  return isIP(ip) === 4 ? "ipv4" : "ipv6";
}

/** IPv4 in IPv6 clothes is what it is; what is no IP address is nowhere. */
export function realmOf(text: string): Realm {
  const ip = text.replace(/%.*$/, "");
  if (isIP(ip) === 0) return "none";
  return lists.find(({ list }) => list.check(ip, familyOf(ip)))?.realm ?? "public";
}

/** The IP address that a multiaddr begins with, if it begins with one. */
export function ipOf(address: string): string | undefined {
  return /^\/(?:ip4|ip6)\/([^/]+)/.exec(address)?.[1];
}

/** The name that it begins with, which has yet to be looked up. */
export function nameOf(address: string): string | undefined {
  return /^\/dns(?:4|6|addr)?\/([^/]+)/.exec(address)?.[1];
}
