/**
 * Bodies of a part of a route, from any peers that have them. What comes is what the headers name; of headers that
 * were not kept, both are fetched again. A tipset that nobody has as a range is put together from single blocks.
 */
import type { Cancel } from "@holdfast/base";
import { HoldfastError } from "@holdfast/base";
import type { BlockHeader, FullBlock } from "@holdfast/consensus";
import type { Asker } from "./ask.ts";
import { syncErrors } from "./errors.ts";
import { type RangeAnswer, rangeParts } from "./exchange.ts";
import { cidsOfKey, type Step } from "./route.ts";

export interface Bodies {
  /** Oldest first, one for each step. */
  readonly tipsets: readonly (readonly FullBlock[])[];
  readonly bytes: number;
}

/** `steps`: oldest first. Errors: `sync/bodies-missing`, those of the signal. */
export async function fetchBodies(asker: Asker, steps: readonly Step[], signal: Cancel): Promise<Bodies> {
  const tipsets: (readonly FullBlock[])[] = [];
  let bytes = 0;
  while (tipsets.length < steps.length) {
    const wanted = steps.slice(0, steps.length - tipsets.length).reverse();
    const answer = await askFor(asker, wanted, signal);
    bytes += answer.bytes;
    for (const { headers, messages } of answer.tipsets)
      tipsets.push(headers.map((header, at) => ({ header, messages: messages?.[at] ?? [] })));
  }
  return { tipsets: tipsets.reverse(), bytes };
}

/** `wanted`: newest first. */
async function askFor(asker: Asker, wanted: readonly Step[], signal: Cancel): Promise<RangeAnswer> {
  const [top] = wanted;
  if (top === undefined) return { state: "found", tipsets: [], bytes: 0 };
  const known = knownHeaders(wanted);
  const parts = known === undefined ? rangeParts.headers + rangeParts.messages : rangeParts.messages;
  const request = { from: cidsOfKey(top.key), count: wanted.length, parts };
  try {
    return await asker.ask(request, { signal, ...(known === undefined ? {} : { headers: known }) });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "sync/ancestors-missing") throw error;
    throw syncErrors.bodiesMissing({ height: top.height, tried: Number(error.data.tried) }, error);
  }
}

function knownHeaders(steps: readonly Step[]): (readonly BlockHeader[])[] | undefined {
  const known = steps.flatMap(({ headers }) => (headers === undefined ? [] : [headers]));
  return known.length === steps.length ? known : undefined;
}
