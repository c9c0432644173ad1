/** A miner's volumes as the API wants to see them, and the rest of the node's folder beside them. */
import { opendir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MethodResult } from "@holdfast/api";
import type { Chores, DrainJob, Storage, VolumeInfo } from "@holdfast/storage";
import { recordsFile } from "./records.ts";
import type { StorageDoor } from "./rpc/index.ts";
import { workLimits } from "./work-limits.ts";

type VolumeView = MethodResult<"storage.attach">;
type FolderView = NonNullable<MethodResult<"storage.ls">["folder"]>[number];

/** What the parts of a node's folder are; see repo/index.ts. */
const parts: { readonly [name: string]: string } = {
  blocks: "blocks of files that were imported or fetched",
  chain: "the chain: states, messages, blocks",
  "node.db": "deals, channels, messages, peers",
  "storage.db": "sectors, pieces and where they lie",
  "jobs.db": "jobs of the miner",
  "jobs-left": "where the jobs still are while they move to another database",
  sectors: "volume 0: sectors",
  keystore: "keys",
  "genesis.car": "the first block of the network",
  "config.toml": "the configuration",
  "clock.json": "how far the network's time is from this machine's",
  "node.log": "the log of the node",
  unsealed: "pieces that were read out of sealed sectors",
  pins: "blocks of what is pinned",
  attestation: "what an attested node keeps of its evidence",
  version: "of the folder's layout",
  token: "the word that the API asks for",
  api: "where the API listens",
  lock: "held by the node that runs",
};
const foreign = "no part of a node: it was put there by somebody else";

/** With `chores` what takes long is a job of the queue; without, as in simulated networks, it is done on the spot. */
export function storageDoorOf(storage: Storage, folder: string | undefined, chores?: Chores): StorageDoor {
  const { volumes } = storage;
  const drainOf = async ({ mode, volumeId }: VolumeInfo): Promise<DrainJob | null> =>
    mode === "draining" ? ((await chores?.drainOf(volumeId)) ?? null) : null;
  const changed = async (volume: VolumeInfo): Promise<VolumeView> => {
    if (volume.mode === "draining") await chores?.drain(volume);
    else await chores?.endDrain(volume.volumeId);
    const drain = await drainOf(volume);
    return { ...viewOf(volume, drain), reason: reasonOf(volume, await volumes.list(), drain) };
  };
  return {
    "storage.ls": async ({ check, lacking, after }, signal) => {
      const explained = new Map(
        check ? (await volumes.explain()).map((one) => [one.volumeId, one] as const) : [],
      );
      const all = await volumes.list();
      const views = all.map(async (volume) => {
        const { recorded = [], found = null, unfinished } = explained.get(volume.volumeId) ?? {};
        const drain = await drainOf(volume);
        return {
          ...viewOf(volume, drain),
          reason: reasonOf(volume, all, drain),
          recorded: recorded.map(owned),
          unfinished: { pieces: unfinished?.pieceCount ?? 0, sizeBytes: unfinished?.durableBytes ?? 0 },
          found: found?.map(owned) ?? null,
        };
      });
      const refusal = await storage.refusal();
      return {
        refusal: refusal === undefined ? null : { reason: refusal.message, fix: refusal.fix },
        records: storage.metadataPlace,
        volumes: await Promise.all(views),
        folder: check && folder !== undefined ? await folderOf(folder, storage.metadataPlace) : null,
        lacking: check || lacking ? await lackingIn(storage, { check, after, signal }) : null,
      };
    },
    "storage.attach": async ({ place, ...settings }) =>
      viewOf(await volumes.attach({ place, ...given(settings) })),
    "storage.set": async ({ volume, ...settings }) => {
      const now = await volumes.change(volume, given(settings));
      return settings.mode === undefined ? viewOf(now, await drainOf(now)) : await changed(now);
    },
    "storage.drain": async ({ volume }) => await changed(await volumes.change(volume, { mode: "draining" })),
    "storage.detach": async ({ volume, isLost }) => {
      await volumes.detach(volume, { isLost });
      return { volume };
    },
    "storage.move": async ({ sectorId, volume }, signal) => {
      await (chores?.move(sectorId, volume, signal) ?? volumes.move(sectorId, volume));
      const files = await volumes.filesOf(sectorId);
      return {
        sectorId,
        files: files.map(({ role, volumeId, path, sizeBytes }) => ({ role, volumeId, path, sizeBytes })),
      };
    },
    "storage.check": async ({ sectorId }, signal) => {
      const { troubles } = await (chores?.check(sectorId, signal) ?? volumes.check(sectorId));
      return { sectorId, troubles: [...troubles] };
    },
    "storage.repair": async ({ sectorId }, signal) => {
      const { troubles, repaired } = await (chores?.repair(sectorId, signal) ?? volumes.repair(sectorId));
      return { sectorId, troubles: [...troubles], repaired: [...repaired] };
    },
    "storage.clean": async (_params, signal) => {
      const { removed, removedCount, freedBytes } = await (chores?.clean(signal) ?? storage.collectGarbage());
      return { removed: [...removed], files: removedCount, freedBytes };
    },
  };
}

