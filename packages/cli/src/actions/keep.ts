/** What `keep`, `keep set` and `rm` do. */
import { type MethodResult, methods } from "@holdfast/api";
import { type ChainTime, chainTime } from "../chain-time.ts";
import { action, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, shortId } from "../human-text.ts";
import { argument, cidArgument, optionAmount, optionChoice, pageOf } from "../input.ts";
import { table } from "../layout.ts";

type PutView = MethodResult<"put.ls">[number];

const yesOrNo = ["yes", "no"] as const;
const words: { readonly [State in PutView["keep"]["state"]]: string } = {
  off: "not kept beyond its deals",
  waiting: "being stored",
  kept: "kept",
  renewing: "being renewed",
  repairing: "being repaired",
  stuck: "in trouble",
  ended: "its time is over",
};

function keepTable(list: readonly PutView[], time: ChainTime): string {
  const rows = list.map(({ jobId, name, cid, copies, keep }) => [
    jobId,
    name ?? shortId(cid),
    `${keep.copiesKept} of ${copies.length}`,
    keep.renew ? "yes" : "no",
    keep.repair ? "yes" : "no",
    keep.limitFil === null ? "-" : fil(keep.limitFil),
    time.at(keep.untilHeight),
    givenText(keep, copies.length, time),
    keep.detail === "" ? words[keep.state] : `${words[keep.state]}: ${keep.detail}`,
  ]);
  const head = [
    "JOB",
    "FILE",
    "COPIES",
    "RENEWED",
    "REPAIRED",
    "LIMIT A TERM",
    "UNTIL",
    "LAST GIVEN",
    "STATE",
  ];
  return table(head, rows);
}

/** The last time that a miner gave a random part of its copy when it was asked. */
function givenText({ audits }: PutView["keep"], copies: number, time: ChainTime): string {
  const given = audits.filter(({ servedHeight }) => servedHeight !== null);
  const last = given.toSorted((a, b) => (b.servedHeight ?? 0) - (a.servedHeight ?? 0))[0];
  if (last === undefined) return audits.length === 0 ? "not asked yet" : "never";
  const others = copies === 1 ? "" : `; ${given.length} of ${copies} have`;
  return `${time.at(last.servedHeight)} by ${shortId(last.miner)}${others}`;
}

export const keepList = action({
  result: methods["put.ls"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("put.ls", { kept: true, ...pageOf(input) }, signal),
  async render(list, context) {
    if (list.length > 0) return keepTable(list, await chainTime(context));
    context.terminal.hint("nothing is kept beyond its deals; `holdfast put FILE --renew --repair` does that");
    return "";
  },
});

function changeOf(input: CommandInput) {
  const [renew, repair] = [optionChoice(input, "renew", yesOrNo), optionChoice(input, "repair", yesOrNo)];
  const maxPrice = optionAmount(input, "maxPrice");
  if (renew === undefined && repair === undefined && maxPrice === undefined) {
    throw cliErrors.badValue({ problem: "say what is to change: --renew, --repair or --max-price" });
  }
  return {
    ...(renew === undefined ? {} : { renew: renew === "yes" }),
    ...(repair === undefined ? {} : { repair: repair === "yes" }),
    ...(maxPrice === undefined ? {} : { maxPrice }),
  };
}

export const keepSet = action({
  result: methods["put.keep"].result,
  async run({ node, signal }, input) {
    const jobId = argument(input, 0, "the job");
    return (await node()).call("put.keep", { jobId, ...changeOf(input) }, signal);
  },
  render: async (job, context) => keepTable([job], await chainTime(context)),
});

export const remove = action({
  result: methods["file.rm"].result,
  async run({ node, signal }, input) {
    return (await node()).call("file.rm", { cid: cidArgument(input, 0, "the CID") }, signal);
  },
  render: ({ cid, removed }) =>
    removed ? `this node's copy of ${cid} is gone; those at miners stay` : `this node has no copy of ${cid}`,
});
