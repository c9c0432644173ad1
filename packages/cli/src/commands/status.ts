/** Words of `status` and `why`, and of what helps at the keyboard. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/status.ts");

export const statusCommands: readonly CommandSpec[] = [
  {
    path: ["status"],
    summary: "Show how this node does",
    about: "Every line is derived from the chain and the connections as they are now.",
    examples: ["holdfast status", "holdfast status --node miner-2 --json"],
    action: async () => (await load()).status,
  },
  {
    path: ["sync", "status"],
    summary: "Show how this node follows the chain, and what it believes",
    about:
      "How far it is, what keeps it back, and from which height on its history is believed only because it is the " +
      "heaviest that peers gave. The newest final tipset is a checkpoint for others who trust this node.",
    examples: ["holdfast sync status", "holdfast sync status --node miner-1 --json"],
    action: async () => (await load()).syncStatus,
  },
  {
    path: ["why"],
    summary:
      "Explain a deal, put, message, sector or pin, disks, idle space, or why the node does not follow the chain",
    about: "Says what state it is in, what caused that, and the one command that fixes it, if one is needed.",
    examples: [
      "holdfast why bafy2bzaced…",
      "holdfast why 3 --node miner-1",
      "holdfast why pin:12",
      "holdfast why idle --node miner-1",
      "holdfast why storage --node miner-1",
      "holdfast why sync",
    ],
    args: [
      {
        name: "subject",
        summary:
          "id of a deal, put or message, a stored file's CID, the number of a sector, pin: and the number of an order of pinning, `storage`, `idle` or `sync`",
      },
    ],
    action: async () => (await load()).why,
  },
  {
    path: ["completion"],
    summary: "Print a script that completes commands and options in a shell",
    examples: [
      "holdfast completion bash > ~/.local/share/bash-completion/completions/holdfast",
      "source <(holdfast completion zsh)",
      "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
    ],
    args: [{ name: "shell", summary: "bash, zsh or fish" }],
    connection: "none",
    action: async () => (await import("../actions/completion.ts")).completion,
  },
];
