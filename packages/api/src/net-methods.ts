/** Methods about the network of peers: connections, scores, bans, invitations. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { cidText, height, sizeBytes } from "./shapes.ts";

const peerView = z.object({
  peerId: z.string(),
  addresses: z.array(z.string()),
  direction: z.enum(["inbound", "outbound"]),
  headHeight: height.nullable(),
  /** Null where the wire does not measure it. */
  score: z.number().nullable(),
  latencyMs: z.number().nullable(),
  connectedMs: z.number().nullable(),
  agent: z.string(),
  protocols: z.array(z.string()),
  receivedBytes: sizeBytes.nullable(),
  sentBytes: sizeBytes.nullable(),
});

const banView = z.object({
  subject: z.string().describe("a peer id, an IP address or a range"),
  kind: z.enum(["peer", "address", "range"]),
  reason: z.string(),
  by: z.enum(["score", "person"]),
  fromMs: z.number(),
  untilMs: z.number().nullable(),
});

const netStatus = z.object({
  peerId: z.string(),
  network: z.string(),
  addresses: z.array(z.string()).describe("where this node says that it is reached"),
  observed: z
    .array(z.object({ address: z.string(), peers: z.int() }))
    .describe("this machine as peers see it, and how many see it so"),
  reach: z.enum(["public", "private", "unknown"]).describe("whether others can dial this node"),
  dialBacks: z
    .array(z.object({ peerId: z.string(), port: z.int(), reached: z.boolean(), atMs: z.number() }))
    .describe("what peers found that were asked to dial this node"),
  inbound: z.int(),
  outbound: z.int(),
  halfOpen: z.int(),
  bans: z.int(),
  receivedBytes: sizeBytes,
  sentBytes: sizeBytes,
});

export const netMethods = {
  "net.status": call("This node on its network, in short", nothing, netStatus),
  "net.peers": call("The peers this node is connected to", nothing, z.array(peerView)),
  "net.connect": call(
    "Connects to a peer by its multiaddr",
    z.object({ address: z.string().max(512) }),
    z.object({ peerId: z.string() }),
  ),
  "net.disconnect": call(
    "Ends the connection to a peer, which may come back",
    z.object({ peerId: z.string().max(128) }),
    z.object({ peerId: z.string() }),
  ),
  "net.ping": call(
    "Measures the way to a peer and back",
    z.object({ peerId: z.string().max(128) }),
    z.object({ peerId: z.string(), latencyMs: z.number() }),
  ),
  "net.bans": call("Who is not talked to, and why", nothing, z.array(banView)),
  "net.ban": call(
    "Bans a peer, an address or a range, and ends its connections",
    z.object({
      subject: z.string().max(128),
      reason: z.string().max(256).default("by hand"),
      forMs: z.int().min(1).max(3_155_760_000_000).nullable().default(null),
    }),
    banView,
  ),
  "net.unban": call(
    "Lifts a ban",
    z.object({ subject: z.string().max(128) }),
    z.object({ subject: z.string() }),
  ),
  "net.scores": call(
    "What peers have done, worst first; also of those who have left",
    nothing,
    z.array(z.object({ peerId: z.string(), score: z.number(), deeds: z.record(z.string(), z.int()) })),
  ),
  "net.limits": call(
    "The limits of this node towards its peers",
    nothing,
    z.array(z.object({ name: z.string(), limit: z.int(), used: z.int().nullable() })),
  ),
  "net.invite": call(
    "An invitation: one text with which an empty folder becomes a member of this network",
    z.object({
      forMs: z.int().min(1_000).max(3_155_760_000_000).nullable().default(2_592_000_000),
      addresses: z.array(z.string().max(512)).max(8).default([]),
      checkpoint: z.boolean().default(false).describe("vouch for the newest tipset that is final here"),
    }),
    z.object({
      invitation: z.string(),
      network: z.string(),
      genesis: cidText,
      addresses: z.array(z.string()),
      expiresAtMs: z.number().nullable(),
      checkpointHeight: height.nullable(),
    }),
  ),
} as const;
