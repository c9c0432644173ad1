/** Words of founding a network: the draft, the founders' sectors, the network's file. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/genesis.ts");

const draftArgument = { name: "draft", summary: "the file that `holdfast genesis new` wrote" };
const fileArgument = { name: "file", summary: "a network's file, or the draft of one" };

export const genesisCommands: readonly CommandSpec[] = [
  {
    path: ["genesis", "new"],
    summary: "Draft a network: its name, its parameters, who has money from the beginning",
    about:
      "Writes a draft that founders share. Then each founder runs `holdfast genesis sector` in a folder of its own, " +
      "whoever collects what that writes runs `holdfast genesis add-miner`, and `holdfast genesis finish` makes the " +
      "network's file. Every parameter has a sane value and can be set: amounts with units, sizes as 512KiB, times of " +
      "the chain as a number of rounds or as a duration such as 12h. What is impossible or dangerous is refused with " +
      "every reason.",
    examples: [
      "holdfast genesis new club.draft --name club --round 30s",
      "holdfast genesis new club.draft --name club --account tfq…=1000FIL --set blockReward=50FIL --faucet 5FIL",
      "holdfast genesis new club.draft --name club --upgrade 365d:blockReward=25FIL --upgrade 730d:blockReward=12FIL",
    ],
    args: [{ name: "draft", summary: "file to write" }],
    options: [
      { flags: "--name <name>", summary: "name of the network", required: true },
      { flags: "--round <time>", summary: "time between blocks", initial: "30s" },
      {
        flags: "--sector <size>",
        summary:
          "a size of its sectors; may be given several times (default: 1KiB and 256KiB; 2KiB with groth16)",
        repeated: true,
      },
      {
        flags: "--proof-mode <mode>",
        summary: "vanilla: the Merkle proofs themselves; groth16: SNARKs, with parameters made here",
        initial: "vanilla",
      },
      { flags: "--porep <kind>", summary: "how sectors are sealed: zigzag or sdr", initial: "zigzag" },
      { flags: "--account <address=amount>", summary: "money from the beginning", repeated: true },
      { flags: "--founder-funds <amount>", summary: "of each founder's account", initial: "10000FIL" },
      {
        flags: "--miner-funds <amount>",
        summary: "of each founder's miner, for pledges",
        initial: "1000FIL",
      },
      { flags: "--faucet <amount>", summary: "what a faucet may give for a request (default: nothing)" },
      { flags: "--authority <address>", summary: "who may schedule upgrades (default: nobody)" },
      {
        flags: "--unproven",
        summary:
          "founders believe each other that their sectors are sealed, and prove nothing (test networks only)",
      },
      { flags: "--set <name=value>", summary: "any other parameter", repeated: true },
      {
        flags: "--upgrade <height:changes>",
        summary:
          "from a height (a number of rounds, or a time such as 30d) on other constants, or rules=VERSION; may be given " +
          "several times",
        repeated: true,
      },
    ],
    connection: "none",
    action: async () => (await load()).genesisNew,
  },
  {
    path: ["genesis", "sector"],
    summary: "As a founder: make keys and seal the first sectors in a folder of your own",
    about:
      "The keys never leave the folder. What others need is written to founder.json in it, signed by its account, with " +
      "the proof of each seal unless the draft was made with --unproven. With HOLDFAST_PASSPHRASE set, the keys " +
      "are encrypted with it.",

    examples: ["holdfast genesis sector club.draft --repo ./mine --listen /ip4/10.0.0.5/tcp/6000"],
    args: [draftArgument],
    options: [
      { flags: "--sectors <count>", summary: "how many sectors to seal", initial: "1" },
      { flags: "--sector <size>", summary: "of this size (default: the smallest of the network)" },
      {
        flags: "--listen <multiaddr>",
        summary: "where others will reach this node, for the network's file",
        repeated: true,
      },
    ],
    connection: "repo",
    action: async () => (await load()).genesisSector,
  },
  {
    path: ["genesis", "add-miner"],
    summary: "Put founders into a draft",
    examples: ["holdfast genesis add-miner club.draft ann.json bob.json"],
    args: [draftArgument, { name: "founder", summary: "founder.json of each of them", many: true }],
    connection: "none",
    action: async () => (await load()).genesisAddMiner,
  },
  {
    path: ["genesis", "finish"],
    summary: "Make the network's file from a draft",
    about:
      "The same draft and time give the same network, in whatever order founders were added, so everybody can make the " +
      "file and compare the CID. Every founder's seals are verified first. Nodes are made from it with `holdfast init " +
      "--network FILE`.",
    examples: ["holdfast genesis finish club.draft club.network --at 2026-12-01T12:00:00Z"],
    args: [draftArgument, { name: "file", summary: "the network's file to write" }],
    options: [
      {
        flags: "--at <time>",
        summary: "when the first round begins, as 2026-12-01T12:00:00Z (default: now)",
      },
    ],
    connection: "none",
    action: async () => (await load()).genesisFinish,
  },
  {
    path: ["genesis", "show"],
    summary: "Show what a network's file or a draft says",
    examples: ["holdfast genesis show club.network"],
    args: [fileArgument],
    connection: "none",
    action: async () => (await load()).genesisShow,
  },
  {
    path: ["genesis", "check"],
    summary: "Check a network's file: against the genesis in it, its founders' seals, and a CID",
    about:
      "Fails if anything that people read in the file differs from what machines do, or if a founder's sector is not " +
      "proven. Of a network that was drafted with --unproven it says that nothing is.",
    examples: ["holdfast genesis check club.network", "holdfast genesis check club.network bafy2bzaced…"],
    args: [fileArgument, { name: "cid", summary: "CID of the genesis that it shall have", optional: true }],
    connection: "none",
    action: async () => (await load()).genesisCheck,
  },
];
