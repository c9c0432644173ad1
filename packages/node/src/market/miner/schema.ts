/** The tables of the miner's deals, by version; a step is never edited once it was released. */
import { tailLength } from "../rows.ts";

/** The next look of a deal that is looked at at every head. */
export const everyHead = 0;

/** What was open before ends had to be final. */
const wasOpen = `state NOT IN ('complete', 'failed') OR settled = 0 OR dropped = 0
  OR (published = 1 AND escrow_back = 0)`;
/** Still needs something, or may again; word for word that of the index, which is used only then. */
export const isOpen = "closed = 0";

export const minerSchema = [
  `CREATE TABLE market_deals (
     deal_id TEXT PRIMARY KEY, proposal BLOB NOT NULL, payload TEXT NOT NULL, payer TEXT NOT NULL,
     channel INTEGER NOT NULL, end_height INTEGER NOT NULL, state TEXT NOT NULL, code TEXT NOT NULL,
     detail TEXT NOT NULL, accepted_ms INTEGER NOT NULL, staged_height INTEGER, redeemed TEXT NOT NULL,
     redeem_try INTEGER NOT NULL, settled INTEGER NOT NULL, dropped INTEGER NOT NULL,
     published INTEGER NOT NULL, escrow_back INTEGER NOT NULL, market_try INTEGER NOT NULL,
     UNIQUE (payer, channel)
   ) STRICT;
   CREATE INDEX market_deals_payload ON market_deals (payload);
   CREATE INDEX market_deals_state ON market_deals (state, settled, dropped);
   CREATE TABLE market_deal_history (
     deal_id TEXT NOT NULL REFERENCES market_deals (deal_id), at_ms INTEGER NOT NULL, state TEXT NOT NULL,
     detail TEXT NOT NULL
   ) STRICT;
   CREATE INDEX market_deal_history_deal ON market_deal_history (deal_id)`,
  `CREATE INDEX market_deals_tail ON market_deals (substr(deal_id, -${tailLength}))`,
  `CREATE INDEX market_deals_open ON market_deals (state) WHERE ${wasOpen}`,
  "ALTER TABLE market_deals ADD COLUMN carried INTEGER NOT NULL DEFAULT 0",
  // Those that rest are found by the height of their next look; how many there are in a state is counted as they move.
  `DROP INDEX market_deals_open;
   ALTER TABLE market_deals ADD COLUMN next_look INTEGER NOT NULL DEFAULT ${everyHead};
   CREATE INDEX market_deals_look ON market_deals (next_look) WHERE ${wasOpen};
   CREATE TABLE market_deal_counts (state TEXT PRIMARY KEY, deals INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO market_deal_counts SELECT state, count(*) FROM market_deals GROUP BY state;
   CREATE TRIGGER market_deals_added AFTER INSERT ON market_deals BEGIN
     INSERT INTO market_deal_counts VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET deals = deals + 1;
   END;
   CREATE TRIGGER market_deals_moved AFTER UPDATE OF state ON market_deals WHEN NEW.state <> OLD.state BEGIN
     UPDATE market_deal_counts SET deals = deals - 1 WHERE state = OLD.state;
     INSERT INTO market_deal_counts VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET deals = deals + 1;
   END`,
  "CREATE TABLE market_seal_rounds (sector_id INTEGER PRIMARY KEY, rounds INTEGER NOT NULL) STRICT",
  // Of which size those were is not known.
  `DROP TABLE market_seal_rounds;
   CREATE TABLE market_seal_rounds (
     number INTEGER PRIMARY KEY AUTOINCREMENT, sector_id INTEGER NOT NULL UNIQUE, sector_bytes INTEGER NOT NULL,
     rounds INTEGER NOT NULL
   ) STRICT`,
  `DROP INDEX market_deals_look;
   ALTER TABLE market_deals ADD COLUMN wound_at INTEGER;
   ALTER TABLE market_deals ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
   UPDATE market_deals SET closed = 1 WHERE NOT (${wasOpen});
   CREATE INDEX market_deals_look ON market_deals (next_look) WHERE ${isOpen}`,
  // Whose those were that wait is not known.
  "ALTER TABLE market_deals ADD COLUMN client_peer TEXT NOT NULL DEFAULT ''",
];
