/** Words of the verifiers of idle space. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/verifier.ts");

const which = {
  name: "verifier",
  summary: "its account (default: the verifier of which this node has the key)",
  optional: true,
} as const;

export const verifierCommands: readonly CommandSpec[] = [
  {
    path: ["verifier", "ls"],
    summary: "List who verifies idle space on this network, and by which rules",
    about:
      "A verifier is a node that runs with `daemon --verifier`. What it says counts while the network's authority has it " +
      "admitted and its bond stands; who has a seat in a matter is drawn by the chain.",
    examples: ["holdfast verifier ls"],
    action: async () => (await load()).verifierLs,
  },
  {
    path: ["verifier", "admit"],
    summary: "Admit a verifier, or renew one",
    about:
      "For the network's authority (`idle.authority`), after it has judged the evidence of what the verifier runs " +
      "(`holdfast attest verify`). The chain keeps the hashes of both.",
    examples: ["holdfast verifier admit tfADDRESS 12D3KooWPEERID --for 100000"],
    args: [
      { name: "verifier", summary: "the account that signs what it says" },
      { name: "peer", summary: "its peer id, where miners find it" },
    ],
    options: [
      { flags: "--for <epochs>", summary: "how long what it signs counts", initial: "1000000" },
      { flags: "--measurement <hex>", summary: "SHA-256 of the program that it runs" },
      { flags: "--evidence <hex>", summary: "SHA-256 of the evidence that it does" },
    ],
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
