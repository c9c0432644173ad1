/** Pinning that is bought: orders, the nodes that hold them, the programs that may run. */
import { type ApiClient, type MethodParams, type MethodResult, methods } from "@holdfast/api";
import { c, decode, fromHex, HoldfastError, parseCid } from "@holdfast/base";
import { z } from "zod";
import { chainTime } from "../chain-time.ts";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, shortId, sizeText } from "../human-text.ts";
import {
  anyNumber,
  argument,
  cidArgument,
  optionAddress,
  optionAmount,
  optionBytes,
  optionDurationMs,
  optionNumber,
  optionText,
  wholeNumber,
} from "../input.ts";
import { facts, table } from "../layout.ts";
import { awaitPinNodes } from "../pin-nodes.ts";
import { putSource } from "../put-source.ts";
import { sentMessage, sentText, settled } from "./messages.ts";

type OrderView = MethodResult<"pinOrder.show">;
type NodeView = MethodResult<"pinNode.show">;

export const sentCall = sentMessage.extend({ isProposal: z.boolean() });
const dayMs = 86_400_000;
const perPage = 100;

export const orderArgument = (input: CommandInput): number =>
  wholeNumber(argument(input, 0, "the number of the order"), "the number of the order", anyNumber);
export const nodeArgument = (input: CommandInput, at = 0): number =>
  wholeNumber(argument(input, at, "the number of the node"), "the number of the node", anyNumber);

/** What the user has named of these. */
function given(input: CommandInput) {
  const [from, key] = [optionAddress(input, "from"), optionText(input, "key")];
  return { ...(from === undefined ? {} : { from }), ...(key === undefined ? {} : { key }) };
}

type Sending = Extract<keyof typeof methods, `pin${string}`>;
export const sentLine = ({ isProposal, ...sent }: z.output<typeof sentCall>): string =>
  isProposal ? `${sentText(sent)}, which proposes it to the multisig` : sentText(sent);

/** A call of the actor that pays nothing. */
export function sending<
  Name extends "pinOrder.rm" | "pinOrder.settle" | "pinOrder.repair" | "pinProgram.set",
>(name: Name & Sending, wantedOf: (input: CommandInput) => MethodParams<Name>) {
  return action({
    result: sentCall,
    async run(context, input) {
      const node = await context.node();
      const sent = (await node.call(name, wantedOf(input), context.signal)) as z.output<typeof sentCall>;
      const { isProposal, cid, nonce } = sent;
      return { isProposal, ...(await settled(context, input, node, { cid, nonce })) };
    },
    render: sentLine,
  });
}

const paidCall = sentCall.extend({ pin: z.int().nullable(), costFil: z.string(), slots: z.int() });

/** The number that the chain gave the order; null while nobody knows it. */
async function orderNumber(context: CommandContext, cid: string): Promise<number | null> {
  const node = await context.node();
  const { receipt } = await node.call("message.show", { cid }, context.signal);
  const returns = receipt?.returnsHex ?? "";
  return returns === "" ? null : decode(c.uint(), fromHex(returns));
}

const paidText = ({ pin, costFil, slots, ...sent }: z.output<typeof paidCall>): string =>
  facts([
    ["order", pin === null ? "-" : String(pin)],
    ["pays", `${fil(costFil)} for ${plural(slots, "slot")}`],
    ["message", sentLine(sent)],
  ]);

const boughtCall = paidCall.extend({
  content: z.string().describe("CID that was ordered"),
  sizeBytes: z.int(),
});

/** A CID that somebody has, or a file or folder of this machine: the node takes it in, and others fetch it from it. */
async function contentOf(context: CommandContext, input: CommandInput, node: ApiClient) {
  const text = argument(input, 0, "the CID or the path");
  const sizeBytes = optionBytes(input, "size");
  if (isCid(text)) {
    if (sizeBytes === undefined) throw cliErrors.noPinSize({ cid: text });
    return { cid: cidArgument(input, 0, "the CID"), sizeBytes };
  }
  const { terminal, signal, stdin } = context;
  const source = await sourceOf(text, stdin);
  const bytes = source.open((read) => terminal.live([`reading ${source.label}: ${sizeText(read)}`]));
  try {
    const made =
      source.kind === "folder"
        ? await node.importFolder(bytes, signal)
        : await node.importFile(bytes, signal);
    return { cid: made.cid, sizeBytes: sizeBytes ?? made.carBytes };
  } finally {
    terminal.clear();
  }
}

/** `cli/no-such-content`, and what reading it may throw. */
async function sourceOf(text: string, stdin: CommandContext["stdin"]) {
  try {
    return await putSource([text], stdin, { skipHidden: true });
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "cli/file-missing")
      throw cliErrors.noSuchContent({ text }, error);
    throw error;
  }
}

function isCid(text: string): boolean {
  try {
    return parseCid(text) !== undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return false;
    throw error;
  }
}

