/** What `put`, `get`, `ls`, `deals`, `deal show`, `quote` and `jobs` do. */
import { type ImportLayout, type MethodResult, methods } from "@holdfast/api";
import { parseBytes } from "@holdfast/base";
import { z } from "zod";
import { type ChainTime, chainTime } from "../chain-time.ts";
import { stepWords } from "../checklist.ts";
import { action, type CommandInput } from "../command.ts";
import { fetchTo, fetchToOutput } from "../download.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, programWord, shortId, sizeText, withoutEllipsis } from "../human-text.ts";
import {
  argument,
  optionAmount,
  optionChoice,
  optionDurationMs,
  optionFlag,
  optionList,
  optionNumber,
  optionSpan,
  optionText,
  pageOf,
  placeArgument,
} from "../input.ts";
import { facts, table } from "../layout.ts";
import { sizeOfFile, statOf } from "../local-file.ts";
import { measureFolder } from "../local-folder.ts";
import { type PutOutcome, putLine, storeFile } from "../put.ts";
import { amendmentTable } from "./deals.ts";

type DealView = MethodResult<"deal.ls">[number];
type DealDetail = MethodResult<"deal.show">;
type PutView = MethodResult<"put.ls">[number];

const monthMs = 30 * 86_400_000;
/** Deals that are listed when nothing is said. */
const usualPage = 100;

function copiesAndTime(input: CommandInput): { readonly copies: number; readonly forMs: number } {
  return {
    copies: optionNumber(input, "copies", { least: 1, most: 20 }) ?? 2,
    forMs: optionDurationMs(input, "for") ?? monthMs,
  };
}

const spreads = ["miners", "operators"] as const;

/** For whom else it is encrypted; undefined if it is stored in clear. */
function encryptionOf(input: CommandInput): readonly string[] | undefined {
  const recipients = optionList(input, "recipient");
  if (optionFlag(input, "encrypt")) return recipients;
  if (recipients.length === 0) return undefined;
  throw cliErrors.badValue({ problem: "--recipient is for what is encrypted: add --encrypt" });
}

/** What `ipfs add` calls the same; undefined if nothing was said. */
function layoutOf(input: CommandInput): ImportLayout | undefined {
  const cidVersion = optionChoice(input, "cidVersion", ["0", "1"]);
  const rawLeaves = optionChoice(input, "rawLeaves", ["true", "false"]);
  const chunkBytes = chunkBytesOf(optionText(input, "chunkSize"));
  if (cidVersion === undefined && rawLeaves === undefined && chunkBytes === undefined) return undefined;
  if (optionFlag(input, "encrypt"))
    throw cliErrors.badValue({
      problem: "what is encrypted has no CID that `ipfs add` gives: leave --encrypt away, or the layout",
    });
  return {
    cidVersion: cidVersion === undefined ? undefined : cidVersion === "0" ? 0 : 1,
    rawLeaves: rawLeaves === undefined ? undefined : rawLeaves === "true",
    chunkBytes,
  };
}

/** A size, also in the words of `ipfs add --chunker`. */
function chunkBytesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^(rabin|buzhash)/.test(text))
    throw cliErrors.badValue({
      problem: `chunks are all of one size here: --chunk-size 256KiB, not ${text}`,
    });
  return parseBytes(text.replace(/^size-(?=\d+$)/, ""));
}

export const put = action({
  result: putLine,
  async *run(context, input) {
    const maxPrice = optionAmount(input, "maxPrice");
    const receiptPath = optionText(input, "receipt");
    const key = optionText(input, "key");
    const lines = storeFile(context, {
      paths: input.args.map((_path, index) => argument(input, index, "the file")),
      skipHidden: optionFlag(input, "skipHidden"),
      name: optionText(input, "name"),
      encryptFor: encryptionOf(input),
      layout: layoutOf(input),
      isSure: optionFlag(input, "yes"),
      spread: optionChoice(input, "spread", spreads),
      renew: optionFlag(input, "renew"),
      repair: optionFlag(input, "repair"),
      allowDuplicates: optionFlag(input, "allowDuplicates"),
      transfer: optionText(input, "transfer"),
      ...copiesAndTime(input),
      ...(maxPrice === undefined ? {} : { maxPrice }),
      ...(receiptPath === undefined ? {} : { receiptPath, replacesReceipt: optionFlag(input, "force") }),
      ...(key === undefined ? {} : { key }),
    });
    for await (const line of lines) if (context.json || "receipt" in line) yield line;
  },
  render: (line, { env }) =>
    "receipt" in line
      ? facts([
          ["stored", line.cid],
          ...encryptedLine(line.receipt),
          ["receipt", line.receiptPath],
          ["get it back", `${programWord(env)} get ${line.cid} -o ${line.kind.toUpperCase()}`],
        ])
      : "",
});

