/** Changing deals: a longer life, an early end, and what a miner makes of such wishes. */
import { type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { type ChainTime, chainTime } from "../chain-time.ts";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, programWord, withoutEllipsis } from "../human-text.ts";
import {
  anyNumber,
  argument,
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

export const dealPolicy = action({
  result: methods["deal.policy"].result,
  async run({ node, signal }, input) {
    const [extend, release] = [
      optionChoice(input, "extend", yesOrNo),
      optionChoice(input, "release", yesOrNo),
    ];
    const change = {
      ...(extend === undefined ? {} : { extend: extend === "yes" }),
      ...(release === undefined ? {} : { release: release === "yes" }),
    };
    return (await node()).call("deal.policy", change, signal);
  },
  render: ({ extend, release }) =>
    facts([
      ["longer lives", extend ? "yes, at the ask of the day" : "no"],
      ["early ends", release ? "yes, when what is earned is paid" : "no"],
    ]),
});

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
