/**
 * The CAR stream of a file that lies here, from any offset. A plan lists the sections of the stream; it is made
 * by one walk that reads only the inner blocks (1 of 175 in a large file), takes about 50 bytes of memory per
 * block, and finds the section at an offset by bisection. Pieces of deals are slices of this stream.
 */
import { assert, type CID, cidFromBytes } from "@holdfast/base";
import { carHeader, carSectionHead } from "../car.ts";
import { limits } from "../limits.ts";
import { inAdvance } from "./ahead.ts";
import type { FileBlocks } from "./blocks.ts";
import { retrievalErrors } from "./errors.ts";
import { DagWalk, sectionBytes, type WalkLimits } from "./walk.ts";

export interface CarPlan {
  readonly root: CID;
  /** Length of the whole stream. */
  readonly carBytes: number;
  /** Size of the file. */
  readonly fileBytes: number;
  readonly blockCount: number;
  /** The section with this number, from 0 in the order of the stream. */
  section(index: number): { readonly cid: CID; readonly carOffset: number; readonly blockBytes: number };
  /** The number of the section that holds the byte at `carOffset`; -1 for the header. */
  sectionAt(carOffset: number): number;
}

/** `retrieval/missing-block` and what the walk refuses: `retrieval/not-a-file`, `/dag-too-big`, `/unsupported-cid`. */
export async function planCar(
  blocks: Pick<FileBlocks, "get">,
  root: CID,
  bounds?: WalkLimits,
): Promise<CarPlan> {
  const walk = new DagWalk(root, bounds);
  const sections = new SectionList();
  for (let wanted = walk.next(); wanted !== undefined; wanted = walk.next()) {
    const { cid, carOffset, claimedBytes } = wanted;
    if (claimedBytes !== undefined) {
      walk.skipLeaf();
    } else {
      const bytes = await blocks.get(cid);
      if (bytes === undefined) {
        throw retrievalErrors.missingBlock({ root: root.toString(), cid: cid.toString() });
      }
      walk.accept(bytes);
    }
    sections.push(cid, carOffset);
  }
  const carBytes = walk.carOffset;
  const fileBytes = walk.fileBytes ?? 0;
  return {
    root,
    carBytes,
    fileBytes,
    blockCount: sections.length,
    section(index) {
      const cid = sections.cid(index);
      const carOffset = sections.offset(index);
      const end = index + 1 < sections.length ? sections.offset(index + 1) : carBytes;
      return { cid, carOffset, blockBytes: blockBytesOf(cid, end - carOffset) };
    },
    sectionAt: (carOffset) => sections.before(carOffset),
  };
}

/** The length of a block from that of its section; the varint in front of it has 1 to 3 bytes. */
function blockBytesOf(cid: CID, section: number): number {
  for (let varintBytes = 1; varintBytes <= 5; varintBytes++) {
    const blockBytes = section - varintBytes - cid.bytes.length;
    if (sectionBytes(cid, blockBytes) === section) return blockBytes;
  }
  assert(false, "a section is its length, its CID and its block");
}

/** Offsets and CIDs of sections, packed. */
class SectionList {
  length = 0;
  #offsets = new Float64Array(16);
  #starts = new Float64Array(16);
  #cids = new Uint8Array(16 * 40);
  #cidsEnd = 0;

  push(cid: CID, carOffset: number): void {
    if (this.length === this.#offsets.length) {
      this.#offsets = grown(this.#offsets, new Float64Array(2 * this.length));
      this.#starts = grown(this.#starts, new Float64Array(2 * this.length));
    }
    if (this.#cidsEnd + cid.bytes.length > this.#cids.length) {
      this.#cids = grown(this.#cids, new Uint8Array(2 * this.#cids.length + cid.bytes.length));
    }
    this.#offsets[this.length] = carOffset;
    this.#starts[this.length] = this.#cidsEnd;
    this.#cids.set(cid.bytes, this.#cidsEnd);
    this.#cidsEnd += cid.bytes.length;
    this.length++;
  }
  offset(index: number): number {
    assert(index >= 0 && index < this.length, "the section exists");
    return this.#offsets[index] ?? 0;
  }
  cid(index: number): CID {
    assert(index >= 0 && index < this.length, "the section exists");
    const end = index + 1 < this.length ? this.#starts[index + 1] : this.#cidsEnd;
    return cidFromBytes(this.#cids.slice(this.#starts[index], end));
  }
  /** The last section that begins at or before `carOffset`, or -1. */
  before(carOffset: number): number {
    let low = -1;
    let high = this.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#offsets[middle] ?? 0) <= carOffset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function grown<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/**
 * The stream from `skipBytes` (at most its length) to its end, about one block at a time. `retrieval/bad-offset`,
 * `retrieval/missing-block`; `retrieval/not-a-file` if the tree lied about the length of a leaf.
 */
export async function* streamCar(
  blocks: Pick<FileBlocks, "get">,
  plan: CarPlan,
  skipBytes = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { root, carBytes } = plan;
  if (!(Number.isSafeInteger(skipBytes) && skipBytes >= 0 && skipBytes <= carBytes)) {
    throw retrievalErrors.badOffset({ offsetBytes: skipBytes, sizeBytes: carBytes });
  }
  if (skipBytes === carBytes) return;
  const first = plan.sectionAt(skipBytes);
  if (first === -1) yield carHeader(root).subarray(skipBytes);
  const sections = sectionsFrom(blocks, plan, first);
  for await (const { carOffset, head, bytes } of inAdvance(sections, limits.readAheadBlocks)) {
    const skip = Math.max(0, skipBytes - carOffset);
    if (skip < head.length) yield head.subarray(skip);
    const skipInBlock = Math.max(0, skip - head.length);
    if (skipInBlock < bytes.length) yield bytes.subarray(skipInBlock);
  }
}

interface LoadedSection {
  readonly carOffset: number;
  readonly head: Uint8Array;
  readonly bytes: Uint8Array;
}

function* sectionsFrom(
  blocks: Pick<FileBlocks, "get">,
  plan: CarPlan,
  first: number,
): Generator<() => Promise<LoadedSection>, void, undefined> {
  for (let index = Math.max(first, 0); index < plan.blockCount; index++) {
    yield async () => {
      const { cid, carOffset, blockBytes } = plan.section(index);
      const bytes = await blocks.get(cid);
      if (bytes === undefined) {
        throw retrievalErrors.missingBlock({ root: plan.root.toString(), cid: cid.toString() });
      }
      if (bytes.length !== blockBytes) {
        const reason = `the size that it claims for its part ${cid.toString()} is wrong`;
        throw retrievalErrors.notAFile({ cid: plan.root.toString(), reason });
      }
      return { carOffset, head: carSectionHead(cid, blockBytes), bytes };
    };
  }
}

export interface PieceSlice {
  readonly index: number;
  readonly offsetBytes: number;
  readonly userBytes: number;
}

/** How a CAR stream is cut into pieces: all of them full but the last, which holds the rest. */
export function pieceSlices(carBytes: number, maxPieceUserBytes: number): readonly PieceSlice[] {
  assert(Number.isSafeInteger(carBytes) && carBytes > 0, "a CAR stream has a length");
  assert(Number.isSafeInteger(maxPieceUserBytes) && maxPieceUserBytes > 0, "a piece has a length");
  const count = Math.ceil(carBytes / maxPieceUserBytes);
  return Array.from({ length: count }, (_, index) => {
    const offsetBytes = index * maxPieceUserBytes;
    return { index, offsetBytes, userBytes: Math.min(maxPieceUserBytes, carBytes - offsetBytes) };
  });
}