function viewOf(
  { fileCount, freeBytes, attachedMs: _, checkedMs: __, ...volume }: VolumeInfo,
  drain: DrainJob | null = null,
): VolumeView {
  const isEndless = volume.kind === "s3" || !volume.isHere;
  const shown = drain && { jobId: drain.jobId, state: drain.state, progress: drain.progress };
  const roles = [...volume.roles];
  return { ...volume, roles, files: fileCount, freeBytes: isEndless ? null : freeBytes, drain: shown };
}

/** `check`: of all sectors, however long that takes. */
async function lackingIn(
  storage: Storage,
  { check, after, signal }: { check: boolean; after: number | undefined; signal: AbortSignal },
): Promise<MethodResult<"storage.ls">["lacking"]> {
  const { lackingSectors: mostSectors, lackingMs: mostMs } = workLimits;
  const most = check
    ? { mostSectors: Number.POSITIVE_INFINITY, mostMs: Number.POSITIVE_INFINITY }
    : { mostSectors, mostMs };
  const { sectors, fileCount, lookedCount, ...rest } = await storage.volumes.lacking({
    ...most,
    ...given({ after }),
    signal,
  });
  const shown = sectors.map((sector) => ({ ...sector, missing: [...sector.missing] }));
  return { ...rest, sectors: shown, files: fileCount, looked: lookedCount };
}

/** A volume that is not being emptied, because nothing else takes its files or nobody moves them, says so. */
function reasonOf(volume: VolumeInfo, all: readonly VolumeInfo[], drain: DrainJob | null): string | null {
  if (volume.reason !== null || volume.mode !== "draining" || volume.fileCount === 0) return volume.reason;
  if (drain?.state === "cancelled")
    return `its job was called off: \`holdfast storage drain ${volume.volumeId}\` goes on`;
  if (drain?.state === "failed")
    return (
      `its job ${drain.jobId} has failed: ${drain.failure?.message ?? "nothing is known"}; ` +
      `\`holdfast storage drain ${volume.volumeId}\` tries it again`
    );
  const others = all.filter((one) => one.volumeId !== volume.volumeId && one.mode === "open");
  if (others.some(({ isHere, isWritable, roles }) => isHere && isWritable && roles.includes("store")))
    return null;
  return "no other volume keeps sectors, so its files stay: attach one with `holdfast storage attach PATH`";
}

function owned({ fileCount, ...one }: { owner: string; fileCount: number; sizeBytes: number }) {
  return { ...one, files: fileCount };
}

/** What was said, and nothing of what was not. */
function given<Settings extends object>(
  settings: Settings,
): { [Key in keyof Settings]?: Exclude<Settings[Key], undefined> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Settings]?: Exclude<Settings[Key], undefined>;
  };
}

/** Everything in a node's folder, by what it is. */
async function folderOf(root: string, records: string): Promise<FolderView[]> {
  const views = new Map<string, FolderView>();
  const names = (await readdir(root)).sort();
  const isMoved = records !== recordsFile(root);
  const left = new Set(isMoved ? ["storage.db", ...(names.includes("jobs-left") ? [] : ["jobs.db"])] : []);
  for (const name of names) {
    const known = Object.keys(parts).find((part) => name === part || name.startsWith(`${part}-`)); // SQLite's journals
    const shown = known ?? name;
    const before = views.get(shown) ?? {
      name: shown,
      about: left.has(shown) ? `left behind: its records are in ${records} now` : (parts[shown] ?? foreign),
      files: 0,
      sizeBytes: 0,
    };
    const { files, sizeBytes } = await sizeOf(join(root, name));
    views.set(shown, { ...before, files: before.files + files, sizeBytes: before.sizeBytes + sizeBytes });
  }
  return [...views.values()];
}

/** Files come and go while they are counted. */
async function sizeOf(path: string): Promise<{ files: number; sizeBytes: number }> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { files: 0, sizeBytes: 0 };
  if (!found.isDirectory()) return { files: 1, sizeBytes: found.size };
  let total = { files: 0, sizeBytes: 0 };
  const entries = await opendir(path).catch(() => []);
  for await (const { name } of entries) {
    const inner = await sizeOf(join(path, name));
    total = { files: total.files + inner.files, sizeBytes: total.sizeBytes + inner.sizeBytes };
  }
  return total;
}
