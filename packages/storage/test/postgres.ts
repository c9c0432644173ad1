/** The PostgreSQL server of the tests, if there is one: `node tools/with-postgres.ts npx vitest run …`. */
import { randomUUID } from "node:crypto";
import pg from "pg";

/** Undefined where there is none: then tests of PostgreSQL are left out. */
export const postgresUrl = process.env.HOLDFAST_TEST_POSTGRES;

if (postgresUrl === undefined) {
  console.log(
    "no HOLDFAST_TEST_POSTGRES: tests of PostgreSQL are left out (tools/with-postgres.ts runs them)",
  );
}

/** The address of a schema that does not exist yet. */
export function freshUrl(): string {
  const schema = `t_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
  return `${postgresUrl}&schema=${schema}`;
}

export function schemaOf(url: string): string {
  return new URL(url).searchParams.get("schema") ?? "";
}

/** Runs statements as another program would. */
export async function inPostgres<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const address = new URL(url);
  address.searchParams.delete("schema");
  const client = new pg.Client({ connectionString: address.toString() });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query(`SET search_path = ${schemaOf(url)}`);
    return await run(client);
  } finally {
    await client.end();
  }
}

/** The server ends all our sessions of a schema, as when it is restarted. */
export async function cutConnections(url: string): Promise<void> {
  const cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
  await inPostgres(url, (client) => client.query(cut, [`holdfast ${schemaOf(url)}`]));
}
