/**
 * The walk over the tree of a file or folder that everything follows: depth first from the root, links in order, each
 * block at its first visit only. So the CAR stream of a root is one and the same on every node, and a position
 * in it says exactly which blocks came before. Invariants: a walk that ended has found every claimed size
 * true, and a tree that is too large, too deep or too wide was refused after bounded work.
 */
import { assert, type CID, cidFromBytes } from "@holdfast/base";
import { carHeader } from "../car.ts";
import { limits } from "../limits.ts";
import type { FileBlocks } from "./blocks.ts";
import { retrievalErrors } from "./errors.ts";
import { checkFileCid, isRawLeaf, readTreeNode, type TreeLink, type TreeNode } from "./unixfs.ts";

export interface WalkLimits {
  /** Distinct blocks. */
  readonly blocks: number;
  /** Levels of the tree. */
  readonly depth: number;
  /** Links that were seen and not yet followed. */
  readonly pendingLinks: number;
}

export const walkLimits: WalkLimits = {
  blocks: limits.dagBlocks,
  depth: limits.dagDepth,
  pendingLinks: limits.dagPendingLinks,
};

export interface WantedBlock {
  readonly cid: CID;
  /** The length of the block if the tree says it: it does of raw leaves below the root. */
  readonly claimedBytes: number | undefined;
  /** Where the section of this block begins in the CAR stream. */
  readonly carOffset: number;
}

/** Where the walk is to go: the root has no kind, it may be anything. */
type Target = TreeLink | { readonly kind: "root"; readonly cid: CID };

interface Level {
  readonly links: readonly TreeLink[];
  /** Slots of the shard that these are the links of. */
  readonly fanout: number | undefined;
  next: number;
}

/** What a visited block was: the file bytes in and below it, or one of these. */
const folderMark = -1;
const symlinkMark = -2;
/** Less the fanout: a shard is only the child of a shard of its own width. */
const shardMark = -3;

function markOf(node: TreeNode): number {
  if (node.kind === "file") return node.fileBytes;
  if (node.kind === "symlink") return symlinkMark;
  return node.fanout === undefined ? folderMark : shardMark - node.fanout;
}

/**
 * The key of a block in maps: a character per byte of its CID is the smallest that compares by value. Both
 * versions of a CID name the same block.
 */
export function cidKey(cid: CID): string {
  return String.fromCharCode(...cid.toV1().bytes);
}
export function cidOfKey(key: string): CID {
  return cidFromBytes(Uint8Array.from(key, (character) => character.charCodeAt(0)));
}

/** Bytes of the CAR section of a block: length, CID, bytes. */
export function sectionBytes(cid: CID, blockBytes: number): number {
  const length = cid.bytes.length + blockBytes;
  let varintBytes = 1;
  for (let rest = length; rest >= 128; rest /= 128) varintBytes++;
  return varintBytes + length;
}

export class DagWalk {
  readonly root: CID;
  readonly #limits: WalkLimits;
  readonly #levels: Level[];
  #pendingLinks = 0;
  /** What was visited, each with its mark. */
  readonly #seen = new Map<string, number>();
  #current: { readonly link: Target; readonly fanout: number | undefined } | undefined;
  #rootVisited = false;
  #ended = false;
  #carOffset: number;
  #fileBytes: number | undefined;
  /** File bytes in the blocks that were visited. */
  #contentBytes = 0;

  /** `retrieval/unsupported-cid` if the root can be no file. */
  constructor(root: CID, bounds: WalkLimits = walkLimits) {
    checkFileCid(root);
    this.root = root;
    this.#limits = bounds;
    this.#levels = [];
    this.#carOffset = carHeader(root).length;
  }

  /** The length of the CAR stream up to the current block; of the whole stream after the walk. */
  get carOffset(): number {
    return this.#carOffset;
  }
  /**
   * The size of the file, known from the root block on; of a folder the file bytes in all its blocks, each counted
   * once, known at the end of the walk.
   */
  get fileBytes(): number | undefined {
    return this.#fileBytes ?? (this.#ended ? this.#contentBytes : undefined);
  }
  get blockCount(): number {
    return this.#seen.size;
  }
  /** Whether the walk has come by this block. */
  visited(key: string): boolean {
    return this.#seen.has(key);
  }

  visitedKeys(): Iterable<string> {
    return this.#seen.keys();
  }

