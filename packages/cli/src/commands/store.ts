/** Storing and reading back: `put`, `get`, `ls`, `deals`, `deal show`. */
import { type MethodResult, methods, receiptDocument } from "@holdfast/api";
import { z } from "zod";
import { type CommandSpec, command } from "../command.ts";
import { fetchToFile } from "../download.ts";
import { fil, shortCid, sizeText } from "../human-text.ts";
import { argument, optionDurationMs, optionNumber, optionText } from "../input.ts";
import { storeFile } from "../put.ts";
import { facts, table } from "../terminal.ts";

type DealView = MethodResult<"deal.ls">[number];

const dealsTable = (deals: readonly DealView[]): string =>
  table(
    ["DEAL", "ROLE", "STATE", "FILE", "SIZE", "MINER", "PRICE", "PROVEN", "UNTIL"],
    deals.map((deal) => [
      shortCid(deal.dealId),
      deal.role,
      deal.state,
      deal.name ?? shortCid(deal.payload),
      sizeText(deal.sizeBytes),
      deal.miner,
      fil(deal.totalFil),
      `${deal.provenSectors} of ${deal.sectors.length}`,
      deal.endHeight === null ? "-" : String(deal.endHeight),
    ]),
  );

const putResult = z.object({
  jobId: z.string(),
  cid: z.string(),
  receiptPath: z.string(),
  receipt: receiptDocument,
});
const putLine = z.union([methods["put.watch"].result, putResult]);

export const storeCommands: readonly CommandSpec[] = [
  command({
    path: ["put"],
    summary: "Store a file, and wait until it is proven and read back",
    about: [
      "Quotes, picks miners by their asks, funds a payment channel per copy, proposes, transfers, waits for",
      "sealing and for the first proofs on the chain, reads the file back, compares, and leaves a receipt.",
      "Interrupted? Run the same command again: it goes on where it was.",
    ].join("\n"),
    examples: ["holdfast put photo.jpg", "holdfast put photo.jpg --copies 3 --for 90d", "holdfast put photo.jpg --json"],
    args: [{ name: "file", summary: "the file to store" }],
    options: [
      { flags: "--copies <count>", summary: "at how many miners", initial: "2" },
      { flags: "--for <time>", summary: "how long it must be kept", initial: "30d" },
      { flags: "--max-price <amount>", summary: "refuse if all copies together cost more" },
      { flags: "--receipt <file>", summary: "where to leave the receipt (default: FILE.receipt.json)" },
    ],
    result: putLine,
    stream: true,
    run: (context, input) => {
      const maxPrice = optionText(input, "maxPrice");
      const receiptPath = optionText(input, "receipt");
      return storeFile(context, {
        path: argument(input, 0, "the file"),
        copies: optionNumber(input, "copies", { least: 1, most: 20 }) ?? 2,
        forMs: optionDurationMs(input, "for") ?? 0,
        ...(maxPrice === undefined ? {} : { maxPrice }),
        ...(receiptPath === undefined ? {} : { receiptPath }),
      });
    },
    render: (line) =>
      "receiptPath" in line ? `stored ${line.cid}\nreceipt ${line.receiptPath}\n\nget it back: holdfast get ${line.cid} -o FILE` : "",
  }),
  command({
    path: ["get"],
    summary: "Fetch a file from whichever miner answers best",
    about: "Every block is verified. Interrupted? Run it again: it resumes from what is there.",
    examples: ["holdfast get bafybei… -o photo.jpg"],
    args: [{ name: "cid", summary: "CID of the file, as `put` and `ls` print it" }],
    options: [{ flags: "-o, --output <file>", summary: "file to write (default: the CID)" }],
    result: z.object({ cid: z.string(), path: z.string(), sizeBytes: z.int(), resumedBytes: z.int() }),
    run: (context, input) => {
      const cid = argument(input, 0, "the CID");
      return fetchToFile(context, cid, optionText(input, "output") ?? cid);
    },
    render: (got) => `${got.path}: ${sizeText(got.sizeBytes)}, every block verified`,
  }),
  command({
    path: ["ls"],
    summary: "List the files that this node has stored",
    examples: ["holdfast ls"],
    result: methods["file.ls"].result,
    run: async ({ node, signal }) => (await node()).call("file.ls", {}, signal),
    render: (files) =>
      table(
        ["FILE", "SIZE", "COPIES", "STATE", "UNTIL", "CID"],
        files.map((file) => [
          file.name ?? "-",
          sizeText(file.sizeBytes),
          `${file.activeCopies} of ${file.copies}`,
          file.reason === "" ? file.state : `${file.state}: ${file.reason}`,
          file.storedUntilHeight === null ? "-" : String(file.storedUntilHeight),
          file.cid,
        ]),
      ),
  }),
  command({
    path: ["deals"],
    summary: "List the deals of this node, as client and as miner",
    examples: ["holdfast deals", "holdfast deals --node miner-1"],
    result: methods["deal.ls"].result,
    run: async ({ node, signal }) => (await node()).call("deal.ls", {}, signal),
    render: dealsTable,
  }),
  command({
    path: ["deal", "show"],
    summary: "Show a deal, its pieces and its payments",
    examples: ["holdfast deal show bafy2bza…"],
    args: [{ name: "id", summary: "id of the deal (see `deals --json`, or the last characters of it)" }],
    result: methods["deal.show"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call("deal.show", { dealId: argument(input, 0, "the deal's id") }, signal),
    render: (deal) =>
      [
        facts([
          ["deal", deal.dealId],
          ["state", deal.detail === "" ? deal.state : `${deal.state}, ${deal.detail}`],
          ["file", deal.name === null ? deal.payload : `${deal.name} (${deal.payload})`],
          ["size", `${sizeText(deal.sizeBytes)} in ${deal.pieces} pieces`],
          ["client", deal.client],
          ["miner", deal.miner],
          ["price", `${fil(deal.totalFil)}, ${fil(deal.redeemedFil)} paid out`],
          ["channel", deal.channelId === null ? "-" : String(deal.channelId)],
          ["proven", `${deal.provenSectors} of ${deal.sectors.length} sectors`],
        ]),
        "",
        table(
          ["PIECE", "SIZE", "SECTOR", "LAST PROVEN"],
          deal.pieceList.map((piece) => [
            piece.pieceCid,
            sizeText(piece.paddedBytes),
            piece.sectorId === null ? "-" : String(piece.sectorId),
            piece.lastProvenAt === null ? "-" : String(piece.lastProvenAt),
          ]),
        ),
        "",
        table(
          ["VOUCHER", "VALID AT", "REDEEMED"],
          deal.vouchers.map((voucher) => [fil(voucher.amountFil), String(voucher.validAt), voucher.redeemed ? "yes" : "no"]),
        ),
      ].join("\n"),
  }),
];
