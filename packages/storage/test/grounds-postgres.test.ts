/** What holds over records in a file, over those on a PostgreSQL server: on disks and on a bucket. */
import { describe } from "vitest";
import { collectorSuite } from "./collector-suite.ts";
import { onBucket, onDisks, onServer } from "./grounds.ts";
import { choresSuite } from "./jobs/chores-suite.ts";
import { postgresUrl } from "./postgres.ts";

describe.runIf(postgresUrl !== undefined)("with a server", () => {
  collectorSuite("PostgreSQL and disks", () => onDisks(onServer), { runs: 3, isOfRecords: true });
  collectorSuite("PostgreSQL and a bucket", () => onBucket(onServer), { runs: 1, isOfRecords: false });
  choresSuite("PostgreSQL and disks", () => onDisks(onServer));
  choresSuite("PostgreSQL and a bucket", () => onBucket(onServer));
});
