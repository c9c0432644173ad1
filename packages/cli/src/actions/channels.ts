/** Payment channels: opening, ending, being paid; vouchers as text. */
import { type MethodParams, type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { type ChainTime, chainTime } from "../chain-time.ts";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, shortId } from "../human-text.ts";
import {
  addressArgument,
  amountArgument,
  anyNumber,
  argument,
  optionAddress,
  optionAmount,
  optionDurationMs,
  optionHex,
  optionNumber,
  optionText,
  wholeNumber,
} from "../input.ts";
import { facts, table } from "../layout.ts";
import { type SentMessage, sentMessage, sentText, settled } from "./messages.ts";

type ChannelView = MethodResult<"channel.ls">[number];
type VoucherView = MethodResult<"voucher.best">;

const numberArgument = (input: CommandInput, index: number): number =>
  wholeNumber(argument(input, index, "the channel's number"), "the channel's number", anyNumber);

/** What the user has named of these. */
function given(input: CommandInput) {
  const from = optionAddress(input, "from");
  const key = optionText(input, "key");
  return { ...(from === undefined ? {} : { from }), ...(key === undefined ? {} : { key }) };
}

function term(input: CommandInput) {
  const forMs = optionDurationMs(input, "for");
  const untilHeight = optionNumber(input, "until", anyNumber);
  if (forMs !== undefined && untilHeight !== undefined) {
    throw cliErrors.badValue({ problem: "--for and --until name one end in two ways" });
  }
  return {
    ...(forMs === undefined ? {} : { forMs }),
    ...(untilHeight === undefined ? {} : { untilHeight }),
  };
}

const createdChannel = sentMessage.extend({ payer: z.string(), channel: z.int(), eol: z.int() });

export const channelCreate = action({
  result: createdChannel,
  async run(context, input) {
    const target = addressArgument(input, 0, "the target's address");
    const amount = amountArgument(input, 1, "the deposit");
    const wanted = { target, amount, ...term(input), ...given(input) };
    const node = await context.node();
    const { payer, channel, eol, ...sent } = await node.call("channel.create", wanted, context.signal);
    return { ...(await settled(context, input, node, sent)), payer, channel, eol };
  },
  render: async ({ channel, payer, eol, ...sent }, context) =>
    facts([
      ["channel", `${channel} of ${payer}`],
      ["ends at", (await chainTime(context)).at(eol)],
      ["message", sentText(sent)],
    ]),
});

const extendedChannel = sentMessage.extend({ eol: z.int() });

export const channelExtend = action({
  result: extendedChannel,
  async run(context, input) {
    const amount = optionAmount(input, "add") ?? "0FIL";
    const wanted = { channel: numberArgument(input, 0), amount, ...term(input), ...given(input) };
    const node = await context.node();
    const { eol, ...sent } = await node.call("channel.extend", wanted, context.signal);
    return { ...(await settled(context, input, node, sent)), eol };
  },
  render: async ({ eol, ...sent }, context) =>
    facts([
      ["ends at", (await chainTime(context)).at(eol)],
      ["message", sentText(sent)],
    ]),
});

function payersAction(method: "channel.cancel" | "channel.reclaim") {
  return action<SentMessage>({
    result: sentMessage,
    async run(context, input) {
      const wanted = { channel: numberArgument(input, 0), ...given(input) };
      const node = await context.node();
      return settled(context, input, node, await node.call(method, wanted, context.signal));
    },
    render: sentText,
  });
}
export const channelCancel = payersAction("channel.cancel");
export const channelReclaim = payersAction("channel.reclaim");

const channelRef = (input: CommandInput): MethodParams<"channel.show"> => ({
  payer: addressArgument(input, 0, "the payer's address"),
  channel: numberArgument(input, 1),
});

function targetsAction(method: "channel.redeem" | "channel.close") {
  return action<SentMessage>({
    result: sentMessage,
    async run(context, input) {
      const wanted = channelRef(input);
      const node = await context.node();
      return settled(context, input, node, await node.call(method, wanted, context.signal));
    },
    render: sentText,
  });
}
export const channelRedeem = targetsAction("channel.redeem");
export const channelClose = targetsAction("channel.close");

export const channelList = action({
  result: methods["channel.ls"].result,
  async run({ node, signal }, input) {
    const address = optionAddress(input, "address");
    return (await node()).call("channel.ls", address === undefined ? {} : { address }, signal);
  },
  async render(channels, context) {
    if (channels.length === 0) {
      context.terminal.hint("no channel; `holdfast channel create` opens one");
      return "";
    }
    const time = await chainTime(context);
    const rows = channels.map((one) => [
      String(one.channel),
      shortId(one.payer),
      shortId(one.target),
      one.state,
      fil(one.depositFil),
      fil(one.redeemedFil),
      one.bestFil === null ? "-" : fil(one.bestFil),
      time.at(one.eol),
    ]);
    const head = ["CHANNEL", "PAYER", "TARGET", "STATE", "DEPOSIT", "REDEEMED", "BEST VOUCHER", "ENDS"];
    return table(head, rows);
  },
});

function wayText({ waysOut }: ChannelView, time: ChainTime): string[] {
  return waysOut.flatMap(({ role, command, fromHeight, untilHeight, amountFil }) => {
    const until = untilHeight === null ? "" : `, before ${time.at(untilHeight)}`;
    return [`${fil(amountFil)} to the ${role}, from ${time.at(fromHeight)} on${until}`, `  ${command}`];
  });
}

