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
  const client = await clientOf(url);
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

async function clientOf(url: string): Promise<pg.Client> {
  const address = new URL(url);
  address.searchParams.delete("schema");
  const client = new pg.Client({ connectionString: address.toString() });
  client.on("error", () => undefined);
  await client.connect();
  await client.query(`SET search_path = ${schemaOf(url)}`);
  return client;
}

/** The server ends all our sessions of a schema, as when it is restarted. */
export async function cutConnections(url: string): Promise<void> {
  const cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
  await inPostgres(url, (client) => client.query(cut, [`holdfast ${schemaOf(url)}`]));
}

/** The time of a queue whose `url` this is, as SQL for its `clock`. */
export function serverTimeOf(url: string): string {
  return `(SELECT ms FROM ${schemaOf(url)}_time.now)`;
}

/** The address of a schema that does not exist yet, with a time beside it that stands still but for these. */
export async function serverTime() {
  const url = freshUrl();
  const schema = schemaOf(url);
  const client = await clientOf(url);
  const run = async (sql: string, ...values: number[]) => void (await client.query(sql, values));
  await run(`CREATE SCHEMA ${schema}`);
  await run(`CREATE SCHEMA ${schema}_time`);
  await run(`CREATE TABLE ${schema}_time.now (ms BIGINT NOT NULL)`);
  await run(`INSERT INTO ${schema}_time.now VALUES (1735689600000)`);
  return {
    url,
    addMs: (ms: number) => run(`UPDATE ${schema}_time.now SET ms = ms + $1`, ms),
    setMs: (ms: number) => run(`UPDATE ${schema}_time.now SET ms = $1`, ms),
    async forget() {
      await run(`DROP SCHEMA ${schema}, ${schema}_time CASCADE`);
      await client.end();
    },
  };
}
