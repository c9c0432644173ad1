/**
 * Opening volumes for real: folders by the operating system, buckets over HTTP. A worker opens the table that came with
 * its job; keys for buckets are its own environment's.
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { access, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { abortable, type Clock, type Disk } from "@holdfast/base";
import { openNodeDisk } from "../disk/index.ts";
import { volumeErrors } from "./errors.ts";
import { markedDisk, markerFile, markerOf, readMarker } from "./marked.ts";
import { mountVolumes, type VolumeDisk } from "./mounts.ts";
import { placeText } from "./place.ts";
import { BucketClient } from "./s3/client.ts";
import { openBucketDisk } from "./s3/disk.ts";
import type { BucketKeys } from "./s3/sign.ts";
import { homeSpec, type VolumePlace, type VolumeSpec, type VolumeTable } from "./types.ts";

/** Below work/, which every start of a storage empties. */
export const spoolFolder = "work/spool";

type Environment = { readonly [name: string]: string | undefined };

export interface VolumeOpening {
  readonly clock: Clock;
  /** A local folder for files that are on their way to a bucket. */
  readonly scratch: { readonly disk: Disk; readonly folder: string };
  readonly env: Environment;
}

/** A folder is made by who mounts the disk: a misspelt one must not fill another disk. Throws storage/volume-taken. */
export async function checkPlace(place: VolumePlace): Promise<void> {
  if (place.kind !== "folder") return;
  const reason = await stat(place.path).then(
    (found) => (found.isDirectory() ? undefined : "it is no folder"),
    () => "there is no such folder",
  );
  if (reason !== undefined) throw volumeErrors.volumeTaken({ place: place.path, reason });
}

/** The disk of a place, without a look at whether it is the right one. Throws storage/volume-keys-missing. */
export function openPlace(place: VolumePlace, { clock, scratch, env }: VolumeOpening): Disk {
  if (place.kind === "folder") return openNodeDisk(place.path);
  return openBucketDisk({ client: new BucketClient(place, bucketKeys(place, env), clock), scratch, clock });
}

/** Every volume of a table; `scratch` is used where the storage's own folder cannot be reached. */
export function openVolumeTable(table: VolumeTable, opening: VolumeOpening): VolumeDisk {
  const own = homeSpec(table);
  const folder = table.home === null ? opening.scratch.disk : openNodeDisk(table.home);
  const home = own === undefined ? folder : markedDisk(folder, own);
  const disk = mountVolumes(home, table.home);
  if (own !== undefined) disk.markHome(own.marker);
  for (const spec of table.volumes) disk.mount(spec, markedDisk(openPlace(spec.place, opening), spec));
  return disk;
}

/** The volumes of a table as a worker opens them, thread or process: with the keys of its own environment. */
export function openVolumesHere(table: VolumeTable): VolumeDisk {
  return openVolumeTable(table, { clock: machineClock, scratch: scratchHere(table), env: process.env });
}

/** Files on their way to a bucket: in the storage's own folder where that is on this machine, or in the system's. */
function scratchHere(table: VolumeTable): VolumeOpening["scratch"] {
  const own = homeSpec(table);
  if (table.home !== null && (own === undefined || isHere(own, table.home))) {
    return { disk: openNodeDisk(table.home), folder: spoolFolder };
  }
  return { disk: openNodeDisk(tmpdir()), folder: `${scratchName}${process.pid}` };
}

function isHere({ marker }: VolumeSpec, folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return markerOf(readFileSync(join(folder, markerFile))) === marker;
  } catch {
    return false;
  }
}

/** In the system's folder for temporary files, with the number of the process. */
const scratchName = "holdfast-spool-";

/** Removes what processes of this machine that are gone, and this one, have left on its way to buckets. */
export async function removeScratch(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = name.startsWith(scratchName) ? Number(name.slice(scratchName.length)) : Number.NaN;
    if (!Number.isSafeInteger(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined); // somebody else's
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * Resolves where a volume is the right one and this user may use it.
 * Throws storage/volume-away, volume-keys-missing, volume-refused, volume-taken, disk/….
 */
export async function reachVolume({ volumeId, marker, place }: VolumeSpec): Promise<void> {
  const away = (reason: string) => volumeErrors.volumeAway({ volumeId, place: placeText(place), reason });
  const scratch = { disk: openNodeDisk(tmpdir()), folder: `${scratchName}${process.pid}` };
  const disk = openPlace(place, { clock: machineClock, scratch, env: process.env });
  const found = await readMarker(disk, placeText(place));
  if (found === undefined) throw away(`it has no ${markerFile}`);
  if (found !== marker) throw away("another volume is there");
  if (place.kind !== "folder") return;
  const all = constants.R_OK | constants.W_OK | constants.X_OK;
  await access(place.path, all).catch(() => {
    throw away("this user may not write there");
  });
}

/** A worker has no clock of a network: it needs one for signatures and pauses only. */
const machineClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => abortable(signal, sleep(ms)),
};

function bucketKeys(place: VolumePlace, env: Environment): BucketKeys {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: token,
  } = env;
  if (!accessKeyId || !secretAccessKey) throw volumeErrors.volumeKeysMissing({ place: placeText(place) });
  return { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) };
}
