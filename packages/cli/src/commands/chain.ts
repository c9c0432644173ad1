/** Words of the chain's plumbing: tipsets, blocks, actors. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/chain.ts");
const loadLaunch = () => import("../actions/launch.ts");
const loadSnapshot = () => import("../actions/snapshot.ts");

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
    path: ["chain", "bad", "ls"],
    summary: "List the blocks that this node found invalid, and why",
    about:
      "Only what breaks a rule for good is in the list, and what stands on it. What could not be fetched or stored " +
      "is tried again by itself.",
    examples: ["holdfast chain bad ls"],
    action: async () => (await load()).chainBadList,
  },
  {
    path: ["chain", "bad", "clear"],
    summary: "Let the node look again at what it found invalid",
    about:
      "One entry and all that stands on it, or all entries. A block that is invalid will be found so again.",
    examples: ["holdfast chain bad clear", "holdfast chain bad clear bafy2bzaceb…"],
    args: [{ name: "key", summary: "the entry, as `holdfast chain bad ls` prints it", optional: true }],
    action: async () => (await load()).chainBadClear,
  },
  {
    path: ["chain", "export"],
    summary: "Write a snapshot of the chain into a file",
    about:
      "A CAR with all headers, the state before one tipset, and the messages and receipts of the last epochs. A node " +
      "that begins with it (`holdfast chain import`, `holdfast daemon --snapshot`) does not execute what came " +
      "before. Give a tipset that is final: others may leave the chain.",
    examples: ["holdfast chain export chain.car", "holdfast chain export chain.car --messages all"],
    args: [{ name: "file", summary: "file to write; it must not be there yet" }],
    options: [
      { flags: "--height <height>", summary: "of this height (default: the last that is final)" },
      {
        flags: "--messages <epochs>",
        summary: "messages and receipts of so many epochs, or all (default: as finality has)",
      },
    ],
    action: async () => (await loadSnapshot()).chainExport,
  },
  {
    path: ["chain", "prune"],
    summary: "Let old states, messages and receipts go",
    about:
      "What no tipset of the last epochs needs leaves the disk, in small pieces while the node runs; headers stay. " +
      "With `chain.pruneEpochs` or `chain.quotaBytes` in config.toml a node does so by itself.",
    examples: ["holdfast chain prune", "holdfast chain prune --keep 2000"],
    options: [
      {
        flags: "--keep <epochs>",
        summary: "epochs that stay (default: as configured, and as finality needs)",
      },
    ],
    action: async () => (await loadSnapshot()).chainPrune,
  },
  {
    path: ["chain", "store"],
    summary: "Show what the chain takes on the disk, by kind",
    examples: ["holdfast chain store"],
    action: async () => (await loadSnapshot()).chainStore,
  },
  {
    path: ["chain", "import"],
    summary: "Begin a node's chain with a snapshot",
    about:
      "For a repo whose node does not run. All of it is checked, and its last tipset executed, before it takes the " +
      "place of the repo's chain; what is refused changes nothing. That it is of the true chain and not of another " +
      "history, only a checkpoint can tell: take the file from who you trust, or give --checkpoint.",
    examples: [
      "holdfast chain import chain.car --repo ./mine",
      "holdfast chain import chain.car --repo ./mine --checkpoint bafy2bzace…@120000",
    ],
    args: [{ name: "file", summary: "file that `holdfast chain export` wrote" }],
    options: [
      {
        flags: "--checkpoint <tipset>",
        summary: "refuse it unless it contains CID[,CID…]@HEIGHT (default: as configured)",
      },
    ],
    connection: "repo",
    action: async () => (await loadLaunch()).chainImport,
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
];
