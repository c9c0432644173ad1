/**
 * The longest walk over pinned content, exactly: whoever buys it chooses the blocks and knows the order's number, so
 * that walks by any seed that this node makes known before could be the only short ones. Level by level from the root,
 * with the most bytes that lead to a block: a way that comes later and is no longer adds nothing. Blocks that say
 * links are read, of others the length is enough.
 */
import { type Cancel, type CID, cidFromBytes } from "@holdfast/base";
import { isCheckable, linksOf, maxShownWalkBytes, maxWalkBlocks } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { PoscPins } from "./needs.ts";

/** too-many: it is not known, because it has more blocks than are remembered. */
export type LongestWalk = "shown" | "too-long" | "too-many" | "missing";

const linkCodecs: readonly number[] = [0x70, 0x71]; // dag-pb, dag-cbor

/** A character a byte: the smallest key that compares by value. */
const keyOf = ({ bytes }: CID): string => Buffer.from(bytes).toString("latin1");
const cidOf = (key: string): CID => cidFromBytes(new Uint8Array(Buffer.from(key, "latin1")));

/** The signal's reason, and what the blocks' place throws. */
export async function longestWalk(
  root: CID,
  pins: Pick<PoscPins, "block" | "sizeBytes">,
  signal: Cancel,
): Promise<LongestWalk> {
  const most = new Map<string, number>();
  let level = new Map([[keyOf(root), 0]]);
  let [remembered, looked] = [0, 0];
  for (let depth = 1; level.size > 0; depth += 1) {
    const next = new Map<string, number>();
    for (const [key, before] of level) {
      signal.throwIfAborted();
      looked += 1;
      if (looked % limits.pinLongestWalkAtOnce === 0) await new Promise((later) => setImmediate(later));
      const cid = cidOf(key);
      if (depth === maxWalkBlocks || !linkCodecs.includes(cid.code)) {
        const end = judge(before, await pins.sizeBytes(cid));
        if (end !== "shown") return end;
        continue;
      }
      const block = await pins.block(cid);
      const soFar = judge(before, block?.length);
      if (block === undefined || soFar !== "shown") return soFar;
      const below = before + block.length;
      for (const [link, to] of linksBelow(cid, block)) {
        if (!linkCodecs.includes(to.code)) {
          const end = judge(below, await pins.sizeBytes(to));
          if (end !== "shown") return end;
        } else if ((most.get(link) ?? -1) < below) {
          most.set(link, below);
          next.set(link, below);
          remembered += link.length;
          if (remembered > limits.pinLongestWalkBytes) return "too-many";
        }
      }
    }
    level = next;
  }
  return "shown";
}

function judge(before: number, bytes: number | undefined): LongestWalk {
  if (bytes === undefined) return "missing";
  return before + bytes > maxShownWalkBytes ? "too-long" : "shown";
}

/** Those that a walk goes along, each once. */
function linksBelow(cid: CID, block: Uint8Array): ReadonlyMap<string, CID> {
  const links = new Map<string, CID>();
  for (const { cid: link } of linksOf(cid, block)) if (isCheckable(link)) links.set(keyOf(link), link);
  return links;
}
