/**
 * A process that holds nothing but a storage: opened, listed, swept and, if that is wanted, audited, it says after each
 * how much memory it takes. `node bench/records-process.ts ADDRESS [audit]`, the address that of the records.
 */
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { createProver } from "@holdfast/proofs";
import { openStorage } from "@holdfast/storage";
import type { HeldAfter } from "./records-memory.ts";

const [dbPath = "", audit] = process.argv.slice(2);
const held: HeldAfter[] = [];
const say = (what: string): void => void held.push({ what, rssBytes: process.memoryUsage.rss() });
say("began");
await using storage = await openStorage({
  ...{ disk: new SimDisk(), dbPath, prover: createProver(), clock: new SimClock(), sectorBytes: 1_024 },
});
say("opened");
for (let after = 0; ; ) {
  const page = await storage.listSectors({ after, limit: 1_000 });
  if (page.length === 0) break;
  after = page.at(-1)?.sectorId ?? after;
}
say("listed");
await storage.collectGarbage();
say("swept");
if (audit !== undefined) {
  await storage.audit();
  say("audited");
}
held.push({ what: "at most", rssBytes: process.resourceUsage().maxRSS * 1_024 });
console.log(JSON.stringify(held));
