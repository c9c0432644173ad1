/**
 * Where a piece goes. Pieces have 128·2^k padded bytes and start at a multiple of their own size, so free
 * space is a set of aligned blocks of such sizes (a buddy allocator). A piece takes the smallest block that
 * holds it, over all staged sectors: large holes stay whole for large pieces.
 * Invariant: a taken slot never moves, so bytes can be written before the sector is complete.
 */
import { layoutPieces, type PieceInfo, zeroPieceCommitment } from "@holdfast/proofs";

export interface Slot {
  readonly offsetPaddedBytes: number;
  readonly paddedBytes: number;
}
export interface FilledSlot extends Slot {
  readonly commP: Uint8Array;
}
export interface Room {
  readonly sectorId: number;
  readonly sectorBytes: number;
  /** By offset. */
  readonly slots: readonly Slot[];
}

/** Free aligned blocks of a sector by offset, each as large as its position and the gap allow. */
export function freeBlocks(slots: readonly Slot[], sectorBytes: number): Slot[] {
  const blocks: Slot[] = [];
  let at = 0;
  const fillUpTo = (end: number) => {
    while (at < end) {
      const paddedBytes = largestBlock(at, end - at);
      blocks.push({ offsetPaddedBytes: at, paddedBytes });
      at += paddedBytes;
    }
  };
  for (const slot of slots) {
    fillUpTo(slot.offsetPaddedBytes);
    at = slot.offsetPaddedBytes + slot.paddedBytes;
  }
  fillUpTo(sectorBytes);
  return blocks;
}

/** The largest power of two that divides `at` (any, for 0) and is not above `room`. */
function largestBlock(at: number, room: number): number {
  let size = 1;
  while (size * 2 <= room && at % (size * 2) === 0) size *= 2;
  return size;
}

/** Padded bytes of a sector that no piece takes. */
export function freePaddedBytes(room: Room): number {
  return room.sectorBytes - room.slots.reduce((sum, slot) => sum + slot.paddedBytes, 0);
}

/** Whether pieces take at least so much of a sector. */
export function isFilled(room: Room, percent: number): boolean {
  return 100 * (room.sectorBytes - freePaddedBytes(room)) >= room.sectorBytes * percent;
}

/** The best slot for a piece: smallest block, then the fullest sector, then the oldest; or none. */
export function bestFit(
  rooms: readonly Room[],
  paddedBytes: number,
): { readonly sectorId: number; readonly offsetPaddedBytes: number } | undefined {
  const candidates = rooms.flatMap((room) =>
    freeBlocks(room.slots, room.sectorBytes)
      .filter((block) => block.paddedBytes >= paddedBytes)
      .map((block) => ({ room, block, free: freePaddedBytes(room) })),
  );
  candidates.sort(
    (a, b) =>
      a.block.paddedBytes - b.block.paddedBytes ||
      a.free - b.free ||
      a.room.sectorId - b.room.sectorId ||
      a.block.offsetPaddedBytes - b.block.offsetPaddedBytes,
  );
  const best = candidates[0];
  if (best === undefined) return undefined;
  return { sectorId: best.room.sectorId, offsetPaddedBytes: best.block.offsetPaddedBytes };
}

/** Which sector a piece opens, of these sizes from the smallest on; the largest, for one that fits into none. */
export function smallestFor(paddedBytes: number, sizes: readonly number[]): number {
  return sizes.find((size) => size >= paddedBytes) ?? sizes.at(-1) ?? paddedBytes;
}

/** How many there are of each size. */
export type SizeCounts = ReadonlyMap<number, number>;

/** What is free of a room: how many blocks of each size, and how many pieces it still takes. */
interface Free {
  readonly blocks: Map<number, number>;
  freeBytes: number;
  piecesLeft: number;
}

/**
 * The sectors that would be opened for such pieces, the largest of them first, beside these rooms; no sector takes
 * more than `maxPieces`. What comes of laying them one by one, but reckoned by size: what it costs grows with rooms and
 * sizes and not with pieces, which strangers name.
 */
