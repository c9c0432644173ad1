/**
 * A caller's stream that can be left at any time: a source that never answers must not hold a sector open.
 */
import { abortable, type Cancel } from "@holdfast/base";
import { readNativeFile } from "../disk/index.ts";
import type { PieceSource } from "./types.ts";

/** The chunks of `source`; throws the signal's reason as soon as it aborts, also while the source is silent. */
export async function* interruptible(
  source: AsyncIterable<Uint8Array>,
  signal: Cancel,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await abortable(signal, iterator.next());
      ended = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!ended) iterator.return?.().catch(() => undefined); // not awaited: a silent source may never answer
  }
}

/** The bytes of a piece, whatever it comes from. */
export function chunksOf(source: PieceSource): AsyncIterable<Uint8Array> {
  if (source instanceof Uint8Array) return single(source);
  return "nativePath" in source ? readNativeFile(source.nativePath) : source;
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
