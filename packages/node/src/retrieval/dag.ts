/**
 * A tree as gateways show it: the way along a path, the bytes and entries at its end, and a stream of the blocks that
 * prove them (IPFS specifications, trustless gateway). Blocks come from a function, so that the same view serves what
 * lies here and what is fetched while it is read. Invariants: a stream is depth first, and without repetitions holds
 * each block once; blocks that their CIDs hold already are in no stream; no tree costs more than the limits of a walk.
 */
import { type CID, HoldfastError, verifyCid } from "@holdfast/base";
import { decode as decodeNode } from "@ipld/dag-pb";
import type { CarBlock } from "../car.ts";
import { followNames, isLinkedNode, linksIn, type NodeValue, readNode } from "../ipld-nodes.ts";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";
import { entriesOf, findEntry, type TreeEntry, treeEntries } from "./folders.ts";
import { type BlockReader, type ByteRange, type OpenFile, openFileBytes } from "./read-file.ts";
import { readTreeNode, type TreeNode } from "./unixfs.ts";
import { cidKey } from "./walk.ts";

/** Which blocks from the end of the path on: that one, those of the file or listing there, or all below. */
export type DagScope = "block" | "entity" | "all";

export interface DagQuery {
  readonly path: readonly string[];
  readonly scope: DagScope;
  /** Of a file, from the first byte to the last; below zero from the end. No last one: to the end. */
  readonly bytes?: { readonly from: number; readonly to: number | undefined } | undefined;
  /** Blocks that stand in several places are sent each time. */
  readonly repeats: boolean;
}

export interface DagPlace {
  readonly cid: CID;
  /** What has no form of a file, folder or link is other. */
  readonly kind: "file" | "folder" | "symlink" | "other";
  /** Of a file. */
  readonly sizeBytes: number | null;
  readonly target: string | null;
  /** The CIDs at the names of the path, from the root on. */
  readonly roots: readonly CID[];
}

export interface DagEntry {
  readonly name: string;
  readonly cid: CID;
  /** Of a file whose root is here; unknown otherwise. */
  readonly sizeBytes: number | null;
}

export interface Dag {
  /** The verified bytes. `retrieval/missing-block`. */
  block(cid: CID): Promise<Uint8Array>;
  /**
   * Along names of folders and of nodes with links. `retrieval/no-entry`, `/not-a-folder`, `/not-a-file`,
   * `/bad-node`, `/inside-node` where names are left within the last node, `/missing-block`.
   */
  find(root: CID, path: readonly string[]): Promise<DagPlace>;
  file(cid: CID, range?: ByteRange): Promise<OpenFile>;
  entries(cid: CID): AsyncIterable<DagEntry>;
  /** Everything below a folder. */
  tree(cid: CID): AsyncIterable<TreeEntry>;
  /** The blocks of a query, those that lead along its path first. */
  blocks(root: CID, query: DagQuery): AsyncIterable<CarBlock>;
  /** The CAR stream of a tree that lies here as a whole; its bytes are always the same. */
  wholeCar?(): Promise<WholeCar | undefined>;
}

export interface WholeCar {
  readonly carBytes: number;
  read(skipBytes: number): AsyncIterable<Uint8Array>;
}

const rawCode = 0x55;
const dagPbCode = 0x70;
const identityCode = 0x00;

export interface DagSource {
  /** Errors of its own if it fails; undefined if the block is not to be had. */
  get(cid: CID): Promise<Uint8Array | undefined>;
  /** Without reading it, where it lies here. */
  sizeBytes(cid: CID): Promise<number | undefined>;
}

export function dagOf(source: DagSource, root: CID): Dag {
  const read: BlockReader = async (cid) => {
    if (cid.multihash.code === identityCode) return cid.multihash.digest;
    const bytes = await source.get(cid);
    if (bytes === undefined)
      throw retrievalErrors.missingBlock({ root: root.toString(), cid: cid.toString() });
    if (!verifyCid(cid, bytes)) throw retrievalErrors.corruptBlock({ cid: cid.toString() });
    return bytes;
  };
  return {
    block: read,
    find: (from, path) => placeOf(read, from, path),
    file: (cid, range) => openFileBytes(read, cid, range),
    async *entries(cid) {
      const node = readTreeNode(cid, await read(cid), true);
      if (node.kind !== "folder") throw retrievalErrors.notAFolder({ cid: cid.toString() });
      for await (const entry of entriesOf(read, root, node)) {
        yield { ...entry, sizeBytes: await sizeOf(source, entry.cid) };
      }
    },
    async *tree(cid) {
      yield* treeEntries(read, root, { cid, node: readTreeNode(cid, await read(cid)) });
    },
    blocks: (from, query) => blocksOf(read, from, query),
  };
}

