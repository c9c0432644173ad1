/**
 * A tipset: blocks of one height on the same parents, at most one of each miner. `cids` and `key` are
 * ordered by the CIDs' bytes (that is how children name their parents), `blocks` by ticket, which is the
 * order in which their messages are executed.
 */
import type { CID, Epoch } from "@holdfast/base";
import { compareBytes } from "@holdfast/base";
import { tipsetErrors } from "../errors.ts";
import type { BlockHeader } from "./block.ts";
import { blockCid, maxParents } from "./block.ts";

export interface Tipset {
  /** Text forms of `cids`, joined by commas. */
  readonly key: string;
  /** Ascending by bytes. */
  readonly cids: readonly CID[];
  /** Ascending by ticket bytes, then by CID bytes. */
  readonly blocks: readonly BlockHeader[];
  readonly height: Epoch;
  readonly parents: readonly CID[];
  readonly parentWeight: bigint;
  readonly parentState: CID;
  /** The smallest ticket of the blocks. */
  readonly minTicket: Uint8Array;
}

/** Key of the tipset with these blocks; the order given does not matter. */
export function tipsetKey(cids: readonly CID[]): string {
  return sortCids(cids).join(",");
}

/** Ascending by bytes. */
export function sortCids(cids: readonly CID[]): CID[] {
  return [...cids].sort((a, b) => compareBytes(a.bytes, b.bytes));
}

/**
 * Builds a tipset. Errors: `tipset/empty`, `tipset/too-many-blocks`, `tipset/duplicate-block`,
 * `tipset/two-blocks-of-one-miner`, `tipset/different-heights`, `tipset/different-parents`,
 * `tipset/different-parent-weights`, `tipset/different-parent-states`.
 */
export function createTipset(headers: readonly BlockHeader[]): Tipset {
  const [first] = headers;
  if (first === undefined) throw tipsetErrors.empty({});
  if (headers.length > maxParents) {
    throw tipsetErrors.tooManyBlocks({ blocks: headers.length, limit: maxParents });
  }
  const entries = headers
    .map((header) => ({ header, cid: blockCid(header) }))
    .sort((a, b) => compareBytes(a.header.ticket, b.header.ticket) || compareBytes(a.cid.bytes, b.cid.bytes));
  checkCompatible(entries);
  const cids = sortCids(entries.map((entry) => entry.cid));
  return {
    key: cids.join(","),
    cids,
    blocks: entries.map((entry) => entry.header),
    height: first.height,
    parents: first.parents,
    parentWeight: first.parentWeight,
    parentState: first.parentState,
    minTicket: (entries[0]?.header ?? first).ticket,
  };
}

function checkCompatible(entries: readonly { readonly header: BlockHeader; readonly cid: CID }[]): void {
  const miners = new Set<string>();
  const seen = new Set<string>();
  const [first] = entries;
  if (first === undefined) return;
  const parents = first.header.parents.join(",");
  for (const { header, cid } of entries) {
    const text = cid.toString();
    if (seen.has(text)) throw tipsetErrors.duplicateBlock({ block: text });
    seen.add(text);
    if (miners.has(header.miner)) {
      throw tipsetErrors.twoBlocksOfOneMiner({ miner: header.miner, height: header.height });
    }
    miners.add(header.miner);
    if (header.height !== first.header.height) {
      throw tipsetErrors.differentHeights({ a: first.header.height, b: header.height });
    }
    if (header.parents.join(",") !== parents) throw tipsetErrors.differentParents({ block: text });
    if (header.parentWeight !== first.header.parentWeight) {
      throw tipsetErrors.differentParentWeights({ block: text });
    }
    if (!header.parentState.equals(first.header.parentState)) {
      throw tipsetErrors.differentParentStates({ block: text });
    }
  }
}
