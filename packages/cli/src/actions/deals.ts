/** Changing deals: a longer life, an early end, and what a miner makes of such wishes. */
import { type MethodParams, type MethodResult, methods } from "@holdfast/api";
import { formatDuration, parseAddress } from "@holdfast/base";
import { z } from "zod";
import { type ChainTime, chainTime } from "../chain-time.ts";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, programWord, withoutEllipsis } from "../human-text.ts";
import {
  anyNumber,
  argument,
  checked,
  optionAmount,
  optionChoice,
  optionDurationMs,
  optionNumber,
  optionText,
} from "../input.ts";
import { facts, table } from "../layout.ts";
import { sentMessage, sentText, settled } from "./messages.ts";

type Amendment = MethodResult<"deal.extend">;

function wanted(input: CommandInput) {
  const key = optionText(input, "key");
  const dealId = withoutEllipsis(argument(input, 0, "the deal's id"));
  return { dealId, ...(key === undefined ? {} : { key }) };
}

function term(input: CommandInput) {
  const forMs = optionDurationMs(input, "for");
  const untilHeight = optionNumber(input, "until", anyNumber);
  if ((forMs === undefined) === (untilHeight === undefined)) {
    throw cliErrors.badValue({ problem: "the new end is named by --for or by --until" });
  }
  return forMs === undefined ? { untilHeight } : { forMs };
}

const askedFor = methods["deal.extend"].result.extend({ dealId: z.string() });

async function asked(change: z.output<typeof askedFor>, context: CommandContext): Promise<string> {
  const time = await chainTime(context);
  return facts([
    ["asked for", change.kind === "extend" ? `an end ${time.at(change.endHeight)}` : "an early end"],
    ["price in all", fil(change.totalFil)],
    ["state", `${change.state}, ${change.detail}`],
    ["see", `${programWord(context.env)} deal show ${change.dealId}`],
  ]);
}

export const dealExtend = action({
  result: askedFor,
  async run({ node, signal }, input) {
    const maxPrice = optionAmount(input, "maxPrice");
    const most = maxPrice === undefined ? {} : { maxPrice };
    const given = { ...wanted(input), ...term(input), ...most };
    return { dealId: given.dealId, ...(await (await node()).call("deal.extend", given, signal)) };
  },
  render: asked,
});

export const dealRelease = action({
  result: askedFor,
  async run({ node, signal }, input) {
    const given = wanted(input);
    return { dealId: given.dealId, ...(await (await node()).call("deal.release", given, signal)) };
  },
  render: asked,
});

export const dealRedeem = action({
  result: sentMessage.extend({
    isProposal: z.boolean(),
    method: z.string(),
    amountFil: z.string(),
    addsFil: z.string(),
  }),
  async run(context, input) {
    const node = await context.node();
    const { dealId } = wanted(input);
    const { cid, nonce, ...rest } = await node.call("deal.redeem", { dealId }, context.signal);
    return { ...rest, ...(await settled(context, input, node, { cid, nonce })) };
  },
  render: ({ amountFil, addsFil, isProposal, method: _, ...sent }) =>
    facts([
      ["paid in all", `${fil(amountFil)}, ${fil(addsFil)} of it now`],
      ["message", isProposal ? `${sentText(sent)}, which proposes it to the multisig` : sentText(sent)],
    ]),
});

const yesOrNo = ["yes", "no"] as const;

const openOrClosed = ["open", "closed"] as const;
const percents = { least: 0, most: 100 };

/** "none" empties a list, or lifts a bound. */
function clientList(input: CommandInput, name: string): string[] | undefined {
  const text = optionText(input, name);
  if (text === undefined) return undefined;
  return text === "none" ? [] : text.split(",").map((one) => checked(one.trim(), parseAddress));
}

function bound(input: CommandInput, name: string): number | null | undefined {
  return optionText(input, name) === "none" ? null : optionDurationMs(input, name);
}

function policyChange(input: CommandInput): MethodParams<"deal.policy"> {
  const flag = (name: string): boolean | undefined => {
    const word = optionChoice(input, name, yesOrNo);
    return word === undefined ? undefined : word === "yes";
  };
  const state = optionChoice(input, "deals", openOrClosed);
  const change = {
    open: state === undefined ? undefined : state === "open",
    extend: flag("extend"),
    release: flag("release"),
    minForMs: bound(input, "minFor"),
    maxForMs: bound(input, "maxFor"),
    allow: clientList(input, "allow"),
    deny: clientList(input, "deny"),
    verified: clientList(input, "verified"),
    verifiedOnly: flag("verifiedOnly"),
    verifiedPercent: optionNumber(input, "verifiedPercent", percents),
    duplicates: flag("duplicates"),
    http: flag("http"),
    offline: flag("offline"),
  };
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

export const dealPolicy = action({
  result: methods["deal.policy"].result,
  run: async ({ node, signal }, input) => (await node()).call("deal.policy", policyChange(input), signal),
  render: (policy) =>
    facts([
      ["new deals", policy.open ? "yes" : "no"],
      ["for", durationsText(policy)],
      ["clients", clientsText(policy)],
      ["the same file twice", policy.duplicates ? "yes" : "no"],
      ["data from", dataText(policy)],
      ["longer lives", policy.extend ? "yes, at the ask of the day" : "no"],
      ["early ends", policy.release ? "yes, when what is earned is paid" : "no"],
    ]),
});

type Policy = MethodResult<"deal.policy">;

function dataText({ http, offline }: Policy): string {
  const ways = [
    "the client's node",
    ...(http ? ["web servers"] : []),
    ...(offline ? ["people who bring it"] : []),
  ];
  return ways.join(", ");
}

function durationsText({ minForMs, maxForMs }: Policy): string {
  const least = minForMs === null ? "" : `${formatDuration(minForMs)} or longer`;
  const most = maxForMs === null ? "" : `at most ${formatDuration(maxForMs)}`;
  return [least, most].filter((text) => text !== "").join(", ") || "any time that the network has deals for";
}

function clientsText({ allow, deny, verified, verifiedOnly, verifiedPercent }: Policy): string[] {
  const lines = [
    verifiedOnly ? "those that are verified" : allow.length > 0 ? `only ${allow.join(", ")}` : "all",
  ];
  if (verifiedOnly && allow.length > 0) lines.push(`of these, ${allow.join(", ")}`);
  if (deny.length > 0) lines.push(`not ${deny.join(", ")}`);
  if (verified.length > 0) lines.push(`verified, at ${verifiedPercent} % of the ask: ${verified.join(", ")}`);
  return lines;
}

/** Of one deal; empty if it was never changed. */
export function amendmentTable(list: readonly Amendment[], time: ChainTime): string[] {
  const rows = list.map(({ kind, state, endHeight, totalFil, detail }) => [
    kind,
    state,
    kind === "extend" ? time.at(endHeight) : "-",
    fil(totalFil),
    detail,
  ]);
  return rows.length === 0 ? [] : [table(["CHANGE", "STATE", "NEW END", "PRICE IN ALL", "DETAIL"], rows)];
}
