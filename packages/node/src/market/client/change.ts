/**
 * Changing a deal that is under way, the client's side. The miner is asked before anything is paid, because what it
 * refuses by policy needs no money; then the channel gets what the longer life costs and the market the collateral;
 * then the miner is asked again, and brings the change onto the chain by itself. What is on disk decides where a change
 * goes on, so one that was killed anywhere is just started again.
 */
import { attoFil, encode, epoch, filText, HoldfastError, maxAtto } from "@holdfast/base";
import { type Deal as ChainDeal, exitCodeMeaning, methods } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import {
  type Amendment,
  type AmendmentAnswer,
  amendmentAnswerCodec,
  amendmentCodec,
  amendmentIdOf,
  amendProtocol,
  isAmendmentAnswerSigned,
} from "../amendment.ts";
import { marketErrors } from "../errors.ts";
import { channelOn, dealOn, freeEscrowOf, heightOf, minerOn, peerOf } from "../facts.ts";
import { ask } from "../talk.ts";
import { Backoff, nextHead } from "../tasks.ts";
import { settlementEpochs, silenceMs } from "../terms.ts";
import type { ChangeRequest, DealChange } from "../types.ts";
import type { Change, ChangePatch } from "./change-store.ts";
import {
  changeableDeal,
  channelOfAttempt,
  extensionTerms,
  releaseTerms,
  signedChange,
} from "./change-terms.ts";
import { amendmentOf, changeView } from "./change-views.ts";
import { attemptById, type ClientContext, errorText, jobById } from "./context.ts";
import { settleMessage } from "./fund.ts";
import type { Attempt } from "./store.ts";

/** Refusals that only say that the money is not there yet: before it was paid, that is a yes. */
const wantsMoney = new Set(["deal/channel-funds", "deal/channel-ends-too-early", "deal/collateral-missing"]);
/** Refusals that pass by themselves. */
const passing = new Set([
  "deal/busy",
  "deal/catching-up",
  "deal/channel-not-found",
  "deal/amendment-pending",
]);
/** Rounds after its last height in which a change may still turn out to be on the chain. */
const graceRounds = 10;

/** Writes a change down and starts it; one that is under way, or has the same key, is attached to. */
export function startChange(context: ClientContext, attempt: Attempt, request: ChangeRequest): DealChange {
  const { changes, needs } = context;
  const { kind, key = null } = request;
  const known = key === null ? undefined : changes.byKey(key);
  if (known !== undefined) {
    const isSame = known.attemptId === attempt.id && known.kind === kind;
    if (!isSame) throw marketErrors.keyReused({ key: key ?? "" });
    return changeView(known);
  }
  const onChain = changeableDeal(context, attempt);
  const terms =
    kind === "extend"
      ? extensionTerms(context, attempt, onChain, { ...request, endHeight: request.endHeight ?? 0 })
      : releaseTerms(context, attempt, onChain);
  const running = changes.of(attempt.id).find(({ state }) => state !== "done" && state !== "failed");
  if (running !== undefined) {
    if (running.kind === kind && running.endHeight === terms.endHeight) return changeView(running);
    const reason = "another change of it is under way";
    throw marketErrors.notChangeable({ dealId: attempt.dealId ?? "", reason });
  }
  const detail = "the miner is asked";
  const id = changes.add({ attemptId: attempt.id, kind, key, ...terms, detail });
  needs.logger.info("change of a deal asked for", { deal: attempt.dealId ?? "", kind });
  resumeChange(context, id);
  return changeView(changeById(context, id));
}

function changeById({ changes }: ClientContext, id: number): Change {
  const change = changes.get(id);
  if (change === undefined)
    throw marketErrors.notChangeable({ dealId: "", reason: "it was never asked for" });
  return change;
}

/** Goes on with every change that is not over; called at each head. */
export function lookAtChanges(context: ClientContext): void {
  const { chain } = context.needs;
  // A miner may say no and make use of the signature all the same.
  const since = heightOf(chain) - chain.params.finalityEpochs;
  for (const { id } of context.changes.open(since)) resumeChange(context, id);
}

function resumeChange(context: ClientContext, id: number): void {
  context.tasks.start(`change/${id}`, (signal) => run(context, id, signal));
}

