/**
 * Sectors that were sealed elsewhere: those of a genesis, whose commitments are part of the first block. They
 * arrive whole (replica and tree) and are committed from the start.
 */
import { equalBytes, sectorId as sectorIdOf } from "@holdfast/base";
import {
  type Prover,
  resolveClass,
  type SectorClass,
  vanillaClass,
  zeroPieceCommitment,
} from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { SealCommitments, SectorRow } from "../store/index.ts";
import { homeVolumeId } from "../volumes/index.ts";
import { type Core, ensureOpen } from "./core.ts";
import { fileName } from "./files.ts";
import type { Space } from "./space.ts";
import type { SealIdentity, Ticket } from "./types.ts";

export interface PresealedSector extends SealCommitments {
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly ticket: Ticket;
  readonly identity: SealIdentity;
  /** The replica's bytes. */
  readonly replica: Uint8Array;
  /** The replica's tree as the seal gave it. */
  readonly replicaTree: Uint8Array;
}

export interface PresealRequest {
  /** The sizes of the network. */
  readonly classes: readonly SectorClass[];
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly ticket: Ticket;
  readonly identity: SealIdentity;
}

/** Seals a sector without pieces in memory, for a genesis. Throws proofs/unknown-sector-size. */
export async function presealSector(prover: Prover, request: PresealRequest): Promise<PresealedSector> {
  const { classes, ...sector } = request;
  const { sectorId, sectorBytes, ticket, identity } = sector;
  const commD = zeroPieceCommitment(sectorBytes);
  const bound = { ...identity, sectorId: sectorIdOf(sectorId), ticket: ticket.bytes, commD };
  const data = new Uint8Array(sectorBytes);
  const sealed = await prover.replicate({ classes, sectorBytes, identity: bound, data });
  const { commR, commRStar, replica, replicaTree } = sealed;
  return { ...sector, commD, commR, commRStar, replica, replicaTree };
}

/** What a fresh sector is asked for before it is taken; any seed does. */
const probeSeed = new Uint8Array(32).fill(0x5a);

/**
 * Takes a sector as committed; the same sector again is no error.
 * Throws storage/sector-conflict, storage/bad-sector (its tree is not that of its commR), storage/full.
 */
export async function importPresealed(core: Core, space: Space, sector: PresealedSector): Promise<void> {
  ensureOpen(core);
  const { store, disk, locks, work } = core;
  const { sectorId } = sector;
  await locks.run(sectorId, async () => {
    ensureOpen(core);
    const known = await store.sector(sectorId);
    if (known !== undefined) {
      if (isSame(known, sector)) return;
      throw storageErrors.sectorConflict({ sectorId });
    }
    const folder = work.open(sectorId, 0, homeVolumeId);
    try {
      const files = { replica: `${folder}/sealed`, tree: `${folder}/tree` };
      await disk.writeFile(files.replica, sector.replica);
      await disk.writeFile(files.tree, sector.replicaTree);
      await probe(core, sector, files.tree);
      const row = rowOf(sector, core.clock.nowMs());
      const at = { sectorId, volumeId: homeVolumeId };
      const sealed = {
        ...at,
        role: "sealed",
        path: fileName(row, "sealed", store.generation),
        sizeBytes: sector.replica.length,
      } as const;
      const tree = {
        ...at,
        role: "tree",
        path: fileName(row, "tree", store.generation),
        sizeBytes: sector.replicaTree.length,
      } as const;
      await disk.rename(files.replica, sealed.path);
      await disk.rename(files.tree, tree.path);
      ensureOpen(core);
      await store.transaction(async (tx) => {
        await tx.addSector(row);
        await tx.useSectorIds(sectorId);
        await space.placeAtHome(tx, sectorId, sector.sectorBytes);
        await tx.volumes.putFile(sealed);
        await tx.volumes.putFile(tree);
      });
    } finally {
      if (!core.end.aborted) await disk.remove(folder).catch(() => undefined); // else the next start does it
      work.close(folder);
    }
  });
}

/** A proof of spacetime over this sector alone must come out, else its files are not those of its commitments. */
async function probe(core: Core, sector: PresealedSector, treePath: string): Promise<void> {
  const { sectorId, sectorBytes, commR, identity, replica } = sector;
  const refuse = (reason: string) => storageErrors.badSector({ sectorId, reason });
  if (replica.length !== sectorBytes) throw refuse(`its replica has ${replica.length} bytes`);
  // The openings themselves tell: a SNARK over them would only take longer.
  const { profile } = resolveClass(core.classes, sectorBytes);
  const result = await core.sealer.post(
    {
      classes: [vanillaClass(profile)],
      postKind: "window",
      seed: probeSeed,
      miner: identity.miner,
      sectors: [{ sectorId: sectorIdOf(sectorId), sectorBytes, commR, treePath }],
    },
    { signal: core.end },
  );
  if (result.proof === null) throw refuse(result.faults[0]?.message ?? "it cannot be proven");
}

function rowOf(sector: PresealedSector, nowMs: number): SectorRow {
  const { sectorId, sectorBytes, ticket, identity, commD, commR, commRStar } = sector;
  return {
    sectorId,
    sectorBytes,
    origin: "presealed",
    state: "committed",
    attempt: 0,
    openedMs: nowMs,
    changedMs: nowMs,
    ticket: { ...ticket, ...identity },
    commitments: { commD, commR, commRStar },
    seed: null,
    failure: null,
  };
}

function isSame(known: SectorRow, sector: PresealedSector): boolean {
  return (
    known.origin === "presealed" &&
    known.commitments !== null &&
    equalBytes(known.commitments.commR, sector.commR) &&
    equalBytes(known.commitments.commD, sector.commD)
  );
}
