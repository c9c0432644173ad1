/**
 * `put` as a person sees it: import, start the node's job, draw its checklist until it is done, leave
 * the receipt. The job lives in the node; this command may be killed and run again at any time.
 */
import { createReadStream } from "node:fs";
import { rename, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import type { ApiClient, MethodResult } from "@holdfast/api";
import { putSteps } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import type { CommandContext } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { fil, sizeText } from "./human-text.ts";
import { progressBar, type Terminal } from "./terminal.ts";

type PutView = MethodResult<"put.watch">;
type PutCopy = PutView["copies"][number];

export interface PutRequest {
  readonly path: string;
  readonly copies: number;
  readonly forMs: number;
  readonly maxPrice?: string;
  readonly receiptPath?: string;
}

export interface PutOutcome {
  readonly jobId: string;
  readonly cid: string;
  readonly receiptPath: string;
  readonly receipt: MethodResult<"put.receipt">;
}

export async function* storeFile(context: CommandContext, request: PutRequest): AsyncIterable<PutView | PutOutcome> {
  await checkFile(request.path);
  const { terminal, signal } = context;
  const node = await context.node();
  const file = await node.importFile(createReadStream(request.path, { signal }), signal);
  const started = await node.call(
    "put.start",
    {
      cid: file.cid,
      name: basename(request.path),
      copies: request.copies,
      forMs: request.forMs,
      ...(request.maxPrice === undefined ? {} : { maxPrice: request.maxPrice }),
    },
    signal,
  );
  let last = started;
  for await (const view of node.stream("put.watch", { jobId: started.jobId }, signal)) {
    last = view;
    if (context.json) yield view;
    else terminal.live(checklist(view, terminal));
  }
  terminal.settle();
  if (last.state === "failed") throw failureOf(last);
  yield await leaveReceipt(node, last, request, signal);
}

async function leaveReceipt(
  node: ApiClient,
  job: PutView,
  request: PutRequest,
  signal: AbortSignal,
): Promise<PutOutcome> {
  const receipt = await node.call("put.receipt", { jobId: job.jobId }, signal);
  const receiptPath = request.receiptPath ?? `${request.path}.receipt.json`;
  try {
    await writeFile(`${receiptPath}.next`, `${JSON.stringify(receipt, null, 2)}\n`);
    await rename(`${receiptPath}.next`, receiptPath);
  } catch (cause) {
    throw cliErrors.unwritable({ path: receiptPath, detail: cause instanceof Error ? cause.message : String(cause) }, cause);
  }
  return { jobId: job.jobId, cid: job.cid, receiptPath, receipt };
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

/** The job's errors arrive as text; money and time have exit codes of their own. */
function exitOf(code: string): "funds" | "timeout" | "refused" {
  if (/funds|balance|price/.test(code)) return "funds";
  return /timeout|late|expired/.test(code) ? "timeout" : "refused";
}

async function checkFile(path: string): Promise<void> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(path);
  } catch (cause) {
    throw cliErrors.fileMissing({ path }, cause);
  }
  if (!found.isFile()) throw cliErrors.notAFile({ path });
  if (found.size === 0) throw cliErrors.fileEmpty({ path });
}

const stepWords: { readonly [Step in (typeof putSteps)[number]]: string } = {
  imported: "read in",
  quoted: "price known",
  funded: "payment channel funded",
  proposed: "deal accepted",
  transferred: "bytes transferred",
  sealed: "sealed",
  committed: "commitment on the chain",
  proven: "first proofs on the chain",
  "read-back": "read back and compared",
};

/** Lines of the live checklist. */
export function checklist(view: PutView, terminal: Terminal): string[] {
  const head = `${view.name ?? view.cid}  ${sizeText(view.sizeBytes)}  ${fil(view.totalFil)}`;
  return [terminal.paint("bold", head), ...view.copies.flatMap((copy, index) => copyLines(copy, index, terminal))];
}

function copyLines(copy: PutCopy, index: number, terminal: Terminal): string[] {
  const lines = [`copy ${index + 1} at ${copy.miner}  ${progressBar(copy.progressRatio)}`];
  for (const step of putSteps) {
    if (copy.stepsDone.includes(step)) lines.push(`  ${terminal.paint("green", "✓")} ${stepWords[step]}`);
    else if (copy.step === step && copy.error === null) {
      lines.push(`  ${terminal.paint("yellow", "…")} ${stepWords[step]}${copy.detail === "" ? "" : `: ${copy.detail}`}`);
    } else lines.push(terminal.paint("dim", `  · ${stepWords[step]}`));
  }
  if (copy.error !== null) lines.push(`  ${terminal.paint("red", "✗")} ${copy.error.message}`);
  return lines;
}
