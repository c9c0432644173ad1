/** What `pin node join`, `status`, `leave` and `pin report` do. */
import { type MethodResult, methods } from "@holdfast/api";
import { parseBytes } from "@holdfast/base";
import { chainTime } from "../chain-time.ts";
import { action, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, shortId, sizeText } from "../human-text.ts";
import { anyNumber, argument, optionAmount, optionNumber, optionText, wholeNumber } from "../input.ts";
import { facts, table } from "../layout.ts";

type Status = MethodResult<"posc.status">;
type Report = MethodResult<"pinReport.show">;
type Facts = [string, string][];

const reportBytes = 131_072;
const percent = (value: number): string => `${Number(value.toFixed(2))} %`;

export const nodeJoin = action({
  result: methods["posc.join"].result,
  async run({ node, signal, terminal }, input) {
    const leastPriceFil = optionAmount(input, "leastPrice")?.replace(/FIL$/, "");
    const capacityBytes = parseBytes(optionText(input, "capacity") ?? "");
    const api = await node();
    terminal.live(["showing the chain what runs here …"]);
    try {
      return await api.call(
        "posc.join",
        { capacityBytes, ...(leastPriceFil === undefined ? {} : { leastPriceFil }) },
        signal,
      );
    } finally {
      terminal.clear();
    }
  },
  render: ({ node }) => `this is the pinning node ${node} of the network`,
});

export const nodeLeave = action({
  result: methods["posc.leave"].result,
  run: async ({ node, signal }) => (await node()).call("posc.leave", {}, signal),
  render: ({ node }) =>
    `the pinning node ${node} leaves: its stake comes back when nothing can be disputed any more`,
});

export const nodeStatus = action({
  result: methods["posc.status"].result,
  run: async ({ node, signal }) => (await node()).call("posc.status", {}, signal),
  render: statusText,
});

function statusText(found: Status): string {
  const { node, status, kind, programHex, keyBoundTo, validUntil, stakeFil, earnedFil, slot, lastSlot } =
    found;
  const { lastAccuracyPercent, orders, holds, openChallenges, openAsks, reports, refused, reason } = found;
  const refusals = Object.entries(refused).map(([fault, count]) => `${count} ${fault}`);
  const own: Facts =
    node === null
      ? [["node", "none: `pin node join` makes it one"]]
      : [
          ["node", `${node}, ${status ?? "unknown to the chain"}`],
          ["evidence", `${kind ?? "none"}${kind === "software" ? ", which proves nothing" : ""}`],
          ["renewed before", validUntil === null ? "-" : `height ${validUntil}`],
          ["stake", stakeFil === null ? "-" : fil(stakeFil)],
          ["earned", earnedFil === null ? "-" : fil(earnedFil)],
          ["orders", `${orders}, ${holds} of them confirmed`],
          ["last report", lastSlot === null ? "none yet" : `slot ${lastSlot} of ${slot}`],
          ["samples answered", lastAccuracyPercent === null ? "-" : percent(lastAccuracyPercent)],
          ["challenges", `${openChallenges}`],
          ["asked about", plural(openAsks, "order")],
        ];
  return facts([
    ...own,
    ...(programHex === null ? [] : ([["program", programHex]] as Facts)),
    ...(keyBoundTo === "machine" ? ([["its key", "whoever has this machine can open it"]] as Facts) : []),
    ["reports here", `${reports}`],
    ...(refusals.length === 0 ? [] : ([["refused", refusals.join(", ")]] as Facts)),
    ...(reason === null ? [] : ([["it does not work", `${reason.message} (${reason.code})`]] as Facts)),
  ]);
}

