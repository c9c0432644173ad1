/** The word that moves a miner's records. */
import type { CommandSpec } from "../command.ts";

export const recordsCommands: readonly CommandSpec[] = [
  {
    path: ["storage", "migrate"],
    summary: "Move the records of sectors and jobs to PostgreSQL or back, while the miner works",
    about:
      "Both sides are read and what differs is mended until little does; then changes wait while the last rows are " +
      "mended and every row is compared once more. The configuration follows, and the database that was left refuses to be " +
      "opened. Then the jobs go, those too that run; workers of the node's folder follow them, and one with `--db` has to be " +
      "started with the new database. Who leaves it leaves it to the node: the same command again waits for the rest, and " +
      "takes along what could not follow.",
    examples: [
      "holdfast storage migrate 'postgres://holdfast@db.example/holdfast?schema=miner1' --node miner-1",
      "holdfast storage migrate files --node miner-1",
    ],
    args: [{ name: "to", summary: "postgres://USER:PASSWORD@HOST:5432/DATABASE?schema=NAME, or files" }],
    action: async () => (await import("../actions/records.ts")).recordsMigrate,
  },
];
