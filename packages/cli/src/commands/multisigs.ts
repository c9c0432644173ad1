/** Words of multisigs. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command.ts";
import { keyOption, noWaitOption } from "./messages.ts";

const load = () => import("../actions/multisigs.ts");

const multisig: ArgumentSpec = { name: "multisig", summary: "address of the multisig" };
const id: ArgumentSpec = { name: "transaction", summary: "number of the open transaction" };
const asOption: OptionSpec = {
  flags: "--from <address>",
  summary: "the signer (default: the first that this wallet has a key of)",
};
const sends: readonly OptionSpec[] = [asOption, keyOption, noWaitOption];

export const multisigCommands: readonly CommandSpec[] = [
  {
    path: ["multisig", "create"],
    summary: "Make an account that several signers hold together",
    examples: [
      "holdfast multisig create tfq… tfq… tfq… --threshold 2 --amount 10FIL",
      "holdfast multisig create tfq… tfq… --threshold 2 --amount 100FIL --unlock-over 365d",
    ],
    args: [{ name: "signers", summary: "addresses of the signers", many: true }],
    options: [
      { flags: "--threshold <count>", summary: "how many of them must approve", required: true },
      { flags: "--amount <amount>", summary: "its first balance", initial: "0FIL" },
      { flags: "--unlock-over <time>", summary: "the amount becomes free evenly over this time" },
      { flags: "--from <address>", summary: "who pays the first balance" },
      keyOption,
      noWaitOption,
    ],
    action: async () => (await load()).multisigCreate,
  },
  {
    path: ["multisig", "propose"],
    summary: "Propose a transaction, and approve it",
    about:
      "Sends money, or calls any method of any actor in the multisig's name: it opens payment channels, redeems " +
      "vouchers, withdraws from a miner that it owns. If one signer is enough it is executed at once.",
    examples: [
      "holdfast multisig propose tfq… tfq… 5FIL",
      "holdfast multisig propose tfq… tfq… 0FIL --method withdraw --params 8141ff",
    ],
    args: [
      multisig,
      { name: "to", summary: "who gets the money or is called" },
      { name: "amount", summary: "money to send, such as 5FIL" },
    ],
    options: [
      { flags: "--method <name>", summary: "method to call (default: a plain transfer)" },
      { flags: "--params <hex>", summary: "its parameters, DAG-CBOR in hex" },
      ...sends,
    ],
    action: async () => (await load()).multisigPropose,
  },
  {
    path: ["multisig", "approve"],
    summary: "Approve an open transaction",
    about:
      "The approval that reaches the threshold executes it. One that failed for want of money stays open: approving " +
      "it once more tries again.",
    examples: ["holdfast multisig approve tfq… 3"],
    args: [multisig, id],
    options: sends,
    action: async () => (await load()).multisigApprove,
  },
  {
    path: ["multisig", "cancel"],
    summary: "Take back a transaction that you have proposed",
    examples: ["holdfast multisig cancel tfq… 3"],
    args: [multisig, id],
    options: sends,
    action: async () => (await load()).multisigCancel,
  },
  {
    path: ["multisig", "ls"],
    summary: "List the multisigs of which this wallet is a signer",
    examples: ["holdfast multisig ls"],
    action: async () => (await load()).multisigList,
  },
  {
    path: ["multisig", "show"],
    summary: "Show a multisig and its open transactions",
    examples: ["holdfast multisig show tfq…"],
    args: [multisig],
    action: async () => (await load()).multisigShow,
  },
  {
    path: ["multisig", "signers", "add"],
    summary: "Propose another signer",
    examples: ["holdfast multisig signers add tfq… tfq… --raise-threshold"],
    args: [multisig, { name: "signer", summary: "address of the new signer" }],
    options: [{ flags: "--raise-threshold", summary: "one approval more is needed from then on" }, ...sends],
    action: async () => (await load()).signersAdd,
  },
  {
    path: ["multisig", "signers", "remove"],
    summary: "Propose that a signer leaves",
    examples: ["holdfast multisig signers remove tfq… tfq…"],
    args: [multisig, { name: "signer", summary: "address of the signer" }],
    options: [{ flags: "--lower-threshold", summary: "one approval less is needed from then on" }, ...sends],
    action: async () => (await load()).signersRemove,
  },
  {
    path: ["multisig", "signers", "swap"],
    summary: "Propose a new signer in the place of another",
    examples: ["holdfast multisig signers swap tfq… tfq… tfq…"],
    args: [
      multisig,
      { name: "signer", summary: "address of the one that leaves" },
      { name: "new", summary: "address of the new one" },
    ],
    options: sends,
    action: async () => (await load()).signersSwap,
  },
  {
    path: ["multisig", "signers", "threshold"],
    summary: "Propose how many signers must approve",
    examples: ["holdfast multisig signers threshold tfq… 3"],
    args: [multisig, { name: "count", summary: "how many" }],
    options: sends,
    action: async () => (await load()).signersThreshold,
  },
];
