/**
 * Bodies of a part of a route, from any peers that have them. What comes is what the headers name; of headers that
 * were not kept, both are fetched again. A tipset that nobody has as a range is put together from single blocks.
 */
import type { Cancel } from "@holdfast/base";
import { HoldfastError } from "@holdfast/base";
import { type BlockHeader, type FullBlock, messageBytes } from "@holdfast/consensus";
import type { Asker } from "./ask.ts";
import { syncErrors } from "./errors.ts";
import { type RangeAnswer, rangeParts } from "./exchange.ts";
import { cidsOfKey, type Step } from "./route.ts";
import { type FetchBlocks, fetchSingles } from "./singles.ts";

export interface BodyNeeds {
  readonly asker: Asker;
  readonly fetchBlocks: FetchBlocks;
  readonly signal: Cancel;
}

export interface Bodies {
  /** Oldest first, one for each step. */
  readonly tipsets: readonly (readonly FullBlock[])[];
  readonly bytes: number;
}

/** `steps`: oldest first. Errors: `sync/bodies-missing`, those of the signal. */
export async function fetchBodies(needs: BodyNeeds, steps: readonly Step[]): Promise<Bodies> {
  const tipsets: (readonly FullBlock[])[] = [];
  let bytes = 0;
  while (tipsets.length < steps.length) {
    const wanted = steps.slice(0, steps.length - tipsets.length).reverse();
    const answer = await askFor(needs, wanted);
    bytes += answer.bytes;
    for (const { headers, messages } of answer.tipsets)
      tipsets.push(headers.map((header, at) => ({ header, messages: messages?.[at] ?? [] })));
  }
  return { tipsets: tipsets.reverse(), bytes };
}

/** `wanted`: newest first. */
async function askFor(
  { asker, fetchBlocks, signal }: BodyNeeds,
  wanted: readonly Step[],
): Promise<RangeAnswer> {
  const [top] = wanted;
  if (top === undefined) return { state: "found", tipsets: [], bytes: 0 };
  const known = knownHeaders(wanted);
  const parts = known === undefined ? rangeParts.headers + rangeParts.messages : rangeParts.messages;
  const request = { from: cidsOfKey(top.key), count: wanted.length, parts };
  try {
    return await asker.ask(request, { signal, ...(known === undefined ? {} : { headers: known }) });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "sync/ancestors-missing") throw error;
    const blocks = await fetchSingles(fetchBlocks, top, signal);
    if (blocks !== undefined) return asAnswer(blocks);
    throw syncErrors.bodiesMissing({ height: top.height, tried: Number(error.data.tried) }, error);
  }
}

function asAnswer(blocks: readonly FullBlock[]): RangeAnswer {
  const headers = blocks.map(({ header }) => header);
  const bytes = blocks.reduce(
    (sum, { messages }) => sum + messages.reduce((all, one) => all + messageBytes(one), 0),
    0,
  );
  return { state: "found", tipsets: [{ headers, messages: blocks.map(({ messages }) => messages) }], bytes };
}

function knownHeaders(steps: readonly Step[]): (readonly BlockHeader[])[] | undefined {
  const known = steps.flatMap(({ headers }) => (headers === undefined ? [] : [headers]));
  return known.length === steps.length ? known : undefined;
}