  /** The next block that was not visited, the same until it is; undefined at the end. `retrieval/not-a-file`. */
  next(): WantedBlock | undefined {
    this.#current ??= this.#advance();
    if (this.#current === undefined) {
      this.#ended = true;
      return undefined;
    }
    const { cid } = this.#current.link;
    return { cid, claimedBytes: claimedLeaf(this.#current.link), carOffset: this.#carOffset };
  }

  /** Some of the blocks that come after, as far as the visited ones name them. */
  upcoming(count: number): CID[] {
    const found: CID[] = [];
    for (const { links, next } of this.#levels.toReversed()) {
      for (let at = next; at < links.length && found.length < count; at++) {
        const cid = links[at]?.cid;
        if (cid !== undefined && !this.#seen.has(cidKey(cid))) found.push(cid);
      }
    }
    return found;
  }

  /**
   * Visits the wanted block with its verified bytes. `retrieval/not-a-file`, `retrieval/dag-too-big`,
   * `retrieval/unsupported-cid`: then the tree itself is bad, whoever it came from.
   */
  accept(bytes: Uint8Array): TreeNode {
    const { link, fanout } = this.#wanted();
    if (bytes.length > limits.fileBlockBytes) {
      throw this.#tooBig("bytes in one block", limits.fileBlockBytes);
    }
    const node = readTreeNode(link.cid, bytes);
    const mark = markOf(node);
    if (!isMarkOf(link, fanout, mark)) throw this.#wrongPart(link);
    if (link.kind === "root" && node.kind === "file") this.#fileBytes = node.fileBytes;
    this.#contentBytes += node.data.length;
    this.#visit(link.cid, bytes.length, mark);
    this.#descend(node);
    return node;
  }

  /** Visits a wanted raw leaf without its bytes, whose length the caller has seen to be the claimed one. */
  skipLeaf(): void {
    const { link } = this.#wanted();
    const leafBytes = claimedLeaf(link);
    assert(leafBytes !== undefined, "only a raw leaf of known length is skipped");
    if (leafBytes > limits.fileBlockBytes) throw this.#tooBig("bytes in one block", limits.fileBlockBytes);
    this.#contentBytes += leafBytes;
    this.#visit(link.cid, leafBytes, leafBytes);
  }
  /** Leaves out a wanted block and what is below it: for trees of which a part is missing. */
  leaveOut(): void {
    this.#wanted();
    this.#current = undefined;
  }

  #wanted(): { readonly link: Target; readonly fanout: number | undefined } {
    assert(this.#current !== undefined, "a block is visited after it was asked for");
    return this.#current;
  }

  #advance(): { readonly link: Target; readonly fanout: number | undefined } | undefined {
    if (!this.#rootVisited) {
      this.#rootVisited = true;
      return { link: { kind: "root", cid: this.root }, fanout: undefined };
    }
    for (;;) {
      const level = this.#levels.at(-1);
      if (level === undefined) return undefined;
      const link = level.links[level.next];
      if (link === undefined) {
        this.#levels.pop();
        continue;
      }
      level.next++;
      this.#pendingLinks--;
      const seen = this.#seen.get(cidKey(link.cid));
      if (seen === undefined) return { link, fanout: level.fanout };
      if (!isMarkOf(link, level.fanout, seen)) throw this.#wrongPart(link);
    }
  }

  #visit(cid: CID, blockBytes: number, mark: number): void {
    if (this.#seen.size >= this.#limits.blocks) throw this.#tooBig("blocks", this.#limits.blocks);
    this.#seen.set(cidKey(cid), mark);
    this.#carOffset += sectionBytes(cid, blockBytes);
    this.#current = undefined;
  }
  #descend(node: TreeNode): void {
    const { links } = node;
    if (links.length === 0) return;
    this.#pendingLinks += links.length;
    if (this.#pendingLinks > this.#limits.pendingLinks)
      throw this.#tooBig("links", this.#limits.pendingLinks);
    if (this.#levels.length + 1 >= this.#limits.depth) throw this.#tooBig("levels", this.#limits.depth);
    this.#levels.push({ links, fanout: node.kind === "folder" ? node.fanout : undefined, next: 0 });
  }

  #tooBig(what: string, limit: number): Error {
    return retrievalErrors.dagTooBig({ root: this.root.toString(), what, limit });
  }
  #wrongPart({ kind, cid }: Target): Error {
    const reason =
      kind === "part"
        ? `the size that it claims for its part ${cid.toString()} is wrong`
        : `its shard ${cid.toString()} is none of its own width`;
    return retrievalErrors.notAFile({ cid: this.root.toString(), reason });
  }
}

/** The length of a block if the link says it. */
function claimedLeaf(link: Target): number | undefined {
  return link.kind === "part" && isRawLeaf(link.cid) ? link.fileBytes : undefined;
}

/** Whether a block with this mark may be where the link leads. */
function isMarkOf(link: Target, fanout: number | undefined, mark: number): boolean {
  if (link.kind === "part") return mark === link.fileBytes;
  return link.kind === "shard" ? fanout !== undefined && mark === shardMark - fanout : true;
}

/** The keys of all blocks of a file as far as its tree lies here; leaves are not read and need not be here. */
export async function* knownKeys(
  blocks: Pick<FileBlocks, "get">,
  root: CID,
): AsyncGenerator<{ readonly key: string; readonly cid: CID }, void, undefined> {
  const walk = new DagWalk(root);
  for (let wanted = walk.next(); wanted !== undefined; wanted = walk.next()) {
    const { cid, claimedBytes } = wanted;
    yield { key: cidKey(cid), cid };
    if (claimedBytes !== undefined) {
      walk.skipLeaf();
      continue;
    }
    const bytes = await blocks.get(cid);
    if (bytes === undefined) walk.leaveOut();
    else walk.accept(bytes);
  }
}

/**
 * The blocks of a file in the order of its CAR stream. `retrieval/missing-block`, `retrieval/not-a-file`,
 * `retrieval/dag-too-big`, `retrieval/unsupported-cid`.
 */
export async function* dagBlocks(
  blocks: Pick<FileBlocks, "get">,
  root: CID,
  bounds?: WalkLimits,
): AsyncGenerator<{ readonly cid: CID; readonly bytes: Uint8Array }, void, undefined> {
  const walk = new DagWalk(root, bounds);
  for (let wanted = walk.next(); wanted !== undefined; wanted = walk.next()) {
    const { cid } = wanted;
    const bytes = await blocks.get(cid);
    if (bytes === undefined) {
      throw retrievalErrors.missingBlock({ root: root.toString(), cid: cid.toString() });
    }
    walk.accept(bytes);
    yield { cid, bytes };
  }
}
