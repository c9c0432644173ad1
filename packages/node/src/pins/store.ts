/** The tables of pins, of who may ask for them, and of the services that this node asks. */
import { parseCid, toHex } from "@holdfast/base";
import type { Database, Row, SqlValue } from "../database.ts";
import type { PinSize } from "./backend.ts";
import type { PinFilter, PinPage, PinState, PinView, TextMatch } from "./types.ts";

export interface Access {
  readonly name: string;
  readonly maxBytes: number | undefined;
  readonly createdMs: number;
}

export interface Service {
  readonly name: string;
  readonly url: string;
  readonly token: string;
}

/** Why a try failed and when the next one is; no time: never by itself. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryMs: number | undefined;
}

export interface PinStore {
  insert(pin: PinView): void;
  /** The root leaves, unless somebody else wants it. */
  remove(pin: Pick<PinView, "id" | "cid">): void;
  /** Roots that the back end has not given up yet. */
  leaving(most: number): readonly string[];
  left(cid: string): void;
  find(id: string): PinView | undefined;
  page(filter: PinFilter): PinPage;
  /** The next that is due, of none that is shut: by priority, then of who has none under way, then the oldest. */
  due(nowMs: number, running: ReadonlySet<string>, shut: readonly string[]): PinView | undefined;
  /** When something is due or over next. */
  nextMs(): number | undefined;
  expired(nowMs: number, most: number): readonly PinView[];
  started(id: string, attempts: number): void;
  pinned(id: string, size: PinSize): void;
  /** Without another try the root leaves. */
  failed(pin: Pick<PinView, "id" | "cid">, failure: Failure): void;
  queued(id: string): void;
  /** What was under way when the node stopped waits again. */
  resume(): void;
  /** Whether anybody wants this root; whose pin failed for good does not. */
  isWanted(cid: string): boolean;
  waiting(): number;
  bytesOf(account: string): number;
  counts(): { readonly [State in PinState]: number };
  /** Newest creation of an account: no two of one account are of one instant. */
  newestMs(account: string): number | undefined;
  access: {
    insert(access: Access, tokenHash: Uint8Array): void;
    find(tokenHash: Uint8Array): Access | undefined;
    named(name: string): Access | undefined;
    remove(name: string): void;
    all(): readonly Access[];
  };
  services: {
    insert(service: Service): void;
    named(name: string): Service | undefined;
    remove(name: string): void;
    all(): readonly Service[];
  };
}

