/**
 * The relations of a storage behind one port: SQLite on one machine, PostgreSQL for several. Stores write the
 * subset of SQL that both engines read alike, with `?` for values; one suite of tests runs on both.
 */
import type { Cancel } from "@holdfast/base";
import type { SilenceListener } from "./silence.ts";

export type SqlValue = string | number | null | Uint8Array;
/** Whole numbers come as numbers (an integer above 2^53 is refused), bytes as plain Uint8Arrays. */
export type Row = Readonly<Record<string, SqlValue>>;

export interface Sql {
  all(text: string, ...values: readonly SqlValue[]): Promise<Row[]>;
  /** The first row. */
  get(text: string, ...values: readonly SqlValue[]): Promise<Row | undefined>;
  /** The number of rows that changed. */
  run(text: string, ...values: readonly SqlValue[]): Promise<number>;
}

export type Engine = "sqlite" | "postgres";

/** Statements of the port itself are transactions of their own and see only what is committed. */
export interface Db extends Sql, AsyncDisposable {
  readonly engine: Engine;
  /** The path or the URL without its password: for people. */
  readonly place: string;
  /**
   * All changes of `work` or none. `work` awaits nothing but its own statements: on SQLite all others wait for it.
   * PostgreSQL runs several at a time, each statement of which sees what is committed when it starts.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Brings the tables of a room to the version `steps.length`; each step runs once, whoever comes first.
   * Throws storage/schema-too-new.
   */
  migrate(room: string, steps: readonly Ddl[]): Promise<void>;
  /** Tells whoever listens to the channel, in every process; in a transaction: when it commits. */
  notify(sql: Sql, channel: string, word?: string): Promise<void>;
  /**
   * Calls `wake` with the word of each notification, and without one whenever some may have been missed; until the
   * signal aborts. SQLite tells of this process alone.
   */
  listen(channel: string, wake: (word?: string) => void, signal: Cancel): void;
  /** Tells when it does not answer and when it does again, until the signal aborts. A file always answers. */
  onSilence(told: SilenceListener, signal: Cancel): void;
}

/** One step of a schema in the words of an engine. */
export type Ddl = (words: DdlWords) => string;

export interface DdlWords {
  /** The type of bytes. */
  readonly bytes: string;
  /** A text that is compared by its UTF-8 bytes. */
  readonly text: string;
  /** A whole number of 64 bits. */
  readonly int: string;
  readonly real: string;
  /** After the columns of a table: types are enforced. */
  readonly strict: string;
  /** After the columns of a table that is stored by its primary key. */
  readonly byKey: string;
}