function encryptedLine({ encrypted }: PutOutcome["receipt"]): [string, string][] {
  if (encrypted !== true) return [];
  return [
    ["encrypted", "only the wallet of this node opens it: keep a copy of its key (`holdfast wallet export`)"],
  ];
}

const fetched = z.object({
  cid: z.string(),
  path: z.string(),
  sizeBytes: z.int(),
  resumedBytes: z.int(),
  /** Of a folder. */
  files: z.int().optional(),
  leftOut: z.array(z.string()).optional().describe("symbolic links, which are not made"),
});

export const get = action({
  result: fetched,
  async run(context, input): Promise<z.output<typeof fetched>> {
    const place = placeArgument(input);
    const range = optionSpan(input, "range");
    const output = optionText(input, "output") ?? place.path.at(-1) ?? place.cid;
    const raw = optionFlag(input, "raw");
    const wanted = { range, raw, maxPrice: optionAmount(input, "maxPrice") };
    if (output !== "-") {
      return fetchTo(context, place, output, { ...wanted, replace: optionFlag(input, "force") });
    }
    if (context.json) throw cliErrors.badValue({ problem: "-o - and --json both need standard output" });
    return fetchToOutput(context, place, wanted);
  },
  render({ path, sizeBytes, resumedBytes, files: count, leftOut = [] }) {
    if (path === "-") return "";
    const kept = resumedBytes === 0 ? "" : `, ${sizeText(resumedBytes)} of it were there already`;
    const many = count === undefined ? "" : `${plural(count, "file")}, `;
    const links = leftOut.length === 0 ? "" : `\nleft out: ${plural(leftOut.length, "symbolic link")}`;
    return `${path}: ${many}${sizeText(sizeBytes)}, every block verified${kept}${links}`;
  },
});

const entry = methods["folder.ls"].result;
const listing = z.object({ cid: z.string(), path: z.string(), entries: z.array(entry) });

export const files = action({
  result: z.union([methods["file.ls"].result, listing]),
  async run(context, input): Promise<MethodResult<"file.ls"> | z.output<typeof listing>> {
    const node = await context.node();
    if (input.args[0] === undefined) return node.call("file.ls", pageOf(input), context.signal);
    const place = placeArgument(input);
    const { cid } = place;
    const path = place.path.join("/");
    const entries: z.output<typeof entry>[] = [];
    const maxPrice = optionAmount(input, "maxPrice");
    const wanted = { cid, path, ...(maxPrice === undefined ? {} : { maxPrice }) };
    for await (const each of node.stream("folder.ls", wanted, context.signal)) entries.push(each);
    return { cid, path, entries };
  },
  async render(list, context) {
    if (!Array.isArray(list)) {
      if (list.entries.some((one) => isInside(list, one)))
        context.terminal.hint(`what is in an encrypted folder has no CID: \`holdfast get ${list.cid}/NAME\``);
      return entriesTable(list);
    }
    if (list.length === 0) {
      context.terminal.hint("no files yet; store one with `holdfast put FILE`");
      return "";
    }
    const time = await chainTime(context);
    const rows = list.map((file) => [
      file.name ?? "-",
      sizeText(file.sizeBytes),
      `${file.activeCopies} of ${file.copies}`,
      file.reason === "" ? file.state : `${file.state}: ${file.reason}`,
      time.at(file.storedUntilHeight),
      file.cid,
    ]);
    return table(["FILE", "SIZE", "COPIES", "STATE", "UNTIL", "CID"], rows);
  },
});

/** An entry that the folder's own CID stands for: it is encrypted, and has none that could be asked for. */
function isInside({ cid }: z.output<typeof listing>, one: z.output<typeof entry>): boolean {
  return one.name !== "" && one.cid === cid;
}

