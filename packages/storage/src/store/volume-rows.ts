/**
 * Volumes and files in the metadata. Invariant, kept by every method here and checked by the tests after each step: a
 * volume's `usedBytes` and `fileCount` are those of its files, its `reservedBytes` those of the places on it.
 */
import { assert } from "@holdfast/base";
import type { Row, Sql } from "../db/index.ts";
import { type FileRole, fileRoles } from "../sectors/roles.ts";
import {
  parsePlace,
  placeText,
  type VolumeMode,
  type VolumePlace,
  type VolumeRole,
  volumeErrors,
  volumeModes,
  volumeRoles,
} from "../volumes/index.ts";
import { int, oneOf, text } from "./rows.ts";

export interface VolumeRow {
  readonly volumeId: number;
  readonly place: VolumePlace;
  readonly marker: string;
  readonly roles: readonly VolumeRole[];
  readonly mode: VolumeMode;
  readonly weight: number;
  /** Null: as much as its disk has. */
  readonly maxBytes: number | null;
  readonly attachedMs: number;
  readonly usedBytes: number;
  readonly reservedBytes: number;
  readonly fileCount: number;
}
export type VolumeSettings = Pick<VolumeRow, "roles" | "mode" | "weight" | "maxBytes">;

/** One file of a sector. `path` is its name on the volume. */
export interface FileRow {
  readonly sectorId: number;
  readonly role: FileRole;
  readonly volumeId: number;
  readonly path: string;
  readonly sizeBytes: number;
}

/** A volume and what a sector may take there at most, its files included. */
export interface Share {
  readonly volumeId: number;
  readonly bytes: number;
}
/** stage: its pieces in the clear until the sector is on the chain; seal: what only a seal needs; store: what stays. */
export interface SectorPlace {
  readonly sectorId: number;
  readonly stage: Share;
  readonly seal: Share;
  readonly store: Share;
}

/** What idle space has on a volume; `usedBytes` is part of `reservedBytes`. */
export interface TenantRow {
  readonly reservedBytes: number;
  readonly usedBytes: number;
  readonly fileCount: number;
}

/** What a sector on the chain has no more. */
const passingRoles: readonly FileRole[] = ["staged", "aux", "proof"];
const placeParts = ["stage", "seal", "store"] as const;

