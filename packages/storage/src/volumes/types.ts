/**
 * A volume is a place for files of sectors: a folder on some disk, or a prefix of a bucket. Sectors know their
 * files by paths of one namespace, `volumes/<id>/…` for what lies on volume <id>, plain paths for volume 0, the
 * storage's own folder; so a job names its files without knowing where they are, and whoever opens the same
 * table of volumes finds them, in this process or in another.
 */

/** seal: what a seal writes and its proof reads. store: replicas, their trees, plain copies. */
export const volumeRoles = ["seal", "store"] as const;
export type VolumeRole = (typeof volumeRoles)[number];

/** open: takes files. read-only: keeps what it has. draining: its files are moved away. */
export const volumeModes = ["open", "read-only", "draining"] as const;
export type VolumeMode = (typeof volumeModes)[number];

/** The storage's own folder: always there, never attached, never detached. */
export const homeVolumeId = 0;

export type VolumePlace =
  | { readonly kind: "folder"; readonly path: string }
  | {
      readonly kind: "s3";
      /** Origin of the server, such as http://127.0.0.1:9000. */
      readonly endpoint: string;
      readonly region: string;
      readonly bucket: string;
      /** Below which all keys are; "" or `a/b`. */
      readonly prefix: string;
    };

/** What opens a volume; plain data, so that it may travel to a worker. Secrets are never in it. */
export interface VolumeSpec {
  readonly volumeId: number;
  readonly place: VolumePlace;
  /** Stands in the volume's own marker file: how a volume is told from the empty folder of a disk that is away. */
  readonly marker: string;
}

/** Every volume of a storage, its own folder first: what a worker needs to open its files. */
export interface VolumeTable {
  /** The storage's own folder on this machine; null where a worker cannot reach it. */
  readonly home: string | null;
  /** Of the storage's own folder, as each volume has one; left out where nobody else is to look for it. */
  readonly homeMarker?: string;
  readonly volumes: readonly VolumeSpec[];
}

/** The storage's own folder as a volume that others may look for; undefined for one that they cannot. */
export function homeSpec({ home, homeMarker }: VolumeTable): VolumeSpec | undefined {
  if (home === null || homeMarker === undefined) return undefined;
  return { volumeId: homeVolumeId, place: { kind: "folder", path: home }, marker: homeMarker };
}

const prefixed = /^volumes\/(\d{1,9})\/(.+)$/;

/** Where a path leads: to which volume, and how it is called there. */
export function locate(path: string): { readonly volumeId: number; readonly path: string } {
  const found = prefixed.exec(path);
  if (found === null) return { volumeId: homeVolumeId, path };
  return { volumeId: Number(found[1]), path: found[2] ?? "" };
}

/** The name in the common namespace of a path on a volume. */
export function pathOn(volumeId: number, path: string): string {
  return volumeId === homeVolumeId ? path : `volumes/${volumeId}/${path}`;
}
