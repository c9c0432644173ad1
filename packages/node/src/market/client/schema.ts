/** The tables of the client's half of the market, by version; a step is never edited once it was released. */
import { tailLength } from "../rows.ts";

export const clientSchema = [
  `CREATE TABLE market_jobs (
     id INTEGER PRIMARY KEY AUTOINCREMENT, cid TEXT NOT NULL, name TEXT, size_bytes INTEGER NOT NULL,
     car_bytes INTEGER NOT NULL, copies INTEGER NOT NULL, duration_epochs INTEGER NOT NULL, max_price TEXT,
     payer TEXT NOT NULL, state TEXT NOT NULL, error TEXT, started_ms INTEGER NOT NULL,
     updated_ms INTEGER NOT NULL, finished_ms INTEGER
   ) STRICT;
   CREATE TABLE market_attempts (
     id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL REFERENCES market_jobs (id),
     copy INTEGER NOT NULL, miner TEXT NOT NULL, price TEXT NOT NULL, total TEXT NOT NULL,
     sector_bytes INTEGER NOT NULL, stage TEXT NOT NULL, eol INTEGER, channel INTEGER, proposal BLOB,
     deal_id TEXT UNIQUE, start_height INTEGER, end_height INTEGER, start_by INTEGER, remote TEXT NOT NULL,
     detail TEXT NOT NULL, evidence BLOB, done_height INTEGER, error TEXT, redeemed TEXT NOT NULL,
     refunded TEXT, fund_try INTEGER NOT NULL, extend_try INTEGER NOT NULL, cancel_try INTEGER NOT NULL,
     reclaim_try INTEGER NOT NULL, collateral TEXT NOT NULL, escrow TEXT NOT NULL,
     deposit_try INTEGER NOT NULL, market_try INTEGER NOT NULL, created_ms INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX market_attempts_job ON market_attempts (job_id);
   CREATE TABLE market_history (
     attempt_id INTEGER NOT NULL REFERENCES market_attempts (id), at_ms INTEGER NOT NULL,
     state TEXT NOT NULL, detail TEXT NOT NULL
   ) STRICT;
   CREATE INDEX market_history_attempt ON market_history (attempt_id);
   CREATE TABLE market_pieces (
     cid TEXT NOT NULL, sector_bytes INTEGER NOT NULL, pieces BLOB NOT NULL, PRIMARY KEY (cid, sector_bytes)
   ) STRICT`,
  `ALTER TABLE market_jobs ADD COLUMN key TEXT;
   CREATE UNIQUE INDEX market_jobs_key ON market_jobs (key) WHERE key IS NOT NULL`,
  `CREATE TABLE market_gone_channels (
     attempt_id INTEGER NOT NULL REFERENCES market_attempts (id), channel INTEGER NOT NULL,
     height INTEGER NOT NULL, tries INTEGER NOT NULL, PRIMARY KEY (attempt_id, channel)
   ) STRICT`,
  "ALTER TABLE market_attempts ADD COLUMN provider_collateral TEXT NOT NULL DEFAULT '0'",
  `ALTER TABLE market_jobs ADD COLUMN encrypted INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE market_jobs ADD COLUMN spread TEXT NOT NULL DEFAULT 'miners';
   ALTER TABLE market_jobs ADD COLUMN renew INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE market_jobs ADD COLUMN repair INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE market_jobs ADD COLUMN term_limit TEXT;
   ALTER TABLE market_attempts ADD COLUMN duration_epochs INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE market_attempts ADD COLUMN retired INTEGER;
   UPDATE market_attempts SET duration_epochs =
     (SELECT duration_epochs FROM market_jobs WHERE market_jobs.id = market_attempts.job_id);
   CREATE INDEX market_jobs_kept ON market_jobs (state) WHERE renew = 1 OR repair = 1`,
  "ALTER TABLE market_jobs ADD COLUMN allow_duplicates INTEGER NOT NULL DEFAULT 0",
  `CREATE INDEX market_attempts_tail ON market_attempts (substr(deal_id, -${tailLength}));
   CREATE INDEX market_jobs_cid ON market_jobs (cid)`,
  "ALTER TABLE market_jobs ADD COLUMN delivery TEXT NOT NULL DEFAULT 'stream'",
  // Attempts are counted as they move, those with a deal alone.
  `CREATE INDEX market_jobs_running ON market_jobs (id) WHERE state = 'running';
   CREATE INDEX market_jobs_kept_page ON market_jobs (id) WHERE renew = 1 OR repair = 1;
   CREATE TABLE market_attempt_counts (
     stage TEXT NOT NULL, is_back INTEGER NOT NULL, attempts INTEGER NOT NULL, PRIMARY KEY (stage, is_back)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO market_attempt_counts
     SELECT stage, refunded IS NOT NULL, count(*) FROM market_attempts WHERE deal_id IS NOT NULL GROUP BY 1, 2;
   CREATE TRIGGER market_attempts_added AFTER INSERT ON market_attempts WHEN NEW.deal_id IS NOT NULL BEGIN
     INSERT INTO market_attempt_counts VALUES (NEW.stage, NEW.refunded IS NOT NULL, 1)
       ON CONFLICT (stage, is_back) DO UPDATE SET attempts = attempts + 1;
   END;
   CREATE TRIGGER market_attempts_moved AFTER UPDATE OF stage, refunded, deal_id ON market_attempts BEGIN
     UPDATE market_attempt_counts SET attempts = attempts - 1
       WHERE OLD.deal_id IS NOT NULL AND stage = OLD.stage AND is_back = (OLD.refunded IS NOT NULL);
     INSERT INTO market_attempt_counts
       SELECT NEW.stage, NEW.refunded IS NOT NULL, 1 WHERE NEW.deal_id IS NOT NULL
       ON CONFLICT (stage, is_back) DO UPDATE SET attempts = attempts + 1;
   END`,
  `CREATE TABLE market_returned_collaterals (
     attempt_id INTEGER PRIMARY KEY REFERENCES market_attempts (id), height INTEGER NOT NULL
   ) STRICT`,
];
