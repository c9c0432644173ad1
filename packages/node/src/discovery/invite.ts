/**
 * What a node writes into an invitation: itself first, as others reach it, then peers that it has dialled, so
 * that the invitation lives on when this node is down. Addresses of one machine only go into invitations of
 * networks that have no others.
 */
import type { CID, Clock, Wire } from "@holdfast/base";
import { limits } from "../limits.ts";
import { discoveryErrors } from "./errors.ts";
import { type Checkpoint, encodeInvitation, type Invitation } from "./invitation.ts";

export interface InviteOptions {
  /** Undefined: it does not end. */
  readonly forMs: number | undefined;
  /** Multiaddrs at which this node can be reached, where it does not know that itself; with or without its id. */
  readonly addresses: readonly string[];
  readonly checkpoint?: Checkpoint;
}

export interface Inviting {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly network: string;
  readonly genesis: CID;
}

/** Errors: `discovery/listens-nowhere`, `wire/bad-address`. */
export function createInvitation(
  { wire, clock, network, genesis }: Inviting,
  options: InviteOptions,
): Invitation & { readonly text: string } {
  const given = options.addresses.map((address) => withId(address, wire.self));
  const own = given.length > 0 ? given : wire.addresses();
  const others = wire.peers().flatMap(({ addresses, direction }) => {
    const [first] = addresses;
    return direction === "outbound" && first !== undefined ? [first] : [];
  });
  const all = [...new Set([...own.slice(0, limits.invitedPeers - 2), ...others])];
  const far = all.filter((address) => !isOfThisMachine(address));
  const addresses = (far.length > 0 ? far : all).slice(0, limits.invitedPeers);
  if (addresses.length === 0) throw discoveryErrors.listensNowhere({});
  const invitation = {
    network,
    genesis,
    addresses,
    expiresMs: options.forMs === undefined ? 0 : clock.nowMs() + options.forMs,
    checkpoint: options.checkpoint ?? null,
  };
  return { ...invitation, text: encodeInvitation(invitation) };
}

function withId(address: string, self: string): string {
  return address.includes("/p2p/") ? address : `${address.replace(/\/$/, "")}/p2p/${self}`;
}

export function isOfThisMachine(address: string): boolean {
  return /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(address);
}
