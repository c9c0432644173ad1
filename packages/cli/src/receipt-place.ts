/**
 * Where the receipt of a put is left. A receipt says which deals hold a file, and a later put of the same file has
 * others: so one is replaced only by itself, and another lies beside it under the name of its job. What was named and
 * is no receipt of this file is refused before anything is stored.
 */
import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { receiptDocument } from "@holdfast/api";
import type { z } from "zod";
import { cliErrors } from "./errors.ts";

type Receipt = z.output<typeof receiptDocument>;

export interface ReceiptOf {
  readonly jobId: string;
  readonly receipt: Receipt;
}

const usualEnding = ".receipt.json";
/** A receipt of ten thousand sectors is some megabytes. */
const mostBytes = 64 * 2 ** 20;

/** The first name that is free or this receipt's own: what was wanted, and others made of it. */
export async function receiptPlace(wanted: string, { jobId, receipt }: ReceiptOf): Promise<string> {
  const ending = wanted.endsWith(usualEnding) ? usualEnding : extname(wanted);
  const name = wanted.slice(0, wanted.length - ending.length);
  const [deal = jobId] = dealsOf(receipt);
  const named = name.endsWith(jobId) ? [] : [`${name}.${jobId}${ending}`];
  for (const path of [wanted, ...named]) if (await isFreeFor(path, receipt)) return path;
  return `${name}.${deal}${ending}`; // no other put has this deal
}

/**
 * Throws cli/receipt-exists where what lies there is somebody else's file, or the receipt of another one than `cid`,
 * once that is known.
 */
export async function checkReceiptPlace(path: string, cid?: string): Promise<void> {
  const there = await receiptAt(path);
  if (there === "nothing") return;
  if (there === "other") throw cliErrors.receiptExists({ path, what: "a file that is no receipt" });
  if (cid !== undefined && there.cid !== cid)
    throw cliErrors.receiptExists({ path, what: "the receipt of another file" });
}

async function isFreeFor(path: string, receipt: Receipt): Promise<boolean> {
  const there = await receiptAt(path);
  if (typeof there === "string") return there === "nothing";
  return there.cid === receipt.cid && dealsOf(there).join() === dealsOf(receipt).join();
}

async function receiptAt(path: string): Promise<Receipt | "nothing" | "other"> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > mostBytes) return "other";
    return receiptDocument.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ENOENT" ? "nothing" : "other";
  }
}

function dealsOf({ copies }: Receipt): string[] {
  return copies.map(({ dealId }) => dealId).sort();
}