async function tellOfPlaces({ node, signal, terminal }: CommandContext, pin: number): Promise<void> {
  const { holders, nodesWanted } = await (await node()).call("pinOrder.show", { pin }, signal);
  terminal.hint(
    holders.length < nodesWanted
      ? `only ${plural(holders.length, "node")} of ${nodesWanted} had room and took the price; ` +
          `\`holdfast pin repair ${pin}\` draws more when there are some`
      : `which nodes hold it, slot by slot: \`holdfast pin status ${pin}\``,
  );
}

export const pinBuy = action({
  result: boughtCall,
  async run(context, input) {
    const node = await context.node();
    const content = await contentOf(context, input, node);
    const wanted = {
      ...content,
      nodes: optionNumber(input, "nodes", { least: 1, most: 32 }) ?? 3,
      price: optionAmount(input, "price") ?? "0.01FIL",
      forMs: optionDurationMs(input, "for") ?? 30 * dayMs,
      ...given(input),
    };
    await awaitPinNodes(context, node, { ...wanted, waitMs: optionDurationMs(input, "waitForNodes") ?? 0 });
    const { costFil, slots, isProposal, ...sent } = await node.call("pinOrder.add", wanted, context.signal);
    const done = await settled(context, input, node, sent);
    const isMined = !isProposal && done.height !== null;
    const pin = isMined ? await orderNumber(context, done.cid) : null;
    if (pin !== null) await tellOfPlaces(context, pin);
    return {
      costFil,
      slots,
      isProposal,
      ...done,
      content: content.cid,
      sizeBytes: content.sizeBytes,
      pin,
    };
  },
  render: ({ content, sizeBytes, ...paid }) =>
    `${facts([["content", `${content}, ${sizeText(sizeBytes)}`]])}\n${paidText(paid)}`,
});

export const pinExtend = action({
  result: paidCall,
  async run(context, input) {
    const pin = orderArgument(input);
    const forMs = optionDurationMs(input, "for") ?? 30 * dayMs;
    const node = await context.node();
    const { costFil, slots, isProposal, ...sent } = await node.call(
      "pinOrder.extend",
      { pin, forMs, ...given(input) },
      context.signal,
    );
    return { pin, costFil, slots, isProposal, ...(await settled(context, input, node, sent)) };
  },
  render: paidText,
});

export const pinEnd = sending("pinOrder.rm", (input) => ({ pin: orderArgument(input), ...given(input) }));
export const pinRepair = sending("pinOrder.repair", (input) => ({
  pin: orderArgument(input),
  ...given(input),
}));
export const pinSettle = sending("pinOrder.settle", (input) => ({
  pins: input.args.map((_, index) =>
    wholeNumber(argument(input, index, "the number of an order"), "the number of an order", anyNumber),
  ),
  ...given(input),
}));

const held = ({ nodesHolding, nodesWanted, state }: OrderView): string =>
  `${state}, ${nodesHolding} of ${nodesWanted}`;

export const pinOrders = action({
  result: methods["pinOrder.ls"].result,
  async run({ node, signal }, input) {
    const [buyer, from] = [optionAddress(input, "buyer"), optionNumber(input, "start", anyNumber)];
    const cid = input.args[0] === undefined ? {} : { cid: cidArgument(input, 0, "the CID") };
    const wanted = { ...cid, ...(buyer === undefined ? {} : { buyer }), from: from ?? 0, limit: perPage };
    return (await node()).call("pinOrder.ls", wanted, signal);
  },
  render({ pins, next }, { terminal }) {
    if (pins.length === 0) terminal.hint("no order of pinning here; `holdfast pin add` makes one");
    if (next !== null) terminal.hint(`there may be more: --start ${next}`);
    if (pins.length === 0) return "";
    const rows = pins.map((pin) => [
      String(pin.pin),
      pin.cid,
      sizeText(pin.sizeBytes),
      held(pin),
      fil(pin.escrowFil),
      String(pin.endHeight),
    ]);
    return table(["ORDER", "CID", "SIZE", "HELD", "LEFT TO PAY", "ENDS AT"], rows);
  },
});

/** What the buyer's asks and looks say of a node's part. */
function shownText({ ask, look }: OrderView["holders"][number]): string {
  const asked = ask === null ? "" : `, is asked to show it until height ${ask.answerBy}`;
  if (look === null) return asked;
  const { missed, found, slot } = look;
  const looked =
    missed === 0 ? `showed it in slot ${slot}` : `${unshown[found]} for ${plural(missed, "slot")}`;
  return `${asked}, ${looked}`;
}
const unshown = {
  shown: "has shown it",
  silent: "has shown nothing",
  wrong: "has shown other blocks",
} as const;

