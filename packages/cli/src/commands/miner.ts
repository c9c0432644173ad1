/** What miners charge, how this node's miner does, and its sectors. */
import { type MethodResult, methods } from "@holdfast/api";
import { parseBytes } from "@holdfast/base";
import { type CommandSpec, command } from "../command.ts";
import { fil, plural, sizeText } from "../human-text.ts";
import { argument, optionDurationMs, optionText, wholeNumber } from "../input.ts";
import { facts, type Style, table } from "../terminal.ts";

type AskView = MethodResult<"ask.ls">[number];
type SectorView = MethodResult<"sector.ls">[number];

const asksTable = (asks: readonly AskView[]): string =>
  table(
    ["MINER", "PRICE PER GiB AND DAY", "SIZES", "UNTIL", "ONLINE"],
    asks.map((ask) => [
      ask.miner,
      fil(ask.priceFilPerGiBPerDay),
      `${sizeText(ask.minBytes)} – ${sizeText(ask.maxBytes)}`,
      String(ask.expiresAt),
      ask.reachable ? "yes" : "no",
    ]),
  );

const at = (height: number | null): string => (height === null ? "-" : String(height));

const sectorsTable = (sectors: readonly SectorView[]): string =>
  table(
    ["SECTOR", "STATE", "SIZE", "USED", "PIECES", "ACTIVE SINCE", "LAST PROVEN", "EXPIRES"],
    sectors.map((sector) => [
      String(sector.sectorId),
      sector.state,
      sizeText(sector.sectorBytes),
      sizeText(sector.usedBytes),
      String(sector.pieces),
      at(sector.activatedAt),
      at(sector.lastProvenAt),
      at(sector.expiresAt),
    ]),
  );

const lightStyle: { readonly [Light in MethodResult<"mine.status">["light"]]: Style } = {
  earning: "green",
  "at-risk": "yellow",
  "not-earning": "red",
};

export const minerCommands: readonly CommandSpec[] = [
  command({
    path: ["ask", "ls"],
    summary: "List what miners charge, cheapest first",
    examples: ["holdfast ask ls"],
    result: methods["ask.ls"].result,
    run: async ({ node, signal }) => (await node()).call("ask.ls", {}, signal),
    render: asksTable,
  }),
  command({
    path: ["ask", "set"],
    summary: "Publish this miner's price",
    examples: ["holdfast ask set 0.01FIL --min 1KiB --max 32GiB --for 30d --node miner-1"],
    args: [{ name: "price", summary: "per GiB and day, such as 0.01FIL" }],
    options: [
      { flags: "--min <size>", summary: "smallest file that is taken" },
      { flags: "--max <size>", summary: "largest file that is taken" },
      { flags: "--for <time>", summary: "how long the offer stands" },
    ],
    result: methods["ask.set"].result,
    run: async ({ node, signal }, input) => {
      const least = optionText(input, "min");
      const most = optionText(input, "max");
      const forMs = optionDurationMs(input, "for");
      return (await node()).call(
        "ask.set",
        {
          price: argument(input, 0, "the price"),
          ...(least === undefined ? {} : { minBytes: parseBytes(least) }),
          ...(most === undefined ? {} : { maxBytes: parseBytes(most) }),
          ...(forMs === undefined ? {} : { forMs }),
        },
        signal,
      );
    },
    render: (ask) => asksTable([ask]),
  }),
  command({
    path: ["mine", "status"],
    summary: "Is this miner earning, and if not, why",
    about: "Judged from the last proof on the chain, never from the process being up.",
    examples: ["holdfast mine status --node miner-1"],
    result: methods["mine.status"].result,
    run: async ({ node, signal }) => (await node()).call("mine.status", {}, signal),
    render: (status, { terminal }) =>
      facts([
        ["state", `${terminal.paint(lightStyle[status.light], status.light)}, ${status.reason}`],
        ["miner", status.miner],
        ["owner", status.owner],
        ["power", `${sizeText(status.powerBytes)} of ${sizeText(status.networkPowerBytes)}`],
        [
          "sectors",
          `${status.sectors.active} active, ${status.sectors.faulty} faulty, ${status.sectors.pending} on their way`,
        ],
        ["blocks won", `${status.blocksWon}${status.lastBlockAt === null ? "" : `, the last at ${status.lastBlockAt}`}`],
        ["last proof", at(status.lastPostAt)],
        ["next deadline", String(status.nextDeadline)],
        ["pledge", fil(status.pledgeFil)],
        ["earned", fil(status.earnedFil)],
      ]),
  }),
  command({
    path: ["sector", "ls"],
    summary: "List sectors",
    about: "Of this node's miner with what lies on its disk, or of any miner as the chain knows it.",
    examples: ["holdfast sector ls --node miner-1", "holdfast sector ls --miner tf…"],
    options: [{ flags: "--miner <address>", summary: "another miner's sectors, from the chain" }],
    result: methods["sector.ls"].result,
    run: async ({ node, signal }, input) => {
      const miner = optionText(input, "miner");
      return (await node()).call("sector.ls", miner === undefined ? {} : { miner }, signal);
    },
    render: sectorsTable,
  }),
  command({
    path: ["sector", "show"],
    summary: "Show one sector and its pieces",
    examples: ["holdfast sector show 3 --node miner-1"],
    args: [{ name: "id", summary: "number of the sector" }],
    options: [{ flags: "--miner <address>", summary: "another miner's sector, from the chain" }],
    result: methods["sector.show"].result,
    run: async ({ node, signal }, input) => {
      const miner = optionText(input, "miner");
      const sectorId = wholeNumber(argument(input, 0, "the sector's number"), "the sector", 0, Number.MAX_SAFE_INTEGER);
      return (await node()).call("sector.show", { sectorId, ...(miner === undefined ? {} : { miner }) }, signal);
    },
    render: (sector) =>
      [
        facts([
          ["sector", `${sector.sectorId} of ${sector.miner}`],
          ["state", sector.detail === "" ? sector.state : `${sector.state}, ${sector.detail}`],
          ["size", `${sizeText(sector.usedBytes)} used of ${sizeText(sector.sectorBytes)}`],
          ["commD", sector.commD ?? "-"],
          ["commR", sector.commR ?? "-"],
          ["active", `${at(sector.activatedAt)} to ${at(sector.expiresAt)}`],
          ["last proven", at(sector.lastProvenAt)],
        ]),
        "",
        plural(sector.pieceList.length, "piece"),
        table(
          ["PIECE", "OFFSET", "SIZE", "DEAL"],
          sector.pieceList.map((piece) => [
            piece.pieceCid,
            String(piece.offsetBytes),
            sizeText(piece.paddedBytes),
            piece.dealId,
          ]),
        ),
      ].join("\n"),
  }),
];
