/** The miner's storage as the other rooms want to see it: one adapter for mining, one for the API. */
import { HoldfastError } from "@holdfast/base";
import { type SectorInfo, type Storage, sectorStates } from "@holdfast/storage";
import type { MinerParts } from "./compose.ts";
import type { MineStorage, Mining } from "./mine/index.ts";
import type { HandlerNeeds, LocalSector } from "./rpc/index.ts";

/** Mining waits for a step; the storage starts it and tells when the sector is idle again. */
export function mineStorageOf(storage: Storage, rehearses = false): MineStorage {
  return {
    ...(rehearses ? { rehearse: (seed, ids) => rehearse(storage, seed, ids) } : {}),
    unfinished: () => storage.everySector([...unfinishedStates, "failed"]),
    landed: () => storage.everySector(["committed", "faulty"]),
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

/** Whatever keeps a sector from being proven is a fault of it; that none can be proven is one of each. */
async function rehearse(
  storage: Storage,
  seed: Uint8Array,
  sectorIds: readonly number[],
): Promise<readonly number[]> {
  if (sectorIds.length === 0) return [];
  try {
    const { faults } = await storage.generatePost("check", seed, sectorIds);
    return faults.map(({ sectorId }) => sectorId);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "storage/no-provable-sector") throw error;
    return sectorIds;
  }
}

export function minerDoorOf(
  { address, storage, moveRecords }: MinerParts,
  mining: Mining,
): NonNullable<HandlerNeeds["miner"]> {
  return {
    miner: address,
    ...(moveRecords === undefined ? {} : { moveRecords }),
    status: () => mining.status(),
    recordsSilence: () => storage.metadataSilence,
    sectors: async (page) => (await storage.listSectors({ ...page, states: keptStates })).map(localSector),
    sector: async (sectorId) => {
      const [found] = await storage.listSectors({ states: keptStates, after: sectorId - 1, limit: 1 });
      return found?.sectorId === sectorId ? localSector(found) : undefined;
    },
    piecesOf: (sectorId) => storage.listPieces({ sectorId }),
    async *unfinished() {
      for await (const sector of storage.everySector(unfinishedStates)) yield localSector(sector);
    },
    async countSectors() {
      const counts: { [state: string]: number } = {};
      for (const { state, sectorCount } of await storage.countSectors()) {
        if (state !== "removed") counts[state] = (counts[state] ?? 0) + sectorCount;
      }
      return counts;
    },
  };
}

const keptStates = sectorStates.filter((state) => state !== "removed");
const unfinishedStates = sectorStates.filter(
  (state) => !["committed", "faulty", "expired", "removed", "failed"].includes(state),
);

function localSector(sector: SectorInfo): LocalSector {
  return {
    sectorId: sector.sectorId,
    sectorBytes: sector.sectorBytes,
    state: sector.state,
    detail: sector.failure?.message ?? "",
    commD: sector.commitments?.commD ?? null,
    commR: sector.commitments?.commR ?? null,
    usedBytes: sector.filledPaddedBytes,
    pieceCount: sector.pieceCount,
  };
}
