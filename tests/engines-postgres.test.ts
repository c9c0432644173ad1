/** A miner's engine and two workers over a queue in PostgreSQL, in virtual time: run by tools/with-postgres.ts. */
import { describe } from "vitest";
import { World } from "../packages/storage/test/jobs/runner-world.ts";
import { enginesSuite } from "./engines-suite.ts";

describe.runIf(process.env.HOLDFAST_TEST_POSTGRES !== undefined)("with a server", () => {
  enginesSuite("PostgreSQL", World.onServer, Number(process.env.HOLDFAST_ENGINE_RUNS ?? 6));
});