export class VolumeReader {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** By id; few. */
  async all(): Promise<VolumeRow[]> {
    return (await this.#sql.all("SELECT * FROM volumes ORDER BY volume_id")).map(volumeOf);
  }
  async get(volumeId: number): Promise<VolumeRow | undefined> {
    const row = await this.#sql.get("SELECT * FROM volumes WHERE volume_id = ?", volumeId);
    return row === undefined ? undefined : volumeOf(row);
  }
  async file(sectorId: number, role: FileRole): Promise<FileRow | undefined> {
    const query = "SELECT * FROM sector_files WHERE sector_id = ? AND role = ?";
    const row = await this.#sql.get(query, sectorId, role);
    return row === undefined ? undefined : fileOf(row);
  }
  /** The files of a sector by role. */
  async filesOf(sectorId: number): Promise<ReadonlyMap<FileRole, FileRow>> {
    const rows = await this.#sql.all("SELECT * FROM sector_files WHERE sector_id = ?", sectorId);
    return new Map(rows.map(fileOf).map((file) => [file.role, file]));
  }
  /** Whose a file is. */
  async ownerOf(volumeId: number, path: string): Promise<FileRow | undefined> {
    const query = "SELECT * FROM sector_files WHERE volume_id = ? AND path = ?";
    const row = await this.#sql.get(query, volumeId, path);
    return row === undefined ? undefined : fileOf(row);
  }
  async placeOf(sectorId: number): Promise<SectorPlace | undefined> {
    const row = await this.#sql.get("SELECT * FROM sector_places WHERE sector_id = ?", sectorId);
    return row === undefined ? undefined : sectorPlaceOf(row);
  }
  /**
   * Sectors above `after`, by id, with what a sector on the chain has no more: room for a seal, or a file that only a
   * seal needs; `plain`: or a plain copy. However many sectors there are, these are few.
   */
  async passing(after: number, limit: number, plain: boolean): Promise<number[]> {
    const found = new Set<number>();
    const query = `SELECT sector_id FROM sector_places WHERE stage_bytes + seal_bytes > 0 AND sector_id > ?
      ORDER BY sector_id LIMIT ?`;
    for (const row of await this.#sql.all(query, after, limit)) found.add(int(row, "sector_id"));
    for (const role of plain ? [...passingRoles, "unsealed"] : passingRoles) {
      const filed = `SELECT sector_id FROM sector_files WHERE role = ? AND role NOT IN ('sealed', 'tree')
        AND sector_id > ? ORDER BY sector_id LIMIT ?`;
      for (const row of await this.#sql.all(filed, role, after, limit)) found.add(int(row, "sector_id"));
    }
    return [...found].sort((a, b) => a - b).slice(0, limit);
  }
  /** Sectors above `after` that have files on a volume, or are promised space there, by id. */
  async on(volumeId: number, after: number, limit: number): Promise<number[]> {
    const filed = `SELECT DISTINCT sector_id FROM sector_files WHERE volume_id = ? AND sector_id > ?
      ORDER BY sector_id LIMIT ?`;
    const rows = await this.#sql.all(filed, volumeId, after, limit);
    const found = new Set(rows.map((row) => int(row, "sector_id")));
    for (const part of placeParts) {
      const query = `SELECT sector_id FROM sector_places WHERE ${part}_volume = ? AND sector_id > ?
        ORDER BY sector_id LIMIT ?`;
      for (const row of await this.#sql.all(query, volumeId, after, limit)) found.add(int(row, "sector_id"));
    }
    return [...found].sort((a, b) => a - b).slice(0, limit);
  }
  /** Bytes and files of each role on a volume; counts rows, for people who ask. */
  async byRole(volumeId: number): Promise<{ role: FileRole; fileCount: number; sizeBytes: number }[]> {
    const query = `SELECT role, count(*) AS files, CAST(sum(size_bytes) AS BIGINT) AS bytes FROM sector_files
      WHERE volume_id = ? GROUP BY role ORDER BY role`;
    return (await this.#sql.all(query, volumeId)).map((row) => ({
      role: oneOf(fileRoles, text(row, "role")),
      fileCount: int(row, "files"),
      sizeBytes: int(row, "bytes"),
    }));
  }
  /** What the counters of a volume should say, added up anew; for tests and `storage ls --check`. */
  async recount(volumeId: number): Promise<Pick<VolumeRow, "usedBytes" | "reservedBytes" | "fileCount">> {
    const files = await this.byRole(volumeId);
    let reservedBytes = 0;
    for (const part of placeParts) {
      const query = `SELECT CAST(coalesce(sum(${part}_bytes), 0) AS BIGINT) AS bytes FROM sector_places
        WHERE ${part}_volume = ?`;
      const row = await this.#sql.get(query, volumeId);
      reservedBytes += row === undefined ? 0 : int(row, "bytes");
    }
    const sum = (pick: (file: (typeof files)[number]) => number) =>
      files.reduce((total, file) => total + pick(file), 0);
    const tenant = await this.tenant(volumeId);
    return {
      usedBytes: sum((file) => file.sizeBytes) + tenant.usedBytes,
      fileCount: sum((file) => file.fileCount) + tenant.fileCount,
      reservedBytes: reservedBytes + tenant.reservedBytes,
    };
  }
  async tenant(volumeId: number): Promise<TenantRow> {
    return (await this.tenants()).get(volumeId) ?? { reservedBytes: 0, usedBytes: 0, fileCount: 0 };
  }
  /** By volume; few. */
  async tenants(): Promise<ReadonlyMap<number, TenantRow>> {
    const rows = await this.#sql.all("SELECT * FROM tenant_shares ORDER BY volume_id");
    return new Map(
      rows.map((row) => [
        int(row, "volume_id"),
        {
          reservedBytes: int(row, "reserved_bytes"),
          usedBytes: int(row, "used_bytes"),
          fileCount: int(row, "file_count"),
        },
      ]),
    );
  }
}

export class VolumeWriter extends VolumeReader {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    super(sql);
    this.#sql = sql;
  }

  /** A new volume with an id that was never used. */
  async attach(
    volume: VolumeSettings & Pick<VolumeRow, "place" | "marker" | "attachedMs">,
    volumeId?: number,
  ): Promise<VolumeRow> {
    const row: VolumeRow = {
      ...volume,
      volumeId: volumeId ?? (await this.#nextId()),
      usedBytes: 0,
      reservedBytes: 0,
      fileCount: 0,
    };
    await this.#sql.run(
      `INSERT INTO volumes (volume_id, place, marker, roles, mode, weight, max_bytes, attached_ms, used_bytes,
        reserved_bytes, file_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`,
      row.volumeId,
      placeText(row.place),
      row.marker,
      row.roles.join(","),
      row.mode,
      row.weight,
      row.maxBytes,
      row.attachedMs,
    );
    return row;
  }
  async change(volumeId: number, settings: Partial<VolumeSettings>): Promise<VolumeRow> {
    const row = await this.get(volumeId);
    if (row === undefined) throw volumeErrors.unknownVolume({ volume: String(volumeId) });
    const next = { ...row, ...settings };
    await this.#sql.run(
      "UPDATE volumes SET roles = ?, mode = ?, weight = ?, max_bytes = ? WHERE volume_id = ?",
      next.roles.join(","),
      next.mode,
      next.weight,
      next.maxBytes,
      volumeId,
    );
    return next;
  }
  /** Where the storage's own folder is now: a repo may be moved. */
  async replace(volumeId: number, place: VolumePlace): Promise<void> {
    await this.#sql.run("UPDATE volumes SET place = ? WHERE volume_id = ?", placeText(place), volumeId);
  }
  async mark(volumeId: number, marker: string): Promise<void> {
    await this.#sql.run("UPDATE volumes SET marker = ? WHERE volume_id = ?", marker, volumeId);
  }
  /** Forgets a volume that holds nothing. */
  async detach(volumeId: number): Promise<void> {
    await this.#sql.run("DELETE FROM tenant_shares WHERE volume_id = ?", volumeId);
    await this.#sql.run("DELETE FROM volumes WHERE volume_id = ?", volumeId);
  }

