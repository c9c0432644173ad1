/** Jobs that go from one queue in SQLite to another; beside a server postgres-queue.test.ts has the other ways. */
import { SimClock } from "@holdfast/base/testing";
import { openSqliteJobs } from "@holdfast/storage";
import { afterAll } from "vitest";
import { scratch } from "../support.ts";
import { carrySuite } from "./carry-suite.ts";

const files = scratch();
afterAll(() => files.remove());

const newPlace = () => {
  const options = { dbPath: files.next(), clock: new SimClock() };
  return async () => openSqliteJobs(options);
};

carrySuite("jobs from SQLite to SQLite", newPlace, newPlace);