async function sizeOf(source: DagSource, cid: CID): Promise<number | null> {
  if (cid.code === rawCode) return (await source.sizeBytes(cid)) ?? null;
  if ((await source.sizeBytes(cid)) === undefined) return null;
  const bytes = await source.get(cid);
  const node = bytes === undefined ? undefined : nodeOf(cid, bytes);
  return node?.kind === "file" ? node.fileBytes : null;
}

/** Undefined for what is no part of a file or folder. */
function nodeOf(cid: CID, bytes: Uint8Array): TreeNode | undefined {
  if (cid.code !== rawCode && cid.code !== dagPbCode) return undefined;
  try {
    return readTreeNode(cid, bytes, true);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "retrieval/not-a-file") return undefined;
    throw error;
  }
}

/** The CIDs of a path, each of which `read` is asked for but the last. */
async function rootsOf(read: BlockReader, root: CID, path: readonly string[]): Promise<[CID, ...CID[]]> {
  const roots: [CID, ...CID[]] = [root];
  let cid = root;
  let left = path;
  while (left.length > 0) {
    if (roots.length > limits.dagDepth)
      throw retrievalErrors.dagTooBig({ root: root.toString(), what: "levels", limit: limits.dagDepth });
    const step = await stepOf(read, root, cid, left);
    if (step === undefined) throw retrievalErrors.noEntry({ root: root.toString(), path: path.join("/") });
    ({ cid } = step);
    left = left.slice(step.names);
    roots.push(cid);
  }
  return roots;
}

/** To the next block, by one name of a folder, or by those that lead to a link. */
async function stepOf(
  read: BlockReader,
  root: CID,
  at: CID,
  path: readonly string[],
): Promise<{ readonly cid: CID; readonly names: number } | undefined> {
  const [name = ""] = path;
  const bytes = await read(at);
  if (isLinkedNode(at)) {
    const step = followNames(nodeValue(at, bytes), path);
    if (step.kind === "value") throw retrievalErrors.insideNode({ cid: at.toString(), path: path.join("/") });
    return step.kind === "link" ? step : undefined;
  }
  if (at.code !== rawCode && at.code !== dagPbCode) throw retrievalErrors.notAFolder({ cid: at.toString() });
  const node = readTreeNode(at, bytes, true);
  if (node.kind !== "folder") throw retrievalErrors.notAFolder({ cid: at.toString() });
  const entry = await findEntry(read, root, node, name);
  return entry && { cid: entry.cid, names: 1 };
}

function nodeValue(cid: CID, bytes: Uint8Array): NodeValue {
  const value = readNode(cid, bytes);
  if (value === undefined) throw retrievalErrors.badNode({ cid: cid.toString() });
  return value;
}

async function placeOf(read: BlockReader, root: CID, path: readonly string[]): Promise<DagPlace> {
  const roots = await rootsOf(read, root, path);
  const cid = roots.at(-1) ?? root;
  const node = nodeOf(cid, await read(cid));
  if (node === undefined) return { cid, kind: "other", sizeBytes: null, target: null, roots };
  return {
    cid,
    kind: node.kind,
    sizeBytes: node.kind === "file" ? node.fileBytes : null,
    target: node.kind === "symlink" ? node.target : null,
    roots,
  };
}

async function* blocksOf(
  read: BlockReader,
  root: CID,
  query: DagQuery,
): AsyncGenerator<CarBlock, void, undefined> {
  const sent = new Sent(root, query.repeats);
  const way: CarBlock[] = [];
  const noting: BlockReader = async (cid) => {
    const bytes = await read(cid);
    way.push({ cid, bytes });
    return bytes;
  };
  const cid = (await rootsOf(noting, root, query.path)).at(-1) ?? root;
  for (const block of way) if (sent.add(block.cid)) yield block;
  const bytes = await read(cid);
  if (sent.add(cid)) yield { cid, bytes };
  else if (!query.repeats) return;
  if (query.scope === "all") yield* allBelow(read, { cid, bytes }, sent);
  else if (query.scope === "entity") yield* entityBelow(read, root, { cid, bytes }, query, sent);
}

