/**
 * Sectors whose files are recorded and not there: somebody deleted them by hand, or a file system has lost them. Only
 * names are looked at, nothing is read. A file on a volume that is away is not called missing.
 */
import { everySector, type FileRow, type SectorRow } from "../store/index.ts";
import { isAway } from "./collector.ts";
import type { Core } from "./core.ts";
import { filePath } from "./files.ts";
import type { FileRole } from "./roles.ts";
import { provableStates, type SectorState } from "./states.ts";

export interface LackingSector {
  readonly sectorId: number;
  readonly state: SectorState;
  readonly missing: readonly { readonly role: FileRole; readonly volumeId: number; readonly path: string }[];
  /** Proofs of spacetime read the tree, or where none is kept the replica: that is there. */
  readonly isProvable: boolean;
  /** It is on the chain, and can be made anew of what is left of it, when its seal is final. */
  readonly isRepairable: boolean;
}

export interface LackingReport {
  /** So many of them as are named: those that can be made anew before others. */
  readonly sectors: readonly LackingSector[];
  readonly sectorCount: number;
  readonly fileCount: number;
  readonly lookedCount: number;
  /** Where there are more sectors, or was no time for more: the last one, behind which a look goes on. */
  readonly lookedTo: number | null;
}

export interface LackingLook {
  readonly mostSectors: number;
  /** A bucket is asked for each file by itself: but for the first, no other sector is begun after so long. */
  readonly mostMs: number;
  /** Where an earlier look ended; from the first sector when left out. */
  readonly after?: number;
  readonly signal: AbortSignal;
}

/** Sectors that a report names. */
const namedSectors = 100;

export async function lackingSectors(core: Core, look: LackingLook): Promise<LackingReport> {
  const sectors: LackingSector[] = [];
  let [sectorCount, fileCount, lookedCount] = [0, 0, 0];
  let lookedTo: number | null = null;
  const startedMs = core.clock.nowMs();
  for await (const row of everySector(core.store, undefined, look.after)) {
    core.end.throwIfAborted();
    look.signal.throwIfAborted();
    const isLate = Math.abs(core.clock.nowMs() - startedMs) > look.mostMs;
    if (lookedTo !== null && (lookedCount === look.mostSectors || isLate))
      return { sectors, sectorCount, fileCount, lookedCount, lookedTo };
    lookedCount++;
    lookedTo = row.sectorId;
    const found = await lackingOf(core, row);
    if (found === undefined) continue;
    sectorCount++;
    fileCount += found.missing.length;
    if (sectors.length < namedSectors) sectors.push(found);
    else if (found.isRepairable) displace(sectors, found);
  }
  return { sectors, sectorCount, fileCount, lookedCount, lookedTo: null };
}

/** In place of the last that cannot be made anew, if there is one: who mends what is named comes to all that can be. */
function displace(sectors: LackingSector[], found: LackingSector): void {
  const at = sectors.findLastIndex(({ isRepairable }) => !isRepairable);
  if (at < 0) return;
  sectors.splice(at, 1);
  sectors.push(found);
}

/** Jobs go on meanwhile: what is missing is looked at again by what is recorded then. */
async function lackingOf(core: Core, row: SectorRow): Promise<LackingSector | undefined> {
  const { store } = core;
  if (!isKept(row)) return undefined;
  const first = await absentOf(core, row.sectorId);
  if (first.length === 0) return undefined;
  const again = await absentOf(core, row.sectorId);
  const now = await store.sector(row.sectorId);
  const missing = again.filter((file) => first.some(({ path }) => path === file.path));
  if (now === undefined || !isKept(now) || missing.length === 0) return undefined;
  return {
    ...{ sectorId: now.sectorId, state: now.state },
    missing: missing.map(({ role, volumeId, path }) => ({ role, volumeId, path })),
    ...(await meansOf(core, now, missing)),
  };
}

function isKept({ state }: SectorRow): boolean {
  return state !== "expired" && state !== "removed";
}

async function absentOf(core: Core, sectorId: number): Promise<FileRow[]> {
  const absent: FileRow[] = [];
  for (const file of (await core.store.volumes.filesOf(sectorId)).values()) {
    if (file.sizeBytes > 0 && !(await isThere(core, file))) absent.push(file); // one of no bytes has yet to be written
  }
  return absent;
}

async function isThere({ disk, volumes }: Core, file: FileRow): Promise<boolean> {
  if (!volumes.conditionOf(file.volumeId).isHere) return true;
  try {
    return (await disk.sizeBytes(filePath(file))) !== undefined;
  } catch (error) {
    if (isAway(error)) return true; // nobody knows
    throw error;
  }
}

async function meansOf(
  { store }: Core,
  { sectorId, state }: SectorRow,
  missing: readonly FileRow[],
): Promise<Pick<LackingSector, "isProvable" | "isRepairable">> {
  const files = await store.volumes.filesOf(sectorId);
  const isThere = (role: FileRole): boolean => files.has(role) && !missing.some((file) => file.role === role);
  const isOnChain = provableStates.includes(state);
  const isEmpty = (await store.fill(sectorId)).slotCount === 0;
  const sources: readonly FileRole[] = ["sealed", "tree", "unsealed", "staged"];
  return {
    isProvable: isOnChain && isThere(files.has("tree") ? "tree" : "sealed"),
    isRepairable: isOnChain && (isEmpty || sources.some(isThere)),
  };
}
