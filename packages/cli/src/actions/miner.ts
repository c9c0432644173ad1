/** What miners charge, how this node's miner does, and its sectors. */
import { type MethodResult, methods } from "@holdfast/api";
import { formatDuration, parseBytes } from "@holdfast/base";
import { type ChainTime, chainTime } from "../chain-time.ts";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, price, shortId, sizeText } from "../human-text.ts";
import {
  addressArgument,
  amountArgument,
  anyNumber,
  argument,
  optionAddress,
  optionBytes,
  optionDurationMs,
  optionNumber,
  optionText,
  wholeNumber,
} from "../input.ts";
import { facts, type Style, table } from "../layout.ts";

type AskView = MethodResult<"ask.ls">[number];
type SectorView = MethodResult<"sector.ls">[number];

function asksTable(asks: readonly AskView[], time: ChainTime): string {
  const rows = asks.map((ask) => [
    ask.miner,
    price(ask.priceFilPerGiBPerDay),
    sizesText(ask.minBytes, ask.maxBytes),
    `${ask.providerCollateralPercent} %, ${ask.clientCollateralPercent} %`,
    time.at(ask.expiresAt),
    ask.reachable ? "yes" : "no",
  ]);
  return table(
    ["MINER", "FOR A GiB AND A DAY", "SIZES", "COLLATERAL (MINER, CLIENT)", "UNTIL", "CONNECTED"],
    rows,
  );
}

function sizesText(minBytes: number, maxBytes: number): string {
  const hasMost = maxBytes < Number.MAX_SAFE_INTEGER;
  if (minBytes <= 1) return hasMost ? `up to ${sizeText(maxBytes)}` : "any";
  return `${sizeText(minBytes)} ${hasMost ? `to ${sizeText(maxBytes)}` : "and more"}`;
}

export const askList = action({
  result: methods["ask.ls"].result,
  run: async ({ node, signal }) => (await node()).call("ask.ls", {}, signal),
  async render(asks, context) {
    if (asks.length > 0) return asksTable(asks, await chainTime(context));
    context.terminal.hint("no miner offers storage; a miner publishes its price with `holdfast ask set`");
    return "";
  },
});

export const askShow = action({
  result: methods["ask.show"].result,
  async run({ node, signal }, input) {
    const wanted =
      input.args[0] === undefined ? {} : { miner: addressArgument(input, 0, "the miner's address") };
    return (await node()).call("ask.show", wanted, signal);
  },
  render: async (asks, context) => asksTable(asks, await chainTime(context)),
});

type QuoteLine = MethodResult<"ask.quote">[number];

function takesText({ willing, reason, takes }: QuoteLine): string {
  if (willing || takes === null) return reason;
  const { minBytes, maxBytes, minForMs, maxForMs, priceFilPerGiBPerDay } = takes;
  const times = `${formatDuration(minForMs)} to ${formatDuration(maxForMs)}`;
  const sizes = maxBytes === 0 ? [] : [`${sizesText(minBytes, maxBytes)}, ${price(priceFilPerGiBPerDay)}`];
  return `${reason}; it takes ${[times, ...sizes].join(", ")}`;
}

export const askQuote = action({
  result: methods["ask.quote"].result,
  async run({ node, signal }, input) {
    const sizeBytes = parseBytes(argument(input, 0, "the size"));
    const forMs = optionDurationMs(input, "for") ?? 0;
    const [miner, cid] = [optionAddress(input, "miner"), optionText(input, "cid")];
    const of = { ...(miner === undefined ? {} : { miners: [miner] }), ...(cid === undefined ? {} : { cid }) };
    return (await node()).call("ask.quote", { sizeBytes, forMs, ...of }, signal);
  },
  render(lines, context) {
    if (lines.length === 0) {
      context.terminal.hint("no miner offers storage; a miner publishes its price with `holdfast ask set`");
      return "";
    }
    const rows = lines
      .toSorted((a, b) => Number(b.willing) - Number(a.willing))
      .map((line) => [
        line.miner,
        line.willing ? "yes" : "no",
        line.totalFil === null ? "-" : fil(line.totalFil),
        takesText(line),
      ]);
    return table(["MINER", "TAKES IT", "PRICE IN ALL", "WHY"], rows);
  },
});

const percents = { least: 0, most: 10_000 };

export const askSet = action({
  result: methods["ask.set"].result,
  async run({ node, signal }, input) {
    const wanted = amountArgument(input, 0, "the price");
    const minBytes = optionBytes(input, "min");
    const maxBytes = optionBytes(input, "max");
    const forMs = optionDurationMs(input, "for");
    const ofProvider = optionNumber(input, "collateral", percents);
    const ofClient = optionNumber(input, "clientCollateral", percents);
    if (minBytes !== undefined && maxBytes !== undefined && minBytes > maxBytes) {
      throw cliErrors.badValue({ problem: "--min is larger than --max" });
    }
    return (await node()).call(
      "ask.set",
      {
        price: wanted,
        ...(minBytes === undefined ? {} : { minBytes }),
        ...(maxBytes === undefined ? {} : { maxBytes }),
        ...(ofProvider === undefined ? {} : { providerCollateralPercent: ofProvider }),
        ...(ofClient === undefined ? {} : { clientCollateralPercent: ofClient }),
        ...(forMs === undefined ? {} : { forMs }),
      },
      signal,
    );
  },
  render: async (ask, context) => asksTable([ask], await chainTime(context)),
});

const lightStyle: { readonly [Light in MethodResult<"mine.status">["light"]]: Style } = {
  earning: "green",
  "at-risk": "yellow",
  "not-earning": "red",
};

