/**
 * `put` as a person sees it: import, start the node's job, draw its checklist until it is done, leave the
 * receipt. The job lives in the node; this command may be killed and run again at any time.
 */
import { rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  type ApiClient,
  apiErrors,
  type ImportLayout,
  type MethodResult,
  methods,
  receiptDocument,
} from "@holdfast/api";
import { type ExitClass, HoldfastError } from "@holdfast/base";
import { z } from "zod";
import { checklist, type PutView } from "./checklist.ts";
import { confirmChunks, tellChunks } from "./chunk-cost.ts";
import type { CommandContext } from "./command.ts";
import { cliErrors, systemDetail } from "./errors.ts";
import { sizeText } from "./human-text.ts";
import { progressBar } from "./layout.ts";
import { checkFolderWritable } from "./local-file.ts";
import { digestOf, type PutSource, putSource, type SourceOptions } from "./put-source.ts";
import { checkReceiptPlace, receiptPlace } from "./receipt-place.ts";

export interface PutRequest extends SourceOptions {
  /** Files and folders; `-` alone is standard input. */
  readonly paths: readonly string[];
  readonly copies: number;
  readonly forMs: number;
  /** Only the holder of this node's key, and of these, can read it. */
  readonly encryptFor?: readonly string[] | undefined;
  /** As `ipfs add` lays it out with these options; undefined if that does not matter. */
  readonly layout?: ImportLayout | undefined;
  /** What chunks that are small cost is not asked about. */
  readonly isSure?: boolean;
  readonly spread?: "miners" | "operators" | undefined;
  readonly renew?: boolean;
  readonly repair?: boolean;
  readonly allowDuplicates?: boolean;
  /** How miners get the data. */
  readonly transfer?: string | undefined;
  /** An amount such as `0.5FIL`. */
  readonly maxPrice?: string;
  /** A repeat with the same key is the same job. */
  readonly key?: string;
  /**
   * What lies there and is no receipt of this file is refused, unless it is to be replaced. Default: the file's path
   * with `.receipt.json` behind it, of what has none the job's name in this folder; see receipt-place.ts.
   */
  readonly receiptPath?: string;
  /** Whatever lies at `receiptPath`. */
  readonly replacesReceipt?: boolean;
}

export const putOutcome = z.object({
  jobId: z.string(),
  cid: z.string(),
  receiptPath: z.string(),
  kind: z.enum(["file", "folder"]),
  receipt: receiptDocument,
});
export type PutOutcome = z.output<typeof putOutcome>;

/** A line of `put --json`: the job at every change, then the outcome. */
export const putLine = z.union([methods["put.watch"].result, putOutcome]);

/** The job at every change, and last the outcome. Errors: `cli/…` of the file, `api/…`, and the job's own. */
export async function* storeFile(
  context: CommandContext,
  request: PutRequest,
): AsyncIterable<PutView | PutOutcome> {
  const { terminal, signal } = context;
  const source = await putSource(request.paths, context.stdin, request);
  const isInput = request.paths[0] === "-";
  await confirmChunks(context, request.layout, { isSure: request.isSure ?? false, isInput });
  const named = request.replacesReceipt === true ? undefined : request.receiptPath;
  const receiptPath = request.receiptPath ?? source.receiptPath;
  if (named !== undefined) await checkReceiptPlace(named);
  await checkFolderWritable(dirname(resolve(receiptPath ?? "receipt")));
  const node = await context.node();
  const cid = await importAll(context, node, source, request);
  if (named !== undefined) await checkReceiptPlace(named, cid);
  const started = await node.call(
    "put.start",
    {
      cid,
      name: source.name,
      copies: request.copies,
      forMs: request.forMs,
      ...(request.spread === undefined ? {} : { spread: request.spread }),
      renew: request.renew ?? false,
      repair: request.repair ?? false,
      allowDuplicates: request.allowDuplicates ?? false,
      ...(request.transfer === undefined ? {} : { transfer: request.transfer }),
      ...(request.maxPrice === undefined ? {} : { maxPrice: request.maxPrice }),
      ...(request.key === undefined ? {} : { key: request.key }),
    },
    signal,
  );
  let last: PutView = started;
  using board = liveBoard(context, () => last, started);
  try {
    for await (const view of node.stream("put.watch", { jobId: started.jobId }, signal)) {
      last = view;
      board.draw();
      yield view;
    }
  } catch (cause) {
    throw signal.aborted ? cliErrors.interrupted({ jobId: started.jobId }, cause) : cause;
  }
  terminal.settle();
  if (last.state === "running") throw apiErrors.streamCut({ method: "put.watch" });
  if (last.state === "failed") throw failureOf(last);
  const wanted = receiptPath ?? `${last.jobId}.receipt.json`;
  const places = { wanted, isReplaced: request.replacesReceipt === true };
  yield { ...(await leaveReceipt(node, last, places, signal)), kind: source.kind };
}

