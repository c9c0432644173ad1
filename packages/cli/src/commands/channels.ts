/** Words of payment channels and vouchers. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command.ts";
import { keyOption, noWaitOption } from "./messages.ts";

const load = () => import("../actions/channels.ts");

const fromOption: OptionSpec = {
  flags: "--from <address>",
  summary: "the paying address (default: the wallet's default address)",
};
const ends = (what: string): readonly OptionSpec[] => [
  { flags: "--for <time>", summary: `${what}, from now on` },
  { flags: "--until <height>", summary: `${what}, as a height of the chain` },
];
const payer: ArgumentSpec = { name: "payer", summary: "address of who pays in the channel" };
const number: ArgumentSpec = { name: "channel", summary: "number of the channel" };
const text: ArgumentSpec = {
  name: "voucher",
  summary: "the text that the payer gave; - reads standard input",
};

const channelWords: readonly CommandSpec[] = [
  {
    path: ["channel", "create"],
    summary: "Open a payment channel",
    about:
      "The deposit is locked for the target, who is paid by vouchers (`holdfast channel voucher create`). What it has " +
      "not redeemed comes back after the end. A multisig opens one by `holdfast multisig propose`.",
    examples: [
      "holdfast channel create tfq… 10FIL --for 30d",
      "holdfast channel create tfq… 0.5FIL --until 120000 --key bob-2041",
    ],
    args: [
      { name: "target", summary: "address of who is paid" },
      { name: "amount", summary: "the deposit, such as 10FIL" },
    ],
    options: [...ends("how long it lasts (default: 30d)"), fromOption, keyOption, noWaitOption],
    action: async () => (await load()).channelCreate,
  },
  {
    path: ["channel", "extend"],
    summary: "Let a channel last longer, or add money to it",
    about: "The end is only ever moved later. A cancellation is taken back.",
    examples: ["holdfast channel extend 7 --for 60d", "holdfast channel extend 7 --add 5FIL"],
    args: [number],
    options: [
      ...ends("when it ends (default: as before)"),
      { flags: "--add <amount>", summary: "money to add to the deposit", initial: "0FIL" },
      fromOption,
      keyOption,
      noWaitOption,
    ],
    action: async () => (await load()).channelExtend,
  },
  {
    path: ["channel", "cancel"],
    summary: "Announce the end of a channel that you pay in",
    about: "The target has a fixed time left to redeem; if it does, the cancellation is taken back.",
    examples: ["holdfast channel cancel 7"],
    args: [number],
    options: [fromOption, keyOption, noWaitOption],
    action: async () => (await load()).channelCancel,
  },
  {
    path: ["channel", "reclaim"],
    summary: "Take back what is left of a channel that has ended",
    examples: ["holdfast channel reclaim 7"],
    args: [number],
    options: [fromOption, keyOption, noWaitOption],
    action: async () => (await load()).channelReclaim,
  },
  {
    path: ["channel", "redeem"],
    summary: "Take the money of the best voucher",
    about: "The node does this by itself before the channel ends, and when the payer cancels.",
    examples: ["holdfast channel redeem tfq… 7"],
    args: [payer, number],
    options: [noWaitOption],
    action: async () => (await load()).channelRedeem,
  },
  {
    path: ["channel", "close"],
    summary: "Take the money of the best voucher and give the rest back to the payer",
    examples: ["holdfast channel close tfq… 7"],
    args: [payer, number],
    options: [noWaitOption],
    action: async () => (await load()).channelClose,
  },
  {
    path: ["channel", "ls"],
    summary: "List the channels in which this node pays or is paid",
    examples: ["holdfast channel ls", "holdfast channel ls --address tfq…"],
    options: [{ flags: "--address <address>", summary: "those of this address instead" }],
    action: async () => (await load()).channelList,
  },
  {
    path: ["channel", "show"],
    summary: "Show a channel, its vouchers and the ways out of it",
    about: "For all money in it: who can take it, by which command, from which height.",
    examples: ["holdfast channel show tfq… 7"],
    args: [payer, number],
    action: async () => (await load()).channelShow,
  },
];

const voucherWords: readonly CommandSpec[] = [
  {
    path: ["channel", "voucher", "create"],
    summary: "Sign a voucher and print it",
    about:
      "The amount is everything since the channel was opened: 5FIL after 3FIL pays 2FIL more. With a condition the " +
      "voucher pays only if that method of that actor succeeds when it is redeemed.",
    examples: [
      "holdfast channel voucher create 7 3FIL",
      "holdfast channel voucher create 7 5FIL --valid-at 120000",
    ],
    args: [number, { name: "amount", summary: "in all, since the channel was opened" }],
    options: [
      { flags: "--valid-at <height>", summary: "first height at which it can be redeemed", initial: "0" },
      { flags: "--if-actor <address>", summary: "actor that is asked when it is redeemed" },
      { flags: "--if-method <name>", summary: "the method that it is asked" },
      { flags: "--if-params <hex>", summary: "the payer's part of its parameters, in hex" },
      {
        flags: "--payer <address>",
        summary: "payer of the channel (default: the wallet's default address)",
      },
    ],
    action: async () => (await load()).voucherCreate,
  },
  {
    path: ["channel", "voucher", "check"],
    summary: "Is a voucher worth having",
    about: "Asks the chain and looks at the vouchers that are there; takes nothing in.",
    examples: ["holdfast channel voucher check hfv1…"],
    args: [text],
    action: async () => (await load()).voucherCheck,
  },
  {
    path: ["channel", "voucher", "add"],
    summary: "Take in a voucher that you were given",
    about: "From then on the node redeems it in time. One that adds nothing is refused with the reason.",
    examples: ["holdfast channel voucher add hfv1…"],
    args: [text],
    options: [
      { flags: "--redeemer-params <hex>", summary: "your part of its condition's parameters, in hex" },
    ],
    action: async () => (await load()).voucherAdd,
  },
  {
    path: ["channel", "voucher", "ls"],
    summary: "List the vouchers that this node was given and has given",
    examples: ["holdfast channel voucher ls", "holdfast channel voucher ls --channel 7"],
    options: [
      { flags: "--payer <address>", summary: "of this payer" },
      { flags: "--channel <number>", summary: "of the channel with this number" },
    ],
    action: async () => (await load()).voucherList,
  },
  {
    path: ["channel", "voucher", "best"],
    summary: "Print the voucher of a channel that pays most now",
    examples: ["holdfast channel voucher best tfq… 7"],
    args: [payer, number],
    action: async () => (await load()).voucherBest,
  },
];

export const channelCommands: readonly CommandSpec[] = [...channelWords, ...voucherWords];
