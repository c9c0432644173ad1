/**
 * `storage repair`: lost or damaged files of one sector, of several, or of all that lack some, a few sectors at a
 * time. Each is a job of the node's queue: who stops watching stops none that has begun.
 */
import { type ApiClient, type MethodResult, methods } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { z } from "zod";
import { action, type CommandContext } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural } from "../human-text.ts";
import { anyNumber, optionFlag, wholeNumber } from "../input.ts";
import { progressBar } from "../layout.ts";

/** Repairs that are asked for at a time; how many are done at a time is the node's to say. */
const askedAtOnce = 4;

const repair = methods["storage.repair"].result.extend({
  failure: z
    .object({ code: z.string(), message: z.string(), fix: z.string() })
    .nullable()
    .describe("why nothing was made anew; null: what was damaged is whole again"),
});
type RepairView = z.output<typeof repair>;

/** What has become of them so far. */
interface Tally {
  readonly mended: Set<number>;
  readonly whole: Set<number>;
  readonly failed: Set<number>;
}

export const storageRepair = action({
  result: repair,
  run(context, { args, options }) {
    const name = "the number of a sector";
    const sectors = args.flatMap((word) => (word === undefined ? [] : [wholeNumber(word, name, anyNumber)]));
    const isAll = optionFlag({ args, options }, "all");
    if (isAll === sectors.length > 0)
      throw cliErrors.badValue({ problem: "which sectors? Name them, or all that lack files with --all" });
    return isAll ? repairAll(context) : repairNamed(context, [...new Set(sectors)]);
  },
  render: async ({ sectorId, troubles, repaired, failure }) => {
    const found = troubles.map(({ role, problem }) => `sector ${sectorId}: ${role}: ${problem}`);
    if (failure !== null) return `sector ${sectorId} is left as it is: ${failure.message}; ${failure.fix}`;
    return found.length === 0
      ? `sector ${sectorId} is whole`
      : [...found, `sector ${sectorId}: made anew: ${repaired.join(", ") || "nothing"}`].join("\n");
  },
});

async function* repairNamed(context: CommandContext, sectors: readonly number[]): AsyncGenerator<RepairView> {
  const node = await context.node();
  const [only] = sectors;
  if (only !== undefined && sectors.length === 1) {
    const done = await node.call("storage.repair", { sectorId: only }, context.signal);
    return yield { ...done, failure: null };
  }
  const tally = emptyTally();
  yield* repairs(context, node, sectors, tally);
  sumUp(context, tally, 0);
}

/** Part after part of the sectors, each as often as a look finds others in it: an answer names the first of them. */
async function* repairAll(context: CommandContext): AsyncGenerator<RepairView> {
  const node = await context.node();
  const tally = emptyTally();
  let left = 0;
  for (let after: number | null | undefined; after !== null; ) {
    const asked = { lacking: true, ...(after === undefined ? {} : { after }) };
    const { lacking } = await node.call("storage.ls", asked, context.signal);
    const { sectors = [], sectorCount = 0, lookedTo = null } = lacking ?? {};
    const others = sectors.filter(({ sectorId }) => !isTried(tally, sectorId));
    const wanted = others.filter(canBeMended);
    if (wanted.length === 0) {
      const unnamed = sectorCount - sectors.length;
      left += others.length + unnamed;
      after = lookedTo;
      continue;
    }
    yield* repairs(
      context,
      node,
      wanted.map(({ sectorId }) => sectorId),
      tally,
    );
  }
  sumUp(context, tally, left);
}

type Lacking = NonNullable<MethodResult<"storage.ls">["lacking"]>["sectors"][number];
/** Its seal is final, and enough of it is left. */
const canBeMended = ({ isRepairable, state }: Lacking): boolean => isRepairable && state !== "proved";

const emptyTally = (): Tally => ({ mended: new Set(), whole: new Set(), failed: new Set() });
const isTried = ({ mended, whole, failed }: Tally, sectorId: number): boolean =>
  mended.has(sectorId) || whole.has(sectorId) || failed.has(sectorId);
const triedOf = ({ mended, whole, failed }: Tally): number => mended.size + whole.size + failed.size;

/** In the order in which they end. Throws cli/repairs-left when nobody wants to wait any more. */
async function* repairs(
  context: CommandContext,
  node: ApiClient,
  sectors: readonly number[],
  tally: Tally,
): AsyncGenerator<RepairView> {
  const total = triedOf(tally) + sectors.length;
  const left = [...sectors];
  const underWay = new Map<number, Promise<RepairView>>();
  for (;;) {
    if (context.signal.aborted) throw cliErrors.repairsLeft({ done: triedOf(tally), total });
    while (underWay.size < askedAtOnce) {
      const sectorId = left.shift();
      if (sectorId === undefined) break;
      underWay.set(sectorId, tried(context, node, sectorId));
    }
    if (underWay.size === 0) return context.terminal.clear();
    const now = `${triedOf(tally)} of ${total} sectors, now ${[...underWay.keys()].join(", ")}`;
    context.terminal.live([[["cyan", progressBar(triedOf(tally) / total)], `  ${now}`]]);
    const one = await Promise.race(underWay.values());
    underWay.delete(one.sectorId);
    if (context.signal.aborted) continue;
    placeOf(tally, one).add(one.sectorId);
    yield one;
  }
}

function placeOf({ mended, whole, failed }: Tally, { troubles, failure }: RepairView): Set<number> {
  if (failure !== null) return failed;
  return troubles.length === 0 ? whole : mended;
}

/** One that cannot be mended does not keep the others from it; a node that is gone keeps them all. */
async function tried(context: CommandContext, node: ApiClient, sectorId: number): Promise<RepairView> {
  try {
    return { ...(await node.call("storage.repair", { sectorId }, context.signal)), failure: null };
  } catch (error) {
    const isOfSector = error instanceof HoldfastError && error.exit !== "network";
    if (!isOfSector && !context.signal.aborted) throw error;
    const { code, message, fix } = error instanceof HoldfastError ? error : cliErrors.interrupted({}, error);
    return { sectorId, troubles: [], repaired: [], failure: { code, message, fix } };
  }
}

/** Throws cli/not-all-repaired. */
function sumUp(context: CommandContext, tally: Tally, left: number): void {
  const { mended, whole, failed } = tally;
  const sum = [
    ...(mended.size === 0 ? [] : [`${mended.size} made anew`]),
    ...(whole.size === 0 ? [] : [`${whole.size} whole`]),
    ...(failed.size === 0 ? [] : [`${failed.size} left as they are`]),
  ];
  const said =
    sum.length === 0 ? "nothing to make anew" : `${plural(triedOf(tally), "sector")}: ${sum.join(", ")}`;
  if (!context.json) context.terminal.err(said);
  if (failed.size + left > 0) throw cliErrors.notAllRepaired({ failed: failed.size, left });
}