  /** Records a file, in the place of what the sector had in this role. */
  async putFile(file: FileRow): Promise<void> {
    await this.dropFile(file.sectorId, file.role);
    await this.#sql.run(
      "INSERT INTO sector_files (sector_id, role, volume_id, path, size_bytes) VALUES (?, ?, ?, ?, ?)",
      file.sectorId,
      file.role,
      file.volumeId,
      file.path,
      file.sizeBytes,
    );
    await this.#count(file.volumeId, file.sizeBytes, 1);
  }
  /** Forgets a file; gives what was known of it. */
  async dropFile(sectorId: number, role: FileRole): Promise<FileRow | undefined> {
    const file = await this.file(sectorId, role);
    if (file === undefined) return undefined;
    await this.#sql.run("DELETE FROM sector_files WHERE sector_id = ? AND role = ?", sectorId, role);
    await this.#count(file.volumeId, -file.sizeBytes, -1);
    return file;
  }

  async setPlace(place: SectorPlace): Promise<void> {
    await this.dropPlace(place.sectorId);
    const { stage, seal, store } = place;
    await this.#sql.run(
      `INSERT INTO sector_places (sector_id, stage_volume, stage_bytes, seal_volume, seal_bytes, store_volume,
        store_bytes) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      place.sectorId,
      stage.volumeId,
      stage.bytes,
      seal.volumeId,
      seal.bytes,
      store.volumeId,
      store.bytes,
    );
    for (const part of placeParts) await this.#reserve(place[part].volumeId, place[part].bytes);
  }
  async dropPlace(sectorId: number): Promise<void> {
    const place = await this.placeOf(sectorId);
    if (place === undefined) return;
    await this.#sql.run("DELETE FROM sector_places WHERE sector_id = ?", sectorId);
    for (const part of placeParts) await this.#reserve(place[part].volumeId, -place[part].bytes);
  }

  async setTenant(volumeId: number, share: TenantRow): Promise<void> {
    const before = await this.tenant(volumeId);
    await this.#sql.run(
      `INSERT INTO tenant_shares (volume_id, reserved_bytes, used_bytes, file_count) VALUES (?, ?, ?, ?)
       ON CONFLICT (volume_id) DO UPDATE SET reserved_bytes = excluded.reserved_bytes,
       used_bytes = excluded.used_bytes, file_count = excluded.file_count`,
      volumeId,
      share.reservedBytes,
      share.usedBytes,
      share.fileCount,
    );
    await this.#count(volumeId, share.usedBytes - before.usedBytes, share.fileCount - before.fileCount);
    await this.#reserve(volumeId, share.reservedBytes - before.reservedBytes);
  }

  async #count(volumeId: number, bytes: number, files: number): Promise<void> {
    const update =
      "UPDATE volumes SET used_bytes = used_bytes + ?, file_count = file_count + ? WHERE volume_id = ?";
    assert((await this.#sql.run(update, bytes, files, volumeId)) === 1, `volume ${volumeId} is known`);
  }
  async #reserve(volumeId: number, bytes: number): Promise<void> {
    const update = "UPDATE volumes SET reserved_bytes = reserved_bytes + ? WHERE volume_id = ?";
    assert((await this.#sql.run(update, bytes, volumeId)) === 1, `volume ${volumeId} is known`);
  }
  async #nextId(): Promise<number> {
    const update = "UPDATE meta SET value = value + 1 WHERE name = 'last_volume_id' RETURNING value";
    const row = await this.#sql.get(update);
    assert(row !== undefined, "the meta table holds the last volume id");
    return int(row, "value");
  }
}

function volumeOf(row: Row): VolumeRow {
  const roles = text(row, "roles").split(",");
  return {
    volumeId: int(row, "volume_id"),
    place: parsePlace(text(row, "place")),
    marker: text(row, "marker"),
    roles: roles.filter((role) => role !== "").map((role) => oneOf(volumeRoles, role)),
    mode: oneOf(volumeModes, text(row, "mode")),
    weight: int(row, "weight"),
    maxBytes: row.max_bytes === null ? null : int(row, "max_bytes"),
    attachedMs: int(row, "attached_ms"),
    usedBytes: int(row, "used_bytes"),
    reservedBytes: int(row, "reserved_bytes"),
    fileCount: int(row, "file_count"),
  };
}

function fileOf(row: Row): FileRow {
  return {
    sectorId: int(row, "sector_id"),
    role: oneOf(fileRoles, text(row, "role")),
    volumeId: int(row, "volume_id"),
    path: text(row, "path"),
    sizeBytes: int(row, "size_bytes"),
  };
}

function sectorPlaceOf(row: Row): SectorPlace {
  const share = (part: (typeof placeParts)[number]): Share => ({
    volumeId: int(row, `${part}_volume`),
    bytes: int(row, `${part}_bytes`),
  });
  return {
    sectorId: int(row, "sector_id"),
    stage: share("stage"),
    seal: share("seal"),
    store: share("store"),
  };
}
