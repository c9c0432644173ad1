/** Words of the money that the market holds. */
import type { CommandSpec, OptionSpec } from "../command.ts";
import { keyOption, noWaitOption } from "./messages.ts";

const load = () => import("../actions/market.ts");

const options: readonly OptionSpec[] = [
  { flags: "--from <address>", summary: "whose escrow (default: the wallet's default address)" },
  { flags: "--miner <address>", summary: "the escrow of this miner instead" },
  keyOption,
  noWaitOption,
];

export const marketCommands: readonly CommandSpec[] = [
  {
    path: ["market", "balance"],
    summary: "Show what the market holds, and what of it is locked for deals",
    about:
      "The collateral of a deal is locked while the deal is published or active. What is free is taken out by the " +
      "node when a deal is over, or by `holdfast market withdraw`.",
    examples: ["holdfast market balance", "holdfast market balance tf0…"],
    args: [{ name: "address", summary: "of whom (default: this node's keys and miner)", optional: true }],
    action: async () => (await load()).marketBalance,
  },
  {
    path: ["market", "add"],
    summary: "Put money into the market, for collaterals",
    about: "Storing a file does this by itself. Where the sender is a multisig, it is proposed.",
    examples: ["holdfast market add 5FIL", "holdfast market add 5FIL --miner tf0…"],
    args: [{ name: "amount", summary: "such as 5FIL" }],
    options,
    action: async () => (await load()).marketAdd,
  },
  {
    path: ["market", "withdraw"],
    summary: "Take free money out of the market",
    about: "That of a miner goes to its owner. What is locked stays until its deal is over.",
    examples: ["holdfast market withdraw", "holdfast market withdraw 5FIL --miner tf0…"],
    args: [{ name: "amount", summary: "such as 5FIL (default: all that is free)", optional: true }],
    options,
    action: async () => (await load()).marketWithdraw,
  },
];
