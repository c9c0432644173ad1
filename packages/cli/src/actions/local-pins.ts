/** What `pin local` does: content that this node keeps. */
import { type MethodResult, methods } from "@holdfast/api";
import { formatDuration } from "@holdfast/base";
import { action, type CommandInput } from "../command.ts";
import { plural, shortId, sizeText } from "../human-text.ts";
import {
  argument,
  cidArgument,
  oneOf,
  optionBytes,
  optionDurationMs,
  optionList,
  optionNumber,
  optionText,
} from "../input.ts";
import { facts, table } from "../layout.ts";

type PinView = MethodResult<"localPin.show">;

export const pinStates = ["queued", "pinning", "pinned", "failed"] as const;
export const mostListed = { least: 1, most: 1_000 };

export const statesOf = (input: CommandInput) =>
  optionList(input, "state").map((word) => oneOf(word, pinStates, "--state"));

const idOf = (input: CommandInput) => ({ id: argument(input, 0, "the id of the pin") });
const whenText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;

export const pinAdd = action({
  result: methods["localPin.add"].result,
  async run({ node, signal }, input) {
    const name = optionText(input, "name");
    const forMs = optionDurationMs(input, "for");
    const maxBytes = optionBytes(input, "max");
    const wanted = {
      cid: cidArgument(input, 0, "the CID"),
      origins: [...optionList(input, "origin")],
      priority: optionNumber(input, "priority", { least: 0, most: 100 }) ?? 0,
      ...(name === undefined ? {} : { name }),
      ...(forMs === undefined ? {} : { forMs }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    };
    return (await node()).call("localPin.add", wanted, signal);
  },
  render: shown,
});

export const pinList = action({
  result: methods["localPin.ls"].result,
  async run({ node, signal }, input) {
    const name = optionText(input, "name");
    const account = optionText(input, "account");
    const filter = {
      states: statesOf(input),
      limit: optionNumber(input, "limit", mostListed) ?? 100,
      ...(name === undefined ? {} : { name }),
      ...(account === undefined ? {} : { account }),
    };
    return (await node()).call("localPin.ls", filter, signal);
  },
  render({ count, pins }) {
    if (count === 0) return "nothing is pinned here";
    const rows = pins.map(({ id, cid, name, account, state, bytes }) => [
      id,
      state,
      sizeText(bytes),
      account,
      shortId(cid),
      name ?? "",
    ]);
    const rest = count > pins.length ? `\n${pins.length} of ${plural(count, "pin")}` : "";
    return `${table(["ID", "STATE", "SIZE", "FOR", "CID", "NAME"], rows)}${rest}`;
  },
});

export const pinShow = action({
  result: methods["localPin.show"].result,
  run: async ({ node, signal }, input) => (await node()).call("localPin.show", idOf(input), signal),
  render: shown,
});

export const pinRemove = action({
  result: methods["localPin.rm"].result,
  run: async ({ node, signal }, input) => (await node()).call("localPin.rm", idOf(input), signal),
  render: ({ cid }) => `${cid} is pinned no more`,
});

export const pinRetry = action({
  result: methods["localPin.retry"].result,
  run: async ({ node, signal }, input) => (await node()).call("localPin.retry", idOf(input), signal),
  render: shown,
});

export const pinCollect = action({
  result: methods["localPin.gc"].result,
  run: async ({ node, signal }) => (await node()).call("localPin.gc", {}, signal),
  render: ({ blocks, bytes }) => `removed ${plural(blocks, "block")}, ${sizeText(bytes)}`,
});

export const pinStatus = action({
  result: methods["localPin.status"].result,
  run: async ({ node, signal }) => (await node()).call("localPin.status", {}, signal),
  render: ({ backend, usedBytes, quotaBytes, counts, serviceUrl, ledger }) =>
    facts([
      ["kept by", backend === "kubo" ? "a Kubo daemon" : "this node"],
      ["space", `${sizeText(usedBytes)}${quotaBytes === null ? "" : ` of ${sizeText(quotaBytes)}`}`],
      ["pinned", `${counts.pinned}`],
      ["waiting", `${counts.queued}, and ${counts.pinning} on their way`],
      ["failed", `${counts.failed}`],
      ["pinning service", serviceUrl ?? "none (pins.listen in config.toml)"],
      ...(ledger === null ? [] : ledgerFacts(ledger)),
    ]),
});

type Ledger = NonNullable<MethodResult<"localPin.status">["ledger"]>;

function ledgerFacts({ contract, address, readTo, wishes, pins, problem }: Ledger): [string, string][] {
  const read = readTo === null ? "not read yet" : `read up to block ${readTo}`;
  return [
    [
      "follows",
      `${contract} ${address}, ${read}: ${plural(wishes, "wish", "wishes")}, ${plural(pins, "pin")}`,
    ],
    ...(problem === null ? [] : ([["it does not answer", problem]] as [string, string][])),
  ];
}

function shown(pin: PinView): string {
  const { id, cid, name, account, state, blocks, bytes, createdMs, expiresMs, retryMs, error, attempts } =
    pin;
  return facts([
    ["id", id],
    ["CID", cid],
    ...(name === null ? [] : ([["name", name]] as [string, string][])),
    ["for", account],
    ["state", state],
    ["here", `${plural(blocks, "block")}, ${sizeText(bytes)}`],
    ["since", whenText(createdMs)],
    ...(expiresMs === null
      ? []
      : ([["kept for", formatDuration(Math.max(0, expiresMs - createdMs))]] as [string, string][])),
    ...(error === null
      ? []
      : ([
          ["failed", `${error.message} (${error.code}), ${plural(attempts, "try", "tries")}`],
          ["next try", retryMs === null ? "none by itself" : whenText(retryMs)],
        ] as [string, string][])),
  ]);
}