const tables: readonly string[] = [
  `CREATE TABLE pins (
     id TEXT PRIMARY KEY, account TEXT NOT NULL, cid TEXT NOT NULL, root TEXT NOT NULL, name TEXT,
     origins TEXT NOT NULL, meta TEXT NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL,
     created_ms INTEGER NOT NULL, expires_ms INTEGER, max_bytes INTEGER, blocks INTEGER NOT NULL,
     bytes INTEGER NOT NULL, attempts INTEGER NOT NULL, retry_ms INTEGER, error_code TEXT, error_text TEXT
   ) STRICT;
   CREATE INDEX pins_by_account ON pins (account, created_ms);
   CREATE INDEX pins_by_root ON pins (root);
   CREATE INDEX pins_by_time ON pins (created_ms);
   CREATE INDEX pins_due ON pins (priority DESC, created_ms) WHERE state = 'queued';
   CREATE INDEX pins_by_retry ON pins (retry_ms) WHERE state = 'queued';
   CREATE INDEX pins_by_end ON pins (expires_ms) WHERE expires_ms IS NOT NULL;
   CREATE TABLE pins_leaving (root TEXT PRIMARY KEY, cid TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE pins_access (
     name TEXT PRIMARY KEY, token_hash BLOB NOT NULL UNIQUE, max_bytes INTEGER, created_ms INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE pins_services (name TEXT PRIMARY KEY, url TEXT NOT NULL, token TEXT NOT NULL) STRICT;
   CREATE TABLE pins_counts (state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO pins_counts VALUES ('queued', 0), ('pinning', 0), ('pinned', 0), ('failed', 0);
   CREATE TRIGGER pins_inserted AFTER INSERT ON pins BEGIN
     UPDATE pins_counts SET n = n + 1 WHERE state = new.state;
   END;
   CREATE TRIGGER pins_deleted AFTER DELETE ON pins BEGIN
     UPDATE pins_counts SET n = n - 1 WHERE state = old.state;
   END;
   CREATE TRIGGER pins_changed AFTER UPDATE OF state ON pins WHEN old.state <> new.state BEGIN
     UPDATE pins_counts SET n = n - 1 WHERE state = old.state;
     UPDATE pins_counts SET n = n + 1 WHERE state = new.state;
   END;`,
  `CREATE TABLE pins_accounts (account TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO pins_accounts SELECT account, sum(bytes) FROM pins WHERE bytes <> 0 GROUP BY account;
   CREATE TRIGGER pins_came AFTER INSERT ON pins WHEN new.bytes <> 0 BEGIN
     INSERT INTO pins_accounts VALUES (new.account, new.bytes)
       ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
   END;
   CREATE TRIGGER pins_grew AFTER UPDATE OF bytes ON pins WHEN old.bytes <> new.bytes BEGIN
     INSERT INTO pins_accounts VALUES (new.account, new.bytes - old.bytes)
       ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
   END;
   CREATE TRIGGER pins_went AFTER DELETE ON pins WHEN old.bytes <> 0 BEGIN
     UPDATE pins_accounts SET bytes = bytes - old.bytes WHERE account = old.account;
     DELETE FROM pins_accounts WHERE account = old.account AND bytes = 0;
   END;`,
  // A start looks for these, and would read all there are.
  "CREATE INDEX pins_under_way ON pins (state) WHERE state = 'pinning';",
  `CREATE TABLE pins_numbers (
     account TEXT NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (account, state)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO pins_numbers SELECT account, state, count(*) FROM pins GROUP BY account, state;
   CREATE TRIGGER pins_numbered AFTER INSERT ON pins BEGIN
     INSERT INTO pins_numbers VALUES (new.account, new.state, 1)
       ON CONFLICT (account, state) DO UPDATE SET n = n + 1;
   END;
   CREATE TRIGGER pins_unnumbered AFTER DELETE ON pins BEGIN
     UPDATE pins_numbers SET n = n - 1 WHERE account = old.account AND state = old.state;
     DELETE FROM pins_numbers WHERE account = old.account AND state = old.state AND n = 0;
   END;
   CREATE TRIGGER pins_renumbered AFTER UPDATE OF state ON pins WHEN old.state <> new.state BEGIN
     UPDATE pins_numbers SET n = n - 1 WHERE account = old.account AND state = old.state;
     DELETE FROM pins_numbers WHERE account = old.account AND state = old.state AND n = 0;
     INSERT INTO pins_numbers VALUES (new.account, new.state, 1)
       ON CONFLICT (account, state) DO UPDATE SET n = n + 1;
   END;`,
];

