/** The first part of every seal: the data come in, and their tree is built and written. */
import { proofsErrors } from "../errors.ts";
import { type Commitment, nodeBytes, rowsLength, sha254Hasher, startRows } from "../merkle/index.ts";
import type { SealInput, Writes } from "../seal-io/index.ts";
import { awaited, passSteps, type Steps } from "../steps/index.ts";
import { topByteMask } from "./identity.ts";

/** Data that are asked for at once: whole blocks of Fr32. */
const chunkBytes = 2 ** 20;

function checkPadded(data: Uint8Array, firstNode: number): void {
  for (let at = nodeBytes - 1; at < data.length; at += nodeBytes) {
    if ((data[at] as number) <= topByteMask) continue;
    throw proofsErrors.notPadded({ node: firstNode + (at + 1) / nodeBytes - 1 });
  }
}

export interface DataRoom {
  /** Room for the sector; holds its data afterwards, which are being written. */
  readonly data: Uint8Array;
  /** As much room again, for the rows, which are being written. */
  readonly rows: Uint8Array;
  readonly writes: Writes;
}

/** Reads the data and commits to them. Throws proofs/not-padded, the input's errors. */
export function* commitData(input: SealInput, { data, rows, writes }: DataRoom): Steps<Commitment> {
  for (let from = 0; from < data.length; from += chunkBytes) {
    const chunk = data.subarray(from, from + chunkBytes);
    yield* awaited(input.read(from, chunk));
    checkPadded(chunk, from / nodeBytes);
    yield 0;
  }
  const own = rows.subarray(0, rowsLength(sha254Hasher, data.length / nodeBytes));
  const tree = startRows(sha254Hasher, data, own);
  writes.start(0, data);
  yield* passSteps(tree);
  writes.start(data.length, own, rows);
  return own.slice(own.length - nodeBytes);
}
