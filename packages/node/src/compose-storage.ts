/** The miner's storage as the other rooms want to see it: one adapter for mining, one for the API. */
import type { Storage } from "@holdfast/storage";
import type { MinerParts } from "./compose.ts";
import type { MineStorage, Mining } from "./mine/index.ts";
import type { HandlerNeeds } from "./rpc/index.ts";

/** Mining waits for a step; the storage starts it and tells when the sector is idle again. */
export function mineStorageOf(storage: Storage): MineStorage {
  return {
    listSectors: () => storage.listSectors(),
    async seal(sectorId, ticket, identity) {
      await storage.startSeal(sectorId, ticket, identity);
      await storage.whenIdle(sectorId);
    },
    async prove(sectorId, seed) {
      await storage.proveSeal(sectorId, seed);
      await storage.whenIdle(sectorId);
    },
    retry: (sectorId) => storage.retrySector(sectorId),
    restart: (sectorId, reason) => storage.restartSeal(sectorId, reason),
    readSealProof: (sectorId) => storage.readSealProof(sectorId),
    confirmCommitted: (sectorId) => storage.confirmCommitted(sectorId),
    markExpired: (sectorId) => storage.markExpired(sectorId),
    generatePost: (kind, seed, sectorIds) => storage.generatePost(kind, seed, sectorIds),
  };
}

export function minerDoorOf(
  { address, storage }: MinerParts,
  mining: Mining,
): NonNullable<HandlerNeeds["miner"]> {
  return {
    miner: address,
    status: () => mining.status(),
    sectors: () =>
      storage
        .listSectors()
        .filter(({ state }) => state !== "removed")
        .map((sector) => {
          const pieces = storage.listPieces(sector.sectorId);
          return {
            sectorId: sector.sectorId,
            sectorBytes: sector.sectorBytes,
            state: sector.state,
            detail: sector.failure?.message ?? "",
            commD: sector.commitments?.commD ?? null,
            commR: sector.commitments?.commR ?? null,
            usedBytes: sector.filledPaddedBytes,
            pieces,
          };
        }),
  };
}