async function importAll(
  context: CommandContext,
  node: ApiClient,
  source: PutSource,
  { encryptFor, layout }: Pick<PutRequest, "encryptFor" | "layout">,
): Promise<string> {
  const { terminal, signal } = context;
  const { sizeBytes, name, label } = source;
  const showing =
    (doing: string) =>
    (readBytes: number): void => {
      const all = sizeBytes === undefined ? "" : ` of ${sizeText(sizeBytes)}`;
      const bar = sizeBytes === undefined || sizeBytes === 0 ? "" : progressBar(readBytes / sizeBytes);
      terminal.live([[["cyan", bar], `  ${doing} ${name}: ${sizeText(readBytes)}${all}`]]);
    };
  const encrypt =
    encryptFor === undefined
      ? undefined
      : { recipients: encryptFor, sha256: await digestOf(source, showing("looking through")) };
  const bytes = source.open(showing(encrypt === undefined ? "reading" : "encrypting"));
  const how = { encrypt, layout };
  const made =
    source.kind === "folder"
      ? await node.importFolder(bytes, signal, how)
      : await node.importFile(bytes, signal, how);
  terminal.clear();
  tellChunks(context, layout, made);
  if (sizeBytes === undefined || made.sizeBytes === sizeBytes) return made.cid;
  throw cliErrors.fileChanged({ path: label, expectedBytes: sizeBytes, foundBytes: made.sizeBytes });
}

const redrawMs = 1000;

/** Redraws at every change and once a second: the clock shows that somebody is working. */
function liveBoard(
  { terminal }: CommandContext,
  view: () => PutView,
  started: PutView,
): Disposable & { draw(): void } {
  const sinceMs = performance.now() - Math.max(0, started.updatedAtMs - started.startedAtMs);
  const draw = (): void => terminal.live(checklist(view(), performance.now() - sinceMs));
  const timer = terminal.isLive ? setInterval(draw, redrawMs) : undefined;
  draw();
  return { draw, [Symbol.dispose]: () => clearInterval(timer) };
}

async function leaveReceipt(
  node: ApiClient,
  { jobId, cid }: PutView,
  { wanted, isReplaced }: { readonly wanted: string; readonly isReplaced: boolean },
  signal: AbortSignal,
): Promise<Omit<PutOutcome, "kind">> {
  const receipt: MethodResult<"put.receipt"> = await node.call("put.receipt", { jobId }, signal);
  const receiptPath = isReplaced ? wanted : await receiptPlace(wanted, { jobId, receipt });
  try {
    await writeFile(`${receiptPath}.part`, `${JSON.stringify(receipt, null, 2)}\n`);
    await rename(`${receiptPath}.part`, receiptPath);
  } catch (cause) {
    throw cliErrors.unwritable({ path: receiptPath, detail: systemDetail(cause) }, cause);
  }
  return { jobId, cid, receiptPath, receipt };
}

function failureOf(job: PutView): HoldfastError {
  const error = job.error ?? job.copies.find((copy) => copy.error !== null)?.error;
  return new HoldfastError({
    code: error?.code ?? "put/failed",
    message: error?.message ?? "the file could not be stored",
    fix: error?.fix ?? `ask \`holdfast why ${job.jobId}\``,
    exit: exitOf(error?.code ?? ""),
    data: { jobId: job.jobId },
  });
}

/** A job's errors arrive as text; what each is about is in its code. */
const exitWords: readonly (readonly [RegExp, ExitClass])[] = [
  [/funds|price|balance/, "funds"],
  [/timeout|not-in-time|silent|late|expired/, "timeout"],
  [/claim|lost|read-back|differs|wrong-length|corrupt|proof/, "proof-invalid"],
  [/not-imported|unknown/, "not-found"],
  [/unreachable|no-provider|bad-answer/, "network"],
  [/no-miners|too-few|closed|busy|full/, "retry-later"],
  [/out-of-range/, "usage"],
];

function exitOf(code: string): ExitClass {
  return exitWords.find(([words]) => words.test(code))?.[1] ?? "refused";
}
