/** Words of the chain's plumbing: tipsets, blocks, messages, actors, peers. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/chain.ts");
const loadMessages = () => import("../actions/messages.ts");

/** Of commands that send a message. */
export const sendOptions: readonly OptionSpec[] = [
  { flags: "--from <address>", summary: "paying address (default: the wallet's default address)" },
  {
    flags: "--gas-price <amount>",
    summary: "price of a unit of gas, such as 1attoFIL (default: the node's)",
  },
  { flags: "--gas-limit <units>", summary: "most gas to use (default: measured by a dry run)" },
  { flags: "--no-wait", summary: "do not wait until it is in the chain" },
];

const limitOption = (initial: string): OptionSpec => ({
  flags: "--limit <count>",
  summary: "how many at most",
  initial,
});

export const chainCommands: readonly CommandSpec[] = [
  {
    path: ["chain", "head"],
    summary: "Show the newest tipset",
    about: "A tipset is the blocks of one height that build on the same parents.",
    examples: ["holdfast chain head", "holdfast chain head --json"],
    action: async () => (await load()).chainHead,
  },
  {
    path: ["chain", "ls"],
    summary: "List tipsets from the head down",
    examples: ["holdfast chain ls --limit 50", "holdfast chain ls --from 1000"],
    options: [
      { flags: "--from <height>", summary: "begin at this height instead of the head" },
      limitOption("20"),
    ],
    action: async () => (await load()).chainList,
  },
  {
    path: ["chain", "show"],
    summary: "Show one block and its messages",
    examples: ["holdfast chain show bafy2bzaceb…"],
    args: [{ name: "cid", summary: "CID of the block, as `holdfast chain ls` prints it" }],
    action: async () => (await load()).chainShow,
  },
  {
    path: ["chain", "watch"],
    summary: "Print every new head as it comes",
    about: "Runs until Ctrl-C.",
    examples: ["holdfast chain watch", "holdfast chain watch --json"],
    stream: true,
    action: async () => (await load()).chainWatch,
  },
  {
    path: ["chain", "money"],
    summary: "Add up all money: the sum never changes",
    about:
      "Balances, open payment channels, pledges and what was burnt, in attoFIL and without rounding. Their sum " +
      "is what the genesis block held. Ends with exit code 5 if a single attoFIL is missing or too many.",
    examples: ["holdfast chain money"],
    action: async () => (await load()).chainMoney,
  },
  {
    path: ["message", "ls"],
    summary: "List the messages that wait for a block",
    examples: ["holdfast message ls"],
    action: async () => (await loadMessages()).messageList,
  },
  {
    path: ["message", "show"],
    summary: "Show a message and where it is",
    examples: ["holdfast message show bafy2bzacec…"],
    args: [{ name: "cid", summary: "CID of the message" }],
    action: async () => (await loadMessages()).messageShow,
  },
  {
    path: ["message", "wait"],
    summary: "Wait until a message is in the chain",
    about:
      "Ends with exit code 7 when the time is over (the message itself is not withdrawn), and with 8 or 4 if the " +
      "message failed on the chain.",
    examples: [
      "holdfast message wait bafy2bzacec… --timeout 1m",
      "holdfast message wait bafy2bzacec… --confirmations 5",
    ],
    args: [{ name: "cid", summary: "CID of the message" }],
    options: [
      { flags: "--timeout <time>", summary: "give up after this time", initial: "2m" },
      { flags: "--confirmations <rounds>", summary: "rounds that must lie on top of it", initial: "0" },
    ],
    action: async () => (await loadMessages()).messageWait,
  },
  {
    path: ["message", "send"],
    summary: "Call a method of an actor",
    about:
      "Plumbing: `holdfast wallet send` sends money. The parameters are the method's, in DAG-CBOR. A call that " +
      "would fail now is refused before it costs anything.",
    examples: ["holdfast message send tfq… 0FIL --method withdraw --params 8141ff"],
    args: [
      { name: "to", summary: "address of the actor" },
      { name: "amount", summary: "money to send along, such as 0FIL" },
    ],
    options: [
      { flags: "--method <name>", summary: "the actor's method (default: a plain transfer)" },
      { flags: "--params <hex>", summary: "its parameters, DAG-CBOR in hex" },
      ...sendOptions,
    ],
    action: async () => (await loadMessages()).messageSend,
  },
  {
    path: ["actor", "ls"],
    summary: "List the actors of the chain and what they hold",
    examples: ["holdfast actor ls"],
    options: [limitOption("100")],
    action: async () => (await load()).actorList,
  },
  {
    path: ["actor", "show"],
    summary: "Show one actor and its state",
    examples: ["holdfast actor show tfq…"],
    args: [{ name: "address", summary: "address of the actor" }],
    action: async () => (await load()).actorShow,
  },
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
];