export const nodeAsk = action({
  result: methods["posc.ask"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("posc.ask", { node: numberAt(input, 0, "the number of the node") }, signal),
  async render({ node, key, peerId, kind, programHex, validUntil, set, holds }, context) {
    const time = await chainTime(context);
    return facts([
      ["node", `${node}, it is there`],
      ["key", key],
      ["peer", peerId],
      ["evidence", `${kind}, until ${time.at(validUntil)}`],
      ["program", programHex],
      ["holds", `${plural(holds, "order")}, list ${set}`],
    ]);
  },
});

export const reportList = action({
  result: methods["pinReport.ls"].result,
  async run({ node, signal }, input) {
    const [of, slot] = [optionNumber(input, "by", anyNumber), optionNumber(input, "slot", anyNumber)];
    const limit = optionNumber(input, "limit", { least: 1, most: 1_000 }) ?? 100;
    return (await node()).call(
      "pinReport.ls",
      { limit, ...(of === undefined ? {} : { node: of }), ...(slot === undefined ? {} : { slot }) },
      signal,
    );
  },
  render: (reports) =>
    reports.length === 0
      ? "no reports are here yet"
      : table(
          ["SLOT", "NODE", "ANSWERED", "ORDERS", "LOOKED AT", "PROGRAM"],
          reports.map(({ slot, node, accuracyPercent, samples, count, check, program }) => [
            `${slot}`,
            `${node}`,
            samples.length === 0 ? "no samples" : percent(accuracyPercent),
            `${count}`,
            looks[check],
            program,
          ]),
        ),
});

const looks: { readonly [Check in Report["check"]]: string } = {
  unchecked: "not looked at",
  confirmed: "confirmed",
  silent: "silent",
  false: "false",
  own: "its own",
  nothing: "no answers",
};

const numberAt = (input: CommandInput, index: number, name: string): number =>
  wholeNumber(argument(input, index, name), name, anyNumber);

export const reportShow = action({
  result: methods["pinReport.show"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call(
      "pinReport.show",
      { node: numberAt(input, 0, "the number of the node"), slot: numberAt(input, 1, "the slot") },
      signal,
    ),
  render: reportText,
});

function reportText({
  node,
  slot,
  key,
  accuracyPercent,
  count,
  added,
  samples,
  program,
  check,
  digestHex,
}: Report) {
  const head = facts([
    ["node", `${node}, ${program}`],
    ["slot", `${slot}`],
    ["key", key],
    ["digest", digestHex],
    ["answered", samples.length === 0 ? "no samples were drawn" : percent(accuracyPercent)],
    ["of", plural(count, "order")],
    ...(added.length === 0 ? [] : ([["holds now", added.join(", ")]] as Facts)),
    ["looked at here", looks[check]],
  ]);
  if (samples.length === 0) return head;
  const rows = samples.map(({ pin, root, block, bytes, elapsedMs }) => [
    `${pin}`,
    shortId(root),
    block === null ? "missing" : shortId(block),
    sizeText(bytes),
    `${elapsedMs} ms`,
  ]);
  return `${head}\n\n${table(["ORDER", "ROOT", "BLOCK", "SIZE", "TOOK"], rows)}`;
}

export const reportVerify = action({
  result: methods["pinReport.verify"].result,
  async run({ node, signal, stdin }, input) {
    const given = argument(input, 0, "the report");
    const text = given === "-" ? await textOf(stdin) : given;
    const bytesHex = text.trim().toLowerCase();
    if (!/^([0-9a-f]{2})+$/.test(bytesHex))
      throw cliErrors.badValue({ problem: "the report is bytes in hex, two digits each" });
    return (await node()).call("pinReport.verify", { bytesHex }, signal);
  },
  render: ({ ok, node, slot, onChain, checks }) =>
    facts([
      ["verdict", ok ? "this report is the node's, and the chain has taken it" : "not to be believed"],
      ["node", `${node}`],
      ["slot", `${slot}`],
      ["on the chain", onChain === "this" ? "this report" : onChain === "another" ? "another one" : "none"],
      ...checks.map(({ name, ok: isFine, code }): [string, string] => [
        name,
        isFine ? "ok" : `wrong: ${code}`,
      ]),
    ]),
});

/** Node and slot, and the sample if one is named. */
function claimOf(input: CommandInput) {
  const sample = optionNumber(input, "sample", { least: 0, most: 255 });
  return {
    node: numberAt(input, 0, "the number of the node"),
    slot: numberAt(input, 1, "the slot"),
    ...(sample === undefined ? {} : { sample }),
  };
}

const endText = (end: { readonly block: string; readonly answerHex: string } | null, none: string): string =>
  end === null ? none : `${shortId(end.block)} ${end.answerHex.slice(0, 8)}`;

export const reportInspect = action({
  result: methods["pinReport.inspect"].result,
  run: async ({ node, signal }, input) => (await node()).call("pinReport.inspect", claimOf(input), signal),
  render: (samples) =>
    samples.length === 0
      ? "the report has no such sample"
      : table(
          ["SAMPLE", "ORDER", "ROOT", "REPORTED", "FOUND", "BLOCKS", "VERDICT"],
          samples.map(({ sample, pin, root, reported, found, blocks, check }) => [
            `${sample}`,
            `${pin}`,
            shortId(root),
            endText(reported, "missing"),
            endText(found, "-"),
            blocks.length === 0 ? "-" : `${blocks.length}, ${sizeText(blocks.reduce((a, b) => a + b, 0))}`,
            check,
          ]),
        ),
});

export const disputeList = action({
  result: methods["pinDispute.ls"].result,
  async run({ node, signal }, input) {
    const of = optionNumber(input, "of", anyNumber);
    return (await node()).call("pinDispute.ls", of === undefined ? {} : { node: of }, signal);
  },
  async render(challenges, context) {
    if (challenges.length === 0) return "no challenge waits for an answer";
    const time = await chainTime(context);
    return table(
      ["CHALLENGE", "NODE", "SLOT", "BLOCK", "DEPOSIT", "BY", "ANSWER UNTIL"],
      challenges.map(({ challenge, node, slot, block, depositFil, challenger, answerBy }) => [
        ...[`${challenge}`, `${node}`, `${slot}`, shortId(block), fil(depositFil), shortId(challenger)],
        time.at(answerBy),
      ]),
    );
  },
});

export const disputeOpen = action({
  result: methods["pinDispute.open"].result,
  async run({ node, signal, terminal }, input) {
    const api = await node();
    terminal.live(["looking at the report …"]);
    try {
      return await api.call("pinDispute.open", claimOf(input), signal);
    } finally {
      terminal.clear();
    }
  },
  render: ({ node, slot, sample, method, message }) => {
    const done =
      method === "disprove"
        ? `disproved: node ${node} loses its stake for sample ${sample} of slot ${slot}`
        : `node ${node} has to show the blocks of sample ${sample} of slot ${slot}: \`holdfast pin dispute ls\``;
    return facts([
      ["dispute", done],
      ["message", message],
    ]);
  },
});

async function textOf(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stdin) {
    length += part.length;
    if (length > reportBytes) break;
    parts.push(Uint8Array.from(part));
  }
  return Buffer.concat(parts).toString("utf8");
}
