/**
 * From sectors on the chain to a file that was really stored: each sector's first proof of spacetime after the
 * deal's start, then the whole file read back from this very miner and compared with what the deal names.
 */
import { HoldfastError } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { dealOn, heightOf, minerOn, peerOf, sectorOn } from "../facts.ts";
import { judgeCommitted } from "../machine/client.ts";
import { differenceToPieces } from "../pieces.ts";
import { Backoff, Missing, nextHead } from "../tasks.ts";
import { attemptById, type ClientContext, move, note } from "./context.ts";
import { proposalOf } from "./follow.ts";
import { payloadOf } from "./local.ts";
import type { Attempt, Evidence } from "./store.ts";

/** Proving periods in which a new sector must have been proven once: so long the chain itself keeps a faulty one. */
const periodsToFirstProof = 14;

/** committed → proven. `market/sector-lost`, `market/ended-unproven`. */
export async function awaitProofs(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { chain } = context.needs;
  const gone = new Missing<"sector">(limits.dealWaitRounds);
  for (;;) {
    const attempt = attemptById(context, id);
    const seen = look(context, id);
    const isGone = gone.isGone("sector", seen.missing !== undefined, heightOf(chain));
    const unproven = seen.evidence.filter((entry) => entry.firstProvenAt === null).length;
    const verdict = judgeCommitted({
      chain: chainOf(context, attempt),
      height: heightOf(chain),
      startBy: attempt.startBy ?? 0,
      endHeight: attempt.endHeight ?? 0,
      unproven,
      isLost: isGone || seen.late !== undefined,
      isMissing: seen.missing !== undefined,
    });
    if (verdict === "proven") {
      const patch = { stage: "proven", remote: "active", evidence: seen.evidence } as const;
      return move(context, attempt, patch, "every sector was proven on the chain");
    }
    if (verdict !== "wait")
      throw endOf(context, attempt, verdict, isGone ? { ...seen, late: undefined } : seen);
    if (seen.changed) context.store.updateAttempt(id, { evidence: seen.evidence });
    note(
      context,
      attempt,
      unproven === 0
        ? "the miner has yet to start the deal on the chain"
        : `pieces that wait for the first proof of their sector: ${unproven} of ${seen.evidence.length}`,
    );
    await nextHead(chain, signal);
  }
}

function chainOf({ needs }: ClientContext, attempt: Attempt) {
  const { dealId, channel } = attempt;
  const { payer } = proposalOf(attempt);
  return dealOn(needs.chain, { payer, channel: channel ?? -1, dealId: dealId ?? "" });
}

/** Why an attempt comes to its end here. */
function endOf(
  context: ClientContext,
  attempt: Attempt,
  verdict: Exclude<ReturnType<typeof judgeCommitted>, "wait" | "proven">,
  { missing, late }: Seen,
): HoldfastError {
  const { miner, startBy, endHeight } = attempt;
  const deal = chainOf(context, attempt);
  if (verdict === "not in time") return marketErrors.notInTime({ miner, startBy: startBy ?? 0 });
  if (verdict === "ended unproven") return marketErrors.endedUnproven({ miner, endHeight: endHeight ?? 0 });
  if (verdict === "over")
    return marketErrors.dealFailed({ miner, reason: `the deal on the chain is ${deal?.status}` });
  const sectorId = missing ?? late ?? deal?.sectors[0] ?? 0;
  const unproven = `it was not proven in ${periodsToFirstProof} proving periods`;
  const gone =
    missing === undefined ? "a sector of the deal was given up" : "it is not on the chain any more";
  return marketErrors.sectorLost({ miner, sectorId, detail: late === undefined ? gone : unproven });
}

interface Seen {
  readonly evidence: readonly Evidence[];
  readonly changed: boolean;
  readonly missing: number | undefined;
  readonly late: number | undefined;
}

function look(context: ClientContext, id: number): Seen {
  const { chain } = context.needs;
  const { evidence, miner, startHeight } = attemptById(context, id);
  const lateAfter = periodsToFirstProof * chain.params.provingPeriodEpochs;
  let changed = false;
  let missing: number | undefined;
  let late: number | undefined;
  const next = (evidence ?? []).map((entry) => {
    const sector = sectorOn(chain, miner, entry.sectorId);
    if (sector === undefined) missing = entry.sectorId;
    const { lastProven = null } = sector ?? {};
    if (entry.firstProvenAt !== null || sector === undefined) return entry;
    if (lastProven !== null && lastProven >= (startHeight ?? 0)) {
      changed = true;
      return { ...entry, firstProvenAt: lastProven };
    }
    if (heightOf(chain) > sector.activatedAt + lateAfter) late = entry.sectorId;
    return entry;
  });
  return { evidence: next, changed, missing, late };
}

/** proven → done. `market/read-back-failed`. */
export async function readBack(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { chain, clock } = context.needs;
  const backoff = new Backoff(
    clock,
    Math.max(limits.dealRetryMs, chain.params.roundMs),
    limits.dealRetryMaxMs,
  );
  for (let tries = 1; ; tries += 1) {
    const attempt = attemptById(context, id);
    note(context, attempt, "reading the file back");
    const problem = await compare(context, id, signal);
    if (problem === undefined) {
      const patch = { stage: "done", doneHeight: heightOf(chain) } as const;
      return move(context, attempt, patch, "read back and compared: every byte is there");
    }
    const { miner } = attempt;
    if (tries >= limits.readBackAttempts) throw marketErrors.readBackFailed({ miner, detail: problem });
    note(context, attempt, `reading back failed and is tried again: ${problem}`);
    await backoff.pause(signal);
  }
}

async function compare(context: ClientContext, id: number, signal: AbortSignal): Promise<string | undefined> {
  const { chain, retrieval } = context.needs;
  const attempt = attemptById(context, id);
  const facts = minerOn(chain, attempt.miner);
  if (facts === undefined) return "the miner is not on the chain any more";
  try {
    const stream = retrieval.carFrom(peerOf(facts), payloadOf(context, attempt), signal);
    return await differenceToPieces(stream, proposalOf(attempt).pieces, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    return error.message;
  }
}
