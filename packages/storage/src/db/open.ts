/** A database by its address: a URL of PostgreSQL, or the path of an SQLite file. */
import { openPostgres } from "./postgres.ts";
import { isPostgresUrl } from "./postgres-url.ts";
import { openSqlite } from "./sqlite.ts";
import type { Db } from "./types.ts";

/** Throws what `openSqlite` and `openPostgres` throw. */
export async function openDb(address: string): Promise<Db> {
  return isPostgresUrl(address) ? await openPostgres(address) : await openSqlite(address);
}
