/**
 * Other queues on PostgreSQL, doing what our benchmark of records does: so many jobs with a small input are there, and
 * so many workers take and finish them, so many at a time each. `node run.mjs NAME URL SCHEMA WORKERS TOGETHER JOBS`
 * prints one line of JSON: jobs that were claimed and done in a second of the clock.
 */
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { PgBoss } from "pg-boss";

const [name, url, schema, workersText, togetherText, jobsText] = process.argv.slice(2);
const quiet = new Logger(() => () => undefined);
const [workers, together, jobs] = [workersText, togetherText, jobsText].map(Number);

/** Its workers ask for jobs, finish them, and ask again, as ours do. */
async function pgBoss() {
  const boss = new PgBoss({
    connectionString: url,
    schema,
    max: workers + 1,
    supervise: false,
    schedule: false,
  });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue("seal");
  for (let at = 0; at < jobs; at += 1_000) {
    const many = Array.from({ length: Math.min(1_000, jobs - at) }, (_, n) => ({ data: { at: at + n } }));
    await boss.insert("seal", many);
  }
  let done = 0;
  const startedMs = performance.now();
  const work = async () => {
    for (;;) {
      const taken = await boss.fetch("seal", { batchSize: together });
      if (taken.length === 0) return;
      await boss.complete(
        "seal",
        taken.map(({ id }) => id),
      );
      done += taken.length;
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  const seconds = (performance.now() - startedMs) / 1_000;
  await boss.stop({ graceful: false });
  return { done, seconds };
}

/** As its own benchmark: one process with so many jobs at a time. */
async function graphileWorker() {
  const utils = await makeWorkerUtils({ connectionString: url, schema });
  await utils.migrate();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const payloads = JSON.stringify(Array.from({ length: jobs }, (_, at) => ({ at })));
  await client.query(
    `SELECT count(${schema}.add_job('seal', value)) FROM json_array_elements($1::json) AS t (value)`,
    [payloads],
  );
  await client.end();
  let done = 0;
  const { promise: all, resolve } = Promise.withResolvers();
  const startedMs = performance.now();
  const runner = await run({
    connectionString: url,
    schema,
    concurrency: workers,
    maxPoolSize: workers + 1,
    noHandleSignals: true,
    logger: quiet,
    taskList: {
      seal: async () => {
        done += 1;
        if (done === jobs) resolve();
      },
    },
  });
  await all;
  await runner.stop(); // it waits for the last to be written down
  const seconds = (performance.now() - startedMs) / 1_000;
  await utils.release();
  return { done, seconds };
}

const { done, seconds } = name === "pg-boss" ? await pgBoss() : await graphileWorker();
console.log(JSON.stringify({ done, value: done / seconds }));
