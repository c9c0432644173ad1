/**
 * A caller of the storage that can be killed at any point: whatever it finds done it does not do again, so
 * running it once more after a restart takes every piece to a committed sector.
 */
import { SeededRandom } from "@holdfast/base/testing";
import type { Storage } from "@holdfast/storage";
import { identity, pieceOf, seedAt, ticketAt } from "../support.ts";

export interface PieceSpec {
  readonly pieceKey: string;
  readonly userBytes: number;
}

/** Pieces of all sizes that fit into a sector. */
export function pieceSpecs(seed: string, count: number, maxUserBytes: number): PieceSpec[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    pieceKey: `${seed}/${i}`,
    userBytes: random.chance(0.2)
      ? maxUserBytes
      : random.between(1, Math.floor(maxUserBytes / random.between(1, 4))),
  }));
}

/** Adds the pieces, two at a time, and seals all; `onAck` hears of each piece that is acknowledged. */
export async function drive(
  storage: Storage,
  specs: readonly PieceSpec[],
  onAck: (pieceKey: string) => void,
): Promise<void> {
  for (let at = 0; at < specs.length; at += 2) {
    await Promise.all(
      specs.slice(at, at + 2).map(async ({ pieceKey, userBytes }) => {
        const piece = pieceOf(pieceKey, userBytes);
        await storage.addPiece({ ...piece, source: halves(piece.bytes) });
        onAck(pieceKey);
      }),
    );
    await advance(storage);
  }
  await storage.sealAllStagedSectors();
  while (await advance(storage));
}

/** One step of the oldest unfinished sector; false when all are finished. */
async function advance(storage: Storage): Promise<boolean> {
  const sector = (await storage.listSectors()).find(
    ({ state }) => state !== "committed" && state !== "staging",
  );
  if (sector === undefined) return false;
  const { sectorId, state } = sector;
  if (state === "closing") await storage.startSeal(sectorId, ticketAt(sectorId), identity);
  else if (state === "sealed") await storage.proveSeal(sectorId, seedAt(sectorId));
  else if (state === "proved") await storage.confirmCommitted(sectorId);
  else if (state === "failed") await storage.retrySector(sectorId);
  else await storage.whenIdle(sectorId);
  return true;
}

async function* halves(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes.subarray(0, bytes.length >> 1);
  yield bytes.subarray(bytes.length >> 1);
}
