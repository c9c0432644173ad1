/**
 * From sectors on the chain to a file that was really stored: each sector's first proof of spacetime after the
 * deal's start, then the whole file read back from this very miner and compared with what the deal names.
 */
import { HoldfastError } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { dealOn, heightOf, minerOn, peerOf, sectorOn } from "../facts.ts";
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
    const { miner } = attempt;
    const seen = look(context, id);
    if (gone.isGone("sector", seen.missing !== undefined, heightOf(chain))) {
      const detail = "it is not on the chain any more";
      throw marketErrors.sectorLost({ miner, sectorId: seen.missing ?? 0, detail });
    }
    if (seen.late !== undefined) {
      const detail = `it was not proven in ${periodsToFirstProof} proving periods`;
      throw marketErrors.sectorLost({ miner, sectorId: seen.late, detail });
    }
    const unproven = seen.evidence.filter((entry) => entry.firstProvenAt === null).length;
    const started = hasStarted(context, attempt);
    if (started && unproven === 0 && seen.missing === undefined) {
      const patch = { stage: "proven", remote: "active", evidence: seen.evidence } as const;
      return move(context, attempt, patch, "every sector was proven on the chain");
    }
    const endHeight = attempt.endHeight ?? 0;
    if (heightOf(chain) >= endHeight) throw marketErrors.endedUnproven({ miner, endHeight });
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

/** True once the deal is active on the chain. `market/not-in-time`, `market/deal-failed`. */
function hasStarted({ needs }: ClientContext, attempt: Attempt): boolean {
  const { miner, dealId, channel, startBy } = attempt;
  const { payer } = proposalOf(attempt);
  const deal = dealOn(needs.chain, { payer, channel: channel ?? -1, dealId: dealId ?? "" });
  if (deal?.status === "active") return true;
  const isOver = deal === undefined ? heightOf(needs.chain) > (startBy ?? 0) : deal.endedAt !== null;
  if (!isOver) return false;
  if (deal === undefined || deal.status === "late")
    throw marketErrors.notInTime({ miner, startBy: startBy ?? 0 });
  if (deal.status === "lost") {
    const [sectorId = 0] = deal.sectors;
    throw marketErrors.sectorLost({ miner, sectorId, detail: "a sector of the deal was given up" });
  }
  throw marketErrors.dealFailed({ miner, reason: `the deal on the chain is ${deal.status}` });
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
