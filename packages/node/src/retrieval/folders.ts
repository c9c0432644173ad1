/**
 * Inside a folder: its entries, and the way along a path. A name in a sharded folder is found by the bits of its
 * hash, eight or so a shard, so that a lookup reads one block for each level (IPFS specifications, UnixFS, HAMT
 * directories). Invariant: what a listing shows can be found by its name, and the other way round.
 */
import { type CID, utf8Bytes } from "@holdfast/base";
import { murmur364 } from "@multiformats/murmur3";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";
import type { BlockReader } from "./read-file.ts";
import { type EntryLink, type FolderNode, readTreeNode, type TreeNode } from "./unixfs.ts";

export interface FolderEntry {
  readonly name: string;
  readonly cid: CID;
}

export interface Found {
  readonly cid: CID;
  readonly node: TreeNode;
}

/** The node at the end of a path. `retrieval/no-entry`, `/not-a-folder`, `/not-a-file`, and what `read` fails with. */
export async function findPath(read: BlockReader, root: CID, path: readonly string[]): Promise<Found> {
  let cid = root;
  let node = readTreeNode(cid, await read(cid));
  for (const name of path) {
    if (node.kind !== "folder") throw retrievalErrors.notAFolder({ cid: cid.toString() });
    const link = await findEntry(read, root, node, name);
    if (link === undefined) throw retrievalErrors.noEntry({ root: root.toString(), path: path.join("/") });
    cid = link.cid;
    node = readTreeNode(cid, await read(cid));
  }
  return { cid, node };
}

/** The entry of a name, if the folder has one. */
export async function findEntry(
  read: BlockReader,
  root: CID,
  folder: FolderNode,
  name: string,
): Promise<EntryLink | undefined> {
  const { fanout } = folder;
  const isNamed = (link: FolderNode["links"][number]): link is EntryLink =>
    link.kind === "entry" && link.name === name;
  if (fanout === undefined) return folder.links.find(isNamed);
  const slots = await slotsOf(name, fanout);
  let shard = folder;
  for (const slot of slots) {
    const link = shard.links.find((candidate) => candidate.slot === slot);
    if (link?.kind !== "shard") return link !== undefined && isNamed(link) ? link : undefined;
    shard = readShard(root, link.cid, await read(link.cid), shard);
  }
  return undefined;
}

/** All entries, those of a plain folder in its order, those of shards in the order of their hashes. */
export async function* entriesOf(
  read: BlockReader,
  root: CID,
  folder: FolderNode,
): AsyncGenerator<FolderEntry, void, undefined> {
  const { fanout } = folder;
  if (fanout === undefined) yield* folder.links.filter((link) => link.kind === "entry");
  else yield* shardEntries(read, root, folder, fanout, []);
}

async function* shardEntries(
  read: BlockReader,
  root: CID,
  shard: FolderNode,
  fanout: number,
  way: readonly number[],
): AsyncGenerator<FolderEntry, void, undefined> {
  for (const link of shard.links) {
    const here = [...way, link.slot];
    if (link.kind === "entry") {
      const slots = await slotsOf(link.name, fanout);
      if (!here.every((slot, level) => slot === slots[level])) throw misplaced(root, link.name);
      yield link;
    } else {
      if (here.length >= levelsOf(fanout)) throw misplaced(root, "a shard");
      yield* shardEntries(read, root, readShard(root, link.cid, await read(link.cid), shard), fanout, here);
    }
  }
}

function readShard(root: CID, cid: CID, bytes: Uint8Array, { fanout, isOpen }: FolderNode): FolderNode {
  const node = readTreeNode(cid, bytes, isOpen);
  // Below the root an empty shard leads to no name: a few of them, linked over and over, would be walked for ever.
  if (node.kind === "folder" && node.fanout === fanout && node.links.length > 0) return node;
  const reason = `its shard ${cid.toString()} is empty, or none of its own width`;
  throw retrievalErrors.notAFile({ cid: root.toString(), reason });
}

function misplaced(root: CID, what: string): Error {
  return retrievalErrors.notAFile({
    cid: root.toString(),
    reason: `${what} is in the wrong place of a shard`,
  });
}

/** A hash has 64 bits; what is left of them after whole levels is not used. */
function levelsOf(fanout: number): number {
  return Math.floor(64 / Math.log2(fanout));
}

/** The place of a name at each level: the bits of its hash from the highest on. */
async function slotsOf(name: string, fanout: number): Promise<readonly number[]> {
  const hash = await murmur364.encode(utf8Bytes(name));
  let bits = 0n;
  for (const byte of hash.subarray(0, 8)) bits = (bits << 8n) | BigInt(byte);
  const width = Math.log2(fanout);
  return Array.from({ length: levelsOf(fanout) }, (_, level) =>
    Number((bits >> BigInt(64 - (level + 1) * width)) & BigInt(fanout - 1)),
  );
}

export interface TreeEntry {
  /** From the root on; the root itself has none. */
  readonly path: readonly string[];
  readonly cid: CID;
  readonly node: TreeNode;
}

/**
 * Everything below a folder, each folder before what it holds. The same block may stand in many places, so the
 * entries are counted themselves: `retrieval/dag-too-big` above `mostEntries`.
 */
export async function* treeEntries(
  read: BlockReader,
  root: CID,
  from: Found,
  mostEntries: number = limits.folderEntries,
): AsyncGenerator<TreeEntry, void, undefined> {
  const tooBig = (what: string, limit: number): Error =>
    retrievalErrors.dagTooBig({ root: root.toString(), what, limit });
  let count = 0;
  const below = async function* (
    folder: FolderNode,
    path: readonly string[],
  ): AsyncGenerator<TreeEntry, void, undefined> {
    if (path.length >= limits.dagDepth) throw tooBig("levels", limits.dagDepth);
    for await (const { name, cid } of entriesOf(read, root, folder)) {
      count += 1;
      if (count > mostEntries) throw tooBig("entries", mostEntries);
      const node = readTreeNode(cid, await read(cid));
      const here = [...path, name];
      yield { path: here, cid, node };
      if (node.kind === "folder") yield* below(node, here);
    }
  };
  if (from.node.kind === "folder") yield* below(from.node, []);
}
