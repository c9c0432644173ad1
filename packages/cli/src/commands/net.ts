/** Words of the network of peers. */
import type { ArgumentSpec, CommandSpec } from "../command.ts";

const load = () => import("../actions/net.ts");

const peerArgument: ArgumentSpec = { name: "peer", summary: "peer id, as `holdfast net peers` prints it" };

export const netCommands: readonly CommandSpec[] = [
  {
    path: ["net", "status"],
    summary: "Show how this node stands on its network",
    about: "Also what `holdfast net` alone shows.",
    examples: ["holdfast net status", "holdfast net status --json"],
    isDefault: true,
    action: async () => (await load()).netStatus,
  },
  {
    path: ["net", "peers"],
    summary: "List the peers of this node",
    about:
      "The score is what gossip, requests and behaviour make of a peer: above 0 is good, at -80 it is banned.",
    examples: ["holdfast net peers", "holdfast net peers --node miner-1 --json"],
    action: async () => (await load()).netPeers,
  },
  {
    path: ["net", "id"],
    summary: "Print this node's peer id",
    examples: ["holdfast net id"],
    action: async () => (await load()).netId,
  },
  {
    path: ["net", "addrs"],
    summary: "List where this node is reached, and how its peers see it",
    about:
      "Others join with these addresses. If none of them can be dialled from outside (a router is in between), forward " +
      "a port to this machine and name it in [net] announce of config.toml.",
    examples: ["holdfast net addrs"],
    action: async () => (await load()).netAddrs,
  },
  {
    path: ["net", "connect"],
    summary: "Connect to a peer",
    examples: ["holdfast net connect /ip4/127.0.0.1/tcp/6000/p2p/12D3KooW…"],
    args: [
      { name: "multiaddr", summary: "address of the peer, with its peer id (see its `holdfast net addrs`)" },
    ],
    action: async () => (await load()).netConnect,
  },
  {
    path: ["net", "disconnect"],
    summary: "End the connection to a peer",
    about: "It may come back; `holdfast net ban` keeps it away.",
    examples: ["holdfast net disconnect 12D3KooW…"],
    args: [peerArgument],
    action: async () => (await load()).netDisconnect,
  },
  {
    path: ["net", "ping"],
    summary: "Measure the way to a peer and back",
    examples: ["holdfast net ping 12D3KooW…"],
    args: [peerArgument],
    action: async () => (await load()).netPing,
  },
  {
    path: ["net", "scores"],
    summary: "Show what peers have done, worst first",
    about:
      "Good and bad deeds fade by half in ten minutes. Peers that have left are remembered for six hours.",
    examples: ["holdfast net scores"],
    action: async () => (await load()).netScores,
  },
  {
    path: ["net", "bans"],
    summary: "List who is not talked to, and why",
    examples: ["holdfast net bans"],
    action: async () => (await load()).netBans,
  },
  {
    path: ["net", "ban"],
    summary: "Ban a peer, an address or a range",
    about: "Its connections end at once, and none is taken or made again until the ban ends or is lifted.",
    examples: [
      "holdfast net ban 12D3KooW… --for 1d",
      'holdfast net ban 203.0.113.0/24 --reason "floods since Monday"',
    ],
    args: [{ name: "subject", summary: "peer id, IP address, or range such as 203.0.113.0/24" }],
    options: [
      { flags: "--for <time>", summary: "how long (default: until it is lifted)" },
      { flags: "--reason <text>", summary: "for whoever reads the list", initial: "by hand" },
    ],
    action: async () => (await load()).netBan,
  },
  {
    path: ["net", "unban"],
    summary: "Lift a ban",
    examples: ["holdfast net unban 203.0.113.0/24"],
    args: [{ name: "subject", summary: "as `holdfast net bans` prints it" }],
    action: async () => (await load()).netUnban,
  },
  {
    path: ["net", "limits"],
    summary: "Show the limits towards peers and what is used of them",
    examples: ["holdfast net limits"],
    action: async () => (await load()).netLimits,
  },
  {
    path: ["net", "invite"],
    summary: "Print an invitation to this network: one text for `holdfast join`",
    about:
      "It names the network, its genesis block, this node and some of its peers. It is no secret and gives no right: " +
      "whoever joins fetches the genesis from one of these peers and checks it against its CID. Behind a router, name " +
      "the address and port that the router forwards with --address.",
    examples: [
      "holdfast net invite",
      "holdfast net invite --for 1d --address /dns4/node.example.org/tcp/6000",
    ],
    options: [
      { flags: "--for <time>", summary: "how long it can be used, or `ever`", initial: "30d" },
      {
        flags: "--address <multiaddr>",
        summary: "where this node is reached, if it does not know; may be repeated",
        repeated: true,
      },
      {
        flags: "--checkpoint",
        summary: "let it vouch for the newest tipset that is final here: another history is not followed",
      },
    ],
    action: async () => (await load()).netInvite,
  },
];
