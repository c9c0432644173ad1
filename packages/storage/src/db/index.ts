/** The relations of a storage: one port, SQLite behind it. */
export { asStoreError, openSqlite } from "./sqlite.ts";
export { Turns } from "./turns.ts";
export type { Db, Ddl, DdlWords, Engine, Row, Sql, SqlValue } from "./types.ts";
