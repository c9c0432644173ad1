/** Words of the network of peers. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/net.ts");

export const netCommands: readonly CommandSpec[] = [
  {
    path: ["net", "peers"],
    summary: "List the peers of this node",
    examples: ["holdfast net peers", "holdfast net peers --node miner-1"],
    action: async () => (await load()).netPeers,
  },
  {
    path: ["net", "connect"],
    summary: "Connect to a peer",
    examples: ["holdfast net connect /ip4/127.0.0.1/tcp/6000/p2p/12D3KooW…"],
    args: [
      { name: "multiaddr", summary: "address of the peer, with its peer id (see its `holdfast status`)" },
    ],
    action: async () => (await load()).netConnect,
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
