/**
 * Whether miners give back what they prove. Once in a proving period a block at a random place of each kept copy is
 * asked for, as a reader would, and for nothing: a miner gives its client what it stores for it. Two misses in a row
 * mean that it does not serve. What says nothing of the miner (it is busy for once, this node reaches nobody, it does
 * not know this node as its client) counts neither way; who is busy each time serves nobody, and so does who drips.
 * The place is drawn from a signature, so that nobody foresees it.
 */
import { blake2b256, HoldfastError, utf8Bytes } from "@holdfast/base";
import { withDeadline } from "../../framing.ts";
import { limits } from "../../limits.ts";
import { heightOf, minerOn, peerOf } from "../facts.ts";
import { Turns } from "../tasks.ts";
import { epochsIn } from "../terms.ts";
import type { Audit } from "./audit-store.ts";
import { type ClientContext, jobById, jobIdOf } from "./context.ts";
import { proposalOf } from "./follow.ts";
import { payloadOf } from "./local.ts";
import type { Attempt } from "./store.ts";

/** So many in a row. */
const mostMisses = 2;
/** So many in a row say nothing. */
const mostBusy = 3;

export class Audits {
  readonly #context: ClientContext;
  readonly #turns = new Turns(limits.runningAudits);
  /** One at a time of each miner: whoever is slow holds up its own copies alone. */
  readonly #ofMiner = new Map<string, Turns>();
  /** Called when what is thought of a copy has changed. */
  readonly #judged: (jobId: number) => void;

  constructor(context: ClientContext, judged: (jobId: number) => void) {
    this.#context = context;
    this.#judged = judged;
  }

  /** Asks for a block of the copy, if its time has come; a miss is tried again sooner. */
  look(attempt: Attempt): void {
    const { needs, audits, tasks } = this.#context;
    const { params } = needs.chain;
    const last = audits.of(attempt.id);
    const period = epochsIn(params, limits.auditPauseMs, params.provingPeriodEpochs);
    const isServed = (last?.misses ?? 0) + (last?.busy ?? 0) === 0;
    const pause = isServed ? period : Math.ceil(period / 4);
    const from = last?.height ?? attempt.doneHeight ?? 0;
    if (heightOf(needs.chain) < from + pause) return;
    const own = this.#ofMiner.get(attempt.miner) ?? new Turns(1);
    this.#ofMiner.set(attempt.miner, own);
    tasks.start(`audit/${attempt.id}`, (signal) =>
      own.run(signal, () => this.#turns.run(signal, () => this.#audit(attempt, signal))),
    );
  }

  async #audit(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const { needs, audits } = this.#context;
    const before = audits.of(attempt.id);
    const problem = await sample(this.#context, attempt, signal);
    const height = heightOf(needs.chain);
    const after = auditAfter(before, problem, height);
    audits.set(attempt.id, after);
    if (after.misses > 0) {
      const said = { deal: attempt.dealId ?? "", miner: attempt.miner, detail: after.detail };
      needs.logger.warn("a miner gives no part of a stored file", said);
    }
    if (isFailed(before) !== isFailed(after)) this.#judged(attempt.jobId);
  }
}

function auditAfter(
  before: Audit | undefined,
  problem: HoldfastError | "unknown" | undefined,
  height: number,
): Audit {
  const { servedHeight = null, misses = 0, detail = "", busy = 0 } = before ?? {};
  if (problem === undefined) return { height, servedHeight: height, misses: 0, detail: "", busy: 0 };
  if (problem === "unknown") return { height, servedHeight, misses, detail, busy };
  const isBusy = problem.code === "retrieval/busy";
  const now = { height, servedHeight, busy: isBusy ? busy + 1 : 0 };
  if (isBusy && busy < mostBusy) return { ...now, misses, detail };
  return { ...now, misses: misses + 1, detail: problem.message };
}

function isFailed(audit: Audit | undefined): boolean {
  return (audit?.misses ?? 0) >= mostMisses;
}

/** Why the miner of a copy is taken not to serve it; undefined if it is not. */
export function unservedText({ audits }: ClientContext, attempt: Attempt): string | undefined {
  const audit = audits.of(attempt.id);
  if (audit === undefined || !isFailed(audit)) return undefined;
  return `the miner ${attempt.miner} proves it and does not give it back: ${audit.detail}`;
}

/** What helps then. */
export function repairFix(jobId: number): string {
  return `to have another copy made: \`holdfast keep set ${jobIdOf(jobId)} --repair yes\``;
}

/** For who asks why; undefined before the first try. */
export function auditText({ audits }: ClientContext, attempt: Attempt): string | undefined {
  const audit = audits.of(attempt.id);
  if (audit === undefined) return undefined;
  const { height, servedHeight, misses, detail } = audit;
  const served = servedHeight === null ? "it has not been given yet" : `last given at ${servedHeight}`;
  const missed = misses === 0 ? "" : `; ${misses === 1 ? "one try" : `${misses} tries`} in vain: ${detail}`;
  return `a random part of it was asked for at ${height}: ${served}${missed}`;
}

/** Undefined if it was given; unknown: that says nothing of the miner. */
async function sample(
  context: ClientContext,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<HoldfastError | "unknown" | undefined> {
  const { chain, clock, retrieval, signer, wire } = context.needs;
  const miner = minerOn(chain, attempt.miner);
  const { payer } = jobById(context, attempt.jobId);
  if (miner === undefined || !signer.has(payer)) return "unknown";
  const ticket = chain.headState().tipset.key;
  const drawn = signer.sign(payer, utf8Bytes(`holdfast audit ${attempt.dealId ?? ""} ${ticket}`));
  try {
    const options = { timeoutMs: limits.auditMs, protocol: "audit", outer: signal };
    await withDeadline(clock, options, (ending) =>
      retrieval.sample(peerOf(miner), payloadOf(context, attempt), drawsOf(drawn), ending),
    );
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    const isStranger = proposalOf(attempt).clientPeer !== wire.self;
    const saysNothing = error.code === "retrieval/unpaid" && isStranger;
    return saysNothing || wire.peers().length === 0 ? "unknown" : error;
  }
}

const twoTo32 = 2 ** 32;

/** From 0 to below 1, one after the other. */
function drawsOf(seed: Uint8Array): () => number {
  let hash = seed;
  return () => {
    hash = blake2b256(hash);
    return new DataView(hash.buffer, hash.byteOffset).getUint32(0) / twoTo32;
  };
}
