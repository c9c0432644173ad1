/**
 * From which height on the chain of this node is believed and was not watched: a tipset that was already older than
 * finality when it was taken in came from peers, and nothing inside of a chain tells a history that was written
 * afterwards from the true one. A checkpoint at or above that height vouches for what lies below it.
 */
import { type Clock, utf8Bytes, utf8Text } from "@holdfast/base";
import { metaKeys } from "./record.ts";
import type { StoredChain } from "./stored-chain.ts";

/** So often finality, in rounds: no reorganisation that is allowed brings tipsets as old. */
const oldFinalities = 2;

export interface Belief {
  /** Null: everything was watched, or a checkpoint vouches for it. */
  from(): number | null;
  end(): void;
}

/** `onBelieved` is told once, when the first such tipset comes. It is kept over restarts. */
export function watchBelief(chain: StoredChain, clock: Clock, onBelieved: (from: number) => void): Belief {
  const noted = chain.store.getMeta(metaKeys.believed);
  let believed = noted === undefined ? null : Number(utf8Text(noted));
  const isVouched = (from: number): boolean =>
    chain.checkpoint !== undefined && chain.checkpoint.height >= from;
  const end = chain.onHead(({ from, applied: [oldest] }) => {
    if (believed !== null || oldest === undefined) return;
    const { roundMs, finalityEpochs } = chain.params;
    const ageMs = clock.nowMs() - (oldest.blocks[0]?.timestampMs ?? 0);
    if (ageMs <= oldFinalities * roundMs * finalityEpochs) return;
    believed = from.height;
    chain.store.commit(new Map([[metaKeys.believed, utf8Bytes(String(believed))]])).catch(() => undefined);
    if (!isVouched(believed)) onBelieved(believed);
  });
  return { from: () => (believed === null || isVouched(believed) ? null : believed), end };
}
