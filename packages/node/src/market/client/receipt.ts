/** What a person keeps of a finished put: enough to check every copy later against the chain, without this node. */
import { addAtto, assert, filText, toHex } from "@holdfast/base";
import { pieceCid } from "@holdfast/proofs";
import { marketErrors } from "../errors.ts";
import type { PutReceipt } from "../types.ts";
import { isHolder } from "./attempt-health.ts";
import { type ClientContext, jobIdOf } from "./context.ts";
import { proposalOf } from "./follow.ts";
import type { Attempt, JobRow } from "./store.ts";

/** `market/not-done` before every copy was read back. */
export function receiptOf(context: ClientContext, job: JobRow): PutReceipt {
  if (job.state !== "done") throw marketErrors.notDone({ jobId: jobIdOf(job.id), state: job.state });
  const done = context.store.attemptsOf(job.id).filter(({ doneHeight }) => doneHeight !== null);
  // Of each copy's place the newest that was read back: that which was replaced meanwhile is told of no more.
  const copies = Array.from({ length: job.copies }, (_none, copy) => {
    const own = done.filter((attempt) => attempt.copy === copy);
    const newest = own.findLast(isHolder) ?? own.at(-1);
    assert(newest !== undefined, "a job is done when all its copies are");
    return newest;
  });
  return {
    version: 1,
    network: context.needs.chain.params.name,
    cid: job.cid,
    name: job.name,
    sizeBytes: job.sizeBytes,
    carBytes: job.carBytes,
    ...(job.encrypted ? { encrypted: true } : {}),
    storedAtHeight: Math.max(...copies.map(({ doneHeight }) => doneHeight ?? 0)),
    storedUntilHeight: Math.min(...copies.map(({ endHeight }) => endHeight ?? 0)),
    totalFil: filText(addAtto(...copies.map(({ total }) => total))),
    copies: copies.map(copyOf),
  };
}

function copyOf(attempt: Attempt): PutReceipt["copies"][number] {
  const { pieces } = proposalOf(attempt);
  return {
    miner: attempt.miner,
    dealId: attempt.dealId ?? "",
    channelId: attempt.channel ?? 0,
    pieces: (attempt.evidence ?? []).map(({ sectorId, proof, commD, commR, firstProvenAt }, index) => {
      const piece = pieces[index];
      assert(piece !== undefined && firstProvenAt !== null, "a done copy has a proven sector for each piece");
      return {
        pieceCid: pieceCid(piece.commP).toString(),
        paddedBytes: piece.paddedBytes,
        sectorId,
        commD: toHex(commD),
        commR: toHex(commR),
        inclusionProofHex: toHex(proof),
        firstProvenAt,
      };
    }),
  };
}
