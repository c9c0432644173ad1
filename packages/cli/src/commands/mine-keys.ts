/** Words of who holds this node's miner, and how long its sectors live. */
import type { ArgumentSpec, CommandSpec } from "../command.ts";
import { keyOption, noWaitOption } from "./messages.ts";

const load = () => import("../actions/mine-keys.ts");

const sectors: ArgumentSpec = { name: "sectors", summary: "numbers of the sectors", many: true };

export const mineKeyCommands: readonly CommandSpec[] = [
  {
    path: ["mine", "worker", "show"],
    summary: "Show the worker's keys, and those that are announced",
    examples: ["holdfast mine worker show --node miner-1"],
    action: async () => (await load()).workerShow,
  },
  {
    path: ["mine", "worker", "set"],
    summary: "Announce new keys for the worker",
    about:
      "Makes new keys in this node's keystore and gives the new account some money for its messages, unless keys are " +
      "named. They count after the chain's finality; the node confirms them by itself and mines on with them. Where " +
      "the owner is a multisig, the change is proposed.",
    examples: [
      "holdfast mine worker set --node miner-1",
      "holdfast mine worker set --worker tfq… --worker-key 8a1f…",
    ],
    options: [
      { flags: "--worker <address>", summary: "account of the new worker (with --worker-key)" },
      { flags: "--worker-key <hex>", summary: "its BLS public key, 48 bytes in hex" },
      keyOption,
      noWaitOption,
    ],
    action: async () => (await load()).workerSet,
  },
  {
    path: ["mine", "worker", "confirm"],
    summary: "Make the announced worker the worker, when its time has come",
    about: "The node does this by itself; by hand it is for keys that another node has.",
    examples: ["holdfast mine worker confirm --node miner-1"],
    options: [noWaitOption],
    action: async () => (await load()).workerConfirm,
  },
  {
    path: ["mine", "owner", "propose"],
    summary: "Name the miner's next owner",
    about: "Nothing changes until the named one accepts. Naming the owner itself takes the offer back.",
    examples: ["holdfast mine owner propose tfq… --node miner-1"],
    args: [{ name: "owner", summary: "address of the next owner, an account or a multisig" }],
    options: [noWaitOption],
    action: async () => (await load()).ownerPropose,
  },
  {
    path: ["mine", "owner", "accept"],
    summary: "Take a miner over whose owner has named you",
    examples: ["holdfast mine owner accept tfq…"],
    args: [{ name: "miner", summary: "address of the miner" }],
    options: [
      {
        flags: "--from <address>",
        summary: "the named account or multisig (default: the one that the chain names)",
      },
      noWaitOption,
    ],
    action: async () => (await load()).ownerAccept,
  },
  {
    path: ["mine", "extend"],
    summary: "Let sectors live longer",
    about: "Their pledge is filled up to what a new sector pledges. Faulty sectors are not extended.",
    examples: ["holdfast mine extend 1 2 3 --until 900000", "holdfast mine extend 7 --for 180d"],
    args: [sectors],
    options: [
      { flags: "--until <height>", summary: "their new end" },
      { flags: "--for <time>", summary: "their new end, from now on" },
      noWaitOption,
    ],
    action: async () => (await load()).sectorsExtend,
  },
  {
    path: ["mine", "terminate"],
    summary: "End sectors now, for a fee",
    about:
      "Says first what it costs, and asks. Vouchers of deals in these sectors can no longer be redeemed. What is done " +
      "cannot be undone.",
    examples: ["holdfast mine terminate 4", "holdfast mine terminate 4 5 --yes"],
    args: [sectors],
    options: [{ flags: "--yes", summary: "do not ask" }, keyOption, noWaitOption],
    action: async () => (await load()).sectorsTerminate,
  },
  {
    path: ["mine", "withdraw"],
    summary: "Pay the miner's free money to its owner",
    about: "What is pledged stays. Where the owner is a multisig, the payment is proposed.",
    examples: ["holdfast mine withdraw --node miner-1", "holdfast mine withdraw 5FIL --node miner-1"],
    args: [{ name: "amount", summary: "such as 5FIL (default: all that is free)", optional: true }],
    options: [keyOption, noWaitOption],
    action: async () => (await load()).minerWithdraw,
  },
];
