/**
 * Opening volumes for real: folders by the operating system, buckets over HTTP. A worker opens the table that came with
 * its job; keys for buckets are its own environment's.
 */
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { abortable, type Clock, type Disk } from "@holdfast/base";
import { openNodeDisk } from "../disk/index.ts";
import { volumeErrors } from "./errors.ts";
import { markedDisk } from "./marked.ts";
import { mountVolumes, type VolumeDisk } from "./mounts.ts";
import { placeText } from "./place.ts";
import { BucketClient } from "./s3/client.ts";
import { openBucketDisk } from "./s3/disk.ts";
import type { BucketKeys } from "./s3/sign.ts";
import type { VolumePlace, VolumeTable } from "./types.ts";

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
  const home = table.home === null ? opening.scratch.disk : openNodeDisk(table.home);
  const disk = mountVolumes(home, table.home);
  for (const spec of table.volumes) disk.mount(spec, markedDisk(openPlace(spec.place, opening), spec));
  return disk;
}

/**
 * The volumes of a table as a worker opens them, thread or process: with the keys of its own environment, and with
 * scratch files in the storage's own folder, or in the machine's where that folder cannot be reached from here.
 */
export function openVolumesHere(table: VolumeTable): VolumeDisk {
  const folder = table.home === null ? `holdfast-spool-${process.pid}` : spoolFolder;
  const scratch = { disk: openNodeDisk(table.home ?? tmpdir()), folder };
  return openVolumeTable(table, { clock: machineClock, scratch, env: process.env });
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
