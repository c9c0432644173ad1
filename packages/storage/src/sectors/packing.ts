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

/** Sizes of the sectors that would be opened for such pieces, the largest of them first, beside these rooms. */
export function openedFor(
  rooms: readonly Room[],
  pieces: readonly number[],
  sizes: readonly number[],
): number[] {
  const known = [...rooms];
  const opened: number[] = [];
  for (const paddedBytes of pieces.toSorted((a, b) => b - a)) {
    // Most pieces of a deal fill a sector, and fit into none that has another.
    const mayFit = known.some((room) => room.sectorBytes > paddedBytes || room.slots.length === 0);
    const fit = mayFit ? bestFit(known, paddedBytes) : undefined;
    const at = known.findIndex(({ sectorId }) => sectorId === fit?.sectorId);
    const room = known[at];
    if (room !== undefined && fit !== undefined) {
      const slots = [...room.slots, { ...fit, paddedBytes }];
      known[at] = { ...room, slots: slots.sort((a, b) => a.offsetPaddedBytes - b.offsetPaddedBytes) };
      continue;
    }
    const sectorBytes = smallestFor(paddedBytes, sizes);
    opened.push(sectorBytes);
    // One that it fills takes no other.
    const slots = [{ offsetPaddedBytes: 0, paddedBytes }];
    if (paddedBytes < sectorBytes) known.push({ sectorId: -opened.length, sectorBytes, slots });
  }
  return opened;
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
