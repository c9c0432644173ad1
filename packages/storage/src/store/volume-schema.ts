/**
 * The tables of volumes: where each file of a sector lies, how large it is, and what is promised to sectors that are
 * still growing. What a volume holds and has promised is added up by the same transactions, so nobody walks a disk or
 * counts rows to know it.
 */
import type { Ddl } from "../db/index.ts";
import { fileRoles } from "../sectors/roles.ts";

const roles = fileRoles.map((role) => `'${role}'`).join(", ");

export const volumeSchema: Ddl = ({ text, int, strict, byKey }) => `
  CREATE TABLE volumes (
    volume_id ${int} PRIMARY KEY,
    place ${text} NOT NULL UNIQUE,
    marker ${text} NOT NULL,
    roles ${text} NOT NULL,
    mode ${text} NOT NULL CHECK (mode IN ('open', 'read-only', 'draining')),
    weight ${int} NOT NULL CHECK (weight >= 0),
    max_bytes ${int} CHECK (max_bytes >= 0),
    attached_ms ${int} NOT NULL,
    used_bytes ${int} NOT NULL CHECK (used_bytes >= 0),
    reserved_bytes ${int} NOT NULL CHECK (reserved_bytes >= 0),
    file_count ${int} NOT NULL CHECK (file_count >= 0)
  ) ${strict};
  INSERT INTO meta (name, value) VALUES ('last_volume_id', 0);

  CREATE TABLE sector_files (
    sector_id ${int} NOT NULL REFERENCES sectors (sector_id),
    role ${text} NOT NULL CHECK (role IN (${roles})),
    volume_id ${int} NOT NULL REFERENCES volumes (volume_id),
    path ${text} NOT NULL,
    size_bytes ${int} NOT NULL CHECK (size_bytes >= 0),
    PRIMARY KEY (sector_id, role)
  ) ${byKey};
  CREATE UNIQUE INDEX sector_files_by_path ON sector_files (volume_id, path);
  CREATE INDEX sector_files_by_volume ON sector_files (volume_id, sector_id);

  -- Where a sector's files go, and what they may take there at most.
  CREATE TABLE sector_places (
    sector_id ${int} PRIMARY KEY REFERENCES sectors (sector_id),
    stage_volume ${int} NOT NULL REFERENCES volumes (volume_id),
    stage_bytes ${int} NOT NULL CHECK (stage_bytes >= 0),
    seal_volume ${int} NOT NULL REFERENCES volumes (volume_id),
    seal_bytes ${int} NOT NULL CHECK (seal_bytes >= 0),
    store_volume ${int} NOT NULL REFERENCES volumes (volume_id),
    store_bytes ${int} NOT NULL CHECK (store_bytes >= 0)
  ) ${strict};
  CREATE INDEX sector_places_by_stage ON sector_places (stage_volume);
  CREATE INDEX sector_places_by_seal ON sector_places (seal_volume);
  CREATE INDEX sector_places_by_store ON sector_places (store_volume);
`;

/** What idle space has on each volume: part of what the volume holds and has promised. */
export const tenantSchema: Ddl = ({ int, strict }) => `
  CREATE TABLE tenant_shares (
    volume_id ${int} PRIMARY KEY REFERENCES volumes (volume_id),
    reserved_bytes ${int} NOT NULL CHECK (reserved_bytes >= used_bytes),
    used_bytes ${int} NOT NULL CHECK (used_bytes >= 0),
    file_count ${int} NOT NULL CHECK (file_count >= 0)
  ) ${strict};
`;

/** What sectors have only on their way onto the chain: what a start looks for among a million that are there. */
export const passingSchema: Ddl = () => `
  CREATE INDEX sector_places_passing ON sector_places (sector_id) WHERE stage_bytes + seal_bytes > 0;
  CREATE INDEX sector_files_passing ON sector_files (role, sector_id) WHERE role NOT IN ('sealed', 'tree');
`;