async function run(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      const { state } = changeById(context, id);
      if (state === "accepted" || state === "done" || state === "failed") break;
      if (judge(context, id)) break;
      if (state === "paying") await pay(context, id, signal);
      else await deliver(context, id, signal);
    }
    judge(context, id);
    if (changeById(context, id).state === "failed") await takeBack(context, id, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    // A full pool or disk passes with a later head; what is wrong with the change does not.
    if (error.exit === "retry-later" || error.exit === "network") return;
    set(context, id, { state: "failed", code: error.code, detail: errorText(error).message });
  }
}

function set(context: ClientContext, id: number, patch: ChangePatch): void {
  context.changes.update(id, patch);
  context.changed(attemptById(context, changeById(context, id).attemptId).jobId);
}

function onChainOf({ needs }: ClientContext, attempt: Attempt, payer: ChainDeal["signer"]) {
  const { channel, dealId } = attempt;
  if (channel === null || dealId === null) return undefined;
  return dealOn(needs.chain, { payer, channel, dealId });
}

/** What the chain says of it: true when it is over. */
function judge(context: ClientContext, id: number): boolean {
  const { store, needs } = context;
  const change = changeById(context, id);
  const { kind, endHeight, validUntil, state } = change;
  if (state === "done") return true;
  const attempt = attemptById(context, change.attemptId);
  const onChain = onChainOf(context, attempt, jobById(context, attempt.jobId).payer);
  const isMade = kind === "extend" ? (onChain?.endHeight ?? 0) >= endHeight : onChain?.status === "released";
  if (isMade && onChain !== undefined && change.amendment !== null) {
    const end = kind === "extend" ? endHeight : Math.min(endHeight, onChain.endedAt ?? endHeight);
    const detail =
      kind === "extend"
        ? `the deal goes on until ${end}, for ${filText(change.total)} FIL in all`
        : `both sides ended the deal at ${end}; ${filText(change.total)} FIL are paid in all`;
    const entry = { atMs: needs.clock.nowMs(), state: kind === "extend" ? "extended" : "released", detail };
    store.transaction(() => {
      const patch = { endHeight: end, total: change.total, collateral: change.collateral, detail };
      store.updateAttempt(attempt.id, patch, entry);
      set(context, id, { state: "done", code: "", detail });
    });
    return true;
  }
  if (state === "failed") return true;
  const isLate = heightOf(needs.chain) > validUntil + graceRounds;
  if (!isLate && onChain?.endedAt === null) return false;
  if (!isLate && onChain === undefined) return false; // a reorganisation, for some rounds
  const reason = isLate ? `it was not on the chain by ${validUntil}` : `the deal is ${onChain?.status}`;
  set(context, id, { state: "failed", code: "market/not-in-time", detail: reason });
  return true;
}

/** The signed change is on disk before it is sent. */
function ensureAmendment(context: ClientContext, change: Change, attempt: Attempt): Amendment {
  const known = amendmentOf(change);
  if (known !== undefined) return known;
  const amendment = signedChange(context, attempt, change, changeableDeal(context, attempt));
  context.changes.update(change.id, { amendment: encode(amendmentCodec, amendment) });
  return amendment;
}

/** asking → paying or accepted; proposing → accepted. One answer; a later head asks again. */
async function deliver(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { clock, chain } = context.needs;
  const startMs = clock.nowMs();
  const backoff = new Backoff(
    clock,
    Math.max(limits.dealRetryMs, chain.params.roundMs),
    limits.dealRetryMaxMs,
  );
  for (;;) {
    const change = changeById(context, id);
    const attempt = attemptById(context, change.attemptId);
    const answer = await question(context, attempt, ensureAmendment(context, change, attempt), signal);
    if (answer?.isAccepted === true) {
      return set(context, id, {
        state: "accepted",
        detail: "the miner has taken it; it is on its way to the chain",
      });
    }
    if (answer !== undefined && wantsMoney.has(answer.code) && change.state === "asking") {
      return set(context, id, { state: "paying", detail: "the miner would take it; it is being paid" });
    }
    const waits = answer !== undefined && (passing.has(answer.code) || wantsMoney.has(answer.code));
    if (answer !== undefined && !waits) {
      return set(context, id, { state: "failed", code: answer.code, detail: answer.message });
    }
    if (change.state === "asking" && clock.nowMs() - startMs >= silenceMs(chain.params)) {
      const silent = marketErrors.silent({ miner: attempt.miner, silentMs: clock.nowMs() - startMs });
      const [code, detail] =
        answer === undefined ? [silent.code, silent.message] : [answer.code, answer.message];
      return set(context, id, { state: "failed", code, detail });
    }
    if (judge(context, id)) return;
    await backoff.pause(signal);
  }
}

