/** Words of this node as an attested pinning node of the network, and of the reports of all such nodes. */
import type { ArgumentSpec, CommandSpec } from "../command.ts";

const loadPinNode = () => import("../actions/pin-node.ts");

const reportArguments: readonly ArgumentSpec[] = [
  { name: "node", summary: "number of the pinning node" },
  { name: "slot", summary: "the slot" },
];

export const pinNodeCommands: readonly CommandSpec[] = [
  {
    path: ["pin", "node", "join"],
    summary: "Make this node a pinning node of the network, by evidence of the program that runs",
    about:
      "The enclave makes a key; evidence is bound to it, to this peer and account and to a fresh draw of the chain, and sent " +
      "with the stake. A program that is not on the network's list is refused with the reason. From then on the node pins what " +
      "it is drawn for, reports in every slot, and renews its evidence by itself. Without hardware that attests, a test network " +
      "takes evidence by software (pins.attestation in config.toml), which proves nothing.",
    examples: [
      "holdfast pin node join --capacity 100GiB",
      "holdfast pin node join --capacity 1TiB --least-price 0.001FIL",
    ],
    options: [
      { flags: "--capacity <size>", summary: "orders that it takes, together", required: true },
      {
        flags: "--least-price <amount>",
        summary: "for a GiB and a day; less is not taken (default: nothing)",
      },
    ],
    action: async () => (await loadPinNode()).nodeJoin,
  },
  {
    path: ["pin", "node", "status"],
    summary: "Show this node as a pinning node: its evidence, orders, reports, and what is wrong",
    examples: ["holdfast pin node status"],
    isDefault: true,
    action: async () => (await loadPinNode()).nodeStatus,
  },
  {
    path: ["pin", "node", "leave"],
    summary: "Take no more orders and report no more",
    about:
      "The stake comes back by itself when no report can be disputed any more; keep the node running until then.",
    examples: ["holdfast pin node leave"],
    action: async () => (await loadPinNode()).nodeLeave,
  },
  {
    path: ["pin", "node", "ask"],
    summary: "Ask a pinning node whether it is there: its attested key signs the answer",
    about:
      "The questions go round by gossip, so no connection to the node is needed. Every node that passes an answer on has " +
      "compared it with the chain.",
    examples: ["holdfast pin node ask 3"],
    args: [{ name: "node", summary: "number of the pinning node" }],
    action: async () => (await loadPinNode()).nodeAsk,
  },
  {
    path: ["pin", "report", "ls"],
    summary: "List reports of pinning nodes that this node has verified, newest slots first",
    examples: ["holdfast pin report ls", "holdfast pin report ls --by 3"],
    options: [
      { flags: "--by <number>", summary: "of this pinning node alone" },
      { flags: "--slot <number>", summary: "of this slot alone" },
      { flags: "--limit <count>", summary: "at most so many", initial: "100" },
    ],
    isDefault: true,
    action: async () => (await loadPinNode()).reportList,
  },
  {
    path: ["pin", "report", "show"],
    summary: "Show a report: every sample, what came of it, and what this node found itself",
    examples: ["holdfast pin report show 3 120"],
    args: reportArguments,
    action: async () => (await loadPinNode()).reportShow,
  },
  {
    path: ["pin", "report", "verify"],
    summary: "Judge the bytes of a report by the chain",
    about:
      "Its node and key are the chain's, the key has signed it, and the chain has taken this very report for the slot.",
    examples: ["holdfast pin report verify 8c01…", "holdfast pin report verify - < report.hex"],
    args: [{ name: "report", summary: "in hex, as `pin report show --json` prints it; - is standard input" }],
    action: async () => (await loadPinNode()).reportVerify,
  },
  {
    path: ["pin", "report", "inspect"],
    summary: "Look at the samples of a report: what was said, and where the walk really leads",
    about:
      "Content that is here is walked here; for other content the node is asked for the blocks, which are checked. What " +
      "leads elsewhere is a lie, and its blocks are the evidence.",
    examples: ["holdfast pin report inspect 3 120", "holdfast pin report inspect 3 120 --sample 4"],
    args: reportArguments,
    options: [{ flags: "--sample <number>", summary: "this sample alone, from 0" }],
    action: async () => (await loadPinNode()).reportInspect,
  },
  {
    path: ["pin", "dispute", "ls"],
    summary: "List challenges on the chain that wait for an answer",
    examples: ["holdfast pin dispute ls", "holdfast pin dispute ls --of 3"],
    options: [{ flags: "--of <number>", summary: "of this pinning node alone" }],
    isDefault: true,
    action: async () => (await loadPinNode()).disputeList,
  },
  {
    path: ["pin", "dispute", "open"],
    summary: "Take a report to the chain: a lie with the blocks that disprove it, silence with a deposit",
    about:
      "Looks at the samples first; only one that is false, or whose blocks nobody shows, can be disputed. A node that is " +
      "disproved, or does not show the blocks in time, loses its stake, a fifth of it to who disputes. A node that answers gets " +
      "the deposit. Pinning nodes dispute by themselves what they find.",
    examples: ["holdfast pin dispute open 3 120", "holdfast pin dispute open 3 120 --sample 4"],
    args: reportArguments,
    options: [
      {
        flags: "--sample <number>",
        summary: "this sample, from 0 (default: the first that is false or silent)",
      },
    ],
    action: async () => (await loadPinNode()).disputeOpen,
  },
];
