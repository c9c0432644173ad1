/**
 * The operator's own word on a deal: a program that is given what is wanted as one JSON object and answers with one,
 * `{"accept": true}` or `{"accept": false, "reason": "…"}`. While it fails, or says something else, no deal is taken.
 * And the word of its storage: it may have as many sectors as it can prove, and as its disks have room for.
 */
import type { JsonObject } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { dealRefusals } from "../refusals.ts";
import { countsOf, sumOf } from "./awaited.ts";
import type { MinerContext } from "./context.ts";

/**
 * The storage opens sectors and has room for these pieces beside those that it waits for: said before anything is paid.
 * Nothing is kept free for them meanwhile; whoever comes between may take it. `deal/no-room`.
 */
export async function checkStorage(
  context: MinerContext,
  pieces: readonly { readonly paddedBytes: number }[],
): Promise<void> {
  const { storage } = context.needs;
  if (storage.refusal === undefined) return;
  const wanted = countsOf(pieces.map(({ paddedBytes }) => paddedBytes));
  const awaited = (await context.awaited.deals()).map(({ counts }) => counts);
  const refusal = await storage.refusal(sumOf([wanted, ...awaited]));
  if (refusal !== undefined) throw dealRefusals.noRoom({ detail: refusal.message }, refusal);
}

/** `deal/refused-by-operator`, `deal/no-word-of-operator`. Nothing where there is no program. */
export async function askHook(
  context: MinerContext,
  stage: keyof MinerContext["hookTurns"],
  wish: JsonObject,
  signal: AbortSignal,
): Promise<void> {
  const { needs, hookTurns } = context;
  const { policyHook } = needs;
  if (policyHook === undefined) return;
  const said = await hookTurns[stage].run(signal, () => policyHook({ stage, ...wish }, signal));
  const verdict = verdictOf(said);
  if (typeof verdict === "string") {
    needs.logger.error("the deal hook gave no verdict", { detail: verdict });
    throw dealRefusals.noWordOfOperator({});
  }
  if (!verdict.accept) throw dealRefusals.refusedByOperator({ reason: verdict.reason });
}

type Verdict = { readonly accept: boolean; readonly reason: string };

/** Why it is none, as a text. */
function verdictOf(said: { readonly output: string } | { readonly failure: string }): Verdict | string {
  if ("failure" in said) return said.failure;
  let value: unknown;
  try {
    value = JSON.parse(said.output);
  } catch {
    return `it printed no JSON: ${said.output.slice(0, 200)}`;
  }
  if (
    typeof value !== "object" ||
    value === null ||
    !("accept" in value) ||
    typeof value.accept !== "boolean"
  ) {
    return `it said neither "accept": true nor "accept": false: ${said.output.slice(0, 200)}`;
  }
  const reason = "reason" in value && typeof value.reason === "string" ? value.reason : "no reason was given";
  return { accept: value.accept, reason: reason.slice(0, limits.dealReasonBytes / 8) };
}
