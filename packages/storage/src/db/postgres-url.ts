/**
 * Where a PostgreSQL database is: `postgres://user:password@host:5432/database?schema=holdfast`. Each storage has
 * a schema of its own, so that several of them share a database. The other parameters are the driver's (sslmode, …).
 */
import { storageErrors } from "../errors.ts";

export interface PostgresPlace {
  /** For the driver. */
  readonly connectionString: string;
  readonly schema: string;
  /** What the server is told beside ours; empty for nothing. The driver would take it from the URL in place of ours. */
  readonly options: string;
  /** Without the password. */
  readonly shown: string;
}

const usualSchema = "holdfast";
const schemaName = /^[a-z_][a-z0-9_]{0,39}$/;

export function isPostgresUrl(place: string): boolean {
  return /^postgres(ql)?:\/\//.test(place);
}

/** Throws storage/bad-database-url. */
export function readPostgresUrl(text: string): PostgresPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isPostgresUrl(text)) {
    throw storageErrors.badDatabaseUrl({ reason: "it is no URL that begins with postgres://" });
  }
  const schema = url.searchParams.get("schema") ?? usualSchema;
  if (!schemaName.test(schema)) {
    throw storageErrors.badDatabaseUrl({ reason: `${JSON.stringify(schema)} is no name of a schema` });
  }
  if (url.pathname.length < 2) throw storageErrors.badDatabaseUrl({ reason: "it names no database" });
  url.searchParams.delete("schema");
  const options = url.searchParams.get("options") ?? "";
  url.searchParams.delete("options");
  const connectionString = url.toString();
  if (url.password !== "") url.password = "***";
  if (url.searchParams.has("password")) url.searchParams.set("password", "***");
  return {
    connectionString,
    schema,
    options,
    shown: `${url.toString()}${url.search === "" ? "?" : "&"}schema=${schema}`,
  };
}