export const pinOrderStatus = action({
  result: methods["pinOrder.show"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("pinOrder.show", { pin: orderArgument(input) }, signal),
  async render(pin, context) {
    const time = await chainTime(context);
    const holders = pin.holders.map((one) => {
      const { node, state, peerId, lastSlot, countedPercent, owedFil, heldFil, check } = one;
      const isHeard = lastSlot !== null && countedPercent !== null && check !== "nothing";
      const heard = isHeard
        ? `reported for slot ${lastSlot}, which counted ${countedPercent} %`
        : "has not been asked in a slot yet";
      const found = check === null || check === "unchecked" || !isHeard ? "" : `, looked at here: ${check}`;
      const held = heldFil === "0" ? "" : `, of which ${fil(heldFil)} is held back`;
      const owed = `is owed ${fil(owedFil)}${held}${shownText(one)}`;
      return `node ${node} ${state}, ${heard}${found}, ${owed}, ${shortId(peerId)}`;
    });
    return facts([
      ["order", String(pin.pin)],
      ["cid", pin.cid],
      ["buyer", pin.buyer],
      ["size", sizeText(pin.sizeBytes)],
      ["held", held(pin)],
      ["nodes", holders.length === 0 ? "-" : holders],
      ["price", `${fil(pin.priceFilPerGiBPerDay)} for a GiB and a day, ${fil(pin.slotFil)} for a slot`],
      ...(pin.dropped.length === 0
        ? []
        : ([["dropped", `did not show it when asked: node ${pin.dropped.join(", ")}`]] as const)),
      ["left to pay", fil(pin.escrowFil)],
      ["ends", time.at(pin.endHeight)],
    ]);
  },
});

/** Of a node that holds nothing nothing was asked, so that nothing counted. */
const counted = ({ countedPercent, holds }: NodeView): string =>
  countedPercent === null || holds === 0 ? "-" : `${countedPercent} %`;

const nodeRow = (one: NodeView): string[] => [
  String(one.node),
  one.status,
  one.kind,
  one.program ?? "not on the list",
  counted(one),
  `${sizeText(one.assignedBytes)} of ${sizeText(one.capacityBytes)}`,
  fil(one.stakeFil),
  shortId(one.peerId),
];

export const pinNodes = action({
  result: methods["pinNode.ls"].result,
  async run({ node, signal }, input) {
    const [operator, from] = [optionAddress(input, "operator"), optionNumber(input, "start", anyNumber)];
    const wanted = { ...(operator === undefined ? {} : { operator }), from: from ?? 0, limit: perPage };
    return (await node()).call("pinNode.ls", wanted, signal);
  },
  render({ nodes, next }, { terminal }) {
    if (nodes.length === 0) terminal.hint("no pinning node has entered this network");
    if (next !== null) terminal.hint(`there may be more: --start ${next}`);
    if (nodes.length === 0) return "";
    const heads = ["NODE", "STATUS", "EVIDENCE", "PROGRAM", "LAST REPORT", "HOLDS", "STAKE", "PEER"];
    return table(heads, nodes.map(nodeRow));
  },
});

export const pinNodeShow = action({
  result: methods["pinNode.show"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("pinNode.show", { node: nodeArgument(input) }, signal),
  async render(one, context) {
    const time = await chainTime(context);
    const software = one.kind === "software" ? " (by software: it proves nothing of hardware)" : "";
    return facts([
      ["node", String(one.node)],
      ["status", one.status],
      ["operator", one.operator],
      ["key", one.key],
      ["peer", one.peerId],
      ["evidence", `${one.kind}${software}, until ${time.at(one.validUntil)}`],
      ["program", `${one.program ?? "not on the list"} (${one.programHex})`],
      [
        "holds",
        `${plural(one.holds, "order")}, ${sizeText(one.assignedBytes)} of ${sizeText(one.capacityBytes)}`,
      ],
      ["reports", one.holds === 0 ? `${one.reports}` : `${one.reports}, the last counted ${counted(one)}`],
      ["asks", `${fil(one.leastFilPerGiBPerDay)} for a GiB and a day`],
      ["stake", fil(one.stakeFil)],
      ["earned", `${fil(one.earnedFil)} to claim`],
      ["challenges", one.openChallenges === 0 ? "-" : `${one.openChallenges} to answer`],
      ["asked", one.openAsks === 0 ? "-" : `about ${plural(one.openAsks, "order")}`],
    ]);
  },
});

const claimCall = sentCall.extend({ earnedFil: z.string() });

export const pinClaim = action({
  result: claimCall,
  async run(context, input) {
    const node = await context.node();
    const key = optionText(input, "key");
    const wanted = { node: nodeArgument(input), ...(key === undefined ? {} : { key }) };
    const { earnedFil: earned } = await node.call("pinNode.show", { node: wanted.node }, context.signal);
    if (earned === "0" && key === undefined) throw cliErrors.nothingEarned({ node: wanted.node });
    const { earnedFil, isProposal, ...sent } = await node.call("pinNode.claim", wanted, context.signal);
    return { earnedFil, isProposal, ...(await settled(context, input, node, sent)) };
  },
  render: ({ earnedFil, ...sent }) =>
    facts([
      ["claimed", fil(earnedFil)],
      ["message", sentLine(sent)],
    ]),
});
