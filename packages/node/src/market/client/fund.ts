/**
 * Paying into the channel of one attempt. The message's key names the attempt, so the sender service gives the
 * same message however often this runs: a killed node never pays twice. A new key is taken only after the old
 * message has failed for good, which is when no money moved.
 */
import {
  type AttoFil,
  addEpochs,
  type ChannelId,
  decode,
  encode,
  epoch,
  HoldfastError,
} from "@holdfast/base";
import { builtinAddresses, exitCodeMeaning, methods } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { heightOf, minerOn } from "../facts.ts";
import { settlementEpochs, startToleranceEpochs } from "../terms.ts";
import { attemptById, type ClientContext, jobIdOf, move } from "./context.ts";
import { ensurePieces } from "./local.ts";
import type { Attempt } from "./store.ts";

/** Blocks on top of the channel's message before a miner is told of it. */
const confirmations = 1;

type ChannelMethod = "createChannel" | "extend" | "cancel" | "reclaim";
type MarketMethod = "addBalance" | "withdrawBalance" | "settleDeals";

export interface ChannelMessage {
  readonly method: ChannelMethod | MarketMethod;
  /** Default: the payment broker. */
  readonly to?: "broker" | "market";
  readonly params: Uint8Array;
  readonly value?: AttoFil;
  /** How many messages of this kind failed before. */
  readonly tries: number;
  /** Default: `messageKey`. */
  readonly key?: string;
  /** Called before the message is waited for. */
  readonly onSent?: (nonce: number) => void;
}

/** Names the attempt, the method and the try. */
export function messageKey(
  attempt: Pick<Attempt, "id" | "jobId">,
  { method, tries }: Pick<ChannelMessage, "method" | "tries">,
): string {
  return `market/${jobIdOf(attempt.jobId)}/${attempt.id}/${method}/${tries}`;
}

/** The result of a message in the chain; undefined if it failed there, or never can be there. */
export async function settleMessage(
  { needs, store }: ClientContext,
  attempt: Attempt,
  { method, to = "broker", params, value, tries, key, onSent }: ChannelMessage,
  signal: AbortSignal,
): Promise<{ readonly exitCode: number; readonly returns: Uint8Array } | undefined> {
  const { chain, sender } = needs;
  const from = store.job(attempt.jobId)?.payer ?? needs.signer.payer();
  const { cid, nonce } = await sender.send({
    from,
    to: builtinAddresses(chain.params.networkByte)[to],
    method,
    params,
    key: key ?? messageKey(attempt, { method, tries }),
    ...(value === undefined ? {} : { value }),
  });
  onSent?.(nonce);
  try {
    const { receipt } = await sender.wait(cid, { confirmations, signal });
    return receipt;
  } catch (error) {
    // Another message took its nonce: this one moved no money and never will.
    if (error instanceof HoldfastError && error.code === "sender/replaced") return undefined;
    throw error;
  }
}

/** funding → proposing. `market/channel-failed`, `market/not-imported`, `sender/…`. */
export async function fund(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  // Where a run before this one may have sent money, that is settled first: giving up must know where it is.
  const { eol, fundTry, depositTry } = attemptById(context, id);
  const isUnderWay = eol !== null || fundTry > 0 || depositTry > 0;
  if (!isUnderWay) await ensurePieces(context, attemptById(context, id), signal);
  // Both at once, so that one block can take both.
  const paid = await Promise.allSettled([openChannel(context, id, signal), deposit(context, id, signal)]);
  const failed = paid.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  if (isUnderWay) await ensurePieces(context, attemptById(context, id), signal);
  const { channel } = attemptById(context, id);
  move(
    context,
    attemptById(context, id),
    { stage: "proposing" },
    `payment channel ${channel} holds the price, the market the collateral`,
  );
}