export function openedFor(
  rooms: readonly Room[],
  pieces: SizeCounts,
  sizes: readonly number[],
  maxPieces: number,
): SizeCounts {
  const known = rooms.map((room): Free => {
    const blocks = new Map<number, number>();
    for (const { paddedBytes } of freeBlocks(room.slots, room.sectorBytes)) add(blocks, paddedBytes, 1);
    return { blocks, freeBytes: freePaddedBytes(room), piecesLeft: maxPieces - room.slots.length };
  });
  const opened = new Map<number, number>();
  for (const [paddedBytes, count] of [...pieces].sort(([a], [b]) => b - a)) {
    const left = layInto(known, paddedBytes, count);
    if (left === 0) continue;
    const sectorBytes = smallestFor(paddedBytes, sizes);
    const perSector = Math.max(1, Math.min(maxPieces, Math.floor(sectorBytes / paddedBytes)));
    add(opened, sectorBytes, Math.ceil(left / perSector));
    // Those before the last one take nothing more: they are full, or have as many pieces as they may.
    const inLast = left % perSector;
    if (inLast === 0) continue;
    const last = { blocks: new Map([[sectorBytes, 1]]), freeBytes: sectorBytes, piecesLeft: maxPieces };
    layInto([last], paddedBytes, inLast);
    known.push(last);
  }
  return opened;
}

/** Lays as many pieces of one size as fit, each where `bestFit` would; how many are left. */
function layInto(rooms: readonly Free[], paddedBytes: number, count: number): number {
  let left = count;
  while (left > 0) {
    const best = bestBlock(rooms, paddedBytes);
    if (best === undefined) return left;
    const { room, size } = best;
    const perBlock = size / paddedBytes;
    const there = room.blocks.get(size) ?? 0;
    // What is left of a block is smaller than all others that would do, so the next piece goes there.
    const laid = Math.min(left, room.piecesLeft, there * perBlock);
    add(room.blocks, size, -Math.ceil(laid / perBlock));
    let rest = (perBlock - (laid % perBlock)) % perBlock;
    for (let block = paddedBytes; rest > 0; block *= 2, rest = Math.floor(rest / 2))
      if (rest % 2 === 1) add(room.blocks, block, 1);
    room.freeBytes -= laid * paddedBytes;
    room.piecesLeft -= laid;
    left -= laid;
  }
  return 0;
}

/** The smallest block that holds it, of the fullest room, of the oldest. */
function bestBlock(
  rooms: readonly Free[],
  paddedBytes: number,
): { readonly room: Free; readonly size: number } | undefined {
  let best: { readonly room: Free; readonly size: number } | undefined;
  for (const room of rooms) {
    if (room.piecesLeft <= 0) continue;
    const size = Math.min(...[...room.blocks.keys()].filter((one) => one >= paddedBytes));
    if (!Number.isFinite(size)) continue;
    const isBetter =
      best === undefined || size < best.size || (size === best.size && room.freeBytes < best.room.freeBytes);
    if (isBetter) best = { room, size };
  }
  return best;
}

function add(counts: Map<number, number>, size: number, count: number): void {
  const sum = (counts.get(size) ?? 0) + count;
  if (sum === 0) counts.delete(size);
  else counts.set(size, sum);
}

/** All pieces of a sector in order, the free blocks as pieces of zeros. */
export function wholeLayout(slots: readonly FilledSlot[], sectorBytes: number): (PieceInfo & Slot)[] {
  const filled = slots.map(({ offsetPaddedBytes, paddedBytes, commP }) => ({
    offsetPaddedBytes,
    paddedBytes,
    commitment: commP,
  }));
  const free = freeBlocks(slots, sectorBytes).map(({ offsetPaddedBytes, paddedBytes }) =>
    zeroBlock(offsetPaddedBytes, paddedBytes),
  );
  return [...filled, ...free].sort((a, b) => a.offsetPaddedBytes - b.offsetPaddedBytes);
}

function zeroBlock(offsetPaddedBytes: number, paddedBytes: number): PieceInfo & Slot {
  return { offsetPaddedBytes, paddedBytes, commitment: zeroPieceCommitment(paddedBytes) };
}

/** commD of a sector from the commitments of its pieces alone. */
export function commDOf(slots: readonly FilledSlot[], sectorBytes: number): Uint8Array {
  return layoutPieces(wholeLayout(slots, sectorBytes), sectorBytes).commD;
}

/** The commitment of a piece when it is filled with zeros up to a larger padded size. */
export function commPAtSize(piece: PieceInfo, paddedBytes: number): Uint8Array {
  return piece.paddedBytes === paddedBytes ? piece.commitment : layoutPieces([piece], paddedBytes).commD;
}
