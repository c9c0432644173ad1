/**
 * The operator's own word on a deal: a program that is given what is wanted as one JSON object and answers with one,
 * `{"accept": true}` or `{"accept": false, "reason": "…"}`. While it fails, or says something else, no deal is taken.
 * And the word of its storage: it may have as many sectors as it can prove, as its disks have room for, and as are
 * sealed in time.
 */
import type { JsonObject } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { dealRefusals } from "../refusals.ts";
import { leastSealEpochs } from "../terms.ts";
import { type AwaitedDeal, countsOf, sumOf } from "./awaited.ts";
import { missedStart, type SealDemand } from "./backlog.ts";
import { type MinerContext, minerFacts } from "./context.ts";

interface StorageWish {
  /** Of a proposal; a question has none. */
  readonly dealId?: string;
  readonly pieces: readonly { readonly paddedBytes: number }[];
  readonly startBy: number;
}

/**
 * The storage opens sectors, and has room and time for these pieces beside those that it waits for: said before
 * anything is paid. Nothing is kept for them meanwhile; whoever comes between may take it. `deal/no-room`,
 * `deal/no-time-to-seal`.
 */
export async function checkStorage(context: MinerContext, wish: StorageWish): Promise<void> {
  (await judgeStorage(context, wish, "look"))[Symbol.dispose]();
}

/** As `checkStorage`, and nobody is promised the same room or time before what is given back is disposed of. */
export function holdStorage(
  context: MinerContext,
  wish: StorageWish & { readonly dealId: string },
): Promise<Disposable> {
  return judgeStorage(context, wish, "hold");
}

async function judgeStorage(
  context: MinerContext,
  { dealId = "", pieces, startBy }: StorageWish,
  purpose: "look" | "hold",
): Promise<Disposable> {
  const { needs, held } = context;
  const { storage, sealSpeed } = needs;
  if (storage.refusal === undefined && sealSpeed === undefined) return { [Symbol.dispose]: () => undefined };
  const wish = { dealId, startBy, counts: countsOf(pieces.map(({ paddedBytes }) => paddedBytes)) };
  using stack = new DisposableStack();
  const awaited = await context.awaited.deals();
  const accepted = context.awaited.addedSince(awaited); // while the list was read
  const others = new Map([...accepted, ...held, ...awaited].map((deal) => [deal.dealId, deal]));
  others.delete(dealId);
  if (purpose === "hold") {
    held.add(wish);
    stack.defer(() => void held.delete(wish));
  }
  const full = await storage.refusal?.(sumOf([wish, ...others.values()].map((deal) => deal.counts)));
  if (full !== undefined) throw dealRefusals.noRoom({ detail: full.message }, full);
  stack.use(await checkTime(context, wish, awaited));
  return stack.move();
}

async function checkTime(
  context: MinerContext,
  { dealId, startBy, counts }: AwaitedDeal,
  awaited: readonly AwaitedDeal[],
): Promise<Disposable> {
  const { needs, dues, promised } = context;
  const speed = await needs.sealSpeed?.();
  if (speed === undefined) return { [Symbol.dispose]: () => undefined };
  const { params, height, sectorBytes } = minerFacts(context);
  const msFor = (sectors: number): number => sectors * speed.msFor(sectorBytes);
  const sectorsOf = (sizes: AwaitedDeal["counts"]): number =>
    [...sizes].reduce((sum, [size, count]) => sum + size * count, 0) / sectorBytes;
  // Others may join the last sector of an awaited deal; this one is judged as if it were alone.
  const wish: SealDemand = { startBy, ms: msFor(Math.ceil(sectorsOf(counts))) };
  // What was promised when the list was read may be written down by now.
  const accepted = context.awaited.addedSince(awaited);
  const ahead = [...awaited, ...accepted].filter((one) => one.dealId !== dealId);
  const others: SealDemand[] = [
    ...promised,
    ...ahead.map((one) => ({ startBy: one.startBy, ms: msFor(sectorsOf(one.counts)) })),
    ...dues.unsealed().map((one) => {
      return { startBy: one.startBy, ms: speed.msFor(one.sectorBytes), isBegun: one.state === "sealing" };
    }),
  ];
  const { parallel } = speed;
  const place = { height, roundMs: params.roundMs, parallel, restRounds: leastSealEpochs(params) };
  const missed = missedStart(wish, others, place);
  if (missed !== undefined) throw dealRefusals.noTimeToSeal(missed);
  promised.add(wish);
  return { [Symbol.dispose]: () => void promised.delete(wish) };
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
