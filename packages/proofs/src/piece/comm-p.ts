/**
 * commP, the commitment of a piece: the root of the sha2-256-trunc254 tree over its Fr32-padded bytes,
 * zero-filled to 128·2^k. The stream form keeps one batch of leaves and one node per level.
 * Source: Filecoin specs, piece commitments; the same bytes as every Filecoin tool computes.
 */
import { assert } from "@holdfast/base";
import { Fr32Padder, paddedBlockBytes, userBlockBytes } from "../fr32/index.ts";
import { exactLog2, nodeBytes, treeKernel } from "../merkle/index.ts";
import { piecesErrors } from "./errors.ts";
import { TreeFold } from "./fold.ts";
import { paddedPieceBytes, pieceHeightOrThrow } from "./size.ts";

export interface PieceInfo {
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** 128·2^k bytes. */
  readonly paddedBytes: number;
}

/** Leaves that are hashed at once: 64 KiB of padded data. */
const batchHeight = 11;
const batchBytes = nodeBytes * 2 ** batchHeight;
const batchUserBytes = (batchBytes / paddedBlockBytes) * userBlockBytes;
const zeros = new Uint8Array(batchUserBytes);

/**
 * Told of the nodes of the tree as they come up: `row` holds whole nodes of one height, the first of them number
 * `first`; at each height from left to right. Inside of folded zeros it is not told.
 */
export type RowObserver = (height: number, first: number, row: Uint8Array) => void;

/**
 * commP of a stream of user bytes: `write` chunks of any size, then `finish` once. State: a batch of 64 KiB with
 * its padded slice and rows, and one node per level, whatever the size (tested to 2^36 padded bytes).
 */
export class CommPStream {
  readonly #padder = new Fr32Padder();
  readonly #batch = new Uint8Array(batchBytes);
  readonly #rows = new Uint8Array(batchBytes);
  readonly #padded = new Uint8Array(batchBytes + 2 * paddedBlockBytes);
  readonly #fold: TreeFold;
  readonly #observe: RowObserver | undefined;
  #held = 0;
  #foldedZeros = 0;

  /** `observe` sees the nodes of the tree; the rows it gets are overwritten later. */
  constructor(observe?: RowObserver) {
    this.#observe = observe;
    this.#fold = new TreeFold(observe);
  }

  /** User bytes written so far. */
  get userBytes(): number {
    return this.#padder.userBytes + this.#foldedZeros;
  }

  write(user: Uint8Array): void {
    // In slices, so that the padded copy stays small however large the chunk is.
    for (let at = 0; at < user.length; at += batchUserBytes) {
      this.#take(this.#padder.push(user.subarray(at, at + batchUserBytes), this.#padded));
    }
  }

  /**
   * Writes this many zero bytes. What is at least a batch long costs one hash per level: holes of sparse files
   * and the room behind small pieces are folded, not read.
   */
  writeZeros(userBytes: number): void {
    const toBatch = (batchUserBytes - (this.userBytes % batchUserBytes)) % batchUserBytes;
    const before = Math.min(toBatch, userBytes);
    const batches = Math.floor((userBytes - before) / batchUserBytes);
    this.write(zeros.subarray(0, before));
    this.#fold.fillTo(this.#fold.leaves + batches * 2 ** batchHeight);
    this.#foldedZeros += batches * batchUserBytes;
    this.write(zeros.subarray(0, userBytes - before - batches * batchUserBytes));
  }

  /** The commitment of all bytes written. Throws pieces/empty. */
  finish(): PieceInfo {
    const paddedBytes = paddedPieceBytes(this.userBytes);
    this.#take(this.#padder.finish());
    if (this.#held > 0) {
      const size = Math.min(batchBytes, paddedBytes);
      const leaves = this.#batch.subarray(0, size).fill(0, this.#held);
      this.#fold.add(exactHeight(size), this.#rootOf(leaves));
    }
    return { commitment: this.#fold.finish(pieceHeightOrThrow(paddedBytes)), paddedBytes };
  }

  /** The root of the batch: rows are hashed, in the stream's room for them, until one node is left. */
  #rootOf(leaves: Uint8Array): Uint8Array {
    let row = leaves;
    let at = 0;
    for (let height = 0; row.length > nodeBytes; height += 1) {
      this.#observe?.(height, this.#fold.leaves / 2 ** height, row);
      const parents = this.#rows.subarray(at, at + row.length / 2);
      at += parents.length;
      row = treeKernel.sha256Pairs(row, parents);
    }
    return row.slice();
  }

  #take(padded: Uint8Array): void {
    let from = 0;
    while (from < padded.length) {
      const taken = padded.subarray(from, from + batchBytes - this.#held);
      this.#batch.set(taken, this.#held);
      this.#held += taken.length;
      from += taken.length;
      if (this.#held === batchBytes) {
        this.#fold.add(batchHeight, this.#rootOf(this.#batch));
        this.#held = 0;
      }
    }
  }
}

function exactHeight(bytes: number): number {
  const height = exactLog2(bytes / nodeBytes);
  assert(height !== undefined, "a batch is a whole subtree");
  return height;
}

/** commP of user bytes in memory. Throws pieces/empty. */
export function commP(user: Uint8Array): PieceInfo {
  if (user.length === 0) throw piecesErrors.empty({ userBytes: 0 });
  const stream = new CommPStream();
  stream.write(user);
  return stream.finish();
}
