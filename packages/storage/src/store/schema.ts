/**
 * The tables of sectors: their layout, pieces, events, cursors. All SQL of the package is in its stores.
 * Invariant: a row is written after the files that it speaks of are durable, and deleted before they
 * are, so that a crash leaves orphan files and never a row without its bytes.
 * The checks repeat the state machine's promises, so that no code path can store half a sector.
 */
import type { Ddl } from "../db/index.ts";
import { sectorStates } from "../sectors/states.ts";
import { passingSchema, tenantSchema, volumeSchema } from "./volume-schema.ts";

const states = sectorStates.map((state) => `'${state}'`).join(", ");

/** One entry per schema version, applied in order; an entry is never edited once it was released. */
export const storageSchema: readonly Ddl[] = [
  ({ text, int, bytes, strict, byKey }) => `
  CREATE TABLE meta (
    name ${text} PRIMARY KEY,
    value ${int} NOT NULL
  ) ${byKey};
  INSERT INTO meta (name, value) VALUES ('generation', 0), ('last_sector_id', 0), ('last_event', 0);

  CREATE TABLE sectors (
    sector_id ${int} PRIMARY KEY,
    sector_bytes ${int} NOT NULL CHECK (sector_bytes > 0),
    origin ${text} NOT NULL CHECK (origin IN ('pieces', 'capacity', 'presealed')),
    state ${text} NOT NULL CHECK (state IN (${states})),
    attempt ${int} NOT NULL,
    opened_ms ${int} NOT NULL,
    changed_ms ${int} NOT NULL,
    ticket_epoch ${int},
    ticket ${bytes} CHECK (length(ticket) = 32),
    network_id ${bytes} CHECK (length(network_id) = 32),
    miner ${text},
    comm_d ${bytes} CHECK (length(comm_d) = 32),
    comm_r ${bytes} CHECK (length(comm_r) = 32),
    comm_r_star ${bytes} CHECK (length(comm_r_star) = 32),
    seed ${bytes} CHECK (length(seed) = 32),
    failed_in ${text} CHECK (failed_in IN ('sealing', 'proving')),
    failure_code ${text},
    failure_message ${text},
    CHECK (state NOT IN ('sealing', 'sealed', 'proving', 'proved', 'committed', 'faulty') OR
      (ticket_epoch IS NOT NULL AND ticket IS NOT NULL AND network_id IS NOT NULL AND miner IS NOT NULL)),
    CHECK (state NOT IN ('sealed', 'proving', 'proved', 'committed', 'faulty') OR
      (comm_d IS NOT NULL AND comm_r IS NOT NULL AND comm_r_star IS NOT NULL)),
    CHECK (state NOT IN ('proving', 'proved') OR seed IS NOT NULL),
    CHECK ((state = 'failed') = (failed_in IS NOT NULL))
  ) ${strict};
  CREATE INDEX sectors_by_state ON sectors (state, sector_id);

  -- How many sectors are in each state, kept by the same transactions: nobody counts rows.
  CREATE TABLE sector_totals (
    sector_bytes ${int} NOT NULL,
    state ${text} NOT NULL CHECK (state IN (${states})),
    sector_count ${int} NOT NULL CHECK (sector_count >= 0),
    PRIMARY KEY (sector_bytes, state)
  ) ${byKey};

  CREATE TABLE pieces (
    piece_key ${text} PRIMARY KEY,
    stage ${text} NOT NULL CHECK (stage IN ('writing', 'kept')),
    added_ms ${int} NOT NULL
  ) ${byKey};
  CREATE INDEX pieces_being_written ON pieces (piece_key) WHERE stage = 'writing';

  CREATE TABLE sector_pieces (
    sector_id ${int} NOT NULL REFERENCES sectors (sector_id),
    offset_padded_bytes ${int} NOT NULL CHECK (offset_padded_bytes % padded_bytes = 0),
    comm_p ${bytes} NOT NULL CHECK (length(comm_p) = 32),
    padded_bytes ${int} NOT NULL CHECK (padded_bytes >= 128),
    user_bytes ${int} NOT NULL CHECK (user_bytes > 0 AND user_bytes <= padded_bytes / 128 * 127),
    piece_key ${text} UNIQUE REFERENCES pieces (piece_key) ON DELETE SET NULL,
    PRIMARY KEY (sector_id, offset_padded_bytes)
  ) ${byKey};

  CREATE TABLE seal_events (
    cursor ${int} PRIMARY KEY,
    sector_id ${int} NOT NULL REFERENCES sectors (sector_id),
    from_state ${text} CHECK (from_state IN (${states})),
    to_state ${text} NOT NULL CHECK (to_state IN (${states})),
    reason ${text},
    at_ms ${int} NOT NULL
  ) ${strict};

  CREATE TABLE event_cursors (
    consumer ${text} PRIMARY KEY,
    cursor ${int} NOT NULL
  ) ${byKey};
  `,
  volumeSchema,
  tenantSchema,
  passingSchema,
  // Of a piece that is being written: so many bytes from its start are on the disk for good.
  ({ int }) =>
    `ALTER TABLE pieces ADD COLUMN durable_bytes ${int} NOT NULL DEFAULT 0 CHECK (durable_bytes >= 0);`,
];