/** What was sent; the budget of one stream. */
class Sent {
  readonly #root: CID;
  readonly #repeats: boolean;
  readonly #keys = new Set<string>();
  #count = 0;

  constructor(root: CID, repeats: boolean) {
    this.#root = root;
    this.#repeats = repeats;
  }
  /** Whether it is to be sent now. `retrieval/dag-too-big`. */
  add(cid: CID): boolean {
    this.#count += 1;
    if (this.#count > limits.dagBlocks) this.tooBig("blocks", limits.dagBlocks);
    if (cid.multihash.code === identityCode) return false;
    if (this.#repeats) return true;
    const key = cidKey(cid);
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    return true;
  }
  tooBig(what: string, limit: number): never {
    throw retrievalErrors.dagTooBig({ root: this.#root.toString(), what, limit });
  }
}

/** Depth first. A block that was sent before has been followed before, unless repetitions are wanted. */
async function* allBelow(
  read: BlockReader,
  from: CarBlock,
  sent: Sent,
  depth = 1,
): AsyncGenerator<CarBlock, void, undefined> {
  if (depth > limits.dagDepth) sent.tooBig("levels", limits.dagDepth);
  for (const cid of linksOf(from)) {
    const isSent = sent.add(cid);
    if (!isSent && cid.multihash.code !== identityCode) continue;
    const block = { cid, bytes: await read(cid) };
    if (isSent) yield block;
    yield* allBelow(read, block, sent, depth + 1);
  }
}

/** Of blocks in other codecs nothing is followed. */
function linksOf({ cid, bytes }: CarBlock): readonly CID[] {
  if (cid.code === dagPbCode) return decodeNode(bytes).Links.map(({ Hash }) => Hash);
  return isLinkedNode(cid) ? linksIn(nodeValue(cid, bytes)) : [];
}

async function* entityBelow(
  read: BlockReader,
  root: CID,
  { cid, bytes }: CarBlock,
  query: DagQuery,
  sent: Sent,
): AsyncGenerator<CarBlock, void, undefined> {
  const node = nodeOf(cid, bytes);
  if (node?.kind === "folder") {
    const shards: CarBlock[] = [];
    const noting: BlockReader = async (shard) => {
      const content = await read(shard);
      if (sent.add(shard)) shards.push({ cid: shard, bytes: content });
      return content;
    };
    for await (const _ of entriesOf(noting, root, node)) yield* shards.splice(0);
    yield* shards;
  } else if (node?.kind === "file") {
    const { from, to } = wantedBytes(query.bytes, node.fileBytes);
    if (from < to) yield* fileBelow(read, node, from, to, sent);
  }
}

/** From the first byte to behind the last, within the file; nothing of it if they are outside. */
function wantedBytes(
  bytes: DagQuery["bytes"],
  sizeBytes: number,
): { readonly from: number; readonly to: number } {
  if (bytes === undefined) return { from: 0, to: sizeBytes };
  const fromEnd = (at: number): number => (at < 0 ? sizeBytes + at : at);
  const last = bytes.to === undefined ? sizeBytes - 1 : fromEnd(bytes.to);
  return { from: Math.max(0, fromEnd(bytes.from)), to: Math.min(sizeBytes, last + 1) };
}

async function* fileBelow(
  read: BlockReader,
  node: TreeNode,
  from: number,
  to: number,
  sent: Sent,
  depth = 1,
): AsyncGenerator<CarBlock, void, undefined> {
  if (node.kind !== "file") return;
  if (depth > limits.dagDepth) sent.tooBig("levels", limits.dagDepth);
  let start = node.data.length;
  for (const { cid, fileBytes } of node.links) {
    if (start >= to) return;
    const [first, behind] = [from - start, to - start];
    start += fileBytes;
    if (first >= fileBytes) continue;
    const bytes = await read(cid);
    if (sent.add(cid)) yield { cid, bytes };
    const below = readTreeNode(cid, bytes);
    if (below.kind === "file" && below.links.length > 0)
      yield* fileBelow(read, below, first, behind, sent, depth + 1);
  }
}
