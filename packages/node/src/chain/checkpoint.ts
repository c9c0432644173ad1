/**
 * A checkpoint: a tipset that an operator trusts because of where its CIDs come from, not because of what is built on
 * it. With the keys of miners that have long left, anybody can write another history from the first epoch on, as
 * heavy as he likes (a long-range attack); nothing inside of a chain tells it from the true one. Invariant: a node
 * with a checkpoint holds no executed tipset above its height that does not descend from it.
 */
import { type CID, HoldfastError, parseCid } from "@holdfast/base";
import { maxParents, type Tipset, tipsetKey } from "@holdfast/consensus";
import { chainErrors } from "./errors.ts";

export interface Checkpoint {
  readonly key: string;
  readonly cids: readonly CID[];
  readonly height: number;
}

/** What can be compared of a tipset, executed or only linked. */
export type PlacedTipset = Pick<Tipset, "key" | "cids" | "height">;

/** `CID[,CID…]@HEIGHT`; "" is none. Errors: `chain/bad-checkpoint`. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (text === "") return undefined;
  const [, list = "", digits = ""] = /^([^@]+)@(\d{1,15})$/.exec(text) ?? [];
  const parts = list.split(",").map((part) => part.trim());
  if (digits === "" || parts.length > maxParents)
    throw chainErrors.badCheckpoint({ text: text.slice(0, 200) });
  try {
    const cids = parts.map(parseCid);
    return { key: tipsetKey(cids), cids, height: Number(digits) };
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause;
    throw chainErrors.badCheckpoint({ text: text.slice(0, 200) }, cause);
  }
}

export function checkpointText({ cids, height }: Pick<Checkpoint, "cids" | "height">): string {
  return `${cids.join(",")}@${height}`;
}

/**
 * Whether a tipset may stand on its parent beside the checkpoint. Below its height nothing can be said; at its height
 * parts of it are let through, because a tipset is put together from blocks that are checked alone.
 * Errors: `chain/contradicts-checkpoint`.
 */
export function checkAgainst(
  checkpoint: Checkpoint | undefined,
  tipset: PlacedTipset,
  parent: Pick<PlacedTipset, "key" | "height"> | undefined,
): void {
  if (checkpoint === undefined || tipset.height < checkpoint.height || parent === undefined) return;
  const isPart =
    tipset.height === checkpoint.height &&
    tipset.cids.every((cid) => checkpoint.cids.some((known) => known.equals(cid)));
  if (isPart || parent.height > checkpoint.height || parent.key === checkpoint.key) return;
  throw chainErrors.contradictsCheckpoint({ height: tipset.height, checkpoint: checkpointText(checkpoint) });
}
