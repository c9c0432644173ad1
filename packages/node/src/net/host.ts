/**
 * A libp2p host from our settings: TCP, noise, yamux, identify, ping, gossipsub, and where wanted the
 * Kademlia table under `/fil/kad/1.0.0` and mDNS. Every limit comes from the node's table. Nothing that
 * costs time while nothing happens: keep-alive once a minute, no identify push, no debug log lines.
 */
import type { Logger } from "@holdfast/base";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import type { GossipSub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import type {
  ComponentLogger,
  ConnectionGater,
  Libp2p,
  Logger as Libp2pLogger,
  PeerInfo,
  PrivateKey,
} from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { type Ping, ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import { netErrors } from "./errors.ts";
import { gossipService } from "./gossip.ts";
import type { MeshCare } from "./mesh-care.ts";
import type { NetNeeds } from "./needs.ts";
import type { Scores } from "./scores.ts";
import { wholeMessages } from "./whole-messages.ts";

const kadProtocol = "/fil/kad/1.0.0";
export const defaultKeepAliveMs = 60_000; // libp2p gives up a TCP connection that is silent for twice that
const seedBytes = 32;

export interface HostOptions {
  readonly privateKey: Uint8Array;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly heartbeatMs: number;
  readonly seenMs: number;
  readonly keepAliveMs: number;
  readonly kad: boolean;
  readonly topics: readonly string[];
  readonly agent: string;
  /** Names the network on a LAN, so that nodes of others leave each other alone. */
  readonly mdnsTag: string;
  /** If given, mDNS is on. */
  readonly onMdnsPeer?: (peer: PeerInfo) => void;
}

export type Host = Libp2p<{ pubsub: GossipSub; ping: Ping }>;

/** Errors: `net/bad-key`, `net/port-in-use`, `net/cannot-listen`. */
export async function openHost(
  needs: NetNeeds,
  options: HostOptions,
  { gate, ...marks }: { readonly gate: ConnectionGater; readonly scores: Scores; readonly care: MeshCare },
): Promise<Host> {
  const { limits } = needs;
  try {
    return await createLibp2p({
      nodeInfo: { userAgent: options.agent },
      privateKey: await keyFromSeed(options.privateKey),
      addresses: { listen: [...options.listen], announce: [...options.announce] },
      transports: [
        tcp({
          maxConnections: limits.connections + limits.pendingConnections,
          ...socketOptions(limits.socketBacklogBytes),
        }),
      ],
      connectionEncrypters: [wholeMessages(noise())],
      streamMuxers: [
        yamux({
          keepAliveInterval: options.keepAliveMs,
          maxInboundStreams: limits.streamsPerConnection,
          maxOutboundStreams: limits.streamsPerConnection,
          streamOptions: {
            maxStreamWindowSize: limits.streamWindowBytes,
            maxReadBufferLength: 2 * limits.streamWindowBytes,
          },
        }),
      ],
      connectionManager: {
        maxConnections: limits.connections,
        maxIncomingPendingConnections: limits.pendingConnections,
        inboundConnectionThreshold: limits.connectionsPerHostPerSecond,
        maxParallelDials: limits.parallelDials,
        maxDialQueueLength: limits.queuedDials,
        dialTimeout: limits.dialTimeoutMs,
        addressDialTimeout: limits.dialTimeoutMs / 2,
        inboundUpgradeTimeout: limits.dialTimeoutMs,
        outboundStreamProtocolNegotiationTimeout: limits.dialTimeoutMs,
        inboundStreamProtocolNegotiationTimeout: limits.dialTimeoutMs,
        connectionCloseTimeout: 500,
        reconnectRetries: 0, // whoever wants a connection dials it
      },
      connectionGater: gate,
      connectionMonitor: { pingInterval: options.keepAliveMs },
      peerDiscovery: options.onMdnsPeer === undefined ? [] : [await neighbours(options)],
      services: {
        identify: identify({ runOnLimitedConnection: false }),
        ping: ping(),
        pubsub: gossipService(needs, { ...options, ...marks }),
        ...(options.kad ? { kad: await kademlia() } : {}),
      },
      logger: quietly(needs.logger),
    });
  } catch (error) {
    throw listenError(error, options.listen);
  }
}

/** A socket that asks for patience after each message would wake all streams of its connection each time. */
function socketOptions(backlogBytes: number) {
  const listenOpts = { noDelay: true, highWaterMark: backlogBytes };
  const dialOpts = { noDelay: true, writableHighWaterMark: backlogBytes };
  return { listenOpts, dialOpts };
}

async function keyFromSeed(seed: Uint8Array): Promise<PrivateKey> {
  if (seed.length !== seedBytes) throw netErrors.badKey({ lengthBytes: seed.length });
  return await generateKeyPairFromSeed("Ed25519", seed);
}

type Discovery = ReturnType<typeof import("@libp2p/mdns").mdns>;

/**
 * Not through the host's "peer:discovery" event, which also reports whom we have dialled ourselves. Loaded
 * only where it is wanted, as the table of peers is.
 */
async function neighbours({ mdnsTag, onMdnsPeer }: HostOptions): Promise<Discovery> {
  const { mdns } = await import("@libp2p/mdns");
  const create = mdns({ serviceTag: `_${mdnsTag}._tcp.local` });
  return (components) => {
    const discovery = create(components);
    discovery.addEventListener("peer", ({ detail }) => onMdnsPeer?.(detail));
    return discovery;
  };
}

/** Every node answers; addresses of private networks are what our networks are made of. */
async function kademlia() {
  const { kadDHT, passthroughMapper } = await import("@libp2p/kad-dht");
  return kadDHT({ protocol: kadProtocol, clientMode: false, peerInfoMapper: passthroughMapper });
}

function listenError(error: unknown, listen: readonly string[]): unknown {
  if (!(error instanceof Error) || error.name !== "UnsupportedListenAddressesError") return error;
  const inUse = /EADDRINUSE\S*:? address already in use (\S+)/.exec(error.message)?.[1];
  if (inUse !== undefined) return netErrors.portInUse({ address: inUse }, error);
  const reason = /\b(E[A-Z]{3,}|[A-Z]\w+Error)\b/.exec(error.message.split("\n").slice(1).join("\n"))?.[1];
  return netErrors.cannotListen({ addresses: listen, reason: reason ?? "no transport" }, error);
}

/** libp2p logs each frame; only its errors are of use, and only to who debugs. */
function quietly(logger: Logger): ComponentLogger {
  const nothing = (): void => undefined;
  const forComponent = (component: string): Libp2pLogger => {
    const log: Libp2pLogger = Object.assign((): void => undefined, {
      enabled: false,
      trace: nothing,
      error: (text: unknown, ...args: readonly unknown[]): void =>
        logger.debug("libp2p", { component, text: String(text), args: args.map(String) }),
      newScope: (): Libp2pLogger => log,
    });
    return log;
  };
  return { forComponent };
}
