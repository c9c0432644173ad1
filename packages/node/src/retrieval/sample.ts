/**
 * Whether a peer gives what it has of a file: one block at a random place of the tree and those above it, each asked
 * for by its name and verified. Nothing of the file has to be here, and no byte of this node is taken for the peer's.
 */
import type { Cancel, CID, PeerId } from "@holdfast/base";
import { BlockStream, type StreamTools } from "./block-stream.ts";
import { blocksStatus, freeHello } from "./blocks-protocol.ts";
import { retrievalErrors } from "./errors.ts";
import { refusalOf } from "./seats.ts";
import { isFileCid, isRawLeaf, readTreeNode, type TreeLink } from "./unixfs.ts";
import { walkLimits } from "./walk.ts";

export interface Sampled {
  readonly blocks: number;
  readonly bytes: number;
}

/** `draw`: from 0 to below 1, anew for each branch. Nothing is paid. `retrieval/…`, `net/…`, `wire/…`, `codec/…`. */
export async function sampleFrom(
  tools: StreamTools,
  { peer, root, draw }: { readonly peer: PeerId; readonly root: CID; readonly draw: () => number },
  signal: Cancel,
): Promise<Sampled> {
  using stream = await BlockStream.open(tools, peer, freeHello(root, false), signal);
  if (stream.terms.status !== blocksStatus.success) throw refusalOf(peer, stream.terms);
  let blocks = 0;
  for (let cid: CID | undefined = root; cid !== undefined && blocks < walkLimits.depth; blocks += 1) {
    await stream.want([cid]);
    const arrival = await stream.next();
    if (arrival.kind === "missing") throw retrievalErrors.refused({ peer, reason: `it has no block ${cid}` });
    cid = isRawLeaf(cid) ? undefined : branchOf(cid, arrival.bytes, draw());
  }
  const bytes = stream.receivedBytes;
  await stream.leave();
  return { blocks, bytes };
}

/** The link at this place: of a file by its bytes, of a folder by its entries. Undefined: there is none to follow. */
function branchOf(cid: CID, bytes: Uint8Array, at: number): CID | undefined {
  const links = readTreeNode(cid, bytes, true).links.filter(isFollowed);
  const weights = links.map((link) => (link.kind === "part" ? link.fileBytes : 1));
  let left = at * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return links[index < 0 ? links.length - 1 : index]?.cid;
}

/** An entry of a folder may lead to what is part of no file. */
const isFollowed = ({ cid }: TreeLink): boolean => isFileCid(cid);
