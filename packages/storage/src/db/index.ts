/** The relations of a storage: one port, SQLite and PostgreSQL behind it. */
export { isConstraintViolated } from "./constraint.ts";
export { openDb } from "./open.ts";
export { openPostgres } from "./postgres.ts";
export { closedState } from "./postgres-errors.ts";
export { isPostgresUrl, readPostgresUrl } from "./postgres-url.ts";
export { type Silence, type SilenceListener, SilenceWatch } from "./silence.ts";
export { asStoreError, openSqlite } from "./sqlite.ts";
export { SwitchDb } from "./switch.ts";
export { Turns } from "./turns.ts";
export type { Db, Ddl, DdlWords, Engine, Row, Sql, SqlValue } from "./types.ts";