const orNull = <Value extends SqlValue>(value: Value | undefined): Value | null => value ?? null;
const numberOr = (value: SqlValue | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Number(value);
const textOr = (value: SqlValue | undefined): string | undefined =>
  value === null || value === undefined ? undefined : String(value);

/** Both versions of a CID name one root. */
export const rootOf = (cid: string): string => toHex(parseCid(cid).toV1().bytes);

const viewOf = (row: Row): PinView => ({
  id: String(row.id),
  account: String(row.account),
  cid: String(row.cid),
  name: textOr(row.name),
  origins: JSON.parse(String(row.origins)),
  meta: JSON.parse(String(row.meta)),
  state: String(row.state) as PinState,
  priority: Number(row.priority),
  createdMs: Number(row.created_ms),
  expiresMs: numberOr(row.expires_ms),
  maxBytes: numberOr(row.max_bytes),
  blocks: Number(row.blocks),
  bytes: Number(row.bytes),
  attempts: Number(row.attempts),
  retryMs: numberOr(row.retry_ms),
  error:
    row.error_code === null ? undefined : { code: String(row.error_code), message: String(row.error_text) },
});

const accessOf = (row: Row): Access => ({
  name: String(row.name),
  maxBytes: numberOr(row.max_bytes),
  createdMs: Number(row.created_ms),
});
const serviceOf = (row: Row): Service => ({
  name: String(row.name),
  url: String(row.url),
  token: String(row.token),
});

export function openPinStore(database: Database): PinStore {
  database.migrate("pins", tables);
  const leave = (cid: string): void =>
    database.run("INSERT INTO pins_leaving VALUES (?, ?) ON CONFLICT DO NOTHING", rootOf(cid), cid);
  return {
    ...wishesOf(database, leave),
    ...queueOf(database, leave),
    access: accessStore(database),
    services: serviceStore(database),
  };
}

const selected = (database: Database, sql: string, ...values: readonly SqlValue[]): PinView[] =>
  database.all(sql, ...values).map(viewOf);

type Wishes =
  | "insert"
  | "remove"
  | "leaving"
  | "left"
  | "find"
  | "page"
  | "isWanted"
  | "waiting"
  | "bytesOf"
  | "counts"
  | "newestMs";

function wishesOf(database: Database, leave: (cid: string) => void): Pick<PinStore, Wishes> {
  return {
    insert: (pin) => insertPin(database, pin),
    remove: ({ id, cid }) =>
      database.transaction(() => {
        database.run("DELETE FROM pins WHERE id = ?", id);
        leave(cid);
      }),
    leaving: (most) =>
      database.all("SELECT cid FROM pins_leaving LIMIT ?", most).map((row) => String(row.cid)),
    left: (cid) => database.run("DELETE FROM pins_leaving WHERE root = ?", rootOf(cid)),
    find: (id) => selected(database, "SELECT * FROM pins WHERE id = ?", id)[0],
    page(filter) {
      const { where, values } = conditionOf(filter);
      // Numbers that are kept say how many of an account there are in a state; whoever wants less has them counted.
      const counted = isPlain(filter) ? "sum(n) AS n FROM pins_numbers" : "count(*) AS n FROM pins";
      const count = Number(database.get(`SELECT ${counted} ${where}`, ...values)?.n ?? 0);
      const order = "ORDER BY created_ms DESC, id LIMIT ?";
      return {
        count,
        pins: selected(database, `SELECT * FROM pins ${where} ${order}`, ...values, filter.limit),
      };
    },
    isWanted: (cid) =>
      database.get("SELECT 1 AS one FROM pins WHERE root = ? AND state <> 'failed' LIMIT 1", rootOf(cid)) !==
      undefined,
    waiting: () =>
      Number(
        database.get("SELECT sum(n) AS n FROM pins_counts WHERE state IN ('queued', 'pinning')")?.n ?? 0,
      ),
    bytesOf: (account) =>
      Number(database.get("SELECT bytes FROM pins_accounts WHERE account = ?", account)?.bytes ?? 0),
    counts() {
      const counts = { queued: 0, pinning: 0, pinned: 0, failed: 0 };
      for (const { state, n } of database.all("SELECT * FROM pins_counts"))
        counts[String(state) as PinState] = Number(n);
      return counts;
    },
    newestMs: (account) =>
      numberOr(database.get("SELECT max(created_ms) AS ms FROM pins WHERE account = ?", account)?.ms),
  };
}

function queueOf(
  database: Database,
  leave: (cid: string) => void,
): Omit<PinStore, Wishes | "access" | "services"> {
  return {
    due(nowMs, running, shut) {
      const busy = [...running];
      const free = busy.length === 0 ? "" : `AND account NOT IN (${busy.map(() => "?").join(", ")})`;
      const first = (condition: string, ...values: readonly SqlValue[]): PinView | undefined =>
        selected(
          database,
          `SELECT * FROM pins WHERE state = 'queued' AND (retry_ms IS NULL OR retry_ms <= ?)
           AND account NOT IN (SELECT value FROM json_each(?)) ${condition}
           ORDER BY priority DESC, created_ms LIMIT 1`,
          nowMs,
          JSON.stringify(shut),
          ...values,
        )[0];
      const best = first("");
      if (best === undefined || !running.has(best.account)) return best;
      // Of the same priority, one of somebody who has none under way.
      return first(`AND priority = ? ${free}`, best.priority, ...busy) ?? best;
    },
    nextMs() {
      const retry = database.get(
        "SELECT min(retry_ms) AS ms FROM pins WHERE state = 'queued' AND retry_ms IS NOT NULL",
      );
      const end = database.get("SELECT min(expires_ms) AS ms FROM pins WHERE expires_ms IS NOT NULL");
      const times = [numberOr(retry?.ms), numberOr(end?.ms)].filter((ms) => ms !== undefined);
      return times.length === 0 ? undefined : Math.min(...times);
    },
    expired: (nowMs, most) =>
      selected(database, "SELECT * FROM pins WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?", nowMs, most),
    started: (id, attempts) =>
      database.run("UPDATE pins SET state = 'pinning', attempts = ? WHERE id = ?", attempts, id),
    pinned: (id, { blocks, bytes }) =>
      database.run(
        `UPDATE pins SET state = 'pinned', blocks = ?, bytes = ?, retry_ms = NULL, error_code = NULL,
         error_text = NULL WHERE id = ?`,
        ...[blocks, bytes, id],
      ),
    failed: ({ id, cid }, { code, message, retryMs }) =>
      database.transaction(() => {
        const state = retryMs === undefined ? "failed" : "queued";
        database.run(
          "UPDATE pins SET state = ?, retry_ms = ?, error_code = ?, error_text = ? WHERE id = ?",
          ...[state, orNull(retryMs), code, message, id],
        );
        if (retryMs === undefined) leave(cid);
      }),
    queued: (id) =>
      database.run("UPDATE pins SET state = 'queued', attempts = 0, retry_ms = NULL WHERE id = ?", id),
    resume: () => database.run("UPDATE pins SET state = 'queued' WHERE state = 'pinning'"),
  };
}

function insertPin(database: Database, pin: PinView): void {
  database.run(
    `INSERT INTO pins VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)`,
    pin.id,
    pin.account,
    pin.cid,
    rootOf(pin.cid),
    orNull(pin.name),
    JSON.stringify(pin.origins),
    JSON.stringify(pin.meta),
    pin.state,
    pin.priority,
    pin.createdMs,
    orNull(pin.expiresMs),
    orNull(pin.maxBytes),
    pin.blocks,
    pin.bytes,
    pin.attempts,
    orNull(pin.retryMs),
  );
}

function accessStore(database: Database): PinStore["access"] {
  const one = (sql: string, value: SqlValue): Access | undefined => {
    const row = database.get(sql, value);
    return row && accessOf(row);
  };
  return {
    insert: ({ name, maxBytes, createdMs }, tokenHash) =>
      database.run(
        "INSERT INTO pins_access VALUES (?, ?, ?, ?)",
        ...[name, tokenHash, orNull(maxBytes), createdMs],
      ),
    find: (tokenHash) => one("SELECT * FROM pins_access WHERE token_hash = ?", tokenHash),
    named: (name) => one("SELECT * FROM pins_access WHERE name = ?", name),
    remove: (name) => database.run("DELETE FROM pins_access WHERE name = ?", name),
    all: () => database.all("SELECT * FROM pins_access ORDER BY name").map(accessOf),
  };
}

function serviceStore(database: Database): PinStore["services"] {
  return {
    insert: ({ name, url, token }) =>
      database.run("INSERT INTO pins_services VALUES (?, ?, ?)", name, url, token),
    named(name) {
      const row = database.get("SELECT * FROM pins_services WHERE name = ?", name);
      return row && serviceOf(row);
    },
    remove: (name) => database.run("DELETE FROM pins_services WHERE name = ?", name),
    all: () => database.all("SELECT * FROM pins_services ORDER BY name").map(serviceOf),
  };
}

/** SQL of a text condition; `instr` and `lower` know no wildcards. */
const textSql: { readonly [Match in TextMatch]: string } = {
  exact: "name = ?",
  iexact: "lower(name) = lower(?)",
  partial: "instr(name, ?) > 0",
  ipartial: "instr(lower(name), lower(?)) > 0",
};

/** It asks for an account and for states alone. */
const isPlain = ({ cids = [], name, beforeMs, afterMs, meta = {} }: PinFilter): boolean =>
  cids.length === 0 &&
  [name, beforeMs, afterMs].every((one) => one === undefined) &&
  Object.keys(meta).length === 0;

function conditionOf(filter: PinFilter): { readonly where: string; readonly values: readonly SqlValue[] } {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (sql: string, ...more: readonly SqlValue[]): void => {
    parts.push(sql);
    values.push(...more);
  };
  const among = (column: string, list: readonly string[]): void =>
    add(`${column} IN (${list.map(() => "?").join(", ")})`, ...list);
  const roots = (filter.cids ?? []).map(rootOf);
  // A plus keeps an index out of use: an account has the order that is wanted, and a million rows; a root has few.
  if (filter.account !== undefined) add(roots.length > 0 ? "+account = ?" : "account = ?", filter.account);
  if (roots.length > 0) among("root", roots);
  if (filter.name !== undefined) add(textSql[filter.match ?? "exact"], filter.name);
  if (filter.states !== undefined && filter.states.length > 0) among("state", filter.states);
  if (filter.beforeMs !== undefined) add("created_ms < ?", filter.beforeMs);
  if (filter.afterMs !== undefined) add("created_ms > ?", filter.afterMs);
  for (const [key, value] of Object.entries(filter.meta ?? {}))
    add(`EXISTS (SELECT 1 FROM json_each(meta) AS pair WHERE pair.key = ? AND pair.value = ?)`, key, value);
  return { where: parts.length === 0 ? "" : `WHERE ${parts.join(" AND ")}`, values };
}
