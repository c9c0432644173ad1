/**
 * A process that opens the pins of a database: `node --expose-gc bench/pins-process.ts DATABASE COUNT` prints how long
 * its start takes, a page of them, one by its CID, and a collection of garbage, and how large the process is.
 */
import { assert, silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { realClock } from "../packages/node/src/clock.ts";
import { openDatabase } from "../packages/node/src/database.ts";
import { openEmbedded, openPins } from "../packages/node/src/pins/index.ts";
import { median } from "./measure.ts";
import { type Measured, madeUpBlocks, rootAt } from "./pinned-roots.ts";

const [path = "", wanted = "0"] = process.argv.slice(2);
const count = Number(wanted);
const pageLength = 100;
const turns = 9;

function sizeMB(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1e6;
}
/** Median of some calls. */
function timeMs(work: () => void): number {
  const times = Array.from({ length: turns }, () => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  });
  return median(times);
}

const startedMs = performance.now();
using database = openDatabase(path);
const blocks = madeUpBlocks(count);
const needs = { blocks, database, fetch: async () => ({ get: async () => undefined }), addresses: () => [] };
await using pins = openPins({
  ...{ backend: openEmbedded(needs), database, clock: realClock(), random: new SeededRandom("pins") },
  logger: silentLogger,
});
const { counts } = await pins.status();
const startMs = performance.now() - startedMs;
assert(counts.pinned === count, "all of them are pinned");
const pageMs = timeMs(() => void pins.list({ account: "node", limit: pageLength }));
const middle = rootAt(Math.floor(count / 2)).toString();
const cidMs = timeMs(() => void pins.list({ account: "node", cids: [middle], limit: pageLength }));
const openMB = sizeMB();
const collectMs = performance.now();
const { blocks: freed } = await pins.collect(new AbortController().signal);
const collectS = (performance.now() - collectMs) / 1000;
const found: Measured = { startMs, pageMs, cidMs, collectS, freed, openMB, afterMB: sizeMB() };
console.log(JSON.stringify(found));
