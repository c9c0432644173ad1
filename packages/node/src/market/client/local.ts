/** The client's own file: its pieces, computed once for each size of sector and kept. */
import { type CID, HoldfastError, parseCid } from "@holdfast/base";
import type { DealPiece } from "../deal.ts";
import { marketErrors } from "../errors.ts";
import { commitSlices } from "../pieces.ts";
import { sliceForSectors } from "../terms.ts";
import { type ClientContext, jobById, note } from "./context.ts";
import type { Attempt } from "./store.ts";

export function payloadOf(context: ClientContext, attempt: Pick<Attempt, "jobId">): CID {
  return parseCid(jobById(context, attempt.jobId).cid);
}

/** The pieces of an attempt. `market/not-imported` when the file is not (or not any more) here as a whole. */
export async function ensurePieces(
  context: ClientContext,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<readonly DealPiece[]> {
  const { store, needs } = context;
  const { cid, carBytes } = jobById(context, attempt.jobId);
  const known = store.pieces(cid, attempt.sectorBytes);
  if (known !== undefined) return known;
  note(context, attempt, "computing the piece commitments");
  const slices = sliceForSectors(carBytes, attempt.sectorBytes);
  try {
    const pieces = await commitSlices(needs.files.carStream(parseCid(cid), 0), slices, signal);
    store.savePieces(cid, attempt.sectorBytes, pieces);
    return pieces;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    throw marketErrors.notImported({ cid, detail: error.message }, error);
  }
}
