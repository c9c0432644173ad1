/**
 * Whether this machine stands on a local network, where asking for neighbours by mDNS makes sense: it has private
 * addresses and no others, and the node listens on them. In a data centre the same question is noise to strangers,
 * and providers complain about it.
 */
import { BlockList, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { sha256, toHex, utf8Bytes } from "@holdfast/base";

/** RFC 1918, RFC 4193. */
const privateRanges = new BlockList();
privateRanges.addSubnet("10.0.0.0", 8);
privateRanges.addSubnet("172.16.0.0", 12);
privateRanges.addSubnet("192.168.0.0", 16);
privateRanges.addSubnet("fd00::", 8, "ipv6");
/** RFC 3927, RFC 4291: every interface has one, so they say nothing. */
const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16);
linkLocal.addSubnet("fe80::", 10, "ipv6");

const isIn = (list: BlockList, ip: string): boolean => list.check(ip, isIPv4(ip) ? "ipv4" : "ipv6");

export function isOnLan(listen: readonly string[], machine = ownAddresses()): boolean {
  const telling = machine.filter((ip) => !isIn(linkLocal, ip));
  const isAll = telling.length > 0 && telling.every((ip) => isIn(privateRanges, ip));
  const heard = listen.map((address) => address.split("/")[2] ?? "");
  const listens = heard.some((ip) => ip === "0.0.0.0" || ip === "::" || telling.includes(ip));
  return isAll && listens;
}

function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal }) => !internal).map(({ address }) => address);
}

/** Nodes of other networks on the same LAN do not see each other. */
export function mdnsTagOf(network: string): string {
  return `hf-${toHex(sha256(utf8Bytes(network))).slice(0, 8)}`;
}
