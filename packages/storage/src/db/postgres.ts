/**
 * PostgreSQL for several machines. Statements are prepared once for each connection; transactions run at READ
 * COMMITTED, so what has to be alone takes a lock on a row. A session that stands still within a transaction is
 * ended by the server: a process that hangs holds nobody up for long.
 */
import { assert, type Cancel } from "@holdfast/base";
import type { ClientConfig, Pool, PoolClient, QueryResult } from "pg";
import { storageErrors } from "../errors.ts";
import { asPostgresError, isConnectionLost } from "./postgres-errors.ts";
import { PostgresListener } from "./postgres-listener.ts";
import { type PostgresPlace, readPostgresUrl } from "./postgres-url.ts";
import { Answers, type SilenceListener } from "./silence.ts";
import type { Db, Ddl, DdlWords, Row, Sql, SqlValue } from "./types.ts";

/** Connections of one process to one place; more work waits. */
const mostConnections = 8;
/** How long we wait, and how long the server lets us hold a lock without a word. */
const timeouts = { connectMs: 10_000, answerMs: 60_000, lockMs: 30_000, standingMs: 15_000 } as const;
/** Statements that are prepared by name on each connection. */
const mostPrepared = 512;

const words: DdlWords = {
  bytes: "BYTEA",
  text: 'TEXT COLLATE "C"',
  int: "BIGINT",
  real: "DOUBLE PRECISION",
  strict: "",
  byKey: "",
};

/**
 * Connects to the database and makes the schema where it is missing.
 * Throws storage/bad-database-url, database-unreachable, foreign-database.
 */
