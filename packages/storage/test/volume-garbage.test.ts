/** The collector's property over records in a file, on disks and on a bucket. */
import { afterAll } from "vitest";
import { collectorSuite } from "./collector-suite.ts";
import { inFiles, onBucket, onDisks } from "./grounds.ts";
import { scratch } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

collectorSuite("SQLite and disks", () => onDisks(inFiles(files.next)), { runs: 6, isOfRecords: true });
collectorSuite("SQLite and a bucket", () => onBucket(inFiles(files.next)), { runs: 1, isOfRecords: false });
