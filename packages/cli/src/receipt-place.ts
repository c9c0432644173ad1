/**
 * Where the receipt of a put is left. A receipt says which deals hold a file, and a later put of the same file has
 * others: so one is replaced only by itself, and another lies beside it under the name of its job.
 */
import { readFile } from "node:fs/promises";
import { receiptDocument } from "@holdfast/api";
import type { z } from "zod";

type Receipt = z.output<typeof receiptDocument>;

export interface ReceiptOf {
  readonly jobId: string;
  readonly receipt: Receipt;
}

const ending = ".receipt.json";

/** `wanted` is `NAME.receipt.json`; the first name that is free or this receipt's own. */
export async function receiptPlace(wanted: string, { jobId, receipt }: ReceiptOf): Promise<string> {
  const name = wanted.slice(0, -ending.length);
  const [deal = jobId] = dealsOf(receipt);
  const named = name.endsWith(jobId) ? [] : [`${name}.${jobId}${ending}`];
  for (const path of [wanted, ...named]) if (await isFreeFor(path, receipt)) return path;
  return `${name}.${deal}${ending}`; // no other put has this deal
}

async function isFreeFor(path: string, receipt: Receipt): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  }
  try {
    const there = receiptDocument.parse(JSON.parse(text));
    return there.cid === receipt.cid && dealsOf(there).join() === dealsOf(receipt).join();
  } catch {
    return false; // somebody else's file
  }
}

function dealsOf({ copies }: Receipt): string[] {
  return copies.map(({ dealId }) => dealId).sort();
}
