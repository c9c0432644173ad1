/** What a node tells a light client: headers of its chain upwards from a tipset, and proofs of what a state says. */
import { encode, HoldfastError } from "@holdfast/base";
import {
  blockHeaderCodec,
  type HeadersAnswer,
  type HeadersRequest,
  maxLightHeadersBytes,
  type ProofAnswer,
  type ProofRequest,
  proveLight,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import type { LightSource } from "./needs.ts";

/** Ends with the tipset in which the bytes of an answer are reached. */
export function headersFrom(chain: LightSource, { from, count }: HeadersRequest): HeadersAnswer {
  const first = chain.tipset(tipsetKey(from));
  if (first === undefined) return { state: "unknown", tipsets: [] };
  if (chain.tipsetAt(first.height).key !== first.key) return { state: "elsewhere", tipsets: [] };
  const tipsets: Tipset["blocks"][] = [];
  let bytes = 0;
  let at = first;
  for (let height: number = first.height; tipsets.length < count && bytes < maxLightHeadersBytes; ) {
    tipsets.push(at.blocks);
    bytes += at.blocks.reduce((sum, header) => sum + encode(blockHeaderCodec, header).length, 0);
    const next = above(chain, height);
    if (next === undefined) break;
    at = next;
    height = next.height;
  }
  return { state: "found", tipsets };
}

/** The next tipset above a height. A gap costs as many look-ups as its length has digits, and not its length. */
function above(chain: LightSource, height: number): Tipset | undefined {
  const top = chain.head().height;
  if (height >= top) return undefined;
  let below = height;
  let found = chain.tipsetAt(height + 1);
  for (let step = 2; found.height <= height; step *= 2) {
    below = Math.min(top, height + step / 2);
    found = chain.tipsetAt(Math.min(top, height + step));
  }
  // Between the two it stands: nothing new at `below`, something at `found`.
  while (found.height - below > 1) {
    const middle = below + Math.floor((found.height - below) / 2);
    const tipset = chain.tipsetAt(middle);
    if (tipset.height > height) found = tipset;
    else below = middle;
  }
  return found;
}

export function proofOf(chain: LightSource, { state, question }: ProofRequest): ProofAnswer {
  try {
    return { state: "found", witness: proveLight(chain.store, state, question) };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "light/state-not-held")
      return { state: "unknown", witness: [] };
    throw error;
  }
}