async function question(
  { needs }: ClientContext,
  { miner }: Attempt,
  amendment: Amendment,
  signal: AbortSignal,
): Promise<AmendmentAnswer | undefined> {
  const facts = minerOn(needs.chain, miner);
  if (facts === undefined) return undefined;
  const to = {
    peer: peerOf(facts),
    protocol: amendProtocol,
    question: amendmentCodec,
    answer: amendmentAnswerCodec,
    timeoutMs: limits.requestTimeoutMs,
  };
  try {
    const answer = await ask(needs, to, amendment, signal);
    const isHonest =
      isAmendmentAnswerSigned(answer, facts.worker) &&
      // What could not even be read has no id.
      (answer.amendment.equals(amendmentIdOf(amendment)) || !answer.isAccepted);
    return isHonest ? answer : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    return undefined;
  }
}

/** paying → proposing: the channel holds the new price for long enough, the market the new collateral. */
async function pay(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { chain } = context.needs;
  const change = changeById(context, id);
  const attempt = attemptById(context, change.attemptId);
  const { payer } = jobById(context, attempt.jobId);
  const channel = channelOn(chain, payer, attempt.channel ?? -1);
  const onChain = changeableDeal(context, attempt);
  if (channel === undefined) return await nextHead(chain, signal);
  const neededEol = change.endHeight + settlementEpochs(chain.params);
  const missing = maxAtto(attoFil(0n), attoFil(change.total - channel.amount));
  if (missing > 0n || channel.eol < neededEol) {
    const eol = epoch(Math.max(channel.agreedEol, neededEol));
    const params = encode(methods.broker.extend.params, { channel: channelOfAttempt(attempt), eol });
    await message(context, change, attempt, { method: "extend", params, value: missing }, signal);
  }
  const more = attoFil(change.collateral - onChain.clientCollateral);
  if (more > 0n && change.deposited === 0n) {
    const params = encode(methods.market.addBalance.params, { miner: null });
    await message(
      context,
      change,
      attempt,
      { method: "addBalance", to: "market", params, value: more },
      signal,
    );
    context.changes.update(id, { deposited: more });
  }
  set(context, id, { state: "proposing", detail: "it is paid; the miner is asked again" });
}

/** `market/channel-failed`. */
async function message(
  context: ClientContext,
  { id, tries }: Change,
  attempt: Attempt,
  given: Pick<Parameters<typeof settleMessage>[2], "method" | "to" | "params" | "value">,
  signal: AbortSignal,
): Promise<void> {
  const key = `market/change/${id}/${given.method}/${tries}`;
  const receipt = await settleMessage(context, attempt, { ...given, tries, key }, signal);
  if (receipt?.exitCode === 0) return;
  const exitCode = receipt?.exitCode ?? -1;
  context.changes.update(id, { tries: tries + 1 });
  const meaning = receipt === undefined ? "replaced by another message" : exitCodeMeaning(exitCode);
  throw marketErrors.channelFailed({ method: given.method, exitCode, meaning });
}

/** What the market was given for a change that came to nothing; the channel's surplus comes back with its end. */
async function takeBack(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { chain } = context.needs;
  const change = changeById(context, id);
  if (change.deposited === 0n) return;
  const attempt = attemptById(context, change.attemptId);
  const free = freeEscrowOf(chain, jobById(context, attempt.jobId).payer);
  const amount = attoFil(free < change.deposited ? free : change.deposited);
  if (amount > 0n) {
    const params = encode(methods.market.withdrawBalance.params, { miner: null, amount });
    await message(context, change, attempt, { method: "withdrawBalance", to: "market", params }, signal);
  }
  context.changes.update(id, { deposited: attoFil(0n) });
}
