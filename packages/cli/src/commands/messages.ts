/** Words of messages: sending, finding, waiting, and what to do with one that waits. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/messages.ts");

/** Of commands that send a message by itself: the price is the node's. */
export const keyOption: OptionSpec = {
  flags: "--key <text>",
  summary: "a repeat with the same key sends nothing new: the same message",
};
export const noWaitOption: OptionSpec = {
  flags: "--no-wait",
  summary: "do not wait until it is in the chain",
};

/** Of commands that send a message. */
export const sendOptions: readonly OptionSpec[] = [
  { flags: "--from <address>", summary: "paying address (default: the wallet's default address)" },
  {
    flags: "--gas-price <amount>",
    summary: "price of a unit of gas, such as 1attoFIL (default: the node's)",
  },
  { flags: "--gas-limit <units>", summary: "most gas to use (default: measured by a dry run)" },
  noWaitOption,
];

export const messageCommands: readonly CommandSpec[] = [
  {
    path: ["message", "ls"],
    summary: "List the messages that wait for a block",
    examples: ["holdfast message ls"],
    action: async () => (await load()).messageList,
  },
  {
    path: ["message", "show"],
    summary: "Show a message and where it is",
    examples: ["holdfast message show bafy2bzacec…"],
    args: [{ name: "cid", summary: "CID of the message" }],
    action: async () => (await load()).messageShow,
  },
  {
    path: ["message", "wait"],
    summary: "Wait until a message is in the chain",
    about:
      "Ends with exit code 7 when the time is over (the message itself is not withdrawn), and with 8 or 4 if the " +
      "message failed on the chain.",
    examples: [
      "holdfast message wait bafy2bzacec… --timeout 1m",
      "holdfast message wait bafy2bzacec… --confirmations 5",
    ],
    args: [{ name: "cid", summary: "CID of the message" }],
    options: [
      { flags: "--timeout <time>", summary: "give up after this time", initial: "2m" },
      { flags: "--confirmations <rounds>", summary: "rounds that must lie on top of it", initial: "0" },
    ],
    action: async () => (await load()).messageWait,
  },
  {
    path: ["message", "send"],
    summary: "Call a method of an actor",
    about:
      "Plumbing: `holdfast wallet send` sends money. The parameters are the method's, in DAG-CBOR. A call that " +
      "would fail now is refused before it costs anything.",
    examples: [
      "holdfast message send tfq… 0FIL --method withdraw --params 8141ff",
      "holdfast message send tfq… 1FIL --key invoice-2041",
    ],
    args: [
      { name: "to", summary: "address of the actor" },
      { name: "amount", summary: "money to send along, such as 0FIL" },
    ],
    options: [
      { flags: "--method <name>", summary: "the actor's method (default: a plain transfer)" },
      { flags: "--params <hex>", summary: "its parameters, DAG-CBOR in hex" },
      keyOption,
      ...sendOptions,
    ],
    action: async () => (await load()).messageSend,
  },
  {
    path: ["message", "why"],
    summary: "Explain everything that holds a message up",
    about:
      "Each reason by itself: missing or waiting earlier messages, the balance, full blocks and the price there, " +
      "age, another message in its place.",
    examples: ["holdfast message why bafy2bzacec…"],
    args: [{ name: "cid", summary: "CID of the message" }],
    action: async () => (await load()).messageWhy,
  },
  {
    path: ["message", "replace"],
    summary: "Offer a higher gas price for a message that waits",
    about:
      "Those of the same sender that must come before it are raised as well. The node raises messages by itself " +
      "when blocks are full, but not those whose price was given.",
    examples: [
      "holdfast message replace bafy2bzacec…",
      "holdfast message replace bafy2bzacec… --gas-price 20attoFIL",
    ],
    args: [{ name: "cid", summary: "CID of a message that this node has sent" }],
    options: [
      {
        flags: "--gas-price <amount>",
        summary: "price of a unit of gas, a tenth more at least (default: what blocks ask)",
      },
    ],
    action: async () => (await load()).messageReplace,
  },
  {
    path: ["message", "cancel"],
    summary: "Put a message that does nothing in the place of one that waits",
    about:
      "Either of the two is mined, which `holdfast message wait` of the old one tells. Messages that belong to work " +
      "of the node, such as proofs and deals, are not cancelled.",
    examples: ["holdfast message cancel bafy2bzacec…"],
    args: [{ name: "cid", summary: "CID of a message that this node has sent" }],
    action: async () => (await load()).messageCancel,
  },
];