function entriesTable(list: z.output<typeof listing>): string {
  const placeName = list.path.split("/").at(-1) || "-";
  const row = (one: z.output<typeof entry>): string[] => {
    const { name, kind, sizeBytes, target, cid } = one;
    return [
      kind === "folder" ? `${name}/` : target === null ? name || placeName : `${name} -> ${target}`,
      sizeBytes === null ? "-" : sizeText(sizeBytes),
      isInside(list, one) ? "-" : cid,
    ];
  };
  return table(["NAME", "SIZE", "CID"], list.entries.map(row));
}

export const deals = action({
  result: methods["deal.ls"].result,
  async run({ node, signal }, input) {
    const role = optionChoice(input, "as", ["client", "miner"]);
    const page = { ...(role === undefined ? {} : { role }), ...pageOf(input) };
    return (await node()).call("deal.ls", page, signal);
  },
  async render(list, context) {
    if (list.length === 0) {
      context.terminal.hint("no deals yet; `holdfast put FILE` makes one for each copy");
      return "";
    }
    const time = await chainTime(context);
    const row = (deal: DealView): string[] => [
      shortId(deal.dealId),
      deal.role,
      deal.faultySectors === 0 ? deal.state : `${deal.state}, faulty`,
      deal.name ?? shortId(deal.payload),
      sizeText(deal.sizeBytes),
      shortId(deal.role === "client" ? deal.miner : deal.client),
      fil(deal.totalFil),
      fil(deal.redeemedFil),
      `${deal.provenSectors} of ${deal.sectors.length}`,
      untilText(deal, time),
      deal.keeping === "none" ? "-" : deal.keeping.replaceAll("-", " "),
    ];
    if (list.some(({ faultySectors }) => faultySectors > 0)) {
      context.terminal.hint(
        "`holdfast why DEAL` says which sector of a deal is faulty, since when, and what follows",
      );
    }
    const last = list.at(-1);
    if (list.length >= usualPage && last !== undefined) {
      context.terminal.hint(`there may be more: \`holdfast deals --after ${last.role}/${last.dealId}\``);
    }
    const head = ["DEAL", "AS", "STATE", "FILE", "SIZE", "WITH", "PRICE", "PAID", "PROVEN", "UNTIL", "THEN"];
    return table(head, list.map(row));
  },
});

/** Its end; of one that has yet to begin also by when it does, which of a short deal may be the same. */
function untilText({ endHeight, onChain }: DealView, time: ChainTime): string {
  const begins = onChain?.status === "published" ? `, begins by ${onChain.startBy}` : "";
  return `${time.at(endHeight)}${begins}`;
}

export const dealShow = action({
  result: methods["deal.show"].result,
  async run({ node, signal }, input) {
    const dealId = withoutEllipsis(argument(input, 0, "the deal's id"));
    return (await node()).call("deal.show", { dealId }, signal);
  },
  async render(deal, context) {
    const time = await chainTime(context);
    return [dealFacts(deal, time), ...dealTables(deal, time)].join("\n\n");
  },
});

const thenWords: { readonly [Keeping in DealView["keeping"]]: string } = {
  none: "it is over",
  renew: "it is renewed; if it is lost, it stays so",
  repair: "it is over; if it is lost before, another copy is made",
  "renew-and-repair": "it is renewed; if it is lost, another copy is made",
  replaced: "another copy has taken its place",
};

function dealFacts(deal: DealDetail, time: ChainTime): string {
  return facts([
    ["deal", deal.dealId],
    ["state", deal.detail === "" ? deal.state : `${deal.state}, ${deal.detail}`],
    ["file", deal.name === null ? deal.payload : `${deal.name} (${deal.payload})`],
    ["size", `${sizeText(deal.sizeBytes)} in ${plural(deal.pieces, "piece")}`],
    ["client", deal.client],
    ["miner", deal.miner],
    ["price", `${fil(deal.totalFil)}, ${fil(deal.redeemedFil)} of it paid`],
    ["channel", deal.channelId === null ? "-" : String(deal.channelId)],
    ...onChainFacts(deal, time),
    ["begins", time.at(deal.startHeight)],
    ["ends", time.at(deal.endHeight)],
    ["then", thenWords[deal.keeping]],
    ["proven", `${deal.provenSectors} of ${deal.sectors.length} sectors${faultyText(deal)}`],
  ]);
}

const faultyText = ({ faultySectors }: DealDetail): string =>
  faultySectors === 0 ? "" : `, ${faultySectors} faulty`;