type DeadlineView = MethodResult<"mine.status">["deadlines"][number];

/** "1: 3 sectors, 1 faulty, open until 40 (in 5s), 2 to prove". */
function deadlineText(deadline: DeadlineView, time: ChainTime): string {
  const { index, sectors, faulty, isOpen, opensAt, closesAt, toProve } = deadline;
  const parts = [`${index}: ${plural(sectors, "sector")}`];
  if (faulty > 0) parts.push(`${faulty} faulty`);
  if (!isOpen) parts.push(`opens at ${time.at(opensAt)}`);
  else parts.push(`open until ${time.at(closesAt)}`, toProve === 0 ? "all proven" : `${toProve} to prove`);
  return parts.join(", ");
}

/** Nothing where nothing is wrong. */
function signingText({ standing, reason, fix }: MethodResult<"mine.status">["signing"]) {
  if (reason === null) return [];
  const texts = [standing === "careful" ? "yes" : "no", reason, fix].filter((text) => text !== null);
  return [["signs blocks", texts] as const];
}

function powerText({ powerBytes, networkPowerBytes, idlePowerBytes }: MethodResult<"mine.status">): string {
  const idle = idlePowerBytes === 0 ? "" : `, ${sizeText(idlePowerBytes)} of it by idle space`;
  return `${sizeText(powerBytes)} of ${sizeText(networkPowerBytes)}${idle}`;
}

export const mineStatus = action({
  result: methods["mine.status"].result,
  run: async ({ node, signal }) => (await node()).call("mine.status", {}, signal),
  async render(status, context) {
    const time = await chainTime(context);
    const { active, faulty, pending } = status.sectors;
    const light = context.terminal.paint(lightStyle[status.light], status.light);
    const last = status.lastBlockAt === null ? "" : `, the last at ${time.at(status.lastBlockAt)}`;
    return facts([
      ["state", `${light}, ${status.reason}`],
      ...signingText(status.signing),
      ["miner", status.miner],
      ["owner", status.owner],
      ["power", powerText(status)],
      ["sectors", `${active} active, ${faulty} faulty, ${pending} on their way`],
      ["blocks won", `${status.blocksWon}${last}`],
      ["last proof", time.at(status.lastPostAt)],
      ["next deadline", time.at(status.nextDeadline)],
      ["deadlines", status.deadlines.map((deadline) => deadlineText(deadline, time))],
      ["asks", status.asks.map((ask) => `${price(ask.priceFilPerGiBPerDay)} for a GiB and a day`)],
      ["pledge", `${fil(status.pledgeFil)}, ${fil(status.availableFil)} free`],
      ["owner's money", fil(status.earnedFil)],
    ]);
  },
});

/** Sectors that are listed when nothing is said. */
const usualPage = 100;

export const sectorList = action({
  result: methods["sector.ls"].result,
  async run({ node, signal }, input) {
    const miner = optionAddress(input, "miner");
    const after = optionNumber(input, "after", anyNumber);
    const limit = optionNumber(input, "limit", { least: 1, most: 1_000 });
    return (await node()).call(
      "sector.ls",
      {
        ...(miner === undefined ? {} : { miner }),
        ...(after === undefined ? {} : { after }),
        ...(limit === undefined ? {} : { limit }),
      },
      signal,
    );
  },
  async render(sectors, context) {
    if (sectors.length === 0) {
      context.terminal.hint("no sectors");
      return "";
    }
    const time = await chainTime(context);
    const row = (sector: SectorView): string[] => [
      String(sector.sectorId),
      sector.state,
      sizeText(sector.sectorBytes),
      sizeText(sector.usedBytes),
      String(sector.pieces),
      time.at(sector.lastProvenAt),
      time.at(sector.expiresAt),
    ];
    const last = sectors.at(-1)?.sectorId;
    if (sectors.length >= usualPage && last !== undefined) {
      context.terminal.hint(`there may be more: \`holdfast sector ls --after ${last}\``);
    }
    const head = ["SECTOR", "STATE", "SIZE", "USED", "PIECES", "LAST PROVEN", "EXPIRES"];
    return table(head, sectors.map(row));
  },
});

export const sectorShow = action({
  result: methods["sector.show"].result,
  async run({ node, signal }, input) {
    const miner = optionAddress(input, "miner");
    const sectorId = wholeNumber(argument(input, 0, "the sector's number"), "the sector's number", anyNumber);
    return (await node()).call(
      "sector.show",
      { sectorId, ...(miner === undefined ? {} : { miner }) },
      signal,
    );
  },
  async render(sector, context) {
    const time = await chainTime(context);
    const head = facts([
      ["sector", `${sector.sectorId} of ${sector.miner}`],
      ["state", sector.detail === "" ? sector.state : `${sector.state}, ${sector.detail}`],
      ["size", `${sizeText(sector.usedBytes)} used of ${sizeText(sector.sectorBytes)}`],
      ["commD", sector.commD ?? "-"],
      ["commR", sector.commR ?? "-"],
      ["active since", time.at(sector.activatedAt)],
      ["expires", time.at(sector.expiresAt)],
      ["last proven", time.at(sector.lastProvenAt)],
      ["holds", plural(sector.pieceList.length, "piece")],
    ]);
    if (sector.pieceList.length === 0) return head;
    const rows = sector.pieceList.map(({ pieceCid, offsetBytes, paddedBytes, dealId }) => [
      pieceCid,
      String(offsetBytes),
      sizeText(paddedBytes),
      shortId(dealId),
    ]);
    return `${head}\n\n${table(["PIECE", "OFFSET", "SIZE", "DEAL"], rows)}`;
  },
});
