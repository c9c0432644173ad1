/**
 * Changes of deals that this client has asked for, in SQLite: what the next step needs is here before the step is
 * taken. Amounts are texts.
 */
import type { AttoFil } from "@holdfast/base";
import type { Database, Row } from "../../database.ts";
import { type AmendmentKind, amendmentKinds } from "../amendment.ts";
import { amountOf, bytesOrNull, numberOf, textOf, textOrNull } from "../rows.ts";

/**
 * asking: the miner is asked, nothing has moved · paying: it would take the change, and the money goes where it must
 * be · proposing: the money is there, the miner is asked again · accepted: the miner brings it onto the chain · done:
 * the chain has it · failed: it came to nothing, see `code`; what was paid in comes back.
 */
export const changeStates = ["asking", "paying", "proposing", "accepted", "done", "failed"] as const;
export type ChangeState = (typeof changeStates)[number];

export interface Change {
  readonly id: number;
  readonly attemptId: number;
  readonly kind: AmendmentKind;
  /** A repeat with the same key is the same change. */
  readonly key: string | null;
  readonly state: ChangeState;
  /** The end, the price in all and this side's collateral as they will be. */
  readonly endHeight: number;
  readonly total: AttoFil;
  readonly collateral: AttoFil;
  readonly validUntil: number;
  /** The signed change as it is sent. */
  readonly amendment: Uint8Array | null;
  /** Why it failed; empty otherwise. */
  readonly code: string;
  readonly detail: string;
  /** What the market was given for it beyond the deal's collateral; back when it failed. */
  readonly deposited: AttoFil;
  /** Messages that failed; part of the messages' keys. */
  readonly tries: number;
}
export type ChangePatch = Partial<
  Pick<Change, "state" | "amendment" | "code" | "detail" | "deposited" | "tries">
>;

const migrations = [
  `CREATE TABLE market_changes (
     id INTEGER PRIMARY KEY AUTOINCREMENT, attempt_id INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT UNIQUE,
     state TEXT NOT NULL, end_height INTEGER NOT NULL, total TEXT NOT NULL, collateral TEXT NOT NULL,
     valid_until INTEGER NOT NULL, amendment BLOB, code TEXT NOT NULL, detail TEXT NOT NULL,
     deposited TEXT NOT NULL, tries INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX market_changes_attempt ON market_changes (attempt_id)`,
];

function changeOf(row: Row): Change {
  const [kind, state] = [textOf(row, "kind"), textOf(row, "state")];
  return {
    id: numberOf(row, "id"),
    attemptId: numberOf(row, "attempt_id"),
    kind: amendmentKinds.find((known) => known === kind) ?? "extend",
    key: textOrNull(row, "key"),
    state: changeStates.find((known) => known === state) ?? "failed",
    endHeight: numberOf(row, "end_height"),
    total: amountOf(row, "total"),
    collateral: amountOf(row, "collateral"),
    validUntil: numberOf(row, "valid_until"),
    amendment: bytesOrNull(row, "amendment"),
    code: textOf(row, "code"),
    detail: textOf(row, "detail"),
    deposited: amountOf(row, "deposited"),
    tries: numberOf(row, "tries"),
  };
}

export class ChangeStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("market_changes", migrations);
  }

  add(
    given: Pick<
      Change,
      "attemptId" | "kind" | "key" | "endHeight" | "total" | "collateral" | "validUntil" | "detail"
    >,
  ): number {
    const row = this.#database.get(
      `INSERT INTO market_changes (attempt_id, kind, key, state, end_height, total, collateral, valid_until,
         code, detail, deposited, tries) VALUES (?, ?, ?, 'asking', ?, ?, ?, ?, '', ?, '0', 0) RETURNING id`,
      given.attemptId,
      given.kind,
      given.key,
      given.endHeight,
      given.total.toString(),
      given.collateral.toString(),
      given.validUntil,
      given.detail,
    );
    return row === undefined ? 0 : numberOf(row, "id");
  }
  get(id: number): Change | undefined {
    const row = this.#database.get("SELECT * FROM market_changes WHERE id = ?", id);
    return row === undefined ? undefined : changeOf(row);
  }
  byKey(key: string): Change | undefined {
    const row = this.#database.get("SELECT * FROM market_changes WHERE key = ?", key);
    return row === undefined ? undefined : changeOf(row);
  }
  /** Oldest first. */
  of(attemptId: number): readonly Change[] {
    return this.#database
      .all("SELECT * FROM market_changes WHERE attempt_id = ? ORDER BY id", attemptId)
      .map(changeOf);
  }
  /** Those that are under way, and failed ones whose deposit is not back or which could be used since this height. */
  open(sinceHeight: number): readonly Change[] {
    return this.#database
      .all(
        `SELECT * FROM market_changes WHERE state NOT IN ('done', 'failed') OR (state = 'failed'
           AND (deposited <> '0' OR (amendment IS NOT NULL AND valid_until >= ?))) ORDER BY id`,
        sinceHeight,
      )
      .map(changeOf);
  }
  update(id: number, patch: ChangePatch): void {
    const { state, amendment, code, detail, deposited, tries } = patch;
    this.#database.run(
      `UPDATE market_changes SET state = coalesce(?, state), amendment = coalesce(?, amendment),
         code = coalesce(?, code), detail = coalesce(?, detail), deposited = coalesce(?, deposited),
         tries = coalesce(?, tries) WHERE id = ?`,
      state ?? null,
      amendment ?? null,
      code ?? null,
      detail ?? null,
      deposited?.toString() ?? null,
      tries ?? null,
      id,
    );
  }
}
