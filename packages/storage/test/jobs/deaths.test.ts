/** Workers that are lost at each operation of their disk, over the queue in a file. */
import { openSqliteJobs } from "@holdfast/storage";
import { afterAll } from "vitest";
import { scratch } from "../support.ts";
import { deathsSuite, realTime } from "./deaths-suite.ts";
import { onBucket, onSimDisk } from "./deaths-worlds.ts";

const files = scratch();
afterAll(() => files.remove());

const inFile = async () => {
  const options = { dbPath: files.next(), clock: realTime, pollMs: 5 };
  return { queue: openSqliteJobs(options), other: openSqliteJobs(options) };
};

deathsSuite("SQLite and a disk", onSimDisk(inFile));
deathsSuite("SQLite and a bucket", onBucket(inFile));
