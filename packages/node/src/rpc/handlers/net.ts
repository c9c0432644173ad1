/** Methods about the network of peers. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import type { PeerId } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds, NetBan, NetControlDoor } from "../needs.ts";

type NetHandlers = Pick<
  ApiHandlers,
  | "net.status"
  | "net.peers"
  | "net.connect"
  | "net.disconnect"
  | "net.ping"
  | "net.bans"
  | "net.ban"
  | "net.unban"
  | "net.scores"
  | "net.limits"
  | "net.invite"
>;

type NetReach = MethodResult<"net.status">["reach"];

export function netHandlers(needs: HandlerNeeds): NetHandlers {
  const { net } = needs;
  return {
    "net.status": async () => statusOf(needs),
    "net.peers": async () => peersOf(needs),
    "net.connect": async ({ address }, signal) => ({ peerId: await net.connect(address, signal) }),
    "net.disconnect": async ({ peerId }) => {
      const found = net.peers().find(({ id }) => id === peerId);
      if (found === undefined) throw rpcErrors.notFound({ what: `connection to ${peerId}` });
      await net.disconnect(found.id);
      return { peerId };
    },
    "net.ping": async ({ peerId }, signal) => {
      const latencyMs = await controlOf(needs).ping(peerId, signal);
      return { peerId, latencyMs };
    },
    "net.bans": async () => (net.control?.bans() ?? []).map(banView),
    "net.ban": async ({ subject, reason, forMs }) =>
      banView(await controlOf(needs).ban(subject, { reason, forMs: forMs ?? undefined })),
    "net.unban": async ({ subject }) => {
      controlOf(needs).unban(subject);
      return { subject };
    },
    "net.scores": async () =>
      (net.control?.scores() ?? []).map(({ peerId, score, deeds }) => ({
        peerId,
        score,
        deeds: { ...deeds },
      })),
    "net.limits": async () => limitsOf(needs),
    "net.invite": async ({ forMs, addresses, checkpoint }) => {
      const made = net.invite({ forMs: forMs ?? undefined, addresses, checkpoint });
      return {
        invitation: made.text,
        network: made.network,
        genesis: made.genesis.toString(),
        addresses: [...made.addresses],
        expiresAtMs: made.expiresMs === 0 ? null : made.expiresMs,
        checkpointHeight: made.checkpoint?.height ?? null,
      };
    },
  };
}

function controlOf({ net }: HandlerNeeds): NetControlDoor {
  if (net.control === undefined) throw rpcErrors.notFound({ what: "network of sockets under this node" });
  return net.control;
}

function peersOf({ net, clock }: HandlerNeeds): MethodResult<"net.peers"> {
  const facts = new Map((net.control?.peers() ?? []).map((peer) => [peer.id, peer]));
  return net.peers().map(({ id, addresses, direction }) => {
    const known = facts.get(id);
    return {
      peerId: id,
      addresses: [...addresses],
      direction,
      headHeight: net.peerHeights().get(id) ?? null,
      score: known?.score ?? null,
      latencyMs: known?.latencyMs ?? null,
      connectedMs: known === undefined ? null : Math.max(0, clock.nowMs() - known.sinceMs),
      agent: known?.agent ?? "",
      protocols: [...(known?.protocols ?? [])],
      receivedBytes: known?.receivedBytes ?? null,
      sentBytes: known?.sentBytes ?? null,
    };
  });
}

function statusOf({ net, chain }: HandlerNeeds): MethodResult<"net.status"> {
  const peers = net.peers();
  const inbound = peers.filter(({ direction }) => direction === "inbound").length;
  const counted = net.control?.counts();
  return {
    peerId: net.self satisfies PeerId,
    network: chain.params.name,
    addresses: [...net.addresses()],
    observed: [...(net.control?.observed() ?? [])],
    reach: reachOf(net, inbound),
    dialBacks: (net.control?.dialBacks() ?? []).map(({ peer, ...found }) => ({ peerId: peer, ...found })),
    inbound,
    outbound: peers.length - inbound,
    halfOpen: counted?.halfOpen ?? 0,
    bans: net.control?.bans().length ?? 0,
    receivedBytes: counted?.receivedBytes ?? 0,
    sentBytes: counted?.sentBytes ?? 0,
  };
}

/** That one came in, or was asked to and did, shows more than that others could not. */
function reachOf({ control, addresses }: HandlerNeeds["net"], inbound: number): NetReach {
  const found = control?.dialBacks() ?? [];
  if (inbound > 0 || found.some(({ reached }) => reached)) return "public";
  return found.length > 0 || addresses().length === 0 ? "private" : "unknown";
}

function limitsOf(needs: HandlerNeeds): MethodResult<"net.limits"> {
  const { inbound, outbound, halfOpen, bans } = statusOf(needs);
  const used: { readonly [name: string]: number } = {
    ...{ connections: inbound + outbound, inboundConnections: inbound, outboundPeers: outbound },
    ...{ pendingConnections: halfOpen, bans },
  };
  return shownLimits.map((name) => ({ name, limit: limits[name], used: used[name] ?? null }));
}

/** Rows of the node's table that are about peers. */
const shownLimits = [
  "connections",
  "inboundConnections",
  "outboundPeers",
  "pendingConnections",
  "connectionsPerMachine",
  "pendingConnectionsPerMachine",
  "connectionsPerHostPerSecond",
  "streamsPerConnection",
  "streamsPerProtocol",
  "frameBytes",
  "gossipMessageBytes",
  "gossipMessagesPerSecond",
  "gossipBurst",
  "gossipValidations",
  "gossipValidationsPerPeer",
  "bans",
  "knownPeers",
] as const satisfies readonly (keyof typeof limits)[];

function banView({ untilMs, ...ban }: NetBan): MethodResult<"net.ban"> {
  return { ...ban, untilMs: untilMs ?? null };
}
