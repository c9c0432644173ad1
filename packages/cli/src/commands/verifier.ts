/** Words of the verifiers of idle space. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/verifier.ts");

const which = {
  name: "verifier",
  summary: "the account of its operator (default: the one that is in this wallet)",
  optional: true,
} as const;

export const verifierCommands: readonly CommandSpec[] = [
  {
    path: ["verifier", "ls"],
    summary: "List who verifies idle space on this network, and by which rules",
    about:
      "A verifier is a node that runs with `daemon --verifier`. What it says counts while the network's authority has it " +
      "admitted, its evidence of running an allowed program (`pin program ls`) is fresh, and its bond stands; it shows " +
      "that by itself. Who has a seat in a matter is drawn by the chain.",
    examples: ["holdfast verifier ls"],
    action: async () => (await load()).verifierLs,
  },
  {
    path: ["verifier", "admit"],
    summary: "Admit a verifier, or move the end of its office",
    about:
      "For the network's authority (`idle.authority`). It says who may be one; what that runs it shows the chain itself, " +
      "by evidence that every node judges, and until then it has no voice.",
    examples: ["holdfast verifier admit tfADDRESS 12D3KooWPEERID --for 100000"],
    args: [
      { name: "operator", summary: "the account that answers for it: the node's own" },
      { name: "peer", summary: "its peer id, where miners find it" },
    ],
    options: [{ flags: "--for <epochs>", summary: "how long it may be one", initial: "1000000" }],
    action: async () => (await load()).verifierAdmit,
  },
  {
    path: ["verifier", "remove"],
    summary: "End a verifier's office now",
    about:
      "For the network's authority, or the verifier itself. Its bond is at stake until finality has passed.",
    examples: ["holdfast verifier remove tfADDRESS"],
    args: [which],
    action: async () => (await load()).verifierRemove,
  },
  {
    path: ["verifier", "bond"],
    summary: "Add to a verifier's bond",
    examples: ["holdfast verifier bond 100FIL"],
    args: [{ name: "amount", summary: "such as 100FIL" }, which],
    action: async () => (await load()).verifierBond,
  },
  {
    path: ["verifier", "withdraw"],
    summary: "Take the bond of a verifier back whose office is over",
    examples: ["holdfast verifier withdraw"],
    args: [which],
    action: async () => (await load()).verifierWithdraw,
  },
];
