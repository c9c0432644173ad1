/**
 * A caller's stream that can be left at any time: a source that never answers must not hold a sector open.
 */
import { abortable, assert, type Cancel } from "@holdfast/base";
import { readNativeFile } from "../disk/index.ts";
import type { PieceSource, ResumableSource } from "./types.ts";

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

export function isResumable(source: PieceSource): source is ResumableSource {
  return "from" in source;
}

/** The bytes of a piece, whatever it comes from; only one that is resumable can begin behind its start. */
export function chunksOf(source: PieceSource, offsetBytes = 0): AsyncIterable<Uint8Array> {
  if (isResumable(source)) return source.from(offsetBytes);
  assert(offsetBytes === 0, "the source can begin anywhere");
  if (source instanceof Uint8Array) return single(source);
  return "nativePath" in source ? readNativeFile(source.nativePath) : source;
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