function onChainFacts({ onChain }: DealDetail, time: ChainTime): [string, string][] {
  if (onChain === null) return [["on the chain", "-"]];
  const { status, startBy, endedAt, lostAt, clientCollateralFil, providerCollateralFil } = onChain;
  const ended = endedAt === null ? "" : `, since ${time.at(endedAt)}`;
  const lost = lostAt === null ? "" : `, a sector was lost ${time.at(lostAt)}`;
  const until = status === "published" ? `, to start by ${time.at(startBy)}` : "";
  return [
    ["on the chain", `${status}${until}${ended}${lost}`],
    ["collateral", `${fil(clientCollateralFil)} of the client, ${fil(providerCollateralFil)} of the miner`],
  ];
}

function dealTables(deal: DealDetail, time: ChainTime): string[] {
  const pieces = deal.pieceList.map(({ pieceCid, paddedBytes, sectorId, lastProvenAt }) => [
    pieceCid,
    sizeText(paddedBytes),
    sectorId === null ? "-" : String(sectorId),
    time.at(lastProvenAt),
  ]);
  const vouchers = deal.vouchers.map(({ amountFil, validAt, redeemed }) => [
    fil(amountFil),
    time.at(validAt),
    redeemed ? "yes" : "no",
  ]);
  const history = deal.history.map(({ atMs, state, detail }) => [`${time.age(atMs)} ago`, state, detail]);
  return [
    ...(pieces.length === 0 ? [] : [table(["PIECE", "SIZE", "SECTOR", "LAST PROVEN"], pieces)]),
    ...(vouchers.length === 0 ? [] : [table(["PAID UP TO", "VALID AT", "REDEEMED"], vouchers)]),
    ...amendmentTable(deal.amendments, time),
    ...(history.length === 0 ? [] : [table(["WHEN", "STATE", "DETAIL"], history)]),
  ];
}

export const quote = action({
  result: methods["put.quote"].result,
  async run({ node, signal }, input) {
    const sizeBytes = await sizeOf(argument(input, 0, "the file or size"));
    const spread = optionChoice(input, "spread", spreads);
    const wanted = { sizeBytes, ...copiesAndTime(input), ...(spread === undefined ? {} : { spread }) };
    return (await node()).call("put.quote", wanted, signal);
  },
  render: (offer) => {
    const rows = offer.miners.map(({ chosen, miner, priceFil, reason, ...locked }) => [
      chosen ? "*" : "",
      miner,
      fil(priceFil),
      `${fil(locked.providerCollateralFil)}, ${fil(locked.clientCollateralFil)}`,
      reason,
    ]);
    const total = `${fil(offer.totalFil)} for ${plural(offer.durationEpochs, "round")}, at the miners marked with *`;
    return `${total}\n\n${table(["", "MINER", "PRICE", "IT LOCKS, YOU LOCK", "NOTE"], rows)}`;
  },
});

/** A file of this name, or else a size. */
async function sizeOf(text: string): Promise<number> {
  if (/^\d[\d.]*\s?[a-z]*$/i.test(text) && (await statOf(text)) === undefined) {
    const bytes = parseBytes(text);
    if (bytes < 1) throw cliErrors.badValue({ problem: "the size is zero: there is nothing to store" });
    return bytes;
  }
  if ((await statOf(text))?.isFolder === true) {
    const { sizeBytes } = await measureFolder(text, { skipHidden: false });
    if (sizeBytes > 0) return sizeBytes;
  }
  return sizeOfFile(text);
}

export const jobs = action({
  result: methods["put.ls"].result,
  run: async ({ node, signal }, input) => (await node()).call("put.ls", pageOf(input), signal),
  async render(list, context) {
    if (list.length === 0) {
      context.terminal.hint("no puts yet; store a file with `holdfast put FILE`");
      return "";
    }
    const time = await chainTime(context);
    const row = (job: PutView): string[] => [
      job.jobId,
      job.name ?? shortId(job.cid),
      sizeText(job.sizeBytes),
      job.state,
      `${time.age(job.startedAtMs)} ago`,
      fil(job.totalFil),
      jobDetail(job),
    ];
    return table(["JOB", "FILE", "SIZE", "STATE", "BEGAN", "PRICE", "DETAIL"], list.map(row));
  },
});

function jobDetail({ state, error, copies }: PutView): string {
  if (error !== null) return error.message;
  if (state !== "running") return plural(copies.length, "copy", "copies");
  return `next: ${[...new Set(copies.map(({ step }) => stepWords[step]))].join(", ")}`;
}
