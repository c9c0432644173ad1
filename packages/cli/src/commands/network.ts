/** Words of the network itself: its constants and its upgrades. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/network.ts");

const dryRun = {
  flags: "--dry-run",
  summary: "send nothing; print the message's parameters, for a multisig to propose",
};
const atHeight = { name: "height", summary: "the first height to which the upgrade applies" };

export const networkCommands: readonly CommandSpec[] = [
  {
    path: ["network", "show"],
    summary: "Show what all nodes of this network agree on",
    about:
      "Everything is read from the chain's newest state: constants, sector sizes, proofs, the version of the rules.",
    examples: ["holdfast network show", "holdfast network show --json"],
    action: async () => (await load()).networkShow,
  },
  {
    path: ["network", "upgrades"],
    summary: "List the upgrades of this network, past and to come",
    about: "A version that this program does not know is marked: the node will stop at its height.",
    examples: ["holdfast network upgrades"],
    action: async () => (await load()).networkUpgrades,
  },
  {
    path: ["network", "schedule"],
    summary: "Schedule an upgrade: other constants or another version of the rules from a height on",
    about:
      "Only the network's upgrade authority can, and only for a height that leaves everybody the time of the network's " +
      "finality to notice. Amounts have units; everything else is a whole number.",
    examples: [
      "holdfast network schedule 250000 --set blockReward=500FIL",
      "holdfast network schedule 300000 --rules 2 --dry-run",
    ],
    args: [atHeight],
    options: [
      { flags: "--set <name=value>", summary: "a constant and its new value", repeated: true },
      { flags: "--rules <version>", summary: "version of the rules (default: the present one)" },
      dryRun,
    ],
    action: async () => (await load()).networkSchedule,
  },
  {
    path: ["network", "cancel"],
    summary: "Take back an upgrade that has not taken effect",
    examples: ["holdfast network cancel 250000"],
    args: [atHeight],
    options: [dryRun],
    action: async () => (await load()).networkCancel,
  },
];
