/**
 * The walk over a file's tree that everything follows: depth first from the root, links in their order, each
 * block at its first visit only. So the CAR stream of a root is one and the same on every node, and a position
 * in it says exactly which blocks came before. Invariants: a walk that ended has found every claimed size
 * true, and a tree that is too large, too deep or too wide was refused after bounded work.
 */
import { assert, type CID, cidFromBytes } from "@holdfast/base";
import { carHeader } from "../car.ts";
import { limits } from "../limits.ts";
import type { FileBlocks } from "./blocks.ts";
import { retrievalErrors } from "./errors.ts";
import { checkFileCid, type FileLink, type FileNode, isRawLeaf, readFileNode } from "./unixfs.ts";

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

interface Level {
  readonly links: readonly FileLink[];
  next: number;
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
  /** What was visited, with the file bytes in and below it. */
  readonly #seen = new Map<string, number>();
  #current: { readonly link: { readonly cid: CID; readonly fileBytes: number | undefined } } | undefined;
  #rootVisited = false;
  #carOffset: number;
  #fileBytes: number | undefined;

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
  /** The size of the file, known from the root block on. */
  get fileBytes(): number | undefined {
    return this.#fileBytes;
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
    if (this.#current === undefined) return undefined;
    const { cid, fileBytes } = this.#current.link;
    return { cid, claimedBytes: isRawLeaf(cid) ? fileBytes : undefined, carOffset: this.#carOffset };
  }

  /**
   * Visits the wanted block with its verified bytes. `retrieval/not-a-file`, `retrieval/dag-too-big`,
   * `retrieval/unsupported-cid`: then the tree itself is bad, whoever it came from.
   */
  accept(bytes: Uint8Array): FileNode {
    const { cid, fileBytes } = this.#wanted();
    if (bytes.length > limits.fileBlockBytes) {
      throw this.#tooBig("bytes in one block", limits.fileBlockBytes);
    }
    const node = readFileNode(cid, bytes);
    if (fileBytes !== undefined && fileBytes !== node.fileBytes) throw this.#wrongSize(cid);
    this.#fileBytes ??= node.fileBytes;
    this.#visit(cid, bytes.length, node.fileBytes);
    this.#descend(node.links);
    return node;
  }

  /** Visits a wanted raw leaf without its bytes, whose length the caller has seen to be the claimed one. */
  skipLeaf(): void {
    const { cid, fileBytes } = this.#wanted();
    assert(fileBytes !== undefined && isRawLeaf(cid), "only a raw leaf of known length is skipped");
    if (fileBytes > limits.fileBlockBytes) throw this.#tooBig("bytes in one block", limits.fileBlockBytes);
    this.#visit(cid, fileBytes, fileBytes);
  }
  /** Leaves out a wanted block and what is below it: for trees of which a part is missing. */
  leaveOut(): void {
    this.#wanted();
    this.#current = undefined;
  }

  #wanted(): { readonly cid: CID; readonly fileBytes: number | undefined } {
    assert(this.#current !== undefined, "a block is visited after it was asked for");
    return this.#current.link;
  }

  #advance(): { readonly link: { readonly cid: CID; readonly fileBytes: number | undefined } } | undefined {
    if (!this.#rootVisited) {
      this.#rootVisited = true;
      return { link: { cid: this.root, fileBytes: undefined } };
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
      if (seen === undefined) return { link };
      if (seen !== link.fileBytes) throw this.#wrongSize(link.cid);
    }
  }

  #visit(cid: CID, blockBytes: number, fileBytes: number): void {
    if (this.#seen.size >= this.#limits.blocks) throw this.#tooBig("blocks", this.#limits.blocks);
    this.#seen.set(cidKey(cid), fileBytes);
    this.#carOffset += sectionBytes(cid, blockBytes);
    this.#current = undefined;
  }
  #descend(links: readonly FileLink[]): void {
    if (links.length === 0) return;
    this.#pendingLinks += links.length;
    if (this.#pendingLinks > this.#limits.pendingLinks)
      throw this.#tooBig("links", this.#limits.pendingLinks);
    if (this.#levels.length + 1 >= this.#limits.depth) throw this.#tooBig("levels", this.#limits.depth);
    this.#levels.push({ links, next: 0 });
  }

  #tooBig(what: string, limit: number): Error {
    return retrievalErrors.dagTooBig({ root: this.root.toString(), what, limit });
  }
  #wrongSize(cid: CID): Error {
    return retrievalErrors.notAFile({
      cid: this.root.toString(),
      reason: `the size that it claims for its part ${cid.toString()} is wrong`,
    });
  }
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