export const channelShow = action({
  result: methods["channel.show"].result,
  run: async ({ node, signal }, input) => (await node()).call("channel.show", channelRef(input), signal),
  async render(one, context) {
    const time = await chainTime(context);
    const vouchers = one.vouchers.map(
      ({ side, amountFil, validAt, condition }) =>
        `${side}: ${fil(amountFil)} in all, valid at ${validAt}${condition === null ? "" : ", conditional"}`,
    );
    return facts([
      ["channel", `${one.channel} of ${one.payer}`],
      ["target", one.target],
      ["signed by", one.signer],
      ["state", one.state],
      ["deposit", `${fil(one.depositFil)}, ${fil(one.redeemedFil)} redeemed, ${fil(one.leftFil)} left`],
      ["ends at", time.at(one.eol)],
      ["redeemed by itself at", time.at(one.autoRedeemAt)],
      ["vouchers", vouchers.length === 0 ? "-" : vouchers],
      ["ways out", wayText(one, time)],
    ]);
  },
});

function conditionOf(
  input: CommandInput,
): NonNullable<MethodParams<"voucher.create">["condition"]> | undefined {
  const to = optionAddress(input, "ifActor");
  const method = optionText(input, "ifMethod");
  const paramsHex = optionHex(input, "ifParams") ?? "";
  if (to === undefined && method === undefined) return undefined;
  if (to === undefined || method === undefined) {
    throw cliErrors.badValue({ problem: "a condition needs both --if-actor and --if-method" });
  }
  return { to, method, paramsHex };
}

const voucherText = ({ text }: VoucherView): string => text;

export const voucherCreate = action({
  result: methods["voucher.create"].result,
  async run({ node, signal }, input) {
    const payer = optionAddress(input, "payer");
    const condition = conditionOf(input);
    const wanted = {
      channel: numberArgument(input, 0),
      amount: amountArgument(input, 1, "the amount"),
      validAt: optionNumber(input, "validAt", anyNumber) ?? 0,
      ...(payer === undefined ? {} : { payer }),
      ...(condition === undefined ? {} : { condition }),
    };
    return (await node()).call("voucher.create", wanted, signal);
  },
  render: voucherText,
});

/** What a node reads of a voucher's text. */
const mostVoucherBytes = 131_072;

/** Given as a word, or on standard input. */
async function voucherArgument(context: CommandContext, input: CommandInput): Promise<string> {
  const text = argument(input, 0, "the voucher");
  if (text !== "-") return text;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of context.stdin) {
    bytes += chunk.length;
    if (bytes > mostVoucherBytes) throw cliErrors.tooLarge({ path: "-", mostBytes: mostVoucherBytes });
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks).toString("utf8").trim();
}

const voucherFacts = ({ payer, channel, target, amountFil, validAt, condition }: VoucherView) =>
  [
    ["channel", `${channel} of ${payer}`],
    ["target", target],
    ["amount", `${fil(amountFil)} in all`],
    ["valid at", String(validAt)],
    ["condition", condition === null ? "-" : `${condition.method} of ${condition.to}`],
  ] as const;

export const voucherCheck = action({
  result: methods["voucher.check"].result,
  async run(context, input) {
    const text = await voucherArgument(context, input);
    return (await context.node()).call("voucher.check", { text }, context.signal);
  },
  render: ({ good, code, detail, addsFil, ...voucher }) =>
    facts([
      ["good", good ? "yes" : `no, ${code}`],
      ["because", detail],
      ["adds", fil(addsFil)],
      ...voucherFacts(voucher),
    ]),
});

export const voucherAdd = action({
  result: methods["voucher.add"].result,
  async run(context, input) {
    const text = await voucherArgument(context, input);
    const redeemerParamsHex = optionHex(input, "redeemerParams") ?? "";
    return (await context.node()).call("voucher.add", { text, redeemerParamsHex }, context.signal);
  },
  render: (voucher) => facts(voucherFacts(voucher)),
});

export const voucherList = action({
  result: methods["voucher.ls"].result,
  async run({ node, signal }, input) {
    const payer = optionAddress(input, "payer");
    const channel = optionNumber(input, "channel", anyNumber);
    const wanted = {
      ...(payer === undefined ? {} : { payer }),
      ...(channel === undefined ? {} : { channel }),
    };
    return (await node()).call("voucher.ls", wanted, signal);
  },
  render(vouchers, { terminal }) {
    if (vouchers.length === 0) {
      terminal.hint("no voucher");
      return "";
    }
    const rows = vouchers.map(({ side, payer, channel, target, amountFil, validAt, condition }) => [
      side ?? "-",
      shortId(payer),
      String(channel),
      shortId(target),
      fil(amountFil),
      String(validAt),
      condition === null ? "-" : condition.method,
    ]);
    return table(["SIDE", "PAYER", "CHANNEL", "TARGET", "AMOUNT", "VALID AT", "CONDITION"], rows);
  },
});

export const voucherBest = action({
  result: methods["voucher.best"].result,
  run: async ({ node, signal }, input) => (await node()).call("voucher.best", channelRef(input), signal),
  render: voucherText,
});
