/** The metadata in SQLite: the suite of all engines. */
import { afterAll } from "vitest";
import { metadataSuite } from "./metadata-suite.ts";
import { scratch } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

metadataSuite("metadata in SQLite", () => files.next());
