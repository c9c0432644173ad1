/** Following a network without a node: words of the light client. */
import { assert } from "@holdfast/base";
import type { ArgumentSpec, CommandAction, CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/light.ts");

const fileOption: OptionSpec = {
  flags: "--file <path>",
  summary: "where the trusted tipset is kept (default: ~/.holdfast/light.json)",
};

const options: readonly OptionSpec[] = [
  {
    flags: "--peer <multiaddr>",
    summary: "a node to ask over the network; several are compared (default: those of last time)",
    repeated: true,
  },
  {
    flags: "--url <url>",
    summary: "a node to ask by its API, as http://:TOKEN@HOST:PORT, or with HOLDFAST_TOKEN",
    repeated: true,
  },
  {
    flags: "--invitation <text>",
    summary: "the network, its nodes and perhaps a checkpoint, from `net invite`",
  },
  { flags: "--genesis <cid>", summary: "the network, by its genesis block" },
  {
    flags: "--checkpoint <tipset>",
    summary: "begin at CID[,CID…]@HEIGHT, which somebody vouches for (default: at the genesis)",
  },
  fileOption,
];

interface Asked {
  readonly word: string;
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  readonly example: string;
  readonly about: string;
}

const asked: readonly Asked[] = [
  {
    word: "balance",
    summary: "Prove what an address has",
    about:
      "Of the trusted state: what came in since is not in it. That an address has nothing is proven too.",
    args: [{ name: "address", summary: "address of the account" }],
    example: "holdfast light balance tfq…",
  },
  {
    word: "actor",
    summary: "Prove the record of an actor",
    about: "Kind, balance, nonce and the root of its state.",
    args: [{ name: "address", summary: "address of the actor" }],
    example: "holdfast light actor tfq…",
  },
  {
    word: "miner",
    summary: "Prove all about a miner but its sectors",
    about: "Owner, worker, power, pledge, asks.",
    args: [{ name: "address", summary: "address of the miner" }],
    example: "holdfast light miner tfq…",
  },
  {
    word: "sector",
    summary: "Prove a sector of a miner",
    about: "Its commitments, its life and whether it is faulty; or that the miner has none of this number.",
    args: [
      { name: "miner", summary: "address of the miner" },
      { name: "sector", summary: "number of the sector" },
    ],
    example: "holdfast light sector tfq… 3",
  },
  {
    word: "deal",
    summary: "Prove a deal on the chain",
    about: "Its terms and where it stands, by its client and the number of the channel that pays for it.",
    args: [
      { name: "client", summary: "address of the client" },
      { name: "channel", summary: "number of the payment channel" },
    ],
    example: "holdfast light deal tfq… 0",
  },
  {
    word: "channel",
    summary: "Prove a payment channel",
    about: "Its amounts, its target and its end; or that it does not exist (any more).",
    args: [
      { name: "payer", summary: "address of the payer" },
      { name: "channel", summary: "number of the channel" },
    ],
    example: "holdfast light channel tfq… 0",
  },
];

async function lightAction(word: string): Promise<CommandAction> {
  const found = (await load()).lightQuestions[word];
  assert(found !== undefined, `light ${word} does something`);
  return found;
}

export const lightCommands: readonly CommandSpec[] = [
  {
    path: ["light", "sync"],
    summary: "Follow a network by its headers, without its chain",
    about:
      "Keeps one small file and believes no node: headers are followed from where trust is to a tipset that is as deep " +
      "as finality asks and has blocks of miners with more than half of the trusted power above it. Of several nodes " +
      "that differ, the chain that weighs more by that power is followed. Where to begin must come from who you trust.",
    examples: [
      "holdfast light sync --invitation holdfast1x…",
      "holdfast light sync --genesis bafy2bzace… --peer /ip4/192.0.2.7/tcp/6000/p2p/12D3Koo… --peer /dns4/…",
    ],
    options,
    connection: "none",
    action: async () => (await load()).lightSync,
  },
  {
    path: ["light", "status"],
    summary: "Show what the light client believes, and why",
    about: "Asks nobody: what the file holds since the last time.",
    examples: ["holdfast light status"],
    options: [fileOption],
    connection: "none",
    action: async () => (await load()).lightStatus,
  },
  ...asked.map(
    ({ word, summary, about, args, example }): CommandSpec => ({
      path: ["light", word],
      summary,
      about: `${about} Follows the headers first, as \`light sync\` does.`,
      examples: [example],
      args,
      options,
      connection: "none",
      action: () => lightAction(word),
    }),
  ),
];