/** The collateral of the deal goes to the market. `market/channel-failed`. */
async function deposit(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const attempt = attemptById(context, id);
    if (attempt.escrow !== "ours" || attempt.collateral === 0n) return;
    const { collateral: value, depositTry: tries } = attempt;
    const params = encode(methods.market.addBalance.params, { miner: null });
    const message = { method: "addBalance", to: "market", params, value, tries } as const;
    const receipt = await settleMessage(context, attempt, message, signal);
    if (receipt?.exitCode === 0) return context.store.updateAttempt(id, { escrow: "in" });
    context.store.updateAttempt(id, { depositTry: tries + 1 });
    if (tries + 1 < limits.dealMessageAttempts) continue;
    const exitCode = receipt?.exitCode ?? -1;
    const meaning = receipt === undefined ? "replaced by another message" : exitCodeMeaning(exitCode);
    throw marketErrors.channelFailed({ method: "addBalance", exitCode, meaning });
  }
}

async function openChannel(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { chain } = context.needs;
  for (;;) {
    const attempt = withEol(context, attemptById(context, id));
    const owner = minerOn(chain, attempt.miner)?.owner;
    if (owner === undefined) {
      throw marketErrors.unreachable({ miner: attempt.miner, detail: "it is not on the chain" });
    }
    const params = encode(methods.broker.createChannel.params, { target: owner, eol: epoch(attempt.eol) });
    const receipt = await settleMessage(
      context,
      attempt,
      {
        method: "createChannel",
        params,
        value: attempt.total,
        tries: attempt.fundTry,
        // A channel's id is the nonce of its message: from here on the money can be found again.
        onSent: (nonce) => context.store.updateAttempt(id, { channel: nonce }),
      },
      signal,
    );
    if (receipt?.exitCode === 0) {
      const channel = decode(methods.broker.createChannel.returns, receipt.returns);
      context.store.updateAttempt(id, { channel });
      return;
    }
    const exitCode = receipt?.exitCode ?? -1;
    const fundTry = attempt.fundTry + 1;
    const { channel: lost } = attemptById(context, id);
    // A reorganisation may still mine it, and then it holds money.
    if (lost !== null) context.store.addGoneChannel(id, lost, heightOf(chain));
    move(
      context,
      attempt,
      { fundTry, eol: null, channel: null },
      "the channel's message failed; it is sent anew",
    );
    if (fundTry >= limits.dealMessageAttempts) {
      const meaning = receipt === undefined ? "replaced by another message" : exitCodeMeaning(exitCode);
      throw marketErrors.channelFailed({ method: "createChannel", exitCode, meaning });
    }
  }
}

/** The channel's end is decided once and written down before the message exists. */
function withEol(context: ClientContext, attempt: Attempt): Attempt & { readonly eol: number } {
  if (attempt.eol !== null) return { ...attempt, eol: attempt.eol };
  const { params } = context.needs.chain;
  const { durationEpochs } = attempt;
  const spare = durationEpochs + settlementEpochs(params) + 2 * startToleranceEpochs(params);
  const eol: number = addEpochs(epoch(heightOf(context.needs.chain)), spare);
  move(context, attempt, { eol }, "paying into a channel");
  return { ...attempt, eol };
}

/** Sends the end of the channel further off; how far, the chain says afterwards. `market/channel-failed`. */
export async function extendChannel(
  context: ClientContext,
  attempt: Attempt,
  channel: ChannelId,
  eol: number,
  signal: AbortSignal,
): Promise<void> {
  const params = encode(methods.broker.extend.params, { channel, eol: epoch(eol) });
  const message = { method: "extend", params, tries: attempt.extendTry } as const;
  const receipt = await settleMessage(context, attempt, message, signal);
  const exitCode = receipt?.exitCode ?? -1;
  move(context, attempt, { extendTry: attempt.extendTry + 1 }, "the channel lasts longer now");
  if (exitCode === 0) return;
  throw marketErrors.channelFailed({ method: "extend", exitCode, meaning: exitCodeMeaning(exitCode) });
}
