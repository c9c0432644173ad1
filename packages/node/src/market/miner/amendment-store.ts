/**
 * Changes of deals that the miner has taken, and what it takes, in SQLite. One is here before its client hears
 * of it. "done" and "failed" say what the chain has; a reorganisation can make it "accepted" again.
 */
import { decode, encode } from "@holdfast/base";
import type { Database, Row } from "../../database.ts";
import { type Amendment, amendmentCodec, amendmentIdOf } from "../amendment.ts";
import { type DealPolicy, openPolicy } from "../policy.ts";
import { bytesOf, textOf } from "../rows.ts";

export type TakenState = "accepted" | "done" | "failed";
export interface TakenAmendment {
  readonly amendmentId: string;
  readonly amendment: Amendment;
  readonly state: TakenState;
  readonly detail: string;
}

const migrations = [
  `CREATE TABLE market_taken_amendments (
     amendment_id TEXT PRIMARY KEY, deal_id TEXT NOT NULL, amendment BLOB NOT NULL, state TEXT NOT NULL,
     detail TEXT NOT NULL
   ) STRICT;
   CREATE INDEX market_taken_amendments_deal ON market_taken_amendments (deal_id);
   CREATE TABLE market_policy (one INTEGER PRIMARY KEY CHECK (one = 1), extend INTEGER NOT NULL,
     release INTEGER NOT NULL) STRICT;
   INSERT INTO market_policy VALUES (1, 1, 1)`,
  "ALTER TABLE market_policy ADD COLUMN rules TEXT NOT NULL DEFAULT '{}'",
];

function takenOf(row: Row): TakenAmendment {
  const state = textOf(row, "state");
  return {
    amendmentId: textOf(row, "amendment_id"),
    amendment: decode(amendmentCodec, bytesOf(row, "amendment")),
    state: state === "done" || state === "failed" ? state : "accepted",
    detail: textOf(row, "detail"),
  };
}

export class AmendmentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("market_amended", migrations);
  }

  add(amendment: Amendment): void {
    this.#database.run(
      "INSERT INTO market_taken_amendments VALUES (?, ?, ?, 'accepted', ?) ON CONFLICT DO NOTHING",
      amendmentIdOf(amendment).toString(),
      amendment.dealId.toString(),
      encode(amendmentCodec, amendment),
      "accepted, and on its way to the chain",
    );
  }
  get(amendmentId: string): TakenAmendment | undefined {
    const row = this.#database.get(
      "SELECT * FROM market_taken_amendments WHERE amendment_id = ?",
      amendmentId,
    );
    return row === undefined ? undefined : takenOf(row);
  }
  /** Oldest first. */
  of(dealId: string): readonly TakenAmendment[] {
    return this.#database
      .all("SELECT * FROM market_taken_amendments WHERE deal_id = ? ORDER BY rowid", dealId)
      .map(takenOf);
  }
  set(amendmentId: string, state: TakenState, detail: string): void {
    this.#database.run(
      "UPDATE market_taken_amendments SET state = ?, detail = ? WHERE amendment_id = ?",
      state,
      detail,
      amendmentId,
    );
  }

  policy(): DealPolicy {
    const row = this.#database.get("SELECT extend, release, rules FROM market_policy");
    const rules = row === undefined ? {} : (JSON.parse(textOf(row, "rules")) as Partial<DealPolicy>);
    return { ...openPolicy, ...rules, extend: row?.extend === 1, release: row?.release === 1 };
  }
  setPolicy({ extend, release, ...rules }: DealPolicy): void {
    this.#database.run(
      "UPDATE market_policy SET extend = ?, release = ?, rules = ?",
      Number(extend),
      Number(release),
      JSON.stringify(rules),
    );
  }
}
