/** The metadata in SQLite: the suites of all engines. */
import { afterAll } from "vitest";
import { metadataSuite } from "./metadata-suite.ts";
import { migrationSuite, migrationTroubles } from "./migration-suite.ts";
import { scratch } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

metadataSuite("metadata in SQLite", () => files.next());
migrationSuite("metadata from SQLite to SQLite", files.next, files.next);
migrationTroubles("metadata from SQLite to SQLite", files.next, files.next);
