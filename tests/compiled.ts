/**
 * What a file of tests has had compiled is written down when it has ended: the processes of tests are killed in the
 * end, and nothing would be left for those after them.
 */
import { flushCompileCache } from "node:module";
import { afterAll } from "vitest";

afterAll(() => flushCompileCache());