export async function openPostgres(url: string): Promise<Db> {
  const place = readPostgresUrl(url);
  const { default: pg } = await import("pg"); // not loaded by nodes that never need it
  const config: ClientConfig = {
    connectionString: place.connectionString,
    application_name: `holdfast ${place.schema}`,
    connectionTimeoutMillis: timeouts.connectMs,
    query_timeout: timeouts.answerMs,
    keepAlive: true,
    options: [
      place.options, // ours come last and count
      `-c search_path=${place.schema}`,
      `-c lock_timeout=${timeouts.lockMs}`,
      `-c idle_in_transaction_session_timeout=${timeouts.standingMs}`,
      "-c timezone=UTC",
    ].join(" "),
    types: { getTypeParser: parserOf },
  };
  const pool = new pg.Pool({ ...config, max: mostConnections, allowExitOnIdle: true });
  pool.on("error", () => undefined); // a connection that nobody uses was lost: the next one is new
  pool.on("connect", (client) => client.on("error", () => undefined)); // its statement fails, which is enough
  const answers = new Answers();
  const connect = async () => {
    const client = new pg.Client(config);
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  const db = new PostgresDb(place, { pool, answers, listener: new PostgresListener(connect, answers) });
  try {
    await db.makeSchema();
    return db;
  } catch (error) {
    await db[Symbol.asyncDispose]();
    throw error;
  }
}

/** Object ids of types (pg_type.dat). */
const oids = { int8: 20, bytea: 17 } as const;

function parserOf(oid: number): (value: string) => SqlValue {
  if (oid === oids.int8) return integer;
  if (oid === oids.bytea) return (value) => new Uint8Array(Buffer.from(value.slice(2), "hex"));
  return numberTypes.has(oid) ? Number : (value) => value;
}
/** int2, int4, float4, float8. */
const numberTypes: ReadonlySet<number> = new Set([21, 23, 700, 701]);

function integer(value: string): number {
  const found = Number(value);
  assert(Number.isSafeInteger(found), "a whole number fits into 53 bits");
  return found;
}

interface PostgresWays {
  readonly pool: Pool;
  readonly listener: PostgresListener;
  readonly answers: Answers;
}

class PostgresDb implements Db {
  readonly engine = "postgres";
  readonly place: string;
  readonly #schema: string;
  readonly #pool: Pool;
  readonly #listener: PostgresListener;
  readonly #answers: Answers;
  readonly #statements = new Map<string, { readonly text: string; readonly name: string | undefined }>();
  #end: Promise<void> | undefined;

  constructor(place: PostgresPlace, ways: PostgresWays) {
    this.place = place.shown;
    this.#schema = place.schema;
    this.#pool = ways.pool;
    this.#listener = ways.listener;
    this.#answers = ways.answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end ??= (async () => {
      await this.#listener[Symbol.asyncDispose]();
      await this.#pool.end();
    })();
    await this.#end;
  }

  async all(text: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return (await this.#alone(text, values)).rows;
  }
  async get(text: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.all(text, ...values))[0];
  }
  async run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    return (await this.#alone(text, values)).rowCount ?? 0;
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await this.#client();
    const sql = new ClientSql(client, this.place, (text, values) => this.#statement(text, values));
    try {
      await sql.raw("BEGIN");
      const result = await work(sql);
      const { command } = await sql.raw("COMMIT");
      assert(command === "COMMIT", "a statement of the transaction failed, and nobody was told");
      this.#answers.answered();
      return result;
    } catch (error) {
      if (!sql.isLost) await sql.raw("ROLLBACK").catch(() => undefined);
      throw error;
    } finally {
      sql.end();
      client.release(sql.isLost);
    }
  }

  async migrate(room: string, steps: readonly Ddl[]): Promise<void> {
    const known = steps.length;
    await this.transaction(async (sql) => {
      await this.#lockSchema(sql);
      const row = await sql.get("SELECT version FROM versions WHERE room = ?", room);
      const found = Number(row?.version ?? 0);
      if (found > known) throw storageErrors.schemaTooNew({ dbPath: this.place, found, known });
      if (found === known) return;
      for (const step of steps.slice(found)) await (sql as ClientSql).raw(step(words));
      await sql.run(
        "INSERT INTO versions VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET version = excluded.version",
        room,
        known,
      );
    });
  }

  async notify(sql: Sql, channel: string, word = ""): Promise<void> {
    await sql.all("SELECT pg_notify(?, ?)", this.#channel(channel), word);
  }

  listen(channel: string, wake: (word?: string) => void, signal: Cancel): void {
    this.#listener.listen(this.#channel(channel), wake, signal);
  }

  onSilence(told: SilenceListener, signal: Cancel): void {
    this.#answers.listen(told, signal);
  }

  /** The schema with its table of versions; another program's schema is refused and not touched. */
  async makeSchema(): Promise<void> {
    await this.transaction(async (sql) => {
      await this.#lockSchema(sql);
      const tables = await sql.all(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = ?",
        this.#schema,
      );
      if (tables.some((row) => row.table_name === "versions")) return;
      if (tables.length > 0) throw storageErrors.foreignDatabase({ dbPath: this.place });
      const raw = sql as ClientSql;
      await raw.raw(`CREATE SCHEMA IF NOT EXISTS ${this.#schema}`);
      await raw.raw(`CREATE TABLE versions (room ${words.text} PRIMARY KEY, version BIGINT NOT NULL)`);
    });
  }

  /** Held to the end of the transaction: whoever makes tables is alone. */
  async #lockSchema(sql: Sql): Promise<void> {
    await sql.all("SELECT pg_advisory_xact_lock(hashtext(?))", `holdfast ${this.#schema}`);
  }

  /** Channels are the database's, so that the schema is part of their names. */
  #channel(name: string): string {
    return `${this.#schema}.${name}`;
  }

  async #client(): Promise<PoolClient> {
    if (this.#end !== undefined) throw storageErrors.closed({});
    try {
      return await this.#pool.connect();
    } catch (error) {
      // A connection that breaks is no silence: what follows is whether there is another.
      this.#answers.failed(error);
      throw asPostgresError(this.place, error);
    }
  }

  async #alone(text: string, values: readonly SqlValue[]): Promise<QueryResult<Row>> {
    const client = await this.#client();
    let lost = false;
    try {
      const result = await client.query<Row>(this.#statement(text, values));
      this.#answers.answered();
      return result;
    } catch (error) {
      lost = isConnectionLost(error);
      throw asPostgresError(this.place, error);
    } finally {
      client.release(lost);
    }
  }

  /** The text with `$1` for `?`, under a name by which it is prepared once. */
  #statement(text: string, values: readonly SqlValue[]) {
    let known = this.#statements.get(text);
    if (known === undefined) {
      let count = 0;
      const own = text.replaceAll("?", () => `$${++count}`);
      const name = this.#statements.size < mostPrepared ? `hf${this.#statements.size}` : undefined;
      known = { text: own, name };
      if (name !== undefined) this.#statements.set(text, known);
    }
    const { text: own, name } = known;
    return { text: own, values: [...values], ...(name === undefined ? {} : { name }) };
  }
}

type MakeStatement = (text: string, values: readonly SqlValue[]) => { text: string; values: SqlValue[] };

class ClientSql implements Sql {
  readonly #client: PoolClient;
  readonly #place: string;
  readonly #statement: MakeStatement;
  #hasEnded = false;
  #isLost = false;

  constructor(client: PoolClient, place: string, statement: MakeStatement) {
    this.#client = client;
    this.#place = place;
    this.#statement = statement;
  }

  /** Whether the connection can be used no more. */
  get isLost(): boolean {
    return this.#isLost;
  }
  async all(text: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return (await this.raw(this.#statement(text, values))).rows;
  }
  async get(text: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.all(text, ...values))[0];
  }
  async run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    return (await this.raw(this.#statement(text, values))).rowCount ?? 0;
  }
  async raw(statement: string | { text: string; values: SqlValue[] }): Promise<QueryResult<Row>> {
    assert(!this.#hasEnded, "a statement belongs to a transaction that has not ended");
    try {
      return await this.#client.query<Row>(statement);
    } catch (error) {
      if (isConnectionLost(error)) this.#isLost = true;
      throw asPostgresError(this.#place, error);
    }
  }
  end(): void {
    this.#hasEnded = true;
  }
}
