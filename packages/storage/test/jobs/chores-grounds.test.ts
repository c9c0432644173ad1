/** Chores over records in a file, on disks and on a bucket. */
import { afterAll } from "vitest";
import { inFiles, onBucket, onDisks } from "../grounds.ts";
import { scratch } from "../support.ts";
import { choresSuite } from "./chores-suite.ts";

const files = scratch();
afterAll(() => files.remove());

choresSuite("SQLite and disks", () => onDisks(inFiles(files.next)));
choresSuite("SQLite and a bucket", () => onBucket(inFiles(files.next)));
