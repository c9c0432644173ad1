/** Peer ids and multiaddrs between libp2p's form and the seam's. */
import { type PeerId, wireErrors } from "@holdfast/base";
import type { PeerId as Libp2pPeerId } from "@libp2p/interface";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";

export function textOf(id: Libp2pPeerId): PeerId {
  return id.toString() as PeerId;
}

export function withPeer(address: string, id: PeerId): string {
  return address.includes("/p2p/") ? address : `${address}/p2p/${id}`;
}

/** What TCP can dial. Error: `wire/bad-address`. */
export function parseAddress(address: string): Multiaddr {
  try {
    const parsed = multiaddr(address);
    if (parsed.getComponents().some(({ name }) => name === "tcp")) return parsed;
  } catch (error) {
    throw wireErrors.badAddress({ address }, error);
  }
  throw wireErrors.badAddress({ address });
}
