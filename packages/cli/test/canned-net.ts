/** What the canned node answers about its network. */
import type { CallName, MethodResult } from "@holdfast/api";
import { cidOfCbor, encodeCbor } from "@holdfast/base";
import { followCalls } from "./canned-follow.ts";

const peerId = "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr";

const ban: MethodResult<"net.ban"> = {
  subject: "203.0.113.0/24",
  kind: "range",
  reason: "by hand",
  by: "person",
  fromMs: 1_800_000_000_000,
  untilMs: 1_800_086_400_000,
};

type NetCall = Extract<CallName, `net.${string}` | `sync.${string}` | `light.${string}`>;

export const netCalls: { readonly [Name in NetCall]: MethodResult<Name> } = {
  ...followCalls,
  "net.status": {
    peerId,
    network: "local",
    addresses: [`/ip4/192.0.2.7/tcp/6000/p2p/${peerId}`],
    observed: [{ address: "192.0.2.7", peers: 3 }],
    reach: "private",
    dialBacks: [
      { peerId, port: 6000, reached: false, atMs: 1_800_000_000_000 },
      { peerId, port: 6000, reached: false, atMs: 1_800_000_060_000 },
    ],
    inbound: 2,
    outbound: 3,
    halfOpen: 0,
    bans: 1,
    receivedBytes: 5_242_880,
    sentBytes: 1_048_576,
  },
  "net.peers": [
    {
      peerId,
      addresses: ["/ip4/127.0.0.1/tcp/6001"],
      direction: "outbound",
      headHeight: 100,
      score: 12.5,
      latencyMs: 3,
      connectedMs: 3_723_000,
      agent: "holdfast/0.1.0",
      protocols: ["/fil/hello/1.0.0"],
      receivedBytes: 5_242_880,
      sentBytes: 1_048_576,
    },
  ],
  "net.disconnect": { peerId },
  "net.ping": { peerId, latencyMs: 3 },
  "net.bans": [ban],
  "net.ban": ban,
  "net.unban": { subject: ban.subject },
  "net.scores": [{ peerId, score: -45, deeds: { invalid: 2, streams: 1 } }],
  "net.limits": [
    { name: "connections", limit: 128, used: 5 },
    { name: "frameBytes", limit: 262_144, used: null },
  ],
  "net.connect": { peerId },
  "net.invite": {
    invitation: "holdfast1xabcdefgh",
    network: "local",
    genesis: cidOfCbor(encodeCbor("genesis")).toString(),
    addresses: [`/ip4/192.0.2.7/tcp/6000/p2p/${peerId}`],
    expiresAtMs: 1_800_000_000_000,
    checkpointHeight: null,
  },
};
